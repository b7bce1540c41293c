//! The calls that make a version: update, VPC and logging; and the maintenance window, which makes none
//! (facts §1.3, §1.14, §1.15, §1.16, §3).

use serde::Deserialize;
use serde_json::{Value, json};

use super::application::{Application, Content, Effect, LoggingOption, OperationStatus, Run, Status};
use super::call::Call;
use super::configuration::{ConfigurationInput, Source};
use super::deployment::is_downgrade;
use super::error::ServiceError;
use super::identity::Ids;
use super::lifecycle::{RunInput, usable_runtime};
use super::rules::{READY_UPDATE, SKIP_RESTORE};
use super::settings::Settings;
use super::state::Service;

#[derive(Deserialize)]
struct LoggingUpdate {
    #[serde(rename = "CloudWatchLoggingOptionId")]
    id: String,
    #[serde(rename = "LogStreamARNUpdate")]
    log_stream_arn: Option<String>,
}

/// A change that was accepted: the version it made and its operation.
struct Accepted {
    version: u64,
    operation: String,
}

impl Application {
    /// Accepts a change: checks what a running job demands, makes the version, and sets it under way.
    fn change(
        &mut self,
        call: &Call<'_>,
        operation: &str,
        content: Content,
        run: Run,
        settings: &Settings,
        ids: &mut Ids,
    ) -> Result<Accepted, ServiceError> {
        let (restore, taken) = match self.status {
            Status::Running => self.prepare_replacement(call, &content, &run, settings, ids)?,
            _ => (None, None),
        };
        let from = self.current;
        let version = self.add_version(call.now, content, ids);
        if let Some(added) = self.versions.get_mut(&version) {
            added.snapshot = taken;
        }
        let id = self.begin(operation, ids.operation(), call.now, Some((from, version)));
        if self.status == Status::Running {
            self.run = Some(run);
            let due = call.now + settings.scaled(settings.durations.update_running);
            self.enter(Status::Updating, due, Effect::Replace { restore }, Some(id.clone()));
        } else if settings.rules.is(&READY_UPDATE, "visible") {
            let due = call.now + settings.scaled(settings.durations.update_ready);
            self.enter(Status::Updating, due, Effect::Reconfigure, Some(id.clone()));
        } else {
            self.end(&id, call.now, OperationStatus::Successful, None);
        }
        Ok(Accepted { version, operation: id })
    }

    /// Takes the snapshot of an update of a running job. Tells which snapshot the new job restores, and which one was
    /// taken (facts §3.4).
    ///
    /// The new configuration decides whether snapshots are taken: disabling them is the way out of a job that cannot be
    /// snapshotted (facts §1.3).
    fn prepare_replacement(
        &mut self,
        call: &Call<'_>,
        content: &Content,
        run: &Run,
        settings: &Settings,
        ids: &mut Ids,
    ) -> Result<(Option<String>, Option<String>), ServiceError> {
        let current = &self.version()?.runtime;
        if is_downgrade(current, &content.runtime) {
            return Err(ServiceError::argument(format!(
                "RuntimeEnvironmentUpdate {} is older than {current}, which the application runs on",
                content.runtime
            )));
        }
        if let Some(name) = &run.snapshot_name {
            self.restorable(name, &settings.rules)?;
        }
        let skips = run.restore_type == "SKIP_RESTORE_FROM_SNAPSHOT";
        let snapshots =
            content.configuration.snapshots_enabled && !(skips && settings.rules.is(&SKIP_RESTORE, "no-snapshot"));
        if snapshots {
            self.require_healthy(call.now)?;
        }
        let taken = snapshots.then(|| self.take_automatic_snapshot(call.now, settings, ids));
        let restore = match &run.snapshot_name {
            Some(name) => Some(name.clone()),
            None if skips => None,
            None => taken.clone(),
        };
        Ok((restore, taken))
    }
}

impl Service {
    pub(crate) fn update_application(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let run = call
            .parse::<RunInput>("RunConfigurationUpdate")?
            .unwrap_or_default()
            .run()?;
        let application = self.application(call)?;
        application.guard(call.input, &self.settings.rules)?;
        application.in_status("UpdateApplication", &[Status::Ready, Status::Running])?;
        let content = self.updated_content(call, application)?;
        let (settings, ids, application) = self.parts(call)?;
        let accepted = application.change(call, "UpdateApplication", content, run, settings, ids)?;
        let detail = application.describe(&settings.rules, false)?;
        Ok(json!({ "ApplicationDetail": detail, "OperationId": accepted.operation }))
    }

    fn updated_content(&self, call: &Call<'_>, application: &Application) -> Result<Content, ServiceError> {
        let mut content = application.version()?.content();
        let mut input = call.input.clone();
        for member in &self.faults.ignore {
            forget(&mut input, member);
        }
        let call = &Call { input: &input, ..*call };
        let input = match call.input.get("ApplicationConfigurationUpdate") {
            None | Some(Value::Null) => ConfigurationInput::default(),
            Some(asked) => Call::parse_value(asked)?,
        };
        let role = call.parse::<String>("ServiceExecutionRoleUpdate")?;
        let changes_role = role.is_some();
        content.role = role.unwrap_or(content.role);
        if changes_role || input.names_code() {
            self.usable_role(&content.role)?;
        }
        if let Some(runtime) = call.parse::<String>("RuntimeEnvironmentUpdate")? {
            usable_runtime(&runtime)?;
            content.runtime = runtime;
        }
        let updates: Vec<LoggingUpdate> = call.parse("CloudWatchLoggingOptionUpdates")?.unwrap_or_default();
        for update in updates {
            let option = content.logging.iter_mut().find(|option| option.id == update.id);
            let option = option.ok_or_else(|| unknown_logging(&update.id))?;
            option.log_stream_arn = update.log_stream_arn.unwrap_or_else(|| option.log_stream_arn.clone());
        }
        content.configuration = content.configuration.merge(&input, &self.source(call, application))?;
        Ok(content)
    }

