//! What somebody else changed in an application that was as the spec asks, or stopped.

use crate::api::condition::{ConditionType, Reason};
use crate::api::spec::{DesiredState, Drift, Mode};
use crate::api::status::{HistoryResult, Journal};
use crate::desired::Desired;
use crate::plan::decision::{HeldBack, Note, Plan};
use crate::plan::desk::{Desk, restart_wanted};
use crate::plan::diff::{difference, in_words};
use crate::plan::situation::Situation;
use crate::world::{ApplicationStatus, Observed};

/// What somebody else changed in the content that was brought, by the fields of the spec; none where the content is as it
/// was brought, and while a change or a way back of ours is under way.
pub(crate) fn of_content(situation: &Situation<'_>, journal: &Journal) -> Option<String> {
    let want = situation.want.ok().filter(|want| want.mode == Mode::Full)?;
    let app = situation.world.application.as_ref()?;
    let revision = want.revision.as_str();
    let handled = journal.handled.clone().unwrap_or_default();
    let revisions = journal.revisions();
    let was_brought = match handled.brought {
        Some(brought) => brought == revision,
        None => [revisions.running.as_deref(), revisions.good.as_deref()].contains(&Some(revision)),
    };
    let was_brought =
        was_brought && handled.approval.as_deref() == Some(revision) && journal.failure_of(revision).is_none();
    let is_busy =
        journal.put_back.is_some() || is_calling(journal) || journal.rollout.is_some() || journal.way_back.is_some();
    if !was_brought || is_busy || !app.status.is_settled() || difference(app, &want.configuration).is_empty() {
        return None;
    }
    Some(in_words(&app.configuration, &want.configuration))
}

/// Why the application is left as somebody else made it, where the spec asks only to be told.
pub(crate) fn reported(situation: &Situation<'_>, journal: &Journal) -> Option<HeldBack> {
    let want = situation.want.ok().filter(|want| want.drift == Drift::Report)?;
    let message = match of_content(situation, journal) {
        Some(words) => format!(
            "somebody else changed the application: {words}. Change the spec, or set spec.management.drift to Correct to undo it"
        ),
        None => stopped_elsewhere(situation, journal, want)?,
    };
    Some(HeldBack {
        reason: Reason::DriftDetected,
        message,
        until: None,
    })
}

/// Whether a stop by somebody else is left as it is, in words.
fn stopped_elsewhere(situation: &Situation<'_>, journal: &Journal, want: &Desired) -> Option<String> {
    let app = situation.world.application.as_ref()?;
    let newest = journal.history.last()?;
    let holds = want.state == DesiredState::Running
        && app.status == ApplicationStatus::Ready
        && newest.result == HistoryResult::StoppedElsewhere
        && newest.revision.as_deref() == Some(want.revision.as_str())
        && !is_calling(journal)
        && !restart_wanted(journal, want);
    holds.then(|| {
        format!(
            "somebody else stopped the application, which was noticed at {}. Annotate sluicegate.dev/restart-requested-at to start it, or set spec.desiredState to Stopped",
            newest.at
        )
    })
}

/// Whether a stop by somebody else of what is pursued in place of the spec is left as it is.
pub(super) fn is_left_stopped(situation: &Situation<'_>, journal: &Journal, in_place: &Desired) -> bool {
    in_place.drift == Drift::Report && stopped_elsewhere(situation, journal, in_place).is_some()
}

/// Whether a call is under way that does not leave the job alone.
fn is_calling(journal: &Journal) -> bool {
    let intent = journal.intent.as_ref();
    intent.is_some_and(|intent| !intent.step.is_background())
}

/// What is pursued in place of the spec while drift is reported: that everything stays as it is.
pub(super) fn left_alone(app: &Observed, in_place: Desired) -> Desired {
    if app.status == ApplicationStatus::Ready {
        Desired {
            state: DesiredState::Stopped,
            ..in_place
        }
    } else {
        in_place
    }
}

/// Tells a person of drift when it is first seen, or when a move begins to undo it.
pub(super) fn tell(desk: &mut Desk<'_>, plan: &Plan) {
    if let Some(held_back) = desk
        .held_back
        .clone()
        .filter(|held| held.reason == Reason::DriftDetected)
    {
        if !desk.was_said(ConditionType::Synced, Reason::DriftDetected) {
            desk.notes.push(Note::warning("DriftDetected", held_back.message));
        }
        return;
    }
    let begins = matches!(plan, Plan::Do(step) if !step.kind().is_background());
    if let Some(words) = desk.undone.take().filter(|_| begins) {
        desk.notes.push(Note::warning(
            "DriftCorrected",
            format!("somebody else changed the application, and it is brought back: {words}"),
        ));
    }
}
