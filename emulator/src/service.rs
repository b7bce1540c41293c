//! The service as a pure state machine.
//!
//! Nothing here reads a clock, draws a random number or does I/O: the caller brings the time, and objects come through
//! [`Objects`]. The same calls at the same times give the same answers, ids and tokens included.

mod application;
mod by_itself;
mod call;
mod calls;
mod changes;
mod code;
mod configuration;
mod dashboard;
mod deployment;
mod description;
mod epoch;
mod error;
mod faults;
mod flink_rest;
mod identity;
mod injection;
mod lag;
mod lifecycle;
mod logs;
mod metrics;
mod operations;
mod paging;
mod query;
mod rollback;
pub mod rules;
mod settings;
mod shapes;
mod snapshots;
mod state;
mod tags;
mod transitions;
mod versions;
mod views;

use jiff::Timestamp;
use serde_json::Value;

use by_itself::Chore;
use call::Call;

pub use application::Status;
pub use calls::{CallRecord, Calls};
pub use code::Objects;
pub use error::{ErrorCode, ServiceError};
pub use faults::{Faults, Refusal};
pub use settings::{Durations, Settings};
pub use state::{Service, State};
pub use views::ApplicationView;

/// Operations that the SDK knows and that are refused by name.
const NOT_SERVED: &[&str] = &[
    "AddApplicationInput",
    "AddApplicationInputProcessingConfiguration",
    "AddApplicationOutput",
    "AddApplicationReferenceDataSource",
    "CreateSnapshot",
    "DeleteApplicationInputProcessingConfiguration",
    "DeleteApplicationOutput",
    "DeleteApplicationReferenceDataSource",
    "DeleteSnapshot",
    "DescribeSnapshot",
    "DescribeSnapshotOperation",
    "DiscoverInputSchema",
    "ExportSnapshot",
    "ImportSnapshot",
    "ListSnapshotOperations",
    "ListSnapshots",
];

