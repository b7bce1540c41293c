//! A job as a small YAML script on virtual time.
//!
//! ```yaml
//! main: ok                    # or {throws: "java.lang.NoSuchMethodError: ..."}: the start fails with this text
//! then: healthy               # or {endsAfter: 30s}: a bounded job that finishes
//!                             # or {failsEvery: 5s, exception: "...", after: 30s, times: 1}: a job that fails and restarts
//! initializing: 20s           # state restore, the job processes after it; at each restart as well
//! vertices: [{name: "Source: orders", parallelism: 4}, {name: Sink, parallelism: 4}]
//! checkpoints: {every: 10s, fail: false}
//! state: {incompatibleWith: ["orders-0.*"], ignored: false}
//! ```
//!
//! Every key is optional. A key that is not one of these is an error at start, so that a script that asks for what is
//! not played is never taken for a healthy job.

mod read;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use read::{known, optional_span, parse_checkpoints, parse_main, parse_state, parse_then, parse_vertices};

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
    /// It fails while it processes, and Flink restarts it (failure mode (b), facts §4.3).
    Fails(Failing),
}

/// How a job fails, in the service's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// How long it processes before each failure.
    pub every: Duration,
    /// How long it processes in addition before the first one.
    pub after: Duration,
    /// After how many failures it stays healthy; none means never.
    pub times: Option<u64>,
    /// The text of the exception.
    pub exception: String,
}

/// What its checkpoints do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoints {
    /// How often, in the service's time; none leaves it to the application's configuration.
    pub every: Option<Duration>,
    /// Whether each of them fails.
    pub fail: bool,
}

/// What it does with the state of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateUse {
    /// Keys of code objects whose snapshots it cannot read; `*` stands for any characters.
    pub incompatible_with: Vec<String>,
    /// It comes up empty, whatever it was to restore.
    pub ignored: bool,
}

impl StateUse {
    /// Whether it can read what the code of this key wrote.
    #[must_use]
    pub fn reads(&self, key: &str) -> bool {
        !self.incompatible_with.iter().any(|pattern| matches(pattern, key))
    }
}

/// Whether a pattern covers the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            let ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            ends.filter_map(|at| tail.get(at..)).any(|tail| matches(rest, tail))
        }),
    }
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
    /// What its checkpoints do.
    #[serde(default)]
    pub checkpoints: Checkpoints,
    /// What it does with restored state.
    #[serde(default)]
    pub state: StateUse,
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
        let keys = ["main", "then", "initializing", "vertices", "checkpoints", "state"];
        known(&script, "", &keys)?;
        Ok(Self {
            main: script.get("main").map_or(Ok(Main::default()), parse_main)?,
            then: script.get("then").map_or(Ok(Then::default()), parse_then)?,
            initializing: optional_span(&script, "", "initializing")?.unwrap_or_default(),
            vertices: script.get("vertices").map_or(Ok(Vec::new()), parse_vertices)?,
            checkpoints: script
                .get("checkpoints")
                .map_or(Ok(Checkpoints::default()), parse_checkpoints)?,
            state: script.get("state").map_or(Ok(StateUse::default()), parse_state)?,
        })
    }
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
    fn a_job_that_fails_is_read_with_its_defaults() {
        let script = Script::parse(b"then: {failsEvery: 5s}\ncheckpoints: {every: 10s, fail: true}").unwrap();
        let Then::Fails(failing) = script.then else {
            panic!("{:?}", script.then);
        };
        assert_eq!(failing.every, Duration::from_secs(5));
        assert_eq!((failing.after, failing.times), (Duration::ZERO, None));
        assert!(failing.exception.starts_with("java.lang.RuntimeException: "));
        assert_eq!(
            script.checkpoints,
            Checkpoints {
                every: Some(Duration::from_secs(10)),
                fail: true
            }
        );
        let script = Script::parse(b"then: {failsEvery: 5s, after: 1m, times: 2, exception: 'E: boom'}").unwrap();
        let expected = Failing {
            every: Duration::from_secs(5),
            after: Duration::from_mins(1),
            times: Some(2),
            exception: "E: boom".to_owned(),
        };
        assert_eq!(script.then, Then::Fails(expected));
    }

    #[test]
    fn a_star_in_a_key_stands_for_any_characters() {
        for (pattern, key, covered) in [
            ("orders-0.*", "orders-0.9.yaml", true),
            ("orders-0.*", "orders-1.0.yaml", false),
            ("orders-0.*", "old/orders-0.9.yaml", false),
            ("*.yaml", "a.yaml", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
        ] {
            let state = StateUse {
                incompatible_with: vec![pattern.to_owned()],
                ignored: false,
            };
            assert_eq!(!state.reads(key), covered, "{pattern} {key}");
        }
    }

    #[test]
    fn an_unknown_key_or_value_is_named() {
        for (text, named) in [
            ("checkpoints: {each: 10s}", "checkpoints.each"),
            ("checkpoints: {every: 0s}", "checkpoints.every"),
            ("checkpoints: {fail: maybe}", "checkpoints.fail"),
            ("then: {failsEvery: 0s}", "then.failsEvery"),
            ("then: {failsEvery: 5s, endsAfter: 5s}", "then.endsAfter"),
            ("then: {failsEvery: 5s, times: 0}", "then.times"),
            ("then: {after: 5s}", "then.after"),
            ("state: {bytes: 2GiB}", "state.bytes"),
            ("state: {incompatibleWith: orders}", "state.incompatibleWith"),
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
