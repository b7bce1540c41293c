//! `/jobs/:id/exceptions`.

use serde_json::{Value, json};

use super::read::Rest;
use crate::job::Job;

/// How many failures Flink remembers.
const REMEMBERED: u64 = 16;
/// Where the only task manager is.
const ENDPOINT: &str = "10.0.1.5:6122";
const TASK_MANAGER: &str = "flink-taskmanager-1-1";

impl Rest<'_> {
    /// The failures, the newest first. Flink 1 tells the newest one in its older form as well.
    pub(super) fn exceptions(&self, job: &Job, most: Option<&str>) -> Value {
        let most = most.and_then(|most| most.parse::<u64>().ok()).unwrap_or(20);
        let failures = job.course(self.now).restarts;
        let shown = failures.min(most).min(REMEMBERED);
        let newest = (failures - shown + 1..=failures).rev();
        let entries: Vec<Value> = newest.filter_map(|number| self.exception(job, number)).collect();
        let truncated = shown < failures;
        let mut answer = json!({});
        if self.version(job) < (2, 0) {
            let first = entries.first().cloned().unwrap_or_default();
            let all = entries.first().map(|entry| {
                json!({
                    "exception": entry["stacktrace"], "task": entry["taskName"], "location": ENDPOINT,
                    "timestamp": entry["timestamp"], "taskManagerId": TASK_MANAGER,
                })
            });
            answer["root-exception"] = first.get("stacktrace").cloned().unwrap_or_default();
            answer["timestamp"] = first.get("timestamp").cloned().unwrap_or_default();
            answer["all-exceptions"] = json!(all.into_iter().collect::<Vec<_>>());
            answer["truncated"] = json!(truncated);
        }
        answer["exceptionHistory"] = json!({ "entries": entries, "truncated": truncated });
        answer
    }

    fn exception(&self, job: &Job, number: u64) -> Option<Value> {
        let at = job.failure_at(number, self.now)?;
        let trouble = job.trouble.as_ref()?;
        let name = trouble.exception.split([':', '\n']).next().unwrap_or_default().trim();
        let vertex = job.vertices.first()?;
        let mut entry = json!({
            "exceptionName": name,
            "stacktrace": trouble.stack_trace(),
            "timestamp": at.as_millisecond(),
            "taskName": format!("{} (1/{}) - execution #{}", vertex.name, vertex.parallelism, number - 1),
            "endpoint": ENDPOINT,
            "taskManagerId": TASK_MANAGER,
            "failureLabels": {},
            "concurrentExceptions": [],
        });
        if self.version(job) < (2, 0) {
            entry["location"] = json!(ENDPOINT);
        }
        Some(entry)
    }
}
