//! What is under way in an application and how it ends (facts §2.2).

use jiff::Timestamp;

use super::application::{Application, Effect, OperationStatus, Status, Transition, Version};
use super::deployment::is_downgrade;
use super::identity::Ids;
use super::rules::{AUTOSCALING_VERSION, FAILED_UPDATE, FAILING_SNAPSHOT};
use super::settings::Settings;
use crate::job::JobState;

impl Application {
    /// Enters a status with something under way.
    pub(crate) fn enter(&mut self, status: Status, due: Timestamp, effect: Effect, operation: Option<String>) {
        self.status = status;
        self.transition = Some(Transition {
            due: Some(due),
            effect,
            operation,
        });
    }

    /// The time of the next thing that happens by itself.
    pub(crate) fn next_event_at(&self) -> Option<Timestamp> {
        let snapshots = self.snapshots.iter().filter_map(|snapshot| snapshot.due);
        let transition = self.transition.as_ref().and_then(|transition| transition.due);
        snapshots.chain(transition).chain(self.job_end()).min()
    }

    /// When the job of a running application ends by itself.
    fn job_end(&self) -> Option<Timestamp> {
        let job = self
            .job()
            .filter(|job| self.status == Status::Running && job.state == JobState::Running)?;
        job.ends
    }

    /// Settles what is due at `at`. True when the application is gone.
    pub(crate) fn settle(&mut self, at: Timestamp, settings: &Settings, ids: &mut Ids) -> bool {
        if self.settle_snapshots(at) {
            self.lose_snapshot(at, settings, ids);
        }
        if self.job_end().is_some_and(|end| end <= at) {
            self.end_job(at, JobState::Finished);
            self.fail_open_snapshots(at);
            self.rest();
        }
        let due = self.transition.as_ref().and_then(|transition| transition.due);
        if due.is_none_or(|due| due > at) {
            return false;
        }
        let Some(Transition { effect, operation, .. }) = self.transition.take() else {
            return false;
        };
        if effect == Effect::Vanish {
            return true;
        }
        let version = self.current;
        let outcome = self.complete(effect, at, settings, ids, operation.as_deref());
        if let (Some(id), Some(outcome)) = (operation, outcome) {
            match outcome {
                Ok(()) => self.end(&id, at, OperationStatus::Successful, None),
                Err(error) => {
                    self.end(&id, at, OperationStatus::Failed, Some(&error));
                    self.log_failure(at, version, &error);
                }
            }
        }
        false
    }

    /// Ends a transition. The outcome of the operation, or none when it does not end.
    fn complete(
        &mut self,
        effect: Effect,
        at: Timestamp,
        settings: &Settings,
        ids: &mut Ids,
        operation: Option<&str>,
    ) -> Option<Result<(), String>> {
        match effect {
            Effect::Launch { restore } => {
                let outcome = self.launch(at, restore, settings, ids);
                match &outcome {
                    Ok(()) => self.status = Status::Running,
                    Err(_) => self.rest(),
                }
                Some(outcome)
            }
            Effect::Halt { job } => {
                self.end_job(at, job);
                self.rest();
                Some(Ok(()))
            }
            Effect::Reconfigure => {
                self.status = Status::Ready;
                Some(Ok(()))
            }
            Effect::Replace { restore } => self.replace(at, restore, settings, ids, operation),
            Effect::RollBack { restore } => {
                self.end_job(at, JobState::Killed);
                Some(self.relaunch(at, restore, settings, ids))
            }
            Effect::Resume => {
                self.status = Status::Running;
                Some(Ok(()))
            }
            Effect::Scale { parallelism, restore } => {
                if settings.rules.is(&AUTOSCALING_VERSION, "bump")
                    && let Ok(content) = self.version().map(Version::content)
                {
                    let added = self.add_version(at, content, ids);
                    if let Some(version) = self.versions.get_mut(&added) {
                        version.snapshot.clone_from(&restore);
                    }
                }
                self.current_parallelism = parallelism;
                Some(self.relaunch(at, restore, settings, ids))
            }
            Effect::Vanish => None,
        }
    }

