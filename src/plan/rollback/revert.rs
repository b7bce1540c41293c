//! A spec that returns to the good revision while a newer one is brought out or verified: it is the rollback, at once.
//!
//! The job that is left was never proven, so that its state is left with it. Its revision is neither failed nor held:
//! asked for again, it is tried again.

use crate::api::condition::{ConditionType, Reason};
use crate::api::status::{Journal, Phase, RolloutStatus, StepKind, WayBack};
use crate::desired::Desired;
use crate::plan::call::{QUARANTINE, give_up};
use crate::plan::change::back_to;
use crate::plan::decision::Note;
use crate::plan::desk::Desk;
use crate::plan::diff::difference;
use crate::plan::resolved_key::Candidates;
use crate::plan::rollback::by_service::fits;
use crate::plan::{points, waiting};
use crate::world::{ApplicationStatus, Observed, ObservedVersion, World};

/// Whether a target is the good revision, and another that was not proven is on its way or in place.
pub(in crate::plan) fn is_revert(world: &World, journal: &Journal, target: &str) -> bool {
    let on_the_way = journal.way_back.as_ref().is_some_and(|way| way.to == target);
    on_the_way || left(world, journal, target).is_some()
}

/// The revision that a return to the good one leaves: the one that is brought out or verified, or the one that failed and
/// is still in place.
fn left(world: &World, journal: &Journal, target: &str) -> Option<String> {
    let revisions = journal.revisions();
    if revisions.good.as_deref() != Some(target) || journal.failure_of(target).is_some() {
        return None;
    }
    let rollout = journal.rollout.as_ref().filter(|rollout| has_begun(journal, rollout));
    let brought = rollout.map(|rollout| rollout.revision.clone());
    let previous = revisions.previous.map(|previous| previous.revision);
    let running = revisions.running.filter(|running| Some(running) != previous.as_ref());
    let mut candidates = [brought, running, failed_in_place(world, journal)].into_iter();
    candidates.find_map(|found| found.filter(|found| found != target))
}

/// Whether the job before the change was stopped or replaced for it, or is about to be.
fn has_begun(journal: &Journal, rollout: &RolloutStatus) -> bool {
    let updates = journal
        .intent
        .as_ref()
        .is_some_and(|intent| intent.step == StepKind::Update);
    updates || rollout.gate.is_some() || rollout.updated_version_id.is_some() || rollout.stopped_for_it
}

/// The failed revision that the service has.
fn failed_in_place(world: &World, journal: &Journal) -> Option<String> {
    let app = world.application.as_ref()?;
    let found = Candidates::of(journal, &app.configuration);
    let mut revisions = found.revisions();
    let failed = revisions.find(|revision| journal.failure_of(revision).is_some())?;
    Some(failed.to_owned())
}

/// Takes the way back to the good revision where the spec returned to it and the service has, or is about to have, another.
///
/// An update that is under way in time is left only by a `RollbackApplication` that has a snapshot of this change to go
/// back to; otherwise its end or its deadline comes first.
pub(in crate::plan) fn begin(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let world = desk.situation.world;
    let is_put_back = desk.journal.put_back.is_some();
    // An ordinary change to the good revision goes on as it began.
    let rollout = desk.journal.rollout.as_ref();
    let is_brought = rollout.is_some_and(|rollout| rollout.revision == want.revision.as_str());
    if is_brought || is_put_back || desk.journal.way_back.is_some() || difference(app, &want.configuration).is_empty() {
        return;
    }
    let good_version_id = desk.journal.revisions().good_version_id;
    let Some((from, version_id)) = left(world, &desk.journal, want.revision.as_str()).zip(good_version_id) else {
        return;
    };
    let to = want.revision.to_string();
    let way = WayBack::new(from, to, version_id, Reason::Reverted, desk.situation.now);
    let is_due = match app.status {
        ApplicationStatus::Running | ApplicationStatus::Ready => desk.journal.intent.is_none() && !is_unverified(desk),
        ApplicationStatus::Updating => may_leave_update(desk, app, want, &way),
        _ => false,
    };
    if !is_due {
        return;
    }
    desk.notes.push(Note::normal(
        "RollbackStarted",
        format!(
            "the spec returned to revision {} before revision {} was proven; going back to version {version_id}",
            way.to, way.from
        ),
    ));
    give_up(desk);
    desk.journal.rollout = None;
    desk.journal.way_back = Some(way);
}

/// Whether the job in place could not be proven when its time was over: what it did since is kept.
fn is_unverified(desk: &Desk<'_>) -> bool {
    desk.was_said(ConditionType::Stalled, Reason::Unverified)
}

/// Whether an update of ours is left before its end.
fn may_leave_update(desk: &Desk<'_>, app: &Observed, want: &Desired, way: &WayBack) -> bool {
    let now = desk.situation.now;
    if waiting::outlasts(desk, want.progress_deadline) {
        return desk
            .journal
            .intent
            .as_ref()
            .is_none_or(|intent| intent.step == StepKind::Update);
    }
    let Some(intent) = desk
        .journal
        .intent
        .as_ref()
        .filter(|intent| intent.step == StepKind::Update)
    else {
        return false;
    };
    let certain = intent.phase == Phase::Issued || now >= intent.declared_at + QUARANTINE;
    let Some(rollout) = desk.journal.rollout.as_ref().filter(|_| certain) else {
        return false;
    };
    let good = good_version(desk, want, way);
    let back = back_to(want, &way.to, good.configuration);
    let point = points::restore_point(desk, &back.configuration.runtime_environment);
    let of_this_change = point.is_some_and(|point| point.created_at >= rollout.started_at);
    of_this_change && fits(desk, app, &back, way)
}

/// The version whose content the way leads to; where the service does not tell it any more, what the spec asks for.
pub(super) fn good_version(desk: &Desk<'_>, want: &Desired, way: &WayBack) -> ObservedVersion {
    let known = desk.situation.world.versions.get(&way.version_id).cloned();
    known.unwrap_or_else(|| ObservedVersion {
        configuration: want.configuration.clone(),
        code_digest: None,
    })
}
