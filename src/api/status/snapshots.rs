//! What is known of the snapshots of an application, and what is due.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::status::refusal::RefusalClass;

/// What is known of the snapshots of an application, as of the last time they were listed, and what is due.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotsStatus {
    /// The newest one that a job of a good revision made.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_at: Option<Timestamp>,
    /// How many there are in all, those of the service and of people included: the service keeps 1000.
    pub count: i64,
    /// When the schedule asks for the next one; in the past while that one is still to be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When the next one grows too old for the retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Why the last attempt to take one failed, until one succeeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<SnapshotFailure>,
    /// Why the last attempt to delete one failed, until one succeeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_failure: Option<SnapshotFailure>,
}

/// A failed attempt to take or to delete a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotFailure {
    /// When it failed.
    pub at: Timestamp,
    /// How often it failed in a row.
    pub attempts: i32,
    /// Why, where the service refused the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<RefusalClass>,
    /// Why, in the service's words.
    #[schemars(length(max = 1024))]
    pub message: String,
}
