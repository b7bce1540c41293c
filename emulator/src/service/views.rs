//! What the test bed and the simulation may see of an application beyond the service's own API.

use serde::Serialize;
use serde_json::Value;

use super::application::{Application, Snapshot, Status};
use super::identity::request_id;
use super::state::Service;
use crate::job::Job;

/// An application with its jobs, as no client of the real service could see it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationView {
    /// Where it is.
    pub region: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its status.
    pub status: Status,
    /// Its current version.
    pub version: u64,
    /// The running job, if one runs.
    pub job: Option<Job>,
    /// Every job it ever launched, the oldest first.
    pub jobs: Vec<Job>,
    /// Its operations, the newest first, as in `ListApplicationOperations`.
    pub operations: Vec<Value>,
    /// Its snapshots, the oldest first, as in `ListApplicationSnapshots`.
    pub snapshots: Vec<Value>,
}

impl ApplicationView {
    fn new(region: &str, application: &Application) -> Self {
        Self {
            region: region.to_owned(),
            name: application.name.clone(),
            arn: application.arn.clone(),
            status: application.status,
            version: application.current,
            job: application.running_job().cloned(),
            jobs: application.jobs.clone(),
            operations: application
                .operations
                .iter()
                .rev()
                .map(|entry| Value::Object(entry.summary()))
                .collect(),
            snapshots: application.snapshots.iter().map(Snapshot::describe).collect(),
        }
    }
}

impl Service {
    /// The id of the next reply, in the form of a UUID. It is no part of the state: a call that reads changes no id.
    pub(crate) fn next_request_id(&mut self) -> String {
        self.replies += 1;
        request_id(self.replies)
    }

    /// All applications, by region and name.
    #[must_use]
    pub fn applications(&self) -> Vec<ApplicationView> {
        let regions = self.state.applications.iter();
        regions
            .flat_map(|(region, applications)| {
                applications
                    .values()
                    .map(move |application| ApplicationView::new(region, application))
            })
            .collect()
    }

    /// One application.
    #[must_use]
    pub fn application_view(&self, region: &str, name: &str) -> Option<ApplicationView> {
        let application = self.state.applications.get(region)?.get(name)?;
        Some(ApplicationView::new(region, application))
    }

    /// The job of an application that runs.
    #[must_use]
    pub fn running_job(&self, region: &str, name: &str) -> Option<&Job> {
        let application = self.state.applications.get(region)?.get(name)?;
        application.running_job()
    }
}

impl Application {
    fn running_job(&self) -> Option<&Job> {
        self.job().filter(|job| job.ended.is_none())
    }
}
