//! Performs a step: exactly one mutating call.

use aws_sdk_kinesisanalyticsv2::error::BuildError;
use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationMaintenanceConfigurationUpdate, ApplicationMode, CloudWatchLoggingOption, RuntimeEnvironment, Tag,
};

use crate::api::status::Tags;
use crate::aws::Service;
use crate::aws::convert::{date_time, write};
use crate::desired::Identity;
use crate::fault::{Fault, FaultKind};
use crate::plan::diff::Change;
use crate::plan::outcome::Outcome;
use crate::plan::step::{Create, Fence, RunConfiguration, Step};

/// What the service said to a call that it accepted.
#[derive(Default)]
struct Reply {
    operation_id: Option<String>,
    version_id: Option<i64>,
}

impl Service {
    /// Performs a step on an application with the given ARN, which only tags need.
    ///
    /// One request goes out, whatever happens to it. A request that cannot be built from the values is refused
    /// without being sent.
    pub async fn perform(&self, identity: &Identity, arn: Option<&str>, step: &Step) -> Outcome {
        match self.send(identity, arn, step).await {
            Ok(reply) => Outcome::Accepted {
                operation_id: reply.operation_id,
                version_id: reply.version_id,
            },
            Err(fault) if fault.definite() => Outcome::Refused(fault),
            Err(fault) => Outcome::Unknown(fault),
        }
    }

    async fn send(&self, identity: &Identity, arn: Option<&str>, step: &Step) -> Result<Reply, Fault> {
        match step {
            Step::Create(create) => self.create(identity, create).await,
            Step::Update { change, run, fence } => self.update(identity, change, run.as_ref(), fence).await,
            Step::Restart { run, fence } => self.update(identity, &Change::default(), Some(run), fence).await,
            Step::Start { run } => self.start(identity, run).await,
            Step::Stop => self.stop(identity, false).await,
            Step::ForceStop => self.stop(identity, true).await,
            Step::RollBack { version_id } => self.roll_back(identity, *version_id).await,
            Step::TakeSnapshot { name } | Step::BackUp { name } => self.take_snapshot(identity, name).await,
            Step::DeleteSnapshot { name, created_at } => self.delete_snapshot(identity, name, *created_at).await,
            Step::Delete { created_at } => self.delete(identity, *created_at).await,
            Step::SetMaintenanceWindow { start } => self.set_maintenance_window(identity, start).await,
            Step::Tag { tags } => self.tag(identity, arn.unwrap_or_default(), tags).await,
            Step::Untag { keys } => self.untag(identity, arn.unwrap_or_default(), keys).await,
            Step::AddVpc { .. } | Step::RemoveVpc { .. } | Step::AddLogging { .. } | Step::RemoveLogging { .. } => {
                self.attach(identity, step).await
            }
        }
    }

    async fn create(&self, identity: &Identity, create: &Create) -> Result<Reply, Fault> {
        let wanted = &create.configuration;
        let configuration = write::configuration(wanted, &identity.region).map_err(unbuilt)?;
        let logging = wanted
            .log_stream_arn
            .as_ref()
            .map(|arn| CloudWatchLoggingOption::builder().log_stream_arn(arn).build());
        let logging = logging.transpose().map_err(unbuilt)?;
        let call = self.clients.mutator(&identity.region).create_application();
        let call = call
            .application_name(&identity.name)
            .set_application_description(create.description.clone())
            .runtime_environment(RuntimeEnvironment::from(wanted.runtime_environment.as_str()))
            .service_execution_role(&wanted.service_execution_role)
            .application_mode(ApplicationMode::Streaming)
            .application_configuration(configuration)
            .set_cloud_watch_logging_options(logging.map(|option| vec![option]))
            .set_tags(Some(sdk_tags(&create.tags)?));
        let output = self.noted(&identity.region, "CreateApplication", call.send().await)?;
        let version_id = output.application_detail.map(|detail| detail.application_version_id);
        Ok(Reply {
            operation_id: None,
            version_id,
        })
    }

