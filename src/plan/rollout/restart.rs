//! The restart of the job in place, and how one that is down is moved out of the way of a call.

use crate::api::status::{RefusalClass, RefusalStatus, StepKind};
use crate::desired::Desired;
use crate::plan::decision::{Plan, Stall};
use crate::plan::desk::Desk;
use crate::plan::step::{Fence, Step};
use crate::plan::{restore, waiting};
use crate::world::{Observed, Sight};

/// The restart of the job in place with its state; where it is down and stays so, its forced stop.
pub(in crate::plan) fn restart(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    if let Some(plan) = out_of_the_way(desk, want) {
        return plan;
    }
    let run = match restore::of_update(desk, app, want) {
        Ok(run) => run,
        Err(plan) => return plan,
    };
    let fence = Fence {
        token: app.token.clone(),
    };
    waiting::admitted(desk, Step::Restart { run, fence })
}

/// The forced stop of the job in place, if there is state to start from afterwards.
pub(super) fn by_force(desk: &mut Desk<'_>, want: &Desired) -> Plan {
    match restore::of_start(desk, want) {
        Ok(_) => waiting::admitted(desk, Step::ForceStop),
        Err(plan) => plan,
    }
}

/// The forced stop of a job that is down and keeps the service from taking the change, after the window in which it may
/// come up again.
pub(super) fn out_of_the_way(desk: &mut Desk<'_>, want: &Desired) -> Option<Plan> {
    let refusal = desk.journal.refusal.as_ref()?;
    let of_this = refusal.step != StepKind::TakeSnapshot && refusal.revision == desk.served();
    if refusal.class != RefusalClass::JobDown || !of_this {
        return None;
    }
    if let Some(plan) = without_restore_point(desk, want, refusal) {
        return Some(plan);
    }
    (!is_seen_up(desk) && waiting::is_refused_at_last(refusal, desk.situation.now)).then(|| by_force(desk, want))
}

/// Whether a look shows that the job came up, whatever the service said last.
fn is_seen_up(desk: &Desk<'_>) -> bool {
    matches!(&desk.situation.world.job, Sight::Seen(Some(job)) if job.is_up())
}

/// Why a job that stays down and could not be started again after a forced stop is left as it is; the call is sent again
/// when a look shows that it came up.
pub(super) fn without_restore_point(desk: &Desk<'_>, want: &Desired, refusal: &RefusalStatus) -> Option<Plan> {
    if is_seen_up(desk) || !waiting::is_refused_throughout(refusal) {
        return None;
    }
    match restore::of_start(desk, want) {
        Err(Plan::Stall(stall)) => Some(Plan::Stall(Stall {
            recheck: Some(desk.situation.now + desk.situation.rules.refusal_recheck),
            ..stall
        })),
        _ => None,
    }
}
