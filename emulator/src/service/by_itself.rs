//! What the service does by itself with a running application: maintenance and autoscaling, on demand of the test bed or again
//! and again (facts §2.2 rows 8 and 11, §3.7).

use std::time::Duration;

use jiff::Timestamp;

use super::application::{Application, Effect, Status};
use super::error::ServiceError;
use super::rules::MAINTENANCE_OPERATION;
use super::settings::Settings;
use super::state::{Service, State};

/// The name of the operation that autoscaling leaves.
const AUTOSCALING_OPERATION: &str = "ApplicationAutoScaling";

/// Something that the service does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chore {
    /// It patches the application; the job goes on.
    Maintenance,
    /// It restarts the job with another parallelism.
    Autoscaling,
}

impl Chore {
    const ALL: [Self; 2] = [Self::Maintenance, Self::Autoscaling];

    fn operation(self, settings: &Settings) -> &'static str {
        match self {
            Self::Maintenance => settings.rules.get(&MAINTENANCE_OPERATION),
            Self::Autoscaling => AUTOSCALING_OPERATION,
        }
    }

    fn every(self, settings: &Settings) -> Option<Duration> {
        match self {
            Self::Maintenance => settings.maintenance_every,
            Self::Autoscaling => settings.autoscaling_every,
        }
    }
}

/// The next chore of an application and its time; none where none is to be done again and again, or while the application
/// does not run.
pub(super) fn next(application: &Application, settings: &Settings) -> Option<(Timestamp, Chore)> {
    let any = Chore::ALL.iter().any(|chore| chore.every(settings).is_some());
    if !any || application.status != Status::Running {
        return None;
    }
    let newest = |name: &str| {
        application
            .operations
            .iter()
            .rev()
            .find(|operation| operation.name == name)
    };
    let free = application
        .operations
        .iter()
        .filter_map(|operation| operation.ended)
        .max();
    let started = newest("StartApplication").and_then(|operation| operation.ended);
    let due = Chore::ALL.into_iter().filter_map(|chore| {
        let every = settings.scaled(chore.every(settings)?);
        let done = newest(chore.operation(settings)).map(|operation| operation.started);
        let at = done.max(started).unwrap_or(application.created) + every;
        Some((free.map_or(at, |free| at.max(free)), chore))
    });
    due.min_by_key(|(at, _)| *at)
}

/// Begins a chore of a running application.
pub(super) fn begin(
    state: &mut State,
    settings: &Settings,
    now: Timestamp,
    (region, name): (&str, &str),
    chore: Chore,
) -> Result<(), ServiceError> {
    let application = state
        .applications
        .get_mut(region)
        .and_then(|applications| applications.get_mut(name))
        .ok_or_else(|| ServiceError::not_found(format!("Application {name} does not exist in {region}")))?;
    let ids = &mut state.ids;
    match chore {
        Chore::Maintenance => {
            application.in_status("maintenance", &[Status::Running])?;
            let due = now + settings.scaled(settings.durations.maintenance);
            let id = application.begin(chore.operation(settings), ids.operation(), now, None);
            application.enter(Status::Maintenance, due, Effect::Resume, Some(id));
        }
        Chore::Autoscaling => {
            application.in_status("autoscaling", &[Status::Running])?;
            let configuration = application.configuration()?;
            let configured = configuration.parallelism.wanted;
            let enabled = configuration.snapshots_enabled && application.is_healthy(now);
            let id = ids.operation();
            let restore = enabled.then(|| application.take_automatic_snapshot(now, settings, ids));
            let due = now + settings.scaled(settings.durations.autoscaling);
            let parallelism = if application.current_parallelism > configured {
                configured
            } else {
                application.current_parallelism.saturating_mul(2)
            };
            let id = application.begin(chore.operation(settings), id, now, None);
            application.enter(
                Status::Autoscaling,
                due,
                Effect::Scale { parallelism, restore },
                Some(id),
            );
        }
    }
    Ok(())
}

impl Service {
    /// Begins maintenance of a running application, as the service does unannounced (facts §2.2 row 11).
    ///
    /// # Errors
    /// When there is no such application or it does not run.
    pub fn begin_maintenance(&mut self, now: Timestamp, region: &str, name: &str) -> Result<(), ServiceError> {
        self.advance(now);
        self.quiet_until = None;
        self.begin_now(now, (region, name), Chore::Maintenance)
    }

    /// Begins autoscaling of a running application: to twice its parallelism, and the next time back (facts §2.2 row 8, §3.7).
    ///
    /// # Errors
    /// When there is no such application or it does not run.
    pub fn begin_autoscaling(&mut self, now: Timestamp, region: &str, name: &str) -> Result<(), ServiceError> {
        self.advance(now);
        self.quiet_until = None;
        self.begin_now(now, (region, name), Chore::Autoscaling)
    }

    fn begin_now(&mut self, now: Timestamp, (region, name): (&str, &str), chore: Chore) -> Result<(), ServiceError> {
        begin(&mut self.state, &self.settings, now, (region, name), chore)?;
        let applications = self.state.applications.get_mut(region);
        if let Some(application) = applications.and_then(|applications| applications.get_mut(name)) {
            application.linger(&self.faults, now);
        }
        Ok(())
    }
}
