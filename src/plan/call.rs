//! What an observation says about a call whose effect is awaited.

use jiff::SignedDuration;

use crate::api::status::{Intent, Phase, StepKind};
use crate::plan::desk::Desk;
use crate::world::{ApplicationStatus, Observed, ObservedOperation, OperationStatus, SnapshotStatus, World};

/// How long after its declaration a fenced call may still arrive: the deadline of the call and a margin.
pub const CALL_SETTLES: SignedDuration = SignedDuration::from_secs(30);

/// How long after its declaration a start or a stop may still take effect: nothing in the API fences them.
pub const QUARANTINE: SignedDuration = SignedDuration::from_secs(60);

/// How long after its declaration an operation may begin and still count as what an unanswered stop began; one that
/// begins later may be the stop of somebody else.
const SENT_AT_ONCE: SignedDuration = SignedDuration::from_secs(2);

/// How long a description may be older than an accepted call (facts §1.2 has no figure; a minute is assumed).
pub const LAG: SignedDuration = SignedDuration::from_secs(60);

/// How long a snapshot may be in the making.
pub(super) const SNAPSHOT_PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What an observation says about an intent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not over.
    Open,
    /// It took no effect, or none that counts.
    Void,
    /// It did what it should.
    Done,
    /// It failed, with the cause in the service's words.
    Failed(String),
}

/// What an observation says about an intent.
pub(super) fn verdict(intent: &Intent, desk: &Desk<'_>) -> Verdict {
    let world = desk.situation.world;
    let age = desk.situation.now.duration_since(intent.declared_at);
    match intent.step {
        StepKind::Create if world.application.is_some() => Verdict::Done,
        StepKind::Create | StepKind::Tag | StepKind::Untag | StepKind::SetMaintenanceWindow => {
            late(age, CALL_SETTLES, Verdict::Void)
        }
        StepKind::Delete => match &world.application {
            None => Verdict::Done,
            Some(app) if app.status == ApplicationStatus::Deleting => Verdict::Open,
            Some(_) => late(age, LAG + CALL_SETTLES, Verdict::Void),
        },
        StepKind::TakeSnapshot => snapshot_verdict(intent, world, age, desk.situation.progress_deadline()),
        StepKind::BackUp => snapshot_verdict(intent, world, age, SNAPSHOT_PATIENCE),
        StepKind::DeleteSnapshot => deletion_verdict(intent, world, age),
        StepKind::Start | StepKind::Stop | StepKind::ForceStop | StepKind::RollBack => world
            .application
            .as_ref()
            .map_or(Verdict::Void, |app| run_verdict(intent, desk, app)),
        _ => world
            .application
            .as_ref()
            .map_or(Verdict::Void, |app| update_verdict(intent, desk, app)),
    }
}

fn late(age: SignedDuration, patience: SignedDuration, then: Verdict) -> Verdict {
    if age >= patience { then } else { Verdict::Open }
}

fn snapshot_verdict(intent: &Intent, world: &World, age: SignedDuration, patience: SignedDuration) -> Verdict {
    let snapshot = world
        .snapshots()
        .iter()
        .find(|snapshot| Some(&snapshot.name) == intent.snapshot.as_ref());
    match snapshot.map(|snapshot| snapshot.status) {
        Some(SnapshotStatus::Ready) => Verdict::Done,
        Some(SnapshotStatus::Failed | SnapshotStatus::Deleting) => Verdict::Failed("the snapshot failed".to_owned()),
        Some(SnapshotStatus::Creating) => late(
            age,
            patience,
            Verdict::Failed(format!("the snapshot was not complete within {patience:#}")),
        ),
        None if intent.phase == Phase::Issued => late(
            age,
            LAG + CALL_SETTLES,
            Verdict::Failed("the snapshot never appeared".to_owned()),
        ),
        None => late(age, CALL_SETTLES, Verdict::Void),
    }
}

/// The operation of an intent: by its id, otherwise the newest of its kind that began after the declaration, while the call
/// could still arrive.
pub(super) fn operation_of<'a>(intent: &Intent, world: &'a World) -> Option<&'a ObservedOperation> {
    match &intent.operation_id {
        Some(id) => world.operation(id),
        None => world
            .newest_after(intent.step.operation(), intent.after_operation_id.as_deref())
            .filter(|operation| operation.started_at <= intent.declared_at + QUARANTINE),
    }
}

/// Gives up the open call before its end; its operation is still known as one of ours.
pub(super) fn give_up(desk: &mut Desk<'_>) {
    if let Some(intent) = desk.journal.intent.take() {
        know_as_ours(desk, &intent);
    }
}

/// Remembers the operation of a call for when the call is given up.
pub(super) fn know_as_ours(desk: &mut Desk<'_>, intent: &Intent) {
    let listed = operation_of(intent, desk.situation.world).map(|operation| operation.id.clone());
    if let Some(operation_id) = intent.operation_id.clone().or(listed) {
        desk.journal.given_up_operation_id = Some(operation_id);
    }
}

/// Whether an operation is listed as going on although its time is over and the application has settled. The list follows
/// the status (facts §2.4), so that what is in place says how the call ended.
pub(super) fn lingers(desk: &Desk<'_>, app: &Observed, operation: &ObservedOperation) -> bool {
    operation.status == OperationStatus::InProgress
        && app.status.is_settled()
        && desk.situation.now >= operation.started_at + desk.situation.progress_deadline()
}

