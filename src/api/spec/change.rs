//! The state that a job starts from, how a change is brought out, and what a deletion does.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::spec::undescribed::undescribed;

/// The state with which the job starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Restore {
    /// The state of the first start by this resource of an application that had state. Default: the newest snapshot. An
    /// application that never had state starts empty whatever this says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<InitialRestore>,

    /// The state of every later start. Default: `LatestSnapshot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_start: Option<RestoreFrom>,

    /// The state of the job after an update while it runs. Default: `LatestSnapshot`, the one that the update takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_update: Option<RestoreFrom>,

    /// A snapshot that the next start or update restores instead, once for each nonce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once: Option<RestoreOnce>,

    /// Whether state that no operator of the job claims may be dropped. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_non_restored_state: Option<bool>,
}

/// The state of the first start by this resource of an application that had state.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("(self.from == 'Snapshot') == has(self.snapshotName)", "spec.restore.initial.snapshotName belongs to from: Snapshot, and from: Snapshot needs it"))]
pub struct InitialRestore {
    /// Where the state comes from.
    pub from: InitialFrom,

    /// The snapshot, with from: Snapshot.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^[a-zA-Z0-9_.-]+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_name: Option<String>,
}

/// A snapshot that the next start or update restores instead. It causes neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreOnce {
    /// Change it to have the snapshot restored.
    #[schemars(range(min = 0))]
    pub nonce: i64,

    /// The snapshot.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^[a-zA-Z0-9_.-]+$"))]
    pub snapshot_name: String,
}

/// Where the state of the first start comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum InitialFrom {
    /// The newest snapshot of the application.
    LatestSnapshot,
    /// The named snapshot.
    Snapshot,
    /// No state.
    None,
}

/// Where the state of a start or an update comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum RestoreFrom {
    /// The newest snapshot.
    LatestSnapshot,
    /// No state: what the job had is given up.
    None,
}

/// How a change is brought out.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.progressDeadline) || (duration(self.progressDeadline) >= duration('1m') && duration(self.progressDeadline) <= duration('24h'))", "spec.rollout.progressDeadline must be between 1m and 24h"))]
pub struct Rollout {
    /// The time from the first call of a change to its end, for instance 30m. Default: 30m.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_deadline: Option<String>,

    /// Whether a snapshot is taken before a change of a running application. Default: `WhenHealthy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_change_snapshot: Option<PreChangeSnapshot>,

    /// When a changed job counts as good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,

    /// What follows when a change fails: Rollback returns to the newest good revision with its state, `ForceStop` stops
    /// the job, Hold leaves it as it is. Where nothing is good yet, Rollback stops the job. Default: Rollback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,

    /// Whether a person lets each new revision through: Manual waits for the annotation
    /// sluicegate.dev/approved-revision with the revision as its value. Default: Automatic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,

    /// The times in which a new revision may begin to be brought out; ways back and starts do not wait for them.
    /// Absent: always.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_windows: Option<Vec<ChangeWindow>>,
}

/// Whether a person lets each new revision through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum Approval {
    /// It goes by itself.
    Automatic,
    /// It waits for a person.
    Manual,
}

/// A time in which a new revision may begin to be brought out.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("duration(self.duration) >= duration('1m') && duration(self.duration) <= duration('168h')", "spec.rollout.changeWindows[].duration must be between 1m and 168h"))]
pub struct ChangeWindow {
    /// A name for messages.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// When it opens: minute, hour, day of month, month and day of week as in crontab, for instance 0 22 * * 1-5.
    #[schemars(length(min = 9, max = 128))]
    pub cron: String,

    /// How long it stays open, for instance 4h.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub duration: String,

    /// The time zone of the expression, a name of the tz database. Default: UTC.
    #[schemars(length(min = 1, max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// When a changed job counts as good.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.stableFor) || (duration(self.stableFor) >= duration('0s') && duration(self.stableFor) <= duration('12h'))", "spec.rollout.gate.stableFor must be between 0s and 12h"))]
pub struct Gate {
    /// How long every subtask must run without interruption, for instance 2m. Default: 2m.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_for: Option<String>,

    /// The restarts of the job that are tolerated; one more fails the change. Default: 1.
    #[schemars(range(min = 0, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_restarts: Option<i32>,

    /// The checkpoints that the job must complete; with checkpointing off none are waited for. Default: 1.
    #[schemars(range(min = 0, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_completed_checkpoints: Option<i32>,
}

/// What follows when a change fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum OnFailure {
    /// The newest good revision runs again.
    Rollback,
    /// The job is stopped by force.
    ForceStop,
    /// The job is left as it is.
    Hold,
}

/// Whether a snapshot is taken before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum PreChangeSnapshot {
    /// No change without one.
    Required,
    /// Where the service takes one.
    WhenHealthy,
    /// None.
    Never,
}

/// What the deletion of this resource does to the application.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("!(has(self.policy) && self.policy == 'Delete') || (has(self.stateLoss) && self.stateLoss == 'Accepted')", "spec.deletion.policy: Delete destroys every snapshot of the application and needs spec.deletion.stateLoss: Accepted"),
    validation = ("!has(self.timeout) || (duration(self.timeout) >= duration('1m') && duration(self.timeout) <= duration('24h'))", "spec.deletion.timeout must be between 1m and 24h"),
)]
pub struct Deletion {
    /// Retain leaves the application as it is, Stop stops it, Delete deletes it with its snapshots. Default: Retain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<DeletionPolicy>,

    /// Consent to the loss of every snapshot, needed by policy: Delete. Default: Refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_loss: Option<StateLoss>,

    /// Whether the stop before takes a snapshot: Required stops gracefully only, `BestEffort` forces a stop that is
    /// refused or outlasts the timeout, Never forces it at once. Default: `BestEffort`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_snapshot: Option<FinalSnapshot>,

    /// The time that the graceful stop may take, for instance 30m. Default: 30m.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// What happens to the application when its resource is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum DeletionPolicy {
    /// It stays as it is.
    Retain,
    /// It is stopped and stays.
    Stop,
    /// It is stopped and deleted, with every snapshot.
    Delete,
}

/// Consent to the loss of every snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum StateLoss {
    /// No consent.
    Refused,
    /// Consent.
    Accepted,
}

/// Whether the stop before a deletion takes a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum FinalSnapshot {
    /// Graceful stops only.
    Required,
    /// Graceful, then forced.
    BestEffort,
    /// Forced at once.
    Never,
}
