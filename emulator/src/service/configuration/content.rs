//! The configuration of a version, with the defaults of its blocks.

use serde::{Deserialize, Serialize};

use crate::service::code::Code;

/// Whether the values of a block are the service's or the user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    #[default]
    Default,
    Custom,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) kind: Kind,
    pub(crate) enabled: bool,
    pub(crate) interval: u64,
    pub(crate) min_pause: u64,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self {
            kind: Kind::Default,
            enabled: true,
            interval: 60_000,
            min_pause: 5_000,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Monitoring {
    pub(crate) kind: Kind,
    pub(crate) metrics: String,
    pub(crate) log: String,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self {
            kind: Kind::Default,
            metrics: "APPLICATION".to_owned(),
            log: "INFO".to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parallelism {
    pub(crate) kind: Kind,
    pub(crate) wanted: u64,
    pub(crate) per_kpu: u64,
    pub(crate) auto_scaling: bool,
}

impl Default for Parallelism {
    fn default() -> Self {
        Self {
            kind: Kind::Default,
            wanted: 1,
            per_kpu: 1,
            auto_scaling: true,
        }
    }
}

/// One named group of properties, as the service spells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PropertyGroup {
    pub(crate) property_group_id: String,
    pub(crate) property_map: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Vpc {
    #[serde(rename = "VpcConfigurationId")]
    pub(crate) id: String,
    #[serde(rename = "VpcId")]
    pub(crate) network: String,
    pub(crate) subnet_ids: Vec<String>,
    pub(crate) security_group_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    pub(crate) key_type: String,
    pub(crate) key_id: Option<String>,
}

/// Everything under `ApplicationConfigurationDescription` that belongs to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) code: Option<Code>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) monitoring: Monitoring,
    pub(crate) parallelism: Parallelism,
    pub(crate) properties: Option<Vec<PropertyGroup>>,
    pub(crate) snapshots_enabled: bool,
    pub(crate) snapshot_mode: Option<String>,
    pub(crate) system_rollback: Option<bool>,
    pub(crate) vpcs: Vec<Vpc>,
    pub(crate) encryption: Option<Encryption>,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            code: None,
            checkpoint: Checkpoint::default(),
            monitoring: Monitoring::default(),
            parallelism: Parallelism::default(),
            properties: None,
            snapshots_enabled: true,
            snapshot_mode: None,
            system_rollback: None,
            vpcs: Vec::new(),
            encryption: None,
        }
    }
}
