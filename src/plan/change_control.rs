//! What waits for a person or for a change window: the content of a new revision, and nothing else.
//!
//! While a revision is held back, everything goes on as if the spec still asked for what is in place: a rollout that was
//! begun is verified, a job that ended is started again, a way back is taken, and a stop, a restart, tags and deletion
//! are done. A revision that was let through once is not held back again while it is asked for.

use crate::plan::decision::HeldBack;

use crate::api::condition::Reason;
use crate::api::spec::{Approval, DesiredState, Mode};
use crate::api::status::Journal;
use crate::configuration::Revision;
use crate::desired::{Desired, Opening};
use crate::plan::decision::{Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::diff::in_sync;
use crate::plan::resolved_key::Candidates;
use crate::plan::rollback::revert;
use crate::plan::situation::Situation;
use crate::plan::step::Step;
use crate::plan::{drift, put_back, requests, switched_off, undesirable, unheeded};
use crate::world::{ApplicationStatus, Observed};

/// Whether the revision that the spec asks for is held back.
///
/// A revision that the service has already, one that was let through, and the good one that the spec returns to while
/// another is not proven, are not, unless somebody else changed the application and the spec asks only to be told.
#[must_use]
pub fn held_back(situation: &Situation<'_>, journal: &Journal) -> Option<HeldBack> {
    let want = situation.want.ok().filter(|want| want.mode == Mode::Full)?;
    let revision = want.revision.as_str();
    let left_alone = undesirable::by_the_service(situation, want)
        .or_else(|| put_back::held(situation, journal))
        .or_else(|| unheeded::held(situation, journal))
        .or_else(|| drift::reported(situation, journal))
        .or_else(|| switched_off::correction_waits(situation, journal));
    if left_alone.is_some() {
        return left_alone;
    }
    let let_through = journal.handled.as_ref().and_then(|handled| handled.approval.as_deref()) == Some(revision);
    if let_through || in_sync(situation.world, want) || revert::is_revert(situation.world, journal, revision) {
        return None;
    }
    if want.approval == Approval::Manual && want.approved_revision.as_deref() != Some(revision) {
        return Some(HeldBack {
            reason: Reason::AwaitingApproval,
            message: format!(
                "revision {revision} waits for approval: annotate sluicegate.dev/approved-revision={revision} to let it through"
            ),
            until: None,
        });
    }
    let (message, until) = match want.change_windows.opening(situation.now) {
        Opening::Now => return None,
        Opening::At(name, at) => (
            format!("revision {revision} waits for change window {name}, which opens at {at}"),
            Some(at),
        ),
        Opening::Never => (
            format!(
                "revision {revision} waits for a change window, and none of spec.rollout.changeWindows opens in the next four years"
            ),
            None,
        ),
    };
    Some(HeldBack {
        reason: Reason::OutsideChangeWindow,
        message,
        until,
    })
}

/// Holds a revision back where it must wait, and returns what is pursued in its place, as long as there is an
/// application.
pub(super) fn judge(desk: &mut Desk<'_>) -> Option<Desired> {
    put_back::note(desk);
    let standing = undesirable::hold(desk);
    if standing.is_none() {
        desk.held_back = held_back(&desk.situation, &desk.journal);
    }
    put_back::end_giving_way(desk, desk.held_back.is_some());
    if desk.held_back.is_none() {
        desk.undone = drift::of_content(&desk.situation, &desk.journal);
    }
    let asked = desk.situation.want.ok().filter(|_| desk.held_back.is_some());
    let want = standing.as_ref().or(asked)?;
    let app = desk.situation.world.application.as_ref()?;
    let in_place = put_back::pursued(desk, app, want).unwrap_or_else(|| in_place(desk, app, want));
    leave_what_has_not_begun(desk, app, &in_place);
    let is_drift = desk
        .held_back
        .as_ref()
        .is_some_and(|held| held.reason == Reason::DriftDetected);
    let is_left = drift::is_left_stopped(&desk.situation, &desk.journal, &in_place);
    Some(if is_drift || is_left {
        drift::left_alone(app, in_place)
    } else {
        in_place
    })
}

/// Leaves a change of which nothing was sent while the job before it runs on: that job was proven, and is not held to
/// account for it.
fn leave_what_has_not_begun(desk: &mut Desk<'_>, app: &Observed, in_place: &Desired) {
    let journal = &desk.journal;
    let revisions = journal.revisions();
    let in_place = Some(in_place.revision.to_string());
    let runs_on = app.status == ApplicationStatus::Running
        && revisions.running == in_place
        && revisions.good == in_place
        && journal.intent.is_none();
    desk.journal.rollout.take_if(|rollout| {
        let is_sent = rollout.gate.is_some() || rollout.updated_version_id.is_some() || rollout.stopped_for_it;
        runs_on && !is_sent && Some(&rollout.revision) != in_place.as_ref()
    });
}

/// Puts back what ran before a change that another revision took the place of, where that one must wait.
pub(super) fn give_way(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, _) = desk.pursued()?;
    let held_back = desk.held_back.clone()?;
    put_back::give_way(desk, &held_back, app)
}

