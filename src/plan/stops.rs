//! The stop after which nothing was started: the next start goes on from the snapshot of that stop.
//!
//! The service may list it late. An older one in its place would lose what came since, in silence: so it is awaited, and
//! what is taken in its place is told.

use jiff::{SignedDuration, Timestamp};

use crate::api::condition::Reason;
use crate::api::status::{HistoryResult, Intent, LastStop, StepKind, UnprovenSpan};
use crate::desired::Desired;
use crate::plan::call::operation_of;
use crate::plan::decision::{Note, Plan, Waiting};
use crate::plan::desk::Desk;
use crate::plan::ownership::Ownership;
use crate::plan::points::is_consented;
use crate::plan::snapshots::name;
use crate::plan::{gate, put_back, waiting};
use crate::world::{ApplicationStatus, ObservedOperation, ObservedSnapshot, OperationStatus, SnapshotStatus};

/// How long after the end of a stop the list may lack its snapshot.
const LISTED_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// A stop of the controller came to its end.
pub(super) fn done(desk: &mut Desk<'_>, intent: &Intent) {
    let revision = desk.journal.revisions().running;
    put_back::note_what_ran(desk, intent, revision.as_ref());
    remember(desk, intent);
    desk.set_running(None);
    desk.close_span(gate::ended_at(desk, intent));
    desk.record(HistoryResult::Stopped, revision);
    let (reason, text) = if intent.step == StepKind::Stop {
        ("Stopped", "the job was stopped with a snapshot where snapshots are on")
    } else {
        ("ForceStopped", "the job was stopped by force, without a snapshot")
    };
    desk.notes.push(Note::normal(reason, text));
}

fn remember(desk: &mut Desk<'_>, intent: &Intent) {
    let operation = operation_of(intent, desk.situation.world);
    let listed = operation.map(|operation| operation.id.clone());
    desk.journal.last_stop = Some(LastStop {
        operation_id: intent.operation_id.clone().or(listed),
        began_at: operation.map_or(intent.declared_at, |operation| operation.started_at),
        ended_at: gate::ended_at(desk, intent),
        has_snapshot: intent.step == StepKind::Stop && takes_snapshots(desk),
    });
}

/// Remembers a stop that no call of the controller is known to have made. Whether it was forced, the service does not tell,
/// unless it was seen to be.
pub(super) fn recognise(desk: &mut Desk<'_>) {
    let world = desk.situation.world;
    let Some(app) = &world.application else { return };
    let ours = matches!(
        desk.situation.owner.judge(&app.tags),
        Ownership::Ours | Ownership::Earlier
    );
    let Some(operation) = newest(world.operations()).filter(|_| ours) else {
        return;
    };
    let is_known = desk.journal.last_stop.as_ref().is_some_and(|known| {
        known.operation_id.as_ref() == Some(&operation.id) || operation.started_at <= known.ended_at
    });
    if is_known {
        return;
    }
    let before = desk.situation.app.status.as_ref();
    let seen = before.and_then(|status| status.journal.aws.as_ref()?.application_status.as_deref());
    let is_forced = seen == Some(ApplicationStatus::ForceStopping.as_str());
    desk.journal.last_stop = Some(LastStop {
        operation_id: Some(operation.id.clone()),
        began_at: operation.started_at,
        ended_at: operation.ended_at.unwrap_or(desk.situation.now),
        has_snapshot: !is_forced && takes_snapshots(desk),
    });
}

/// The newest stop of some operations, where no start followed it.
fn newest(operations: &[ObservedOperation]) -> Option<&ObservedOperation> {
    let mut ended = operations.iter().filter(|operation| match operation.status {
        OperationStatus::Successful => true,
        OperationStatus::Failed => operation.kind != StepKind::Start.operation(),
        OperationStatus::InProgress | OperationStatus::Cancelled => false,
    });
    let runs = [StepKind::Start.operation(), StepKind::Stop.operation()];
    let last = ended.find(|operation| runs.contains(&operation.kind.as_str()));
    last.filter(|operation| operation.kind == StepKind::Stop.operation())
}

