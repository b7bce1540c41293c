//! A gate opens: for the job that a call brought, that a rollback of somebody else brought, or that was found running.

use jiff::Timestamp;

use crate::api::status::{BroughtJob, GateStatus, Intent, RolloutStatus, StepKind};
use crate::plan::call::operation_of;
use crate::plan::desk::Desk;
use crate::world::{Observed, ObservedOperation};

/// When the operation of an intent ended, as far as it is known.
pub(in crate::plan) fn ended_at(desk: &Desk<'_>, intent: &Intent) -> Timestamp {
    let operation = operation_of(intent, desk.situation.world);
    operation
        .and_then(|operation| operation.ended_at)
        .unwrap_or(desk.situation.now)
}

/// Opens the gate for the job that a call brought.
pub(in crate::plan) fn open(desk: &mut Desk<'_>, intent: &Intent) {
    let operation = operation_of(intent, desk.situation.world);
    let began = operation.map(|operation| operation.started_at);
    let operation_id = operation.map(|operation| operation.id.clone());
    let ended = ended_at(desk, intent);
    // One that began too late to be that of a call without an answer is somebody else's.
    let kind = intent.step.operation();
    let another = desk
        .situation
        .world
        .newest_after(kind, intent.after_operation_id.as_deref());
    let is_theirs = operation_id.is_none() && intent.operation_id.is_none() && another.is_some();
    let brought = BroughtJob {
        operation_id: operation_id.clone(),
        revision: intent.revision.clone(),
        version_id: brought_version(desk, intent),
    };
    desk.journal.brought_job = (brought != BroughtJob::default()).then_some(brought);
    desk.open_span(intent.revision.as_deref(), ended);
    let Some(revision) = intent.revision.clone() else {
        return;
    };
    let gate = GateStatus {
        operation_id,
        version_id: brought_version(desk, intent),
        found_at: is_theirs.then_some(desk.situation.now),
        opened_at: Some(ended),
        state_expected: intent.restores && !is_theirs,
        ..GateStatus::since(began.unwrap_or(intent.declared_at))
    };
    begin(desk, revision, intent.declared_at, gate);
}

/// The configuration version with which a call brought its job: somebody else may have brought another since.
pub(in crate::plan) fn brought_version(desk: &Desk<'_>, intent: &Intent) -> Option<i64> {
    let next = || intent.from_version_id.map(|version| version + 1);
    match intent.step {
        StepKind::Start => intent.from_version_id,
        StepKind::Update | StepKind::Restart => intent.to_version_id.or_else(next),
        _ => desk.situation.world.application.as_ref().map(|app| app.version_id),
    }
}

/// Opens the gate for the job of a rollback that somebody else made.
pub(in crate::plan) fn open_for_rollback(
    desk: &mut Desk<'_>,
    app: &Observed,
    revision: String,
    operation: Option<&ObservedOperation>,
) {
    let began = operation.map_or(app.created_at, |operation| operation.started_at);
    let ended = operation.and_then(|operation| operation.ended_at);
    let gate = GateStatus {
        operation_id: operation.map(|operation| operation.id.clone()),
        version_id: Some(app.version_id),
        opened_at: Some(ended.unwrap_or(desk.situation.now)),
        ..GateStatus::since(began)
    };
    begin(desk, revision, began, gate);
}

/// Opens the gate for a job that was found running.
pub(in crate::plan) fn open_for_found(desk: &mut Desk<'_>, app: &Observed, revision: String) {
    let now = desk.situation.now;
    let newest = desk.situation.world.operations().first();
    let gate = GateStatus {
        version_id: Some(app.version_id),
        found_at: Some(now),
        opened_at: Some(now),
        excused_operation_id: newest.map(|newest| newest.id.clone()),
        ..GateStatus::since(app.created_at)
    };
    begin(desk, revision, now, gate);
}

/// Puts a gate into the rollout of its revision, which begins with it where there is none.
fn begin(desk: &mut Desk<'_>, revision: String, started_at: Timestamp, gate: GateStatus) {
    let patience = desk.situation.progress_deadline();
    let deadline = gate.opened_at.unwrap_or(desk.situation.now) + patience;
    let intent = desk.journal.intent.as_ref();
    let from_version_id = intent.and_then(|intent| intent.from_version_id);
    let rollout = desk
        .journal
        .rollout
        .get_or_insert_with(|| RolloutStatus::new(revision, started_at, deadline, from_version_id));
    rollout.deadline = deadline;
    rollout.gate = Some(gate);
}
