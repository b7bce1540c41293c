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
    if situation.want.is_ok() {
        desk.journal.missing = None;
        desk.journal.last_valid = to_remember(&situation.app.spec);
    }
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
        desk.journal.refused_beside.clear();
        desk.journal.not_accepted = None;
    }
    let want = desk.situation.want.ok();
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
    if let Some(plan) = finalizer::finalizer(app, &rules) {
        return plan;
    }
    match desk.situation.want {
        Ok(want) if want.mode == Mode::ObserveOnly => Plan::Observe,
        Ok(want) => change_control::plan(desk, want),
        Err(why) => undesirable::plan(desk, why),
    }
}

#[cfg(test)]
mod tests;
