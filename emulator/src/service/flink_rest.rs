//! Flink's REST API as the dashboard passes it on: reads only, in the shapes of the runtime (facts §6.3, appendix F).

mod checkpoints;
mod exceptions;
mod jobs;
mod read;

use serde_json::{Value, json};

use super::query::parameter;
use crate::job::{Job, JobState};

pub(crate) use read::{Rest, refusal};

/// The first Flink whose restart counter is `numRestarts`; before it is `fullRestarts` (facts §6.1).
const NUM_RESTARTS: (u32, u32) = (2, 2);

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
