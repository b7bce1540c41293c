//! The state that a job starts from: always named in full, and empty only by consent.

use crate::api::condition::Reason;
use crate::api::spec::RestoreFrom;
use crate::api::status::UnprovenSpan;
use crate::desired::{Desired, Initial};
use crate::plan::decision::{Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::points::{is_consented, is_restorable, is_sound, newest_of, once_is_open, restore_point};
use crate::plan::step::{Restore, RunConfiguration};
use crate::plan::{stops, switched_off};
use crate::world::{Observed, ObservedSnapshot};

/// The run configuration of a start.
///
/// # Errors
/// The wait for the snapshot of the last stop, or the stall that says why there is no state to start from and what would
/// help.
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
/// The wait for the snapshot of the last stop, or the stall that says why there is no such snapshot and what would help.
pub(super) fn of_way_back(desk: &Desk<'_>, back: &Desired) -> Result<RunConfiguration, Plan> {
    let restore = if back.configuration.snapshots_enabled {
        if let Some(plan) = stops::awaited(desk, back, |_| true) {
            return Err(plan);
        }
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

fn start_restore(desk: &Desk<'_>, want: &Desired) -> Result<Restore, Plan> {
    let snapshots = desk.situation.world.snapshots();
    let sound: Vec<&ObservedSnapshot> = snapshots.iter().filter(|snapshot| is_sound(desk, snapshot)).collect();
    let is_off =
        !want.configuration.snapshots_enabled && !switched_off::by_somebody_else(&desk.situation, &desk.journal);
    let revisions = desk.journal.revisions();
    let policy = policy(desk, want);
    let takes_newest = match (&want.restore.initial, revisions.good.is_none()) {
        (initial, true) => *initial == Initial::Latest,
        (_, false) => policy == RestoreFrom::LatestSnapshot,
    };
    let is_failed = |span: &UnprovenSpan| desk.journal.failure_of(&span.revision).is_some();
    let awaited = stops::awaited(desk, want, is_failed).filter(|_| takes_newest);
    if is_off || (!desk.journal.had_state && snapshots.is_empty() && awaited.is_none()) {
        return Ok(Restore::Skip);
    }
    if let Some(named) = once(desk, want) {
        return named;
    }
    if let Some(plan) = awaited {
        return Err(plan);
    }
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

/// What the spec says of the state of a start, which may be part of a change.
fn policy(desk: &Desk<'_>, want: &Desired) -> RestoreFrom {
    let rollout = desk.journal.rollout.as_ref();
    if rollout.is_some_and(|rollout| rollout.stopped_for_it) {
        want.restore.on_update
    } else {
        want.restore.on_start
    }
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
