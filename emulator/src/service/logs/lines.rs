//! What an application writes to its log: Flink's lines, and the summary that the service adds when a start or an update
//! fails (facts §4.2, §6.2).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::groups::KEPT;
use crate::job::JobState;
use crate::service::application::{Application, Line};

/// The class, place and thread of a line.
struct Origin {
    logger: &'static str,
    location: &'static str,
    thread: &'static str,
}

const GRAPH: Origin = Origin {
    logger: "org.apache.flink.runtime.executiongraph.ExecutionGraph",
    location: "org.apache.flink.runtime.executiongraph.Execution.transitionState(Execution.java:1643)",
    thread: "flink-pekko.actor.default-dispatcher-15",
};
const JAR_RUN: Origin = Origin {
    logger: "org.apache.flink.runtime.webmonitor.handlers.JarRunOverrideHandler",
    location: "org.apache.flink.runtime.rest.handler.AbstractHandler.handleException(AbstractHandler.java:210)",
    thread: "Flink-DispatcherRestEndpoint-thread-2",
};

/// The weight of a level; lines below that of `LogLevel` are not written.
fn weight(level: &str) -> u8 {
    match level {
        "DEBUG" => 0,
        "INFO" => 1,
        "WARN" => 2,
        _ => 3,
    }
}

impl Application {
    /// Writes that the current job went from one state to another, at level INFO as Flink does.
    pub(crate) fn log_job(&mut self, at: Timestamp, from: &str, to: &str) {
        if let Some(job) = self.job() {
            let message = format!("Job {} ({}) switched from state {from} to {to}.", self.name, job.id);
            let version = job.version;
            self.log_flink(at, version, "INFO", &GRAPH, &message, None);
        }
    }

    /// Writes the failures of the current job that are not written yet, each at its own time; of very many the newest.
    pub(crate) fn log_failures(&mut self, now: Timestamp) {
        let Some(job) = self.jobs.last_mut() else { return };
        let (told, all) = (job.logged_failures, job.course(now).restarts);
        job.logged_failures = all;
        let job = job.clone();
        let (Some(trouble), Some(vertex)) = (&job.trouble, job.vertices.first()) else {
            return;
        };
        let from = if trouble.runs.is_zero() {
            "INITIALIZING"
        } else {
            "RUNNING"
        };
        for number in told.max(all.saturating_sub(KEPT as u64)) + 1..=all {
            let Some(at) = job.failure_at(number, now) else {
                continue;
            };
            let message = format!(
                "{} (1/{}) ({}_0_{}) switched from {from} to FAILED on 10.0.1.5:6122-ab12 @ 10.0.1.5 (dataPort=40001).",
                vertex.name,
                vertex.parallelism,
                job.id,
                number - 1
            );
            let throwable = trouble.stack_trace();
            self.log_flink(at, job.version, "INFO", &GRAPH, &message, Some(&throwable));
            let message = format!(
                "Job {} ({}) switched from state RUNNING to RESTARTING.",
                self.name, job.id
            );
            self.log_flink(at, job.version, "INFO", &GRAPH, &message, None);
        }
    }

    /// Writes how the current job ends, when it is one that runs.
    pub(crate) fn log_job_end(&mut self, at: Timestamp, end: JobState) {
        if self.job().is_none_or(|job| job.state != JobState::Running) {
            return;
        }
        match end {
            JobState::Finished | JobState::Stopped => self.log_job(at, "RUNNING", "FINISHED"),
            JobState::Killed => {
                self.log_job(at, "RUNNING", "CANCELLING");
                self.log_job(at, "CANCELLING", "CANCELED");
            }
            JobState::Failed => {
                self.log_job(at, "RUNNING", "FAILING");
                self.log_job(at, "FAILING", "FAILED");
            }
            JobState::Running => {}
        }
    }

    /// Writes that the code of a version did not start: Flink's line, and the service's own event, which has another
    /// schema: a version id that is a number, an error code, and no logger.
    pub(crate) fn log_failure(&mut self, at: Timestamp, version: u64, error: &str) {
        let message = "Exception occurred in REST handler: Could not execute application.";
        self.log_flink(at, version, "ERROR", &JAR_RUN, message, None);
        let message = format!(
            "Amazon Managed Service for Apache Flink failed to transition the application to the desired state. The \
             application is being transitioned to {} state. Please investigate the following error. {error}",
            self.status.name()
        );
        let event = json!({
            "applicationARN": self.arn,
            "applicationVersionId": version,
            "errorCode": "CodeError.InvalidApplicationCode",
            "message": message,
            "messageSchemaVersion": "1",
            "messageType": "ERROR",
        });
        self.write(at, version, "ERROR", &event);
    }

    fn log_flink(
        &mut self,
        at: Timestamp,
        version: u64,
        level: &str,
        origin: &Origin,
        message: &str,
        throwable: Option<&str>,
    ) {
        let mut event = json!({
            "applicationARN": self.arn,
            "applicationVersionId": version.to_string(),
            "locationInformation": origin.location,
            "logger": origin.logger,
            "message": message,
            "messageSchemaVersion": "1",
            "messageType": level,
            "threadName": origin.thread,
        });
        if let (Some(throwable), Some(fields)) = (throwable, event.as_object_mut()) {
            fields.insert("throwableInformation".to_owned(), json!(throwable));
        }
        self.write(at, version, level, &event);
    }

    /// One line of JSON with its keys in order; `>` is written as its escape (facts §6.2).
    fn write(&mut self, at: Timestamp, version: u64, level: &str, event: &Value) {
        let Some(writer) = self.versions.get(&version) else {
            return;
        };
        let written = weight(level) >= weight(&writer.configuration.monitoring.log);
        if written && !writer.logging.is_empty() {
            let message = event.to_string().replace('>', "\\u003e");
            self.lines.push(Line { at, version, message });
        }
    }
}
