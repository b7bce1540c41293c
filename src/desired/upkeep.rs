//! What a spec says of what is in place, beside its content: it holds while the spec as a whole cannot be followed, as far
//! as it is valid by itself; otherwise what the last spec said that could be followed.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::api::annotation;
use crate::api::spec::{
    Adoption, Approval, FlinkApplication, FlinkApplicationSpec, Health as HealthSpec, Mode, PreChangeSnapshot, Restore,
    Rollout, Snapshots,
};
use crate::configuration::{Configuration, Revision};
use crate::desired::check::Check;
use crate::desired::{ChangeWindows, Desired, Gate, Health, References, gate, identity};

/// The most bytes that are remembered of a spec.
const MOST: usize = 4096;

/// The members of the last spec that could be followed.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Members {
    #[serde(skip_serializing_if = "Option::is_none")]
    rollout: Option<Rollout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<HealthSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshots: Option<Snapshots>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore: Option<Restore>,
}

impl Members {
    fn remembered(app: &FlinkApplication) -> Self {
        let journal = app.status.as_ref().map(|status| &status.journal);
        let text = journal.and_then(|journal| journal.last_valid.as_deref());
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

/// What is to be remembered of a spec that can be followed; nothing where the defaults hold.
#[must_use]
pub(crate) fn to_remember(spec: &FlinkApplicationSpec) -> Option<String> {
    let members = Members {
        // What holds a revision back, or is done once, is about another revision than the one in place.
        rollout: spec.rollout.clone().map(|rollout| Rollout {
            approval: None,
            change_windows: None,
            ..rollout
        }),
        health: spec.health.clone(),
        snapshots: spec.snapshots.clone(),
        restore: spec.restore.clone().map(|restore| Restore { once: None, ..restore }),
    };
    let text = serde_json::to_string(&members).ok()?;
    (members != Members::default() && text.len() <= MOST).then_some(text)
}

/// Whether a spec asks for no snapshots, with all that says that the state may be lost.
#[must_use]
pub(crate) fn asks_for_no_snapshots(spec: &FlinkApplicationSpec) -> bool {
    let asked = spec.snapshots.as_ref().and_then(|snapshots| snapshots.enabled);
    asked == Some(false)
        && is_valid(|check| {
            let restore = check.restore(spec);
            check.snapshots_off(spec, &restore);
        })
}

/// How long each operation of a change, and its gate, may take.
#[must_use]
pub(crate) fn progress_deadline(app: &FlinkApplication) -> SignedDuration {
    SignedDuration::from_millis(rollout(app).1)
}

impl Health {
    /// The terms by which what is in place is watched, whether or not the rest of the spec can be followed.
    #[must_use]
    pub fn standing(app: &FlinkApplication) -> Self {
        let holds = is_valid(|check| {
            check.health(&app.spec);
        });
        if holds {
            Self::of(&app.spec)
        } else {
            Self::said(Members::remembered(app).health.as_ref())
        }
    }
}

/// What an application has that is in place.
pub(crate) struct InPlace {
    /// Its configuration.
    pub(crate) configuration: Configuration,
    /// Its description.
    pub(crate) description: Option<String>,
    /// Those of its tags that the controller set.
    pub(crate) tags: BTreeMap<String, String>,
}

impl Desired {
    /// What holds for an application in place while the spec cannot be followed: its content stays, and so do its tags and
    /// its maintenance window; nothing that a spec asks for once is done.
    pub(crate) fn standing(app: &FlinkApplication, in_place: InPlace) -> Self {
        let mut spec = app.spec.clone();
        let last = Members::remembered(app);
        let (rollout, progress_deadline, gate) = rollout(app);
        spec.rollout = rollout;
        let holds = is_valid(|check| {
            check.snapshots(&app.spec);
        });
        if !holds {
            spec.snapshots = last.snapshots;
        }
        // The consent to a start without state comes from a spec that can be followed.
        spec.restore = last.restore;
        let asked = spec.restore.as_ref();
        let allow_non_restored_state = asked.and_then(|restore| restore.allow_non_restored_state);
        let pre_change_snapshot = spec.rollout.as_ref();
        let pre_change_snapshot = pre_change_snapshot.and_then(|rollout| rollout.pre_change_snapshot);
        let drift = spec.management.as_ref().and_then(|management| management.drift);
        let mut check = Check::default();
        Self {
            identity: identity(app, ""),
            description: in_place.description,
            state: spec.desired_state,
            restart_nonce: None,
            revision: Revision::of(&in_place.configuration, false),
            configuration: in_place.configuration,
            allow_non_restored_state: allow_non_restored_state.unwrap_or(false),
            maintenance_start: None,
            tags: in_place.tags,
            restore: check.restore(&spec),
            progress_deadline: SignedDuration::from_millis(progress_deadline),
            pre_change_snapshot: pre_change_snapshot.unwrap_or(PreChangeSnapshot::WhenHealthy),
            gate,
            on_failure: gate::on_failure(&spec),
            approval: Approval::Automatic,
            approved_revision: None,
            change_windows: ChangeWindows::default(),
            snapshots: check.snapshots(&spec),
            health: Health::standing(app),
            mode: Mode::Full,
            adoption: Adoption::Never,
            drift: drift.unwrap_or_default(),
            empty_start_consent: annotation::value(app, annotation::ALLOW_EMPTY_START).map(str::to_owned),
        }
    }
}

/// The terms of a rollout: the spec's own where a job can meet them, otherwise those that were remembered.
fn rollout(app: &FlinkApplication) -> (Option<Rollout>, i64, Gate) {
    let mut spec = app.spec.clone();
    let configuration = Check::default().configuration(&spec, &References::new());
    let read = |check: &mut Check, spec: &FlinkApplicationSpec| {
        let deadline = check.progress_deadline(spec);
        (deadline, check.gate(spec, &configuration, deadline))
    };
    let holds = is_valid(|check| {
        read(check, &spec);
    });
    if !holds {
        spec.rollout = Members::remembered(app).rollout;
    }
    let (deadline, gate) = read(&mut Check::default(), &spec);
    (spec.rollout, deadline, gate)
}

/// Whether a part of a spec is valid by itself.
fn is_valid(read: impl FnOnce(&mut Check)) -> bool {
    let mut check = Check::default();
    read(&mut check);
    check.violations.is_empty()
}
