//! The configuration of an application version: defaults, merging and description (facts §3).

mod content;
mod merge;

use serde_json::{Map, Value, json};

use super::code::Code;
use super::rules::{KEY_ALIAS, Rules, UNSET_BLOCKS};
use content::Encryption;

pub(crate) use content::Configuration;
pub(crate) use merge::{ConfigurationInput, Source};

impl Configuration {
    /// The description without the run configuration, which does not belong to a version.
    pub(crate) fn describe(&self, current_parallelism: u64, rules: &Rules) -> Map<String, Value> {
        let mut description = Map::new();
        let mut put = |name: &str, value: Value| description.insert(name.to_owned(), value);
        if let Some(code) = &self.code {
            put("ApplicationCodeConfigurationDescription", describe_code(code));
        }
        put(
            "FlinkApplicationConfigurationDescription",
            self.describe_flink(current_parallelism),
        );
        if let Some(groups) = &self.properties {
            put(
                "EnvironmentPropertyDescriptions",
                json!({ "PropertyGroupDescriptions": groups }),
            );
        }
        let shown = rules.is(&UNSET_BLOCKS, "shown");
        let mode = self
            .snapshot_mode
            .as_deref()
            .or(shown.then_some("APPLICATION_SNAPSHOTS_LEGACY"));
        let mut snapshots = json!({ "SnapshotsEnabled": self.snapshots_enabled });
        if let (Some(mode), Some(fields)) = (mode, snapshots.as_object_mut()) {
            fields.insert("SnapshotMode".to_owned(), json!(mode));
        }
        put("ApplicationSnapshotConfigurationDescription", snapshots);
        if let Some(enabled) = self.system_rollback.or(shown.then_some(false)) {
            put(
                "ApplicationSystemRollbackConfigurationDescription",
                json!({ "RollbackEnabled": enabled }),
            );
        }
        if !self.vpcs.is_empty() {
            put("VpcConfigurationDescriptions", json!(self.vpcs));
        }
        match &self.encryption {
            Some(Encryption {
                key_type,
                key_id: Some(key_id),
            }) => {
                let resolved = rules.is(&KEY_ALIAS, "resolved").then(|| key_of(key_id)).flatten();
                let key_id = resolved.as_ref().unwrap_or(key_id);
                put(
                    "ApplicationEncryptionConfigurationDescription",
                    json!({ "KeyType": key_type, "KeyId": key_id }),
                );
            }
            Some(Encryption { key_type, key_id: None }) => {
                put(
                    "ApplicationEncryptionConfigurationDescription",
                    json!({ "KeyType": key_type }),
                );
            }
            None if shown => {
                put(
                    "ApplicationEncryptionConfigurationDescription",
                    json!({ "KeyType": "AWS_OWNED_KEY" }),
                );
            }
            None => {}
        }
        description
    }

    fn describe_flink(&self, current_parallelism: u64) -> Value {
        json!({
            "CheckpointConfigurationDescription": {
                "ConfigurationType": self.checkpoint.kind,
                "CheckpointingEnabled": self.checkpoint.enabled,
                "CheckpointInterval": self.checkpoint.interval,
                "MinPauseBetweenCheckpoints": self.checkpoint.min_pause,
            },
            "MonitoringConfigurationDescription": {
                "ConfigurationType": self.monitoring.kind,
                "MetricsLevel": self.monitoring.metrics,
                "LogLevel": self.monitoring.log,
            },
            "ParallelismConfigurationDescription": {
                "ConfigurationType": self.parallelism.kind,
                "Parallelism": self.parallelism.wanted,
                "ParallelismPerKPU": self.parallelism.per_kpu,
                "CurrentParallelism": current_parallelism,
                "AutoScalingEnabled": self.parallelism.auto_scaling,
            },
        })
    }
}

/// The key that an alias names: there is one for each.
fn key_of(alias: &str) -> Option<String> {
    let (_, name) = alias.rsplit_once("alias/")?;
    Some(format!("arn:aws:kms:eu-west-1:111122223333:key/{name}"))
}

fn describe_code(code: &Code) -> Value {
    let mut location = json!({ "BucketARN": code.location.bucket_arn, "FileKey": code.location.key });
    if let (Some(version), Some(fields)) = (&code.location.version, location.as_object_mut()) {
        fields.insert("ObjectVersion".to_owned(), json!(version));
    }
    json!({
        "CodeContentType": code.content_type,
        "CodeContentDescription": {
            "CodeMD5": code.bundle.digest,
            "CodeSize": code.bundle.size,
            "S3ApplicationCodeLocationDescription": location,
        },
    })
}
