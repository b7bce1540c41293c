//! What the service holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::application::Application;
use super::call::Call;
use super::calls::Calls;
use super::code::Objects;
use super::error::ServiceError;
use super::faults::Faults;
use super::identity::Ids;
use super::logs::groups::Logs;
use super::logs::queries::Queries;
use super::settings::Settings;

/// Everything the service knows, for saving and restoring. Faults and received calls are not part of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    pub(super) applications: BTreeMap<String, BTreeMap<String, Application>>,
    pub(super) lingering_tags: BTreeMap<String, Timestamp>,
    pub(super) ids: Ids,
    pub(super) logs: Logs,
}

/// The emulated service of one account in all regions.
pub struct Service {
    pub(super) settings: Settings,
    pub(super) objects: Box<dyn Objects + Send>,
    pub(super) state: State,
    pub(super) faults: Faults,
    pub(super) calls: Calls,
    pub(super) queries: Queries,
    pub(super) replies: u64,
    /// Until when nothing happens without a call, as far as it is known.
    pub(super) quiet_until: Option<Timestamp>,
}

impl Service {
    /// An empty service.
    #[must_use]
    pub fn new(settings: Settings, objects: Box<dyn Objects + Send>) -> Self {
        Self::with_state(settings, objects, State::default())
    }

    /// A service that goes on from a saved state.
    #[must_use]
    pub fn with_state(settings: Settings, objects: Box<dyn Objects + Send>, state: State) -> Self {
        Self {
            settings,
            objects,
            state,
            faults: Faults::default(),
            calls: Calls::default(),
            queries: Queries::default(),
            replies: 0,
            quiet_until: None,
        }
    }

    /// What [`Service::with_state`] takes.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn application(&self, call: &Call<'_>) -> Result<&Application, ServiceError> {
        let name = call.text("ApplicationName");
        self.state
            .applications
            .get(call.region)
            .and_then(|applications| applications.get(name))
            .ok_or_else(|| unknown(name))
    }

    /// The settings, the ids and the application of a call, to change it.
    pub(crate) fn parts(&mut self, call: &Call<'_>) -> Result<(&Settings, &mut Ids, &mut Application), ServiceError> {
        let name = call.text("ApplicationName");
        let application = self
            .state
            .applications
            .get_mut(call.region)
            .and_then(|applications| applications.get_mut(name))
            .ok_or_else(|| unknown(name))?;
        Ok((&self.settings, &mut self.state.ids, application))
    }
}

fn unknown(name: &str) -> ServiceError {
    ServiceError::not_found(format!("Application {name} does not exist"))
}