    async fn update(
        &self,
        identity: &Identity,
        change: &Change,
        run: Option<&RunConfiguration>,
        fence: &Fence,
    ) -> Result<Reply, Fault> {
        let configuration = write::change(change, &identity.region).map_err(unbuilt)?;
        let logging = write::log_stream_change(change).map_err(unbuilt)?;
        let run = run.map(write::run_change).transpose().map_err(unbuilt)?;
        let runtime = change.runtime_environment.as_deref().map(RuntimeEnvironment::from);
        let call = self.clients.mutator(&identity.region).update_application();
        let call = call
            .application_name(&identity.name)
            .conditional_token(&fence.token)
            .set_application_configuration_update(configuration)
            .set_runtime_environment_update(runtime)
            .set_service_execution_role_update(change.service_execution_role.clone())
            .set_cloud_watch_logging_option_updates(logging.map(|option| vec![option]))
            .set_run_configuration_update(run);
        let output = self.noted(&identity.region, "UpdateApplication", call.send().await)?;
        let version_id = output.application_detail.map(|detail| detail.application_version_id);
        Ok(Reply {
            operation_id: filled(output.operation_id),
            version_id,
        })
    }

    async fn roll_back(&self, identity: &Identity, version_id: i64) -> Result<Reply, Fault> {
        let call = self.clients.mutator(&identity.region).rollback_application();
        let call = call
            .application_name(&identity.name)
            .current_application_version_id(version_id);
        let output = self.noted(&identity.region, "RollbackApplication", call.send().await)?;
        Ok(Reply {
            operation_id: filled(output.operation_id),
            version_id: None,
        })
    }

    async fn start(&self, identity: &Identity, run: &RunConfiguration) -> Result<Reply, Fault> {
        let run = write::run(run).map_err(unbuilt)?;
        let call = self.clients.mutator(&identity.region).start_application();
        let call = call.application_name(&identity.name).run_configuration(run);
        let output = self.noted(&identity.region, "StartApplication", call.send().await)?;
        Ok(Reply {
            operation_id: filled(output.operation_id),
            version_id: None,
        })
    }

    async fn stop(&self, identity: &Identity, force: bool) -> Result<Reply, Fault> {
        let call = self.clients.mutator(&identity.region).stop_application();
        let output = self.noted(
            &identity.region,
            "StopApplication",
            call.application_name(&identity.name).force(force).send().await,
        )?;
        Ok(Reply {
            operation_id: filled(output.operation_id),
            version_id: None,
        })
    }

    async fn take_snapshot(&self, identity: &Identity, name: &str) -> Result<Reply, Fault> {
        let call = self.clients.mutator(&identity.region).create_application_snapshot();
        let call = call.application_name(&identity.name).snapshot_name(name);
        self.noted(&identity.region, "CreateApplicationSnapshot", call.send().await)?;
        Ok(Reply::default())
    }

    async fn delete_snapshot(
        &self,
        identity: &Identity,
        name: &str,
        created_at: jiff::Timestamp,
    ) -> Result<Reply, Fault> {
        let call = self.clients.mutator(&identity.region).delete_application_snapshot();
        let call = call
            .application_name(&identity.name)
            .snapshot_name(name)
            .snapshot_creation_timestamp(date_time(created_at));
        self.noted(&identity.region, "DeleteApplicationSnapshot", call.send().await)?;
        Ok(Reply::default())
    }

    async fn delete(&self, identity: &Identity, created_at: jiff::Timestamp) -> Result<Reply, Fault> {
        let call = self.clients.mutator(&identity.region).delete_application();
        let call = call
            .application_name(&identity.name)
            .create_timestamp(date_time(created_at));
        self.noted(&identity.region, "DeleteApplication", call.send().await)?;
        Ok(Reply::default())
    }

