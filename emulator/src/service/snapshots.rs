//! Snapshots of an application (facts §1.10, §4.5, §4.6).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::application::{Application, Snapshot, SnapshotStatus, Status};
use super::call::Call;
use super::epoch::{same_time, seconds};
use super::error::{ErrorCode, ServiceError};
use super::identity::Ids;
use super::paging::page;
use super::rules::{Rules, SNAPSHOT_NOT_RUNNING, SNAPSHOTS_OF_UNKNOWN, UNKNOWN_SNAPSHOT};
use super::settings::Settings;
use super::state::Service;
use crate::job::JobState;

impl Snapshot {
    pub(crate) fn describe(&self) -> Value {
        self.describe_as(self.status)
    }

    fn describe_as(&self, status: SnapshotStatus) -> Value {
        json!({
            "SnapshotName": self.name,
            "SnapshotStatus": status,
            "ApplicationVersionId": self.version,
            "SnapshotCreationTimestamp": seconds(self.created),
            "RuntimeEnvironment": self.runtime,
        })
    }

    /// The snapshot as a list shows it that is as old as `moment`; nothing where it was begun later.
    fn listed(&self, moment: Timestamp) -> Option<Value> {
        let open = self.ended.is_some_and(|ended| ended > moment);
        let status = if open && self.status != SnapshotStatus::Deleting {
            SnapshotStatus::Creating
        } else {
            self.status
        };
        (self.created <= moment).then(|| self.describe_as(status))
    }
}

impl Application {
    /// The refusal when the job cannot be snapshotted (facts §1.3).
    pub(crate) fn require_healthy(&self, now: Timestamp) -> Result<(), ServiceError> {
        if self.is_healthy(now) {
            return Ok(());
        }
        Err(ServiceError::new(
            ErrorCode::InvalidApplicationConfiguration,
            self.downtime(),
        ))
    }

    /// That there can be no snapshot, in the service's words.
    pub(crate) fn downtime(&self) -> String {
        format!(
            "Failed to take snapshot for the application {} at this moment. The application is currently experiencing \
             downtime. Please check the application's CloudWatch metrics or CloudWatch logs for any possible errors and \
             retry the request. You can also retry the request after disabling the snapshots in the Managed Service for \
             Apache Flink console or by updating the ApplicationSnapshotConfiguration through the AWS SDK",
            self.name
        )
    }

    /// Begins a snapshot of the running job. It carries the version of the job it is taken from.
    pub(crate) fn take_snapshot(&mut self, name: String, at: Timestamp, settings: &Settings) {
        let version = self.job().map_or(self.current, |job| job.version);
        let runtime = self
            .versions
            .get(&version)
            .map(|version| version.runtime.clone())
            .unwrap_or_default();
        let complete = at + settings.scaled(settings.durations.snapshot);
        let failure = self.job().and_then(|job| job.next_failure(at));
        let failure = failure.filter(|failure| *failure < complete);
        self.snapshots.push(Snapshot {
            name,
            sequence: self
                .snapshots
                .iter()
                .map(|snapshot| snapshot.sequence)
                .max()
                .unwrap_or_default()
                + 1,
            status: SnapshotStatus::Creating,
            version,
            created: at,
            runtime,
            due: Some(failure.unwrap_or(complete)),
            ended: None,
            fails: failure.is_some(),
            automatic: false,
        });
    }

    /// Takes a snapshot of the service's own, which never meets the quota (facts §4.6).
    pub(crate) fn take_automatic_snapshot(&mut self, at: Timestamp, settings: &Settings, ids: &mut Ids) -> String {
        let name = ids.snapshot();
        self.take_snapshot(name.clone(), at, settings);
        if let Some(snapshot) = self.snapshots.last_mut() {
            snapshot.automatic = true;
        }
        name
    }

    /// The newest snapshot that is ready.
    pub(crate) fn latest_snapshot(&self) -> Option<&Snapshot> {
        self.snapshots
            .iter()
            .filter(|snapshot| snapshot.status == SnapshotStatus::Ready)
            .max_by_key(|snapshot| snapshot.sequence)
    }

    pub(crate) fn snapshot(&self, name: &str) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.name == name)
    }

    /// A snapshot named by a restore must exist and be ready.
    pub(crate) fn restorable(&self, name: &str, rules: &Rules) -> Result<(), ServiceError> {
        if self
            .snapshot(name)
            .is_some_and(|snapshot| snapshot.status == SnapshotStatus::Ready)
        {
            return Ok(());
        }
        let code = match rules.get(&UNKNOWN_SNAPSHOT) {
            "ResourceNotFoundException" => ErrorCode::ResourceNotFound,
            _ => ErrorCode::InvalidArgument,
        };
        Err(ServiceError::new(
            code,
            format!("Application {} has no snapshot {name:?} that is READY", self.name),
        ))
    }

    /// Snapshots end with the job they are taken from.
    pub(crate) fn fail_open_snapshots(&mut self, at: Timestamp) {
        for snapshot in &mut self.snapshots {
            if snapshot.status == SnapshotStatus::Creating {
                snapshot.status = SnapshotStatus::Failed;
                snapshot.due = None;
                snapshot.ended = Some(at);
            }
        }
    }

    /// Ends `CREATING` and `DELETING` of snapshots that are due. True when one failed that the service needs.
    pub(crate) fn settle_snapshots(&mut self, at: Timestamp) -> bool {
        let due = |snapshot: &Snapshot| snapshot.due.is_some_and(|due| due <= at);
        self.snapshots
            .retain(|snapshot| !(snapshot.status == SnapshotStatus::Deleting && due(snapshot)));
        let mut lost = false;
        for snapshot in self.snapshots.iter_mut().filter(|snapshot| due(snapshot)) {
            snapshot.status = if snapshot.fails {
                SnapshotStatus::Failed
            } else {
                SnapshotStatus::Ready
            };
            snapshot.due = None;
            snapshot.ended = Some(at);
            lost |= snapshot.fails && snapshot.automatic;
        }
        lost
    }
}

