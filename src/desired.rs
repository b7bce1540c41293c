//! The spec, parsed: either everything that is wanted, or the full list of what is wrong.

pub mod duration;

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use kube::ResourceExt;

use crate::api::annotation;
use crate::api::spec::{
    DeletionPolicy, DesiredState, FinalSnapshot, FlinkApplication, FlinkApplicationSpec, InitialFrom,
    PreChangeSnapshot, PropertyGroup, RestoreFrom, StateLoss,
};
use crate::configuration::{
    Checkpoint, CodeLocation, Configuration, Monitoring, Parallelism, PropertyGroups, Revision, Vpc,
};

/// What a spec asks for, validated and with every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The name and region of the application.
    pub identity: Identity,
    /// The description, settable only at creation.
    pub description: Option<String>,
    /// Whether the job shall run.
    pub state: DesiredState,
    /// The restart nonce.
    pub restart_nonce: Option<i64>,
    /// The configuration.
    pub configuration: Configuration,
    /// The digest of the configuration.
    pub revision: Revision,
    /// Whether a start may drop state that no operator claims.
    pub allow_non_restored_state: bool,
    /// The start of the maintenance window; absent means that it is left alone.
    pub maintenance_start: Option<String>,
    /// The tags of the spec.
    pub tags: BTreeMap<String, String>,
    /// Where state comes from.
    pub restore: RestorePolicy,
    /// How long a change may take.
    pub progress_deadline: SignedDuration,
    /// Whether a snapshot is taken before a change.
    pub pre_change_snapshot: PreChangeSnapshot,
    /// The revision for which a person consents to a start without state.
    pub empty_start_consent: Option<String>,
}

/// What identifies an application in an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The region.
    pub region: String,
}

/// Where the state of a start or an update comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorePolicy {
    /// At the first start by this resource.
    pub initial: Initial,
    /// At later starts.
    pub on_start: RestoreFrom,
    /// At updates of a running job.
    pub on_update: RestoreFrom,
}

/// Where the state of the first start comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Initial {
    /// The newest snapshot.
    Latest,
    /// The named snapshot.
    Named(String),
    /// Nowhere.
    Empty,
}

/// What the deletion of the resource does; read leniently, so that an invalid spec cannot hold a deletion up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionRules {
    /// Retain, Stop or Delete. `Delete` without consent to the loss of state is read as `Retain`.
    pub policy: DeletionPolicy,
    /// Whether the stop takes a snapshot.
    pub final_snapshot: FinalSnapshot,
    /// How long the graceful stop may take.
    pub timeout: SignedDuration,
}

/// The data of the ConfigMaps that a spec names, by name; absent ones are not in the map.
pub type References = BTreeMap<String, BTreeMap<String, String>>;

/// One thing that is wrong in a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

/// Why a spec asks for nothing that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undesirable {
    /// The spec contradicts itself or what cannot be changed; at least one violation.
    Invalid(Vec<Violation>),
    /// A ConfigMap does not exist; its name.
    Missing(String),
}

