//! The snapshots that are taken while a job runs undisturbed: on request, by the clock, and so that there is always one to
//! go back to.
//!
//! Only the job of a good revision is snapshotted, or one that nobody could verify, and never while a change, a way back or
//! another operation is under way. What fails is tried again at a growing distance and keeps nothing else waiting.

pub(super) mod name;
mod retention;
mod retry;

use crate::plan::snapshots::retry::retry_at;
use jiff::{SignedDuration, Timestamp};

use crate::api::condition::Reason;
use crate::api::spec::DesiredState;
use crate::api::status::{Intent, Journal, RefusalClass, SnapshotFailure, SnapshotsStatus, StepKind};
use crate::desired::{Desired, Runs};
use crate::plan::call::SNAPSHOT_PATIENCE;
use crate::plan::decision::{Note, Plan, Waiting};
use crate::plan::desk::Desk;
use crate::plan::ownership::Ownership;
use crate::plan::snapshots::name::Purpose;
use crate::plan::step::Step;
use crate::plan::{points, undesirable, waiting};
use crate::world::{ApplicationStatus, Observed, SnapshotStatus};

pub(super) use retention::deleted;

/// How many snapshots of an application the service keeps; the automatic ones count, and none is ever deleted by it
/// (facts §4.6).
pub(crate) const LIMIT: i64 = 1000;

/// The number from which on a person is warned.
pub(crate) const ALMOST: i64 = 900;

/// Why a snapshot is due.
enum Due {
    /// Somebody asked for it.
    Request,
    /// The schedule asks for it, at a moment.
    Run(Timestamp),
    /// There is none to go back to.
    RestorePoint,
}

/// The next call about snapshots of an application at rest, or the wait for one of somebody else.
pub(super) fn plan(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    desk.situation.world.snapshots.as_ref()?;
    if desk.journal.rollout.is_some() || desk.journal.way_back.is_some() {
        return None;
    }
    take(desk, app, want).or_else(|| retention::plan(desk, app, want))
}

/// The snapshot that is due of a job that could not be verified: its change is over, and what it does since is worth keeping.
pub(super) fn of_unverified(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    desk.situation.world.snapshots.as_ref()?;
    let runs = app.status == ApplicationStatus::Running && desk.journal.restart_loop().is_none();
    if !runs || !app.configuration.snapshots_enabled || is_failed_in_place(desk, app) {
        refuse(desk, app, want);
        return None;
    }
    take_due(desk, app, want)
}

/// Whether the journal alone shows that nothing about snapshots is due.
pub(super) fn is_quiet(journal: &Journal, want: &Desired, now: Timestamp) -> bool {
    let Some(known) = &journal.snapshots else { return false };
    let has_restore_point =
        want.state == DesiredState::Stopped || !want.configuration.snapshots_enabled || known.latest.is_some();
    let is_ahead = |at: Option<Timestamp>| at.is_none_or(|at| at > now);
    let planned = want.state == DesiredState::Stopped || known.next_at.is_some() == want.snapshots.schedule.is_some();
    has_restore_point
        && planned
        && is_ahead(known.next_at)
        && is_ahead(known.expires_at)
        && known.failure.is_none()
        && known.deletion_failure.is_none()
}

/// When something about snapshots is next due, or known to change.
pub(super) fn wake(journal: &Journal, want: &Desired, now: Timestamp) -> Option<Timestamp> {
    let known = journal.snapshots.as_ref()?;
    let stale_at = known.latest_at.zip(want.snapshots.stale_after);
    [
        known.next_at,
        known.expires_at,
        known.failure.as_ref().map(retry_at),
        known.deletion_failure.as_ref().map(retry_at),
        stale_at.map(|(latest_at, stale_after)| latest_at + stale_after),
    ]
    .into_iter()
    .flatten()
    .filter(|at| *at > now)
    .min()
}

