//! What an observation teaches about the call whose effect is awaited, and about a job that went away by itself.

use jiff::SignedDuration;

use crate::api::condition::Reason;
use crate::api::status::{AwsStatus, HistoryResult, Intent, Phase, PreChange, StepKind};
use crate::desired::identity;
use crate::plan::ledger::{Failure, Source};
use crate::plan::ownership::Ownership;
use crate::plan::{Desk, Note, adoption, by_hand, elsewhere, gate, measure, put_back, snapshots, unheeded};
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

/// Settles the open intent and notices a job that went away by itself.
pub(super) fn settle(desk: &mut Desk<'_>) {
    pin(desk);
    match desk.journal.intent.clone() {
        None if elsewhere::recognise(desk) => {}
        None => notice_end(desk),
        Some(intent) => {
            let verdict = verdict(&intent, desk);
            apply(desk, &intent, verdict);
            let over = desk.journal.intent.is_none();
            if over && !elsewhere::recognise(desk) && intent.step == StepKind::Start {
                notice_end(desk);
            }
        }
    }
    if let Some(app) = &desk.situation.world.application {
        adoption::take_as_good(desk, app);
        by_hand::notice_update(desk, app);
        // A job runs, whoever started it: no forced stop holds any more.
        if app.status == ApplicationStatus::Running && desk.journal.intent.is_none() {
            desk.journal.force_stopped = None;
        }
    }
}

fn pin(desk: &mut Desk<'_>) {
    let situation = desk.situation;
    let mut aws = desk.journal.aws.clone().unwrap_or_else(|| {
        let region = situation
            .want
            .map_or_else(|_| String::new(), |want| want.identity.region.clone());
        let asked = identity(situation.app, &region);
        AwsStatus {
            application_name: asked.name,
            region: asked.region,
            ..AwsStatus::default()
        }
    });
    let app = situation.world.application.as_ref();
    if let Some(app) = app {
        aws.account_id.get_or_insert_with(|| app.account_id.clone());
        aws.application_arn = Some(app.arn.clone());
    }
    aws.application_status = app.map(|app| app.status.as_str().to_owned());
    aws.application_version_id = app.map(|app| app.version_id);
    aws.runtime_environment = app.map(|app| app.configuration.runtime_environment.clone());
    if !aws.region.is_empty() {
        desk.journal.aws = Some(aws);
    }
    let ours = app.is_some_and(|app| matches!(situation.owner.judge(&app.tags), Ownership::Ours | Ownership::Earlier));
    if ours && !situation.world.snapshots().is_empty() {
        desk.journal.had_state = true;
    }
    if let Ok(want) = situation.want {
        let mut revisions = desk.journal.revisions();
        revisions.target = Some(want.revision.to_string());
        desk.journal.revisions = Some(revisions);
    }
}

