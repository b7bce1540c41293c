//! What an observation teaches about the call whose effect is awaited, and about a job that went away by itself.

mod ended;

use crate::api::condition::Reason;
use crate::api::status::{AwsStatus, HistoryResult, Intent, PreChange, StepKind};
use crate::desired::identity;
use crate::plan::call::{Verdict, know_as_ours, lingers, operation_of, verdict};
use crate::plan::decision::Note;
use crate::plan::desk::Desk;
use crate::plan::ledger::{Failure, Source};
use crate::plan::ownership::Ownership;
use crate::plan::{
    adoption, by_hand, elsewhere, gate, measure, put_back, rollback, rollout, snapshots, stops, unheeded,
};
use crate::world::ApplicationStatus;

/// Settles the open intent and notices a job that went away by itself.
pub(super) fn settle(desk: &mut Desk<'_>) {
    pin(desk);
    match desk.journal.intent.clone() {
        None if elsewhere::recognise(desk) => {}
        None => ended::notice_end(desk),
        Some(intent) => {
            let verdict = verdict(&intent, desk);
            apply(desk, &intent, verdict);
            let over = desk.journal.intent.is_none();
            if over && !elsewhere::recognise(desk) && intent.step == StepKind::Start {
                ended::notice_end(desk);
            }
        }
    }
    if let Some(app) = &desk.situation.world.application {
        adoption::take_as_good(desk, app);
        by_hand::notice_update(desk, app);
        rollout::overdue::forget(desk, app);
        if desk.journal.intent.is_some() {
            return;
        }
        match app.status {
            // A job runs, whoever started it: no forced stop holds any more, and no start follows the last stop.
            ApplicationStatus::Running => {
                desk.journal.force_stopped = None;
                desk.journal.last_stop = None;
            }
            ApplicationStatus::Ready => stops::recognise(desk),
            _ => {}
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
    let status = app.map(|app| app.status.as_str().to_owned());
    let passing = app.is_some_and(|app| !app.status.is_settled());
    let same = aws
        .application_status_since
        .filter(|_| aws.application_status == status);
    aws.application_status_since = passing.then(|| same.unwrap_or(situation.now));
    aws.application_status = status;
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

fn apply(desk: &mut Desk<'_>, intent: &Intent, verdict: Verdict) {
    if verdict == Verdict::Open {
        return;
    }
    tell_of_lingering(desk, intent);
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

/// Tells that a call is taken for over although its operation is still listed as going on, and remembers the operation.
fn tell_of_lingering(desk: &mut Desk<'_>, intent: &Intent) {
    let world = desk.situation.world;
    let Some(app) = &world.application else { return };
    let operation = operation_of(intent, world).filter(|operation| lingers(desk, app, operation));
    let Some(operation) = operation else { return };
    know_as_ours(desk, intent);
    desk.notes.push(Note::warning(
        Reason::DeadlineExceeded.as_str(),
        format!(
            "operation {} ({}) of {} is listed as going on for longer than spec.rollout.progressDeadline, and the application is {}: what is in place says how it ended",
            operation.id,
            operation.kind,
            operation.started_at,
            app.status.as_str()
        ),
    ));
}

fn done(desk: &mut Desk<'_>, intent: &Intent) {
    desk.journal.was_answered(intent.step);
    if desk.journal.forget_refusal(intent.step) {
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
            let started = stops::started(desk, intent);
            desk.notes.push(started);
            desk.journal.last_stop = None;
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
            rollback::in_place::restarted(desk, intent);
            desk.handle_run(intent);
            desk.record(HistoryResult::Restarted, intent.revision.clone());
            desk.notes
                .push(Note::normal("Restarted", "the job was restarted on request"));
        }
        StepKind::Stop | StepKind::ForceStop => stops::done(desk, intent),
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
            let is_good = intent
                .revision
                .as_deref()
                .is_some_and(|revision| desk.is_good(revision));
            if !is_good {
                // What was asked for before the attempt asks for no other one.
                desk.handle_restart(intent.restart_nonce, intent.restart_request.clone());
            }
        }
    }
    if intent.step == StepKind::Restart {
        desk.handle_run(intent);
    }
}
