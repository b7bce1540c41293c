//! The change that is being brought out, its verification, and the way back from one that failed.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::condition::Reason;
use crate::api::status::intent::StepKind;

/// The change that is being brought out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// The revision that is brought out.
    #[schemars(length(max = 64))]
    pub revision: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When its job must be up, as far as nothing moves it.
    pub deadline: Timestamp,
    /// The configuration version before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_version_id: Option<i64>,
    /// Whether the job was stopped so that the change can be made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped_for_it: bool,
    /// What ran before the job was stopped for the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ran_before: Option<RanBefore>,
    /// The configuration version that the update of the change led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_version_id: Option<i64>,
    /// Whether the snapshot before the change was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_change: Option<PreChange>,
    /// The snapshot that was taken before the change.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_change_snapshot: Option<String>,
    /// The gate, once the job of the change runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateStatus>,
}

impl RolloutStatus {
    /// A rollout of which nothing was done.
    #[must_use]
    pub fn new(revision: String, started_at: Timestamp, deadline: Timestamp, from_version_id: Option<i64>) -> Self {
        Self {
            revision,
            started_at,
            deadline,
            from_version_id,
            stopped_for_it: false,
            ran_before: None,
            updated_version_id: None,
            pre_change: None,
            pre_change_snapshot: None,
            gate: None,
        }
    }
}

/// What ran before the job was stopped for a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RanBefore {
    /// The revision.
    #[schemars(length(max = 64))]
    pub revision: String,
    /// The configuration version that holds its content.
    pub version_id: i64,
    /// Since when the service refuses a call of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_since: Option<Timestamp>,
}

/// A change that the service refused after the job was stopped for it, so that what ran before is put back. It is not tried
/// again before it changes or a retry is requested: each try stops the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutBack {
    /// The revision that was refused.
    #[schemars(length(max = 64))]
    pub revision: String,
    /// The revision that runs in its place.
    #[schemars(length(max = 64))]
    pub to: String,
    /// The configuration version that holds its content.
    pub version_id: i64,
    /// Why the service refused, as one word.
    pub reason: Reason,
    /// What the service said, and what to check.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When it was given up.
    pub at: Timestamp,
    /// Whether what ran before runs again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub started: bool,
    /// Whether the revision was not given up but gives way to another one that waits; asked for again, it is tried.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gives_way: bool,
}

/// The key that an alias names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedKey {
    /// The alias, as the spec has it.
    #[schemars(length(max = 2048))]
    pub alias: String,
    /// The key, as the service reports it.
    #[schemars(length(max = 2048))]
    pub key: String,
}

/// What the service left as it was although it accepted a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unheeded {
    /// The kind of the call.
    pub step: StepKind,
    /// The revision that the call served; none where it leaves the job alone.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Digests of what the call asked for; of an update, of what differed at the first look after it.
    #[schemars(length(max = 200), inner(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<String>,
    /// Whether a job runs with what the service made of the call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub runs: bool,
}

/// What became of the snapshot before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PreChange {
    /// It was taken.
    Taken,
    /// The service took none.
    NotTaken,
}

/// What the gate has seen of the job that the change brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateStatus {
    /// When the operation of the change began; a job that was submitted before it is not the one to verify.
    pub since: Timestamp,
    /// The operation of the change.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// Whether the job was started from state and must show that it restored it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub state_expected: bool,
    /// Whether the job was seen to have restored a snapshot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub state_restored: bool,
    /// The configuration version with which the job came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<i64>,
    /// When the job was found running, where no call of the controller brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_at: Option<Timestamp>,
    /// When its time began: at the end of the operation of the change, or later by what is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// Since when looks after the deadline show that the job is not up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down_since: Option<Timestamp>,
    /// Whether nothing could be seen at the deadline; the first look that shows something gets the time of the change anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
    /// The job that is verified.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Since when all its subtasks run without interruption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_since: Option<Timestamp>,
    /// When it was first seen to be up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_since: Option<Timestamp>,
    /// For how many seconds nothing was processed, from the update's own snapshot on: an estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime_seconds: Option<i64>,
    /// Its restarts that were seen.
    pub restarts: i64,
    /// Of these, the restarts that an operation of the service accounts for.
    pub excused: i64,
    /// The newest operation of the service's own, or of somebody else, whose restarts were taken out.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excused_operation_id: Option<String>,
}

