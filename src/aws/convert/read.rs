//! What the service answers, in canonical form.

use std::collections::BTreeMap;

use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationConfigurationDescription, ApplicationDetail, ApplicationMode, ApplicationOperationInfo,
    ApplicationSnapshotConfigurationDescription, ApplicationSystemRollbackConfigurationDescription,
    EnvironmentPropertyDescriptions, FlinkApplicationConfigurationDescription, KeyType,
    OperationStatus as SdkOperationStatus, SnapshotDetails, SnapshotStatus as SdkSnapshotStatus, Tag,
};

use crate::api::status::Tags;
use crate::aws::convert::timestamp;
use crate::configuration::{Checkpoint, CodeLocation, Configuration, Monitoring, Parallelism, PropertyGroups, Vpc};
use crate::world::{
    ApplicationStatus, Observed, ObservedOperation, ObservedSnapshot, ObservedVersion, OperationStatus, SnapshotStatus,
};

/// An application as `DescribeApplication` and `ListTagsForResource` report it.
pub(in crate::aws) fn observed(detail: &ApplicationDetail, tags: Tags) -> Observed {
    let configuration = detail.application_configuration_description();
    let vpcs: BTreeMap<String, Vpc> = configuration
        .into_iter()
        .flat_map(ApplicationConfigurationDescription::vpc_configuration_descriptions)
        .map(|vpc| {
            let part = Vpc {
                subnet_ids: vpc.subnet_ids().iter().cloned().collect(),
                security_group_ids: vpc.security_group_ids().iter().cloned().collect(),
            };
            (vpc.vpc_configuration_id().to_owned(), part)
        })
        .collect();
    let log_streams: BTreeMap<String, String> = detail
        .cloud_watch_logging_option_descriptions()
        .iter()
        .filter_map(|option| {
            Some((
                option.cloud_watch_logging_option_id()?.to_owned(),
                option.log_stream_arn().to_owned(),
            ))
        })
        .collect();
    let runtime = detail.runtime_environment().as_str();
    Observed {
        arn: detail.application_arn().to_owned(),
        account_id: detail
            .application_arn()
            .split(':')
            .nth(4)
            .unwrap_or_default()
            .to_owned(),
        status: ApplicationStatus::parse(detail.application_status().as_str()),
        version_id: detail.application_version_id(),
        updated_from: detail.application_version_updated_from(),
        rolled_back_from: detail.application_version_rolled_back_from(),
        code_digest: configuration.and_then(code_digest),
        token: detail.conditional_token().unwrap_or_default().to_owned(),
        created_at: detail.create_timestamp().map(timestamp).unwrap_or_default(),
        streaming: runtime.starts_with("FLINK-") && detail.application_mode() != Some(&ApplicationMode::Interactive),
        description: detail
            .application_description()
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        configuration: canonical(detail, configuration, &vpcs, &log_streams),
        vpcs,
        log_streams,
        maintenance_start: detail
            .application_maintenance_configuration_description()
            .map(|window| window.application_maintenance_window_start_time().to_owned()),
        tags,
    }
}

fn canonical(
    detail: &ApplicationDetail,
    configuration: Option<&ApplicationConfigurationDescription>,
    vpcs: &BTreeMap<String, Vpc>,
    log_streams: &BTreeMap<String, String>,
) -> Configuration {
    let flink = configuration.and_then(|configuration| configuration.flink_application_configuration_description());
    Configuration {
        runtime_environment: detail.runtime_environment().as_str().to_owned(),
        service_execution_role: detail.service_execution_role().unwrap_or_default().to_owned(),
        code: configuration.and_then(code),
        property_groups: configuration.map(property_groups).unwrap_or_default(),
        parallelism: flink.map(parallelism).unwrap_or_default(),
        checkpoint: flink.map(checkpoint).unwrap_or_default(),
        monitoring: flink.map(monitoring).unwrap_or_default(),
        log_stream_arn: log_streams.values().next().cloned(),
        vpc: vpcs.values().next().cloned(),
        kms_key_id: configuration.and_then(kms_key),
        system_rollback: configuration
            .and_then(|configuration| configuration.application_system_rollback_configuration_description())
            .is_some_and(ApplicationSystemRollbackConfigurationDescription::rollback_enabled),
        snapshots_enabled: configuration
            .and_then(|configuration| configuration.application_snapshot_configuration_description())
            .is_none_or(ApplicationSnapshotConfigurationDescription::snapshots_enabled),
    }
}

/// A configuration version as `DescribeApplicationVersion` reports it.
pub(in crate::aws) fn version(detail: &ApplicationDetail) -> ObservedVersion {
    let observed = observed(detail, Tags::default());
    ObservedVersion {
        configuration: observed.configuration,
        code_digest: observed.code_digest,
    }
}

