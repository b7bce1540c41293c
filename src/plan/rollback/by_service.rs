//! Whether `RollbackApplication` leads where a way back leads.

use crate::api::condition::Reason;
use crate::api::status::WayBack;
use crate::desired::Desired;
use crate::plan::desk::Desk;
use crate::plan::points;
use crate::world::{Observed, ObservedSnapshot, SnapshotStatus};

/// Whether `RollbackApplication` provably returns to the good content, from the right snapshot: it goes to the version
/// before the newest update, and may load the newest snapshot (facts §5.1).
pub(super) fn fits(desk: &Desk<'_>, app: &Observed, back: &Desired, way: &WayBack) -> bool {
    let world = desk.situation.world;
    let before = app.updated_from.and_then(|version| world.versions.get(&version));
    let same = before.is_some_and(|before| before.configuration == back.configuration);
    let ready = |snapshot: &&ObservedSnapshot| snapshot.status == SnapshotStatus::Ready;
    let newest = points::newest_of(world.snapshots().iter().filter(ready));
    let point = points::restore_point(desk, &back.configuration.runtime_environment);
    let failure = desk.journal.failure_of(&way.from).map(|failed| failed.reason);
    same && !way.rollback_refused
        && back.configuration.snapshots_enabled
        && app.configuration.snapshots_enabled
        && failure != Some(Reason::StateNotRestored)
        && point.is_some()
        && newest == point
}
