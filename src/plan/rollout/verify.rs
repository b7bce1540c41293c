//! The gate of a job in place: what it says, and what follows.

use crate::api::condition::Reason;
use crate::api::spec::OnFailure;
use crate::api::status::HistoryResult;
use crate::desired::Desired;
use crate::plan::change::open_rollout;
use crate::plan::decision::{Note, Plan, Stall, stall};
use crate::plan::desk::Desk;
use crate::plan::diff::Difference;
use crate::plan::gate::{self, Trouble, Verdict};
use crate::plan::hold::held;
use crate::plan::ledger::{Failure, Source};
use crate::plan::rollout::background::{background, beside, beside_unverified};
use crate::plan::rollout::restart::by_force;
use crate::plan::step::Step;
use crate::plan::{health, rollback, waiting};
use crate::world::Observed;

/// Whether the job in place passed the gate.
pub(super) fn is_proven(desk: &Desk<'_>, want: &Desired) -> bool {
    let revisions = desk.journal.revisions();
    let revision = Some(want.revision.as_str());
    revisions.running.as_deref() == revision && revisions.good.as_deref() == revision && desk.journal.rollout.is_none()
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
    let good = desk.is_good(revision);
    let gate = desk.journal.rollout.as_ref().and_then(|rollout| rollout.gate.as_ref());
    if gate.is_some_and(|gate| gate.found_at.is_some()) {
        let plan = left_running(desk, want, &trouble);
        if let Some(gate) = desk.journal.rollout.as_mut().and_then(|rollout| rollout.gate.as_mut()) {
            gate.excused = gate.restarts;
            gate.stable_since = None;
        }
        return plan;
    }
    if trouble.reason == Reason::DeadlineExceeded && desk.journal.revisions().good.as_deref() == Some(revision) {
        return left_running(desk, want, &trouble);
    }
    desk.condemn(Failure {
        revision: Some(want.revision.to_string()),
        reason: trouble.reason,
        cause: trouble.cause.clone(),
        source: Source::FlinkRest,
    });
    if good {
        if trouble.reason == Reason::RestartLoop {
            health::begin_in_gate(desk, &trouble.cause);
        }
        let restarted = health::restarted_lately(desk);
        return match want.on_failure {
            _ if restarted => stall(Reason::JobUnhealthy, trouble.cause),
            OnFailure::Hold => stall(Reason::JobUnhealthy, trouble.cause),
            OnFailure::Rollback => by_force(desk, want),
            OnFailure::ForceStop => waiting::admitted(desk, Step::ForceStop),
        };
    }
    rollback::plan(desk, app, want)
        .or_else(|| held(desk, want, &Difference::default()))
        .unwrap_or_else(|| stall(trouble.reason, trouble.cause))
}

/// A job that was found running, or of the newest good revision that is late, is not stopped by its gate: the trouble is
/// told, and `spec.health` says what follows. It is verified on, and the trouble is over when it passes the gate.
fn left_running(desk: &mut Desk<'_>, want: &Desired, trouble: &Trouble) -> Plan {
    if health::begin_in_gate(desk, &trouble.cause) {
        desk.notes
            .push(Note::warning(trouble.reason.as_str(), trouble.cause.clone()));
    }
    told(desk, want, &trouble.cause)
}

/// What is said of a job that no call of ours brought, or what is done with it, until it passes the gate after trouble.
fn still_in_trouble(desk: &mut Desk<'_>, want: &Desired) -> Option<Plan> {
    let gate = desk.journal.rollout.as_ref()?.gate.as_ref()?;
    gate.found_at?;
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
