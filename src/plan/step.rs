//! The mutating calls, each exactly one call of the service.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::condition::Reason;
use crate::api::status::{StepKind, Tags};
use crate::configuration::{Configuration, Vpc, digest};
use crate::plan::diff::Change;

/// One mutating call with all that it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Creates the application.
    Create(Box<Create>),
    /// Changes the configuration; on a running job with the state that it restarts from.
    Update {
        /// What changes.
        change: Box<Change>,
        /// The state that a running job restarts from; absent while the application is READY.
        run: Option<RunConfiguration>,
        /// The observation that the change was planned from.
        fence: Fence,
    },
    /// Restarts a running job by an update that changes nothing.
    Restart {
        /// The state that the job restarts from.
        run: RunConfiguration,
        /// The observation that the restart was planned from.
        fence: Fence,
    },
    /// Starts the job.
    Start {
        /// The state that the job starts from.
        run: RunConfiguration,
    },
    /// Stops the job with a snapshot.
    Stop,
    /// Stops the job without a snapshot.
    ForceStop,
    /// Returns to the version before the newest update.
    RollBack {
        /// The configuration version that is left.
        version_id: i64,
    },
    /// Takes a snapshot before a change.
    TakeSnapshot {
        /// The name of the snapshot.
        name: String,
    },
    /// Takes a snapshot of a job that is left alone.
    BackUp {
        /// The name of the snapshot.
        name: String,
    },
    /// Deletes a snapshot.
    DeleteSnapshot {
        /// The name of the snapshot.
        name: String,
        /// When it was taken: the proof of which one is meant.
        created_at: Timestamp,
    },
    /// Puts the application into a VPC.
    AddVpc {
        /// The VPC.
        vpc: Vpc,
        /// The observation that the call was planned from.
        fence: Fence,
    },
    /// Takes the application out of a VPC.
    RemoveVpc {
        /// The id of the VPC configuration.
        id: String,
        /// The observation that the call was planned from.
        fence: Fence,
    },
    /// Sends the logs of the job to a stream.
    AddLogging {
        /// The ARN of the log stream.
        log_stream_arn: String,
        /// The observation that the call was planned from.
        fence: Fence,
    },
    /// Sends the logs of the job nowhere.
    RemoveLogging {
        /// The id of the logging option.
        id: String,
        /// The observation that the call was planned from.
        fence: Fence,
    },
    /// Sets the maintenance window.
    SetMaintenanceWindow {
        /// The start as HH:MM in UTC.
        start: String,
    },
    /// Sets tags.
    Tag {
        /// The tags.
        tags: Tags,
    },
    /// Removes tags.
    Untag {
        /// The keys.
        keys: Vec<String>,
    },
    /// Deletes the application with its snapshots.
    Delete {
        /// When the application was created: the proof of which application is meant.
        created_at: Timestamp,
    },
}

/// What an application is created with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The description.
    pub description: Option<String>,
    /// The configuration.
    pub configuration: Configuration,
    /// The tags, those that prove the owner among them.
    pub tags: BTreeMap<String, String>,
}

/// The state that a job starts from, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunConfiguration {
    /// Where the state comes from.
    pub restore: Restore,
    /// Whether state that no operator claims may be dropped.
    pub allow_non_restored_state: bool,
}

/// Where the state of a job comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restore {
    /// The snapshot that the update itself takes.
    Latest,
    /// The named snapshot.
    Named(String),
    /// Nowhere.
    Skip,
}

/// The observation that a step was planned from; the service refuses the step when the application has moved on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The conditional token.
    pub token: String,
}

