//! What is asked for while the revision of the spec is held after a rollback: it is done with what is in place.

use crate::api::condition::Reason;
use crate::api::status::{HistoryEntry, HistoryResult, Intent, WayBack};
use crate::configuration::Revision;
use crate::desired::{Desired, RestorePolicy};
use crate::plan::change::back_to;
use crate::plan::decision::{Note, Plan, Stall, Waiting};
use crate::plan::desk::{Desk, restart_wanted};
use crate::plan::diff::Difference;
use crate::plan::hold::held;
use crate::plan::rollout::background;
use crate::plan::rollout::restart::restart as restart_of;
use crate::plan::snapshots;
use crate::world::{ApplicationStatus, Observed};

/// The restart of the job in place of the held revision, with its own content and state, where somebody asks for one.
pub(in crate::plan) fn restart(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    if app.status != ApplicationStatus::Running || !restart_wanted(&desk.journal, want) {
        return None;
    }
    let revision = revision(desk, app);
    let in_place = Desired {
        restore: RestorePolicy {
            once: None,
            ..want.restore.clone()
        },
        ..back_to(want, &revision, app.configuration.clone())
    };
    desk.serves = Some(revision.clone());
    let plan = restart_of(desk, app, &in_place);
    if !matches!(plan, Plan::Do(_)) {
        desk.serves = None;
        return Some(plan);
    }
    // Asked for by hand, it is tried whatever it did before.
    desk.journal
        .failed_revisions
        .retain(|failed| failed.revision != revision);
    if let Some(way) = &mut desk.journal.way_back {
        way.failure = None;
    }
    Some(plan)
}

/// The revision that is in place.
fn revision(desk: &Desk<'_>, app: &Observed) -> String {
    let way = desk.journal.way_back.as_ref().map(|way| way.to.clone());
    let running = desk.journal.revisions().running;
    way.or(running)
        .unwrap_or_else(|| Revision::of(&app.configuration, false).to_string())
}

/// What is in place was restarted on request: its job is verified, and the revision of the spec is still held.
pub(in crate::plan) fn restarted(desk: &mut Desk<'_>, intent: &Intent) {
    try_failed_again(desk, intent);
    let Some(to) = intent.revision.as_ref().filter(|_| desk.journal.way_back.is_none()) else {
        return;
    };
    let target = desk.target();
    let rolled_back = desk.journal.rolled_back.clone();
    let held = rolled_back.filter(|rolled_back| rolled_back.to == *to && target.as_ref() == Some(&rolled_back.from));
    let (Some(held), Some(app)) = (held, &desk.situation.world.application) else {
        return;
    };
    if desk.journal.failure_of(&held.from).is_some() {
        desk.journal.way_back = Some(WayBack {
            rollback_refused: true,
            started: true,
            elsewhere: true,
            ..WayBack::new(held.from, held.to, app.version_id, held.reason, desk.situation.now)
        });
    }
}

/// The job of a revision that failed and was left in place was restarted on request: it is verified anew. One that lost its
/// state has none to show, and one that somebody left is held until a retry.
fn try_failed_again(desk: &mut Desk<'_>, intent: &Intent) {
    let revision = intent.revision.as_deref();
    let Some(failed) = revision.and_then(|revision| desk.journal.failure_of(revision)) else {
        return;
    };
    if matches!(
        failed.reason,
        Reason::StateNotRestored | Reason::Manual | Reason::System
    ) {
        desk.journal.rollout = None;
        return;
    }
    desk.journal
        .failed_revisions
        .retain(|failed| Some(failed.revision.as_str()) != revision);
}

/// A restart is asked for of what is in place and stopped: its start, which comes next, is the restart, whatever failed
/// before.
pub(super) fn try_again(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    if app.status != ApplicationStatus::Ready || !restart_wanted(&desk.journal, want) {
        return;
    }
    let Some(way) = &mut desk.journal.way_back else { return };
    way.failure = None;
    let to = way.to.clone();
    desk.journal.force_stopped = None;
    desk.journal.failed_revisions.retain(|failed| failed.revision != to);
    desk.journal.refusal = None;
    let at = desk.situation.now;
    desk.journal.remember(HistoryEntry {
        at,
        result: HistoryResult::Retried,
        revision: Some(to),
        version_id: None,
        snapshot: None,
    });
    let request = desk.journal.requests().restart;
    desk.handle_restart(want.restart_nonce, request);
}

/// The move of a way back whose job runs, and what somebody asks of that job.
pub(super) fn beside(desk: &mut Desk<'_>, app: &Observed, want: &Desired, plan: Plan) -> Plan {
    let way = desk.journal.way_back.clone();
    let Some(way) = way.filter(|way| way.started && app.status == ApplicationStatus::Running) else {
        return plan;
    };
    match plan {
        Plan::Stall(stall) => {
            if way.failure.is_some() {
                refuse_snapshot(desk);
            }
            restart(desk, app, want).unwrap_or_else(|| match stall.reason {
                Reason::Unverified => background::beside(snapshots::of_unverified(desk, app, want), Plan::Stall(stall)),
                _ => Plan::Stall(stall),
            })
        }
        Plan::Wait(waiting) if way.elsewhere => {
            restart(desk, app, want).unwrap_or_else(|| beside_the_hold(desk, want, waiting))
        }
        plan => plan,
    }
}

/// Answers a request for a snapshot of a job in trouble: it would be none to go back to.
fn refuse_snapshot(desk: &mut Desk<'_>) {
    let Some(request) = desk.journal.requests().snapshot else {
        return;
    };
    desk.handle(|requests, handled| {
        requests.snapshot = None;
        handled.snapshot = Some(request);
    });
    let message = "a snapshot was asked for and the job in place is in trouble: it would be none to go back to";
    desk.notes.push(Note::warning("SnapshotRefused", message));
}

/// What is said while the job of somebody else's rollback is verified: that the revision of the spec is held.
fn beside_the_hold(desk: &Desk<'_>, want: &Desired, waiting: Waiting) -> Plan {
    let anything = Difference::default();
    match held(desk, want, &anything) {
        Some(Plan::Stall(stall)) => Plan::Stall(Stall {
            recheck: Some(waiting.until),
            ..stall
        }),
        _ => Plan::Wait(waiting),
    }
}
