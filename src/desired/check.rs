//! Reads the parts of a spec and collects what is wrong with them.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::api::spec::{
    DeletionPolicy, FlinkApplication, FlinkApplicationSpec, InitialFrom, PreChangeSnapshot, PropertyGroup, RestoreFrom,
    StateLoss,
};
use crate::configuration::{Checkpoint, CodeLocation, Configuration, Monitoring, Parallelism, PropertyGroups, Vpc};
use crate::desired::references::{MOST_BYTES, MOST_CHARACTERS, MOST_PROPERTIES, MOST_SOURCES, sources};
use crate::desired::{
    Identity, Initial, References, RestorePolicy, Violation, asked_identity, duration, identity, is_foreign_tag,
    partition,
};

/// Collects violations while the parts of a spec are read.
#[derive(Default)]
pub(super) struct Check {
    pub(super) violations: Vec<Violation>,
    pub(super) missing: Option<String>,
}

impl Check {
    pub(super) fn add(&mut self, field: &str, problem: impl Into<String>) {
        self.violations.push(Violation {
            field: field.to_owned(),
            problem: problem.into(),
        });
    }

    pub(super) fn identity(&mut self, app: &FlinkApplication, default_region: &str) -> Identity {
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
        if !(1..=128).contains(&pinned.name.chars().count()) {
            self.add("spec.applicationName", "must have 1 to 128 characters");
        }
        pinned
    }

    pub(super) fn arns(&mut self, spec: &FlinkApplicationSpec, region: &str) {
        let expected = partition(region);
        let mut arns = vec![("spec.serviceExecutionRole", spec.service_execution_role.as_str())];
        if let Some(logging) = &spec.logging {
            arns.push(("spec.logging.logStreamARN", logging.log_stream_arn.as_str()));
            if !is_log_stream(&logging.log_stream_arn) {
                self.add(
                    "spec.logging.logStreamARN",
                    "must be the ARN of a log stream, arn:aws:logs:REGION:ACCOUNT:log-group:GROUP:log-stream:STREAM; that of a log group, and a group that ends in :*, is none",
                );
            } else if logging.log_stream_arn.split(':').nth(3) != Some(region) {
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

    pub(super) fn tags(&mut self, spec: &FlinkApplicationSpec) {
        for key in spec.tags.iter().flat_map(|tags| tags.keys()) {
            if is_foreign_tag(key) || key.chars().count() > 128 {
                let problem = format!(
                    "the key {key:.64?} must have at most 128 characters and start neither with aws:, in capitals or not, nor with sluicegate.dev/"
                );
                self.add("spec.tags", problem);
            }
        }
    }

    pub(super) fn configuration(&mut self, spec: &FlinkApplicationSpec, references: &References) -> Configuration {
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
        let references = self.bounded(spec, references);
        let mut groups = BTreeMap::new();
        let mut bytes = 0;
        for group in spec.property_groups.iter().flatten() {
            let properties = self.properties(group, references);
            let sizes = properties.iter().map(|(key, value)| key.len() + value.len());
            bytes += sizes.sum::<usize>();
            if bytes > MOST_BYTES {
                let problem = format!(
                    "the groups hold more than {} KiB together, each with what its ConfigMaps bring; name fewer or smaller ones",
                    MOST_BYTES >> 10
                );
                self.add("spec.propertyGroups", problem);
                break;
            }
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

    /// The ConfigMaps, unless the spec names too many or they hold too much.
    fn bounded<'a>(&mut self, spec: &FlinkApplicationSpec, references: &'a References) -> Option<&'a References> {
        let named = sources(spec);
        if named > MOST_SOURCES {
            let problem = format!(
                "{named} ConfigMaps are named in propertiesFrom, and at most {MOST_SOURCES} may be, over all groups"
            );
            self.add("spec.propertyGroups", problem);
            return None;
        }
        if references.is_too_large() {
            let problem = format!(
                "the ConfigMaps that propertiesFrom names hold more than {} KiB together; name smaller ones",
                MOST_BYTES >> 10
            );
            self.add("spec.propertyGroups", problem);
            return None;
        }
        Some(references)
    }

    fn properties(&mut self, group: &PropertyGroup, references: Option<&References>) -> BTreeMap<String, String> {
        let field = format!("spec.propertyGroups[{}]", group.id);
        let mut properties = BTreeMap::new();
        for source in group.properties_from.iter().flatten() {
            match references.map(|references| references.get(&source.config_map_ref.name)) {
                Some(Some(data)) => properties.extend(data.clone()),
                Some(None) if self.missing.is_none() => self.missing = Some(source.config_map_ref.name.clone()),
                Some(None) | None => {}
            }
        }
        let own = group.properties.iter().flatten();
        properties.extend(own.map(|(key, value)| (key.clone(), value.0.clone())));
        if properties.is_empty() && self.missing.is_none() && references.is_some() {
            self.add(&field, "has no property; the service needs at least one in a group");
        }
        if properties.len() > MOST_PROPERTIES {
            self.add(
                &field,
                format!("has more than the {MOST_PROPERTIES} properties that the service takes"),
            );
        }
        for (key, value) in &properties {
            let fits = |text: &str| (1..=MOST_CHARACTERS).contains(&text.chars().count());
            if !fits(key) || !fits(value) {
                self.add(
                    &field,
                    format!("the key and the value of {key:.64?} must each have 1 to {MOST_CHARACTERS} characters"),
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
        if interval_ms < 1 {
            self.add("spec.checkpoint.checkpointInterval", "must be at least 1ms");
        }
        let min_pause_ms = self.duration(
            "spec.checkpoint.minPauseBetweenCheckpoints",
            pause,
            default.min_pause_ms,
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

    pub(super) fn restore(&mut self, spec: &FlinkApplicationSpec) -> RestorePolicy {
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
            once: restore
                .and_then(|restore| restore.once.as_ref())
                .map(|once| (once.nonce, once.snapshot_name.clone())),
        }
    }

    pub(super) fn snapshots_off(&mut self, spec: &FlinkApplicationSpec, restore: &RestorePolicy) {
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

    pub(super) fn deletion(&mut self, spec: &FlinkApplicationSpec) {
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

    pub(super) fn duration(&mut self, field: &str, text: Option<&str>, default: i64) -> i64 {
        match text.map(duration::milliseconds) {
            None => default,
            Some(Ok(milliseconds)) => milliseconds,
            Some(Err(problem)) => {
                self.add(field, problem);
                default
            }
        }
    }

    pub(super) fn range(&mut self, field: &str, value: i64, least: i64, most: i64) {
        if !(least..=most).contains(&value) {
            let (least, most) = (SignedDuration::from_millis(least), SignedDuration::from_millis(most));
            self.add(field, format!("must be between {least:#} and {most:#}"));
        }
    }
}

/// Whether an ARN is that of a log stream, by the characters that CloudWatch Logs takes for names.
fn is_log_stream(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "logs", _, _, "log-group", group, "log-stream", stream] = parts.as_slice() else {
        return false;
    };
    let of_group = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '#' | '-');
    !group.is_empty() && group.chars().all(of_group) && !stream.is_empty() && !stream.contains('*')
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