impl Step {
    /// The kind of the call.
    #[must_use]
    pub fn kind(&self) -> StepKind {
        match self {
            Self::Create(_) => StepKind::Create,
            Self::Update { .. } => StepKind::Update,
            Self::Restart { .. } => StepKind::Restart,
            Self::Start { .. } => StepKind::Start,
            Self::Stop => StepKind::Stop,
            Self::ForceStop => StepKind::ForceStop,
            Self::RollBack { .. } => StepKind::RollBack,
            Self::TakeSnapshot { .. } => StepKind::TakeSnapshot,
            Self::BackUp { .. } => StepKind::BackUp,
            Self::DeleteSnapshot { .. } => StepKind::DeleteSnapshot,
            Self::AddVpc { .. } => StepKind::AddVpc,
            Self::RemoveVpc { .. } => StepKind::RemoveVpc,
            Self::AddLogging { .. } => StepKind::AddLogging,
            Self::RemoveLogging { .. } => StepKind::RemoveLogging,
            Self::SetMaintenanceWindow { .. } => StepKind::SetMaintenanceWindow,
            Self::Tag { .. } => StepKind::Tag,
            Self::Untag { .. } => StepKind::Untag,
            Self::Delete { .. } => StepKind::Delete,
        }
    }

    /// The fence, for the calls that the service fences.
    #[must_use]
    pub fn fence(&self) -> Option<&Fence> {
        match self {
            Self::Update { fence, .. }
            | Self::Restart { fence, .. }
            | Self::AddVpc { fence, .. }
            | Self::RemoveVpc { fence, .. }
            | Self::AddLogging { fence, .. }
            | Self::RemoveLogging { fence, .. } => Some(fence),
            _ => None,
        }
    }

    /// Whether the job that the step brings restores state.
    #[must_use]
    pub fn restores(&self) -> bool {
        match self {
            Self::RollBack { .. } => true,
            Self::Start { run } | Self::Restart { run, .. } | Self::Update { run: Some(run), .. } => {
                run.restore != Restore::Skip
            }
            _ => false,
        }
    }

    /// The snapshot that the step takes, restores or deletes by name.
    #[must_use]
    pub fn snapshot(&self) -> Option<&str> {
        match self {
            Self::TakeSnapshot { name } | Self::BackUp { name } | Self::DeleteSnapshot { name, .. } => Some(name),
            Self::Start { run } | Self::Restart { run, .. } | Self::Update { run: Some(run), .. } => match &run.restore
            {
                Restore::Named(name) => Some(name),
                Restore::Latest | Restore::Skip => None,
            },
            _ => None,
        }
    }

    /// Each single thing that the step asks for, as digests: values may be confidential. An update is judged by what is left
    /// after it.
    #[must_use]
    pub fn asks(&self) -> Vec<String> {
        match self {
            Self::Tag { tags } => tags.iter().map(|(key, value)| tag(key, value)).collect(),
            Self::Untag { keys } => keys.iter().map(|key| digest(key)).collect(),
            Self::SetMaintenanceWindow { start } => vec![digest(start)],
            Self::AddVpc { vpc: parts, .. } => vec![vpc(parts)],
            Self::AddLogging { log_stream_arn, .. } => vec![digest(log_stream_arn)],
            Self::RemoveVpc { id, .. } | Self::RemoveLogging { id, .. } => vec![digest(id)],
            _ => Vec::new(),
        }
    }
}

/// What a kind of call is, whatever it carries.
struct Traits {
    operation: &'static str,
    reason: Reason,
    about: About,
    over: Over,
}

/// What a call is about.
enum About {
    /// What the revision is about.
    Content,
    /// A job of the revision that is in place.
    Start,
    /// The job that runs, or all there is.
    Job,
    /// Snapshots of a job that is left alone.
    Snapshots,
    /// What leaves the job and its configuration alone.
    Surroundings,
}

/// When a call is over.
enum Over {
    /// When the service has answered it.
    Answered,
    /// When the world shows its effect.
    Seen,
}

const fn traits(operation: &'static str, reason: Reason, about: About, over: Over) -> Traits {
    Traits {
        operation,
        reason,
        about,
        over,
    }
}

