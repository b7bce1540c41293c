//! The state that a job starts from: always named in full, and empty only by consent.

use jiff::Timestamp;

use crate::api::condition::Reason;
use crate::api::spec::RestoreFrom;
use crate::api::status::{Journal, UnprovenSpan};
use crate::configuration::flink_version;
use crate::desired::{Desired, Initial};
use crate::plan::snapshots::name;
use crate::plan::step::{Restore, RunConfiguration};
use crate::plan::{Desk, Plan, stall, switched_off};
use crate::world::{Observed, ObservedSnapshot, SnapshotStatus};

/// The run configuration of a start.
///
/// # Errors
/// The stall that says why there is no state to start from and what would help.
pub(super) fn of_start(desk: &Desk<'_>, want: &Desired) -> Result<RunConfiguration, Plan> {
    let restore = start_restore(desk, want)?;
    Ok(RunConfiguration {
        restore,
        allow_non_restored_state: want.allow_non_restored_state,
    })
}

/// The run configuration of a start that returns to a good revision: the newest snapshot that a job of a good revision
/// made, never one of the job that failed.
///
/// # Errors
/// The stall that says why there is no such snapshot and what would help.
pub(super) fn of_way_back(desk: &Desk<'_>, back: &Desired) -> Result<RunConfiguration, Plan> {
    let restore = if back.configuration.snapshots_enabled {
        match restore_point(desk, &back.configuration.runtime_environment) {
            Some(snapshot) => Restore::Named(snapshot.name.clone()),
            None if is_consented(&desk.journal, back) => Restore::Skip,
            None => {
                return Err(no_restore_point(
                    back,
                    "no READY snapshot of a good revision is left for the way back",
                ));
            }
        }
    } else {
        Restore::Skip
    };
    Ok(RunConfiguration {
        restore,
        allow_non_restored_state: back.allow_non_restored_state,
    })
}

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

/// The newest of some snapshots, by [`recency`].
pub(super) fn newest_of<'a>(snapshots: impl Iterator<Item = &'a ObservedSnapshot>) -> Option<&'a ObservedSnapshot> {
    snapshots.max_by_key(|snapshot| recency(snapshot))
}

/// What is greater for the newer of two snapshots. Times of the service carry whole seconds: of two in one second, the one
/// of the later version is newer; of one version, the service's own: it takes one to end a job, after ours of that job.
pub(super) fn recency(snapshot: &ObservedSnapshot) -> (Timestamp, i64, bool) {
    (snapshot.created_at, snapshot.version_id, !name::is_ours(&snapshot.name))
}

/// The run configuration of an update of a running job.
///
/// `LATEST` is the snapshot that the update itself takes (facts §3.4). Where the service takes none because snapshots
/// are off, the newest one would be an old state: nothing is restored, as the spec consents to.
///
/// # Errors
/// The stall that says why the snapshot of `spec.restore.once` cannot be restored, or that the state would be lost without
/// consent.
pub(super) fn of_update(desk: &Desk<'_>, observed: &Observed, want: &Desired) -> Result<RunConfiguration, Plan> {
    if let Some(plan) = switched_off::keeps_from_restart(desk, want) {
        return Err(plan);
    }
    let none = want.restore.on_update == RestoreFrom::None || !observed.configuration.snapshots_enabled;
    let restore = match once(desk, want) {
        Some(named) => named?,
        None if none => Restore::Skip,
        None => Restore::Latest,
    };
    Ok(RunConfiguration {
        restore,
        allow_non_restored_state: want.allow_non_restored_state,
    })
}

/// The snapshot of `spec.restore.once` where its nonce was not acted on.
fn once(desk: &Desk<'_>, want: &Desired) -> Option<Result<Restore, Plan>> {
    let (_, name) = want
        .restore
        .once
        .as_ref()
        .filter(|_| once_is_open(&desk.journal, want))?;
    Some(named(desk.situation.world.snapshots(), name, want))
}

