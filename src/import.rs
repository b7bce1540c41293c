//! The manifest of an application that exists: what must be applied so that nothing changes.

use std::collections::BTreeMap;

use kube::api::ObjectMeta;

use crate::api::spec::{
    Adoption, Checkpoint, Code, DesiredState, Encryption, FlinkApplication, FlinkApplicationSpec, Gate, LogLevel,
    Logging, MaintenanceWindow, Management, MetricsLevel, Monitoring, Parallelism, PreChangeSnapshot, PropertyGroup,
    PropertyValue, Restore, RestoreFrom, Rollout, S3Location, Snapshots, SystemRollback, TagValue, Vpc,
};
use crate::configuration::{self, Configuration};
use crate::desired::{Desired, Identity, References, Undesirable, Violation, is_foreign_tag, misfits};
use crate::world::{ApplicationStatus, Observed};

/// The default of spec.rollout.progressDeadline and the most that it may be, in milliseconds.
const DEADLINE: (i64, i64) = (1_800_000, 86_400_000);

/// The default of spec.rollout.gate.stableFor in milliseconds.
const STABLE_FOR: i64 = 120_000;

/// Why an application cannot be described by a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotImportable {
    /// It is SQL or a notebook.
    #[error("it is no streaming application of Flink; only those are handled")]
    NoFlink,
    /// Its code is no object in S3.
    #[error("its code is no object in S3, and spec.code.s3 can name nothing else")]
    NoCode,
    /// A setting has a value that the resource has no name for.
    #[error("{field} is {value}, for which the resource has no name")]
    Unnamed {
        /// The field of the spec.
        field: &'static str,
        /// The value in the service.
        value: String,
    },
    /// The resource cannot have what the application has; at least one violation.
    #[error("a resource cannot say what it has: {}", in_words(.0))]
    Unsayable(Vec<Violation>),
    /// It cannot be written as YAML.
    #[error("it cannot be written as YAML: {0}")]
    Unwritable(String),
}

/// The resource that asks for what an application has. It takes the application over, if the namespace allows that;
/// members that have the service's default are left out.
///
/// # Errors
/// What keeps the application from being described.
pub fn manifest(observed: &Observed, identity: &Identity) -> Result<FlinkApplication, NotImportable> {
    if !observed.streaming {
        return Err(NotImportable::NoFlink);
    }
    let has = &observed.configuration;
    let code = has.code.as_ref().ok_or(NotImportable::NoCode)?;
    let name = object_name(&identity.name);
    let snapshots_off = !has.snapshots_enabled;
    let spec = FlinkApplicationSpec {
        application_name: (name != identity.name).then(|| identity.name.clone()),
        region: Some(identity.region.clone()),
        description: observed.description.clone(),
        desired_state: match observed.status {
            ApplicationStatus::Ready => DesiredState::Stopped,
            _ => DesiredState::Running,
        },
        restart_nonce: None,
        runtime_environment: has.runtime_environment.clone(),
        service_execution_role: has.service_execution_role.clone(),
        code: Code {
            s3: S3Location {
                bucket: code.bucket.clone(),
                key: code.key.clone(),
                object_version: code.object_version.clone(),
            },
        },
        property_groups: property_groups(has),
        parallelism: parallelism(has),
        checkpoint: checkpoint(has),
        monitoring: monitoring(has)?,
        logging: has
            .log_stream_arn
            .clone()
            .map(|log_stream_arn| Logging { log_stream_arn }),
        vpc: has.vpc.as_ref().map(|vpc| Vpc {
            subnet_ids: vpc.subnet_ids.iter().cloned().collect(),
            security_group_ids: vpc.security_group_ids.iter().cloned().collect(),
        }),
        encryption: has.kms_key_id.clone().map(|kms_key_id| Encryption { kms_key_id }),
        system_rollback: has.system_rollback.then_some(SystemRollback { enabled: true }),
        maintenance_window: observed
            .maintenance_start
            .clone()
            .map(|start_time| MaintenanceWindow { start_time }),
        tags: tags(observed),
        snapshots: snapshots_off.then_some(Snapshots {
            enabled: Some(false),
            schedule: None,
            retention: None,
            stale_after: None,
        }),
        restore: snapshots_off.then_some(Restore {
            initial: None,
            on_start: Some(RestoreFrom::None),
            on_update: Some(RestoreFrom::None),
            once: None,
            allow_non_restored_state: None,
        }),
        rollout: rollout(has),
        health: None,
        management: Some(Management {
            mode: None,
            adoption: Some(Adoption::Adopt),
            drift: None,
        }),
        deletion: None,
    };
    let metadata = ObjectMeta {
        name: Some(name),
        ..ObjectMeta::default()
    };
    let app = FlinkApplication {
        metadata,
        spec,
        status: None,
    };
    let mut violations = misfits(&app.spec);
    violations.extend(more_than_one(observed));
    if let Err(Undesirable::Invalid(more)) = Desired::parse(&app, &identity.region, &References::new()) {
        violations.extend(more);
    }
    if violations.is_empty() {
        Ok(app)
    } else {
        Err(NotImportable::Unsayable(violations))
    }
}

