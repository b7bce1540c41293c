//! Conditions and the closed set of their reasons.
//!
//! A reason is at the same time the reason of an event and the label of a metric.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One aspect of the state of an application, in the shape of the Kubernetes API conventions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The aspect: Ready, Reconciling, Stalled, Synced, `JobHealthy`, `SnapshotsHealthy`, `RolledBack`
    /// or Paused.
    #[serde(rename = "type")]
    #[schemars(length(max = 64))]
    pub type_: String,
    /// True, False or Unknown.
    #[schemars(length(max = 8))]
    pub status: String,
    /// The reason as one word.
    #[schemars(length(min = 1, max = 64))]
    pub reason: String,
    /// The reason as a sentence.
    #[schemars(length(max = 2048))]
    pub message: String,
    /// When the status last changed.
    pub last_transition_time: Timestamp,
    /// The generation of the resource that the condition is about.
    pub observed_generation: i64,
}

/// The aspects that are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionType {
    /// The desired state is reached, observed and proven.
    Ready,
    /// Work is in flight; present only while true.
    Reconciling,
    /// Nothing will change without a person or another spec; present only while true.
    Stalled,
    /// The configuration in the service equals the spec.
    Synced,
    /// The Flink job does useful work, as far as it was looked at.
    JobHealthy,
    /// The newest snapshot of a good revision is young enough.
    SnapshotsHealthy,
    /// An older revision runs because a newer one failed.
    RolledBack,
    /// The controller only watches; present while true, and False while the annotation that asks for it has a value that
    /// means nothing.
    Paused,
}

impl ConditionType {
    /// The name as it stands in the condition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Synced => "Synced",
            Self::JobHealthy => "JobHealthy",
            Self::SnapshotsHealthy => "SnapshotsHealthy",
            Self::RolledBack => "RolledBack",
            Self::Paused => "Paused",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Why a condition is as it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The reason as one word, as it stands in conditions, events and metric labels.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

reasons! {
    /// The job runs the desired revision.
    Running,
    /// The application is stopped, as desired.
    Stopped,
    /// Something is awaited before the next step.
    Pending,
    /// The application is being created.
    Creating,
    /// The job starts.
    Starting,
    /// The configuration changes.
    Updating,
    /// The job stops.
    Stopping,
    /// The service goes back to an older version.
    RollingBack,
    /// The application is being deleted.
    Deleting,
    /// The service patches the application.
    Maintenance,
    /// The service scales the application.
    AutoScaling,
    /// The service refused the configuration.
    Rejected,
    /// A permission is missing.
    AccessDenied,
    /// A start has no snapshot to start from although there was state.
    NoRestorePoint,
    /// The application belongs to somebody else.
    NotOwned,
    /// The controller may not do in this namespace what the spec asks for.
    NotAllowed,
    /// The spec contradicts itself or what cannot be changed.
    InvalidSpec,
    /// A ConfigMap that the spec names does not exist.
    ReferenceNotFound,
    /// The service refuses because the job is down.
    JobUnhealthy,
    /// The job ended again and again.
    JobEnded,
    /// The job did not start.
    StartFailed,
    /// A quota of the service is used up.
    QuotaExceeded,
    /// The service has not accepted a call for longer than a change may take; it is tried on.
    NotAccepted,
    /// A change took longer than allowed.
    DeadlineExceeded,
    /// The configuration in the service equals the spec.
    InSync,
    /// The revision waits until a person lets it through.
    AwaitingApproval,
    /// The revision waits until a change window opens.
    OutsideChangeWindow,
    /// Somebody else changed or stopped the application.
    DriftDetected,
    /// Nothing is changed, as the spec says.
    ObserveOnly,
    /// The failed revision is neither sent nor started again.
    FailedRevisionHeld,
    /// The job of the change runs, and it is being proven.
    Verifying,
    /// The job of the change could not be looked at, so that nothing speaks for or against it.
    Unverified,
    /// The job restarts again and again.
    RestartLoop,
    /// Subtasks of the job fail for good.
    SubtasksFailed,
    /// The job was started from state and came up without it.
    StateNotRestored,
    /// Every subtask of the job runs.
    AllSubtasksRunning,
    /// Nothing is known about the job.
    NoData,
    /// The newest snapshot of a good revision is young enough.
    Fresh,
    /// There is no snapshot of a good revision that is young enough.
    Stale,
    /// The service keeps no more snapshots, or soon will not.
    LimitReached,
    /// Snapshots are off.
    Disabled,
    /// A revision failed and an older one runs again.
    RolledBack,
    /// The way back to the good revision failed too.
    RollbackFailed,
    /// The gate found the job of the change in trouble.
    GateFailed,
    /// The operation of the change failed.
    OperationFailed,
    /// The service went back by itself.
    System,
    /// A person asked for it.
    Manual,
    /// The spec returned to the good revision before the newer one was proven.
    Reverted,
    /// The job was stopped by force and stays stopped.
    ForceStopped,
    /// Somebody else stopped the job while it was verified, and it stays stopped.
    StoppedElsewhere,
    /// Somebody asked only to watch.
    Paused,
    /// By an annotation of the resource.
    Annotation,
}
