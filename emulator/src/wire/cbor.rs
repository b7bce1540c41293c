//! The bodies of Smithy RPC v2 CBOR, the protocol in which the SDK for Rust calls CloudWatch (facts §6.1).

use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

/// The tag of a point in time in epoch seconds.
const EPOCH: u64 = 1;

/// Members that are lists of points in time; JSON does not tell them from numbers.
const TIMES: &str = "Timestamps";

/// Reads a body; an empty one is an empty structure.
pub(super) fn read(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let value: Cbor = ciborium::from_reader(body).map_err(|error| error.to_string())?;
    json_of(value)
}

/// Writes a body.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A Vec takes every byte.
    let _ = ciborium::into_writer(&cbor_of(value, false), &mut bytes);
    bytes
}

fn json_of(value: Cbor) -> Result<Value, String> {
    Ok(match value {
        Cbor::Integer(number) => i64::try_from(number)
            .map(Value::from)
            .map_err(|_| "a number is too large".to_owned())?,
        Cbor::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Null => Value::Null,
        Cbor::Tag(EPOCH, inner) => json_of(*inner)?,
        Cbor::Array(items) => Value::Array(items.into_iter().map(json_of).collect::<Result<_, _>>()?),
        Cbor::Map(members) => {
            let members = members.into_iter().map(|(name, value)| match name {
                Cbor::Text(name) => Ok((name, json_of(value)?)),
                _ => Err("the name of a member is no text".to_owned()),
            });
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        _ => return Err("a value has a type that no member takes".to_owned()),
    })
}

fn cbor_of(value: &Value, time: bool) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) => {
            let whole = number.as_i64().map(|number| Cbor::Integer(number.into()));
            let number = whole.unwrap_or_else(|| Cbor::Float(number.as_f64().unwrap_or_default()));
            if time {
                Cbor::Tag(EPOCH, Box::new(number))
            } else {
                number
            }
        }
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| cbor_of(item, time)).collect()),
        Value::Object(members) => {
            let members = members.iter();
            Cbor::Map(
                members
                    .map(|(name, value)| (Cbor::Text(name.clone()), cbor_of(value, name == TIMES)))
                    .collect(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_read_as_it_was_written() {
        let body = json!({"a": [1, 2.5, "x", true, null], "Timestamps": [1_700_000_000], "m": {}});
        assert_eq!(read(&write(&body)).unwrap(), body);
        assert_eq!(read(b"").unwrap(), json!({}));
    }

    #[test]
    fn points_in_time_carry_their_tag() {
        let written: Cbor = ciborium::from_reader(write(&json!({"Timestamps": [7]})).as_slice()).unwrap();
        let tagged = Cbor::Tag(EPOCH, Box::new(Cbor::Integer(7.into())));
        let expected = Cbor::Map(vec![(Cbor::Text(TIMES.to_owned()), Cbor::Array(vec![tagged]))]);
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_no_cbor_is_refused() {
        assert!(read(&[0xff]).is_err());
        assert!(read(&[0xa1, 0x01, 0x02]).is_err());
    }
}