/// Whether `spec.restore.once` names a snapshot that was not restored yet.
pub(super) fn once_is_open(journal: &Journal, want: &Desired) -> bool {
    let handled = journal.handled.as_ref().and_then(|handled| handled.restore_once);
    want.restore
        .once
        .as_ref()
        .is_some_and(|(nonce, _)| handled != Some(*nonce))
}

fn start_restore(desk: &Desk<'_>, want: &Desired) -> Result<Restore, Plan> {
    let snapshots = desk.situation.world.snapshots();
    let sound: Vec<&ObservedSnapshot> = snapshots.iter().filter(|snapshot| is_sound(desk, snapshot)).collect();
    let is_off =
        !want.configuration.snapshots_enabled && !switched_off::by_somebody_else(&desk.situation, &desk.journal);
    if is_off || (!desk.journal.had_state && snapshots.is_empty()) {
        return Ok(Restore::Skip);
    }
    if let Some(named) = once(desk, want) {
        return named;
    }
    let revisions = desk.journal.revisions();
    let change = desk
        .journal
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.stopped_for_it);
    let policy = if change {
        want.restore.on_update
    } else {
        want.restore.on_start
    };
    let restore = match (&want.restore.initial, policy) {
        (Initial::Named(name), _) if revisions.good.is_none() => named(snapshots, name, want),
        (Initial::Empty, _) if revisions.good.is_none() => Err(no_restore_point(
            want,
            "the application has state and spec.restore.initial.from: None gives it up",
        )),
        (Initial::Latest, _) if revisions.good.is_none() => newest(&sound, want),
        (_, RestoreFrom::LatestSnapshot) => newest(&sound, want),
        (_, RestoreFrom::None) => Ok(Restore::Skip),
    };
    restore.or_else(|plan| {
        if is_consented(&desk.journal, want) {
            Ok(Restore::Skip)
        } else {
            Err(plan)
        }
    })
}

/// Whether no job of a revision that failed made a snapshot.
fn is_sound(desk: &Desk<'_>, snapshot: &ObservedSnapshot) -> bool {
    let mut spans = desk.journal.unproven.iter();
    !spans.any(|span| desk.journal.failure_of(&span.revision).is_some() && made_in(span, snapshot))
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

fn newest(snapshots: &[&ObservedSnapshot], want: &Desired) -> Result<Restore, Plan> {
    let usable = snapshots.iter().copied();
    let usable = usable.filter(|snapshot| is_restorable(snapshot, &want.configuration.runtime_environment));
    match newest_of(usable) {
        Some(snapshot) => Ok(Restore::Named(snapshot.name.clone())),
        None => Err(no_restore_point(
            want,
            "the application had state and no READY snapshot of its runtime is left",
        )),
    }
}

fn named(snapshots: &[ObservedSnapshot], name: &str, want: &Desired) -> Result<Restore, Plan> {
    let snapshot = snapshots.iter().find(|snapshot| snapshot.name == name);
    match snapshot {
        Some(snapshot) if is_restorable(snapshot, &want.configuration.runtime_environment) => {
            Ok(Restore::Named(name.to_owned()))
        }
        Some(_) => Err(no_restore_point(
            want,
            &format!("snapshot {name} is not READY or its runtime is newer"),
        )),
        None => Err(no_restore_point(want, &format!("there is no snapshot {name}"))),
    }
}

fn no_restore_point(want: &Desired, why: &str) -> Plan {
    let unblock = format!(
        "annotate sluicegate.dev/allow-empty-start={} to start without state",
        want.revision
    );
    stall(Reason::NoRestorePoint, format!("not started: {why}; {unblock}"))
}

pub(super) fn is_restorable(snapshot: &ObservedSnapshot, runtime: &str) -> bool {
    let made_by = snapshot.runtime_environment.as_deref().and_then(flink_version);
    let newer = made_by
        .zip(flink_version(runtime))
        .is_some_and(|(made_by, target)| made_by > target);
    snapshot.status == SnapshotStatus::Ready && !newer
}
