//! The newest good revision whose job came up without the state that it was started from.
//!
//! It is stopped by force once, and started from the same snapshot again. A job that comes up so again is left running, and
//! none of its snapshots is gone back to.

use crate::api::condition::Reason;
use crate::api::spec::OnFailure;
use crate::desired::Desired;
use crate::plan::change::lost_its_state;
use crate::plan::decision::{Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::gate::Trouble;
use crate::plan::rollout::restart::by_force;
use crate::plan::rollout::start::failed_starts;
use crate::plan::step::Step;
use crate::plan::{health, waiting};
use crate::world::Observed;

/// What follows for such a job.
pub(super) fn answer(desk: &mut Desk<'_>, app: &Observed, want: &Desired, trouble: &Trouble) -> Plan {
    let rollout = desk.journal.rollout.clone();
    let is_forgiven = failed_starts(desk, want).next().is_none();
    if is_forgiven || !lost_its_state(desk, want.revision.as_str()) {
        desk.condemn(trouble.failure_of(want.revision.as_str()));
    }
    let is_again = failed_starts(desk, want).count() > 1;
    if is_again || want.on_failure == OnFailure::Hold || health::restarted_lately(desk) {
        desk.journal.rollout = rollout;
        leave_its_snapshots(desk, app);
        return told(trouble, is_again);
    }
    desk.journal.rollout = None;
    match want.on_failure {
        OnFailure::ForceStop => waiting::admitted(desk, Step::ForceStop),
        OnFailure::Hold | OnFailure::Rollback => by_force(desk, want),
    }
}

/// Lets no snapshot of the job in place be one to go back to.
fn leave_its_snapshots(desk: &mut Desk<'_>, app: &Observed) {
    let label = format!("version {}", app.version_id);
    let is_open = desk
        .journal
        .unproven
        .iter()
        .any(|span| span.until.is_none() && span.revision == label);
    if !is_open {
        let gate = desk.journal.rollout.as_ref().and_then(|rollout| rollout.gate.as_ref());
        let since = gate.and_then(|gate| gate.opened_at).unwrap_or(desk.situation.now);
        desk.open_span(Some(&label), since);
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
