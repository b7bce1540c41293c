//! One application: its status, versions, run and description.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::configuration::Configuration;
use super::dashboard::Session;
use super::error::ServiceError;
use super::lag::Shown;
use super::logs::Line;
use super::operations::Operation;
use super::rules::Rules;
use super::snapshots::Snapshot;
use super::transitions::Transition;
use super::versions::Version;
use crate::job::Job;

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

impl Run {
    fn describe(&self) -> Value {
        let mut restore = Map::from_iter([("ApplicationRestoreType".to_owned(), json!(self.restore_type))]);
        if let Some(name) = &self.snapshot_name {
            restore.insert("SnapshotName".to_owned(), json!(name));
        }
        json!({
            "ApplicationRestoreConfigurationDescription": restore,
            "FlinkRunConfigurationDescription": { "AllowNonRestoredState": self.allow_non_restored_state },
        })
    }
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
                super::ErrorCode::ServiceUnavailable,
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

    /// `ApplicationDetail` of the current version (facts appendix A).
    pub(crate) fn describe(&self, rules: &Rules, details: bool) -> Result<Value, ServiceError> {
        let mut detail = self.describe_version(self.version()?, rules);
        if let Some(configuration) = detail
            .get_mut("ApplicationConfigurationDescription")
            .and_then(Value::as_object_mut)
        {
            if let Some(run) = &self.run {
                configuration.insert("RunConfigurationDescription".to_owned(), run.describe());
            }
            let plan = self
                .job()
                .filter(|job| details && self.status == Status::Running && job.ended.is_none());
            if let (Some(job), Some(flink)) = (
                plan,
                configuration
                    .get_mut("FlinkApplicationConfigurationDescription")
                    .and_then(Value::as_object_mut),
            ) {
                flink.insert(
                    "JobPlanDescription".to_owned(),
                    json!(plan_of(job, &self.name).to_string()),
                );
            }
        }
        Ok(Value::Object(detail))
    }

    /// `ApplicationDetail` of any version, without what belongs to the run.
    pub(crate) fn describe_version(&self, version: &Version, rules: &Rules) -> Map<String, Value> {
        let current = version.id == self.current;
        let status = if current { self.status } else { Status::Ready };
        let parallelism = if current {
            self.current_parallelism
        } else {
            version.configuration.parallelism.wanted
        };
        let mut detail = Map::new();
        let mut put = |name: &str, value: Value| detail.insert(name.to_owned(), value);
        put("ApplicationARN", json!(self.arn));
        put("ApplicationName", json!(self.name));
        put("RuntimeEnvironment", json!(version.runtime));
        put("ServiceExecutionRole", json!(version.role));
        put("ApplicationStatus", json!(status));
        put("ApplicationVersionId", json!(version.id));
        put("CreateTimestamp", seconds(self.created));
        put(
            "LastUpdateTimestamp",
            seconds(if current { self.updated } else { version.created }),
        );
        put(
            "ApplicationConfigurationDescription",
            Value::Object(version.configuration.describe(parallelism, rules)),
        );
        put(
            "ApplicationMaintenanceConfigurationDescription",
            self.describe_maintenance(),
        );
        put("ApplicationVersionCreateTimestamp", seconds(version.created));
        put("ConditionalToken", json!(version.token));
        put("ApplicationMode", json!("STREAMING"));
        if let Some(description) = &self.description {
            put("ApplicationDescription", json!(description));
        }
        if !version.logging.is_empty() {
            put("CloudWatchLoggingOptionDescriptions", json!(version.logging));
        }
        if let Some(from) = version.updated_from {
            put("ApplicationVersionUpdatedFrom", json!(from));
        }
        if let Some((from, to)) = version.rolled_back {
            put("ApplicationVersionRolledBackFrom", json!(from));
            put("ApplicationVersionRolledBackTo", json!(to));
        }
        detail
    }

    /// The maintenance window, which is eight hours long (facts §1.16).
    pub(crate) fn describe_maintenance(&self) -> Value {
        let start = super::shapes::minutes_of_day(&self.maintenance_start).unwrap_or_default();
        let end = (start + 8 * 60) % (24 * 60);
        json!({
            "ApplicationMaintenanceWindowStartTime": self.maintenance_start,
            "ApplicationMaintenanceWindowEndTime": format!("{:02}:{:02}", end / 60, end % 60),
        })
    }

    /// An entry of `ListApplications`.
    pub(crate) fn summary(&self) -> Result<Value, ServiceError> {
        Ok(json!({
            "ApplicationName": self.name,
            "ApplicationARN": self.arn,
            "ApplicationStatus": self.status,
            "ApplicationVersionId": self.current,
            "RuntimeEnvironment": self.version()?.runtime,
            "ApplicationMode": "STREAMING",
        }))
    }
}

/// A time as the service writes it: whole epoch seconds (facts §0.1).
pub(crate) fn seconds(at: Timestamp) -> Value {
    json!(at.as_second())
}

/// Whether epoch seconds from a client mean the same time. SDKs may cut to milliseconds (facts §0.1).
pub(crate) fn same_time(at: Timestamp, sent: Option<&Value>) -> bool {
    let Some(sent) = sent.and_then(Value::as_f64) else {
        return false;
    };
    let exact = seconds(at).as_f64().unwrap_or(f64::NAN);
    (exact - sent).abs() <= 0.001
}

/// The job graph as Flink shows it.
pub(crate) fn plan_of(job: &Job, name: &str) -> Value {
    let nodes: Vec<Value> = job
        .vertices
        .iter()
        .enumerate()
        .map(|(index, vertex)| {
            json!({
                "id": format!("{index:032x}"),
                "parallelism": vertex.parallelism,
                "operator": "",
                "operator_strategy": "",
                "description": vertex.name,
                "optimizer_properties": {},
            })
        })
        .collect();
    json!({ "jid": job.id, "name": name, "type": "STREAMING", "nodes": nodes })
}
