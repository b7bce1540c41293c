//! What hinders a call: the refusal of the service, or a reference that does not exist.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::status::intent::StepKind;

/// A call that the service refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusalStatus {
    /// The kind of the call.
    pub step: StepKind,
    /// The revision that the call served.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The generation of the spec at the refusal.
    pub generation: i64,
    /// The class of the refusal.
    pub class: RefusalClass,
    /// The service's words.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When the call was first refused.
    pub first_at: Timestamp,
    /// When it was last refused.
    pub last_at: Timestamp,
}

/// The classes of refusals that are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RefusalClass {
    /// The configuration is not valid.
    Rejected,
    /// The role or the location of the code is not (yet) usable.
    RoleOrLocation,
    /// A permission is missing.
    AccessDenied,
    /// A quota is used up.
    QuotaExceeded,
    /// The job is down.
    JobDown,
    /// The tags of a deleted application of the same name linger.
    TagsLingering,
}

/// A reference of the spec that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingStatus {
    /// What is missing.
    #[schemars(length(max = 512))]
    pub what: String,
    /// Since when.
    pub since: Timestamp,
}

/// A call that the service does not accept for what may pass by itself: its rate, a status that forbids it at the moment, a
/// change of somebody else, no connection. It says nothing against a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotAccepted {
    /// The kind of the call.
    pub step: StepKind,
    /// The revision that the call serves.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The service's words.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When it was first not accepted.
    pub first_at: Timestamp,
    /// When that was last noted.
    pub last_at: Timestamp,
}