/// Records what the list shows and when the schedule asks for the next one.
pub(super) fn note(desk: &mut Desk<'_>) {
    let Some(app) = &desk.situation.world.application else {
        return;
    };
    let mut known = desk.journal.snapshots.clone().unwrap_or_default();
    let mut reached = false;
    let ours = matches!(
        desk.situation.owner.judge(&app.tags),
        Ownership::Ours | Ownership::Earlier
    );
    if let Some(listed) = desk.situation.world.snapshots.as_ref().filter(|_| ours) {
        let newest = points::restore_point(desk, &app.configuration.runtime_environment);
        let count = i64::try_from(listed.len()).unwrap_or(i64::MAX);
        reached = known.count < ALMOST && count >= ALMOST;
        known.count = count;
        known.latest = newest.map(|snapshot| snapshot.name.clone());
        known.latest_at = newest.map(|snapshot| snapshot.created_at);
    }
    if let Some(want) = asked(desk) {
        known.next_at = next_run(known.next_at, &want, desk.situation.now);
    }
    let listed = desk.situation.world.snapshots.is_some() && ours;
    let is_news = listed || desk.journal.snapshots.is_some() || known != SnapshotsStatus::default();
    if reached {
        desk.notes
            .push(Note::warning("SnapshotLimit", nearly_full(known.count)));
    }
    desk.journal.snapshots = is_news.then_some(known);
}

/// What is asked for; while the spec cannot be followed, what holds for what is in place.
fn asked(desk: &Desk<'_>) -> Option<Desired> {
    let want = desk.situation.want.ok().cloned();
    want.or_else(|| undesirable::standing(&desk.situation, &desk.journal))
}

/// What a person should hear when few more snapshots can be taken.
pub(crate) fn nearly_full(count: i64) -> String {
    format!(
        "there are {count} snapshots and the service keeps {LIMIT}; set spec.snapshots.retention with scope: All, or delete some"
    )
}

/// When the schedule asks for the next snapshot: a run that was not made stays, all others are forgotten when the
/// schedule changes.
fn next_run(planned: Option<Timestamp>, want: &Desired, now: Timestamp) -> Option<Timestamp> {
    let runs = want.snapshots.schedule.as_ref()?;
    if want.state == DesiredState::Stopped {
        return None;
    }
    let is_run = |at: &Timestamp| runs.schedule.after(*at - SignedDuration::from_secs(1)) == Some(*at);
    planned
        .filter(|at| *at <= now && is_run(at))
        .or_else(|| runs.schedule.after(now))
}

fn take(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    if !is_well(desk, app) {
        refuse(desk, app, want);
        return None;
    }
    take_due(desk, app, want)
}

fn take_due(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    if let Some(runs) = &want.snapshots.schedule {
        pass_over(desk, runs);
    }
    let due = due(desk, app)?;
    let now = desk.situation.now;
    let known = desk.journal.snapshots.get_or_insert_default();
    if known.failure.as_ref().is_some_and(|failure| now < retry_at(failure)) {
        return None;
    }
    if let Some(wait) = wait_for_another(desk) {
        return Some(wait);
    }
    let (purpose, at) = match due {
        Due::Request => (Purpose::Request, now),
        Due::Run(at) => (Purpose::Run, at),
        Due::RestorePoint => (Purpose::First, now),
    };
    let name = name::free(desk, app, purpose, at);
    Some(Plan::Do(Step::BackUp { name }))
}

/// Whether a job of a good revision runs undisturbed and the service may take snapshots of it.
fn is_well(desk: &Desk<'_>, app: &Observed) -> bool {
    let running = desk.journal.revisions().running;
    app.status == ApplicationStatus::Running
        && app.configuration.snapshots_enabled
        && desk.journal.restart_loop().is_none()
        && running.is_some_and(|running| desk.was_good(&running))
}

/// Whether a job runs whose revision failed and was left in place.
fn is_failed_in_place(desk: &Desk<'_>, app: &Observed) -> bool {
    let running = desk.journal.revisions().running;
    let is_failed = running.is_some_and(|running| desk.journal.failure_of(&running).is_some());
    app.status == ApplicationStatus::Running && is_failed
}

/// Answers a request that cannot be done before somebody asks for something else.
fn refuse(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let why = if !want.configuration.snapshots_enabled && !app.configuration.snapshots_enabled {
        "snapshots are off: set spec.snapshots.enabled"
    } else if want.state == DesiredState::Stopped && app.status == ApplicationStatus::Ready {
        "no job runs: set spec.desiredState to Running"
    } else if is_failed_in_place(desk, app) {
        "the revision in place failed: a snapshot of its job would be none to go back to"
    } else {
        return;
    };
    let Some(request) = desk.journal.requests().snapshot else {
        return;
    };
    handled(desk, request);
    let message = format!("a snapshot was asked for and {why}");
    desk.notes.push(Note::warning("SnapshotRefused", message));
}