/// How a call ended whose operation lingers; open where what is in place does not say.
fn by_what_is_in_place(intent: &Intent, desk: &Desk<'_>, app: &Observed, operation: &ObservedOperation) -> Verdict {
    let is_running = app.status == ApplicationStatus::Running;
    let failed = || {
        Verdict::Failed(format!(
            "the application is {} and operation {} did not end within spec.rollout.progressDeadline",
            app.status.as_str(),
            operation.id
        ))
    };
    match intent.step {
        StepKind::Stop | StepKind::ForceStop if is_running => Verdict::Open,
        StepKind::Start if is_running => Verdict::Done,
        StepKind::RollBack if is_running && app.rolled_back_from == intent.from_version_id => Verdict::Done,
        StepKind::Start | StepKind::RollBack => failed(),
        // The job of a running application went away with it.
        StepKind::Update | StepKind::Restart if !is_running && desk.journal.revisions().running.is_some() => failed(),
        _ => Verdict::Done,
    }
}

fn update_verdict(intent: &Intent, desk: &Desk<'_>, app: &Observed) -> Verdict {
    let age = desk.situation.now.duration_since(intent.declared_at);
    let moved = intent.fence.as_deref() != Some(app.token.as_str());
    let caught_up = intent.to_version_id.is_none_or(|version| app.version_id >= version);
    let Some(operation) = operation_of(intent, desk.situation.world) else {
        return match intent.phase {
            Phase::Issued if !moved => late(age, LAG + CALL_SETTLES, Verdict::Void),
            _ if moved && app.status.is_settled() && caught_up => late(age, CALL_SETTLES, Verdict::Void),
            _ if moved && app.status.is_settled() => late(age, desk.situation.progress_deadline(), Verdict::Void),
            _ if moved => Verdict::Open,
            _ => late(age, CALL_SETTLES, Verdict::Void),
        };
    };
    match operation.status {
        OperationStatus::InProgress if moved && caught_up && lingers(desk, app, operation) => {
            by_what_is_in_place(intent, desk, app, operation)
        }
        OperationStatus::InProgress => Verdict::Open,
        _ if !app.status.is_settled() => Verdict::Open,
        OperationStatus::Failed => Verdict::Failed(cause(operation)),
        OperationStatus::Cancelled => Verdict::Void,
        OperationStatus::Successful if caught_up && moved => Verdict::Done,
        OperationStatus::Successful => late(age, LAG + CALL_SETTLES, Verdict::Void),
    }
}

/// Whether a stop without an answer may be on its way although the application looks as it would after it: somebody else
/// stopped it, or its job ended. Where it came after the next start, it would end that job without a snapshot.
fn may_still_come(intent: &Intent, world: &World) -> bool {
    let is_stop = matches!(intent.step, StepKind::Stop | StepKind::ForceStop);
    let arrived =
        operation_of(intent, world).is_some_and(|operation| operation.started_at <= intent.declared_at + SENT_AT_ONCE);
    is_stop && intent.phase != Phase::Issued && !arrived
}

fn run_verdict(intent: &Intent, desk: &Desk<'_>, app: &Observed) -> Verdict {
    let now = desk.situation.now;
    let age = now.duration_since(intent.declared_at);
    if age < QUARANTINE && may_still_come(intent, desk.situation.world) {
        return Verdict::Open;
    }
    let reached = match intent.step {
        StepKind::Start | StepKind::RollBack => ApplicationStatus::Running,
        _ => ApplicationStatus::Ready,
    };
    let Some(operation) = operation_of(intent, desk.situation.world) else {
        let never_came = match intent.step {
            StepKind::ForceStop => app.status != ApplicationStatus::ForceStopping,
            StepKind::RollBack => app.status != ApplicationStatus::RollingBack,
            _ => false,
        };
        let proven = app.status == reached && intent.step != StepKind::RollBack;
        return if proven {
            Verdict::Done
        } else if app.status.is_settled() || never_came {
            late(age, QUARANTINE, Verdict::Void)
        } else {
            Verdict::Open
        };
    };
    match operation.status {
        OperationStatus::InProgress if lingers(desk, app, operation) => {
            by_what_is_in_place(intent, desk, app, operation)
        }
        OperationStatus::InProgress => Verdict::Open,
        OperationStatus::Successful if app.status == reached => Verdict::Done,
        OperationStatus::Successful if app.status.is_settled() => {
            let ended = operation
                .ended_at
                .unwrap_or(operation.started_at)
                .max(intent.declared_at);
            late(now.duration_since(ended), LAG, Verdict::Done)
        }
        _ if !app.status.is_settled() => Verdict::Open,
        OperationStatus::Failed => Verdict::Failed(cause(operation)),
        OperationStatus::Cancelled | OperationStatus::Successful => Verdict::Void,
    }
}

fn cause(operation: &ObservedOperation) -> String {
    operation
        .error
        .clone()
        .unwrap_or_else(|| format!("operation {} failed without a cause", operation.id))
}

/// What an observation says about the deletion of a snapshot: it is over when the list no longer shows it.
fn deletion_verdict(intent: &Intent, world: &World, age: SignedDuration) -> Verdict {
    let Some(listed) = &world.snapshots else {
        return Verdict::Open;
    };
    let snapshot = listed
        .iter()
        .find(|snapshot| Some(&snapshot.name) == intent.snapshot.as_ref());
    match snapshot.map(|snapshot| snapshot.status) {
        None => Verdict::Done,
        Some(SnapshotStatus::Deleting) => late(
            age,
            SNAPSHOT_PATIENCE,
            Verdict::Failed("the snapshot was not gone in ten minutes".to_owned()),
        ),
        Some(_) if intent.phase == Phase::Issued => late(
            age,
            LAG + CALL_SETTLES,
            Verdict::Failed("the service accepted the deletion and did not begin it".to_owned()),
        ),
        Some(_) => late(age, CALL_SETTLES, Verdict::Void),
    }
}
