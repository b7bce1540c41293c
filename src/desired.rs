//! The spec, parsed: either everything that is wanted, or the full list of what is wrong.

mod check;
pub mod duration;
mod gate;
mod health;
mod references;
mod schedule;
mod schema;
mod snapshots;
mod upkeep;
mod window;

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use kube::ResourceExt;

use crate::api::annotation;
use crate::api::spec::{
    Adoption, Approval, DeletionPolicy, DesiredState, Drift, FinalSnapshot, FlinkApplication, FlinkApplicationSpec,
    Mode, OnFailure, PreChangeSnapshot, RestoreFrom, StateLoss,
};
use crate::api::status::Journal;
use crate::configuration::{Configuration, Revision};
use crate::desired::check::Check;

pub use gate::Gate;
pub use health::Health;
pub use references::References;
pub use schedule::Schedule;
pub use schema::misfits;
pub use snapshots::{Retention, Runs, SnapshotPolicy};
pub(crate) use upkeep::{InPlace, asks_for_no_snapshots, progress_deadline, to_remember};
pub use window::{ChangeWindow, ChangeWindows, Opening};

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
    /// When a changed job counts as good.
    pub gate: Gate,
    /// What follows when a change fails.
    pub on_failure: OnFailure,
    /// Whether a person lets each new revision through.
    pub approval: Approval,
    /// The revision that a person lets through.
    pub approved_revision: Option<String>,
    /// When a new revision may begin to be brought out.
    pub change_windows: ChangeWindows,
    /// When snapshots are taken, and which are deleted again.
    pub snapshots: SnapshotPolicy,
    /// When restarts of the running job count as a loop, and what follows.
    pub health: Health,
    /// How much of the application is managed.
    pub mode: Mode,
    /// Whether an existing application is taken over.
    pub adoption: Adoption,
    /// What follows a change by somebody else.
    pub drift: Drift,
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
    /// The nonce and the name of the snapshot that the next start or update restores instead.
    pub once: Option<(i64, String)>,
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
    /// Retain, Stop or Delete. `Delete` without consent to the loss of state, and everything where nothing may be changed,
    /// is read as `Retain`.
    pub policy: DeletionPolicy,
    /// Whether the stop takes a snapshot.
    pub final_snapshot: FinalSnapshot,
    /// How long the graceful stop may take.
    pub timeout: SignedDuration,
}

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

/// What is asked for with the key in place of the alias that names it; nothing where the service was not seen to answer so.
pub(crate) fn with_known_key(journal: &Journal, configuration: &Configuration) -> Option<Configuration> {
    let known = journal.resolved_key.as_ref();
    let known = known.filter(|known| configuration.kms_key_id.as_ref() == Some(&known.alias))?;
    Some(Configuration {
        kms_key_id: Some(known.key.clone()),
        ..configuration.clone()
    })
}

fn asked_identity(app: &FlinkApplication, default_region: &str) -> Identity {
    Identity {
        name: app.spec.application_name.clone().unwrap_or_else(|| app.name_any()),
        region: app.spec.region.clone().unwrap_or_else(|| default_region.to_owned()),
    }
}

/// How much of the application is managed; read without the rest of the spec, which may be invalid.
#[must_use]
pub fn mode(spec: &FlinkApplicationSpec) -> Mode {
    spec.management
        .as_ref()
        .and_then(|management| management.mode)
        .unwrap_or_default()
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
        policy: if mode(spec) == Mode::ObserveOnly || asked == DeletionPolicy::Delete && !accepted {
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
        check.tags(spec);
        let configuration = check.configuration(spec, references);
        let progress_deadline = check.progress_deadline(spec);
        let gate = check.gate(spec, &configuration, progress_deadline);
        let change_windows = check.change_windows(spec);
        let snapshots = check.snapshots(spec);
        let health = check.health(spec);
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
        let status = app.status.as_ref();
        let known = status.and_then(|status| with_known_key(&status.journal, &configuration));
        Ok(Self {
            identity,
            description: spec.description.clone().filter(|text| !text.is_empty()),
            state: spec.desired_state,
            restart_nonce: spec.restart_nonce,
            revision: Revision::of(&configuration, allow_non_restored_state),
            configuration: known.unwrap_or(configuration),
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
            gate,
            on_failure: gate::on_failure(spec),
            approval: spec
                .rollout
                .as_ref()
                .and_then(|rollout| rollout.approval)
                .unwrap_or(Approval::Automatic),
            approved_revision: annotation::value(app, annotation::APPROVED_REVISION).map(str::to_owned),
            change_windows,
            snapshots,
            health,
            mode: mode(spec),
            adoption: spec
                .management
                .as_ref()
                .and_then(|management| management.adoption)
                .unwrap_or_default(),
            drift: spec
                .management
                .as_ref()
                .and_then(|management| management.drift)
                .unwrap_or_default(),
            empty_start_consent: annotation::value(app, annotation::ALLOW_EMPTY_START).map(str::to_owned),
        })
    }
}

/// Whether a tag belongs to AWS or to the controller: no spec sets it.
#[must_use]
pub fn is_foreign_tag(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("aws:") || key.starts_with("sluicegate.dev/")
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
    } else if region.starts_with("us-isof-") {
        "aws-iso-f"
    } else if region.starts_with("eu-isoe-") {
        "aws-iso-e"
    } else if region.starts_with("eusc-") {
        "aws-eusc"
    } else {
        "aws"
    }
}

#[cfg(test)]
mod tests;