/// What is said of a move while a revision is held back: that, where nothing else is to be done or waited for.
pub(super) fn told(desk: &Desk<'_>, plan: Plan) -> Plan {
    let (Some(held_back), Some((_, want))) = (desk.held_back.clone(), desk.pursued()) else {
        return plan;
    };
    match plan {
        Plan::Rest => held(desk, held_back),
        Plan::Stall(_) if waits_for_another(desk, want) => held(desk, held_back),
        Plan::Stall(stall) if undesirable::is_why(&held_back) => undesirable::beside(stall, &held_back),
        plan => plan,
    }
}

/// What is said where there is nothing to do but for the revision that is held back: one that was refused, or left undone,
/// waits for a person.
fn held(desk: &Desk<'_>, held_back: HeldBack) -> Plan {
    match held_back.reason {
        _ if undesirable::is_why(&held_back) => undesirable::alone(desk, held_back),
        Reason::AwaitingApproval | Reason::OutsideChangeWindow | Reason::DriftDetected => Plan::HeldBack(held_back),
        reason => stall(reason, held_back.message),
    }
}

/// Whether what is in place failed and was answered, so that it waits for nothing but the revision that is held back.
fn waits_for_another(desk: &Desk<'_>, want: &Desired) -> bool {
    desk.journal.way_back.is_none() && desk.journal.failure_of(want.revision.as_str()).is_some()
}

/// Remembers the revision that a move brings out: from its first call on it is let through. A stop that no change needs
/// brings nothing.
pub(super) fn let_through(desk: &mut Desk<'_>, plan: &Plan) {
    let Ok(want) = desk.situation.want else { return };
    let begins = matches!(plan, Plan::Do(step) if begins(desk, want, step));
    let arrived = in_sync(desk.situation.world, want);
    let is_its_own = desk.served().as_deref() == Some(want.revision.as_str());
    if desk.held_back.is_none() && !requests::is_paused(desk.situation.app) && is_its_own && (begins || arrived) {
        let application = desk.situation.world.application.as_ref();
        // While an update is under way, the service reports content that it may still take back.
        let rests = application.is_some_and(|app| app.status.is_settled()) && desk.journal.intent.is_none();
        let handled = desk.journal.handled.get_or_insert_default();
        handled.approval = Some(want.revision.to_string());
        if arrived && rests {
            handled.brought = Some(want.revision.to_string());
        }
    }
}

/// Whether a step is one of a revision: a stop is one only where it serves the change to it.
fn begins(desk: &Desk<'_>, want: &Desired, step: &Step) -> bool {
    let rollout = desk.journal.rollout.as_ref();
    let serves = rollout.is_some_and(|rollout| rollout.revision == want.revision.as_str());
    match step {
        Step::Stop | Step::ForceStop => serves,
        step => !step.kind().is_background(),
    }
}

/// What is asked for in place of a revision that is held back: the content that the service has, under the revision that
/// it is of. Where no revision that was let through is known to be in place, nothing is started. State may be dropped
/// only if both revisions allow it.
fn in_place(desk: &Desk<'_>, app: &Observed, want: &Desired) -> Desired {
    let found = Candidates::of(&desk.journal, &app.configuration);
    let known = revision_in_place(desk, app, &found);
    let is_down = app.status == ApplicationStatus::Ready;
    let stays_down = known.is_none() && is_down && desk.journal.force_stopped.is_none();
    let revision = match known {
        Some(known) => Revision::recalled(&known),
        None => Revision::of(&app.configuration, false),
    };
    let may_drop = revision == want.revision || found.may_drop(&revision);
    Desired {
        description: app.description.clone(),
        allow_non_restored_state: want.allow_non_restored_state && may_drop,
        revision,
        configuration: app.configuration.clone(),
        state: if stays_down { DesiredState::Stopped } else { want.state },
        ..want.clone()
    }
}

/// The revision that was let through and is in place.
fn revision_in_place(desk: &Desk<'_>, app: &Observed, found: &Candidates) -> Option<String> {
    let journal = &desk.journal;
    let revisions = journal.revisions();
    let way_back = journal.way_back.as_ref().map(|way| way.to.clone());
    let called = journal.intent.as_ref().filter(|intent| intent.step.brings_content());
    let called = called.and_then(|intent| intent.revision.clone());
    let rollout = journal.rollout.as_ref();
    let brought = rollout.filter(|rollout| {
        rollout.gate.is_some()
            || rollout
                .updated_version_id
                .is_some_and(|version| version == app.version_id)
    });
    let brought = brought.map(|rollout| rollout.revision.clone());
    let proven = revisions
        .good
        .filter(|_| revisions.good_version_id == Some(app.version_id));
    let handled = journal.handled.as_ref().and_then(|handled| handled.approval.clone());
    let put_back = journal.put_back.as_ref().map(|put_back| put_back.to.clone());
    let is_found = |revision: &String| found.have(revision);
    way_back
        .or(called)
        .or(brought)
        .or(revisions.running)
        .or(proven)
        .or(handled.filter(is_found))
        .or(put_back.filter(is_found))
}