impl Service {
    /// Answers one call. Settles everything that is due first.
    ///
    /// `operation` is the name in the target header, for example `StartApplication`; `input` is its request.
    ///
    /// # Errors
    /// The exception that the service answers. Checks come in this order: permission and throttling, existence,
    /// shape of the request, version or token, status, and what the operation itself demands (facts §8).
    pub fn handle(
        &mut self,
        now: Timestamp,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ServiceError> {
        self.handle_on(now, None, region, operation, input)
    }

    /// As [`Service::handle`], for a call that came to `host`, for example `127.0.0.1:4566`. A pre-signed URL names it.
    ///
    /// # Errors
    /// As [`Service::handle`].
    pub fn handle_on(
        &mut self,
        now: Timestamp,
        host: Option<&str>,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ServiceError> {
        self.advance(now);
        let call = Call {
            now,
            region,
            host,
            input,
        };
        let before = self.before(&call);
        let answer = self.answer(operation, &call);
        if !operation.starts_with("Describe") && !operation.starts_with("List") {
            self.quiet_until = None;
        }
        let answer = answer.and_then(|answer| self.hang(operation, &call).map(|()| answer));
        if let Some(before) = before.filter(|_| answer.is_ok()) {
            self.lag_behind(&call, before);
        }
        self.write_logs(region, call.text("ApplicationName"));
        self.calls.note(&call, operation, &answer);
        answer
    }

    /// Answers and counts one call of a service beside this one; `serve` gives nothing for an operation that is not served.
    pub(crate) fn beside(
        &mut self,
        now: Timestamp,
        region: &str,
        (service, operation): (&str, &str),
        input: &Value,
        serve: impl FnOnce(&mut Self, &Call<'_>) -> Option<Result<Value, ServiceError>>,
    ) -> Result<Value, ServiceError> {
        let call = Call {
            now,
            region,
            host: None,
            input,
        };
        let answer = serve(self, &call).unwrap_or_else(|| {
            Err(ServiceError::new(
                ErrorCode::UnknownOperation,
                format!("{operation} of {service} is not served by this emulator"),
            ))
        });
        self.calls.note(&call, operation, &answer);
        answer
    }

    fn answer(&mut self, operation: &str, call: &Call<'_>) -> Result<Value, ServiceError> {
        let Some(shape) = shapes::requests::of(operation) else {
            return Err(if NOT_SERVED.contains(&operation) {
                ServiceError::unsupported(format!("{operation} is not served by this emulator"))
            } else {
                ServiceError::new(
                    ErrorCode::UnknownOperation,
                    format!("There is no operation {operation}"),
                )
            });
        };
        self.fault(operation, call)?;
        let creates = operation == "CreateApplication";
        let tolerates_unknown = operation == "ListApplicationSnapshots";
        if !creates && !tolerates_unknown && !call.text("ApplicationName").is_empty() {
            self.application(call)?;
        }
        shapes::check(&shape, call.input, "").map_err(|error| declared(operation, error))?;
        match operation {
            "CreateApplication" => self.create_application(call),
            "DescribeApplication" => self.describe_application(call),
            "ListApplications" => self.list_applications(call),
            "UpdateApplication" => self.update_application(call),
            "StartApplication" => self.start_application(call),
            "StopApplication" => self.stop_application(call),
            "RollbackApplication" => self.rollback_application(call),
            "DeleteApplication" => self.delete_application(call),
            "ListApplicationVersions" => self.list_application_versions(call),
            "DescribeApplicationVersion" => self.describe_application_version(call),
            "ListApplicationOperations" => self.list_application_operations(call),
            "DescribeApplicationOperation" => self.describe_application_operation(call),
            "TagResource" => self.tag_resource(call),
            "UntagResource" => self.untag_resource(call),
            "ListTagsForResource" => self.list_tags_for_resource(call),
            "AddApplicationVpcConfiguration" => self.add_vpc_configuration(call),
            "DeleteApplicationVpcConfiguration" => self.delete_vpc_configuration(call),
            "AddApplicationCloudWatchLoggingOption" => self.add_logging_option(call),
            "DeleteApplicationCloudWatchLoggingOption" => self.delete_logging_option(call),
            "UpdateApplicationMaintenanceConfiguration" => self.update_maintenance_configuration(call),
            "CreateApplicationSnapshot" => self.create_application_snapshot(call),
            "CreateApplicationPresignedUrl" => self.create_application_presigned_url(call),
            "DescribeApplicationSnapshot" => self.describe_application_snapshot(call),
            "ListApplicationSnapshots" => self.list_application_snapshots(call),
            "DeleteApplicationSnapshot" => self.delete_application_snapshot(call),
            _ => Err(ServiceError::unsupported(format!(
                "{operation} is not served by this emulator"
            ))),
        }
    }

    /// The time of the next thing that happens without a call.
    #[must_use]
    pub fn next_event_at(&self) -> Option<Timestamp> {
        self.next_event().map(|(at, _)| at)
    }

    fn next_event(&self) -> Option<(Timestamp, Due)> {
        let applications = self.state.applications.iter().flat_map(|(region, applications)| {
            applications.iter().flat_map(move |(name, application)| {
                let settles = application.next_event_at().map(|at| (at, None));
                let chore = by_itself::next(application, &self.settings).map(|(at, chore)| (at, Some(chore)));
                let due = [settles, chore].into_iter().flatten();
                due.map(move |(at, chore)| (at, (region, name, chore)))
            })
        });
        let tags = self.state.lingering_tags.iter().min_by_key(|(_, at)| **at);
        let application = applications.min_by_key(|(at, _)| *at);
        match (application, tags) {
            (Some((at, (region, name, chore))), tags) if tags.is_none_or(|(_, tags_at)| at <= *tags_at) => {
                let (region, name) = (region.clone(), name.clone());
                Some((at, Due::Application { region, name, chore }))
            }
            (_, tags) => tags.map(|(arn, at)| (*at, Due::Tags(arn.clone()))),
        }
    }

    /// Settles everything that is due at `now`, each thing at its own time and in order.
    pub fn advance(&mut self, now: Timestamp) {
        if self.quiet_until.is_some_and(|at| now < at) {
            return;
        }
        while let Some((at, due)) = self.next_event().filter(|(at, _)| *at <= now) {
            match due {
                Due::Tags(arn) => {
                    self.state.lingering_tags.remove(&arn);
                }
                Due::Application {
                    region,
                    name,
                    chore: None,
                } => self.settle(at, &region, &name),
                Due::Application {
                    region,
                    name,
                    chore: Some(chore),
                } => {
                    // It is due because the application runs, the only thing that could forbid it.
                    let _ = by_itself::begin(&mut self.state, &self.settings, at, (&region, &name), chore);
                }
            }
        }
        self.quiet_until = Some(self.next_event_at().unwrap_or(Timestamp::MAX));
    }

    fn settle(&mut self, at: Timestamp, region: &str, name: &str) {
        let Some(applications) = self.state.applications.get_mut(region) else {
            return;
        };
        let Some(application) = applications.get_mut(name) else {
            return;
        };
        let gone = application.settle(at, &self.settings, &mut self.state.ids);
        self.state.logs.take(application);
        if gone
            && let Some(gone) = applications.remove(name)
            && !gone.tags.is_empty()
        {
            let until = at + self.settings.scaled(self.settings.tag_linger);
            self.state.lingering_tags.insert(gone.arn, until);
        }
    }
}

/// `ListApplications` declares no `InvalidArgumentException`; a bad value there is an `InvalidRequestException`.
fn declared(operation: &str, error: ServiceError) -> ServiceError {
    match error.code {
        ErrorCode::InvalidArgument if operation == "ListApplications" => {
            ServiceError::new(ErrorCode::InvalidRequest, error.message)
        }
        _ => error,
    }
}

enum Due {
    Application {
        region: String,
        name: String,
        chore: Option<Chore>,
    },
    Tags(String),
}
