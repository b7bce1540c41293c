//! The shapes of requests: what members there are and what each takes (facts §0.2).

mod configuration;
mod members;
pub(crate) mod requests;
mod shape;

use serde_json::Value;

use super::error::{ErrorCode, ServiceError};

pub(crate) use shape::{Letters, Member, Shape, optional, required};

/// Holds a request against its shape.
///
/// A wrong JSON type is a `SerializationException`; a missing or unknown member or a value out of its limits is an
/// `InvalidArgumentException`. Both name the member by its path.
pub(crate) fn check(shape: &Shape, value: &Value, path: &str) -> Result<(), ServiceError> {
    match shape {
        Shape::Text { min, max, of } => check_text(value, path, *min, *max, of),
        Shape::Choice(choices) => {
            let text = text(value, path)?;
            if choices.contains(&text) {
                Ok(())
            } else {
                Err(ServiceError::argument(format!(
                    "{path} is {text:?}; it must be one of {}",
                    choices.join(", ")
                )))
            }
        }
        Shape::Whole { min, max } => {
            let number = value.as_i64().ok_or_else(|| wrong_type(path, "a whole number"))?;
            within(path, "", number, *min, *max)
        }
        Shape::Flag => value
            .as_bool()
            .map(|_| ())
            .ok_or_else(|| wrong_type(path, "true or false")),
        Shape::Time => value
            .as_f64()
            .map(|_| ())
            .ok_or_else(|| wrong_type(path, "epoch seconds")),
        Shape::List { min, max, of } => {
            let items = value.as_array().ok_or_else(|| wrong_type(path, "a list"))?;
            within(path, " items", length(items.len()), length(*min), length(*max))?;
            items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| check(of, item, &format!("{path}[{index}]")))
        }
        Shape::Properties => check_properties(value, path),
        Shape::Fields(members) => check_fields(members, value, path),
        Shape::Refused(why) => Err(ServiceError::unsupported(format!("{path}: {why}"))),
    }
}

fn check_fields(members: &[Member], value: &Value, path: &str) -> Result<(), ServiceError> {
    let fields = value
        .as_object()
        .ok_or_else(|| wrong_type(if path.is_empty() { "the request" } else { path }, "an object"))?;
    let at = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    for name in fields.keys() {
        if !members.iter().any(|member| member.name == name) {
            return Err(ServiceError::argument(format!(
                "{} is not a member of the request",
                at(name)
            )));
        }
    }
    for member in members {
        match fields.get(member.name) {
            None | Some(Value::Null) if member.required => {
                return Err(ServiceError::argument(format!("{} is required", at(member.name))));
            }
            None | Some(Value::Null) => {}
            Some(value) => check(member.shape, value, &at(member.name))?,
        }
    }
    Ok(())
}

fn check_properties(value: &Value, path: &str) -> Result<(), ServiceError> {
    let entries = value.as_object().ok_or_else(|| wrong_type(path, "an object"))?;
    within(path, " entries", length(entries.len()), 1, 50)?;
    for (key, value) in entries {
        within(
            &format!("a key of {path}"),
            " characters",
            length(key.chars().count()),
            1,
            2048,
        )?;
        check_text(value, &format!("{path}.{key}"), 1, 2048, &Letters::Any)?;
    }
    Ok(())
}

fn check_text(value: &Value, path: &str, min: usize, max: usize, letters: &Letters) -> Result<(), ServiceError> {
    let text = text(value, path)?;
    within(
        path,
        " characters",
        length(text.chars().count()),
        length(min),
        length(max),
    )?;
    let name = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    let token = |letter: char| letter.is_ascii_alphanumeric() || "-_+/=".contains(letter);
    let (fits, wanted) = match letters {
        Letters::Any => (true, ""),
        Letters::Name => (text.chars().all(name), "letters, digits, and the characters _ . -"),
        Letters::Token => (text.chars().all(token), "letters, digits, and the characters - _ + / ="),
        Letters::Arn => (text.starts_with("arn:"), "an ARN, which starts with arn:"),
        Letters::Clock => (minutes_of_day(text).is_some(), "a time of day as HH:MM"),
    };
    if fits {
        Ok(())
    } else {
        Err(ServiceError::argument(format!(
            "{path} is {text:?}; it must be {wanted}"
        )))
    }
}

/// The minute of the day of `HH:MM`.
pub(crate) fn minutes_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 || !text.chars().all(|letter| letter.is_ascii_digit() || letter == ':') {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn text<'a>(value: &'a Value, path: &str) -> Result<&'a str, ServiceError> {
    value.as_str().ok_or_else(|| wrong_type(path, "a string"))
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn within(path: &str, unit: &str, value: i64, min: i64, max: i64) -> Result<(), ServiceError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else if max == i64::MAX {
        Err(ServiceError::argument(format!(
            "{path} has or is {value}{unit}; it must be at least {min}"
        )))
    } else {
        Err(ServiceError::argument(format!(
            "{path} has or is {value}{unit}; it must be {min} to {max}"
        )))
    }
}

fn wrong_type(path: &str, wanted: &str) -> ServiceError {
    ServiceError::new(ErrorCode::Serialization, format!("{path} must be {wanted}"))
}