impl Service {
    pub(crate) fn create_application_snapshot(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let (settings, _, application) = self.parts(call)?;
        let name = call.text("SnapshotName");
        if application.status != Status::Running {
            let code = match settings.rules.get(&SNAPSHOT_NOT_RUNNING) {
                "ResourceInUseException" => ErrorCode::ResourceInUse,
                "InvalidApplicationConfigurationException" => ErrorCode::InvalidApplicationConfiguration,
                _ => ErrorCode::InvalidRequest,
            };
            return Err(ServiceError::new(
                code,
                application.refuse_in("CreateApplicationSnapshot").message,
            ));
        }
        if !application.configuration()?.snapshots_enabled {
            return Err(ServiceError::new(
                ErrorCode::InvalidRequest,
                format!("Snapshots are not enabled for application {}", application.name),
            ));
        }
        if application.snapshot(name).is_some() {
            return Err(ServiceError::in_use(format!(
                "Application {} already has a snapshot {name:?}",
                application.name
            )));
        }
        if application.snapshots.len() >= settings.snapshot_quota {
            return Err(ServiceError::new(
                ErrorCode::LimitExceeded,
                format!(
                    "Application {} has {} snapshots, which is the limit",
                    application.name, settings.snapshot_quota
                ),
            ));
        }
        application.require_healthy(call.now)?;
        application.take_snapshot(name.to_owned(), call.now, settings);
        Ok(json!({}))
    }

    pub(crate) fn describe_application_snapshot(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let snapshot = self.snapshot(call)?;
        Ok(json!({ "SnapshotDetails": snapshot.describe() }))
    }

    /// Lists by name: the order is not documented, so nobody may rely on one (facts §1.10).
    pub(crate) fn list_application_snapshots(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let application =
            self.application(call)
                .map_err(|error| match self.settings.rules.get(&SNAPSHOTS_OF_UNKNOWN) {
                    "ResourceNotFoundException" => error,
                    _ => ServiceError::argument(error.message),
                })?;
        let lag = Duration::from_secs(self.faults.snapshot_list_lag);
        let moment = call.now - self.settings.scaled(lag);
        let mut items: Vec<(String, Value)> = application
            .snapshots
            .iter()
            .filter_map(|snapshot| Some((snapshot.name.clone(), snapshot.listed(moment)?)))
            .collect();
        items.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(page("SnapshotSummaries", items, call.input))
    }

    pub(crate) fn delete_application_snapshot(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let snapshot = self.snapshot(call)?;
        if !same_time(snapshot.created, call.input.get("SnapshotCreationTimestamp")) {
            return Err(ServiceError::argument(format!(
                "SnapshotCreationTimestamp is not that of snapshot {:?}",
                snapshot.name
            )));
        }
        let (settings, _, application) = self.parts(call)?;
        application.in_status("DeleteApplicationSnapshot", &[Status::Ready, Status::Running])?;
        let name = call.text("SnapshotName");
        let due = call.now + settings.scaled(settings.durations.delete_snapshot);
        let snapshot = application.snapshots.iter_mut().find(|snapshot| snapshot.name == name);
        match snapshot {
            Some(snapshot) if matches!(snapshot.status, SnapshotStatus::Ready | SnapshotStatus::Failed) => {
                snapshot.status = SnapshotStatus::Deleting;
                snapshot.due = Some(due);
                Ok(json!({}))
            }
            _ => Err(ServiceError::in_use(format!(
                "Snapshot {name:?} is being created or deleted"
            ))),
        }
    }

    fn snapshot(&self, call: &Call<'_>) -> Result<&Snapshot, ServiceError> {
        let application = self.application(call)?;
        let name = call.text("SnapshotName");
        application.snapshot(name).ok_or_else(|| {
            ServiceError::not_found(format!("Application {} has no snapshot {name:?}", application.name))
        })
    }
}

impl Application {
    /// Ends the job and its open snapshots.
    pub(crate) fn end_job(&mut self, at: Timestamp, state: JobState) {
        self.log_failures(at);
        self.log_job_end(at, state);
        if let Some(job) = self.jobs.last_mut() {
            job.end(at, state);
        }
        if state == JobState::Killed {
            self.fail_open_snapshots(at);
        }
    }
}
