//! The desired state as a user writes it.
//!
//! Strings stay strings here and are parsed in [`crate::desired`]: an admitted object that does not deserialize would
//! stop the list and the watch of all objects. Optional means `Option` without a serde default, because a serde default
//! becomes a schema default and shows as a permanent difference in client-side diffs.

mod change;
mod flink;
pub(super) mod health;
mod management;
mod snapshots;
mod undescribed;

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::status::FlinkApplicationStatus;
use undescribed::undescribed;

pub use change::{
    Approval, ChangeWindow, Deletion, DeletionPolicy, FinalSnapshot, Gate, InitialFrom, InitialRestore, OnFailure,
    PreChangeSnapshot, Restore, RestoreFrom, RestoreOnce, Rollout, StateLoss,
};
pub use flink::{
    Checkpoint, Encryption, LogLevel, Logging, MaintenanceWindow, MetricsLevel, Monitoring, Parallelism,
    SystemRollback, Vpc,
};
pub use health::{Health, OnUnhealthy, RestartLoop, Transitions, TransitionsMode};
pub use management::{Adoption, Drift, Management, Mode};
pub use snapshots::{Retention, RetentionScope, SnapshotSchedule, Snapshots};

/// The desired state of one application of Amazon Managed Service for Apache Flink.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "sluicegate.dev",
    version = "v1alpha1",
    kind = "FlinkApplication",
    plural = "flinkapplications",
    shortname = "msfapp",
    category = "flink",
    namespaced,
    status = "FlinkApplicationStatus",
    derive = "PartialEq",
    doc = "An application of Amazon Managed Service for Apache Flink: the configuration and the run state that the service shall have, and what it was seen to have.",
    validation = kube::core::Rule::new("(has(self.spec.applicationName) ? self.spec.applicationName : self.metadata.name) == (has(oldSelf.spec.applicationName) ? oldSelf.spec.applicationName : oldSelf.metadata.name)").message("spec.applicationName is immutable: create another FlinkApplication for another application"),
    validation = kube::core::Rule::new("has(self.spec.applicationName) || self.metadata.name.size() <= 128").message("metadata.name is the name of the application and must have at most 128 characters; set spec.applicationName to use a shorter one"),
    scale(
        spec_replicas_path = ".spec.parallelism.parallelism",
        status_replicas_path = ".status.parallelism",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Desired", type_ = "string", json_path = ".spec.desiredState", description = "Whether the application shall run."),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.aws.applicationStatus", description = "The status that the service reports."),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status", description = "Whether the desired state is reached."),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason", description = "Why it is or is not."),
    printcolumn(name = "Job", type_ = "string", json_path = ".status.conditions[?(@.type=='JobHealthy')].status", description = "Whether the job of the application runs without trouble."),
    printcolumn(name = "Version", type_ = "integer", json_path = ".status.aws.applicationVersionId", description = "The configuration version that the service reports."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Runtime", type_ = "string", json_path = ".status.aws.runtimeEnvironment", priority = 1, description = "The Flink runtime."),
    printcolumn(name = "Region", type_ = "string", json_path = ".status.aws.region", priority = 1, description = "The AWS region."),
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.revisions.target", priority = 1, description = "The digest of the desired configuration."),
    printcolumn(name = "Last-Snapshot", type_ = "date", json_path = ".status.snapshots.latestAt", priority = 1, description = "When the newest snapshot that can be gone back to was taken."),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", priority = 1, description = "What happens or what is missing."),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.description) == has(oldSelf.description) && (!has(self.description) || self.description == oldSelf.description)", "spec.description is immutable: the service offers no update of it"),
    validation = ("!has(self.propertyGroups) || self.propertyGroups.map(group, has(group.propertiesFrom) ? group.propertiesFrom.size() : 0).sum() <= 16", "spec.propertyGroups: propertiesFrom may name at most 16 ConfigMaps over all groups"),
    validation = ("!has(oldSelf.region) || (has(self.region) && self.region == oldSelf.region)", "spec.region is immutable once set: an application cannot move to another region"),
    validation = ("!(has(self.snapshots) && has(self.snapshots.enabled) && !self.snapshots.enabled) || (has(self.restore) && has(self.restore.onStart) && self.restore.onStart == 'None' && has(self.restore.onUpdate) && self.restore.onUpdate == 'None')", "spec.snapshots.enabled: false needs spec.restore.onStart: None and spec.restore.onUpdate: None, because nothing can be restored"),
    validation = ("!(has(self.snapshots) && has(self.snapshots.enabled) && !self.snapshots.enabled) || (has(self.rollout) && has(self.rollout.preChangeSnapshot) && self.rollout.preChangeSnapshot == 'Never')", "spec.snapshots.enabled: false needs spec.rollout.preChangeSnapshot: Never"),
)]
pub struct FlinkApplicationSpec {
    /// The name of the application in the service. Immutable. Default: metadata.name.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[a-zA-Z0-9_.-]+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,

