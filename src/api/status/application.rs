//! The application as the service last reported it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The application as the service last reported it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsStatus {
    /// The name of the application, pinned by the first look.
    #[schemars(length(max = 128))]
    pub application_name: String,
    /// The region, pinned by the first look.
    #[schemars(length(max = 32))]
    pub region: String,
    /// The account, pinned by the first look at an existing application.
    #[schemars(length(max = 16))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The ARN of the application.
    #[serde(rename = "applicationARN", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub application_arn: Option<String>,
    /// The status that the service reports.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_status: Option<String>,
    /// Since when the service was seen to report that status, where it is one in which an application cannot rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_status_since: Option<Timestamp>,
    /// The configuration version that the service reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_version_id: Option<i64>,
    /// The Flink runtime that the service reports.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_environment: Option<String>,
    /// The keys of the tags that the spec set; only these are changed or removed.
    #[schemars(length(max = 100), inner(length(max = 128)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_keys: Vec<String>,
}
