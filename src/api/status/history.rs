//! The newest events in the life of the application.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
