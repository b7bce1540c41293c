//! An application as the service describes it (facts appendix A).

use serde_json::{Map, Value, json};

use super::application::{Application, Run, Status, Version};
use super::epoch::seconds;
use super::error::ServiceError;
use super::rules::Rules;
use super::shapes::minutes_of_day;
use crate::job::Job;

impl Run {
    fn describe(&self) -> Value {
        let mut restore = Map::from_iter([("ApplicationRestoreType".to_owned(), json!(self.restore_type))]);
        if let Some(name) = &self.snapshot_name {
            restore.insert("SnapshotName".to_owned(), json!(name));
        }
        json!({
            "ApplicationRestoreConfigurationDescription": restore,
            "FlinkRunConfigurationDescription": { "AllowNonRestoredState": self.allow_non_restored_state },
        })
    }
}

impl Application {
    /// `ApplicationDetail` of the current version (facts appendix A).
    pub(crate) fn describe(&self, rules: &Rules, details: bool) -> Result<Value, ServiceError> {
        let mut detail = self.describe_version(self.version()?, rules);
        if let Some(configuration) = detail
            .get_mut("ApplicationConfigurationDescription")
            .and_then(Value::as_object_mut)
        {
            if let Some(run) = &self.run {
                configuration.insert("RunConfigurationDescription".to_owned(), run.describe());
            }
            let plan = self
                .job()
                .filter(|job| details && self.status == Status::Running && job.ended.is_none());
            if let (Some(job), Some(flink)) = (
                plan,
                configuration
                    .get_mut("FlinkApplicationConfigurationDescription")
                    .and_then(Value::as_object_mut),
            ) {
                flink.insert(
                    "JobPlanDescription".to_owned(),
                    json!(plan_of(job, &self.name).to_string()),
                );
            }
        }
        Ok(Value::Object(detail))
    }

    /// `ApplicationDetail` of any version, without what belongs to the run.
    pub(crate) fn describe_version(&self, version: &Version, rules: &Rules) -> Map<String, Value> {
        let current = version.id == self.current;
        let status = if current { self.status } else { Status::Ready };
        let parallelism = if current {
            self.current_parallelism
        } else {
            version.configuration.parallelism.wanted
        };
        let mut detail = Map::new();
        let mut put = |name: &str, value: Value| detail.insert(name.to_owned(), value);
        put("ApplicationARN", json!(self.arn));
        put("ApplicationName", json!(self.name));
        put("RuntimeEnvironment", json!(version.runtime));
        put("ServiceExecutionRole", json!(version.role));
        put("ApplicationStatus", json!(status));
        put("ApplicationVersionId", json!(version.id));
        put("CreateTimestamp", seconds(self.created));
        put(
            "LastUpdateTimestamp",
            seconds(if current { self.updated } else { version.created }),
        );
        put(
            "ApplicationConfigurationDescription",
            Value::Object(version.configuration.describe(parallelism, rules)),
        );
        put(
            "ApplicationMaintenanceConfigurationDescription",
            self.describe_maintenance(),
        );
        put("ApplicationVersionCreateTimestamp", seconds(version.created));
        put("ConditionalToken", json!(version.token));
        put("ApplicationMode", json!("STREAMING"));
        if let Some(description) = &self.description {
            put("ApplicationDescription", json!(description));
        }
        if !version.logging.is_empty() {
            put("CloudWatchLoggingOptionDescriptions", json!(version.logging));
        }
        if let Some(from) = version.updated_from {
            put("ApplicationVersionUpdatedFrom", json!(from));
        }
        if let Some((from, to)) = version.rolled_back {
            put("ApplicationVersionRolledBackFrom", json!(from));
            put("ApplicationVersionRolledBackTo", json!(to));
        }
        detail
    }

    /// The maintenance window, which is eight hours long (facts §1.16).
    pub(crate) fn describe_maintenance(&self) -> Value {
        let start = minutes_of_day(&self.maintenance_start).unwrap_or_default();
        let end = (start + 8 * 60) % (24 * 60);
        json!({
            "ApplicationMaintenanceWindowStartTime": self.maintenance_start,
            "ApplicationMaintenanceWindowEndTime": format!("{:02}:{:02}", end / 60, end % 60),
        })
    }

    /// An entry of `ListApplications`.
    pub(crate) fn summary(&self) -> Result<Value, ServiceError> {
        Ok(json!({
            "ApplicationName": self.name,
            "ApplicationARN": self.arn,
            "ApplicationStatus": self.status,
            "ApplicationVersionId": self.current,
            "RuntimeEnvironment": self.version()?.runtime,
            "ApplicationMode": "STREAMING",
        }))
    }
}

/// The job graph as Flink shows it.
pub(crate) fn plan_of(job: &Job, name: &str) -> Value {
    let nodes: Vec<Value> = job
        .vertices
        .iter()
        .enumerate()
        .map(|(index, vertex)| {
            json!({
                "id": format!("{index:032x}"),
                "parallelism": vertex.parallelism,
                "operator": "",
                "operator_strategy": "",
                "description": vertex.name,
                "optimizer_properties": {},
            })
        })
        .collect();
    json!({ "jid": job.id, "name": name, "type": "STREAMING", "nodes": nodes })
}
