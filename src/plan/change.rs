//! A change that is being brought out: its rollout, its calls while nothing runs, and what it leaves undone.

use jiff::Timestamp;

use crate::api::condition::Reason;
use crate::api::status::{GateStatus, RanBefore, RolloutStatus};
use crate::configuration::{Configuration, Revision};
use crate::desired::Desired;
use crate::plan::decision::{Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::diff::Difference;
use crate::plan::step::{Fence, Step};
use crate::plan::{gate, unheeded};
use crate::world::Observed;

/// Begins the rollout of a revision where it has not begun.
pub(super) fn declare_rollout(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let revision = want.revision.to_string();
    if desk
        .journal
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.revision == revision)
    {
        return;
    }
    let before = desk.journal.rollout.as_ref();
    let ran_before = before.and_then(|rollout| rollout.ran_before.clone());
    desk.journal.rollout = Some(RolloutStatus {
        stopped_for_it: before.is_some_and(|rollout| rollout.stopped_for_it),
        ran_before: ran_before.map(|ran| RanBefore {
            refused_since: None,
            ..ran
        }),
        ..new_rollout(desk, app, want)
    });
}

fn new_rollout(desk: &Desk<'_>, app: &Observed, want: &Desired) -> RolloutStatus {
    let now = desk.situation.now;
    let deadline = now + want.progress_deadline;
    RolloutStatus::new(want.revision.to_string(), now, deadline, Some(app.version_id))
}

/// The open rollout of a revision with its gate. Where nobody opened one, the application was found running what is
/// wanted: whatever job runs is verified, and one that came up without its state still has to show it. A job that no call of
/// ours brought is verified and not judged.
pub(super) fn open_rollout(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> RolloutStatus {
    declare_rollout(desk, app, want);
    let mut rollout = desk
        .journal
        .rollout
        .clone()
        .unwrap_or_else(|| new_rollout(desk, app, want));
    let state_expected = lost_its_state(desk, want.revision.as_str());
    let is_of_ours = state_expected || gate::is_of_ours(desk);
    let found_at = (!is_of_ours).then_some(desk.situation.now);
    rollout.gate.get_or_insert_with(|| GateStatus {
        state_expected,
        found_at,
        version_id: Some(app.version_id),
        opened_at: Some(desk.situation.now),
        excused_operation_id: desk
            .situation
            .world
            .operations()
            .first()
            .map(|newest| newest.id.clone()),
        ..GateStatus::since(app.created_at)
    });
    rollout
}

/// When a job of the revision was last seen to come up without its state, where nothing was proven since.
pub(super) fn lost_its_state_at(desk: &Desk<'_>, revision: &str) -> Option<Timestamp> {
    let failure = desk.journal.last_failure.as_ref();
    let failure = failure.filter(|failure| failure.reason == Reason::StateNotRestored);
    let at = failure
        .filter(|failure| failure.revision.as_deref() == Some(revision))?
        .at;
    let is_proven = desk.proven_at().is_some_and(|proven_at| proven_at > at);
    (!is_proven).then_some(at)
}

/// Whether the job in place is such a job: nobody brought another since.
pub(super) fn lost_its_state(desk: &Desk<'_>, revision: &str) -> bool {
    lost_its_state_at(desk, revision).is_some_and(|at| !gate::is_brought_since(desk, at))
}

/// A call that was accepted and left a difference would be sent for ever: it is not sent twice.
pub(super) fn without_effect(desk: &Desk<'_>, app: &Observed, want: &Desired, difference: &Difference) -> Option<Plan> {
    let rollout = desk.journal.rollout.as_ref()?;
    let next = change_while_ready(app, difference);
    let is_left = rollout.updated_version_id == Some(app.version_id)
        || unheeded::is_left(&desk.journal, app, want)
        || next.is_some_and(|step| unheeded::is_unheeded(&desk.journal, &step, want.revision.as_str()));
    is_left.then(|| stall(Reason::Rejected, unheeded::message(app, want)))
}

/// The first of the calls that bring the configuration while nothing runs; those that may be refused come first, so that
/// little has to be taken back when one is.
pub(super) fn change_while_ready(app: &Observed, difference: &Difference) -> Option<Step> {
    let fence = || Fence {
        token: app.token.clone(),
    };
    if let Some(vpc) = &difference.add_vpc {
        return Some(Step::AddVpc {
            vpc: vpc.clone(),
            fence: fence(),
        });
    }
    if let Some(log_stream_arn) = &difference.add_log_stream {
        return Some(Step::AddLogging {
            log_stream_arn: log_stream_arn.clone(),
            fence: fence(),
        });
    }
    if let Some(id) = difference.remove_vpcs.first() {
        return Some(Step::RemoveVpc {
            id: id.clone(),
            fence: fence(),
        });
    }
    if let Some(id) = difference.remove_log_streams.first() {
        return Some(Step::RemoveLogging {
            id: id.clone(),
            fence: fence(),
        });
    }
    if difference.is_empty() {
        return None;
    }
    Some(Step::Update {
        change: Box::new(difference.change.clone()),
        run: None,
        fence: fence(),
    })
}

/// What is asked for in place of the wanted revision: a good one with its content.
pub(super) fn back_to(want: &Desired, revision: &str, configuration: Configuration) -> Desired {
    Desired {
        configuration,
        revision: Revision::recalled(revision),
        allow_non_restored_state: false,
        ..want.clone()
    }
}
