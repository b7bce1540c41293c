//! What is sent to the service.

use aws_sdk_kinesisanalyticsv2::error::BuildError;
use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationCodeConfiguration, ApplicationCodeConfigurationUpdate, ApplicationConfiguration,
    ApplicationConfigurationUpdate, ApplicationEncryptionConfiguration, ApplicationEncryptionConfigurationUpdate,
    ApplicationRestoreConfiguration, ApplicationRestoreType, ApplicationSnapshotConfiguration,
    ApplicationSnapshotConfigurationUpdate, ApplicationSystemRollbackConfiguration,
    ApplicationSystemRollbackConfigurationUpdate, CheckpointConfiguration, CheckpointConfigurationUpdate,
    CloudWatchLoggingOptionUpdate, CodeContent, CodeContentType, CodeContentUpdate, ConfigurationType,
    EnvironmentProperties, EnvironmentPropertyUpdates, FlinkApplicationConfiguration,
    FlinkApplicationConfigurationUpdate, FlinkRunConfiguration, KeyType, LogLevel, MetricsLevel,
    MonitoringConfiguration, MonitoringConfigurationUpdate, ParallelismConfiguration, ParallelismConfigurationUpdate,
    PropertyGroup, RunConfiguration as SdkRunConfiguration, RunConfigurationUpdate, S3ContentLocation,
    S3ContentLocationUpdate, VpcConfiguration, VpcConfigurationUpdate,
};

use crate::configuration::{Checkpoint, CodeLocation, Configuration, Monitoring, Parallelism, PropertyGroups, Vpc};
use crate::desired::partition;
use crate::plan::diff::{Change, CheckpointChange, MonitoringChange, ParallelismChange};
use crate::plan::step::{Restore, RunConfiguration};

type Built<T> = Result<T, BuildError>;

/// The configuration of `CreateApplication`.
///
/// A block that equals the service's default is left out: the service fills it in (facts §3.5).
pub(in crate::aws) fn configuration(wanted: &Configuration, region: &str) -> Built<ApplicationConfiguration> {
    let mut builder = ApplicationConfiguration::builder()
        .application_snapshot_configuration(
            ApplicationSnapshotConfiguration::builder()
                .snapshots_enabled(wanted.snapshots_enabled)
                .build()?,
        )
        .set_flink_application_configuration(flink(wanted)?);
    if let Some(location) = &wanted.code {
        builder = builder.application_code_configuration(code(location, region)?);
    }
    if !wanted.property_groups.is_empty() {
        let groups = property_groups(&wanted.property_groups)?;
        builder = builder.environment_properties(
            EnvironmentProperties::builder()
                .set_property_groups(Some(groups))
                .build()?,
        );
    }
    if let Some(part) = &wanted.vpc {
        builder = builder.vpc_configurations(vpc(part)?);
    }
    if wanted.system_rollback {
        let rollback = ApplicationSystemRollbackConfiguration::builder()
            .rollback_enabled(true)
            .build()?;
        builder = builder.application_system_rollback_configuration(rollback);
    }
    if let Some(key) = &wanted.kms_key_id {
        let encryption = ApplicationEncryptionConfiguration::builder()
            .key_type(KeyType::CustomerManagedKey)
            .key_id(key)
            .build()?;
        builder = builder.application_encryption_configuration(encryption);
    }
    Ok(builder.build())
}

fn flink(wanted: &Configuration) -> Built<Option<FlinkApplicationConfiguration>> {
    let mut builder = FlinkApplicationConfiguration::builder();
    if wanted.parallelism != Parallelism::default() {
        builder = builder.parallelism_configuration(
            ParallelismConfiguration::builder()
                .configuration_type(ConfigurationType::Custom)
                .parallelism(wanted.parallelism.parallelism)
                .parallelism_per_kpu(wanted.parallelism.parallelism_per_kpu)
                .auto_scaling_enabled(wanted.parallelism.auto_scaling_enabled)
                .build()?,
        );
    }
    if wanted.checkpoint != Checkpoint::default() {
        builder = builder.checkpoint_configuration(
            CheckpointConfiguration::builder()
                .configuration_type(ConfigurationType::Custom)
                .checkpointing_enabled(wanted.checkpoint.enabled)
                .checkpoint_interval(wanted.checkpoint.interval_ms)
                .min_pause_between_checkpoints(wanted.checkpoint.min_pause_ms)
                .build()?,
        );
    }
    if wanted.monitoring != Monitoring::default() {
        builder = builder.monitoring_configuration(
            MonitoringConfiguration::builder()
                .configuration_type(ConfigurationType::Custom)
                .metrics_level(MetricsLevel::from(wanted.monitoring.metrics_level.as_str()))
                .log_level(LogLevel::from(wanted.monitoring.log_level.as_str()))
                .build()?,
        );
    }
    let built = builder.build();
    Ok((built != FlinkApplicationConfiguration::builder().build()).then_some(built))
}