impl StepKind {
    /// The table of all kinds of calls.
    const fn traits(self) -> Traits {
        use About::{Content, Job, Snapshots, Start, Surroundings};
        use Over::{Answered, Seen};
        match self {
            Self::Create => traits("CreateApplication", Reason::Creating, Content, Answered),
            Self::Update => traits("UpdateApplication", Reason::Updating, Content, Seen),
            Self::Restart => traits("UpdateApplication", Reason::Updating, Job, Seen),
            Self::Start => traits("StartApplication", Reason::Starting, Start, Seen),
            Self::Stop | Self::ForceStop => traits("StopApplication", Reason::Stopping, Job, Seen),
            Self::RollBack => traits("RollbackApplication", Reason::RollingBack, Job, Seen),
            Self::TakeSnapshot => traits("CreateApplicationSnapshot", Reason::Updating, Job, Seen),
            Self::BackUp => traits("CreateApplicationSnapshot", Reason::Pending, Snapshots, Seen),
            Self::DeleteSnapshot => traits("DeleteApplicationSnapshot", Reason::Pending, Snapshots, Seen),
            Self::AddVpc => traits("AddApplicationVpcConfiguration", Reason::Updating, Content, Seen),
            Self::RemoveVpc => traits("DeleteApplicationVpcConfiguration", Reason::Updating, Content, Seen),
            Self::AddLogging => traits("AddApplicationCloudWatchLoggingOption", Reason::Updating, Content, Seen),
            Self::RemoveLogging => traits(
                "DeleteApplicationCloudWatchLoggingOption",
                Reason::Updating,
                Content,
                Seen,
            ),
            Self::SetMaintenanceWindow => traits(
                "UpdateApplicationMaintenanceConfiguration",
                Reason::Pending,
                Surroundings,
                Answered,
            ),
            Self::Tag => traits("TagResource", Reason::Pending, Surroundings, Answered),
            Self::Untag => traits("UntagResource", Reason::Pending, Surroundings, Answered),
            Self::Delete => traits("DeleteApplication", Reason::Deleting, Job, Seen),
        }
    }

    /// The name of the call in the service's API.
    #[must_use]
    pub const fn operation(self) -> &'static str {
        self.traits().operation
    }

    /// The reason of the conditions while the call is in flight.
    #[must_use]
    pub const fn reason(self) -> Reason {
        self.traits().reason
    }

    /// Whether the call leaves the job and its configuration alone.
    #[must_use]
    pub const fn is_background(self) -> bool {
        match self.traits().about {
            About::Snapshots | About::Surroundings => true,
            About::Content | About::Start | About::Job => false,
        }
    }

    /// Whether the call takes or deletes a snapshot of a job that is left alone.
    #[must_use]
    pub const fn is_about_snapshots_kept(self) -> bool {
        match self.traits().about {
            About::Snapshots => true,
            About::Content | About::Start | About::Job | About::Surroundings => false,
        }
    }

    /// Whether the call sets what the revision is about.
    #[must_use]
    pub const fn sets_content(self) -> bool {
        match self.traits().about {
            About::Content => true,
            About::Start | About::Job | About::Snapshots | About::Surroundings => false,
        }
    }

    /// Whether a job of the revision of a call is in place when the call was carried out.
    #[must_use]
    pub const fn brings_content(self) -> bool {
        match self.traits().about {
            About::Content | About::Start => true,
            About::Job | About::Snapshots | About::Surroundings => false,
        }
    }

    /// Whether the call is over when the service has answered it.
    #[must_use]
    pub const fn is_synchronous(self) -> bool {
        match self.traits().over {
            Over::Answered => true,
            Over::Seen => false,
        }
    }
}

/// The digest of a tag.
pub(super) fn tag(key: &str, value: &str) -> String {
    digest(&format!("{key}={value}"))
}

/// The digest of a VPC.
pub(super) fn vpc(parts: &Vpc) -> String {
    digest(&format!("{parts:?}"))
}
