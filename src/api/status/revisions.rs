//! The revisions that matter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
