//! Requests of people, taken over at first sight and acted on once.

use crate::api::annotation;
use crate::api::condition::Reason;
use crate::api::spec::FlinkApplication;
use crate::api::status::{HistoryEntry, HistoryResult, Journal, Requests, WayBack};
use crate::plan::decision::Note;
use crate::plan::desk::Desk;

/// Takes over the requests of the resource.
///
/// On a resource without a journal, for instance one restored from a backup, they are recorded and not acted on.
pub(super) fn take_over(desk: &mut Desk<'_>) {
    let app = desk.situation.app;
    let fresh = desk.journal.is_new();
    let open = open(app, &desk.journal);
    let mut handled = desk.journal.handled.clone().unwrap_or_default();
    if fresh {
        handled.restart_nonce = app.spec.restart_nonce;
        let restore = app.spec.restore.as_ref();
        handled.restore_once = restore.and_then(|restore| restore.once.as_ref()).map(|once| once.nonce);
        handled.restart = value(app, annotation::RESTART_REQUESTED_AT);
        handled.rollback = value(app, annotation::ROLLBACK_REQUESTED_AT);
        handled.force_stop = value(app, annotation::FORCE_STOP_REQUESTED_AT);
        handled.snapshot = value(app, annotation::SNAPSHOT_REQUESTED_AT);
    } else {
        desk.journal.requests = (open != Requests::default()).then_some(open);
    }
    handled.reconcile = value(app, annotation::RECONCILE_REQUESTED_AT).or(handled.reconcile);
    let retry = value(app, annotation::RETRY_REQUESTED_AT);
    let wanted = !fresh && retry.is_some() && retry != handled.retry;
    handled.retry = retry.or(handled.retry);
    desk.journal.handled = Some(handled);
    if wanted {
        desk.journal.unheeded.clear();
        forgive(desk);
    }
}

/// The requests that are still to be acted on: those that were taken over, and those that the resource carries anew.
pub(super) fn open(app: &FlinkApplication, journal: &Journal) -> Requests {
    let taken = journal.requests();
    if journal.is_new() {
        return taken;
    }
    let handled = journal.handled.clone().unwrap_or_default();
    let fresh = |key: &str, handled: &Option<String>| value(app, key).filter(|value| Some(value) != handled.as_ref());
    Requests {
        restart: fresh(annotation::RESTART_REQUESTED_AT, &handled.restart).or(taken.restart),
        rollback: fresh(annotation::ROLLBACK_REQUESTED_AT, &handled.rollback).or(taken.rollback),
        force_stop: fresh(annotation::FORCE_STOP_REQUESTED_AT, &handled.force_stop).or(taken.force_stop),
        snapshot: fresh(annotation::SNAPSHOT_REQUESTED_AT, &handled.snapshot).or(taken.snapshot),
    }
}

/// Whether every request that is done by a look alone was taken note of.
pub(super) fn are_noted(app: &FlinkApplication, journal: &Journal) -> bool {
    let handled = journal.handled.clone().unwrap_or_default();
    let noted =
        |key: &str, handled: &Option<String>| value(app, key).is_none_or(|value| Some(&value) == handled.as_ref());
    noted(annotation::RECONCILE_REQUESTED_AT, &handled.reconcile)
        && noted(annotation::RETRY_REQUESTED_AT, &handled.retry)
}

/// Whether somebody asked only to watch.
pub(super) fn is_paused(app: &FlinkApplication) -> bool {
    annotation::is_paused(app)
}

fn value(app: &FlinkApplication, key: &str) -> Option<String> {
    annotation::value(app, key).map(|value| value.chars().take(256).collect())
}

/// Forgets the failure of the target revision, what was refused, and how often the job ended; lifts a forced stop.
pub(super) fn forgive(desk: &mut Desk<'_>) {
    let target = desk.target();
    desk.journal
        .failed_revisions
        .retain(|failed| Some(&failed.revision) != target.as_ref());
    desk.journal.refusal = None;
    desk.journal.refused_beside.clear();
    desk.journal.not_accepted = None;
    desk.journal.force_stopped = None;
    let is_asked_for = |way: &WayBack| {
        let asked = if way.reason == Reason::Reverted {
            &way.to
        } else {
            &way.from
        };
        Some(asked) == target.as_ref()
    };
    let over = |way: &WayBack| is_asked_for(way) && (!way.started || way.elsewhere || way.failure.is_some());
    desk.journal
        .put_back
        .take_if(|put_back| Some(&put_back.revision) == target.as_ref());
    if desk.journal.way_back.as_ref().is_some_and(over) {
        desk.journal.way_back = None;
    }
    if let Some(rollout) = &mut desk.journal.rollout {
        rollout.pre_change = None;
        rollout.updated_version_id = None;
    }
    let at = desk.situation.now;
    desk.journal.remember(HistoryEntry {
        at,
        result: HistoryResult::Retried,
        revision: target,
        version_id: None,
        snapshot: None,
    });
    desk.notes.push(Note::normal(
        "RetryRequested",
        "the failure of the target revision is forgotten on request",
    ));
}
