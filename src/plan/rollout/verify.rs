//! The gate of a job in place: what it says, and what follows.

use crate::api::condition::Reason;
use crate::api::status::HistoryResult;
use crate::desired::Desired;
use crate::plan::change::{lost_its_state, open_rollout};
use crate::plan::decision::{Note, Plan, Stall, stall};
use crate::plan::desk::Desk;
use crate::plan::diff::Difference;
use crate::plan::gate::{self, Trouble, Verdict};
use crate::plan::hold::held;
use crate::plan::rollout::background::{background, beside, beside_unverified};
use crate::plan::rollout::stateless;
use crate::plan::{health, rollback};
use crate::world::Observed;

/// Whether the job in place passed the gate.
pub(super) fn is_proven(desk: &Desk<'_>, want: &Desired) -> bool {
    let revisions = desk.journal.revisions();
    let revision = Some(want.revision.as_str());
    revisions.running.as_deref() == revision
        && revisions.good.as_deref() == revision
        && desk.journal.rollout.is_none()
        && !lost_its_state(desk, want.revision.as_str())
}

/// Holds the job of the wanted revision against the gate; nothing when it passes.
pub(super) fn verify(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let revision = want.revision.to_string();
    if desk.journal.revisions().running.as_ref() != Some(&revision) {
        desk.open_span(Some(&revision), desk.situation.now);
        desk.set_running(Some(revision.clone()));
    }
    let mut rollout = open_rollout(desk, app, want);
    let verdict = gate::evaluate(desk, &mut rollout, want);
    desk.journal.rollout = Some(rollout);
    match verdict {
        Verdict::Good => {
            promote(desk, app, want);
            None
        }
        Verdict::NotYet(waiting) => match background(desk, app, want) {
            Some(Plan::Do(step)) => Some(Plan::Do(step)),
            other => Some(still_in_trouble(desk, want).unwrap_or_else(|| beside(other, Plan::Wait(waiting)))),
        },
        Verdict::Disturbed(stall) => Some(still_in_trouble(desk, want).unwrap_or(Plan::Stall(stall))),
        Verdict::Unverified(why) => {
            desk.journal.had_state = true;
            let plan = stall(
                Reason::Unverified,
                format!(
                    "revision {revision} runs and is not proven: {why}. It is looked at again at every resync, or annotate sluicegate.dev/reconcile-requested-at"
                ),
            );
            Some(beside(beside_unverified(desk, app, want), plan))
        }
        Verdict::Trouble(trouble) => Some(disproved(desk, app, want, trouble)),
    }
}

/// The job that the change brought is in trouble: the revision failed, or, where it was good before, its start did.
fn disproved(desk: &mut Desk<'_>, app: &Observed, want: &Desired, trouble: Trouble) -> Plan {
    let revision = want.revision.as_str();
    if desk.is_good(revision) && trouble.reason == Reason::StateNotRestored {
        return stateless::answer(desk, want, &trouble);
    }
    if is_left_running(desk, revision) {
        return left_running(desk, want, &trouble);
    }
    desk.condemn(trouble.failure_of(revision));
    // What was asked for before the attempt failed asks for no other one.
    let request = desk.journal.requests().restart;
    desk.handle_restart(want.restart_nonce, request);
    rollback::plan(desk, app, want)
        .or_else(|| held(desk, want, &Difference::default()))
        .unwrap_or_else(|| stall(trouble.reason, trouble.cause))
}

/// Whether the gate stops no job of a revision, whatever it finds: one of the newest good revision, or one that was found
/// running.
fn is_left_running(desk: &Desk<'_>, revision: &str) -> bool {
    let gate = desk.journal.rollout.as_ref().and_then(|rollout| rollout.gate.as_ref());
    desk.is_good(revision) || gate.is_some_and(|gate| gate.found_at.is_some())
}

/// Tells the trouble of a job that its gate does not stop; `spec.health` says what follows. It is verified on, and the
/// trouble is over when it passes the gate.
fn left_running(desk: &mut Desk<'_>, want: &Desired, trouble: &Trouble) -> Plan {
    if let Some(gate) = desk.journal.rollout.as_mut().and_then(|rollout| rollout.gate.as_mut()) {
        gate.excused = gate.restarts;
        gate.stable_since = None;
    }
    if health::begin_in_gate(desk, &trouble.cause) {
        desk.notes
            .push(Note::warning(trouble.reason.as_str(), trouble.cause.clone()));
    }
    told(desk, want, &trouble.cause)
}

/// What is said of a job that its gate does not stop, or what is done with it, until it passes the gate after trouble.
fn still_in_trouble(desk: &mut Desk<'_>, want: &Desired) -> Option<Plan> {
    if !is_left_running(desk, want.revision.as_str()) {
        return None;
    }
    let cause = desk.journal.restart_loop()?.found.clone();
    Some(told(desk, want, &cause))
}

/// The stall over a job in trouble, which is looked at again, or what the spec asks for it.
fn told(desk: &mut Desk<'_>, want: &Desired, cause: &str) -> Plan {
    let again = desk.situation.now + desk.situation.rules.refusal_recheck;
    let plan = health::answer(desk, want).unwrap_or_else(|| stall(Reason::JobUnhealthy, cause));
    if matches!(plan, Plan::Do(_)) {
        desk.journal.rollout = None;
    }
    match plan {
        Plan::Stall(stall) => Plan::Stall(Stall {
            recheck: Some(again),
            ..stall
        }),
        plan => plan,
    }
}

/// The job is proven: the revision is good and the rollout over.
fn promote(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let revision = want.revision.as_str();
    let gate = desk.journal.rollout.as_ref().and_then(|rollout| rollout.gate.as_ref());
    let down = gate.and_then(|gate| gate.downtime_seconds);
    let down = down.map_or(String::new(), |seconds| {
        format!("; nothing was processed for about {seconds} s")
    });
    desk.make_good(revision, app.version_id);
    if let Some(health) = &mut desk.journal.health {
        health.restart_loop = None;
    }
    desk.outlive_rollback(revision);
    desk.record(HistoryResult::Promoted, Some(revision.to_owned()));
    desk.notes.push(Note::normal(
        "GatePassed",
        format!(
            "revision {revision} runs as version {} and is proven good{down}",
            app.version_id
        ),
    ));
}
