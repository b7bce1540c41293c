//! Reads that are behind: an application as it was before a call that was accepted a moment ago.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::application::{Application, Shown};
use super::call::Call;
use super::error::ServiceError;
use super::rules::Rules;
use super::state::Service;

impl Shown {
    fn detail(&self, details: bool) -> Value {
        let mut detail = self.detail.clone();
        let flink = detail.pointer_mut("/ApplicationConfigurationDescription/FlinkApplicationConfigurationDescription");
        if let Some(flink) = flink.and_then(Value::as_object_mut).filter(|_| !details) {
            flink.remove("JobPlanDescription");
        }
        detail
    }
}

impl Application {
    /// What is shown instead of the truth; nothing when reads are not behind.
    ///
    /// Each accepted call hides itself and what follows until its time is over, so that after two calls the state
    /// between them is seen too.
    fn shown(&self, now: Timestamp) -> Option<&Shown> {
        self.shown.iter().find(|shown| shown.until > now)
    }

    /// `ApplicationDetail` as a client sees it at `now`.
    pub(crate) fn seen(&self, now: Timestamp, rules: &Rules, details: bool) -> Result<Value, ServiceError> {
        self.shown(now)
            .map_or_else(|| self.describe(rules, details), |shown| Ok(shown.detail(details)))
    }

    /// An entry of `ListApplications` as a client sees it at `now`.
    pub(crate) fn seen_summary(&self, now: Timestamp) -> Result<Value, ServiceError> {
        self.shown(now)
            .map_or_else(|| self.summary(), |shown| Ok(shown.summary.clone()))
    }
}

impl Service {
    /// What reads go on showing when this call is accepted; nothing without the fault `describeLag`.
    pub(crate) fn before(&self, call: &Call<'_>) -> Option<Shown> {
        let lag = Duration::from_secs(self.faults.describe_lag);
        if lag.is_zero() {
            return None;
        }
        let application = self.application(call).ok()?;
        Some(Shown {
            until: call.now + self.settings.scaled(lag),
            detail: application.describe(&self.settings.rules, true).ok()?,
            summary: application.summary().ok()?,
        })
    }

    /// Hides an accepted call, when it changed what reads show.
    pub(crate) fn lag_behind(&mut self, call: &Call<'_>, before: Shown) {
        let Ok((settings, _, application)) = self.parts(call) else {
            return;
        };
        let after = application.describe(&settings.rules, true);
        if after.is_ok_and(|after| after != before.detail) {
            application.shown.retain(|shown| shown.until > call.now);
            application.shown.push(before);
        }
    }

    /// Lets every read show the truth.
    pub(crate) fn catch_up(&mut self) {
        let regions = self.state.applications.values_mut();
        for application in regions.flat_map(|applications| applications.values_mut()) {
            application.shown.clear();
        }
    }
}
