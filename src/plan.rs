//! The decision of a pass: from what was asked, what is, and what must be remembered, to the single next move.
//!
//! Everything here is pure: no clock, no randomness, no I/O. The same situation always plans the same move.

mod adoption;
mod by_hand;
mod call;
mod change;
pub mod change_control;
mod decision;
mod desk;
pub mod diff;
pub(crate) mod drift;
mod elsewhere;
mod finalizer;
mod gate;
pub mod health;
mod hold;
mod ledger;
mod measure;
mod needs;
pub mod not_accepted;
pub mod outcome;
pub mod ownership;
mod points;
pub mod preview;
pub(crate) mod put_back;
mod requests;
mod resolved_key;
mod restore;
mod rollback;
mod rollout;
mod settle;
#[cfg(feature = "shadow")]
mod shadow;
mod situation;
pub(crate) mod snapshots;
pub mod step;
mod stops;
pub(crate) mod switched_off;
mod teardown;
pub(crate) mod undesirable;
mod unheeded;
pub mod urgency;
pub(crate) mod waiting;

use jiff::Timestamp;

use crate::api::condition::Reason;
use crate::api::spec::{DeletionPolicy, FlinkApplication, Mode};
use crate::desired::{deletion_rules, to_remember};
use crate::fault::{Fault, FaultKind};
use crate::plan::desk::Desk;

pub use decision::{Decision, HeldBack, Measure, Note, Plan, Stall, Waiting};
pub use needs::{AtRest, at_rest, needs};
pub use situation::{Rules, Situation};

