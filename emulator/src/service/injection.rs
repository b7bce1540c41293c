//! What the faults in force do to a call.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::application::Application;
use super::call::Call;
use super::calls::Calls;
use super::error::{ErrorCode, ServiceError};
use super::faults::{Faults, Refusal};
use super::identity::application_arn;
use super::state::Service;

const SECOND: Duration = Duration::from_secs(1);

fn use_one(counts: &mut BTreeMap<String, u64>, operation: &str) -> bool {
    match counts.get_mut(operation) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    }
}

impl Application {
    /// Marks what begins at a moment as shown in progress, where that is a fault in force.
    pub(super) fn linger(&mut self, faults: &Faults, now: Timestamp) {
        let newest = self.operations.last_mut();
        if let Some(newest) = newest.filter(|newest| newest.started == now && faults.linger.contains(&newest.name)) {
            newest.lingers = true;
        }
    }

    /// Shows the end of what the faults in force do not keep in progress.
    fn show_ended(&mut self, faults: &Faults) {
        for operation in &mut self.operations {
            operation.lingers &= faults.linger.contains(&operation.name);
        }
    }
}

impl Service {
    /// Replaces the faults in force. Without a lag every read shows the truth again.
    pub fn set_faults(&mut self, faults: Faults) {
        if faults.describe_lag == 0 {
            self.catch_up();
        }
        self.quiet_until = None;
        self.faults = faults;
        for application in self.state.applications.values_mut().flat_map(BTreeMap::values_mut) {
            application.show_ended(&self.faults);
        }
    }

    /// The faults in force; counts show what is left of them.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The calls received so far.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Whether the reply to a call of this operation is to be lost; uses up one of them.
    pub(crate) fn drops_reply(&mut self, operation: &str) -> bool {
        use_one(&mut self.faults.drop_replies, operation)
    }

    /// Lets what a call began come to no end, or its entry in the list show none, where that is a fault in force.
    pub(crate) fn hang(&mut self, operation: &str, call: &Call<'_>) -> Result<(), ServiceError> {
        if self.faults.linger.contains(operation) {
            let faults = self.faults.clone();
            let (_, _, application) = self.parts(call)?;
            application.linger(&faults, call.now);
        }
        let by_force = call.input.get("Force").and_then(serde_json::Value::as_bool) == Some(true);
        if by_force || !self.faults.hang.contains(operation) {
            return Ok(());
        }
        let (_, _, application) = self.parts(call)?;
        if let Some(transition) = &mut application.transition {
            transition.due = None;
        }
        Ok(())
    }

    pub(crate) fn fault(&mut self, operation: &str, call: &Call<'_>) -> Result<(), ServiceError> {
        let resource = match call.text("ApplicationName") {
            "" => "*".to_owned(),
            name => application_arn(call.region, &self.settings.account, name),
        };
        self.fault_on(call.now, &format!("kinesisanalytics:{operation}"), &resource)
    }

    /// The fault that hits an action, such as `logs:FilterLogEvents`, on a resource.
    pub(crate) fn fault_on(&mut self, now: Timestamp, action: &str, resource: &str) -> Result<(), ServiceError> {
        let operation = action.rsplit(':').next().unwrap_or_default();
        if self.faults.deny.contains(operation) {
            let account = &self.settings.account;
            return Err(ServiceError::new(
                ErrorCode::AccessDenied,
                format!(
                    "User: arn:aws:iam::{account}:user/emulator is not authorized to perform: {action} on resource: \
                     {resource}"
                ),
            ));
        }
        let rate = self.faults.rate.get(operation).or_else(|| self.faults.rate.get("*"));
        let over = rate.is_some_and(|rate| self.calls.taken_since(now - SECOND, operation) >= *rate);
        if over || use_one(&mut self.faults.throttle, operation) {
            return Err(ServiceError::new(ErrorCode::Throttling, "Rate exceeded"));
        }
        let refused = self.faults.refuse.get_mut(operation).and_then(Refusal::hit);
        refused.map_or(Ok(()), Err)
    }
}
