//! An immutable snapshot of the service at one moment: facts only, no decisions.

mod counter;
mod job;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::status::Tags;
use crate::configuration::{Configuration, Vpc};

pub use counter::{Counter, Point, Restarts, Series, Tail};
pub use job::{ObservedCheckpoints, ObservedJob, ObservedVertex, Restored, Sight};

/// What was seen of one application in one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// The application; absent when the service does not know it.
    pub application: Option<Observed>,
    /// The operations of the application, newest first; absent when they were not read.
    pub operations: Option<Vec<ObservedOperation>>,
    /// The snapshots of the application, newest first; absent when they were not read.
    pub snapshots: Option<Vec<ObservedSnapshot>>,
    /// The Flink job.
    pub job: Sight,
    /// The restarts of the job.
    pub restarts: Restarts,
    /// What the log of the application tells of the failure that is judged; absent when it was not looked for or nothing
    /// was found.
    pub logged: Option<Logged>,
    /// Older configuration versions by id, as far as they were read.
    pub versions: BTreeMap<i64, ObservedVersion>,
}

/// What the log of an application tells of a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logged {
    /// The first cause.
    pub cause: Option<String>,
    /// The subtasks that failed, each once in the order of their names.
    pub failing: Vec<String>,
}

/// What must be read of an application beside its description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Its operations and snapshots.
    pub details: bool,
    /// Its Flink job.
    pub job: bool,
    /// Configuration versions, by id.
    pub versions: Vec<i64>,
}

/// A configuration version as `DescribeApplicationVersion` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedVersion {
    /// Its configuration in canonical form.
    pub configuration: Configuration,
    /// The digest of its code.
    pub code_digest: Option<String>,
}

/// An application as `DescribeApplication` and `ListTagsForResource` report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The ARN.
    pub arn: String,
    /// The account, from the ARN.
    pub account_id: String,
    /// The status.
    pub status: ApplicationStatus,
    /// The configuration version.
    pub version_id: i64,
    /// The version before the newest update.
    pub updated_from: Option<i64>,
    /// The version that a rollback left, where this version came about by one.
    pub rolled_back_from: Option<i64>,
    /// The digest of the code, as far as the service tells it.
    pub code_digest: Option<String>,
    /// The token that fences an update to this version.
    pub token: String,
    /// When the application was created: the proof that `DeleteApplication` asks for.
    pub created_at: Timestamp,
    /// Whether it is a streaming application of Flink, the only kind that is handled.
    pub streaming: bool,
    /// The description.
    pub description: Option<String>,
    /// The configuration in canonical form.
    pub configuration: Configuration,
    /// The VPC configurations by id.
    pub vpcs: BTreeMap<String, Vpc>,
    /// The log streams by id of the logging option.
    pub log_streams: BTreeMap<String, String>,
    /// The start of the maintenance window as HH:MM.
    pub maintenance_start: Option<String>,
    /// The tags.
    pub tags: Tags,
}

/// The status of an application (facts §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationStatus {
    /// It is being deleted.
    Deleting,
    /// It starts.
    Starting,
    /// It stops with a snapshot.
    Stopping,
    /// It does not run.
    Ready,
    /// A job was deployed.
    Running,
    /// Its configuration changes.
    Updating,
    /// The service scales it.
    AutoScaling,
    /// It stops without a snapshot.
    ForceStopping,
    /// It goes back to an older version.
    RollingBack,
    /// The service patches it.
    Maintenance,
    /// It went back to an older version.
    RolledBack,
    /// A status that did not exist when this was written.
    Unknown(String),
}

impl ApplicationStatus {
    /// The status of a name of the service.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "DELETING" => Self::Deleting,
            "STARTING" => Self::Starting,
            "STOPPING" => Self::Stopping,
            "READY" => Self::Ready,
            "RUNNING" => Self::Running,
            "UPDATING" => Self::Updating,
            "AUTOSCALING" => Self::AutoScaling,
            "FORCE_STOPPING" => Self::ForceStopping,
            "ROLLING_BACK" => Self::RollingBack,
            "MAINTENANCE" => Self::Maintenance,
            "ROLLED_BACK" => Self::RolledBack,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The name of the status in the service.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Deleting => "DELETING",
            Self::Starting => "STARTING",
            Self::Stopping => "STOPPING",
            Self::Ready => "READY",
            Self::Running => "RUNNING",
            Self::Updating => "UPDATING",
            Self::AutoScaling => "AUTOSCALING",
            Self::ForceStopping => "FORCE_STOPPING",
            Self::RollingBack => "ROLLING_BACK",
            Self::Maintenance => "MAINTENANCE",
            Self::RolledBack => "ROLLED_BACK",
            Self::Unknown(other) => other,
        }
    }

    /// Whether the service carries something out that a forced stop may end (facts §1.5).
    #[must_use]
    pub fn can_be_ended_by_force(&self) -> bool {
        matches!(
            self,
            Self::Starting | Self::Updating | Self::Stopping | Self::AutoScaling
        )
    }

    /// Whether the application rests in this status until somebody calls.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Ready | Self::Running)
    }
}

/// An operation as `ListApplicationOperations` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedOperation {
    /// The id.
    pub id: String,
    /// The name of the call, or the service's own name for what it did by itself.
    pub kind: String,
    /// How it stands.
    pub status: OperationStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed; read only for the failed operation that decides something.
    pub error: Option<String>,
}

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationStatus {
    /// It goes on.
    InProgress,
    /// It was given up.
    Cancelled,
    /// It did what it should.
    Successful,
    /// It did not.
    Failed,
}

/// A snapshot as `ListApplicationSnapshots` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedSnapshot {
    /// The name.
    pub name: String,
    /// How it stands.
    pub status: SnapshotStatus,
    /// The configuration version at its creation.
    pub version_id: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// The Flink runtime that made it.
    pub runtime_environment: Option<String>,
}

/// How a snapshot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotStatus {
    /// It is being taken.
    Creating,
    /// It can be restored.
    Ready,
    /// It is being deleted.
    Deleting,
    /// It cannot be restored.
    Failed,
}

impl World {
    /// The operations, none when they were not read.
    #[must_use]
    pub fn operations(&self) -> &[ObservedOperation] {
        self.operations.as_deref().unwrap_or_default()
    }

    /// The snapshots, none when they were not read.
    #[must_use]
    pub fn snapshots(&self) -> &[ObservedSnapshot] {
        self.snapshots.as_deref().unwrap_or_default()
    }

    /// The operation with an id.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&ObservedOperation> {
        self.operations().iter().find(|operation| operation.id == id)
    }

    /// The operation that the service carries out now.
    #[must_use]
    pub fn in_flight(&self) -> Option<&ObservedOperation> {
        self.operations()
            .iter()
            .find(|operation| operation.status == OperationStatus::InProgress)
    }

    /// The newest operation of a kind that began after another one.
    #[must_use]
    pub fn newest_after(&self, kind: &str, after: Option<&str>) -> Option<&ObservedOperation> {
        self.operations()
            .iter()
            .take_while(|operation| Some(operation.id.as_str()) != after)
            .find(|operation| operation.kind == kind)
    }
}
