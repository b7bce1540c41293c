//! What the controller publishes about an application, and the journal that must survive a crash.

mod health;
mod intent;
mod rollout;
mod snapshots;
mod written;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::condition::{Condition, Reason};

pub use health::{HealthStatus, LoopStatus};
pub use intent::{Intent, Phase, StepKind};
pub use rollout::{
    ForceStopped, GateStatus, JobStatus, PreChange, PutBack, RanBefore, ResolvedKey, RolledBack, RolloutStatus,
    Unheeded, UnprovenSpan, WayBack,
};
pub use snapshots::{SnapshotFailure, SnapshotsStatus};

/// The observed state of an application and what the controller must remember about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct FlinkApplicationStatus {
    /// The generation of the spec that this status is about; -1 before the first look.
    pub observed_generation: i64,
    /// What happens, or what is missing, in one sentence.
    #[schemars(length(max = 2048))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The state of the application in aspects.
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The parallelism in the service, for the scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i32>,
    /// A label selector, for the scale subresource; no pod matches it.
    #[schemars(length(max = 512))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// What must be remembered.
    #[serde(flatten)]
    pub journal: Journal,
}

impl Default for FlinkApplicationStatus {
    fn default() -> Self {
        Self {
            observed_generation: -1,
            message: None,
            conditions: Vec::new(),
            parallelism: None,
            selector: None,
            journal: Journal::default(),
        }
    }
}

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

/// The application as the service last reported it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsStatus {
    /// The name of the application, pinned by the first look.
    #[schemars(length(max = 128))]
    pub application_name: String,
    /// The region, pinned by the first look.
    #[schemars(length(max = 32))]
    pub region: String,
    /// The account, pinned by the first look at an existing application.
    #[schemars(length(max = 16))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The ARN of the application.
    #[serde(rename = "applicationARN", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub application_arn: Option<String>,
    /// The status that the service reports.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_status: Option<String>,
    /// The configuration version that the service reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_version_id: Option<i64>,
    /// The Flink runtime that the service reports.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_environment: Option<String>,
    /// The keys of the tags that the spec set; only these are changed or removed.
    #[schemars(length(max = 90), inner(length(max = 128)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_keys: Vec<String>,
}

/// The revisions that matter; each is a digest of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revisions {
    /// The revision that the spec asks for.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The revision whose job was last seen running; absent while none runs.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// The newest revision that proved good.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good: Option<String>,
    /// The configuration version under which it proved good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good_version_id: Option<i64>,
    /// The snapshot that a start of it would have restored then; absent where there was none.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good_snapshot: Option<String>,
    /// The good revision before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousRevision>,
}

/// A good revision that a newer one replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviousRevision {
    /// The revision.
    #[schemars(length(max = 64))]
    pub revision: String,
    /// The configuration version under which it proved good.
    pub version_id: i64,
    /// The snapshot that a start of it would have restored then; absent where there was none.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

/// A call that the service refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusalStatus {
    /// The kind of the call.
    pub step: StepKind,
    /// The revision that the call served.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The generation of the spec at the refusal.
    pub generation: i64,
    /// The class of the refusal.
    pub class: RefusalClass,
    /// The service's words.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When the call was first refused.
    pub first_at: Timestamp,
    /// When it was last refused.
    pub last_at: Timestamp,
}

/// The classes of refusals that are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RefusalClass {
    /// The configuration is not valid.
    Rejected,
    /// The role or the location of the code is not (yet) usable.
    RoleOrLocation,
    /// A permission is missing.
    AccessDenied,
    /// A quota is used up.
    QuotaExceeded,
    /// The job is down.
    JobDown,
    /// The tags of a deleted application of the same name linger.
    TagsLingering,
}

/// A reference of the spec that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingStatus {
    /// What is missing.
    #[schemars(length(max = 512))]
    pub what: String,
    /// Since when.
    pub since: Timestamp,
}

/// A revision that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedRevision {
    /// The revision.
    #[schemars(length(max = 64))]
    pub revision: String,
    /// Why it failed.
    pub reason: Reason,
    /// When it failed.
    pub at: Timestamp,
    /// Whether the failure was answered, by a way back or a stop: it is answered once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

/// The newest failure and its first cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastFailure {
    /// When it was noticed.
    pub at: Timestamp,
    /// The revision that failed.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Why it failed.
    pub reason: Reason,
    /// The first cause in the words of its source.
    #[schemars(length(max = 1024))]
    pub cause: String,
    /// Where the cause comes from: Operation, `FlinkRest`, `CloudWatchLogs`, Controller or Request.
    #[schemars(length(max = 32))]
    pub source: String,
}

/// Requests that were taken over from annotations and are still to be acted on; each is the value of its annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// The value of restart-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// The value of rollback-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// The value of force-stop-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_stop: Option<String>,
    /// The value of snapshot-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

/// The requests that were acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Handled {
    /// The value of reconcile-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<String>,
    /// The value of retry-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// The value of restart-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// The value of rollback-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// The value of force-stop-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_stop: Option<String>,
    /// The value of snapshot-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The restart nonce of the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_nonce: Option<i64>,
    /// The nonce of `spec.restore.once` whose snapshot was restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_once: Option<i64>,
    /// The revision whose start without state was consented to and made.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_start: Option<String>,
    /// The revision that was last let through, by a person or by itself: it is not held back again while it is asked for.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The revision of the spec whose content the service was last seen to have: what differs from it later was changed by
    /// somebody else.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brought: Option<String>,
}

/// An event in the life of the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// When it was noticed.
    pub at: Timestamp,
    /// What happened.
    pub result: HistoryResult,
    /// The revision that it happened to.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The configuration version that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<i64>,
    /// The snapshot with which the job started.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

/// What happened to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HistoryResult {
    /// The job ran the revision and it proved good.
    Promoted,
    /// The job was restarted on request.
    Restarted,
    /// A revision failed.
    Failed,
    /// A revision that was good before did not start.
    StartFailed,
    /// The job ended by itself.
    JobEnded,
    /// The job was stopped by somebody else.
    StoppedElsewhere,
    /// A person asked for another attempt.
    Retried,
    /// The application was stopped as desired.
    Stopped,
    /// An older revision runs again because this one failed.
    RolledBack,
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

/// The tags that prove whose application it is, by key.
pub type Tags = BTreeMap<String, String>;
