//! The call that is about to be sent or whose effect is awaited.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a mutating call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum StepKind {
    /// `CreateApplication`.
    Create,
    /// `UpdateApplication` that changes the configuration.
    Update,
    /// `UpdateApplication` that only restarts the job.
    Restart,
    /// `StartApplication`.
    Start,
    /// `StopApplication`.
    Stop,
    /// `StopApplication` with force.
    ForceStop,
    /// `RollbackApplication`.
    RollBack,
    /// `CreateApplicationSnapshot` before a change.
    TakeSnapshot,
    /// `CreateApplicationSnapshot` of a job that is left alone.
    BackUp,
    /// `DeleteApplicationSnapshot`.
    DeleteSnapshot,
    /// `AddApplicationVpcConfiguration`.
    AddVpc,
    /// `DeleteApplicationVpcConfiguration`.
    RemoveVpc,
    /// `AddApplicationCloudWatchLoggingOption`.
    AddLogging,
    /// `DeleteApplicationCloudWatchLoggingOption`.
    RemoveLogging,
    /// `UpdateApplicationMaintenanceConfiguration`.
    SetMaintenanceWindow,
    /// `TagResource`.
    Tag,
    /// `UntagResource`.
    Untag,
    /// `DeleteApplication`.
    Delete,
}

/// The call that is about to be sent or whose effect is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The kind of the call.
    pub step: StepKind,
    /// How far it came.
    pub phase: Phase,
    /// The revision that the call serves.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The restart nonce that the call serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_nonce: Option<i64>,
    /// The request to restart that the call serves.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_request: Option<String>,
    /// The request for a snapshot that the call serves.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_request: Option<String>,
    /// The nonce of `spec.restore.once` that the call serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_once: Option<i64>,
    /// The token of the observation that the call was planned from.
    #[schemars(length(max = 512))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fence: Option<String>,
    /// The configuration version of that observation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_version_id: Option<i64>,
    /// The snapshot that the call takes, restores or deletes.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Whether the job that the call brings restores state.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restores: bool,
    /// The newest operation of the application when the call was declared.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_operation_id: Option<String>,
    /// Digests of what the call asks for, where the service may accept it and leave it undone.
    #[schemars(length(max = 200), inner(length(max = 64)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<String>,
    /// When the call was declared.
    pub declared_at: Timestamp,
    /// The operation that the service named in its reply.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// The configuration version that the service named in its reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_version_id: Option<i64>,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Written down; it may have been sent.
    Declared,
    /// Sent, without a definite answer.
    Unknown,
    /// Accepted by the service.
    Issued,
}
