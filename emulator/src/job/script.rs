//! A job as a small YAML script on virtual time.
//!
//! ```yaml
//! main: ok                    # or {throws: "java.lang.NoSuchMethodError: ..."}: the start fails with this text
//! then: healthy               # or {endsAfter: 30s}: a bounded job that finishes
//! initializing: 20s           # state restore, the job processes after it
//! vertices: [{name: "Source: orders", parallelism: 4}, {name: Sink, parallelism: 4}]
//! ```
//!
//! Every key is optional. A key that is not one of these is an error at start, so that a script that asks for what is
//! not played is never taken for a healthy job.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};

/// One operator of the job graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vertex {
    /// As shown in the graph, for example `Source: orders`.
    pub name: String,
    /// Its subtasks.
    pub parallelism: u64,
}

/// What the code's `main()` does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Main {
    /// It builds the graph and returns.
    #[default]
    Ok,
    /// It throws, and the job never runs (failure mode (a), facts §4.2).
    Throws(String),
}

/// What the job does once it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// It runs until somebody stops it.
    #[default]
    Healthy,
    /// It finishes by itself, this long after it began to process, in the service's time.
    EndsAfter(Duration),
}

/// A readable script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// What `main()` does.
    pub main: Main,
    /// What follows.
    pub then: Then,
    /// How long the restore of state takes, in the service's time.
    pub initializing: Duration,
    /// The job graph; empty means one vertex with the application's parallelism.
    pub vertices: Vec<Vertex>,
}

/// Why an object is no script that can be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Not a YAML mapping at all, for example a JAR.
    #[error("the object is not a job script")]
    NotAScript,
    /// A mapping, but not one that this emulator plays.
    #[error("job script: {0}")]
    Invalid(String),
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When the bytes are no YAML mapping, or have a key or value that is not known; the text names it.
    pub fn parse(bytes: &[u8]) -> Result<Self, ScriptError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ScriptError::NotAScript)?;
        let Ok(Value::Mapping(script)) = serde_yaml::from_str::<Value>(text) else {
            return Err(ScriptError::NotAScript);
        };
        known(&script, "", &["main", "then", "initializing", "vertices"])?;
        Ok(Self {
            main: script.get("main").map_or(Ok(Main::default()), parse_main)?,
            then: script.get("then").map_or(Ok(Then::default()), parse_then)?,
            initializing: script
                .get("initializing")
                .map_or(Ok(Duration::ZERO), |value| span(value, "initializing"))?,
            vertices: script.get("vertices").map_or(Ok(Vec::new()), parse_vertices)?,
        })
    }
}

fn invalid(message: String) -> ScriptError {
    ScriptError::Invalid(message)
}

fn known(mapping: &Mapping, path: &str, keys: &[&str]) -> Result<(), ScriptError> {
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

fn parse_main(value: &Value) -> Result<Main, ScriptError> {
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

fn parse_then(value: &Value) -> Result<Then, ScriptError> {
    match value {
        Value::String(word) if word == "healthy" => Ok(Then::Healthy),
        Value::Mapping(mapping) => {
            known(mapping, "then.", &["endsAfter"])?;
            let value = mapping
                .get("endsAfter")
                .ok_or_else(|| invalid("then.endsAfter is required".to_owned()))?;
            span(value, "then.endsAfter").map(Then::EndsAfter)
        }
        _ => Err(invalid("then must be healthy or {endsAfter: 30s}".to_owned())),
    }
}

fn parse_vertices(value: &Value) -> Result<Vec<Vertex>, ScriptError> {
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

fn span(value: &Value, path: &str) -> Result<Duration, ScriptError> {
    value
        .as_str()
        .and_then(parse_duration)
        .ok_or_else(|| invalid(format!("{path} must be a duration such as 500ms, 30s or 1m30s")))
}

/// A duration as Go writes it: `1h2m3.5s`, `500ms`, `0`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number = rest.get(..digits)?.parse::<f64>().ok()?;
        let tail = rest.get(digits..)?;
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let seconds = match tail.get(..letters)? {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = tail.get(letters..)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_writes_them() {
        let cases = [
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("1.5h", Some(5_400_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("", None),
            ("30", None),
            ("s", None),
            ("-5s", None),
            ("5 s", None),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                parse_duration(text),
                milliseconds.map(Duration::from_millis),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_full_script_is_read() {
        let script = Script::parse(
            b"main: ok\nvertices: [{name: 'Source: orders', parallelism: 4}, {name: Sink}]\ninitializing: 20s\nthen: {endsAfter: 1m}",
        )
        .unwrap();
        assert_eq!(script.main, Main::Ok);
        assert_eq!(script.then, Then::EndsAfter(Duration::from_mins(1)));
        assert_eq!(script.initializing, Duration::from_secs(20));
        assert_eq!(script.vertices.len(), 2);
        assert_eq!(
            script.vertices[1],
            Vertex {
                name: "Sink".to_owned(),
                parallelism: 1
            }
        );
    }

    #[test]
    fn an_unknown_key_or_value_is_named() {
        for (text, named) in [
            ("checkpoints: {every: 10s}", "checkpoints"),
            ("then: {failsEvery: 5s}", "then.failsEvery"),
            ("main: maybe", "main must be"),
            ("vertices: [{name: a, slots: 2}]", "vertices[0].slots"),
            ("initializing: 20", "initializing"),
        ] {
            let error = Script::parse(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn a_jar_is_not_a_script() {
        assert_eq!(Script::parse(b"PK\x03\x04\xff\xfe"), Err(ScriptError::NotAScript));
        assert_eq!(Script::parse(b"just words"), Err(ScriptError::NotAScript));
    }
}
