//! The configuration of an application in one canonical form, whether it is wanted or was seen.
//!
//! Defaults of the service are filled in and lists are sorted, so that two configurations with the same effect are
//! equal. Source of the defaults: facts §3.5.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// All that `UpdateApplication` and the VPC and logging calls can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// The Flink runtime.
    pub runtime_environment: String,
    /// The role of the job.
    pub service_execution_role: String,
    /// The code of the job; absent only in an application that was created without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeLocation>,
    /// Properties by group and key.
    #[serde(skip_serializing_if = "PropertyGroups::is_empty")]
    pub property_groups: PropertyGroups,
    /// Parallelism and autoscaling.
    pub parallelism: Parallelism,
    /// Checkpointing.
    pub checkpoint: Checkpoint,
    /// Metrics and log levels.
    pub monitoring: Monitoring,
    /// The ARN of the log stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_stream_arn: Option<String>,
    /// The VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
    /// The customer managed key; absent means a key of AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Whether the service rolls failed updates back.
    pub system_rollback: bool,
    /// Whether the service takes snapshots.
    pub snapshots_enabled: bool,
}

/// Where the code lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeLocation {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_version: Option<String>,
}

/// Properties by group and key; printed without values, which may be confidential.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PropertyGroups(pub BTreeMap<String, BTreeMap<String, String>>);

impl PropertyGroups {
    /// Whether there is no group.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for PropertyGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(id, group)| (id, group.keys().collect::<Vec<_>>())))
            .finish()
    }
}

/// Parallelism and autoscaling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parallelism {
    /// The parallelism of the job.
    pub parallelism: i32,
    /// Parallel tasks in one KPU.
    pub parallelism_per_kpu: i32,
    /// Whether the service scales.
    pub auto_scaling_enabled: bool,
}

impl Default for Parallelism {
    fn default() -> Self {
        Self {
            parallelism: 1,
            parallelism_per_kpu: 1,
            auto_scaling_enabled: true,
        }
    }
}

/// Checkpointing; times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// Whether checkpoints are taken.
    pub enabled: bool,
    /// From one checkpoint to the next.
    pub interval_ms: i64,
    /// From the end of one to the start of the next.
    pub min_pause_ms: i64,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_ms: 60_000,
            min_pause_ms: 5_000,
        }
    }
}

/// Metrics and log levels, in the service's spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Monitoring {
    /// The finest level of metrics.
    pub metrics_level: String,
    /// The least severe messages.
    pub log_level: String,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self {
            metrics_level: "APPLICATION".to_owned(),
            log_level: "INFO".to_owned(),
        }
    }
}

/// A VPC by its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vpc {
    /// The subnets.
    pub subnet_ids: BTreeSet<String>,
    /// The security groups.
    pub security_group_ids: BTreeSet<String>,
}

/// Whether two keys are the same; one may be given by its id and the other by its ARN.
#[must_use]
pub fn is_same_key(seen: Option<&String>, wanted: Option<&String>) -> bool {
    match (seen, wanted) {
        (Some(seen), Some(wanted)) => seen == wanted || seen.ends_with(&format!("/{wanted}")),
        (seen, wanted) => seen == wanted,
    }
}

/// The major and minor number of a Flink runtime, for instance of `FLINK-1_20`.
#[must_use]
pub fn flink_version(runtime: &str) -> Option<(u32, u32)> {
    let (major, minor) = runtime.strip_prefix("FLINK-")?.split_once('_')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The digest of a configuration: the first twelve hex digits of SHA-256 over its canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(String);

impl Revision {
    /// The revisions that a content can be of: state may not be dropped, or may. What the service reports does not tell.
    #[must_use]
    pub fn either(configuration: &Configuration) -> [Self; 2] {
        let content = canonical(configuration);
        [false, true].map(|may_drop| Self::of_canonical(&content, may_drop))
    }

    /// The revision of a configuration whose starts may or may not drop unclaimed state.
    ///
    /// Members that are absent do not count, so that a member that is added to the type leaves old revisions alone.
    #[must_use]
    pub fn of(configuration: &Configuration, allow_non_restored_state: bool) -> Self {
        Self::of_canonical(&canonical(configuration), allow_non_restored_state)
    }

    fn of_canonical(configuration: &str, allow_non_restored_state: bool) -> Self {
        let allowed = if allow_non_restored_state {
            r#""allow_non_restored_state":true,"#
        } else {
            ""
        };
        Self(digits(&format!(r#"{{{allowed}"configuration":{configuration}}}"#), 6))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Revision {
    /// The revision of a digest that was computed earlier.
    #[must_use]
    pub fn recalled(digest: &str) -> Self {
        Self(digest.to_owned())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The JSON of a configuration with its members in order.
fn canonical(configuration: &Configuration) -> String {
    let sorted = serde_json::to_value(configuration).unwrap_or_default();
    serde_json::to_string(&sorted).unwrap_or_default()
}

/// A digest of a text that may be confidential: it tells equal texts from different ones, in eight hex digits.
#[must_use]
pub fn digest(text: &str) -> String {
    digits(text, 4)
}

/// The first bytes of the SHA-256 of a text as hex digits.
fn digits(text: &str, bytes: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex = "0123456789abcdef".as_bytes();
    let digits = digest.iter().take(bytes).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(hex[usize::from(digit)])).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What the smallest spec asks for.
    pub(crate) fn minimal() -> Configuration {
        Configuration {
            runtime_environment: "FLINK-1_20".to_owned(),
            service_execution_role: "arn:aws:iam::111122223333:role/orders".to_owned(),
            code: Some(CodeLocation {
                bucket: "demo".to_owned(),
                key: "orders-1.0.yaml".to_owned(),
                object_version: None,
            }),
            property_groups: PropertyGroups::default(),
            parallelism: Parallelism::default(),
            checkpoint: Checkpoint::default(),
            monitoring: Monitoring::default(),
            log_stream_arn: None,
            vpc: None,
            kms_key_id: None,
            system_rollback: false,
            snapshots_enabled: true,
        }
    }

    #[test]
    fn runtimes_compare_by_number() {
        assert!(flink_version("FLINK-1_20") > flink_version("FLINK-1_8"));
        assert!(flink_version("FLINK-2_2") > flink_version("FLINK-1_20"));
        assert_eq!(flink_version("SQL-1_0"), None);
    }

    #[test]
    fn the_revision_of_a_minimal_configuration_never_changes() {
        assert_eq!(Revision::of(&minimal(), false).as_str(), "98d7bb971c52");
    }

    #[test]
    fn every_part_of_the_configuration_counts() {
        let base = Revision::of(&minimal(), false);
        assert_ne!(base, Revision::of(&minimal(), true));
        let mut other = minimal();
        other.checkpoint.min_pause_ms = 1;
        assert_ne!(base, Revision::of(&other, false));
        let mut other = minimal();
        other
            .property_groups
            .0
            .insert("g".to_owned(), BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        assert_ne!(base, Revision::of(&other, false));
    }

    #[test]
    fn values_of_properties_are_not_printed() {
        let groups = PropertyGroups(BTreeMap::from([(
            "kafka".to_owned(),
            BTreeMap::from([("password".to_owned(), "hunter2".to_owned())]),
        )]));
        let printed = format!("{groups:?}");
        assert!(
            printed.contains("password") && !printed.contains("hunter2"),
            "{printed}"
        );
    }
}