/// The names of the ConfigMaps that a spec refers to, each once.
#[must_use]
pub fn config_map_names(spec: &FlinkApplicationSpec) -> Vec<String> {
    let groups = spec.property_groups.iter().flatten();
    let mut names: Vec<String> = groups
        .flat_map(|group| group.properties_from.iter().flatten())
        .map(|source| source.config_map_ref.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The name and region that a resource stands for: what was pinned by the first look, otherwise what the spec says.
#[must_use]
pub fn identity(app: &FlinkApplication, default_region: &str) -> Identity {
    let pinned = app.status.as_ref().and_then(|status| status.journal.aws.as_ref());
    match pinned {
        Some(aws) => Identity {
            name: aws.application_name.clone(),
            region: aws.region.clone(),
        },
        None => asked_identity(app, default_region),
    }
}

fn asked_identity(app: &FlinkApplication, default_region: &str) -> Identity {
    Identity {
        name: app.spec.application_name.clone().unwrap_or_else(|| app.name_any()),
        region: app.spec.region.clone().unwrap_or_else(|| default_region.to_owned()),
    }
}

/// The rules of the deletion of a resource.
#[must_use]
pub fn deletion_rules(spec: &FlinkApplicationSpec) -> DeletionRules {
    let deletion = spec.deletion.as_ref();
    let asked = deletion
        .and_then(|deletion| deletion.policy)
        .unwrap_or(DeletionPolicy::Retain);
    let accepted = deletion.and_then(|deletion| deletion.state_loss) == Some(StateLoss::Accepted);
    let timeout = deletion.and_then(|deletion| deletion.timeout.as_deref());
    DeletionRules {
        policy: if asked == DeletionPolicy::Delete && !accepted {
            DeletionPolicy::Retain
        } else {
            asked
        },
        final_snapshot: deletion
            .and_then(|deletion| deletion.final_snapshot)
            .unwrap_or(FinalSnapshot::BestEffort),
        timeout: SignedDuration::from_millis(
            timeout
                .and_then(|text| duration::milliseconds(text).ok())
                .unwrap_or(1_800_000),
        ),
    }
}

impl Desired {
    /// What a resource asks for.
    ///
    /// # Errors
    /// Every violation of the spec, or the first ConfigMap that does not exist.
    pub fn parse(app: &FlinkApplication, default_region: &str, references: &References) -> Result<Self, Undesirable> {
        let mut check = Check::default();
        let spec = &app.spec;
        let identity = check.identity(app, default_region);
        check.arns(spec, &identity.region);
        let configuration = check.configuration(spec, references);
        let progress_deadline = spec
            .rollout
            .as_ref()
            .and_then(|rollout| rollout.progress_deadline.as_deref());
        let progress_deadline = check.duration("spec.rollout.progressDeadline", progress_deadline, 1_800_000);
        check.range("spec.rollout.progressDeadline", progress_deadline, 60_000, 86_400_000);
        let restore = check.restore(spec);
        check.snapshots_off(spec, &restore);
        check.deletion(spec);
        if let Some(missing) = check.missing {
            return Err(Undesirable::Missing(missing));
        }
        if !check.violations.is_empty() {
            return Err(Undesirable::Invalid(check.violations));
        }
        let allow_non_restored_state = spec
            .restore
            .as_ref()
            .and_then(|restore| restore.allow_non_restored_state)
            .unwrap_or(false);
        Ok(Self {
            identity,
            description: spec.description.clone().filter(|text| !text.is_empty()),
            state: spec.desired_state,
            restart_nonce: spec.restart_nonce,
            revision: Revision::of(&configuration, allow_non_restored_state),
            configuration,
            allow_non_restored_state,
            maintenance_start: spec.maintenance_window.as_ref().map(|window| window.start_time.clone()),
            tags: spec
                .tags
                .iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.0.clone()))
                .collect(),
            restore,
            progress_deadline: SignedDuration::from_millis(progress_deadline),
            pre_change_snapshot: spec
                .rollout
                .as_ref()
                .and_then(|rollout| rollout.pre_change_snapshot)
                .unwrap_or(PreChangeSnapshot::WhenHealthy),
            empty_start_consent: app.annotations().get(annotation::ALLOW_EMPTY_START).cloned(),
        })
    }
}

/// The partition that a region belongs to.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else if region.starts_with("us-iso-") {
        "aws-iso"
    } else if region.starts_with("us-isob-") {
        "aws-iso-b"
    } else if region.starts_with("eusc-") {
        "aws-eusc"
    } else {
        "aws"
    }
}

/// Collects violations while the parts of a spec are read.
#[derive(Default)]
struct Check {
    violations: Vec<Violation>,
    missing: Option<String>,
}

impl Check {
    fn add(&mut self, field: &str, problem: impl Into<String>) {
        self.violations.push(Violation {
            field: field.to_owned(),
            problem: problem.into(),
        });
    }

    fn identity(&mut self, app: &FlinkApplication, default_region: &str) -> Identity {
        let asked = asked_identity(app, default_region);
        let pinned = identity(app, default_region);
        if asked.name != pinned.name {
            let problem = format!(
                "the application is {:?} and cannot be renamed to {:?}",
                pinned.name, asked.name
            );
            self.add("spec.applicationName", problem);
        }
        if asked.region != pinned.region {
            let problem = format!(
                "the application is in {:?} and cannot move to {:?}",
                pinned.region, asked.region
            );
            self.add("spec.region", problem);
        }
        if pinned.name.is_empty() || pinned.name.len() > 128 {
            self.add("spec.applicationName", "must have 1 to 128 characters");
        }
        pinned
    }