    /// Stops the old job and runs the current version; a failure leaves the application stopped.
    fn relaunch(
        &mut self,
        at: Timestamp,
        restore: Option<String>,
        settings: &Settings,
        ids: &mut Ids,
    ) -> Result<(), String> {
        self.end_job(at, JobState::Stopped);
        let outcome = self.launch(at, restore, settings, ids);
        match &outcome {
            Ok(()) => self.status = Status::Running,
            Err(_) => self.rest(),
        }
        outcome
    }

    /// Ends an update of a running application (facts §2.2 row 6).
    fn replace(
        &mut self,
        at: Timestamp,
        restore: Option<String>,
        settings: &Settings,
        ids: &mut Ids,
        operation: Option<&str>,
    ) -> Option<Result<(), String>> {
        self.end_job(at, JobState::Stopped);
        let Err(error) = self.launch(at, restore.clone(), settings, ids) else {
            self.status = Status::Running;
            return Some(Ok(()));
        };
        let rolls_back = self
            .configuration()
            .is_ok_and(|configuration| configuration.system_rollback == Some(true));
        if rolls_back && self.begin_system_rollback(at, operation, settings, ids) {
            return Some(Err(error));
        }
        match settings.rules.get(&FAILED_UPDATE) {
            "running" => {
                self.push_job(at, restore, ids, Vec::new());
                if let Some(job) = self.jobs.last_mut() {
                    job.state = JobState::Failed;
                }
                self.status = Status::Running;
                Some(Err(error))
            }
            "updating" => {
                self.status = Status::Updating;
                let effect = Effect::Replace { restore };
                self.transition = Some(Transition {
                    due: None,
                    effect,
                    operation: operation.map(str::to_owned),
                });
                None
            }
            _ => {
                self.rest();
                Some(Err(error))
            }
        }
    }

    /// Ends or hangs what needs a snapshot that the job did not survive (facts §4.3).
    fn lose_snapshot(&mut self, at: Timestamp, settings: &Settings, ids: &mut Ids) {
        let needs = matches!(self.status, Status::Stopping | Status::Updating | Status::Autoscaling);
        let Some(transition) = self.transition.as_mut().filter(|_| needs) else {
            return;
        };
        if settings.rules.is(&FAILING_SNAPSHOT, "hangs") {
            transition.due = None;
            return;
        }
        let operation = transition.operation.take();
        let updating = self.status == Status::Updating;
        self.transition = None;
        self.status = Status::Running;
        if let Some(id) = &operation {
            self.end(id, at, OperationStatus::Failed, Some(&self.downtime()));
        }
        let rolls_back = self
            .configuration()
            .is_ok_and(|configuration| configuration.system_rollback == Some(true));
        if updating && rolls_back {
            self.begin_system_rollback(at, operation.as_deref(), settings, ids);
        }
    }

    /// Runs `main()` of the current version and deploys its job.
    fn launch(
        &mut self,
        at: Timestamp,
        restore: Option<String>,
        settings: &Settings,
        ids: &mut Ids,
    ) -> Result<(), String> {
        let version = self.version().map_err(|error| error.message)?;
        let code = version
            .configuration
            .code
            .as_ref()
            .ok_or("The application has no code")?;
        let script = code.bundle.run_main()?.clone();
        if let Some(snapshot) = restore.as_deref().and_then(|name| self.snapshot(name))
            && is_downgrade(&snapshot.runtime, &version.runtime)
        {
            return Err(format!(
                "Snapshot {} was taken on {} and cannot be restored on {}",
                snapshot.name, snapshot.runtime, version.runtime
            ));
        }
        self.deploy(at, restore, &script, settings, ids);
        self.log_job(at, "CREATED", "RUNNING");
        Ok(())
    }

    /// Comes to rest in `READY`, where no run configuration is shown (facts §3.4).
    fn rest(&mut self) {
        self.status = Status::Ready;
        self.run = None;
    }
}
