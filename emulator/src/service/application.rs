//! One application: all that is kept of it, and what every call asks of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::configuration::Configuration;
use super::error::{ErrorCode, ServiceError};
use crate::job::{Job, JobState};

/// The statuses that an application of this emulator can have (facts §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Not running.
    Ready,
    /// The code is launched.
    Starting,
    /// A job was deployed; it need not be healthy.
    Running,
    /// An update is under way.
    Updating,
    /// A graceful stop is under way.
    Stopping,
    /// A stop without snapshot is under way.
    ForceStopping,
    /// The service changes the parallelism.
    Autoscaling,
    /// The service patches.
    Maintenance,
    /// A failed update is undone.
    RollingBack,
    /// A deletion is under way.
    Deleting,
}

impl Status {
    /// The spelling of the wire, for example `FORCE_STOPPING`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Updating => "UPDATING",
            Self::Stopping => "STOPPING",
            Self::ForceStopping => "FORCE_STOPPING",
            Self::Autoscaling => "AUTOSCALING",
            Self::Maintenance => "MAINTENANCE",
            Self::RollingBack => "ROLLING_BACK",
            Self::Deleting => "DELETING",
        }
    }

    /// `READY` and `RUNNING`; every other status passes.
    #[must_use]
    pub fn is_steady(self) -> bool {
        matches!(self, Self::Ready | Self::Running)
    }
}

/// How the current run was started (facts §3.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) restore_type: String,
    pub(crate) snapshot_name: Option<String>,
    pub(crate) allow_non_restored_state: bool,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            restore_type: "RESTORE_FROM_LATEST_SNAPSHOT".to_owned(),
            snapshot_name: None,
            allow_non_restored_state: false,
        }
    }
}

/// A logging option as the service spells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoggingOption {
    #[serde(rename = "CloudWatchLoggingOptionId")]
    pub(crate) id: String,
    #[serde(rename = "LogStreamARN")]
    pub(crate) log_stream_arn: String,
}

/// What a change decides about the next version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) runtime: String,
    pub(crate) role: String,
    pub(crate) configuration: Configuration,
    pub(crate) logging: Vec<LoggingOption>,
}

/// One version of an application. Its content never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: u64,
    pub(crate) created: Timestamp,
    pub(crate) updated_from: Option<u64>,
    /// The versions a rollback came from and went to, when it made this version current.
    pub(crate) rolled_back: Option<(u64, u64)>,
    /// The snapshot that was taken of the running job when this version replaced it.
    pub(crate) snapshot: Option<String>,
    pub(crate) token: String,
    pub(crate) runtime: String,
    pub(crate) role: String,
    pub(crate) configuration: Configuration,
    pub(crate) logging: Vec<LoggingOption>,
}

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OperationStatus {
    InProgress,
    Cancelled,
    Successful,
    Failed,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) sequence: u64,
    pub(crate) name: String,
    pub(crate) started: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) status: OperationStatus,
    pub(crate) versions: Option<(u64, u64)>,
    pub(crate) error: Option<String>,
    pub(crate) rollback: Option<String>,
    /// Whether it is shown in progress for as long as the fault is in force.
    #[serde(default)]
    pub(crate) lingers: bool,
}

/// How a snapshot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum SnapshotStatus {
    Creating,
    Ready,
    Deleting,
    Failed,
}

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    /// Rises with every snapshot; tells which of two in one second is newer.
    pub(crate) sequence: u64,
    pub(crate) status: SnapshotStatus,
    pub(crate) version: u64,
    pub(crate) created: Timestamp,
    pub(crate) runtime: String,
    /// When `CREATING` or `DELETING` is over.
    pub(crate) due: Option<Timestamp>,
    /// When `CREATING` was over.
    #[serde(default)]
    pub(crate) ended: Option<Timestamp>,
    /// Whether the job fails before it is complete.
    #[serde(default)]
    pub(crate) fails: bool,
    /// Whether the service takes it because a stop, an update or autoscaling needs it.
    #[serde(default)]
    pub(crate) automatic: bool,
}

/// What a transition does when it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Effect {
    /// Launches the code, as a start does.
    Launch { restore: Option<String> },
    /// Leaves the application stopped.
    Halt { job: JobState },
    /// Ends an update of a stopped application.
    Reconfigure,
    /// Replaces the running job by the new version.
    Replace { restore: Option<String> },
    /// Runs the version before again, without a snapshot of the job it replaces.
    RollBack { restore: Option<String> },
    /// Ends maintenance; the job goes on.
    Resume,
    /// Restarts the job with another parallelism.
    Scale { parallelism: u64, restore: Option<String> },
    /// Removes the application.
    Vanish,
}

/// Something under way. Without a due time it hangs until somebody interrupts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transition {
    pub(crate) due: Option<Timestamp>,
    pub(crate) effect: Effect,
    pub(crate) operation: Option<String>,
}

/// One URL that was given out. It is a bearer credential of one application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) first_use_until: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) used: bool,
}

/// What `DescribeApplication` and `ListApplications` answer about an application for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) until: Timestamp,
    /// With all details.
    pub(crate) detail: Value,
    pub(crate) summary: Value,
}

/// A line on its way to the log groups of the version that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) version: u64,
    pub(crate) message: String,
}

/// One application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Application {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) description: Option<String>,
    pub(crate) status: Status,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) current: u64,
    pub(crate) versions: BTreeMap<u64, Version>,
    pub(crate) current_parallelism: u64,
    pub(crate) maintenance_start: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) run: Option<Run>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) transition: Option<Transition>,
    /// What reads show while they are behind, the oldest first.
    pub(crate) shown: Vec<Shown>,
    /// What it wrote to its log in the step that is taken.
    #[serde(skip)]
    pub(crate) lines: Vec<Line>,
    #[serde(default)]
    pub(crate) sessions: Vec<Session>,
}

impl Application {
    /// The version that counts. It is in the history from creation to deletion.
    pub(crate) fn version(&self) -> Result<&Version, ServiceError> {
        self.versions.get(&self.current).ok_or_else(|| {
            ServiceError::new(
                ErrorCode::ServiceUnavailable,
                "the application lost its current version",
            )
        })
    }

    pub(crate) fn configuration(&self) -> Result<&Configuration, ServiceError> {
        self.version().map(|version| &version.configuration)
    }

    /// The job of the current run, also one that ended.
    pub(crate) fn job(&self) -> Option<&Job> {
        self.jobs.last()
    }

    /// Whether a snapshot can be taken of the job (facts §1.3, §4.3).
    pub(crate) fn is_healthy(&self, now: Timestamp) -> bool {
        self.job().is_some_and(|job| job.is_healthy(now))
    }

    /// The refusal when the status forbids the operation (facts §1.0).
    pub(crate) fn refuse_in(&self, operation: &str) -> ServiceError {
        ServiceError::in_use(format!(
            "Application {} is {} and not available for {operation}",
            self.name,
            self.status.name()
        ))
    }

    pub(crate) fn in_status(&self, operation: &str, legal: &[Status]) -> Result<(), ServiceError> {
        if legal.contains(&self.status) {
            Ok(())
        } else {
            Err(self.refuse_in(operation))
        }
    }
}
