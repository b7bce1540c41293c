//! The decision of a pass: from what was asked, what is, and what must be remembered, to the single next move.
//!
//! Everything here is pure: no clock, no randomness, no I/O. The same situation always plans the same move.

mod adoption;
mod by_hand;
pub mod change_control;
pub mod diff;
pub(crate) mod drift;
mod elsewhere;
mod gate;
pub mod health;
mod ledger;
pub mod measure;
mod needs;
pub mod outcome;
pub mod ownership;
pub mod preview;
pub(crate) mod put_back;
mod requests;
mod resolved_key;
mod restore;
mod rollback;
mod rollout;
mod settle;
pub(crate) mod snapshots;
pub mod step;
pub(crate) mod switched_off;
mod teardown;
mod unheeded;
pub mod urgency;
pub(crate) mod waiting;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::api::FINALIZER;
use crate::api::condition::{ConditionType, Reason};
use crate::api::spec::{DeletionPolicy, FlinkApplication, Mode};
use crate::api::status::{Intent, Journal, MissingStatus, Phase, StepKind};
use crate::desired::{DeletionRules, Desired, Undesirable, deletion_rules};
use crate::fault::{Fault, FaultKind};
use crate::plan::change_control::HeldBack;
use crate::plan::measure::Measure;
use crate::plan::ownership::Owner;
use crate::plan::step::Step;
use crate::world::World;

pub use needs::{AtRest, at_rest, needs};

/// Everything that a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The resource, with the journal in its status.
    pub app: &'a FlinkApplication,
    /// What the resource asks for, or why it asks for nothing.
    pub want: Result<&'a Desired, &'a Undesirable>,
    /// What the service was seen to have.
    pub world: &'a World,
    /// Whose application it is when it is ours.
    pub owner: &'a Owner,
    /// The patience of the controller.
    pub rules: &'a Rules,
    /// The moment of the decision, in whole seconds.
    pub now: Timestamp,
}

/// How long the controller is patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a refusal for permission, quota, role or location counts as work in flight.
    pub refusal_grace: SignedDuration,
    /// The longest time between two attempts of such a call.
    pub refusal_recheck: SignedDuration,
    /// How long a missing ConfigMap counts as work in flight.
    pub reference_grace: SignedDuration,
    /// The namespaces in which existing applications may be taken over.
    pub adoption_namespaces: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            refusal_grace: SignedDuration::from_mins(10),
            refusal_recheck: SignedDuration::from_mins(5),
            reference_grace: SignedDuration::from_mins(2),
            adoption_namespaces: Vec::new(),
        }
    }
}

/// The decision of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What must be remembered from here on; with a step, its intent is in it.
    pub journal: Journal,
    /// The move.
    pub plan: Plan,
    /// What a person should hear of.
    pub notes: Vec<Note>,
    /// What was measured of a change.
    pub measures: Vec<Measure>,
    /// Since when the log is to be searched for the first cause of a failure that the decision judges without one.
    pub cause_since: Option<Timestamp>,
    /// When to look again although nothing is awaited: something is due then, or changes by age alone.
    pub wake: Option<Timestamp>,
}

/// The single next move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing to do: the world is as desired.
    Rest,
    /// Nothing to do but for a new revision, which is held back.
    HeldBack(HeldBack),
    /// Nothing is done, because somebody asked only to watch.
    Pause,
    /// Nothing is ever done, as the spec says: the application is read and reported.
    Observe,
    /// Something is awaited.
    Wait(Waiting),
    /// One mutating call.
    Do(Step),
    /// Nothing will change without a person or another spec.
    Stall(Stall),
    /// Take the finalizer.
    Hold,
    /// Drop the finalizer.
    Release,
}

impl Plan {
    /// The name of the kind of move, also the label of its metric.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::HeldBack(_) => "held-back",
            Self::Pause => "pause",
            Self::Observe => "observe",
            Self::Wait(_) => "wait",
            Self::Do(_) => "do",
            Self::Stall(_) => "stall",
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }
}

/// What is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Why, as one word.
    pub reason: Reason,
    /// Why, as a sentence; it names points in time and never the time that has passed.
    pub message: String,
    /// When to look again.
    pub until: Timestamp,
    /// Whether the job and its configuration are left alone by what is awaited.
    pub background: bool,
}

