//! Merging of a create or update request into a configuration (facts §3.2 to §3.6).
//!
//! A create is a merge into the defaults. Members of an update carry the suffix `Update`; their shape was checked
//! before, so one type with both spellings reads both.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::content::{Checkpoint, Configuration, Encryption, Kind, Monitoring, Parallelism, PropertyGroup, Vpc};
use crate::service::code::{Bundle, Code, Location, Objects, unreadable_location};
use crate::service::error::ServiceError;
use crate::service::identity::vpc_of;
use crate::service::rules::{OBJECT_VERSION, Rules};

/// `ApplicationConfiguration` or `ApplicationConfigurationUpdate`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ConfigurationInput {
    #[serde(alias = "FlinkApplicationConfigurationUpdate")]
    flink_application_configuration: Option<FlinkInput>,
    #[serde(alias = "EnvironmentPropertyUpdates")]
    environment_properties: Option<PropertiesInput>,
    #[serde(alias = "ApplicationCodeConfigurationUpdate")]
    application_code_configuration: Option<CodeInput>,
    #[serde(alias = "ApplicationSnapshotConfigurationUpdate")]
    application_snapshot_configuration: Option<SnapshotInput>,
    #[serde(alias = "ApplicationSystemRollbackConfigurationUpdate")]
    application_system_rollback_configuration: Option<RollbackInput>,
    vpc_configurations: Option<Vec<VpcInput>>,
    vpc_configuration_updates: Option<Vec<VpcUpdateInput>>,
    #[serde(alias = "ApplicationEncryptionConfigurationUpdate")]
    application_encryption_configuration: Option<EncryptionInput>,
}

