//! A job that went away by itself, or by somebody else's stop.

use crate::api::condition::Reason;
use crate::api::status::{ForceStopped, GateStatus, HistoryResult, StepKind};
use crate::plan::decision::Note;
use crate::plan::desk::Desk;
use crate::plan::ledger::{Failure, Source};
use crate::world::ApplicationStatus;

/// Notices that a job which ran does not run any more although nothing of ours stopped it.
pub(super) fn notice_end(desk: &mut Desk<'_>) {
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
    let judged = |gate: &GateStatus| gate.found_at.is_none();
    let verifying = rollout.is_some_and(|rollout| rollout.gate.as_ref().is_some_and(judged) && at < rollout.deadline);
    let unproven = running.as_deref().is_some_and(|running| !desk.is_gone_back_to(running));
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
    let in_gate = desk
        .journal
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.gate.is_some());
    if let Some(revision) = running.clone().filter(|_| stopped && in_gate) {
        desk.journal.force_stopped = Some(ForceStopped {
            revision,
            at,
            cause: None,
            elsewhere: true,
        });
    }
    desk.record(result, running);
    desk.set_running(None);
    desk.journal.rollout = None;
    desk.notes.push(note);
}
