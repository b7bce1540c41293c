//! Which snapshots are deleted again, and never one that somebody may need to go back to.

use jiff::Timestamp;

use crate::api::status::Intent;
use crate::desired::{Desired, Initial, Retention};
use crate::plan::decision::{Note, Plan};
use crate::plan::desk::Desk;
use crate::plan::points;
use crate::plan::snapshots::name;
use crate::plan::snapshots::retry::retry_at;
use crate::plan::step::Step;
use crate::world::{Observed, ObservedSnapshot, SnapshotStatus};

/// The deletion of the oldest snapshot that the retention does not keep.
pub(super) fn plan(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let now = desk.situation.now;
    let Some(rules) = want.snapshots.retention else {
        if let Some(known) = &mut desk.journal.snapshots {
            known.expires_at = None;
            known.deletion_failure = None;
        }
        return None;
    };
    let protected = protected(desk, app, want);
    let listed = desk.situation.world.snapshots();
    let meant: Vec<&ObservedSnapshot> = listed
        .iter()
        .filter(|snapshot| is_deletable(snapshot.status) && (rules.all || name::is_ours(&snapshot.name)))
        .collect();
    let surplus = surplus(&meant, &rules, now);
    let goes = |snapshot: &&ObservedSnapshot| !protected.contains(&snapshot.name);
    let oldest = surplus
        .into_iter()
        .filter(goes)
        .min_by_key(|snapshot| snapshot.created_at);
    let expiries = meant.iter().copied().filter(goes).map(|snapshot| snapshot.created_at);
    let expiries = expiries
        .filter_map(|at| Some(at + rules.max_age?))
        .filter(|at| *at > now);
    let known = desk.journal.snapshots.get_or_insert_default();
    known.expires_at = expiries.min();
    let Some(oldest) = oldest else {
        known.deletion_failure = None;
        return None;
    };
    let failure = known.deletion_failure.as_ref();
    if failure.is_some_and(|failure| now < retry_at(failure)) {
        return None;
    }
    Some(Plan::Do(Step::DeleteSnapshot {
        name: oldest.name.clone(),
        created_at: oldest.created_at,
    }))
}

/// Whether the service deletes a snapshot in a status (facts §1.10).
fn is_deletable(status: SnapshotStatus) -> bool {
    matches!(status, SnapshotStatus::Ready | SnapshotStatus::Failed)
}

/// What the limits do not keep: those beyond the count, those that are too old, and failed ones that a newer one replaced.
fn surplus<'a>(meant: &[&'a ObservedSnapshot], rules: &Retention, now: Timestamp) -> Vec<&'a ObservedSnapshot> {
    let mut newest_first: Vec<_> = meant
        .iter()
        .copied()
        .filter(|snapshot| snapshot.status == SnapshotStatus::Ready)
        .collect();
    newest_first.sort_by_key(|snapshot| std::cmp::Reverse(points::recency(snapshot)));
    let newest = newest_first.first().map(|snapshot| snapshot.created_at);
    let kept = rules.max_count.unwrap_or(usize::MAX);
    let is_old = |snapshot: &ObservedSnapshot| rules.max_age.is_some_and(|age| snapshot.created_at + age <= now);
    let is_replaced = |snapshot: &ObservedSnapshot| {
        snapshot.status == SnapshotStatus::Failed && newest.is_some_and(|newest| newest > snapshot.created_at)
    };
    let beyond = newest_first.iter().copied().skip(kept);
    let old = meant
        .iter()
        .copied()
        .filter(|snapshot| is_old(snapshot) || is_replaced(snapshot));
    beyond.chain(old).collect()
}

/// The names that are never deleted: what a start of the revision in place, of the good one or of the one before it would
/// restore, and what the spec names.
fn protected(desk: &Desk<'_>, app: &Observed, want: &Desired) -> Vec<String> {
    let runtime = &app.configuration.runtime_environment;
    let listed = desk.situation.world.snapshots();
    let newest = listed
        .iter()
        .filter(|snapshot| snapshot.status == SnapshotStatus::Ready);
    let newest = points::newest_of(newest).map(|snapshot| snapshot.name.clone());
    let point = points::restore_point(desk, runtime).map(|snapshot| snapshot.name.clone());
    let revisions = desk.journal.revisions();
    let previous = revisions.previous.and_then(|previous| previous.snapshot);
    let initial = match &want.restore.initial {
        Initial::Named(name) => Some(name.clone()),
        Initial::Latest | Initial::Empty => None,
    };
    // What the spec names is kept also while the spec cannot be followed.
    let named = desk.situation.app.spec.restore.as_ref();
    let asked = named.and_then(|restore| restore.initial.as_ref()?.snapshot_name.clone());
    let once = named.and_then(|restore| Some(restore.once.as_ref()?.snapshot_name.clone()));
    [newest, point, revisions.good_snapshot, previous, initial, asked, once]
        .into_iter()
        .flatten()
        .collect()
}

/// A snapshot is gone.
pub(in crate::plan) fn deleted(desk: &mut Desk<'_>, intent: &Intent) {
    if let Some(known) = &mut desk.journal.snapshots {
        known.deletion_failure = None;
    }
    let name = intent.snapshot.as_deref().unwrap_or_default();
    let message = format!("snapshot {name} was deleted, as spec.snapshots.retention asks");
    desk.notes.push(Note::normal("SnapshotDeleted", message));
}