impl GateStatus {
    /// A gate for the job that was submitted at a moment or later.
    #[must_use]
    pub fn since(since: Timestamp) -> Self {
        Self {
            since,
            operation_id: None,
            state_expected: false,
            state_restored: false,
            version_id: None,
            found_at: None,
            opened_at: None,
            down_since: None,
            blind: false,
            job_id: None,
            stable_since: None,
            up_since: None,
            downtime_seconds: None,
            restarts: 0,
            excused: 0,
            excused_operation_id: None,
        }
    }
}

/// The job that a call of the controller brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BroughtJob {
    /// The operation of the call, as far as it is known.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// The revision of the job.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The configuration version that it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<i64>,
}

/// The way back from a revision that failed, or that the spec or somebody left, to an older one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WayBack {
    /// The revision that is left: it failed, or the spec or somebody returned to an older one.
    #[schemars(length(max = 64))]
    pub from: String,
    /// The revision that it leads to.
    #[schemars(length(max = 64))]
    pub to: String,
    /// The configuration version whose content it leads to.
    pub version_id: i64,
    /// Why it was taken.
    pub reason: Reason,
    /// When it was taken.
    pub started_at: Timestamp,
    /// Whether `RollbackApplication` was refused or failed, so that it goes on without.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback_refused: bool,
    /// Whether the job of the good revision was started again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub started: bool,
    /// Whether it leads to what is in place already, by a rollback of somebody else or of the service itself, or by a restart
    /// on request: that is verified and never undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
    /// Why it failed; it is not tried again before a person asks for it.
    #[schemars(length(max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl WayBack {
    /// A way back on which nothing was sent yet.
    #[must_use]
    pub fn new(from: String, to: String, version_id: i64, reason: Reason, started_at: Timestamp) -> Self {
        Self {
            from,
            to,
            version_id,
            reason,
            started_at,
            rollback_refused: false,
            started: false,
            elsewhere: false,
            failure: None,
        }
    }

    /// What it has led to, at a moment.
    #[must_use]
    pub fn arrived(&self, at: Timestamp) -> RolledBack {
        RolledBack {
            from: self.from.clone(),
            to: self.to.clone(),
            reason: self.reason,
            at,
        }
    }
}

/// A rollback that came to its end: an older revision took the place of a newer one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolledBack {
    /// The revision that was left: it failed, or somebody returned to an older one.
    #[schemars(length(max = 64))]
    pub from: String,
    /// The revision that took its place.
    #[schemars(length(max = 64))]
    pub to: String,
    /// Why.
    pub reason: Reason,
    /// When the older revision proved good again.
    pub at: Timestamp,
}

/// A forced stop on request: the application stays stopped until another revision, a restart or a retry is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForceStopped {
    /// The revision that was asked for then.
    #[schemars(length(max = 64))]
    pub revision: String,
    /// When it was stopped.
    pub at: Timestamp,
    /// Why, where nobody asked for it.
    #[schemars(length(max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Whether somebody else stopped it, with or without force, while it was verified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
}

/// A stop after which nothing was started: the next start goes on from its snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastStop {
    /// The operation, as far as it is known.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether it may have left a snapshot: it was not known to be forced, and snapshots were on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_snapshot: bool,
}

/// A time in which the job of a revision ran that was not proven good; what it snapshotted is no way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnprovenSpan {
    /// The revision.
    #[schemars(length(max = 64))]
    pub revision: String,
    /// The configuration version with which its job came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<i64>,
    /// When its job was in place.
    pub from: Timestamp,
    /// When another took its place, or it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl UnprovenSpan {
    /// Whether a moment lies within.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from < at && self.until.is_none_or(|until| at <= until)
    }
}

/// The Flink job as its REST API last showed it to the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    /// The id of the job.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Its state in Flink's words.
    #[schemars(length(max = 32))]
    pub state: String,
    /// The subtasks that run or have finished.
    pub subtasks_running: i64,
    /// All subtasks.
    pub subtasks_total: i64,
    /// Its restarts since it was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<i64>,
}