/// A stage of a decision.
struct Stage {
    /// The name, also a label of the metric of decisions.
    name: &'static str,
    /// When it answers.
    when: &'static str,
    /// The answer; nothing where another stage decides.
    decide: fn(&mut Desk<'_>) -> Option<Plan>,
}

/// What a pass asks, most important first: the first stage with an answer decides. docs/lifecycle.md prints this list.
const STAGES: &[Stage] = &[
    stage("deletion", "the resource is being deleted", teardown::decide),
    stage("pause", "somebody asked only to watch", pause),
    stage(
        "finalizer",
        "the policy of the deletion needs the finalizer, or needs it no more",
        finalizer::decide,
    ),
    stage(
        "unusable",
        "the spec is invalid, or a ConfigMap that it names is missing",
        unusable,
    ),
    stage("observe", "the spec asks for reading alone", observe),
    stage("create", "there is no application", rollout::create),
    stage(
        "give-way",
        "a job is down for a change that gave way to one that must wait",
        change_control::give_way,
    ),
    stage(
        "own",
        "the application is not ours, or cannot be as the spec asks",
        rollout::own,
    ),
    // Before the call in flight is followed: it cuts through one that was accepted.
    stage("force-stop", "somebody asked for a forced stop", by_hand::force_stop),
    // Before the call in flight is followed: it may be left before its end.
    stage(
        "revert",
        "the spec returned to the good revision before another was proven",
        rollout::revert,
    ),
    stage("follow", "the effect of a call is awaited", rollout::follow),
    stage(
        "roll-back",
        "a revision failed or is left, and the spec asks for a job",
        rollout::roll_back,
    ),
    stage("transition", "the service is busy", rollout::transition),
    stage("stop", "the spec asks for no job, and one runs", rollout::stop),
    stage(
        "hold",
        "the revision failed, or its job was stopped and stays so",
        rollout::hold,
    ),
    stage("change", "the configuration differs", rollout::change),
    stage("stopped", "the spec asks for no job, and none runs", rollout::stopped),
    stage("start", "the spec asks for a job, and none runs", rollout::start),
    stage("verify", "the job in place is not proven", rollout::verify),
    stage("restart", "somebody asked for a restart", rollout::restart),
    stage("loop", "a proven job is in a loop of restarts", rollout::answer_loop),
    stage("rest", "everything is as it shall be", rollout::rest),
];

const fn stage(name: &'static str, when: &'static str, decide: fn(&mut Desk<'_>) -> Option<Plan>) -> Stage {
    Stage { name, when, decide }
}

/// The stages in the order in which they count: the name of each, and when it answers.
pub fn stages() -> impl Iterator<Item = (&'static str, &'static str)> {
    STAGES.iter().map(|stage| (stage.name, stage.when))
}

/// Decides the single next move.
#[must_use]
pub fn plan(situation: &Situation<'_>) -> Decision {
    let decision = decide(situation);
    #[cfg(feature = "shadow")]
    let decision = shadow::beside(situation, decision);
    decision
}

fn decide(situation: &Situation<'_>) -> Decision {
    let mut desk = Desk::of(situation);
    learn(&mut desk);
    let keyed = situation.want.ok();
    let keyed = keyed.and_then(|want| resolved_key::with_key(&desk.journal, want));
    if let Some(keyed) = &keyed {
        desk.situation.want = Ok(keyed);
    }
    snapshots::note(&mut desk);
    health::note(&mut desk);
    let in_place = change_control::judge(&mut desk);
    if let Some(in_place) = &in_place {
        desk.situation.want = Ok(in_place);
    }
    let (stage, plan) = first_answer(&mut desk);
    let plan = change_control::told(&desk, plan);
    let plan = waiting::for_others(&desk, plan);
    commit(&mut desk, &plan);
    let wake = next_wake(&desk, &plan);
    Decision {
        journal: desk.journal,
        plan,
        notes: desk.notes,
        measures: desk.measures,
        cause_since: desk.cause_since,
        wake,
        stage,
    }
}

/// Takes note of what people ask for and of what became of the calls.
fn learn(desk: &mut Desk<'_>) {
    if desk.situation.want.is_ok() {
        desk.journal.missing = None;
        desk.journal.last_valid = to_remember(&desk.situation.app.spec);
    }
    requests::take_over(desk);
    settle::settle(desk);
    resolved_key::note_create(desk);
    unheeded::forget_seen(desk);
}

/// The answer of the first stage that has one.
fn first_answer(desk: &mut Desk<'_>) -> (&'static str, Plan) {
    let mut stages = STAGES.iter();
    let answer = stages.find_map(|stage| Some((stage.name, (stage.decide)(desk)?)));
    answer.unwrap_or(("rest", Plan::Rest))
}

/// Writes down what follows from the plan: what is let through, the call before it is sent, and which refusals are over.
fn commit(desk: &mut Desk<'_>, plan: &Plan) {
    change_control::let_through(desk, plan);
    drift::tell(desk, plan);
    if let Plan::Do(step) = plan {
        desk.declare(step);
    }
    if !matches!(plan, Plan::Do(_) | Plan::Wait(_) | Plan::Stall(_)) {
        desk.journal.refusal = None;
        desk.journal.refused_beside.clear();
        desk.journal.not_accepted = None;
    }
}

/// When to look again although nothing is awaited.
fn next_wake(desk: &Desk<'_>, plan: &Plan) -> Option<Timestamp> {
    let now = desk.situation.now;
    let want = desk.situation.want.ok();
    let snapshot = want.and_then(|want| snapshots::wake(&desk.journal, want, now));
    let open = desk.journal.intent.as_ref().filter(|_| *plan == Plan::Observe);
    let open = open.map(|intent| waiting::next_look(now, intent.declared_at));
    snapshot.into_iter().chain(open).chain(health::wake(desk)).min()
}

/// Whether a resource that is being deleted is released without a look at the service.
#[must_use]
pub fn is_retained(app: &FlinkApplication) -> bool {
    app.metadata.deletion_timestamp.is_some() && deletion_rules(&app.spec).policy == DeletionPolicy::Retain
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
        stage: "unreadable",
    }
}

/// Nothing is done, because somebody asked only to watch.
fn pause(desk: &mut Desk<'_>) -> Option<Plan> {
    requests::is_paused(desk.situation.app).then_some(Plan::Pause)
}

/// What is said of a spec that asks for nothing that can be done.
fn unusable(desk: &mut Desk<'_>) -> Option<Plan> {
    match desk.situation.want {
        Err(why) => Some(undesirable::plan(desk, why)),
        Ok(_) => None,
    }
}

/// Nothing is ever done, as the spec says.
fn observe(desk: &mut Desk<'_>) -> Option<Plan> {
    let want = desk.situation.want.ok()?;
    (want.mode == Mode::ObserveOnly).then_some(Plan::Observe)
}

#[cfg(test)]
mod tests;
