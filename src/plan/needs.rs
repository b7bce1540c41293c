//! What a pass must read of an application beside its description.

use jiff::Timestamp;

use crate::api::annotation;
use crate::api::condition::ConditionType;
use crate::api::spec::{DesiredState, FlinkApplication, Mode};
use crate::api::status::{Journal, RefusalClass, Requests, StepKind, WayBack};
use crate::desired::{Desired, Health, Undesirable, deletion_rules};
use crate::plan::desk::restart_wanted;
use crate::plan::finalizer::finalizer;
use crate::plan::{diff, health, requests, snapshots};
use crate::world::{ApplicationStatus, Needs, Observed, Restarts};

/// What must be read of an application beside its description: nothing where the description alone shows that nothing
/// is in flight and nothing to do.
#[must_use]
pub fn needs(
    app: &FlinkApplication,
    want: Result<&Desired, &Undesirable>,
    observed: Option<&Observed>,
    restarts: &Restarts,
    now: Timestamp,
) -> Needs {
    let Some(observed) = observed else {
        return Needs::default();
    };
    let blank = Journal::default();
    let journal = app.status.as_ref().map_or(&blank, |status| &status.journal);
    let running = observed.status == ApplicationStatus::Running;
    let verifying = journal.rollout.as_ref().is_some_and(|rollout| rollout.gate.is_some());
    let asks_for_a_job = app.spec.desired_state == DesiredState::Running;
    let changes = asks_for_a_job && is_refused_for_downtime(journal);
    let terms = want.map_or_else(|_| Health::standing(app), |want| want.health);
    let news = health::is_news(journal, &terms, restarts);
    let mut versions = Vec::new();
    let is_known = |way: &WayBack| way.failure.is_some() || way.elsewhere && way.version_id == observed.version_id;
    if let Some(way) = journal.way_back.as_ref().filter(|way| !is_known(way)) {
        versions.push(way.version_id);
        versions.extend(observed.updated_from.filter(|from| *from != way.version_id));
    } else if is_left(journal, want, observed) {
        versions.extend(journal.revisions().good_version_id);
        versions.extend(observed.updated_from.filter(|from| !versions.contains(from)));
    }
    versions.extend(
        journal
            .put_back
            .as_ref()
            .filter(|put_back| !put_back.started)
            .map(|put_back| put_back.version_id),
    );
    Needs {
        details: news || !is_settled(app, want, observed, journal, now),
        job: running && (verifying || news || changes),
        versions,
    }
}

/// The rest of an application that is as its status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRest {
    /// When something is due.
    pub wake: Option<Timestamp>,
}

/// Whether the resource alone shows that there is nothing to do, provided that the application is as it was last seen.
#[must_use]
pub fn at_rest(app: &FlinkApplication, want: Result<&Desired, &Undesirable>, now: Timestamp) -> Option<AtRest> {
    let (want, status) = (want.ok()?, app.status.as_ref()?);
    let journal = &status.journal;
    let is_true = |type_: ConditionType| {
        let mut conditions = status.conditions.iter();
        conditions.any(|condition| condition.type_ == type_.as_str() && condition.status == "True")
    };
    let revisions = journal.revisions();
    let known = revisions.target.as_deref() == Some(want.revision.as_str());
    let seen = ApplicationStatus::parse(journal.aws.as_ref()?.application_status.as_deref()?);
    let rests = want.mode == Mode::Full
        && known
        && is_true(ConditionType::Ready)
        && is_true(ConditionType::Synced)
        && requests::are_noted(app, journal)
        && annotation::value(app, annotation::RECONCILE).is_none()
        && !is_true(ConditionType::Paused)
        && finalizer(app, &deletion_rules(&app.spec)).is_none()
        && runs_as_asked(want, &seen, journal)
        && nothing_is_due(app, want, journal, now);
    rests.then(|| AtRest {
        wake: snapshots::wake(journal, want, now),
    })
}

/// Whether the service refuses a change because the job is down, so that a look must tell whether it is.
fn is_refused_for_downtime(journal: &Journal) -> bool {
    let changes = [
        StepKind::TakeSnapshot,
        StepKind::Update,
        StepKind::Restart,
        StepKind::Stop,
    ];
    let refusal = journal.refusal.as_ref();
    refusal.is_some_and(|refusal| refusal.class == RefusalClass::JobDown && changes.contains(&refusal.step))
}

/// Whether another revision than the good one is brought out or verified that the spec returned to: what it would go back to
/// decides how it is left.
fn is_left(journal: &Journal, want: Result<&Desired, &Undesirable>, observed: &Observed) -> bool {
    let asked = want.is_ok_and(|want| journal.revisions().good.as_deref() == Some(want.revision.as_str()));
    let rollout = journal.rollout.as_ref().map(|rollout| &rollout.revision);
    let another = rollout.is_some_and(|revision| journal.revisions().good.as_ref() != Some(revision));
    let is_there = matches!(
        observed.status,
        ApplicationStatus::Updating | ApplicationStatus::Running
    );
    is_there && asked && another
}

fn is_settled(
    app: &FlinkApplication,
    want: Result<&Desired, &Undesirable>,
    observed: &Observed,
    journal: &Journal,
    now: Timestamp,
) -> bool {
    let Ok(want) = want else { return false };
    runs_as_asked(want, &observed.status, journal)
        && nothing_is_due(app, want, journal, now)
        && diff::difference(observed, &want.configuration).is_empty()
}

/// Whether the job of the wanted revision runs in this status of the application, or none where none is wanted.
fn runs_as_asked(want: &Desired, status: &ApplicationStatus, journal: &Journal) -> bool {
    let running = journal.revisions().running;
    match want.state {
        DesiredState::Running => {
            *status == ApplicationStatus::Running && running.as_deref() == Some(want.revision.as_str())
        }
        DesiredState::Stopped => *status == ApplicationStatus::Ready && running.is_none(),
    }
}

/// Whether the resource alone shows that nothing is in flight and nothing asked for.
fn nothing_is_due(app: &FlinkApplication, want: &Desired, journal: &Journal, now: Timestamp) -> bool {
    let seen = app.status.as_ref().map(|status| status.observed_generation);
    seen == app.metadata.generation
        && app.metadata.deletion_timestamp.is_none()
        && journal.intent.is_none()
        && journal.rollout.is_none()
        && journal.way_back.is_none()
        && journal.force_stopped.is_none()
        && requests::open(app, journal) == Requests::default()
        && !restart_wanted(journal, want)
        && !health::is_unanswered(journal, want)
        && snapshots::is_quiet(journal, want, now)
}
