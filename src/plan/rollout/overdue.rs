//! Calls whose effect is awaited, and what follows where it lasts longer than it may.
//!
//! Each operation has the time of `spec.rollout.progressDeadline` from its own start. What the service refuses, rests and
//! operations of others use none of it up.

use crate::api::condition::Reason;
use crate::api::spec::DesiredState;
use crate::api::status::{Intent, StepKind};
use crate::desired::Desired;
use crate::plan::call::{give_up, know_as_ours, lingers, operation_of};
use crate::plan::decision::Plan;
use crate::plan::desk::Desk;
use crate::plan::ledger::{Failure, Source};
use crate::plan::rollout::restart::by_force;
use crate::plan::step::Step;
use crate::plan::{put_back, waiting};
use crate::world::{ApplicationStatus, Observed, ObservedOperation, OperationStatus};

/// An update of the change in flight that lasts longer than allowed is a failure of its revision. Where the job before
/// it was never proven, or is in a loop, it may be that job which cannot be stopped with a snapshot (facts §4.3): it is stopped by force,
/// and the revision is started from the restore point in a time of its own.
pub(super) fn give_up_on_update(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let revision = want.revision.to_string();
    let rollout = desk.journal.rollout.as_ref()?;
    let operation = desk.situation.world.in_flight();
    let is_update = operation.is_none_or(|operation| operation.kind == StepKind::Update.operation());
    let ours = rollout.revision == revision && desk.journal.way_back.is_none() && is_update && is_of_ours(desk);
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

/// Whether the update that goes on is the one of the change and not somebody else's.
fn is_of_ours(desk: &Desk<'_>) -> bool {
    match desk.situation.world.in_flight() {
        Some(operation) => {
            desk.journal.given_up_operation_id.as_ref() == Some(&operation.id) && explains(desk, operation)
        }
        None => awaited(desk) == Some(StepKind::Update),
    }
}

/// Whether the status is one that an operation brings about: the operation may be listed although it is over.
fn explains(desk: &Desk<'_>, operation: &ObservedOperation) -> bool {
    let status = desk.situation.world.application.as_ref().map(|app| &app.status);
    let other = match status {
        Some(ApplicationStatus::Starting) => StepKind::Start,
        Some(ApplicationStatus::Stopping) => StepKind::Stop,
        _ => return true,
    };
    operation.kind == other.operation()
}

/// The call whose effect was awaited before this pass.
fn awaited(desk: &Desk<'_>) -> Option<StepKind> {
    let before = desk.situation.app.status.as_ref()?;
    before.journal.intent.as_ref().map(|intent| intent.step)
}

/// Whether a call of ours that was given up without its end, because its forced stop was refused, lasts longer than allowed.
/// What somebody else began is left to people.
pub(super) fn hangs(desk: &Desk<'_>, app: &Observed, want: &Desired) -> bool {
    let is_failed = desk.journal.failure_of(want.revision.as_str()).is_some();
    let is_known = desk.situation.world.in_flight().is_some() && is_of_ours(desk);
    // A forced stop that never arrived was decided before.
    (is_known || awaited(desk) == Some(StepKind::ForceStop))
        && waiting::outlasts(desk, want.progress_deadline)
        && match app.status {
            ApplicationStatus::Starting => true,
            ApplicationStatus::Stopping => want.state == DesiredState::Running,
            ApplicationStatus::Updating => want.state == DesiredState::Running && !is_failed,
            _ => false,
        }
}

/// Forgets the operation that outlasted its deadline once it has ended and its job, if it brought one, is verified.
pub(in crate::plan) fn forget(desk: &mut Desk<'_>, app: &Observed) {
    let rollout = desk.journal.rollout.as_ref();
    let is_open = desk.journal.intent.is_some() || rollout.is_some_and(|rollout| rollout.gate.is_none());
    let known = desk.journal.given_up_operation_id.as_ref();
    let listed = known.and_then(|id| desk.situation.world.operation(id));
    let lingers = listed.is_some_and(|operation| operation.status == OperationStatus::InProgress);
    if app.status.is_settled() && !is_open && !lingers {
        desk.journal.given_up_operation_id = None;
    }
}

/// Whether what the service does is what a call began, and not what somebody else began after it or in its place.
fn is_under_way(desk: &Desk<'_>, intent: &Intent) -> bool {
    let world = desk.situation.world;
    match operation_of(intent, world) {
        Some(operation) => operation.status == OperationStatus::InProgress,
        None => world.in_flight().is_none(),
    }
}

/// Ends what hangs; a start that hangs is a failure of its revision.
pub(super) fn end_by_force(desk: &mut Desk<'_>, app: &Observed, want: &Desired, revision: Option<String>) -> Plan {
    if app.status != ApplicationStatus::Starting {
        return by_force(desk, want);
    }
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
    if !app.status.is_settled() && !is_under_way(desk, &intent) {
        return Some(waiting::for_status(desk, app, want.progress_deadline));
    }
    if !app.status.is_settled() {
        know_as_ours(desk, &intent);
    }
    match (&app.status, intent.step) {
        (ApplicationStatus::Starting, StepKind::Start) => Some(end_by_force(desk, app, want, intent.revision)),
        (ApplicationStatus::Stopping, StepKind::Stop) | (ApplicationStatus::Updating, StepKind::Restart)
            if want.state == DesiredState::Running =>
        {
            Some(by_force(desk, want))
        }
        (ApplicationStatus::Updating, StepKind::Update) if want.state == DesiredState::Running => {
            give_up(desk);
            None
        }
        (ApplicationStatus::Updating, step) if step.sets_content() && put_back::keeps_stopped(desk, want) => {
            Some(end_while_stopped(desk, want, &intent))
        }
        (status, _) if status.is_settled() => Some(unsettled(desk, app, &intent)),
        (status, _) => Some(waiting::overdue(status)),
    }
}

/// Ends a call of a change by force that comes to no end while the job is stopped for the change: no job runs that this
/// could harm, and what ran before is put back. The call that puts it back is only ended.
fn end_while_stopped(desk: &mut Desk<'_>, want: &Desired, intent: &Intent) -> Plan {
    let plan = if desk.journal.way_back.is_some() {
        waiting::admitted(desk, Step::ForceStop)
    } else {
        by_force(desk, want)
    };
    if matches!(plan, Plan::Do(_)) {
        put_back::give_up(desk, want, intent);
    }
    plan
}

/// An operation that goes on beside an application that has settled is told where what is in place does not say how it
/// ended: the job is left alone.
fn unsettled(desk: &Desk<'_>, app: &Observed, intent: &Intent) -> Plan {
    let operation = operation_of(intent, desk.situation.world);
    match operation.filter(|operation| lingers(desk, app, operation)) {
        Some(operation) => {
            let then = match app.status {
                ApplicationStatus::Running => {
                    "the application is RUNNING, and nothing is sent before it ends. Annotate sluicegate.dev/force-stop-requested-at to stop the job by force, without a snapshot"
                }
                _ => "the application is READY, and nothing is sent before it ends",
            };
            Plan::Stall(waiting::outlasting(desk, operation, then))
        }
        None => waiting::for_intent(desk, intent),
    }
}
