//! What the controller publishes about an application, and the journal that must survive a crash.

mod application;
mod failure;
mod health;
mod history;
mod intent;
mod journal;
mod refusal;
mod requests;
mod revisions;
mod rollout;
mod snapshots;
mod written;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::condition::Condition;

pub use application::AwsStatus;
pub use failure::{FailedRevision, LastFailure};
pub use health::{HealthStatus, LoopStatus};
pub use history::{HistoryEntry, HistoryResult};
pub use intent::{Intent, Phase, StepKind};
pub use journal::Journal;
pub use refusal::{MissingStatus, NotAccepted, RefusalClass, RefusalStatus};
pub use requests::{Handled, Requests};
pub use revisions::{PreviousRevision, Revisions};
pub use rollout::{
    BroughtJob, ForceStopped, GateStatus, JobStatus, LastStop, PreChange, PutBack, RanBefore, ResolvedKey, RolledBack,
    RolloutStatus, Unheeded, UnprovenSpan, WayBack,
};
pub use snapshots::{SnapshotFailure, SnapshotsStatus};

/// The observed state of an application and what the controller must remember about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct FlinkApplicationStatus {
    /// The generation of the spec that this status is about; -1 before the first look.
    pub observed_generation: i64,
    /// What happens, or what is missing, in one sentence.
    #[schemars(length(max = 2048))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The state of the application in aspects.
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The parallelism in the service, for the scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i32>,
    /// A label selector, for the scale subresource; no pod matches it.
    #[schemars(length(max = 512))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// What must be remembered.
    #[serde(flatten)]
    pub journal: Journal,
}

impl Default for FlinkApplicationStatus {
    fn default() -> Self {
        Self {
            observed_generation: -1,
            message: None,
            conditions: Vec::new(),
            parallelism: None,
            selector: None,
            journal: Journal::default(),
        }
    }
}

/// The tags that prove whose application it is, by key.
pub type Tags = BTreeMap<String, String>;
