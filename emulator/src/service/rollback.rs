//! Going back to the version before, asked for or by the service itself (facts §1.6, §5.1, §5.2).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::application::{Application, Effect, OperationStatus, Run, SnapshotStatus, Status, Transition, Version};
use super::call::Call;
use super::error::{ErrorCode, ServiceError};
use super::identity::Ids;
use super::rules::{ROLLBACK_OF_ROLLBACK, ROLLBACK_RESTORES, ROLLBACK_VERSION, ROLLBACK_WITHOUT_SNAPSHOT, Rules};
use super::settings::Settings;
use super::state::Service;

/// Where a rollback goes and what it restores.
struct WayBack {
    to: u64,
    snapshot: String,
}

impl Application {
    /// The way back from the current version, or why there is none.
    fn way_back(&self, rules: &Rules) -> Result<WayBack, ServiceError> {
        let refusal = |why: &str| {
            let message = format!("Application {} cannot be rolled back: {why}", self.name);
            ServiceError::new(ErrorCode::InvalidRequest, message)
        };
        let current = self.version()?;
        if current.rolled_back.is_some() && rules.is(&ROLLBACK_OF_ROLLBACK, "refuse") {
            return Err(refusal("its current version is the result of a rollback"));
        }
        let to = current
            .updated_from
            .filter(|from| self.versions.contains_key(from))
            .ok_or_else(|| refusal("there is no version before the current one"))?;
        let snapshot = self.rollback_snapshot(current, rules).ok_or_else(|| {
            let code = match rules.get(&ROLLBACK_WITHOUT_SNAPSHOT) {
                "InvalidArgumentException" => ErrorCode::InvalidArgument,
                _ => ErrorCode::InvalidRequest,
            };
            ServiceError::new(code, refusal("it has no snapshot that is READY").message)
        })?;
        Ok(WayBack { to, snapshot })
    }

    /// The snapshot that a rollback restores. Where the change took none, or it is not READY, the newest READY one.
    fn rollback_snapshot(&self, current: &Version, rules: &Rules) -> Option<String> {
        let of_change = current
            .snapshot
            .as_deref()
            .filter(|_| rules.is(&ROLLBACK_RESTORES, "update"))
            .and_then(|name| self.snapshot(name))
            .filter(|snapshot| snapshot.status == SnapshotStatus::Ready);
        of_change
            .or_else(|| self.latest_snapshot())
            .map(|snapshot| snapshot.name.clone())
    }

    /// Makes the content of the target current again and sets the rollback under way; returns its operation.
    fn begin_rollback(&mut self, at: Timestamp, way: WayBack, settings: &Settings, ids: &mut Ids) -> String {
        let from = self.current;
        if settings.rules.is(&ROLLBACK_VERSION, "reuse") {
            self.return_to_version(at, way.to, ids);
        } else if let Some(content) = self.versions.get(&way.to).map(Version::content) {
            self.add_version(at, content, ids);
        }
        let back = self.current;
        if let Some(version) = self.versions.get_mut(&back) {
            version.rolled_back = Some((from, way.to));
        }
        let id = self.begin("RollbackApplication", ids.operation(), at, Some((from, back)));
        self.run = Some(Run::default());
        let due = at + settings.scaled(settings.durations.roll_back);
        let restore = Some(way.snapshot);
        self.enter(Status::RollingBack, due, Effect::RollBack { restore }, Some(id.clone()));
        id
    }

    /// Goes back from an update that failed. False when there is no way back.
    pub(crate) fn begin_system_rollback(
        &mut self,
        at: Timestamp,
        failed: Option<&str>,
        settings: &Settings,
        ids: &mut Ids,
    ) -> bool {
        let Ok(way) = self.way_back(&settings.rules) else {
            return false;
        };
        let id = self.begin_rollback(at, way, settings, ids);
        let failed = self
            .operations
            .iter_mut()
            .find(|operation| Some(operation.id.as_str()) == failed);
        if let Some(operation) = failed {
            operation.rollback = Some(id);
        }
        true
    }

    /// Whether the status allows a rollback. The update of a stopped application does not: nothing runs that could be
    /// brought back.
    fn can_roll_back(&self) -> Result<(), ServiceError> {
        let operation = "RollbackApplication";
        self.in_status(operation, &[Status::Running, Status::Updating, Status::Autoscaling])?;
        let stopped = |transition: &Transition| transition.effect == Effect::Reconfigure;
        if self.transition.as_ref().is_some_and(stopped) {
            return Err(self.refuse_in(operation));
        }
        Ok(())
    }
}

impl Service {
    /// Cancels what is under way and goes back to the version before. The facts leave open how the interrupted
    /// operation ends (§2.4); it ends `CANCELLED`, as after a force stop.
    pub(crate) fn rollback_application(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let (settings, ids, application) = self.parts(call)?;
        application.guard(call.input, &settings.rules)?;
        application.can_roll_back()?;
        let way = application.way_back(&settings.rules)?;
        let interrupted = application.transition.take();
        if let Some(operation) = interrupted.and_then(|transition| transition.operation) {
            application.end(&operation, call.now, OperationStatus::Cancelled, None);
        }
        let id = application.begin_rollback(call.now, way, settings, ids);
        let detail = application.describe(&settings.rules, false)?;
        Ok(json!({ "ApplicationDetail": detail, "OperationId": id }))
    }
}
