//! How a running job is watched, and what follows when it restarts again and again.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::spec::undescribed::undescribed;

/// How a running job is watched, and what follows when it restarts again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// When restarts count as a loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_loop: Option<RestartLoop>,

    /// How the log of the application is searched for subtasks that fail. Needs `logging` and the log level INFO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transitions: Option<Transitions>,

    /// What follows a loop, once: Report only tells, `ForceStop` stops the job without a snapshot and leaves it stopped,
    /// Restart stops it so and starts it again from its newest snapshot, at most once an hour. Default: Report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_unhealthy: Option<OnUnhealthy>,
}

/// When restarts count as a loop: as many as the threshold within the window, or some in each of three windows in a row.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.window) || (duration(self.window) >= duration('1m') && duration(self.window) <= duration('1h'))", "spec.health.restartLoop.window must be between 1m and 1h"))]
pub struct RestartLoop {
    /// How many restarts within the window are a loop. Default: 3.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<i64>,

    /// The time in which they are counted. A loop is over after two of them without a restart. Default: 5m.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
}

/// How the log of an application is searched for subtasks that fail.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.interval) || (duration(self.interval) >= duration('5s') && duration(self.interval) <= duration('5m'))", "spec.health.transitions.interval must be between 5s and 5m"))]
pub struct Transitions {
    /// `OnSuspicion` searches once when a loop is found, Watch reads the log all the time and finds a loop within seconds,
    /// Never does not read it for a running job. Default: `OnSuspicion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<TransitionsMode>,

    /// The time between two readings of the log under Watch. Default: 15s.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
}

/// When the log of an application is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum TransitionsMode {
    /// When a loop is found.
    #[default]
    OnSuspicion,
    /// All the time.
    Watch,
    /// Never.
    Never,
}

/// What follows when a proven job restarts again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum OnUnhealthy {
    /// It is told.
    #[default]
    Report,
    /// The job is stopped by force and stays stopped.
    ForceStop,
    /// The job is stopped by force and started from its newest snapshot.
    Restart,
}