/// Gives up a run of the schedule that can no longer be made up, in favour of the first that can: one snapshot answers it
/// and all that came due since.
fn pass_over(desk: &mut Desk<'_>, runs: &Runs) {
    let now = desk.situation.now;
    let known = desk.journal.snapshots.get_or_insert_default();
    let earliest = now - runs.starting_deadline;
    let Some(missed) = known.next_at.filter(|at| *at < earliest) else {
        return;
    };
    known.next_at = runs.schedule.after(earliest - SignedDuration::from_secs(1));
    known.failure = None;
    let message = format!(
        "the snapshot of {missed} was not taken within spec.snapshots.schedule.startingDeadline ({:#})",
        runs.starting_deadline
    );
    desk.notes.push(Note::warning("SnapshotMissed", message));
}

fn due(desk: &Desk<'_>, app: &Observed) -> Option<Due> {
    if desk.journal.requests().snapshot.is_some() {
        return Some(Due::Request);
    }
    let known = desk.journal.snapshots.as_ref();
    let run = known.and_then(|known| known.next_at);
    if let Some(run) = run.filter(|at| *at <= desk.situation.now) {
        return Some(Due::Run(run));
    }
    let in_place_is_proven = desk.journal.unproven.iter().all(|span| span.until.is_some());
    let point = points::restore_point(desk, &app.configuration.runtime_environment);
    (point.is_none() && in_place_is_proven).then_some(Due::RestorePoint)
}

/// Waits for a snapshot that somebody else began to take.
fn wait_for_another(desk: &Desk<'_>) -> Option<Plan> {
    let now = desk.situation.now;
    let mut listed = desk.situation.world.snapshots().iter();
    let other = listed.find(|snapshot| {
        snapshot.status == SnapshotStatus::Creating && now < snapshot.created_at + SNAPSHOT_PATIENCE
    })?;
    Some(Plan::Wait(Waiting {
        reason: Reason::Pending,
        message: format!("snapshot {} is being taken; the next one waits for its end", other.name),
        until: waiting::next_look(now, other.created_at),
        background: true,
    }))
}

/// A snapshot was taken: it answers everything that was due when it was asked for.
pub(super) fn taken(desk: &mut Desk<'_>, intent: &Intent) {
    desk.journal.had_state = true;
    let name = intent.snapshot.clone().unwrap_or_default();
    let runs = asked(desk).and_then(|want| want.snapshots.schedule);
    let known = desk.journal.snapshots.get_or_insert_default();
    known.failure = None;
    if known.next_at.is_some_and(|at| at <= intent.declared_at) {
        known.next_at = runs.and_then(|runs| runs.schedule.after(intent.declared_at));
    }
    if let Some(request) = intent.snapshot_request.clone() {
        handled(desk, request);
    }
    let message = format!("snapshot {name} was taken{}", Purpose::of(&name).because());
    desk.notes.push(Note::normal("SnapshotTaken", message));
}

/// The service accepted to take or to delete a snapshot and did not do it.
pub(super) fn failed(desk: &mut Desk<'_>, step: StepKind, cause: String) {
    desk.journal
        .fail_snapshot(step, desk.situation.now, None, cause.clone());
    desk.notes.push(failure_note(step, cause));
}

/// What a person should hear of a snapshot that was not taken or not deleted.
pub(super) fn failure_note(step: StepKind, cause: String) -> Note {
    let reason = if step == StepKind::BackUp {
        "SnapshotFailed"
    } else {
        "SnapshotDeletionFailed"
    };
    Note::warning(reason, cause)
}

fn handled(desk: &mut Desk<'_>, request: String) {
    desk.handle(|requests, handled| {
        if requests.snapshot.as_ref() == Some(&request) {
            requests.snapshot = None;
        }
        handled.snapshot = Some(request);
    });
}

impl Journal {
    /// Remembers that a snapshot was not taken, or was not deleted.
    pub(super) fn fail_snapshot(
        &mut self,
        step: StepKind,
        at: Timestamp,
        class: Option<RefusalClass>,
        message: String,
    ) {
        let known = self.snapshots.get_or_insert_default();
        let failure = if step == StepKind::BackUp {
            &mut known.failure
        } else {
            &mut known.deletion_failure
        };
        *failure = Some(SnapshotFailure::after(failure.as_ref(), at, class, message));
    }
}

impl SnapshotFailure {
    /// The failure of another attempt after earlier ones.
    #[must_use]
    pub fn after(earlier: Option<&Self>, at: Timestamp, class: Option<RefusalClass>, message: String) -> Self {
        Self {
            at,
            attempts: earlier.map_or(1, |earlier| earlier.attempts.saturating_add(1)),
            class,
            message,
        }
    }
}