    /// The AWS region. Immutable once set. Default: the controller's own region.
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,

    /// The description of the application in the service. Immutable.
    #[schemars(length(max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,

    /// Whether the application shall run.
    #[serde(default)]
    pub desired_state: DesiredState,

    /// A change of this number restarts the running job with its state.
    #[schemars(range(min = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_nonce: Option<i64>,

    /// The Flink runtime, for instance FLINK-1_20.
    #[schemars(length(max = 32), regex(pattern = r"^FLINK-\d+_\d+$"))]
    pub runtime_environment: String,

    /// The ARN of the IAM role with which the job accesses other services.
    #[schemars(
        length(min = 1, max = 2048),
        regex(pattern = r"^arn:[a-z0-9-]+:iam::\d{12}:role/.+$")
    )]
    pub service_execution_role: String,

    /// The code that runs.
    pub code: Code,

    /// Groups of properties that the job reads at its start. Removing a group removes it from the service.
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property_groups: Option<Vec<PropertyGroup>>,

    /// Parallelism and autoscaling. Absent: 1, 1 per KPU, autoscaling on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<Parallelism>,

    /// Checkpointing. Absent: every 60s, at least 5s apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,

    /// Metrics and log levels. Absent: APPLICATION and INFO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<Monitoring>,

    /// The log stream of the job. Absent: no logging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,

    /// The VPC of the job. Absent: no VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,

    /// The key that encrypts the application. Absent: a key of AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,

    /// The service's own rollback of failed updates. Absent: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_rollback: Option<SystemRollback>,

    /// The eight hours a day in which the service may patch. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance_window: Option<MaintenanceWindow>,

    /// Tags of the application: those 50 that the service takes less four by which the controller knows what is its own.
    /// Only keys that were set here are changed or removed.
    #[schemars(extend("maxProperties" = 46))]
    #[x_kube(validation = ("self.all(k, k.size() <= 128 && !k.lowerAscii().startsWith('aws:') && !k.startsWith('sluicegate.dev/'))", "spec.tags: a key has at most 128 characters and starts neither with aws:, in capitals or not, nor with sluicegate.dev/"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, TagValue>>,

    /// Whether snapshots are taken, when, and how long they are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Snapshots>,

    /// The state with which the job starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore: Option<Restore>,

    /// How a change is brought out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,

    /// How the running job is watched, and what follows when it restarts again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,

    /// How much of the application is managed, and whether an existing one is taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management: Option<Management>,

    /// What the deletion of this resource does to the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
}

/// Whether the application shall run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum DesiredState {
    /// The job runs.
    #[default]
    Running,
    /// The job is stopped, with a snapshot where snapshots are on.
    Stopped,
}

/// Where the code of the job lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Code {
    /// An object in Amazon S3.
    pub s3: S3Location,
}

/// An object in Amazon S3.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(oldSelf.objectVersion) || has(self.objectVersion)", "spec.code.s3.objectVersion cannot be dropped once set: the service would keep the old version; name the version to run"))]
pub struct S3Location {
    /// The name of the bucket. Old ones may have capitals and underscores.
    #[schemars(length(min = 3, max = 255), regex(pattern = r"^[a-zA-Z0-9._-]+$"))]
    pub bucket: String,

    /// The key of the object. Use another key or object version for other code: the service does not read the same one
    /// again.
    #[schemars(length(min = 1, max = 1024))]
    pub key: String,

    /// The version of the object. Once set it can be changed but not dropped.
    #[schemars(length(min = 1, max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_version: Option<String>,
}

/// A named group of properties.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.properties) || has(self.propertiesFrom)", "a group of spec.propertyGroups needs properties or propertiesFrom"))]
pub struct PropertyGroup {
    /// The name of the group.
    #[schemars(length(min = 1, max = 50), regex(pattern = r"^[a-zA-Z0-9_.-]+$"))]
    pub id: String,

    /// Properties as they are. They win over propertiesFrom. Anyone who may describe the application can read them:
    /// name a secret of Secrets Manager instead of writing one here.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 50))]
    #[x_kube(validation = ("self.all(k, k.size() <= 2048)", "spec.propertyGroups: a key of properties has at most 2048 characters"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, PropertyValue>>,

    /// Sources of more properties; a later one wins over an earlier one. A change of a source is a change of the
    /// application.
    #[schemars(length(min = 1, max = 10), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties_from: Option<Vec<PropertiesSource>>,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PropertyValue(#[schemars(length(min = 1, max = 2048))] pub String);

/// The value of a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TagValue(#[schemars(length(max = 256))] pub String);

/// A source of properties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertiesSource {
    /// A ConfigMap in the namespace of the resource; each entry of its data is a property.
    pub config_map_ref: ConfigMapRef,
}

/// The name of a ConfigMap in the namespace of the resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigMapRef {
    /// The name of the ConfigMap.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
}