    fn source<'a>(&'a self, call: &Call<'a>, application: &Application) -> Source<'a> {
        let rules = &self.settings.rules;
        Source {
            objects: self.objects.as_ref(),
            rules,
            region: call.region,
            version: application.next_version(),
        }
    }

    /// The application of a change that was held against its version and status.
    fn changeable(&self, call: &Call<'_>, operation: &str) -> Result<&Application, ServiceError> {
        let application = self.application(call)?;
        application.guard(call.input, &self.settings.rules)?;
        application.in_status(operation, &[Status::Ready, Status::Running])?;
        Ok(application)
    }

    fn apply(
        &mut self,
        call: &Call<'_>,
        operation: &str,
        content: Content,
    ) -> Result<(Accepted, &Application), ServiceError> {
        let is_ignored = self.faults.ignore.contains(operation);
        let (settings, ids, application) = self.parts(call)?;
        let content = if is_ignored {
            application.version()?.content()
        } else {
            content
        };
        let accepted = application.change(call, operation, content, Run::default(), settings, ids)?;
        Ok((accepted, application))
    }

    pub(crate) fn add_vpc_configuration(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let operation = "AddApplicationVpcConfiguration";
        let application = self.changeable(call, operation)?;
        let mut content = application.version()?.content();
        let input = Call::parse_value(call.input.get("VpcConfiguration").unwrap_or(&Value::Null))?;
        let vpc = content.configuration.add_vpc(&input, &self.source(call, application))?;
        let (accepted, application) = self.apply(call, operation, content)?;
        Ok(json!({
            "ApplicationARN": application.arn,
            "ApplicationVersionId": accepted.version,
            "VpcConfigurationDescription": vpc,
            "OperationId": accepted.operation,
        }))
    }

    pub(crate) fn delete_vpc_configuration(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let operation = "DeleteApplicationVpcConfiguration";
        let mut content = self.changeable(call, operation)?.version()?.content();
        let id = call.text("VpcConfigurationId");
        let before = content.configuration.vpcs.len();
        content.configuration.vpcs.retain(|vpc| vpc.id != id);
        if content.configuration.vpcs.len() == before {
            return Err(ServiceError::not_found(format!(
                "VpcConfigurationId {id:?} does not exist"
            )));
        }
        let (accepted, application) = self.apply(call, operation, content)?;
        Ok(json!({
            "ApplicationARN": application.arn,
            "ApplicationVersionId": accepted.version,
            "OperationId": accepted.operation,
        }))
    }

    pub(crate) fn add_logging_option(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let operation = "AddApplicationCloudWatchLoggingOption";
        let application = self.changeable(call, operation)?;
        let mut content = application.version()?.content();
        let stream = call
            .input
            .get("CloudWatchLoggingOption")
            .and_then(|option| option.get("LogStreamARN"));
        let log_stream_arn = stream.and_then(Value::as_str).unwrap_or_default().to_owned();
        if content
            .logging
            .iter()
            .any(|option| option.log_stream_arn == log_stream_arn)
        {
            return Err(ServiceError::argument(format!(
                "LogStreamARN {log_stream_arn:?} is already in use"
            )));
        }
        content.logging.push(LoggingOption {
            id: format!("{}.1", application.next_version()),
            log_stream_arn,
        });
        let (accepted, application) = self.apply(call, operation, content)?;
        logging_answer(application, &accepted)
    }

    pub(crate) fn delete_logging_option(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let operation = "DeleteApplicationCloudWatchLoggingOption";
        let mut content = self.changeable(call, operation)?.version()?.content();
        let id = call.text("CloudWatchLoggingOptionId");
        let before = content.logging.len();
        content.logging.retain(|option| option.id != id);
        if content.logging.len() == before {
            return Err(ServiceError::not_found(unknown_logging(id).message));
        }
        let (accepted, application) = self.apply(call, operation, content)?;
        logging_answer(application, &accepted)
    }

    pub(crate) fn update_maintenance_configuration(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let update = call.input.get("ApplicationMaintenanceConfigurationUpdate");
        let start = update.and_then(|update| update.get("ApplicationMaintenanceWindowStartTimeUpdate"));
        let operation = "UpdateApplicationMaintenanceConfiguration";
        let is_ignored = self.faults.ignore.contains(operation);
        let (_, _, application) = self.parts(call)?;
        application.in_status(operation, &[Status::Ready, Status::Running])?;
        if !is_ignored {
            start
                .and_then(Value::as_str)
                .unwrap_or_default()
                .clone_into(&mut application.maintenance_start);
        }
        Ok(json!({
            "ApplicationARN": application.arn,
            "ApplicationMaintenanceConfigurationDescription": application.describe_maintenance(),
        }))
    }
}

/// Removes a member wherever it is.
fn forget(value: &mut Value, member: &str) {
    if let Value::Object(members) = value {
        members.remove(member);
        members.values_mut().for_each(|value| forget(value, member));
    }
}

fn unknown_logging(id: &str) -> ServiceError {
    ServiceError::argument(format!("CloudWatchLoggingOptionId {id:?} does not exist"))
}

fn logging_answer(application: &Application, accepted: &Accepted) -> Result<Value, ServiceError> {
    Ok(json!({
        "ApplicationARN": application.arn,
        "ApplicationVersionId": accepted.version,
        "CloudWatchLoggingOptionDescriptions": application.version()?.logging,
        "OperationId": accepted.operation,
    }))
}
