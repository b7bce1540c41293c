//! What server-side apply makes of a status that one manager writes, and what the schema says of it.

use serde_json::Value;

/// The status after an apply: the manager owned every leaf of the one before, so what is not applied again is gone, and
/// null is what remains of a struct that was applied empty after its members were owned.
pub(super) fn applied(before: &Value, given: Value) -> Value {
    match (before, given) {
        (Value::Object(owned), Value::Object(given)) if given.is_empty() && !owned.is_empty() => Value::Null,
        (Value::Object(owned), Value::Object(mut given)) => {
            for (name, value) in &mut given {
                *value = applied(owned.get(name).unwrap_or(&Value::Null), value.take());
            }
            Value::Object(given)
        }
        // A list of the status is written as a whole, or its items are told apart by a key that never changes.
        (_, given) => given,
    }
}

/// What the schema says against a status: no member may be null.
pub(super) fn invalid(path: &str, status: &Value) -> Option<String> {
    let path = format!("{path}{}", null_in(status)?);
    Some(format!(
        "{path}: Invalid value: \"null\": {path} in body must be of type object: \"null\""
    ))
}

/// The way to the first null in a value.
fn null_in(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Object(members) => {
            let mut members = members.iter();
            members.find_map(|(name, value)| Some(format!(".{name}{}", null_in(value)?)))
        }
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(place, value)| Some(format!("[{place}]{}", null_in(value)?)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What `tests/end_to_end/behaviour/status.rs` finds on the real API server.
    #[test]
    fn a_struct_whose_members_were_owned_and_that_is_applied_empty_is_refused() {
        let set = json!({"health": {"restartLoop": {"revision": "a"}}});
        let emptied = json!({"health": {}});
        let refusal = invalid("status", &applied(&set, emptied.clone()));
        assert!(refusal.is_some_and(|refusal| refusal.starts_with("status.health: Invalid value: \"null\"")));
        assert_eq!(invalid("status", &applied(&emptied, emptied.clone())), None);
        assert_eq!(applied(&json!({}), emptied.clone()), emptied);
        assert_eq!(applied(&set, json!({"message": "m"})), json!({"message": "m"}));
    }
}