/// Why nothing will change by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Why, as one word.
    pub reason: Reason,
    /// Why, and what unblocks it, as a sentence.
    pub message: String,
    /// When a refused call is sent again.
    pub recheck: Option<Timestamp>,
}

/// Something that a person should hear of; it becomes an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The reason of the event.
    pub reason: &'static str,
    /// Whether it is a warning.
    pub warning: bool,
    /// The sentence.
    pub message: String,
}

impl Note {
    /// Something that went as it should.
    #[must_use]
    pub fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            warning: false,
            message: message.into(),
        }
    }

    /// Something that did not.
    #[must_use]
    pub fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            warning: true,
            message: message.into(),
        }
    }
}

/// The work table of a decision: the situation, and the journal and notes as they grow.
struct Desk<'a> {
    situation: Situation<'a>,
    journal: Journal,
    notes: Vec<Note>,
    measures: Vec<Measure>,
    /// The revision that a step serves where it is not the target.
    serves: Option<String>,
    /// Why the revision of the spec is held back; then the situation asks for what is in place.
    held_back: Option<HeldBack>,
    /// What somebody else changed, while it is undone.
    undone: Option<String>,
    /// Since when the log may tell the first cause of a failure that has none.
    cause_since: Option<Timestamp>,
}

/// Decides the single next move.
#[must_use]
pub fn plan(situation: &Situation<'_>) -> Decision {
    let journal = situation
        .app
        .status
        .as_ref()
        .map(|status| status.journal.clone())
        .unwrap_or_default();
    let mut desk = Desk {
        situation: *situation,
        journal,
        notes: Vec::new(),
        measures: Vec::new(),
        serves: None,
        held_back: None,
        undone: None,
        cause_since: None,
    };
    requests::take_over(&mut desk);
    settle::settle(&mut desk);
    resolved_key::note_create(&mut desk);
    unheeded::forget_seen(&mut desk);
    let keyed = situation
        .want
        .ok()
        .and_then(|want| resolved_key::with_key(&desk.journal, want));
    if let Some(keyed) = &keyed {
        desk.situation.want = Ok(keyed);
    }
    snapshots::note(&mut desk);
    health::note(&mut desk);
    let in_place = change_control::judge(&mut desk);
    if let Some(in_place) = &in_place {
        desk.situation.want = Ok(in_place);
    }
    let plan = next(&mut desk);
    let plan = waiting::for_others(&desk, plan);
    change_control::let_through(&mut desk, &plan);
    drift::tell(&mut desk, &plan);
    if let Plan::Do(step) = &plan {
        desk.declare(step);
    }
    if !matches!(plan, Plan::Do(_) | Plan::Wait(_) | Plan::Stall(_)) {
        desk.journal.refusal = None;
    }
    let want = situation.want.ok();
    let wake = want.and_then(|want| snapshots::wake(&desk.journal, want, situation.now));
    let open = desk.journal.intent.as_ref().filter(|_| plan == Plan::Observe);
    let open = open.map(|intent| waiting::next_look(situation.now, intent.declared_at));
    let wake = wake.into_iter().chain(open).chain(health::wake(&desk)).min();
    Decision {
        journal: desk.journal,
        plan,
        notes: desk.notes,
        measures: desk.measures,
        cause_since: desk.cause_since,
        wake,
    }
}

/// Whether a resource that is being deleted is released without a look at the service.
#[must_use]
pub fn is_retained(app: &FlinkApplication) -> bool {
    app.metadata.deletion_timestamp.is_some() && deletion_rules(&app.spec).policy == DeletionPolicy::Retain
}

/// Whether the spec asks for a restart that was not made. A nonce that was removed asks for none.
fn restart_wanted(journal: &Journal, want: &Desired) -> bool {
    let handled = journal.handled.as_ref().and_then(|handled| handled.restart_nonce);
    journal.requests().restart.is_some() || (want.restart_nonce.is_some() && handled != want.restart_nonce)
}