fn bucket_arn(bucket: &str, region: &str) -> String {
    format!("arn:{}:s3:::{bucket}", partition(region))
}

fn code(location: &CodeLocation, region: &str) -> Built<ApplicationCodeConfiguration> {
    let object = S3ContentLocation::builder()
        .bucket_arn(bucket_arn(&location.bucket, region))
        .file_key(&location.key)
        .set_object_version(location.object_version.clone())
        .build()?;
    ApplicationCodeConfiguration::builder()
        .code_content_type(CodeContentType::Zipfile)
        .code_content(CodeContent::builder().s3_content_location(object).build())
        .build()
}

fn property_groups(groups: &PropertyGroups) -> Built<Vec<PropertyGroup>> {
    groups
        .0
        .iter()
        .map(|(id, properties)| {
            let properties = properties.clone().into_iter().collect();
            PropertyGroup::builder()
                .property_group_id(id)
                .set_property_map(Some(properties))
                .build()
        })
        .collect()
}

/// A VPC of `CreateApplication` and `AddApplicationVpcConfiguration`.
pub(in crate::aws) fn vpc(vpc: &Vpc) -> Built<VpcConfiguration> {
    VpcConfiguration::builder()
        .set_subnet_ids(Some(vpc.subnet_ids.iter().cloned().collect()))
        .set_security_group_ids(Some(vpc.security_group_ids.iter().cloned().collect()))
        .build()
}

/// The configuration of `UpdateApplication`; absent when the change is of other members only.
pub(in crate::aws) fn change(change: &Change, region: &str) -> Built<Option<ApplicationConfigurationUpdate>> {
    let mut builder = ApplicationConfigurationUpdate::builder()
        .set_application_code_configuration_update(change.code.as_ref().map(|code| code_change(code, region)))
        .set_flink_application_configuration_update(flink_change(change));
    if let Some(groups) = &change.property_groups {
        let groups = property_groups(groups)?;
        builder = builder.environment_property_updates(
            EnvironmentPropertyUpdates::builder()
                .set_property_groups(Some(groups))
                .build()?,
        );
    }
    if let Some((id, vpc)) = &change.vpc {
        builder = builder.vpc_configuration_updates(
            VpcConfigurationUpdate::builder()
                .vpc_configuration_id(id)
                .set_subnet_id_updates(Some(vpc.subnet_ids.iter().cloned().collect()))
                .set_security_group_id_updates(Some(vpc.security_group_ids.iter().cloned().collect()))
                .build()?,
        );
    }
    if let Some(enabled) = change.system_rollback {
        builder = builder.application_system_rollback_configuration_update(
            ApplicationSystemRollbackConfigurationUpdate::builder()
                .rollback_enabled_update(enabled)
                .build()?,
        );
    }
    if let Some(enabled) = change.snapshots_enabled {
        builder = builder.application_snapshot_configuration_update(
            ApplicationSnapshotConfigurationUpdate::builder()
                .snapshots_enabled_update(enabled)
                .build()?,
        );
    }
    if let Some(key) = &change.kms_key_id {
        let key_type = if key.is_some() {
            KeyType::CustomerManagedKey
        } else {
            KeyType::AwsOwnedKey
        };
        builder = builder.application_encryption_configuration_update(
            ApplicationEncryptionConfigurationUpdate::builder()
                .key_type_update(key_type)
                .set_key_id_update(key.clone())
                .build()?,
        );
    }
    let built = builder.build();
    Ok((built != ApplicationConfigurationUpdate::builder().build()).then_some(built))
}