    fn arns(&mut self, spec: &FlinkApplicationSpec, region: &str) {
        let expected = partition(region);
        let mut arns = vec![("spec.serviceExecutionRole", spec.service_execution_role.as_str())];
        if let Some(logging) = &spec.logging {
            arns.push(("spec.logging.logStreamARN", logging.log_stream_arn.as_str()));
            if logging.log_stream_arn.split(':').nth(3) != Some(region) {
                self.add(
                    "spec.logging.logStreamARN",
                    format!("must be a log stream in {region}, the region of the application"),
                );
            }
        }
        if let Some(key) = spec
            .encryption
            .as_ref()
            .map(|encryption| encryption.kms_key_id.as_str())
            .filter(|key| key.starts_with("arn:"))
        {
            arns.push(("spec.encryption.kmsKeyId", key));
        }
        for (field, arn) in arns {
            if arn.split(':').nth(1) != Some(expected) {
                self.add(
                    field,
                    format!("must begin with arn:{expected}: because the application is in {region}"),
                );
            }
        }
    }

    fn configuration(&mut self, spec: &FlinkApplicationSpec, references: &References) -> Configuration {
        Configuration {
            runtime_environment: spec.runtime_environment.clone(),
            service_execution_role: spec.service_execution_role.clone(),
            code: Some(CodeLocation {
                bucket: spec.code.s3.bucket.clone(),
                key: spec.code.s3.key.clone(),
                object_version: spec.code.s3.object_version.clone(),
            }),
            property_groups: self.property_groups(spec, references),
            parallelism: parallelism(spec),
            checkpoint: self.checkpoint(spec),
            monitoring: monitoring(spec),
            log_stream_arn: spec.logging.as_ref().map(|logging| logging.log_stream_arn.clone()),
            vpc: spec.vpc.as_ref().map(|vpc| Vpc {
                subnet_ids: vpc.subnet_ids.iter().cloned().collect(),
                security_group_ids: vpc.security_group_ids.iter().cloned().collect(),
            }),
            kms_key_id: spec.encryption.as_ref().map(|encryption| encryption.kms_key_id.clone()),
            system_rollback: spec.system_rollback.as_ref().is_some_and(|rollback| rollback.enabled),
            snapshots_enabled: spec
                .snapshots
                .as_ref()
                .and_then(|snapshots| snapshots.enabled)
                .unwrap_or(true),
        }
    }

    fn property_groups(&mut self, spec: &FlinkApplicationSpec, references: &References) -> PropertyGroups {
        let mut groups = BTreeMap::new();
        for group in spec.property_groups.iter().flatten() {
            let properties = self.properties(group, references);
            if groups.insert(group.id.clone(), properties).is_some() {
                self.add(
                    "spec.propertyGroups",
                    format!("the group {:?} is given twice", group.id),
                );
            }
        }
        if groups.len() > 50 {
            self.add(
                "spec.propertyGroups",
                format!("{} groups are given and the service takes 50", groups.len()),
            );
        }
        PropertyGroups(groups)
    }

    fn properties(&mut self, group: &PropertyGroup, references: &References) -> BTreeMap<String, String> {
        let field = format!("spec.propertyGroups[{}]", group.id);
        let mut properties = BTreeMap::new();
        for source in group.properties_from.iter().flatten() {
            match references.get(&source.config_map_ref.name) {
                Some(data) => properties.extend(data.clone()),
                None if self.missing.is_none() => self.missing = Some(source.config_map_ref.name.clone()),
                None => {}
            }
        }
        let own = group.properties.iter().flatten();
        properties.extend(own.map(|(key, value)| (key.clone(), value.0.clone())));
        if properties.is_empty() && self.missing.is_none() {
            self.add(&field, "has no property; the service needs at least one in a group");
        }
        if properties.len() > 50 {
            self.add(
                &field,
                format!("has {} properties and the service takes 50", properties.len()),
            );
        }
        for (key, value) in &properties {
            if key.is_empty() || key.len() > 2048 || value.is_empty() || value.len() > 2048 {
                self.add(
                    &field,
                    format!("the key and the value of {key:.64?} must each have 1 to 2048 characters"),
                );
            }
        }
        properties
    }

    fn checkpoint(&mut self, spec: &FlinkApplicationSpec) -> Checkpoint {
        let asked = spec.checkpoint.as_ref();
        let default = Checkpoint::default();
        let interval = asked.and_then(|checkpoint| checkpoint.checkpoint_interval.as_deref());
        let pause = asked.and_then(|checkpoint| checkpoint.min_pause_between_checkpoints.as_deref());
        let interval_ms = self.duration("spec.checkpoint.checkpointInterval", interval, default.interval_ms);
        self.range("spec.checkpoint.checkpointInterval", interval_ms, 1, 86_400_000);
        let min_pause_ms = self.duration(
            "spec.checkpoint.minPauseBetweenCheckpoints",
            pause,
            default.min_pause_ms,
        );
        self.range(
            "spec.checkpoint.minPauseBetweenCheckpoints",
            min_pause_ms,
            0,
            86_400_000,
        );
        let enabled = asked
            .and_then(|checkpoint| checkpoint.checkpointing_enabled)
            .unwrap_or(default.enabled);
        Checkpoint {
            enabled,
            interval_ms,
            min_pause_ms,
        }
    }

