//! What must survive a crash of the controller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::status::application::AwsStatus;
use crate::api::status::failure::{FailedRevision, LastFailure};
use crate::api::status::health::HealthStatus;
use crate::api::status::history::HistoryEntry;
use crate::api::status::intent::Intent;
use crate::api::status::refusal::{MissingStatus, NotAccepted, RefusalStatus};
use crate::api::status::requests::{Handled, Requests};
use crate::api::status::revisions::Revisions;
use crate::api::status::rollout::{
    BroughtJob, ForceStopped, JobStatus, LastStop, PutBack, ResolvedKey, RolledBack, RolloutStatus, Unheeded,
    UnprovenSpan, WayBack,
};
use crate::api::status::snapshots::SnapshotsStatus;

/// What must survive a crash of the controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// The application as the service last reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsStatus>,
    /// The revisions that matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revisions: Option<Revisions>,
    /// The call that is about to be sent or whose effect is awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// The operation of a call of the controller that was given up before its end; it is still known as one of its own.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_up_operation_id: Option<String>,
    /// The job that a call of the controller brought last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brought_job: Option<BroughtJob>,
    /// The change that is being brought out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,
    /// The way back from a change that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
    /// The change that the service refused after the job was stopped for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_back: Option<PutBack>,
    /// The key that the alias of the spec names, as the service answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_key: Option<ResolvedKey>,
    /// What the service left as it was although it accepted a call: it is not sent again.
    #[schemars(length(max = 20))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unheeded: Vec<Unheeded>,
    /// The rollback after which an older revision runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<RolledBack>,
    /// The stop after which nothing was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_stop: Option<LastStop>,
    /// The times in which jobs ran whose revisions were not proven good; their snapshots are no way back.
    #[schemars(length(max = 10))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<UnprovenSpan>,
    /// What is known of the snapshots, and what is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<SnapshotsStatus>,
    /// The Flink job as the gate last saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobStatus>,
    /// What is known of the running job since it was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthStatus>,
    /// The last call that the service refused and that is still wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalStatus>,
    /// The calls beside the job, each of another kind, that the service refused and that are still wanted.
    #[schemars(length(max = 10))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_beside: Vec<RefusalStatus>,
    /// The call that the service does not accept for what may pass by itself, as long as it is tried on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_accepted: Option<NotAccepted>,
    /// What the last spec that could be followed said of `rollout`, `health`, `snapshots` and `restore`, as JSON. It holds
    /// for what is in place while the spec cannot be followed.
    #[schemars(length(max = 4096))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_valid: Option<String>,
    /// A reference of the spec that does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingStatus>,
    /// Revisions that failed; they are neither sent nor started again before they change or a retry is requested.
    #[schemars(length(max = 10))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_revisions: Vec<FailedRevision>,
    /// The newest failure and its first cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// Whether the application ever had state.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub had_state: bool,
    /// Requests that were taken over and are still to be acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    /// The requests that were acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<Handled>,
    /// The forced stop that somebody asked for and that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_stopped: Option<ForceStopped>,
    /// The newest events in the life of the application, oldest first.
    #[schemars(length(max = 10))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
}

impl Journal {
    /// The requests that are still to be acted on.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.requests.clone().unwrap_or_default()
    }

    /// The revisions, absent ones as empty.
    #[must_use]
    pub fn revisions(&self) -> Revisions {
        self.revisions.clone().unwrap_or_default()
    }

    /// The recorded failure of a revision.
    #[must_use]
    pub fn failure_of(&self, revision: &str) -> Option<&FailedRevision> {
        self.failed_revisions.iter().find(|failed| failed.revision == revision)
    }

    /// Appends an event and drops the oldest beyond ten.
    pub fn remember(&mut self, entry: HistoryEntry) {
        self.history.push(entry);
        let surplus = self.history.len().saturating_sub(10);
        self.history.drain(..surplus);
    }
}