fn verdict(intent: &Intent, desk: &Desk<'_>) -> Verdict {
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
        StepKind::TakeSnapshot => {
            let patience = desk.situation.want.map(|want| want.progress_deadline);
            snapshot_verdict(intent, world, age, patience.unwrap_or(SNAPSHOT_PATIENCE))
        }
        StepKind::BackUp => snapshot_verdict(intent, world, age, SNAPSHOT_PATIENCE),
        StepKind::DeleteSnapshot => snapshots::deletion_verdict(intent, world, age),
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

pub(super) fn late(age: SignedDuration, patience: SignedDuration, then: Verdict) -> Verdict {
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

/// The operation of an intent: by its id, otherwise the newest of its kind that began after the declaration.
pub(super) fn operation_of<'a>(intent: &Intent, world: &'a World) -> Option<&'a ObservedOperation> {
    match &intent.operation_id {
        Some(id) => world.operation(id),
        None => world.newest_after(intent.step.operation(), intent.after_operation_id.as_deref()),
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
            _ if moved => Verdict::Open,
            _ => late(age, CALL_SETTLES, Verdict::Void),
        };
    };
    match operation.status {
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

fn apply(desk: &mut Desk<'_>, intent: &Intent, verdict: Verdict) {
    match verdict {
        Verdict::Open => return,
        Verdict::Void => elsewhere::note_version(desk, intent),
        Verdict::Done => {
            measure::operation(desk, intent, true);
            unheeded::note_call(&mut desk.journal, intent);
            done(desk, intent);
        }
        Verdict::Failed(cause) => {
            measure::operation(desk, intent, false);
            failed(desk, intent, cause);
        }
    }
    desk.journal.intent = None;
}

fn done(desk: &mut Desk<'_>, intent: &Intent) {
    if desk
        .journal
        .refusal
        .as_ref()
        .is_some_and(|refusal| refusal.step == intent.step)
    {
        desk.journal.refusal = None;
        put_back::forget_refusals(desk);
    }
    match intent.step {
        StepKind::Create => desk
            .notes
            .push(Note::normal("Created", "the application was found to be created")),
        StepKind::Start => {
            desk.set_running(intent.revision.clone());
            gate::open(desk, intent);
            put_back::forget_what_ran(desk);
            if let Some(way) = &mut desk.journal.way_back {
                way.started = true;
            }
            desk.handle_run(intent);
            desk.handle_consent(intent);
            let from = intent
                .snapshot
                .as_deref()
                .map_or("without state".to_owned(), |name| format!("from snapshot {name}"));
            desk.notes
                .push(Note::normal("Started", format!("the job was started {from}")));
        }
        StepKind::Update => {
            let version = gate::brought_version(desk, intent);
            if let Some(rollout) = &mut desk.journal.rollout {
                rollout.updated_version_id = version;
            }
            unheeded::note_update(desk, intent);
            if is_running(desk) {
                if let Some(way) = &mut desk.journal.way_back {
                    way.started |= intent.revision.as_ref() == Some(&way.to);
                }
                desk.set_running(intent.revision.clone());
                gate::open(desk, intent);
                desk.handle_run(intent);
                desk.handle_consent(intent);
            }
        }
        StepKind::RollBack => {
            let way = desk.journal.way_back.as_mut();
            let to = way.map(|way| {
                way.started = true;
                way.to.clone()
            });
            desk.set_running(to);
            gate::open(desk, intent);
            desk.notes.push(Note::normal(
                "RollbackAccepted",
                "RollbackApplication came to its end; the job is verified",
            ));
        }
        StepKind::Restart => {
            gate::open(desk, intent);
            desk.handle_run(intent);
            desk.record(HistoryResult::Restarted, intent.revision.clone());
            desk.notes
                .push(Note::normal("Restarted", "the job was restarted on request"));
        }
        StepKind::Stop | StepKind::ForceStop => {
            let revision = desk.journal.revisions().running;
            put_back::note_what_ran(desk, intent, revision.as_ref());
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
        StepKind::TakeSnapshot => {
            if let Some(rollout) = &mut desk.journal.rollout {
                rollout.pre_change = Some(PreChange::Taken);
                rollout.pre_change_snapshot.clone_from(&intent.snapshot);
            }
            desk.journal.had_state = true;
            let name = intent.snapshot.as_deref().unwrap_or_default();
            desk.notes.push(Note::normal(
                "SnapshotTaken",
                format!("snapshot {name} was taken before the change"),
            ));
        }
        StepKind::BackUp => snapshots::taken(desk, intent),
        StepKind::DeleteSnapshot => snapshots::deleted(desk, intent),
        StepKind::Delete => desk.notes.push(Note::normal(
            "Deleted",
            "the application and its snapshots were deleted",
        )),
        _ => {}
    }
}

/// An update of a running application has restarted its job, as a new restart nonce asks for.
fn is_running(desk: &Desk<'_>) -> bool {
    let app = desk.situation.world.application.as_ref();
    app.is_some_and(|app| app.status == ApplicationStatus::Running)
}

fn failed(desk: &mut Desk<'_>, intent: &Intent, cause: String) {
    match intent.step {
        StepKind::TakeSnapshot => {
            if !desk.came_to_nothing(intent, &cause) {
                desk.notes.push(Note::warning("SnapshotFailed", cause));
            }
        }
        StepKind::BackUp | StepKind::DeleteSnapshot => snapshots::failed(desk, intent.step, cause),
        StepKind::Stop | StepKind::ForceStop => {
            desk.came_to_nothing(intent, &cause);
            desk.notes.push(Note::warning("StopFailed", cause));
        }
        StepKind::RollBack => {
            if let Some(way) = &mut desk.journal.way_back {
                way.rollback_refused = true;
            }
            desk.notes.push(Note::warning("RollbackFailed", cause));
        }
        _ => {
            let told = operation_of(intent, desk.situation.world).is_some_and(|operation| operation.error.is_some());
            desk.condemn(Failure {
                revision: intent.revision.clone(),
                reason: Reason::StartFailed,
                cause,
                source: if told { Source::Operation } else { Source::Controller },
            });
        }
    }
    if intent.step == StepKind::Restart {
        desk.handle_run(intent);
    }
}

/// Notices that a job which ran does not run any more although nothing of ours stopped it.
fn notice_end(desk: &mut Desk<'_>) {
    let world = desk.situation.world;
    let running = desk.journal.revisions().running;
    let ready = world
        .application
        .as_ref()
        .is_some_and(|app| app.status == ApplicationStatus::Ready);
    if running.is_none() || !ready || world.operations.is_none() {
        return;
    }
    let stopped = world
        .operations()
        .first()
        .is_some_and(|newest| newest.kind == StepKind::Stop.operation());
    let at = desk.situation.now;
    desk.close_span(at);
    let rollout = desk.journal.rollout.as_ref();
    let verifying = rollout.is_some_and(|rollout| rollout.gate.is_some() && at < rollout.deadline);
    let unproven = running.as_deref().is_some_and(|running| !desk.is_good(running));
    if verifying && unproven && !stopped {
        desk.condemn(Failure {
            revision: running,
            reason: Reason::JobEnded,
            cause: "the job ended before it was proven good".to_owned(),
            source: Source::Controller,
        });
        return;
    }
    let (result, note) = if stopped {
        (
            HistoryResult::StoppedElsewhere,
            Note::warning("StoppedElsewhere", "somebody else stopped the application"),
        )
    } else {
        (
            HistoryResult::JobEnded,
            Note::warning("JobEnded", "the job ended by itself"),
        )
    };
    desk.record(result, running);
    desk.set_running(None);
    desk.journal.rollout = None;
    desk.notes.push(note);
}
