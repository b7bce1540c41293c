//! The revisions that failed, and the first cause of the newest failure.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::condition::Reason;

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