fn takes_snapshots(desk: &Desk<'_>) -> bool {
    let app = desk.situation.world.application.as_ref();
    app.is_some_and(|app| app.configuration.snapshots_enabled)
}

/// The wait for the snapshot of the last stop, as long as it may come. The snapshot of a job that ran in a spoilt span, or
/// in whose place somebody consents to an empty start, is not awaited.
pub(super) fn awaited(desk: &Desk<'_>, want: &Desired, spoils: impl Fn(&UnprovenSpan) -> bool) -> Option<Plan> {
    let world = desk.situation.world;
    let app = world.application.as_ref()?;
    let stop = desk.journal.last_stop.as_ref().filter(|stop| stop.has_snapshot)?;
    let mut spans = desk.journal.unproven.iter();
    let is_spoilt = spans.any(|span| span.holds(stop.began_at) && spoils(span));
    if app.status != ApplicationStatus::Ready || is_spoilt || is_consented(&desk.journal, want) {
        return None;
    }
    let (what, deadline) = match found(desk, stop) {
        None => ("is not listed yet", stop.ended_at + LISTED_WITHIN),
        Some(own) if own.status == SnapshotStatus::Creating => {
            ("is being taken", stop.ended_at + want.progress_deadline)
        }
        Some(_) => return None,
    };
    let now = desk.situation.now;
    (now < deadline).then(|| {
        Plan::Wait(Waiting {
            reason: Reason::Pending,
            message: format!(
                "the job goes on from the snapshot of the stop that ended at {}, which {what}; an older one is taken at {deadline}",
                stop.ended_at
            ),
            until: waiting::next_look(now, stop.ended_at).min(deadline),
            background: false,
        })
    })
}

/// The snapshot of a stop as it is listed: the service's own, taken since the stop began.
fn found<'a>(desk: &'a Desk<'_>, stop: &LastStop) -> Option<&'a ObservedSnapshot> {
    let listed = desk.situation.world.snapshots().iter();
    let own = listed.filter(|snapshot| !is_older(snapshot, stop) && !name::is_ours(&snapshot.name));
    own.max_by_key(|snapshot| match snapshot.status {
        SnapshotStatus::Ready => 2,
        SnapshotStatus::Creating => 1,
        SnapshotStatus::Failed | SnapshotStatus::Deleting => 0,
    })
}

/// Whether a snapshot was taken before a stop began; times of the service may carry whole seconds.
fn is_older(snapshot: &ObservedSnapshot, stop: &LastStop) -> bool {
    snapshot.created_at.as_second() < stop.began_at.as_second()
}

/// What a person hears of a start: also how much older than the last stop the state is that the job goes on from.
pub(super) fn started(desk: &Desk<'_>, intent: &Intent) -> Note {
    let Some(name) = &intent.snapshot else {
        return Note::normal("Started", "the job was started without state");
    };
    let text = format!("the job was started from snapshot {name}");
    let mut listed = desk.situation.world.snapshots().iter();
    let restored = listed.find(|snapshot| snapshot.name == *name);
    let stop = desk.journal.last_stop.as_ref().filter(|stop| stop.has_snapshot);
    let Some((restored, stop)) = restored.zip(stop).filter(|(restored, stop)| is_older(restored, stop)) else {
        return Note::normal("Started", text);
    };
    let age = whole_seconds(stop.began_at).duration_since(whole_seconds(restored.created_at));
    let text = format!(
        "{text} of {}, which is {age:#} older than the stop of {}",
        restored.created_at, stop.began_at
    );
    let why = match found(desk, stop).map(|own| own.status) {
        Some(SnapshotStatus::Ready) => return Note::normal("Started", text),
        None => "is not listed",
        Some(SnapshotStatus::Creating) => "is not complete",
        Some(SnapshotStatus::Failed) => "failed",
        Some(SnapshotStatus::Deleting) => "is being deleted",
    };
    if intent.restore_once.is_some() {
        return Note::normal("Started", text);
    }
    Note::warning("Started", format!("{text}: the snapshot of that stop {why}"))
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
