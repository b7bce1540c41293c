//! Flink's REST API as the dashboard passes it on: reads only, in the shapes of the runtime (facts §6.3, appendix F).

mod checkpoints;
mod exceptions;
mod jobs;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::application::Application;
use super::dashboard::parameter;
use super::deployment::flink_version;
use crate::job::{Job, JobState};

/// The first Flink whose restart counter is `numRestarts`; before it is `fullRestarts` (facts §6.1).
const NUM_RESTARTS: (u32, u32) = (2, 2);

/// One read of one application's Flink.
pub(crate) struct Rest<'a> {
    pub(crate) application: &'a Application,
    pub(crate) now: Timestamp,
    /// For how long a job that ended is still shown.
    pub(crate) remembers: Duration,
}

/// An answer of Flink that is no success.
pub(crate) fn refusal(status: u16, message: &str) -> (u16, Value) {
    (status, json!({ "errors": [message] }))
}

impl Rest<'_> {
    /// Answers a read. `resource` is the path behind the base of the URL, such as `jobs/overview`; the base itself
    /// answers the overview.
    pub(crate) fn get(&self, resource: &str, query: &str) -> (u16, Value) {
        let parts: Vec<&str> = resource.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            ["jobs"] => (200, self.job_ids()),
            [] | ["jobs", "overview"] => (200, self.overview()),
            ["jobs", id, rest @ ..] => match self.jobs().find(|job| job.id == *id) {
                Some(job) => self.get_of_job(job, rest, query),
                None => refusal(404, &format!("Job {id} not found")),
            },
            _ => refusal(404, &format!("Not found: /{resource}")),
        }
    }

    fn get_of_job(&self, job: &Job, resource: &[&str], query: &str) -> (u16, Value) {
        match resource {
            [] => (200, self.job(job)),
            ["exceptions"] => (200, self.exceptions(job, parameter(query, "maxExceptions").as_deref())),
            ["checkpoints"] => (200, self.checkpoints(job)),
            ["metrics"] => (200, self.metrics(job, parameter(query, "get").as_deref())),
            other => refusal(404, &format!("Not found: /jobs/{}/{}", job.id, other.join("/"))),
        }
    }

    /// The jobs that Flink remembers, the oldest first.
    fn jobs(&self) -> impl Iterator<Item = &Job> {
        let since = self.now - self.remembers;
        let jobs = self.application.jobs.iter();
        jobs.filter(move |job| job.ended.is_none_or(|ended| ended >= since))
    }

    /// The Flink that a job runs on.
    fn version(&self, job: &Job) -> (u32, u32) {
        let version = self.application.versions.get(&job.version);
        version
            .and_then(|version| flink_version(&version.runtime))
            .unwrap_or_default()
    }

    /// The values of the metrics that were asked for and that there are; without a question, the names of all.
    ///
    /// There is the counter of restarts of the job's Flink and nothing else. A job that ended has no metrics.
    fn metrics(&self, job: &Job, asked: Option<&str>) -> Value {
        if job.state != JobState::Running {
            return json!([]);
        }
        let name = if self.version(job) >= NUM_RESTARTS {
            "numRestarts"
        } else {
            "fullRestarts"
        };
        match asked {
            None => json!([{ "id": name }]),
            Some(asked) if asked.split(',').any(|asked| asked == name) => {
                json!([{ "id": name, "value": job.course(self.now).restarts.to_string() }])
            }
            Some(_) => json!([]),
        }
    }
}
