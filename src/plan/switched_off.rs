//! Snapshots that somebody else switched off: nobody consented to lose the state of the job.
//!
//! With snapshots off the service keeps nothing of a job that is changed, restarted or stopped. Where the spec wants them,
//! the job is left running until somebody says what it may go on from.

use crate::api::condition::Reason;
use crate::api::spec::RestoreFrom;
use crate::api::status::Journal;
use crate::desired::{Desired, asks_for_no_snapshots};
use crate::plan::decision::{HeldBack, Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::points;
use crate::plan::resolved_key::Candidates;
use crate::plan::situation::Situation;
use crate::world::{ApplicationStatus, Observed};

/// Whether snapshots are off although neither the spec nor a revision that was brought has them off.
pub(crate) fn by_somebody_else(situation: &Situation<'_>, journal: &Journal) -> bool {
    let asks_for_none = asks_for_no_snapshots(&situation.app.spec);
    let app = situation.world.application.as_ref();
    !asks_for_none && app.is_some_and(|app| !app.configuration.snapshots_enabled && !was_brought(app, journal))
}

/// Whether the content is that of a revision that the controller brought; before the first was let through, what runs was
/// found.
fn was_brought(app: &Observed, journal: &Journal) -> bool {
    let Some(approval) = journal.handled.as_ref().and_then(|handled| handled.approval.clone()) else {
        return false;
    };
    let revisions = journal.revisions();
    let on_the_way = [
        journal.rollout.as_ref().map(|rollout| rollout.revision.clone()),
        journal.way_back.as_ref().map(|way| way.to.clone()),
    ];
    // Of what runs, only its own revision tells what it was brought with.
    let in_place = match revisions.running {
        Some(running) => vec![Some(running)],
        None => vec![
            Some(approval),
            revisions.good,
            revisions.previous.map(|previous| previous.revision),
        ],
    };
    let brought = in_place.into_iter().chain(on_the_way);
    let found = Candidates::of(journal, &app.configuration);
    let mut brought = brought.flatten();
    brought.any(|revision| found.have(&revision))
}

/// Why switching snapshots on again waits, where nothing else is asked for: it restarts the job without its state.
pub(super) fn correction_waits(situation: &Situation<'_>, journal: &Journal) -> Option<HeldBack> {
    let want = situation.want.ok()?;
    let app = situation.world.application.as_ref()?;
    let is_in_place = journal.revisions().running.as_deref() == Some(want.revision.as_str());
    let runs = app.status == ApplicationStatus::Running && is_in_place && want.configuration.snapshots_enabled;
    if !runs || !by_somebody_else(situation, journal) || is_consented(journal, want) {
        return None;
    }
    Some(HeldBack {
        reason: Reason::DriftDetected,
        message: format!(
            "snapshots are off, and neither the spec nor a revision that was brought has them off; switching them on restarts the job without its state, so it is left running. {}",
            way_out(situation, want)
        ),
        until: None,
    })
}

/// Why the job is not changed or restarted.
pub(super) fn keeps_from_restart(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    let (situation, journal) = (&desk.situation, &desk.journal);
    if !by_somebody_else(situation, journal) || is_consented(journal, want) {
        return None;
    }
    let message = format!(
        "snapshots are off, and neither the spec nor a revision that was brought has them off, so that the job would lose its state: nothing is changed or restarted. {}",
        way_out(situation, want)
    );
    Some(stall(Reason::NoRestorePoint, message))
}

/// Why the job is not stopped.
pub(super) fn keeps_from_stop(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    let gives_up = want.restore.on_start == RestoreFrom::None;
    if gives_up || !by_somebody_else(&desk.situation, &desk.journal) {
        return None;
    }
    let newest = newest(&desk.situation, want);
    let message = format!(
        "snapshots are off, and neither the spec nor a revision that was brought has them off, so that a stop would lose the state of the job{newest}. Switch them on, or annotate sluicegate.dev/force-stop-requested-at to stop it all the same"
    );
    Some(stall(Reason::NoRestorePoint, message))
}

fn is_consented(journal: &Journal, want: &Desired) -> bool {
    let gives_up = want.restore.on_update == RestoreFrom::None;
    gives_up || points::once_is_open(journal, want) || points::is_consented(journal, want)
}

/// What a person can do, the loss of everything last.
fn way_out(situation: &Situation<'_>, want: &Desired) -> String {
    let newest = newest(situation, want);
    format!(
        "Set spec.restore.once to go on from a snapshot{newest}, or annotate sluicegate.dev/allow-empty-start={} to go on without state",
        want.revision
    )
}

/// The newest snapshot that can be restored, in words.
fn newest(situation: &Situation<'_>, want: &Desired) -> String {
    let snapshots = situation.world.snapshots().iter();
    let usable = snapshots.filter(|snapshot| points::is_restorable(snapshot, &want.configuration.runtime_environment));
    match points::newest_of(usable) {
        Some(newest) => format!(
            " (the newest is {} of version {}, taken at {})",
            newest.name, newest.version_id, newest.created_at
        ),
        None if situation.world.snapshots.is_some() => " (there is none)".to_owned(),
        None => String::new(),
    }
}
