//! What a pass must read of an application beside its description.

use jiff::Timestamp;

use crate::api::spec::{DesiredState, FlinkApplication};
use crate::api::status::{Journal, Requests};
use crate::desired::{Desired, Undesirable};
use crate::plan::{diff, requests, restart_wanted, snapshots};
use crate::world::{ApplicationStatus, Needs, Observed};

/// What must be read of an application beside its description: nothing where the description alone shows that nothing
/// is in flight and nothing to do.
#[must_use]
pub fn needs(
    app: &FlinkApplication,
    want: Result<&Desired, &Undesirable>,
    observed: Option<&Observed>,
    now: Timestamp,
) -> Needs {
    let journal = app
        .status
        .as_ref()
        .map(|status| status.journal.clone())
        .unwrap_or_default();
    let Some(observed) = observed else {
        return Needs::default();
    };
    let running = observed.status == ApplicationStatus::Running;
    let verifying = journal.rollout.as_ref().is_some_and(|rollout| rollout.gate.is_some());
    let mut versions = Vec::new();
    if let Some(way) = journal.way_back.as_ref().filter(|way| way.failure.is_none()) {
        versions.push(way.version_id);
        versions.extend(observed.updated_from.filter(|from| *from != way.version_id));
    }
    Needs {
        details: !is_settled(app, want, observed, &journal, now),
        job: running && verifying,
        versions,
    }
}

fn is_settled(
    app: &FlinkApplication,
    want: Result<&Desired, &Undesirable>,
    observed: &Observed,
    journal: &Journal,
    now: Timestamp,
) -> bool {
    let Ok(want) = want else { return false };
    let revisions = journal.revisions();
    let runs = match want.state {
        DesiredState::Running => {
            observed.status == ApplicationStatus::Running
                && revisions.running.as_deref() == Some(want.revision.as_str())
        }
        DesiredState::Stopped => observed.status == ApplicationStatus::Ready && revisions.running.is_none(),
    };
    let seen = app.status.as_ref().map(|status| status.observed_generation);
    runs && seen == app.metadata.generation
        && app.metadata.deletion_timestamp.is_none()
        && journal.intent.is_none()
        && journal.rollout.is_none()
        && journal.way_back.is_none()
        && journal.force_stopped.is_none()
        && requests::open(app, journal) == Requests::default()
        && !restart_wanted(journal, want)
        && snapshots::is_quiet(journal, want, now)
        && diff::difference(observed, &want.configuration).is_empty()
}
