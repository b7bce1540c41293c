//! The snapshots that a job may start from, and the consent to start without one.

use jiff::Timestamp;

use crate::api::status::{Journal, UnprovenSpan};
use crate::configuration::flink_version;
use crate::desired::Desired;
use crate::plan::desk::Desk;
use crate::plan::snapshots::name;
use crate::world::{ObservedSnapshot, SnapshotStatus};

/// What stands for the revision of a job that came up without its state: nothing goes back to what it snapshots.
pub(super) const STATELESS: &str = "without its state";

/// The newest READY snapshot that a job of a good revision made and that a runtime can restore.
///
/// A snapshot is told by the time at which it appeared, not by its version id: the id moves before the savepoint of an
/// update exists (facts §2.2).
pub(super) fn restore_point<'a>(desk: &'a Desk<'_>, runtime: &str) -> Option<&'a ObservedSnapshot> {
    let proven = |snapshot: &&ObservedSnapshot| {
        let mut spans = desk.journal.unproven.iter();
        is_restorable(snapshot, runtime) && !spans.any(|span| made_in(span, snapshot))
    };
    newest_of(desk.situation.world.snapshots().iter().filter(proven))
}

/// Whether the job of a span made a snapshot. In the second in which the job came, the name of ours tells which job it was;
/// one of the service's own is the job's unless an earlier version made it: a change takes longer than a second.
fn made_in(span: &UnprovenSpan, snapshot: &ObservedSnapshot) -> bool {
    let in_its_first_second = snapshot.created_at == span.from;
    let version = name::version(&snapshot.name);
    let is_its_own = span.version_id.is_some_and(|came| match version {
        Some(version) => version == came,
        None => snapshot.version_id >= came,
    });
    span.holds(snapshot.created_at) || in_its_first_second && is_its_own
}

/// Whether no job of a revision that failed, or that lost its state, made a snapshot.
pub(super) fn is_sound(desk: &Desk<'_>, snapshot: &ObservedSnapshot) -> bool {
    let mut spans = desk.journal.unproven.iter();
    let is_spoilt =
        |span: &UnprovenSpan| span.revision == STATELESS || desk.journal.failure_of(&span.revision).is_some();
    !spans.any(|span| is_spoilt(span) && made_in(span, snapshot))
}

/// The newest of some snapshots, by [`recency`].
pub(super) fn newest_of<'a>(snapshots: impl Iterator<Item = &'a ObservedSnapshot>) -> Option<&'a ObservedSnapshot> {
    snapshots.max_by_key(|snapshot| recency(snapshot))
}

/// What is greater for the newer of two snapshots. Times of the service carry whole seconds: of two in one second, the one
/// of the later version is newer; of one version, the service's own: it takes one to end a job, after ours of that job.
pub(super) fn recency(snapshot: &ObservedSnapshot) -> (Timestamp, i64, bool) {
    (snapshot.created_at, snapshot.version_id, !name::is_ours(&snapshot.name))
}

/// Whether a runtime can start from a snapshot.
pub(super) fn is_restorable(snapshot: &ObservedSnapshot, runtime: &str) -> bool {
    let made_by = snapshot.runtime_environment.as_deref().and_then(flink_version);
    let newer = made_by
        .zip(flink_version(runtime))
        .is_some_and(|(made_by, target)| made_by > target);
    snapshot.status == SnapshotStatus::Ready && !newer
}

/// Whether `spec.restore.once` names a snapshot that was not restored yet.
pub(super) fn once_is_open(journal: &Journal, want: &Desired) -> bool {
    let handled = journal.handled.as_ref().and_then(|handled| handled.restore_once);
    want.restore
        .once
        .as_ref()
        .is_some_and(|(nonce, _)| handled != Some(*nonce))
}

/// Whether a person consents to this one start without state.
pub(super) fn is_consented(journal: &Journal, want: &Desired) -> bool {
    let handled = journal
        .handled
        .as_ref()
        .and_then(|handled| handled.empty_start.as_deref());
    let consent = want.empty_start_consent.as_deref();
    consent == Some(want.revision.as_str()) && handled != consent
}
