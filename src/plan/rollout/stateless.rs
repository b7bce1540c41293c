//! The newest good revision whose job came up without the state that it was started from.
//!
//! It is stopped by force once, and started from the same snapshot again. A job that comes up so again is left running, and
//! none of its snapshots is gone back to.

use crate::api::condition::Reason;
use crate::api::spec::OnFailure;
use crate::api::status::HistoryResult;
use crate::desired::Desired;
use crate::plan::change::{lost_its_state, lost_its_state_at};
use crate::plan::decision::{Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::gate::Trouble;
use crate::plan::points::STATELESS;
use crate::plan::rollout::restart::by_force;
use crate::plan::step::Step;
use crate::plan::{health, waiting};

/// What follows for such a job.
pub(super) fn answer(desk: &mut Desk<'_>, want: &Desired, trouble: &Trouble) -> Plan {
    let revision = want.revision.as_str();
    let rollout = desk.journal.rollout.clone();
    let is_known = lost_its_state(desk, revision);
    let is_left = is_known && is_marked(desk);
    let is_forgiven = is_tried_again(desk);
    let did_before = lost_its_state_at(desk, revision).is_some() && !is_forgiven;
    let is_again = is_left || !is_known && did_before;
    if is_forgiven || !is_known {
        desk.condemn(trouble.failure_of(revision));
    }
    if !is_forgiven && is_again || want.on_failure == OnFailure::Hold || health::restarted_lately(desk) {
        desk.journal.rollout = rollout;
        mark(desk);
        return told(trouble, is_again);
    }
    if is_forgiven || !is_known {
        // The start that follows goes on from what was there before this job.
        desk.journal.rollout = rollout;
        mark(desk);
        desk.close_span(desk.situation.now);
    }
    desk.journal.rollout = None;
    match want.on_failure {
        OnFailure::ForceStop => waiting::admitted(desk, Step::ForceStop),
        OnFailure::Hold | OnFailure::Rollback => by_force(desk, want),
    }
}

/// Whether somebody asked for another attempt since the last failure.
fn is_tried_again(desk: &Desk<'_>) -> bool {
    let failed_at = desk.journal.last_failure.as_ref().map(|failure| failure.at);
    let mut newest_first = desk.journal.history.iter().rev();
    let retried = newest_first.find(|entry| entry.result == HistoryResult::Retried);
    retried
        .zip(failed_at)
        .is_some_and(|(retried, failed_at)| retried.at > failed_at)
}

/// Whether the job in place is left running.
fn is_marked(desk: &Desk<'_>) -> bool {
    let mut spans = desk.journal.unproven.iter();
    spans.any(|span| span.until.is_none() && span.revision == STATELESS)
}

/// Lets no snapshot of the job in place be one to go back to.
fn mark(desk: &mut Desk<'_>) {
    if !is_marked(desk) {
        let gate = desk.journal.rollout.as_ref().and_then(|rollout| rollout.gate.as_ref());
        let since = gate.and_then(|gate| gate.opened_at).unwrap_or(desk.situation.now);
        desk.open_span(Some(STATELESS), since);
    }
}

fn told(trouble: &Trouble, is_again: bool) -> Plan {
    let (reason, again, retry) = if is_again {
        let retry = ", or sluicegate.dev/retry-requested-at to start it from the snapshot once more";
        (Reason::RollbackFailed, " again", retry)
    } else {
        (Reason::JobUnhealthy, "", "")
    };
    stall(
        reason,
        format!(
            "{}{again}. It is left running, and none of its snapshots is gone back to. Annotate sluicegate.dev/restart-requested-at to keep what it has{retry}",
            trouble.cause
        ),
    )
}
