//! Requests of people, taken over at first sight and acted on once.

use crate::api::annotation;
use crate::api::condition::Reason;
use crate::api::spec::FlinkApplication;
use crate::api::status::{Handled, HistoryEntry, HistoryResult, Intent, Journal, Requests, WayBack};
use crate::plan::{Desk, Note};

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
        handled.restore_once = desk.restore_once();
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

impl Desk<'_> {
    /// The revision that the next step serves.
    pub(super) fn served(&self) -> Option<String> {
        self.serves.clone().or_else(|| self.target())
    }

    /// The revision that the spec asks for, or asked for last while it asks for nothing valid.
    pub(super) fn target(&self) -> Option<String> {
        match self.situation.want {
            Ok(want) => Some(want.revision.to_string()),
            Err(_) => self.journal.revisions().target,
        }
    }

    /// The nonce of `spec.restore.once`.
    pub(super) fn restore_once(&self) -> Option<i64> {
        let want = self.situation.want.ok()?;
        want.restore.once.as_ref().map(|(nonce, _)| *nonce)
    }

    /// What a call was to do for people was done by it: a restart, and the restore of a snapshot.
    pub(super) fn handle_run(&mut self, intent: &Intent) {
        self.handle_restart(intent.restart_nonce, intent.restart_request.clone());
        if let Some(nonce) = intent.restore_once {
            self.journal.handled.get_or_insert_default().restore_once = Some(nonce);
        }
    }

    /// Notes that requests were acted on.
    pub(super) fn handle(&mut self, note: impl FnOnce(&mut Requests, &mut Handled)) {
        let mut requests = self.journal.requests();
        note(&mut requests, self.journal.handled.get_or_insert_default());
        self.journal.requests = (requests != Requests::default()).then_some(requests);
    }

    /// A request to restart, by nonce or by annotation, was acted on.
    pub(super) fn handle_restart(&mut self, nonce: Option<i64>, request: Option<String>) {
        self.handle(|requests, handled| {
            handled.restart_nonce = nonce.or(handled.restart_nonce);
            if let Some(request) = request {
                if requests.restart.as_ref() == Some(&request) {
                    requests.restart = None;
                }
                handled.restart = Some(request);
            }
        });
    }
}
