//! What must change so that the service has what is wanted: only the members that differ, in as few calls as possible.

mod words;

use crate::configuration::is_same_key;
use std::collections::BTreeMap;

use crate::configuration::{CodeLocation, Configuration, PropertyGroups, Vpc};
use crate::desired::Desired;
use crate::world::{Observed, World};

pub use words::in_words;

/// Whether the service has the content that is wanted.
#[must_use]
pub fn in_sync(world: &World, want: &Desired) -> bool {
    let app = world.application.as_ref();
    app.is_some_and(|app| difference(app, &want.configuration).is_empty())
}

/// All that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What one `UpdateApplication` changes.
    pub change: Change,
    /// VPC configurations to remove, by id.
    pub remove_vpcs: Vec<String>,
    /// The VPC to add.
    pub add_vpc: Option<Vpc>,
    /// Logging options to remove, by id.
    pub remove_log_streams: Vec<String>,
    /// The log stream to add.
    pub add_log_stream: Option<String>,
}

/// What one `UpdateApplication` changes; absent members stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The Flink runtime.
    pub runtime_environment: Option<String>,
    /// The role of the job.
    pub service_execution_role: Option<String>,
    /// The code, always with everything that locates it.
    pub code: Option<CodeLocation>,
    /// All property groups: the service replaces them as a whole (facts §3.2).
    pub property_groups: Option<PropertyGroups>,
    /// Members of the parallelism that differ.
    pub parallelism: Option<ParallelismChange>,
    /// Members of the checkpointing that differ.
    pub checkpoint: Option<CheckpointChange>,
    /// Members of the monitoring that differ.
    pub monitoring: Option<MonitoringChange>,
    /// The VPC configuration to change: its id and its parts.
    pub vpc: Option<(String, Vpc)>,
    /// The logging option to change: its id and the log stream.
    pub log_stream: Option<(String, String)>,
    /// The key: a customer managed one, or `None` for a key of AWS.
    pub kms_key_id: Option<Option<String>>,
    /// Whether the service rolls failed updates back.
    pub system_rollback: Option<bool>,
    /// Whether the service takes snapshots.
    pub snapshots_enabled: Option<bool>,
}

/// Members of the parallelism that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParallelismChange {
    /// The parallelism of the job.
    pub parallelism: Option<i32>,
    /// Parallel tasks in one KPU.
    pub parallelism_per_kpu: Option<i32>,
    /// Whether the service scales.
    pub auto_scaling_enabled: Option<bool>,
}

/// Members of the checkpointing that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointChange {
    /// Whether checkpoints are taken.
    pub enabled: Option<bool>,
    /// From one checkpoint to the next, in milliseconds.
    pub interval_ms: Option<i64>,
    /// From the end of one to the start of the next, in milliseconds.
    pub min_pause_ms: Option<i64>,
}

/// Members of the monitoring that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonitoringChange {
    /// The finest level of metrics.
    pub metrics_level: Option<String>,
    /// The least severe messages.
    pub log_level: Option<String>,
}

impl Difference {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether one `UpdateApplication` brings it all.
    #[must_use]
    pub fn is_one_update(&self) -> bool {
        Self {
            change: Change::default(),
            ..self.clone()
        }
        .is_empty()
    }
}

/// What must change in an application so that it has a configuration.
#[must_use]
pub fn difference(observed: &Observed, wanted: &Configuration) -> Difference {
    let seen = &observed.configuration;
    let (vpc, remove_vpcs, add_vpc) = parts(&observed.vpcs, wanted.vpc.as_ref());
    let (log_stream, remove_log_streams, add_log_stream) = parts(&observed.log_streams, wanted.log_stream_arn.as_ref());
    Difference {
        change: Change {
            runtime_environment: changed(&seen.runtime_environment, &wanted.runtime_environment),
            service_execution_role: changed(&seen.service_execution_role, &wanted.service_execution_role),
            code: if seen.code == wanted.code {
                None
            } else {
                wanted.code.clone()
            },
            property_groups: changed(&seen.property_groups, &wanted.property_groups),
            parallelism: parallelism(seen, wanted),
            checkpoint: checkpoint(seen, wanted),
            monitoring: monitoring(seen, wanted),
            vpc,
            log_stream,
            kms_key_id: (!is_same_key(seen.kms_key_id.as_ref(), wanted.kms_key_id.as_ref()))
                .then(|| wanted.kms_key_id.clone()),
            system_rollback: changed(&seen.system_rollback, &wanted.system_rollback),
            snapshots_enabled: changed(&seen.snapshots_enabled, &wanted.snapshots_enabled),
        },
        remove_vpcs,
        add_vpc,
        remove_log_streams,
        add_log_stream,
    }
}

fn changed<T: PartialEq + Clone>(seen: &T, wanted: &T) -> Option<T> {
    (seen != wanted).then(|| wanted.clone())
}

/// What to change, what to remove by id and what to add, so that exactly the wanted part is left.
type Parts<T> = (Option<(String, T)>, Vec<String>, Option<T>);

fn parts<T: PartialEq + Clone>(seen: &BTreeMap<String, T>, wanted: Option<&T>) -> Parts<T> {
    let Some(wanted) = wanted else {
        return (None, seen.keys().cloned().collect(), None);
    };
    let kept = seen
        .iter()
        .find(|(_, part)| *part == wanted)
        .or_else(|| seen.iter().next());
    let Some((kept_id, kept)) = kept else {
        return (None, Vec::new(), Some(wanted.clone()));
    };
    let change = (kept != wanted).then(|| (kept_id.clone(), wanted.clone()));
    (change, seen.keys().filter(|id| *id != kept_id).cloned().collect(), None)
}

fn parallelism(seen: &Configuration, wanted: &Configuration) -> Option<ParallelismChange> {
    let (seen, wanted) = (&seen.parallelism, &wanted.parallelism);
    (seen != wanted).then(|| ParallelismChange {
        parallelism: changed(&seen.parallelism, &wanted.parallelism),
        parallelism_per_kpu: changed(&seen.parallelism_per_kpu, &wanted.parallelism_per_kpu),
        auto_scaling_enabled: changed(&seen.auto_scaling_enabled, &wanted.auto_scaling_enabled),
    })
}

fn checkpoint(seen: &Configuration, wanted: &Configuration) -> Option<CheckpointChange> {
    let (seen, wanted) = (&seen.checkpoint, &wanted.checkpoint);
    (seen != wanted).then(|| CheckpointChange {
        enabled: changed(&seen.enabled, &wanted.enabled),
        interval_ms: changed(&seen.interval_ms, &wanted.interval_ms),
        min_pause_ms: changed(&seen.min_pause_ms, &wanted.min_pause_ms),
    })
}

fn monitoring(seen: &Configuration, wanted: &Configuration) -> Option<MonitoringChange> {
    let (seen, wanted) = (&seen.monitoring, &wanted.monitoring);
    (seen != wanted).then(|| MonitoringChange {
        metrics_level: changed(&seen.metrics_level, &wanted.metrics_level),
        log_level: changed(&seen.log_level, &wanted.log_level),
    })
}
