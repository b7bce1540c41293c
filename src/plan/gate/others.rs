//! Who brought the job of a gate, and what others did since.

use jiff::{SignedDuration, Timestamp};

use crate::api::status::{GateStatus, StepKind};
use crate::plan::desk::Desk;
use crate::world::{ObservedOperation, OperationStatus};

/// Whether a call of ours brought the job in place, as the operations show.
pub(in crate::plan) fn is_of_ours(desk: &Desk<'_>) -> bool {
    let mut operations = desk.situation.world.operations().iter();
    let newest = operations.find(|found| found.status == OperationStatus::Successful && brings_job(&found.kind));
    let brought = desk.journal.brought_job.as_ref();
    let brought = brought.and_then(|brought| brought.operation_id.as_ref());
    let ours = [brought, desk.journal.given_up_operation_id.as_ref()];
    newest.is_some_and(|newest| ours.contains(&Some(&newest.id)))
}

/// Whether anybody brought a job since a moment.
pub(in crate::plan) fn is_brought_since(desk: &Desk<'_>, at: Timestamp) -> bool {
    let mut operations = desk.situation.world.operations().iter();
    operations.any(|found| found.started_at > at && brings_job(&found.kind))
}

/// Whether an operation is one with which people bring a job; maintenance and autoscaling only move it.
fn brings_job(kind: &str) -> bool {
    [StepKind::Start, StepKind::Update, StepKind::RollBack]
        .iter()
        .any(|step| step.operation() == kind)
}

/// An operation of somebody else that began with the gate or later and whose restarts were not taken out: it moves
/// tasks about, which says nothing about the revision (S19).
pub(super) fn other_operation<'a>(
    gate: &GateStatus,
    operations: &'a [ObservedOperation],
) -> Option<&'a ObservedOperation> {
    other_operations(gate, operations).next()
}

fn other_operations<'a>(
    gate: &GateStatus,
    operations: &'a [ObservedOperation],
) -> impl Iterator<Item = &'a ObservedOperation> {
    operations
        .iter()
        .take_while(|operation| Some(&operation.id) != gate.excused_operation_id.as_ref())
        .filter(|operation| operation.started_at > gate.since && Some(&operation.id) != gate.operation_id.as_ref())
        .filter(|operation| !is_about_snapshots(&operation.kind))
}

/// Whether an operation takes or deletes a snapshot, which leaves the tasks where they are.
pub(in crate::plan) fn is_about_snapshots(kind: &str) -> bool {
    [StepKind::BackUp, StepKind::DeleteSnapshot]
        .iter()
        .any(|step| step.operation() == kind)
}

/// Whether somebody else brought another job since the one of the change: it is verified and not judged.
pub(super) fn is_brought_anew(gate: &GateStatus, operations: &[ObservedOperation]) -> bool {
    let theirs = |other: &ObservedOperation| other.status != OperationStatus::Cancelled && brings_job(&other.kind);
    gate.operation_id.is_some() && other_operations(gate, operations).any(theirs)
}

pub(super) fn length(operation: &ObservedOperation) -> SignedDuration {
    let ended = operation.ended_at.unwrap_or(operation.started_at);
    ended.duration_since(operation.started_at)
}
