//! What the service sets for Flink and around it.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::spec::undescribed::undescribed;

/// Parallelism and autoscaling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parallelism {
    /// The parallelism of the job. Default: 1.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i32>,

    /// Parallel tasks in one Kinesis Processing Unit; the service takes at most 8. Default: 1.
    #[serde(rename = "parallelismPerKPU", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8))]
    pub parallelism_per_kpu: Option<i32>,

    /// Whether the service scales the job by its load. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_scaling_enabled: Option<bool>,
}

/// Checkpointing.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("!has(self.checkpointInterval) || duration(self.checkpointInterval) >= duration('1ms')", "spec.checkpoint.checkpointInterval must be at least 1ms"),
)]
pub struct Checkpoint {
    /// Whether the job takes checkpoints. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpointing_enabled: Option<bool>,

    /// The time from one checkpoint to the next, for instance 60s. Default: 60s.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_interval: Option<String>,

    /// The least time from the end of a checkpoint to the start of the next. Default: 5s.
    #[schemars(length(max = 32), regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pause_between_checkpoints: Option<String>,
}

/// Metrics and log levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// The finest level of metrics. Default: APPLICATION.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_level: Option<MetricsLevel>,

    /// The least severe messages that are logged. Default: INFO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
}

/// The finest level of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
#[serde(rename_all = "UPPERCASE")]
pub enum MetricsLevel {
    /// The application as a whole.
    Application,
    /// Each task.
    Task,
    /// Each operator.
    Operator,
    /// Each parallel instance.
    Parallelism,
}

/// The least severe messages that are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Informational and above.
    Info,
    /// Warnings and errors.
    Warn,
    /// Errors.
    Error,
    /// Everything.
    Debug,
}

/// The log stream of the job.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(
    validation = ("self.logStreamARN.matches('^[^:]+:[^:]+:[^:]+:[^:]+:[^:]+:log-group:[a-zA-Z0-9_/.#-]+:log-stream:[^:*]+$')", "spec.logging.logStreamARN must be the ARN of a log stream, arn:aws:logs:REGION:ACCOUNT:log-group:GROUP:log-stream:STREAM; that of a log group, and a group that ends in :*, is none"),
)]
pub struct Logging {
    /// The ARN of an existing log stream of CloudWatch Logs.
    #[serde(rename = "logStreamARN")]
    #[schemars(
        length(min = 1, max = 2048),
        regex(pattern = r"^arn:[a-z0-9-]+:logs:[a-z0-9-]+:\d{12}:log-group:.+$")
    )]
    pub log_stream_arn: String,
}

/// The VPC of the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vpc {
    /// Subnets of one VPC.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 64)), extend("x-kubernetes-list-type" = "set"))]
    pub subnet_ids: Vec<String>,

    /// Security groups of the same VPC.
    #[schemars(length(min = 1, max = 5), inner(length(min = 1, max = 64)), extend("x-kubernetes-list-type" = "set"))]
    pub security_group_ids: Vec<String>,
}

/// The key that encrypts the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// The ARN or the id of a customer managed key.
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key_id: String,
}

/// The service's own rollback of failed updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemRollback {
    /// Whether the service rolls a failed update back by itself.
    pub enabled: bool,
}

/// The eight hours a day in which the service may patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MaintenanceWindow {
    /// The start in UTC as HH:MM.
    #[schemars(length(min = 5, max = 5), regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub start_time: String,
}