    async fn set_maintenance_window(&self, identity: &Identity, start: &str) -> Result<Reply, Fault> {
        let update = ApplicationMaintenanceConfigurationUpdate::builder()
            .application_maintenance_window_start_time_update(start)
            .build()
            .map_err(unbuilt)?;
        let call = self
            .clients
            .mutator(&identity.region)
            .update_application_maintenance_configuration();
        let call = call
            .application_name(&identity.name)
            .application_maintenance_configuration_update(update);
        self.noted(
            &identity.region,
            "UpdateApplicationMaintenanceConfiguration",
            call.send().await,
        )?;
        Ok(Reply::default())
    }

    async fn tag(&self, identity: &Identity, arn: &str, tags: &Tags) -> Result<Reply, Fault> {
        let call = self.clients.mutator(&identity.region).tag_resource();
        self.noted(
            &identity.region,
            "TagResource",
            call.resource_arn(arn).set_tags(Some(sdk_tags(tags)?)).send().await,
        )?;
        Ok(Reply::default())
    }

    async fn untag(&self, identity: &Identity, arn: &str, keys: &[String]) -> Result<Reply, Fault> {
        let call = self.clients.mutator(&identity.region).untag_resource();
        self.noted(
            &identity.region,
            "UntagResource",
            call.resource_arn(arn).set_tag_keys(Some(keys.to_vec())).send().await,
        )?;
        Ok(Reply::default())
    }

    async fn attach(&self, identity: &Identity, step: &Step) -> Result<Reply, Fault> {
        let mutator = self.clients.mutator(&identity.region);
        let name = &identity.name;
        match step {
            Step::AddVpc { vpc, fence } => {
                let call = mutator.add_application_vpc_configuration().application_name(name);
                let call = call
                    .vpc_configuration(write::vpc(vpc).map_err(unbuilt)?)
                    .conditional_token(&fence.token);
                let output = self.noted(&identity.region, "AddApplicationVpcConfiguration", call.send().await)?;
                Ok(Reply {
                    operation_id: filled(output.operation_id),
                    version_id: output.application_version_id,
                })
            }
            Step::RemoveVpc { id, fence } => {
                let call = mutator.delete_application_vpc_configuration().application_name(name);
                let call = call.vpc_configuration_id(id).conditional_token(&fence.token);
                let output = self.noted(&identity.region, "DeleteApplicationVpcConfiguration", call.send().await)?;
                Ok(Reply {
                    operation_id: filled(output.operation_id),
                    version_id: output.application_version_id,
                })
            }
            Step::AddLogging { log_stream_arn, fence } => {
                let option = CloudWatchLoggingOption::builder()
                    .log_stream_arn(log_stream_arn)
                    .build()
                    .map_err(unbuilt)?;
                let call = mutator
                    .add_application_cloud_watch_logging_option()
                    .application_name(name);
                let call = call.cloud_watch_logging_option(option).conditional_token(&fence.token);
                let output = self.noted(
                    &identity.region,
                    "AddApplicationCloudWatchLoggingOption",
                    call.send().await,
                )?;
                Ok(Reply {
                    operation_id: filled(output.operation_id),
                    version_id: output.application_version_id,
                })
            }
            Step::RemoveLogging { id, fence } => {
                let call = mutator
                    .delete_application_cloud_watch_logging_option()
                    .application_name(name);
                let call = call.cloud_watch_logging_option_id(id).conditional_token(&fence.token);
                let output = self.noted(
                    &identity.region,
                    "DeleteApplicationCloudWatchLoggingOption",
                    call.send().await,
                )?;
                Ok(Reply {
                    operation_id: filled(output.operation_id),
                    version_id: output.application_version_id,
                })
            }
            _ => Err(Fault::new(FaultKind::Invalid, "the step attaches nothing")),
        }
    }
}

/// The service may name an empty operation (facts §1.15).
fn filled(id: Option<String>) -> Option<String> {
    id.filter(|id| !id.is_empty())
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, Fault> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build().map_err(unbuilt))
        .collect()
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err takes")]
fn unbuilt(error: BuildError) -> Fault {
    Fault::new(FaultKind::Invalid, &error.to_string())
}
