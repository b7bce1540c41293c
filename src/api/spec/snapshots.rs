//! The snapshots that are kept: when they are taken, and which are deleted again.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::spec::undescribed::undescribed;

/// Whether snapshots are taken, when, and how long they are kept.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("!has(self.schedule) || !has(self.enabled) || self.enabled", "spec.snapshots.schedule needs spec.snapshots.enabled: true, because nothing can be taken otherwise"),
    validation = ("!has(self.staleAfter) || (duration(self.staleAfter) >= duration('1m') && duration(self.staleAfter) <= duration('8760h'))", "spec.snapshots.staleAfter must be between 1m and 8760h"),
)]
pub struct Snapshots {
    /// Whether the service takes a snapshot at stops and updates. Default: true. False is standing consent to starts
    /// without state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// When a snapshot is taken while the job runs and nothing else is under way. Absent: never by the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<SnapshotSchedule>,

    /// Which snapshots are deleted again. Absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,

    /// The age at which the newest snapshot of a good revision counts as stale while the job runs, for instance 12h.
    /// Absent: never.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_after: Option<String>,
}

/// When snapshots are taken.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.startingDeadline) || (duration(self.startingDeadline) >= duration('1m') && duration(self.startingDeadline) <= duration('24h'))", "spec.snapshots.schedule.startingDeadline must be between 1m and 24h"))]
pub struct SnapshotSchedule {
    /// A cron expression of minute, hour, day of month, month and day of week, for instance "0 */6 * * *".
    #[schemars(length(min = 9, max = 128))]
    pub cron: String,

    /// The time zone of the expression, a name of the tz database. Default: UTC.
    #[schemars(length(min = 1, max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,

    /// How late a run may still be made up, for instance after a change that was under way. Default: 30m.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_deadline: Option<String>,
}

/// Which snapshots are deleted again. What a start of the current or the previous good revision would restore, the newest
/// one of a good revision, and what the spec names is never deleted.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.maxCount) || has(self.maxAge)", "spec.snapshots.retention needs maxCount or maxAge"),
    validation = ("!has(self.maxAge) || (duration(self.maxAge) >= duration('1h') && duration(self.maxAge) <= duration('87600h'))", "spec.snapshots.retention.maxAge must be between 1h and 87600h"),
)]
pub struct Retention {
    /// How many are kept; the oldest beyond it are deleted. Absent: no limit.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_count: Option<i32>,

    /// How old one may become, for instance 168h. Absent: no limit.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<String>,

    /// Which are meant: Ours are those that this controller took, All includes those of the service and of people.
    /// Default: Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<RetentionScope>,
}

/// Which snapshots the retention is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum RetentionScope {
    /// Those that this controller took.
    Ours,
    /// Every snapshot of the application.
    All,
}
