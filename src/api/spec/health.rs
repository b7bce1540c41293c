//! How a running job is watched, and what follows when it restarts again and again.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::spec::undescribed;

/// How a running job is watched, and what follows when it restarts again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// When restarts count as a loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_loop: Option<RestartLoop>,

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
