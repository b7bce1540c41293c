//! What is known of a running job that was proven once.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::spec::health::OnUnhealthy;

/// What is known of a running job that was proven once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthStatus {
    /// The loop that the job is in; absent while it is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_loop: Option<LoopStatus>,
    /// When a loop was last answered by a forced stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acted_at: Option<Timestamp>,
}

/// A loop of restarts, from its discovery until the job runs quietly or another takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoopStatus {
    /// The revision whose job restarts.
    #[schemars(length(max = 64))]
    pub revision: String,
    /// When it was found.
    pub since: Timestamp,
    /// What was found, in one sentence.
    #[schemars(length(max = 256))]
    pub found: String,
    /// Subtasks that failed, at most three.
    #[schemars(length(max = 3), inner(length(max = 256)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtasks: Vec<String>,
    /// The first cause, where Flink or the log told one.
    #[schemars(length(max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How it was answered; a loop is answered once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<OnUnhealthy>,
}
