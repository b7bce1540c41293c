//! What Flink's REST API answers, in the members that are read (facts §6.3, appendix F).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::fault::innermost_cause;
use crate::flink_rest::moment;
use crate::world::{ObservedCheckpoints, ObservedJob, ObservedVertex, Restored};

/// `GET /jobs/overview`.
#[derive(Deserialize)]
pub(super) struct Overview {
    jobs: Vec<Summary>,
}

#[derive(Deserialize)]
struct Summary {
    jid: String,
    #[serde(rename = "start-time", default)]
    start_time: i64,
}

impl Overview {
    /// The job that was submitted last. An id that is no hexadecimal number is none of Flink's.
    pub(super) fn newest(&self) -> Option<&str> {
        let named = |summary: &&Summary| summary.jid.chars().all(|digit| digit.is_ascii_hexdigit());
        let newest = self
            .jobs
            .iter()
            .filter(named)
            .max_by_key(|summary| summary.start_time)?;
        Some(&newest.jid)
    }
}

/// `GET /jobs/:id`.
#[derive(Deserialize)]
pub(super) struct Job {
    jid: String,
    state: String,
    #[serde(rename = "start-time", default)]
    start_time: i64,
    #[serde(default)]
    vertices: Vec<Vertex>,
}

#[derive(Deserialize)]
struct Vertex {
    #[serde(default)]
    name: String,
    parallelism: i64,
    #[serde(default)]
    tasks: BTreeMap<String, i64>,
}

impl Job {
    /// The job with what its other resources told.
    pub(super) fn observed(self, restarts: Option<i64>, checkpoints: Option<ObservedCheckpoints>) -> ObservedJob {
        ObservedJob {
            id: bounded(&self.jid, 64),
            state: bounded(&self.state, 32),
            started_at: moment(self.start_time),
            vertices: self.vertices.into_iter().map(Vertex::observed).collect(),
            restarts,
            checkpoints,
            root_cause: None,
        }
    }
}

impl Vertex {
    fn observed(self) -> ObservedVertex {
        let count = |state: &str| self.tasks.get(state).copied().unwrap_or_default();
        ObservedVertex {
            name: bounded(&crate::fault::sanitised(&self.name), 100),
            parallelism: self.parallelism,
            running: count("RUNNING"),
            finished: count("FINISHED"),
            failed: count("FAILED") + count("CANCELED"),
        }
    }
}

/// An entry of `GET /jobs/:id/metrics`.
#[derive(Deserialize)]
pub(super) struct Metric {
    id: String,
    #[serde(default)]
    value: String,
}

/// The restart counter of the generation: `fullRestarts` before Flink 2.2, `numRestarts` from 2.2 (facts §6.1).
pub(super) fn restarts(metrics: &[Metric]) -> Option<i64> {
    let counters = metrics
        .iter()
        .filter(|metric| ["fullRestarts", "numRestarts"].contains(&metric.id.as_str()));
    counters.filter_map(|metric| metric.value.parse().ok()).max()
}

/// `GET /jobs/:id/checkpoints`.
#[derive(Deserialize)]
pub(super) struct Checkpoints {
    counts: Counts,
    #[serde(default)]
    latest: Latest,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    completed: i64,
    #[serde(default)]
    failed: i64,
}

#[derive(Default, Deserialize)]
struct Latest {
    #[serde(default)]
    restored: Option<RestoredFrom>,
}

#[derive(Deserialize)]
struct RestoredFrom {
    #[serde(default)]
    is_savepoint: bool,
}

impl Checkpoints {
    /// The counts, and what was restored.
    pub(super) fn observed(&self) -> ObservedCheckpoints {
        ObservedCheckpoints {
            completed: self.counts.completed,
            failed: self.counts.failed,
            restored: match &self.latest.restored {
                None => Restored::Nothing,
                Some(RestoredFrom { is_savepoint: true }) => Restored::Snapshot,
                Some(_) => Restored::Checkpoint,
            },
        }
    }
}

/// `GET /jobs/:id/exceptions`.
#[derive(Deserialize)]
pub(super) struct Exceptions {
    #[serde(rename = "exceptionHistory", default)]
    history: History,
    #[serde(rename = "root-exception", default)]
    root: Option<String>,
}

#[derive(Default, Deserialize)]
struct History {
    #[serde(default)]
    entries: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(default)]
    stacktrace: String,
    #[serde(default)]
    timestamp: i64,
    #[serde(rename = "taskName", default)]
    task: Option<String>,
}

impl Exceptions {
    /// The first root exception that is known: a loop echoes what began it.
    pub(super) fn first_root(&self) -> Option<String> {
        let first = self.history.entries.iter().min_by_key(|entry| entry.timestamp);
        let Some(first) = first else {
            return self.root.as_deref().map(innermost);
        };
        let cause = innermost(&first.stacktrace);
        Some(match &first.task {
            Some(task) => format!("{cause} in {task}"),
            None => cause,
        })
    }
}

/// The line of a stack trace that says what went wrong.
fn innermost(stack_trace: &str) -> String {
    bounded(innermost_cause(stack_trace), 400)
}

fn bounded(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_job_counts_and_an_id_that_is_a_path_is_none() {
        let overview: Overview = serde_json::from_str(
            r#"{"jobs":[{"jid":"0a","start-time":5},{"jid":"0b","start-time":9},{"jid":"../x","start-time":99}]}"#,
        )
        .unwrap();
        assert_eq!(overview.newest(), Some("0b"));
    }

    #[test]
    fn the_counter_of_each_generation_is_read() {
        let read = |text: &str| restarts(&serde_json::from_str::<Vec<Metric>>(text).unwrap());
        assert_eq!(read(r#"[{"id":"fullRestarts","value":"3"}]"#), Some(3));
        assert_eq!(read(r#"[{"id":"numRestarts","value":"4"}]"#), Some(4));
        assert_eq!(read("[]"), None);
        assert_eq!(read(r#"[{"id":"fullRestarts","value":"NaN"}]"#), None);
    }

    #[test]
    fn a_restored_checkpoint_is_told_from_a_restored_snapshot() {
        let read = |restored: &str| {
            let text = format!(r#"{{"counts":{{"completed":2,"failed":1}},"latest":{{"restored":{restored}}}}}"#);
            serde_json::from_str::<Checkpoints>(&text).unwrap().observed()
        };
        assert_eq!(read("null").restored, Restored::Nothing);
        assert_eq!(read(r#"{"is_savepoint":true}"#).restored, Restored::Snapshot);
        assert_eq!(read(r#"{"is_savepoint":false}"#).restored, Restored::Checkpoint);
        assert_eq!((read("null").completed, read("null").failed), (2, 1));
    }

    #[test]
    fn the_oldest_root_is_the_first_cause_and_its_innermost_cause_is_told() {
        let exceptions: Exceptions = serde_json::from_value(serde_json::json!({"exceptionHistory": {"entries": [
            {"stacktrace": "java.lang.RuntimeException: echo\n\tat a.B", "timestamp": 20},
            {"stacktrace": "org.apache.flink.JobException: wrapped\n\tat x\nCaused by: java.io.IOException: disk\n\tat y",
             "timestamp": 10, "taskName": "Sink (1/2)"},
        ]}}))
        .unwrap();
        assert_eq!(
            exceptions.first_root().as_deref(),
            Some("java.io.IOException: disk in Sink (1/2)")
        );
    }
}
