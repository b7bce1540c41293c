//! How a way back begins, is taken up again, and is left.

use crate::api::condition::Reason;
use crate::api::spec::OnFailure;
use crate::api::status::{RolledBack, WayBack};
use crate::desired::Desired;
use crate::plan::decision::Note;
use crate::plan::desk::Desk;
use crate::plan::hold::{forced_stop_that_holds, stand_in};
use crate::world::{ApplicationStatus, Observed};

/// Takes the way back that a failure asks for, once.
pub(in crate::plan) fn begin(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let revision = want.revision.as_str();
    let Some(failed) = desk.journal.failure_of(revision).filter(|failed| !failed.answered) else {
        return;
    };
    let reason = match failed.reason {
        Reason::StartFailed if app.rolled_back_from.is_some() => Reason::System,
        Reason::StartFailed => Reason::OperationFailed,
        Reason::ForceStopped => Reason::Manual,
        Reason::DeadlineExceeded => Reason::DeadlineExceeded,
        _ => Reason::GateFailed,
    };
    let revisions = desk.journal.revisions();
    let (Some(good), Some(version_id)) = (revisions.good, revisions.good_version_id) else {
        return;
    };
    if want.on_failure != OnFailure::Rollback || good == revision {
        return;
    }
    if desk.journal.failure_of(&good).is_some() {
        // Somebody left the good revision: it is no way back, and what is in place is left as it is.
        answered(desk, revision);
        return;
    }
    desk.notes.push(Note::warning(
        "RollbackStarted",
        format!("revision {revision} failed; going back to revision {good} (version {version_id})"),
    ));
    let way = WayBack::new(revision.to_owned(), good, version_id, reason, desk.situation.now);
    desk.journal.way_back = Some(way);
    answered(desk, revision);
}

pub(in crate::plan) fn answered(desk: &mut Desk<'_>, revision: &str) {
    let failed = desk.journal.failed_revisions.iter_mut();
    for entry in failed.filter(|failed| failed.revision == revision) {
        entry.answered = true;
    }
}

/// Starts the good revision again where it runs in place of the one that failed and came to rest, unless it was stopped
/// by force to stay so.
pub(super) fn resume(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    if desk.journal.way_back.is_some()
        || app.status != ApplicationStatus::Ready
        || forced_stop_that_holds(desk, want).is_some()
    {
        return;
    }
    let version_id = desk.journal.revisions().good_version_id;
    if let Some((RolledBack { from, to, reason, .. }, version_id)) = stand_in(desk, want).zip(version_id) {
        desk.journal.way_back = Some(WayBack {
            rollback_refused: true,
            ..WayBack::new(from, to, version_id, reason, desk.situation.now)
        });
    }
}

/// Leaves the way back for as long as the application shall be stopped.
pub(in crate::plan) fn put_off(desk: &mut Desk<'_>) {
    let Some(way) = desk.journal.way_back.take() else {
        return;
    };
    if way.started {
        desk.journal.rolled_back = Some(way.arrived(desk.situation.now));
        return;
    }
    for failed in &mut desk.journal.failed_revisions {
        failed.answered &= way.elsewhere || failed.revision != way.from;
    }
}
