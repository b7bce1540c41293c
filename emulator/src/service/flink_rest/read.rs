//! One read of one application's Flink.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::job::Job;
use crate::service::application::Application;
use crate::service::deployment::flink_version;

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
    /// The jobs that Flink remembers, the oldest first.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &Job> {
        let since = self.now - self.remembers;
        let jobs = self.application.jobs.iter();
        jobs.filter(move |job| job.ended.is_none_or(|ended| ended >= since))
    }

    /// The Flink that a job runs on.
    pub(super) fn version(&self, job: &Job) -> (u32, u32) {
        let version = self.application.versions.get(&job.version);
        version
            .and_then(|version| flink_version(&version.runtime))
            .unwrap_or_default()
    }
}
