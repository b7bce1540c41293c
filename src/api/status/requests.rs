//! What people ask for through annotations and nonces, and how far that was acted on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests that were taken over from annotations and are still to be acted on; each is the value of its annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// The value of restart-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// The value of rollback-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// The value of force-stop-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_stop: Option<String>,
    /// The value of snapshot-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

/// The requests that were acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Handled {
    /// The value of reconcile-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<String>,
    /// The value of retry-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// The value of restart-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// The value of rollback-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// The value of force-stop-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_stop: Option<String>,
    /// The value of snapshot-requested-at.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The restart nonce of the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_nonce: Option<i64>,
    /// The nonce of `spec.restore.once` whose snapshot was restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_once: Option<i64>,
    /// The revision whose start without state was consented to and made.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_start: Option<String>,
    /// The revision that was last let through, by a person or by itself: it is not held back again while it is asked for.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The revision of the spec whose content the service was last seen to have: what differs from it later was changed by
    /// somebody else.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brought: Option<String>,
}
