//! The values of a script, each with an error that names its key.

use std::time::Duration;

use serde_yaml::{Mapping, Value};

use super::{Checkpoints, Failing, Main, ScriptError, StateUse, Then, Vertex, parse_duration};

fn invalid(message: String) -> ScriptError {
    ScriptError::Invalid(message)
}

pub(super) fn known(mapping: &Mapping, path: &str, keys: &[&str]) -> Result<(), ScriptError> {
    for key in mapping.keys() {
        let name = key.as_str().unwrap_or("a key that is not a string");
        if !keys.contains(&name) {
            return Err(invalid(format!(
                "the key {path}{name} is not known; known are {}",
                keys.join(", ")
            )));
        }
    }
    Ok(())
}

pub(super) fn parse_main(value: &Value) -> Result<Main, ScriptError> {
    match value {
        Value::String(word) if word == "ok" => Ok(Main::Ok),
        Value::Mapping(mapping) => {
            known(mapping, "main.", &["throws"])?;
            let text = mapping.get("throws").and_then(Value::as_str);
            text.map(|text| Main::Throws(text.to_owned()))
                .ok_or_else(|| invalid("main.throws must be the text of an exception".to_owned()))
        }
        _ => Err(invalid("main must be ok or {throws: \"...\"}".to_owned())),
    }
}

pub(super) fn parse_then(value: &Value) -> Result<Then, ScriptError> {
    match value {
        Value::String(word) if word == "healthy" => Ok(Then::Healthy),
        Value::Mapping(mapping) if mapping.contains_key("failsEvery") => parse_failing(mapping).map(Then::Fails),
        Value::Mapping(mapping) => {
            known(mapping, "then.", &["endsAfter"])?;
            optional_span(mapping, "then.", "endsAfter")?
                .map(Then::EndsAfter)
                .ok_or_else(|| invalid("then.endsAfter or then.failsEvery is required".to_owned()))
        }
        _ => Err(invalid(
            "then must be healthy, {endsAfter: 30s} or {failsEvery: 5s}".to_owned(),
        )),
    }
}

fn parse_failing(mapping: &Mapping) -> Result<Failing, ScriptError> {
    known(mapping, "then.", &["failsEvery", "after", "times", "exception"])?;
    let every = optional_span(mapping, "then.", "failsEvery")?.filter(|every| !every.is_zero());
    let times = mapping.get("times").map(|times| {
        let count = times.as_u64().filter(|count| *count > 0);
        count.ok_or_else(|| invalid("then.times must be a whole number above zero".to_owned()))
    });
    let exception = mapping.get("exception").map(|text| {
        let text = text.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        text.ok_or_else(|| invalid("then.exception must be the text of an exception".to_owned()))
    });
    Ok(Failing {
        every: every.ok_or_else(|| invalid("then.failsEvery must be longer than nothing".to_owned()))?,
        after: optional_span(mapping, "then.", "after")?.unwrap_or_default(),
        times: times.transpose()?,
        exception: exception
            .transpose()?
            .unwrap_or_else(|| "java.lang.RuntimeException: the job script says so".to_owned()),
    })
}

pub(super) fn parse_checkpoints(value: &Value) -> Result<Checkpoints, ScriptError> {
    let mapping = value
        .as_mapping()
        .ok_or_else(|| invalid("checkpoints must be a mapping such as {every: 10s}".to_owned()))?;
    known(mapping, "checkpoints.", &["every", "fail"])?;
    let every = optional_span(mapping, "checkpoints.", "every")?;
    if every.is_some_and(|every| every.is_zero()) {
        return Err(invalid("checkpoints.every must be longer than nothing".to_owned()));
    }
    Ok(Checkpoints {
        every,
        fail: flag(mapping, "checkpoints.", "fail")?,
    })
}

pub(super) fn parse_state(value: &Value) -> Result<StateUse, ScriptError> {
    let mapping = value
        .as_mapping()
        .ok_or_else(|| invalid("state must be a mapping such as {ignored: true}".to_owned()))?;
    known(mapping, "state.", &["incompatibleWith", "ignored"])?;
    let patterns = mapping.get("incompatibleWith").map(|patterns| {
        let items = patterns.as_sequence()?.iter();
        items.map(|item| item.as_str().map(str::to_owned)).collect()
    });
    Ok(StateUse {
        incompatible_with: patterns
            .unwrap_or_else(|| Some(Vec::new()))
            .ok_or_else(|| invalid("state.incompatibleWith must be a list of object keys".to_owned()))?,
        ignored: flag(mapping, "state.", "ignored")?,
    })
}

fn flag(mapping: &Mapping, path: &str, key: &str) -> Result<bool, ScriptError> {
    mapping.get(key).map_or(Ok(false), |value| {
        value
            .as_bool()
            .ok_or_else(|| invalid(format!("{path}{key} must be true or false")))
    })
}

pub(super) fn parse_vertices(value: &Value) -> Result<Vec<Vertex>, ScriptError> {
    let items = value
        .as_sequence()
        .ok_or_else(|| invalid("vertices must be a list".to_owned()))?;
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let path = format!("vertices[{index}].");
            let mapping = item
                .as_mapping()
                .ok_or_else(|| invalid(format!("vertices[{index}] must be a mapping")))?;
            known(mapping, &path, &["name", "parallelism"])?;
            let name = mapping.get("name").and_then(Value::as_str);
            let parallelism = mapping.get("parallelism").map_or(Some(1), Value::as_u64);
            Ok(Vertex {
                name: name
                    .ok_or_else(|| invalid(format!("{path}name must be a string")))?
                    .to_owned(),
                parallelism: parallelism
                    .filter(|count| *count > 0)
                    .ok_or_else(|| invalid(format!("{path}parallelism must be a whole number above zero")))?,
            })
        })
        .collect()
}

pub(super) fn optional_span(mapping: &Mapping, path: &str, key: &str) -> Result<Option<Duration>, ScriptError> {
    let span = mapping.get(key).map(|value| {
        value
            .as_str()
            .and_then(parse_duration)
            .ok_or_else(|| invalid(format!("{path}{key} must be a duration such as 500ms, 30s or 1m30s")))
    });
    span.transpose()
}
