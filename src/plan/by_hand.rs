//! What people do by hand: a forced stop, a rollback, and an update in the console.

use jiff::Timestamp;

use crate::api::condition::Reason;
use crate::api::status::{ForceStopped, Phase, StepKind, WayBack};
use crate::desired::Desired;
use crate::plan::call::{QUARANTINE, give_up};
use crate::plan::decision::{Note, Plan};
use crate::plan::desk::Desk;
use crate::plan::diff::difference;
use crate::plan::ledger::{Failure, Source};
use crate::plan::step::Step;
use crate::plan::{rollback, waiting};
use crate::world::{ApplicationStatus, Observed, ObservedOperation, OperationStatus};

/// Acts on a request to stop the job by force. In a rollout of a revision that is not proven it is the verdict on the
/// revision, and the way back goes on by force; otherwise the application is stopped and stays so.
pub(super) fn force_stop(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    let request = desk.journal.requests().force_stop?;
    if let Some(intent) = &desk.journal.intent {
        let certain = intent.phase == Phase::Issued || desk.situation.now >= intent.declared_at + QUARANTINE;
        if !certain || intent.step == StepKind::ForceStop {
            return Some(waiting::for_intent(desk, intent));
        }
    }
    let unproven = desk.journal.rollout.is_some() && !desk.is_good(want.revision.as_str());
    if unproven && app.status != ApplicationStatus::Ready {
        give_up(desk);
        desk.condemn(Failure {
            revision: Some(want.revision.to_string()),
            reason: Reason::ForceStopped,
            cause: "somebody asked to stop the change by force".to_owned(),
            source: Source::Request,
        });
        rollback::begin(desk, app, want);
        if let Some(way) = &mut desk.journal.way_back {
            way.rollback_refused = true;
        }
        handled(desk, request);
        return None;
    }
    match &app.status {
        ApplicationStatus::Ready => {
            desk.journal.force_stopped = Some(ForceStopped {
                revision: want.revision.to_string(),
                at: desk.situation.now,
                cause: None,
                elsewhere: false,
            });
            desk.journal.rollout = None;
            handled(desk, request);
            None
        }
        status if *status == ApplicationStatus::Running || status.can_be_ended_by_force() => {
            desk.notes.push(Note::warning(
                "ForceStopRequested",
                "the job is stopped by force on request; no snapshot is taken",
            ));
            give_up(desk);
            Some(waiting::admitted(desk, Step::ForceStop))
        }
        _ => None,
    }
}

fn handled(desk: &mut Desk<'_>, request: String) {
    desk.handle(|requests, handled| {
        requests.force_stop = None;
        handled.force_stop = Some(request);
    });
}

/// Acts on a request to go back to the newest good revision other than the one that runs.
pub(super) fn roll_back(desk: &mut Desk<'_>, want: &Desired) {
    let Some(request) = desk.journal.requests().rollback else {
        return;
    };
    if desk.journal.way_back.is_some() || desk.journal.intent.is_some() {
        return;
    }
    desk.handle(|requests, handled| {
        requests.rollback = None;
        handled.rollback = Some(request);
    });
    let revisions = desk.journal.revisions();
    let newest = revisions.good.clone().zip(revisions.good_version_id);
    let newest = newest.filter(|(good, _)| revisions.running.as_ref() != Some(good) && *good != want.revision.as_str());
    let previous = revisions.previous.filter(|previous| {
        let failed = desk.journal.failure_of(&previous.revision);
        failed.is_none_or(|failed| failed.reason == Reason::Manual)
    });
    let other = previous.map(|previous| (previous.revision, previous.version_id));
    let Some((to, version_id)) = newest.or(other) else {
        let message = "a rollback was asked for, and there is no other good revision to go back to";
        desk.notes.push(Note::warning("RollbackRefused", message));
        return;
    };
    let from = want.revision.to_string();
    let age = desk
        .situation
        .world
        .snapshots()
        .iter()
        .map(|snapshot| snapshot.created_at)
        .max();
    let age = age.map_or(String::new(), |at| format!("; its newest snapshot is of {at}"));
    desk.notes.push(Note::warning(
        "RollbackStarted",
        format!("going back from revision {from} to revision {to} (version {version_id}) on request{age}"),
    ));
    desk.condemn_revision(from.clone(), Reason::Manual);
    rollback::answered(desk, &from);
    desk.journal.rollout = None;
    desk.journal.way_back = Some(WayBack::new(from, to, version_id, Reason::Manual, desk.situation.now));
}

/// Notices that an update of somebody else replaced the job in place: what the new job snapshots is no way back, until
/// a revision is proven again.
pub(super) fn notice_update(desk: &mut Desk<'_>, app: &Observed) {
    if app.status != ApplicationStatus::Running || desk.journal.intent.is_some() {
        return;
    }
    let Some(ended_at) = update_in_the_gate(desk).or_else(|| update_of_the_proven(desk, app)) else {
        return;
    };
    let label = format!("version {}", app.version_id);
    if !desk.journal.unproven.iter().any(|span| span.revision == label) {
        desk.open_span(Some(&label), ended_at);
    }
}

/// When an update of somebody else ended that began after the one whose job is verified.
fn update_in_the_gate(desk: &Desk<'_>) -> Option<Timestamp> {
    let gate = desk.journal.rollout.as_ref()?.gate.as_ref()?;
    let operations = desk.situation.world.operations().iter();
    let since_then = operations
        .take_while(|operation| Some(&operation.id) != gate.excused_operation_id.as_ref())
        .filter(|operation| operation.started_at > gate.since && Some(&operation.id) != gate.operation_id.as_ref());
    newest_update(since_then)
}

/// When an update of somebody else ended that replaced the proven job before a change of ours did; one that brings its
/// content back ends the time of the job in between.
fn update_of_the_proven(desk: &mut Desk<'_>, app: &Observed) -> Option<Timestamp> {
    let revisions = desk.journal.revisions();
    let running = revisions.running.as_deref();
    let proven = running.is_some() && running == revisions.good.as_deref();
    let verified = desk
        .journal
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.gate.is_some());
    if !proven || verified || revisions.good_version_id == Some(app.version_id) {
        return None;
    }
    let proven_at = desk.proven_at()?;
    let operations = desk.situation.world.operations().iter();
    let ended_at = newest_update(operations.filter(|operation| operation.started_at >= proven_at))?;
    let returned = desk
        .situation
        .want
        .is_ok_and(|want| running == Some(want.revision.as_str()) && difference(app, &want.configuration).is_empty());
    if returned {
        desk.close_span(ended_at);
        return None;
    }
    Some(ended_at)
}

/// When the newest update of some operations ended that was carried out.
fn newest_update<'a>(mut operations: impl Iterator<Item = &'a ObservedOperation>) -> Option<Timestamp> {
    let update = operations.find(|operation| {
        operation.kind == StepKind::Update.operation() && operation.status == OperationStatus::Successful
    });
    update?.ended_at
}
