//! Create, describe, list, start, stop and delete (facts §1.1, §1.2, §1.4, §1.5, §1.7).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::application::{Application, Content, Effect, LoggingOption, OperationStatus, Run, Status, Version};
use super::call::Call;
use super::code::unreadable_location;
use super::configuration::{Configuration, ConfigurationInput, Source};
use super::epoch::same_time;
use super::error::{ErrorCode, ServiceError};
use super::identity::application_arn;
use super::paging::{limit, page};
use super::rules::{DELETE_RUNNING, Rules};
use super::state::Service;
use super::tags::read_tags;
use crate::job::JobState;

/// The start of the maintenance window of a new application in a region (facts §1.16). 03:00 where none is published.
fn maintenance_start(region: &str) -> &'static str {
    match region {
        "us-west-1" | "us-west-2" | "us-gov-west-1" | "eu-central-1" => "06:00",
        "eu-west-1" | "eu-west-2" => "22:00",
        "eu-north-1" => "23:00",
        "ap-northeast-1" | "ap-northeast-2" | "ap-east-1" | "cn-north-1" | "cn-northwest-1" => "13:00",
        "ap-southeast-1" => "14:00",
        "ap-southeast-2" => "12:00",
        "ap-south-1" | "ap-south-2" => "16:30",
        "ap-southeast-3" => "15:00",
        "eu-central-2" => "20:00",
        _ => "03:00",
    }
}

