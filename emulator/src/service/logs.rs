//! CloudWatch Logs as far as applications use it: the groups they write to, and `FilterLogEvents` (facts §4.2, §6.2).

mod filter;
pub(super) mod groups;
mod insights;
mod lines;
mod pattern;
pub(super) mod queries;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::state::Service;

impl Service {
    /// Writes what every application of a region has to say of its failures until `now`: they are written when somebody
    /// reads, so that no event is needed per failure.
    pub(crate) fn write_failures(&mut self, region: &str, now: Timestamp) {
        for application in self
            .state
            .applications
            .get_mut(region)
            .into_iter()
            .flat_map(BTreeMap::values_mut)
        {
            application.log_failures(now);
            self.state.logs.take(application);
        }
    }

    /// Writes what an application has to say to its log groups.
    pub(crate) fn write_logs(&mut self, region: &str, name: &str) {
        let applications = self.state.applications.get_mut(region);
        if let Some(application) = applications.and_then(|applications| applications.get_mut(name)) {
            self.state.logs.take(application);
        }
    }
}