#[derive(Clone, Debug, Deserialize)]
struct FlinkInput {
    #[serde(rename = "CheckpointConfiguration", alias = "CheckpointConfigurationUpdate")]
    checkpoint: Option<CheckpointInput>,
    #[serde(rename = "MonitoringConfiguration", alias = "MonitoringConfigurationUpdate")]
    monitoring: Option<MonitoringInput>,
    #[serde(rename = "ParallelismConfiguration", alias = "ParallelismConfigurationUpdate")]
    parallelism: Option<ParallelismInput>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CheckpointInput {
    #[serde(alias = "ConfigurationTypeUpdate")]
    configuration_type: Option<Kind>,
    #[serde(alias = "CheckpointingEnabledUpdate")]
    checkpointing_enabled: Option<bool>,
    #[serde(alias = "CheckpointIntervalUpdate")]
    checkpoint_interval: Option<u64>,
    #[serde(alias = "MinPauseBetweenCheckpointsUpdate")]
    min_pause_between_checkpoints: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MonitoringInput {
    #[serde(alias = "ConfigurationTypeUpdate")]
    configuration_type: Option<Kind>,
    #[serde(alias = "MetricsLevelUpdate")]
    metrics_level: Option<String>,
    #[serde(alias = "LogLevelUpdate")]
    log_level: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ParallelismInput {
    #[serde(alias = "ConfigurationTypeUpdate")]
    configuration_type: Option<Kind>,
    #[serde(alias = "ParallelismUpdate")]
    parallelism: Option<u64>,
    #[serde(rename = "ParallelismPerKPU", alias = "ParallelismPerKPUUpdate")]
    parallelism_per_kpu: Option<u64>,
    #[serde(alias = "AutoScalingEnabledUpdate")]
    auto_scaling_enabled: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PropertiesInput {
    property_groups: Vec<PropertyGroup>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CodeInput {
    #[serde(alias = "CodeContentTypeUpdate")]
    code_content_type: Option<String>,
    #[serde(alias = "CodeContentUpdate")]
    code_content: Option<ContentInput>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContentInput {
    #[serde(rename = "S3ContentLocation", alias = "S3ContentLocationUpdate")]
    location: Option<LocationInput>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LocationInput {
    #[serde(rename = "BucketARN", alias = "BucketARNUpdate")]
    bucket_arn: Option<String>,
    #[serde(alias = "FileKeyUpdate")]
    file_key: Option<String>,
    #[serde(alias = "ObjectVersionUpdate")]
    object_version: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnapshotInput {
    #[serde(alias = "SnapshotsEnabledUpdate")]
    snapshots_enabled: bool,
    #[serde(alias = "SnapshotModeUpdate")]
    snapshot_mode: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RollbackInput {
    #[serde(alias = "RollbackEnabledUpdate")]
    rollback_enabled: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VpcInput {
    subnet_ids: Vec<String>,
    security_group_ids: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VpcUpdateInput {
    vpc_configuration_id: String,
    subnet_id_updates: Option<Vec<String>>,
    security_group_id_updates: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptionInput {
    #[serde(alias = "KeyTypeUpdate")]
    key_type: String,
    #[serde(alias = "KeyIdUpdate")]
    key_id: Option<String>,
}

/// What a merge may look at besides the request.
pub(crate) struct Source<'a> {
    pub(crate) objects: &'a dyn Objects,
    pub(crate) rules: &'a Rules,
    pub(crate) region: &'a str,
    /// The version that the merge makes; ids of what it adds start with it (facts §1.14).
    pub(crate) version: u64,
}

impl ConfigurationInput {
    /// Whether the request says something about the code.
    pub(crate) fn names_code(&self) -> bool {
        self.application_code_configuration.is_some()
    }
}

impl Configuration {
    /// This configuration with the request merged into it.
    pub(crate) fn merge(&self, input: &ConfigurationInput, source: &Source<'_>) -> Result<Self, ServiceError> {
        let mut merged = self.clone();
        if let Some(flink) = &input.flink_application_configuration {
            merged.merge_flink(flink);
        }
        if let Some(properties) = &input.environment_properties {
            merged.properties = Some(distinct(&properties.property_groups)?);
        }
        if let Some(snapshots) = &input.application_snapshot_configuration {
            if snapshots.snapshot_mode.as_deref() == Some("ENHANCED_SNAPSHOTS") {
                return Err(ServiceError::unsupported(
                    "Enhanced snapshots are not served by this emulator",
                ));
            }
            merged.snapshots_enabled = snapshots.snapshots_enabled;
            merged.snapshot_mode = snapshots.snapshot_mode.clone().or(merged.snapshot_mode);
        }
        if let Some(rollback) = &input.application_system_rollback_configuration {
            merged.system_rollback = Some(rollback.rollback_enabled);
        }
        for vpc in input.vpc_configurations.iter().flatten() {
            merged.add_vpc(vpc, source)?;
        }
        for update in input.vpc_configuration_updates.iter().flatten() {
            merged.update_vpc(update)?;
        }
        if let Some(encryption) = &input.application_encryption_configuration {
            merged.encryption = Some(encryption_of(encryption)?);
        }
        if let Some(code) = &input.application_code_configuration {
            merged.code = merge_code(self.code.as_ref(), code, source)?;
        }
        Ok(merged)
    }

    fn merge_flink(&mut self, input: &FlinkInput) {
        if let Some(checkpoint) = &input.checkpoint {
            self.checkpoint = merge_checkpoint(&self.checkpoint, checkpoint);
        }
        if let Some(monitoring) = &input.monitoring {
            self.monitoring = merge_monitoring(&self.monitoring, monitoring);
        }
        if let Some(parallelism) = &input.parallelism {
            self.parallelism = merge_parallelism(&self.parallelism, parallelism);
        }
    }

    /// Adds a VPC configuration and returns it. An application has at most one (facts §3.6).
    pub(crate) fn add_vpc(&mut self, input: &VpcInput, source: &Source<'_>) -> Result<Vpc, ServiceError> {
        if !self.vpcs.is_empty() {
            return Err(ServiceError::argument(
                "Kinesis Analytics currently supports only 1 VPC configuration(s)",
            ));
        }
        let vpc = Vpc {
            id: format!("{}.1", source.version),
            network: vpc_of(source.region),
            subnet_ids: input.subnet_ids.clone(),
            security_group_ids: input.security_group_ids.clone(),
        };
        self.vpcs.push(vpc.clone());
        Ok(vpc)
    }

    fn update_vpc(&mut self, input: &VpcUpdateInput) -> Result<(), ServiceError> {
        let id = &input.vpc_configuration_id;
        let vpc = self
            .vpcs
            .iter_mut()
            .find(|vpc| vpc.id == *id)
            .ok_or_else(|| ServiceError::argument(format!("VpcConfigurationId {id:?} does not exist")))?;
        if let Some(subnets) = &input.subnet_id_updates {
            vpc.subnet_ids.clone_from(subnets);
        }
        if let Some(groups) = &input.security_group_id_updates {
            vpc.security_group_ids.clone_from(groups);
        }
        Ok(())
    }
}

/// Values of a DEFAULT block are the service's, whatever was sent (facts §3.5).
fn merge_checkpoint(old: &Checkpoint, input: &CheckpointInput) -> Checkpoint {
    match input.configuration_type.unwrap_or(old.kind) {
        Kind::Default => Checkpoint::default(),
        Kind::Custom => Checkpoint {
            kind: Kind::Custom,
            enabled: input.checkpointing_enabled.unwrap_or(old.enabled),
            interval: input.checkpoint_interval.unwrap_or(old.interval),
            min_pause: input.min_pause_between_checkpoints.unwrap_or(old.min_pause),
        },
    }
}

fn merge_monitoring(old: &Monitoring, input: &MonitoringInput) -> Monitoring {
    match input.configuration_type.unwrap_or(old.kind) {
        Kind::Default => Monitoring::default(),
        Kind::Custom => Monitoring {
            kind: Kind::Custom,
            metrics: input.metrics_level.clone().unwrap_or_else(|| old.metrics.clone()),
            log: input.log_level.clone().unwrap_or_else(|| old.log.clone()),
        },
    }
}

fn merge_parallelism(old: &Parallelism, input: &ParallelismInput) -> Parallelism {
    match input.configuration_type.unwrap_or(old.kind) {
        Kind::Default => Parallelism::default(),
        Kind::Custom => Parallelism {
            kind: Kind::Custom,
            wanted: input.parallelism.unwrap_or(old.wanted),
            per_kpu: input.parallelism_per_kpu.unwrap_or(old.per_kpu),
            auto_scaling: input.auto_scaling_enabled.unwrap_or(old.auto_scaling),
        },
    }
}

fn distinct(groups: &[PropertyGroup]) -> Result<Vec<PropertyGroup>, ServiceError> {
    let mut seen = BTreeSet::new();
    match groups.iter().find(|group| !seen.insert(&group.property_group_id)) {
        Some(twice) => {
            let id = &twice.property_group_id;
            Err(ServiceError::argument(format!(
                "PropertyGroupId {id:?} appears twice in PropertyGroups"
            )))
        }
        None => Ok(groups.to_vec()),
    }
}

fn encryption_of(input: &EncryptionInput) -> Result<Encryption, ServiceError> {
    match (input.key_type.as_str(), &input.key_id) {
        ("CUSTOMER_MANAGED_KEY", None) => Err(ServiceError::argument(
            "KeyId is required when KeyType is CUSTOMER_MANAGED_KEY",
        )),
        ("AWS_OWNED_KEY", Some(_)) => Err(ServiceError::argument(
            "KeyId is not allowed when KeyType is AWS_OWNED_KEY",
        )),
        (key_type, key_id) => Ok(Encryption {
            key_type: key_type.to_owned(),
            key_id: key_id.clone(),
        }),
    }
}

/// The same bucket, key and version keep the stored bundle; anything else is read anew (facts §3.3).
fn merge_code(old: Option<&Code>, input: &CodeInput, source: &Source<'_>) -> Result<Option<Code>, ServiceError> {
    let location = input
        .code_content
        .as_ref()
        .and_then(|content| content.location.as_ref());
    let content_type = input
        .code_content_type
        .clone()
        .or_else(|| old.map(|code| code.content_type.clone()));
    let Some(location) = location else {
        return match old {
            Some(old) => Ok(Some(Code {
                content_type: content_type.unwrap_or_default(),
                ..old.clone()
            })),
            None => Err(ServiceError::argument(
                "S3ContentLocation is required in ApplicationCodeConfiguration",
            )),
        };
    };
    let from_old = |new: &Option<String>, member: fn(&Location) -> &String| {
        new.clone().or_else(|| old.map(|code| member(&code.location).clone()))
    };
    let bucket_arn = from_old(&location.bucket_arn, |old| &old.bucket_arn).ok_or_else(unreadable_location)?;
    let key = from_old(&location.file_key, |old| &old.key).ok_or_else(unreadable_location)?;
    let named = location.object_version.clone().filter(|version| !version.is_empty());
    let inherited = old.and_then(|code| {
        let same = code.location.bucket_arn == bucket_arn && code.location.key == key;
        match source.rules.get(&OBJECT_VERSION) {
            "keep" => code.location.version.clone(),
            "same-key" if same => code.location.version.clone(),
            _ => None,
        }
    });
    let location = Location {
        bucket_arn,
        key,
        version: named.or(inherited),
    };
    let bundle = match old {
        Some(code) if code.location == location => code.bundle.clone(),
        _ => Bundle::read(source.objects, &location)?,
    };
    let content_type = content_type
        .ok_or_else(|| ServiceError::argument("CodeContentType is required when the application has no code"))?;
    Ok(Some(Code {
        content_type,
        location,
        bundle,
    }))
}
