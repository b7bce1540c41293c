//! Rollbacks that somebody else made, or the service by itself, at any moment: none is undone.
//!
//! The revision that was left is held, unless the content in place is its own, and what is in place is verified.

use jiff::SignedDuration;

use crate::api::condition::Reason;
use crate::api::status::{FailedRevision, Intent, PreviousRevision, RolledBack, StepKind, WayBack};
use crate::configuration::Revision;
use crate::plan::call::operation_of;
use crate::plan::decision::Note;
use crate::plan::desk::Desk;
use crate::plan::gate;
use crate::plan::ownership::Ownership;
use crate::plan::resolved_key::Candidates;
use crate::world::{ApplicationStatus, Observed, ObservedOperation, OperationStatus};

/// How soon after a failed change the service goes back from it by itself.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(60);

/// Who went back, as far as it can be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Author {
    /// The service, by itself.
    Service,
    /// A person.
    SomebodyElse,
    /// One of the two.
    Unknown,
}

/// Remembers the version of an update that was accepted and then interrupted by a rollback.
pub(super) fn note_version(desk: &mut Desk<'_>, intent: &Intent) {
    let world = desk.situation.world;
    let left = world.application.as_ref().and_then(|app| app.rolled_back_from);
    let version = gate::brought_version(desk, intent).filter(|version| left == Some(*version));
    let carried_out = intent.to_version_id.is_some() || operation_of(intent, world).is_some();
    if let (StepKind::Update, true, Some(version), Some(rollout)) =
        (intent.step, carried_out, version, &mut desk.journal.rollout)
    {
        rollout.updated_version_id = Some(version);
    }
}

/// Recognises a rollback of somebody else from a version that was brought out, and takes what is in place for what is to
/// be verified; whether there was one.
pub(super) fn recognise(desk: &mut Desk<'_>) -> bool {
    let situation = desk.situation;
    let Some(app) = situation
        .world
        .application
        .as_ref()
        .filter(|app| app.status.is_settled())
    else {
        return false;
    };
    if situation.owner.judge(&app.tags) != Ownership::Ours || desk.journal.intent.is_some() {
        return false;
    }
    let from = app.rolled_back_from.and_then(|left| brought_as(desk, left));
    let operation = rollback_in(situation.world.operations());
    let Some(from) = from else { return false };
    let found = Candidates::of(&desk.journal, &app.configuration);
    let is_in_place = |revision: &str| found.have(revision);
    let ours_under_way = desk.journal.way_back.as_ref().is_some_and(|way| way.from == from);
    let is_answered = desk.journal.failure_of(&from).is_none_or(|failed| failed.answered);
    if is_in_place(&from) || ours_under_way || !is_answered {
        return false;
    }
    let to = known(desk).into_iter().find(|revision| is_in_place(revision));
    let to = to.unwrap_or_else(|| Revision::of(&app.configuration, false).to_string());
    take(desk, app, operation, from, to);
    true
}

/// The revision that was brought out as a version.
fn brought_as(desk: &Desk<'_>, version: i64) -> Option<String> {
    let journal = &desk.journal;
    let of_rollout = journal.rollout.as_ref().filter(|rollout| {
        let came = rollout.gate.as_ref().and_then(|gate| gate.version_id);
        came == Some(version) || rollout.updated_version_id == Some(version)
    });
    let revisions = journal.revisions();
    let proven = revisions
        .good
        .filter(|good| revisions.running.as_ref() == Some(good) && revisions.good_version_id == Some(version));
    let in_place = journal.unproven.iter().find(|span| {
        span.until.is_none() && span.version_id == Some(version) && revisions.running.as_ref() == Some(&span.revision)
    });
    let in_place = in_place.map(|span| span.revision.clone());
    // A good revision that came again as another version and is not proven again.
    let brought = journal
        .brought_job
        .as_ref()
        .filter(|job| job.version_id == Some(version));
    let came_again = brought.and_then(|job| job.revision.clone());
    of_rollout
        .map(|rollout| rollout.revision.clone())
        .or(proven)
        .or(in_place)
        .or(came_again.filter(|revision| revisions.running.as_ref() == Some(revision)))
}

/// The newest rollback, which brought the version that came about by one; the list may be older than the description.
fn rollback_in(operations: &[ObservedOperation]) -> Option<&ObservedOperation> {
    operations
        .iter()
        .find(|operation| operation.kind == StepKind::RollBack.operation())
}

/// The revisions that the content in place may be of.
fn known(desk: &Desk<'_>) -> Vec<String> {
    let revisions = desk.journal.revisions();
    let previous = revisions.previous.map(|previous| previous.revision);
    [revisions.good, previous, revisions.target]
        .into_iter()
        .flatten()
        .collect()
}