    fn restore(&mut self, spec: &FlinkApplicationSpec) -> RestorePolicy {
        let restore = spec.restore.as_ref();
        let initial = restore.and_then(|restore| restore.initial.as_ref());
        let initial = match initial.map(|initial| (initial.from, initial.snapshot_name.clone())) {
            None | Some((InitialFrom::LatestSnapshot, None)) => Initial::Latest,
            Some((InitialFrom::None, None)) => Initial::Empty,
            Some((InitialFrom::Snapshot, Some(name))) => Initial::Named(name),
            Some(_) => {
                self.add(
                    "spec.restore.initial.snapshotName",
                    "belongs to from: Snapshot, and from: Snapshot needs it",
                );
                Initial::Latest
            }
        };
        RestorePolicy {
            initial,
            on_start: restore
                .and_then(|restore| restore.on_start)
                .unwrap_or(RestoreFrom::LatestSnapshot),
            on_update: restore
                .and_then(|restore| restore.on_update)
                .unwrap_or(RestoreFrom::LatestSnapshot),
        }
    }

    fn snapshots_off(&mut self, spec: &FlinkApplicationSpec, restore: &RestorePolicy) {
        if spec.snapshots.as_ref().and_then(|snapshots| snapshots.enabled) != Some(false) {
            return;
        }
        if restore.on_start != RestoreFrom::None || restore.on_update != RestoreFrom::None {
            self.add(
                "spec.restore",
                "onStart and onUpdate must be None while spec.snapshots.enabled is false",
            );
        }
        if spec.rollout.as_ref().and_then(|rollout| rollout.pre_change_snapshot) != Some(PreChangeSnapshot::Never) {
            self.add(
                "spec.rollout.preChangeSnapshot",
                "must be Never while spec.snapshots.enabled is false",
            );
        }
    }

    fn deletion(&mut self, spec: &FlinkApplicationSpec) {
        let Some(deletion) = &spec.deletion else { return };
        if deletion.policy == Some(DeletionPolicy::Delete) && deletion.state_loss != Some(StateLoss::Accepted) {
            self.add(
                "spec.deletion.stateLoss",
                "policy: Delete destroys every snapshot and needs stateLoss: Accepted",
            );
        }
        let timeout = self.duration("spec.deletion.timeout", deletion.timeout.as_deref(), 1_800_000);
        self.range("spec.deletion.timeout", timeout, 60_000, 86_400_000);
    }

    fn duration(&mut self, field: &str, text: Option<&str>, default: i64) -> i64 {
        match text.map(duration::milliseconds) {
            None => default,
            Some(Ok(milliseconds)) => milliseconds,
            Some(Err(problem)) => {
                self.add(field, problem);
                default
            }
        }
    }

    fn range(&mut self, field: &str, value: i64, least: i64, most: i64) {
        if !(least..=most).contains(&value) {
            let (least, most) = (SignedDuration::from_millis(least), SignedDuration::from_millis(most));
            self.add(field, format!("must be between {least:#} and {most:#}"));
        }
    }
}

fn parallelism(spec: &FlinkApplicationSpec) -> Parallelism {
    let asked = spec.parallelism.as_ref();
    let default = Parallelism::default();
    Parallelism {
        parallelism: asked.and_then(|asked| asked.parallelism).unwrap_or(default.parallelism),
        parallelism_per_kpu: asked
            .and_then(|asked| asked.parallelism_per_kpu)
            .unwrap_or(default.parallelism_per_kpu),
        auto_scaling_enabled: asked
            .and_then(|asked| asked.auto_scaling_enabled)
            .unwrap_or(default.auto_scaling_enabled),
    }
}

fn monitoring(spec: &FlinkApplicationSpec) -> Monitoring {
    let asked = spec.monitoring.as_ref();
    let default = Monitoring::default();
    let upper = |name: String| name.to_ascii_uppercase();
    Monitoring {
        metrics_level: asked
            .and_then(|asked| asked.metrics_level)
            .map_or(default.metrics_level, |level| upper(format!("{level:?}"))),
        log_level: asked
            .and_then(|asked| asked.log_level)
            .map_or(default.log_level, |level| upper(format!("{level:?}"))),
    }
}

#[cfg(test)]
mod tests;
