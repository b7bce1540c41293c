//! Calls whose effect is awaited, and what follows where it lasts longer than it may.
//!
//! Each operation has the time of `spec.rollout.progressDeadline` from its own start. What the service refuses, rests and
//! operations of others use none of it up.

use crate::api::condition::Reason;
use crate::api::spec::DesiredState;
use crate::api::status::StepKind;
use crate::desired::Desired;
use crate::plan::call::operation_of;
use crate::plan::decision::Plan;
use crate::plan::desk::Desk;
use crate::plan::diff::difference;
use crate::plan::ledger::{Failure, Source};
use crate::plan::rollout::running::by_force;
use crate::plan::step::Step;
use crate::plan::waiting;
use crate::world::{ApplicationStatus, Observed};

/// An update of the change in flight that lasts longer than allowed is a failure of its revision. Where the job before
/// it was never proven, or is in a loop, it may be that job which cannot be stopped with a snapshot (facts §4.3): it is stopped by force,
/// and the revision is started from the restore point in a time of its own.
pub(super) fn give_up_on_update(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let revision = want.revision.to_string();
    let rollout = desk.journal.rollout.as_ref()?;
    let ours = rollout.revision == revision && desk.journal.way_back.is_none() && is_of_ours(desk, app, want);
    if app.status != ApplicationStatus::Updating || !ours || !waiting::outlasts(desk, want.progress_deadline) {
        return None;
    }
    let before = desk.journal.revisions().running;
    let over_unproven = before.is_some_and(|before| before != revision && !desk.is_good(&before));
    if over_unproven || desk.journal.restart_loop().is_some() {
        let deadline = desk.situation.now + want.progress_deadline;
        let plan = by_force(desk, want);
        if let (Plan::Do(_), Some(rollout)) = (&plan, &mut desk.journal.rollout) {
            rollout.deadline = deadline;
        }
        return Some(plan);
    }
    desk.condemn(Failure {
        revision: Some(revision),
        reason: Reason::DeadlineExceeded,
        cause: "the update outlasted spec.rollout.progressDeadline".to_owned(),
        source: Source::Controller,
    });
    None
}

/// Whether the update that goes on is the one of the change and not somebody else's: it was awaited before, or brings what
/// is wanted.
fn is_of_ours(desk: &Desk<'_>, app: &Observed, want: &Desired) -> bool {
    let before = desk.situation.app.status.as_ref();
    let awaited = before.and_then(|status| status.journal.intent.as_ref());
    awaited.is_some_and(|intent| intent.step == StepKind::Update) || difference(app, &want.configuration).is_empty()
}

/// Whether a start, or a stop that serves a change, lasts longer than allowed.
pub(super) fn hangs(desk: &Desk<'_>, app: &Observed, want: &Desired) -> bool {
    waiting::outlasts(desk, want.progress_deadline)
        && match app.status {
            ApplicationStatus::Starting => true,
            ApplicationStatus::Stopping => want.state == DesiredState::Running,
            _ => false,
        }
}

/// Ends what hangs; a start that hangs is a failure of its revision.
pub(super) fn end_by_force(desk: &mut Desk<'_>, app: &Observed, revision: Option<String>) -> Plan {
    let plan = waiting::admitted(desk, Step::ForceStop);
    if app.status == ApplicationStatus::Starting && matches!(plan, Plan::Do(_)) {
        desk.condemn(Failure {
            revision,
            reason: Reason::DeadlineExceeded,
            cause: "the start outlasted spec.rollout.progressDeadline and was ended by force".to_owned(),
            source: Source::Controller,
        });
    }
    plan
}

/// Follows the open intent; the only call beside it is the force-stop of a start or stop that outlasts the deadline.
pub(super) fn in_flight(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let intent = desk.journal.intent.clone()?;
    let operation = operation_of(&intent, desk.situation.world);
    let began = operation.map_or(intent.declared_at, |operation| operation.started_at);
    let overdue = desk.situation.now >= began + want.progress_deadline;
    if !overdue {
        return Some(waiting::for_intent(desk, &intent));
    }
    match (&app.status, intent.step) {
        (ApplicationStatus::Starting, StepKind::Start) => Some(end_by_force(desk, app, intent.revision)),
        (ApplicationStatus::Stopping, StepKind::Stop) | (ApplicationStatus::Updating, StepKind::Restart)
            if want.state == DesiredState::Running =>
        {
            Some(end_by_force(desk, app, None))
        }
        (ApplicationStatus::Updating, StepKind::Update) if want.state == DesiredState::Running => {
            desk.journal.intent = None;
            None
        }
        (status, _) if status.is_settled() => Some(waiting::for_intent(desk, &intent)),
        (status, _) => Some(waiting::overdue(status)),
    }
}