fn code_change(location: &CodeLocation, region: &str) -> ApplicationCodeConfigurationUpdate {
    let object = S3ContentLocationUpdate::builder()
        .bucket_arn_update(bucket_arn(&location.bucket, region))
        .file_key_update(&location.key)
        .set_object_version_update(location.object_version.clone())
        .build();
    ApplicationCodeConfigurationUpdate::builder()
        .code_content_type_update(CodeContentType::Zipfile)
        .code_content_update(CodeContentUpdate::builder().s3_content_location_update(object).build())
        .build()
}

fn flink_change(change: &Change) -> Option<FlinkApplicationConfigurationUpdate> {
    if change.parallelism.is_none() && change.checkpoint.is_none() && change.monitoring.is_none() {
        return None;
    }
    Some(
        FlinkApplicationConfigurationUpdate::builder()
            .set_parallelism_configuration_update(change.parallelism.as_ref().map(parallelism_change))
            .set_checkpoint_configuration_update(change.checkpoint.as_ref().map(checkpoint_change))
            .set_monitoring_configuration_update(change.monitoring.as_ref().map(monitoring_change))
            .build(),
    )
}

fn parallelism_change(change: &ParallelismChange) -> ParallelismConfigurationUpdate {
    ParallelismConfigurationUpdate::builder()
        .configuration_type_update(ConfigurationType::Custom)
        .set_parallelism_update(change.parallelism)
        .set_parallelism_per_kpu_update(change.parallelism_per_kpu)
        .set_auto_scaling_enabled_update(change.auto_scaling_enabled)
        .build()
}

fn checkpoint_change(change: &CheckpointChange) -> CheckpointConfigurationUpdate {
    CheckpointConfigurationUpdate::builder()
        .configuration_type_update(ConfigurationType::Custom)
        .set_checkpointing_enabled_update(change.enabled)
        .set_checkpoint_interval_update(change.interval_ms)
        .set_min_pause_between_checkpoints_update(change.min_pause_ms)
        .build()
}

fn monitoring_change(change: &MonitoringChange) -> MonitoringConfigurationUpdate {
    MonitoringConfigurationUpdate::builder()
        .configuration_type_update(ConfigurationType::Custom)
        .set_metrics_level_update(change.metrics_level.as_deref().map(MetricsLevel::from))
        .set_log_level_update(change.log_level.as_deref().map(LogLevel::from))
        .build()
}

/// The logging option of `UpdateApplication`.
pub(in crate::aws) fn log_stream_change(change: &Change) -> Built<Option<CloudWatchLoggingOptionUpdate>> {
    let Some((id, arn)) = &change.log_stream else {
        return Ok(None);
    };
    let update = CloudWatchLoggingOptionUpdate::builder()
        .cloud_watch_logging_option_id(id)
        .log_stream_arn_update(arn)
        .build()?;
    Ok(Some(update))
}

fn restore(run: &RunConfiguration) -> Built<ApplicationRestoreConfiguration> {
    let builder = ApplicationRestoreConfiguration::builder();
    match &run.restore {
        Restore::Latest => builder.application_restore_type(ApplicationRestoreType::RestoreFromLatestSnapshot),
        Restore::Named(name) => builder
            .application_restore_type(ApplicationRestoreType::RestoreFromCustomSnapshot)
            .snapshot_name(name),
        Restore::Skip => builder.application_restore_type(ApplicationRestoreType::SkipRestoreFromSnapshot),
    }
    .build()
}

fn flink_run(run: &RunConfiguration) -> FlinkRunConfiguration {
    FlinkRunConfiguration::builder()
        .allow_non_restored_state(run.allow_non_restored_state)
        .build()
}

/// The run configuration of `StartApplication`.
pub(in crate::aws) fn run(run: &RunConfiguration) -> Built<SdkRunConfiguration> {
    Ok(SdkRunConfiguration::builder()
        .flink_run_configuration(flink_run(run))
        .application_restore_configuration(restore(run)?)
        .build())
}

/// The run configuration of `UpdateApplication`.
pub(in crate::aws) fn run_change(run: &RunConfiguration) -> Built<RunConfigurationUpdate> {
    Ok(RunConfigurationUpdate::builder()
        .flink_run_configuration(flink_run(run))
        .application_restore_configuration(restore(run)?)
        .build())
}