/// Who went back from a revision: the service goes back from what failed, at once and by itself, where system rollback is on,
/// and from nothing else that is documented without a doubt (facts §5.2).
fn author(desk: &Desk<'_>, app: &Observed, operation: Option<&ObservedOperation>, from: &str) -> Author {
    let want = desk.situation.want.ok().filter(|want| want.revision.as_str() == from);
    let is_on = app.configuration.system_rollback || want.is_some_and(|want| want.configuration.system_rollback);
    let Some(rollback) = operation else {
        return if is_on { Author::Unknown } else { Author::SomebodyElse };
    };
    let mut earlier = desk.situation.world.operations().iter();
    let before = earlier
        .by_ref()
        .find(|found| found.id == rollback.id)
        .and(earlier.next());
    let is_change = |found: &&ObservedOperation| found.kind == StepKind::Update.operation() || !is_a_call(&found.kind);
    let change = before.filter(is_change);
    let failed = change.is_some_and(|change| {
        let ended_at = change.ended_at.unwrap_or(change.started_at);
        change.status == OperationStatus::Failed && rollback.started_at <= ended_at + AT_ONCE
    });
    match (failed, is_on) {
        (true, true) => Author::Service,
        (false, true) if before.is_some() && change.is_none() => Author::SomebodyElse,
        (true, false) | (false, true) => Author::Unknown,
        (false, false) => Author::SomebodyElse,
    }
}

/// Whether an operation is one that people call, and not one of the service's own.
fn is_a_call(kind: &str) -> bool {
    [StepKind::Start, StepKind::Stop, StepKind::Update, StepKind::RollBack]
        .iter()
        .any(|step| step.operation() == kind)
}

fn take(desk: &mut Desk<'_>, app: &Observed, operation: Option<&ObservedOperation>, from: String, to: String) {
    let at = desk.situation.now;
    let (reason, who) = match author(desk, app, operation, &from) {
        Author::Service => (Reason::System, "the service"),
        Author::SomebodyElse => (Reason::Manual, "somebody else"),
        Author::Unknown => (Reason::Manual, "somebody else, or the service by itself,"),
    };
    desk.notes.push(Note::warning(
        "RolledBackElsewhere",
        format!(
            "{who} rolled the application back from revision {from} to revision {to}; revision {from} is not sent again"
        ),
    ));
    hold(desk, &from, reason);
    let runs = app.status == ApplicationStatus::Running;
    let ended_at = operation.and_then(|operation| operation.ended_at).unwrap_or(at);
    stay_good(desk, app, &from, &to);
    desk.open_span(Some(&to), ended_at);
    desk.set_running(runs.then(|| to.clone()));
    desk.journal.rollout = None;
    desk.journal.rolled_back = Some(RolledBack {
        from: from.clone(),
        to: to.clone(),
        reason,
        at,
    });
    if runs {
        gate::open_for_rollback(desk, app, to.clone(), operation);
    } else {
        desk.close_span(at);
    }
    desk.journal.way_back = Some(WayBack {
        rollback_refused: true,
        started: runs,
        elsewhere: true,
        ..WayBack::new(from, to, app.version_id, reason, at)
    });
}

/// A good revision that is in place again in the place of a newer one is the one to go back to from then on.
fn stay_good(desk: &mut Desk<'_>, app: &Observed, from: &str, to: &str) {
    let Some(revisions) = &mut desk.journal.revisions else {
        return;
    };
    let left = revisions.good.clone().zip(revisions.good_version_id);
    let left = left.filter(|(good, _)| good == from);
    let back = revisions
        .previous
        .take_if(|previous| previous.revision == to && left.is_some());
    if let (Some(back), Some((revision, version_id))) = (back, left) {
        revisions.previous = Some(PreviousRevision {
            revision,
            version_id,
            snapshot: revisions.good_snapshot.take(),
        });
        revisions.good = Some(back.revision);
        revisions.good_version_id = Some(app.version_id);
        revisions.good_snapshot = back.snapshot;
    }
}

/// Holds a revision without calling it failed: it is not sent again before somebody asks for it.
fn hold(desk: &mut Desk<'_>, revision: &str, reason: Reason) {
    if let Some(handled) = &mut desk.journal.handled {
        handled.brought.take_if(|brought| brought == revision);
    }
    let failed = &mut desk.journal.failed_revisions;
    if let Some(known) = failed.iter_mut().find(|failed| failed.revision == revision) {
        known.answered = true;
        return;
    }
    failed.push(FailedRevision {
        revision: revision.to_owned(),
        reason,
        at: desk.situation.now,
        answered: true,
    });
    let surplus = failed.len().saturating_sub(10);
    failed.drain(..surplus);
}