/// What the application has several of where a spec names one.
fn more_than_one(observed: &Observed) -> impl Iterator<Item = Violation> {
    let counts = [
        ("spec.logging", "CloudWatch logging options", observed.log_streams.len()),
        ("spec.vpc", "VPC configurations", observed.vpcs.len()),
    ];
    counts
        .into_iter()
        .filter(|(_, _, count)| *count > 1)
        .map(|(field, what, count)| Violation {
            field: field.to_owned(),
            problem: format!("the application has {count} {what} and a spec names one; remove the others first"),
        })
}

fn in_words(violations: &[Violation]) -> String {
    let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
    violations.join("; ")
}

/// What the defaults do not allow: a change without snapshots, and a gate whose checkpoints are far apart.
fn rollout(has: &Configuration) -> Option<Rollout> {
    let mut rollout = Rollout {
        pre_change_snapshot: (!has.snapshots_enabled).then_some(PreChangeSnapshot::Never),
        ..Rollout::default()
    };
    let interval = has.checkpoint.interval_ms;
    if has.checkpoint.enabled && interval.saturating_add(STABLE_FOR) >= DEADLINE.0 {
        let enough = interval.saturating_mul(2).saturating_add(DEADLINE.0);
        if enough <= DEADLINE.1 {
            rollout.progress_deadline = Some(duration(enough));
        } else {
            rollout.gate = Some(Gate {
                min_completed_checkpoints: Some(0),
                ..Gate::default()
            });
        }
    }
    (rollout != Rollout::default()).then_some(rollout)
}

/// A resource as YAML that every reader takes the same way: kubectl reads version 1.1, in which a plain `no` is a boolean and
/// a plain `22:00` may be a number.
///
/// # Errors
/// When it cannot be written, which no resource of [`manifest`] causes.
pub fn to_yaml(app: &FlinkApplication) -> Result<String, NotImportable> {
    serde_saphyr::to_string(app).map_err(|error| NotImportable::Unwritable(error.to_string()))
}

/// A name that Kubernetes takes, as near to that of the application as can be.
fn object_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase().replace('_', "-");
    let parts = lower.split('.').map(|part| part.trim_matches('-'));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return "application".to_owned();
    }
    parts.join(".")
}

fn property_groups(has: &Configuration) -> Option<Vec<PropertyGroup>> {
    let groups = has.property_groups.0.iter().map(|(id, properties)| PropertyGroup {
        id: id.clone(),
        properties: Some(
            properties
                .iter()
                .map(|(key, value)| (key.clone(), PropertyValue(value.clone())))
                .collect(),
        ),
        properties_from: None,
    });
    let groups: Vec<PropertyGroup> = groups.collect();
    (!groups.is_empty()).then_some(groups)
}

fn parallelism(has: &Configuration) -> Option<Parallelism> {
    let differs = has.parallelism != configuration::Parallelism::default();
    differs.then_some(Parallelism {
        parallelism: Some(has.parallelism.parallelism),
        parallelism_per_kpu: Some(has.parallelism.parallelism_per_kpu),
        auto_scaling_enabled: Some(has.parallelism.auto_scaling_enabled),
    })
}

fn checkpoint(has: &Configuration) -> Option<Checkpoint> {
    let differs = has.checkpoint != configuration::Checkpoint::default();
    differs.then(|| Checkpoint {
        checkpointing_enabled: Some(has.checkpoint.enabled),
        checkpoint_interval: Some(duration(has.checkpoint.interval_ms)),
        min_pause_between_checkpoints: Some(duration(has.checkpoint.min_pause_ms)),
    })
}

fn monitoring(has: &Configuration) -> Result<Option<Monitoring>, NotImportable> {
    if has.monitoring == configuration::Monitoring::default() {
        return Ok(None);
    }
    let unnamed = |field, value: &String| NotImportable::Unnamed {
        field,
        value: value.clone(),
    };
    let (metrics, log) = (&has.monitoring.metrics_level, &has.monitoring.log_level);
    let metrics_level = match metrics.as_str() {
        "APPLICATION" => MetricsLevel::Application,
        "TASK" => MetricsLevel::Task,
        "OPERATOR" => MetricsLevel::Operator,
        "PARALLELISM" => MetricsLevel::Parallelism,
        _ => return Err(unnamed("spec.monitoring.metricsLevel", metrics)),
    };
    let log_level = match log.as_str() {
        "INFO" => LogLevel::Info,
        "WARN" => LogLevel::Warn,
        "ERROR" => LogLevel::Error,
        "DEBUG" => LogLevel::Debug,
        _ => return Err(unnamed("spec.monitoring.logLevel", log)),
    };
    Ok(Some(Monitoring {
        metrics_level: Some(metrics_level),
        log_level: Some(log_level),
    }))
}

fn tags(observed: &Observed) -> Option<BTreeMap<String, TagValue>> {
    let tags = observed.tags.iter().filter(|(key, _)| !is_foreign_tag(key));
    let tags: BTreeMap<String, TagValue> = tags
        .map(|(key, value)| (key.clone(), TagValue(value.clone())))
        .collect();
    (!tags.is_empty()).then_some(tags)
}

fn duration(milliseconds: i64) -> String {
    match milliseconds {
        whole if whole % 1000 == 0 => format!("{}s", whole / 1000),
        part => format!("{part}ms"),
    }
}

#[cfg(test)]
mod tests;