fn code_digest(configuration: &ApplicationConfigurationDescription) -> Option<String> {
    let code = configuration.application_code_configuration_description()?;
    code.code_content_description()?.code_md5().map(str::to_owned)
}

fn code(configuration: &ApplicationConfigurationDescription) -> Option<CodeLocation> {
    let content = configuration
        .application_code_configuration_description()?
        .code_content_description()?;
    let location = content.s3_application_code_location_description()?;
    Some(CodeLocation {
        bucket: location.bucket_arn().rsplit(':').next().unwrap_or_default().to_owned(),
        key: location.file_key().to_owned(),
        object_version: location
            .object_version()
            .filter(|version| !version.is_empty())
            .map(str::to_owned),
    })
}

fn property_groups(configuration: &ApplicationConfigurationDescription) -> PropertyGroups {
    let descriptions = configuration.environment_property_descriptions();
    let groups = descriptions
        .into_iter()
        .flat_map(EnvironmentPropertyDescriptions::property_group_descriptions);
    PropertyGroups(
        groups
            .map(|group| {
                (
                    group.property_group_id().to_owned(),
                    group.property_map().clone().into_iter().collect(),
                )
            })
            .collect(),
    )
}

fn parallelism(flink: &FlinkApplicationConfigurationDescription) -> Parallelism {
    let default = Parallelism::default();
    let Some(seen) = flink.parallelism_configuration_description() else {
        return default;
    };
    Parallelism {
        parallelism: seen.parallelism().unwrap_or(default.parallelism),
        parallelism_per_kpu: seen.parallelism_per_kpu().unwrap_or(default.parallelism_per_kpu),
        auto_scaling_enabled: seen.auto_scaling_enabled().unwrap_or(default.auto_scaling_enabled),
    }
}

fn checkpoint(flink: &FlinkApplicationConfigurationDescription) -> Checkpoint {
    let default = Checkpoint::default();
    let Some(seen) = flink.checkpoint_configuration_description() else {
        return default;
    };
    Checkpoint {
        enabled: seen.checkpointing_enabled().unwrap_or(default.enabled),
        interval_ms: seen.checkpoint_interval().unwrap_or(default.interval_ms),
        min_pause_ms: seen.min_pause_between_checkpoints().unwrap_or(default.min_pause_ms),
    }
}

fn monitoring(flink: &FlinkApplicationConfigurationDescription) -> Monitoring {
    let default = Monitoring::default();
    let Some(seen) = flink.monitoring_configuration_description() else {
        return default;
    };
    Monitoring {
        metrics_level: seen
            .metrics_level()
            .map_or(default.metrics_level, |level| level.as_str().to_owned()),
        log_level: seen
            .log_level()
            .map_or(default.log_level, |level| level.as_str().to_owned()),
    }
}

fn kms_key(configuration: &ApplicationConfigurationDescription) -> Option<String> {
    let encryption = configuration.application_encryption_configuration_description()?;
    if *encryption.key_type() == KeyType::CustomerManagedKey {
        encryption.key_id().map(str::to_owned)
    } else {
        None
    }
}

/// Tags by key.
pub(in crate::aws) fn tags(tags: &[Tag]) -> Tags {
    tags.iter()
        .map(|tag| (tag.key().to_owned(), tag.value().unwrap_or_default().to_owned()))
        .collect()
}

/// An operation as `ListApplicationOperations` reports it.
pub(in crate::aws) fn operation(info: &ApplicationOperationInfo) -> Option<ObservedOperation> {
    Some(ObservedOperation {
        id: info.operation_id()?.to_owned(),
        kind: info.operation().unwrap_or_default().to_owned(),
        status: match info.operation_status()? {
            SdkOperationStatus::Cancelled => OperationStatus::Cancelled,
            SdkOperationStatus::Successful => OperationStatus::Successful,
            SdkOperationStatus::Failed => OperationStatus::Failed,
            _ => OperationStatus::InProgress,
        },
        started_at: info.start_time().map(timestamp)?,
        ended_at: info.end_time().map(timestamp),
        error: None,
    })
}

/// A snapshot as `ListApplicationSnapshots` reports it.
pub(in crate::aws) fn snapshot(details: &SnapshotDetails) -> ObservedSnapshot {
    ObservedSnapshot {
        name: details.snapshot_name().to_owned(),
        status: match details.snapshot_status() {
            SdkSnapshotStatus::Ready => SnapshotStatus::Ready,
            SdkSnapshotStatus::Creating => SnapshotStatus::Creating,
            SdkSnapshotStatus::Deleting => SnapshotStatus::Deleting,
            _ => SnapshotStatus::Failed,
        },
        version_id: details.application_version_id(),
        created_at: details.snapshot_creation_timestamp().map(timestamp).unwrap_or_default(),
        runtime_environment: details.runtime_environment().map(|runtime| runtime.as_str().to_owned()),
    }
}