/// Runtimes that nothing can be created on or that are no Flink runtimes (facts §10).
pub(crate) fn usable_runtime(runtime: &str) -> Result<(), ServiceError> {
    match runtime {
        "FLINK-1_6" | "FLINK-1_8" | "FLINK-1_11" => Err(ServiceError::unsupported(format!(
            "Runtime environment {runtime} has reached its end of support"
        ))),
        flink if flink.starts_with("FLINK-") => Ok(()),
        other => Err(ServiceError::unsupported(format!(
            "Runtime environment {other} is not served by this emulator"
        ))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RestoreInput {
    application_restore_type: String,
    snapshot_name: Option<String>,
    snapshot_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FlinkRunInput {
    allow_non_restored_state: Option<bool>,
}

/// `RunConfiguration` or `RunConfigurationUpdate`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RunInput {
    flink_run_configuration: Option<FlinkRunInput>,
    application_restore_configuration: Option<RestoreInput>,
}

impl RunInput {
    /// The run it asks for. What it omits has the default, whatever was before (facts §3.4).
    pub(crate) fn run(self) -> Result<Run, ServiceError> {
        let mut run = Run::default();
        if let Some(flink) = self.flink_run_configuration {
            run.allow_non_restored_state = flink.allow_non_restored_state.unwrap_or_default();
        }
        if let Some(restore) = self.application_restore_configuration {
            let custom = restore.application_restore_type == "RESTORE_FROM_CUSTOM_SNAPSHOT";
            if custom && restore.snapshot_name.is_some() == restore.snapshot_arn.is_some() {
                return Err(ServiceError::argument(
                    "RESTORE_FROM_CUSTOM_SNAPSHOT takes exactly one of SnapshotName and SnapshotArn",
                ));
            }
            if custom && restore.snapshot_arn.is_some() {
                return Err(ServiceError::argument(
                    "SnapshotArn is only for applications with enhanced snapshots",
                ));
            }
            run.restore_type = restore.application_restore_type;
            run.snapshot_name = restore.snapshot_name.filter(|_| custom);
        }
        Ok(run)
    }
}

impl Application {
    /// The snapshot that a start with this run restores; none starts empty (facts §1.4).
    fn restored_by(&self, run: &Run, rules: &Rules) -> Result<Option<String>, ServiceError> {
        match (run.restore_type.as_str(), &run.snapshot_name) {
            ("SKIP_RESTORE_FROM_SNAPSHOT", _) => Ok(None),
            (_, Some(name)) => self.restorable(name, rules).map(|()| Some(name.clone())),
            (_, None) => Ok(self.latest_snapshot().map(|snapshot| snapshot.name.clone())),
        }
    }
}

impl Service {
    /// Whether the service can use a role.
    pub(crate) fn usable_role(&self, role: &str) -> Result<(), ServiceError> {
        if self.faults.unknown_roles.contains(role) {
            Err(unreadable_location())
        } else {
            Ok(())
        }
    }

    pub(crate) fn create_application(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let name = call.text("ApplicationName");
        let existing = self.state.applications.get(call.region);
        if let Some(taken) = existing.and_then(|applications| applications.get(name)) {
            let status = taken.status.name();
            return Err(ServiceError::in_use(format!(
                "Application {name} already exists and is {status}"
            )));
        }
        let count = existing.map_or(0, BTreeMap::len);
        let tags = read_tags(call.input.get("Tags"))?;
        let arn = application_arn(call.region, &self.settings.account, name);
        if call.text("ApplicationMode") == "INTERACTIVE" {
            return Err(ServiceError::unsupported(
                "ApplicationMode INTERACTIVE is not served by this emulator",
            ));
        }
        usable_runtime(call.text("RuntimeEnvironment"))?;
        if !tags.is_empty() && self.state.lingering_tags.contains_key(&arn) {
            return Err(ServiceError::new(
                ErrorCode::ConcurrentModification,
                format!(
                    "Tags are already registered for this resource ARN: {arn}, please retry later. Or you can create \
                     without tags and then add tags using TagResource API after successful resource creation."
                ),
            ));
        }
        let quota = self.faults.application_quota.unwrap_or(self.settings.application_quota);
        if count >= quota {
            let message = format!(
                "The account has {count} applications in {}, the limit is {quota}",
                call.region
            );
            return Err(ServiceError::new(ErrorCode::LimitExceeded, message));
        }
        let content = self.first_content(call)?;
        let application = self.new_application(call, arn, tags, content);
        let detail = application.describe(&self.settings.rules, false)?;
        self.state
            .applications
            .entry(call.region.to_owned())
            .or_default()
            .insert(name.to_owned(), application);
        Ok(json!({ "ApplicationDetail": detail }))
    }

    fn first_content(&self, call: &Call<'_>) -> Result<Content, ServiceError> {
        let role = call.text("ServiceExecutionRole");
        self.usable_role(role)?;
        let input: ConfigurationInput = call.parse("ApplicationConfiguration")?.unwrap_or_default();
        let rules = &self.settings.rules;
        let source = Source {
            objects: self.objects.as_ref(),
            rules,
            region: call.region,
            version: 1,
        };
        let streams = call.input.get("CloudWatchLoggingOptions").and_then(Value::as_array);
        let logging = streams
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, option)| LoggingOption {
                id: format!("1.{}", index + 1),
                log_stream_arn: option
                    .get("LogStreamARN")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            });
        Ok(Content {
            runtime: call.text("RuntimeEnvironment").to_owned(),
            role: role.to_owned(),
            configuration: Configuration::default().merge(&input, &source)?,
            logging: logging.collect(),
        })
    }

    fn new_application(
        &mut self,
        call: &Call<'_>,
        arn: String,
        tags: BTreeMap<String, String>,
        content: Content,
    ) -> Application {
        let description = call.input.get("ApplicationDescription").and_then(Value::as_str);
        Application {
            name: call.text("ApplicationName").to_owned(),
            arn,
            description: description.filter(|text| !text.is_empty()).map(str::to_owned),
            status: Status::Ready,
            created: call.now,
            updated: call.now,
            current: 1,
            current_parallelism: content.configuration.parallelism.wanted,
            versions: BTreeMap::from([(1, Version::new(1, None, call.now, self.state.ids.token(), content))]),
            maintenance_start: maintenance_start(call.region).to_owned(),
            tags,
            run: None,
            jobs: Vec::new(),
            operations: Vec::new(),
            snapshots: Vec::new(),
            transition: None,
            shown: Vec::new(),
            lines: Vec::new(),
            sessions: Vec::new(),
        }
    }

    pub(crate) fn describe_application(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let details = call
            .input
            .get("IncludeAdditionalDetails")
            .and_then(Value::as_bool)
            .unwrap_or_default();
        let application = self.application(call)?;
        let detail = application.seen(call.now, &self.settings.rules, details)?;
        Ok(Value::Object(Map::from_iter([(
            "ApplicationDetail".to_owned(),
            detail,
        )])))
    }

    pub(crate) fn list_applications(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let applications = self.state.applications.get(call.region).into_iter().flatten();
        let after = call.text("NextToken");
        // One more than the page holds: it shows that another page follows.
        let shown = applications
            .filter(|(name, _)| name.as_str() > after)
            .take(limit(call.input).saturating_add(1));
        let items = shown
            .map(|(name, application)| Ok((name.clone(), application.seen_summary(call.now)?)))
            .collect::<Result<Vec<_>, ServiceError>>()?;
        Ok(page("ApplicationSummaries", items, call.input))
    }

    pub(crate) fn start_application(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let run = call.parse::<RunInput>("RunConfiguration")?.unwrap_or_default().run()?;
        let (settings, ids, application) = self.parts(call)?;
        application.in_status("StartApplication", &[Status::Ready])?;
        if application.configuration()?.code.is_none() {
            return Err(ServiceError::new(
                ErrorCode::InvalidApplicationConfiguration,
                format!("Application {} has no code to start", application.name),
            ));
        }
        let restore = application.restored_by(&run, &settings.rules)?;
        application.run = Some(run);
        let id = application.begin("StartApplication", ids.operation(), call.now, None);
        let due = call.now + settings.scaled(settings.durations.start);
        application.enter(Status::Starting, due, Effect::Launch { restore }, Some(id.clone()));
        Ok(json!({ "OperationId": id }))
    }

    pub(crate) fn stop_application(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        if call.input.get("Force").and_then(Value::as_bool).unwrap_or_default() {
            return self.force_stop(call);
        }
        let (settings, ids, application) = self.parts(call)?;
        application.in_status("StopApplication", &[Status::Running])?;
        if application.configuration()?.snapshots_enabled {
            application.require_healthy(call.now)?;
            application.take_automatic_snapshot(call.now, settings, ids);
        }
        let id = application.begin("StopApplication", ids.operation(), call.now, None);
        let due = call.now + settings.scaled(settings.durations.stop);
        application.enter(
            Status::Stopping,
            due,
            Effect::Halt { job: JobState::Stopped },
            Some(id.clone()),
        );
        Ok(json!({ "OperationId": id }))
    }

    /// Kills the job without a snapshot and cancels what is under way (facts §1.5, §2.4).
    fn force_stop(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let (settings, ids, application) = self.parts(call)?;
        let legal = [
            Status::Starting,
            Status::Updating,
            Status::Stopping,
            Status::Autoscaling,
            Status::Running,
        ];
        application.in_status("StopApplication with Force", &legal)?;
        let interrupted = application
            .transition
            .take()
            .and_then(|transition| transition.operation);
        if let Some(interrupted) = interrupted {
            application.end(&interrupted, call.now, OperationStatus::Cancelled, None);
        }
        application.end_job(call.now, JobState::Killed);
        let id = application.begin("StopApplication", ids.operation(), call.now, None);
        let due = call.now + settings.scaled(settings.durations.force_stop);
        application.enter(
            Status::ForceStopping,
            due,
            Effect::Halt { job: JobState::Killed },
            Some(id.clone()),
        );
        Ok(json!({ "OperationId": id }))
    }

    pub(crate) fn delete_application(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let (settings, _, application) = self.parts(call)?;
        if !same_time(application.created, call.input.get("CreateTimestamp")) {
            return Err(ServiceError::argument(format!(
                "CreateTimestamp is not that of application {}",
                application.name
            )));
        }
        let legal: &[Status] = match settings.rules.get(&DELETE_RUNNING) {
            "refuse" => &[Status::Ready],
            _ => &[Status::Ready, Status::Running],
        };
        application.in_status("DeleteApplication", legal)?;
        application.end_job(call.now, JobState::Killed);
        let due = call.now + settings.scaled(settings.durations.delete_application);
        application.enter(Status::Deleting, due, Effect::Vanish, None);
        Ok(json!({}))
    }
}