/// The decision while the service does not let the controller read: nothing is concluded about the application.
#[must_use]
pub fn unreadable(app: &FlinkApplication, fault: &Fault, lasting: bool, next: Timestamp) -> Decision {
    let message = format!("the application cannot be read: {}. It is tried again", fault.message);
    let plan = if lasting && fault.kind == FaultKind::Denied {
        Plan::Stall(Stall {
            reason: Reason::AccessDenied,
            message,
            recheck: Some(next),
        })
    } else {
        Plan::Wait(Waiting {
            reason: Reason::Pending,
            message,
            until: next,
            background: false,
        })
    };
    Decision {
        journal: app
            .status
            .as_ref()
            .map(|status| status.journal.clone())
            .unwrap_or_default(),
        plan,
        notes: Vec::new(),
        measures: Vec::new(),
        cause_since: None,
        wake: None,
    }
}

fn next(desk: &mut Desk<'_>) -> Plan {
    let app = desk.situation.app;
    let rules = deletion_rules(&app.spec);
    if app.metadata.deletion_timestamp.is_some() {
        return if requests::is_paused(app) {
            Plan::Release
        } else {
            teardown::plan(desk, &rules)
        };
    }
    if requests::is_paused(app) {
        return Plan::Pause;
    }
    if let Some(plan) = finalizer(app, &rules) {
        return plan;
    }
    match desk.situation.want {
        Ok(want) => {
            desk.journal.missing = None;
            if want.mode == Mode::ObserveOnly {
                return Plan::Observe;
            }
            change_control::plan(desk, want)
        }
        Err(Undesirable::Missing(name)) => missing(desk, name),
        Err(Undesirable::Invalid(violations)) => {
            let problems: Vec<String> = violations.iter().map(ToString::to_string).collect();
            stall(
                Reason::InvalidSpec,
                format!("{}. Correct the spec", problems.join("; ")),
            )
        }
    }
}

fn finalizer(app: &FlinkApplication, rules: &DeletionRules) -> Option<Plan> {
    let held = app.finalizers().iter().any(|name| name == FINALIZER);
    match (rules.policy, held) {
        (DeletionPolicy::Retain, true) => Some(Plan::Release),
        (DeletionPolicy::Stop | DeletionPolicy::Delete, false) => Some(Plan::Hold),
        _ => None,
    }
}

fn missing(desk: &mut Desk<'_>, name: &str) -> Plan {
    let now = desk.situation.now;
    let what = format!("ConfigMap {name}");
    let since = match &desk.journal.missing {
        Some(missing) if missing.what == what => missing.since,
        _ => now,
    };
    desk.journal.missing = Some(MissingStatus {
        what: what.clone(),
        since,
    });
    let message = format!("{what} of spec.propertyGroups does not exist in the namespace; create it");
    let grace_ends = since + desk.situation.rules.reference_grace;
    if now < grace_ends {
        Plan::Wait(Waiting {
            reason: Reason::Pending,
            message,
            until: grace_ends,
            background: false,
        })
    } else {
        stall(Reason::ReferenceNotFound, message)
    }
}

fn stall(reason: Reason, message: impl Into<String>) -> Plan {
    Plan::Stall(Stall {
        reason,
        message: message.into(),
        recheck: None,
    })
}

impl Desk<'_> {
    /// Whether a condition of the resource has a reason already.
    fn was_said(&self, type_: ConditionType, reason: Reason) -> bool {
        let mut conditions = self.situation.app.status.iter().flat_map(|status| &status.conditions);
        conditions.any(|condition| condition.type_ == type_.as_str() && condition.reason == reason.as_str())
    }

    fn declare(&mut self, step: &Step) {
        let world = self.situation.world;
        let fence = step.fence();
        self.journal.intent = Some(Intent {
            step: step.kind(),
            phase: Phase::Declared,
            revision: self.served(),
            restart_nonce: self.situation.want.ok().and_then(|want| want.restart_nonce),
            restart_request: self.journal.requests().restart,
            snapshot_request: self
                .journal
                .requests()
                .snapshot
                .filter(|_| step.kind() == StepKind::BackUp),
            restore_once: self.restore_once(),
            fence: fence.map(|fence| fence.token.clone()),
            from_version_id: world.application.as_ref().map(|app| app.version_id),
            snapshot: step.snapshot().map(str::to_owned),
            restores: step.restores(),
            after_operation_id: world.operations().first().map(|operation| operation.id.clone()),
            declared_at: self.situation.now,
            asks: unheeded::asks(step),
            operation_id: None,
            to_version_id: None,
        });
    }
}

#[cfg(test)]
mod tests;
