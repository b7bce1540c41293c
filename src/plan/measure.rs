//! What is measured of a change: how long its operation took, and how long the job processed nothing for it.

use crate::plan::decision::Measure;

use crate::api::status::{Intent, RolloutStatus};
use crate::plan::call::operation_of;
use crate::plan::desk::Desk;
use crate::world::SnapshotStatus;

/// Measures the operation of an intent that came to its end.
pub(super) fn operation(desk: &mut Desk<'_>, intent: &Intent, succeeded: bool) {
    let operation = operation_of(intent, desk.situation.world);
    let span = operation.and_then(|operation| Some((operation.started_at, operation.ended_at?)));
    if let Some((started, ended)) = span {
        desk.measures.push(Measure::Operation {
            operation: intent.step.operation(),
            succeeded,
            took: ended.duration_since(started),
        });
    }
}

/// Measures the downtime at the first look that shows the job of a change up; none without the update's own snapshot.
pub(super) fn downtime(desk: &mut Desk<'_>, rollout: &mut RolloutStatus) {
    let world = desk.situation.world;
    let Some(gate) = &mut rollout.gate else { return };
    let began = gate.operation_id.as_deref().and_then(|id| world.operation(id));
    let (Some(began), None) = (began, gate.up_since) else {
        return;
    };
    gate.up_since = Some(desk.situation.now);
    let ended = began.ended_at.unwrap_or(desk.situation.now);
    let own = world.snapshots().iter().filter(|snapshot| {
        snapshot.status == SnapshotStatus::Ready && (began.started_at..=ended).contains(&snapshot.created_at)
    });
    if let Some(taken) = own.map(|snapshot| snapshot.created_at).max() {
        let down = desk.situation.now.duration_since(taken);
        gate.downtime_seconds = Some(down.as_secs());
        desk.measures.push(Measure::Downtime(down));
    }
}
