//! The ways back from a change that failed to the newest good revision.
//!
//! `RollbackApplication` where it provably returns to the good content with the right snapshot; otherwise a forced stop,
//! an update to the content of the good version, and a start from the newest snapshot that a good job made. Each
//! revision is rolled back once, and the job that the way leads to passes the gate again.

mod beginning;
mod by_service;
pub(super) mod in_place;
pub(super) mod revert;

use jiff::SignedDuration;

use crate::api::condition::Reason;
use crate::api::spec::OnFailure;
use crate::api::status::{HistoryResult, RefusalClass, WayBack};
use crate::desired::Desired;
use crate::plan::change::{back_to, change_while_ready, declare_rollout, open_rollout, without_effect};
use crate::plan::decision::{Note, Plan, Stall, Waiting, stall};
use crate::plan::desk::Desk;
use crate::plan::diff::difference;
use crate::plan::gate::{self, Verdict};
use crate::plan::hold::stays_stopped;
use crate::plan::rollback::by_service::fits;
use crate::plan::rollout::start::rest_before_start;
use crate::plan::step::{Fence, Step};
use crate::plan::{restore, waiting};
use crate::world::{ApplicationStatus, Observed, ObservedVersion};

use beginning::resume;
pub(super) use beginning::{answered, begin, put_off};

/// What follows the failure of the revision that is asked for; nothing where none failed, or where all was done that a
/// failure asks for.
pub(super) fn plan(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    if desk.journal.way_back.is_none() {
        begin(desk, app, want);
        resume(desk, app, want);
    }
    let Some(way) = desk.journal.way_back.clone() else {
        return stop_failed(desk, app, want);
    };
    let reverts = way.reason == Reason::Reverted;
    let newer = want.revision.as_str() != way.to && (reverts || want.revision.as_str() != way.from);
    if newer && (!way.started || way.elsewhere || way.failure.is_some()) {
        desk.journal.way_back = None;
        desk.journal.rollout = None;
        return None;
    }
    if reverts && way.started {
        // The job of the good revision is back, and it is what the spec asks for.
        desk.journal.way_back = None;
        return None;
    }
    in_place::try_again(desk, app, want);
    let way = desk.journal.way_back.clone().unwrap_or(way);
    desk.serves = Some(way.to.clone());
    let Some(plan) = go(desk, app, want, &way) else {
        desk.serves = None;
        return None;
    };
    Some(in_place::beside(desk, app, want, plan))
}

/// Stops the job of a failed revision where there is no way back; it loses nothing that a way back could use.
fn stop_failed(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let revision = want.revision.as_str();
    desk.journal.failure_of(revision).filter(|failed| !failed.answered)?;
    let in_place = match app.status {
        ApplicationStatus::Running => difference(app, &want.configuration).is_empty(),
        ApplicationStatus::Updating | ApplicationStatus::Starting => true,
        _ => false,
    };
    if !in_place || want.on_failure == OnFailure::Hold {
        if app.status.is_settled() {
            answered(desk, revision);
        }
        return None;
    }
    Some(waiting::admitted(desk, Step::ForceStop))
}

/// The next move of the way back; none when it came to its end.
fn go(desk: &mut Desk<'_>, app: &Observed, want: &Desired, way: &WayBack) -> Option<Plan> {
    if let Some(failure) = &way.failure {
        return Some(failed_for_good(way, failure));
    }
    if app.status == ApplicationStatus::Ready && desk.journal.failure_of(&way.to).is_some() {
        let why = format!("revision {} failed and is not started", way.to);
        return Some(fail(desk, way, &why));
    }
    let stopped = desk.journal.force_stopped.as_ref();
    if let Some(stopped) = stopped.filter(|stopped| stopped.elsewhere && stopped.revision == way.to)
        && app.status == ApplicationStatus::Ready
    {
        return Some(stays_stopped(stopped));
    }
    let Some(good) = content(desk, app, want, way) else {
        return Some(unread(desk, way));
    };
    let back = back_to(want, &way.to, good.configuration.clone());
    let plan = match app.status {
        ApplicationStatus::Running => running(desk, app, &back, way)?,
        ApplicationStatus::Updating if awaits_its_end(desk, app, &back, way) => {
            waiting::for_status(desk, app, back.progress_deadline)
        }
        ApplicationStatus::Updating | ApplicationStatus::Starting if began_since(desk, way) => {
            waiting::for_status(desk, app, back.progress_deadline)
        }
        ApplicationStatus::Updating if !way.started => leave(desk, app, &back, way),
        ApplicationStatus::Starting if !way.started && way.rollback_refused => leave(desk, app, &back, way),
        ApplicationStatus::Ready => ready(desk, app, &back, way, &good),
        _ => waiting::for_status(desk, app, back.progress_deadline),
    };
    Some(as_rollback(plan))
}

/// The content that the way leads to; none while it is still to be read.
fn content(desk: &Desk<'_>, app: &Observed, want: &Desired, way: &WayBack) -> Option<ObservedVersion> {
    let read = desk.situation.world.versions.get(&way.version_id).cloned();
    let in_place = way.elsewhere && app.version_id == way.version_id;
    let by_spec = way.reason == Reason::Reverted && was_asked_for(desk);
    read.or_else(|| {
        in_place.then(|| ObservedVersion {
            configuration: app.configuration.clone(),
            code_digest: app.code_digest.clone(),
        })
    })
    .or_else(|| by_spec.then(|| revert::good_version(desk, want, way)))
}

/// Whether a revert cannot leave an update that has not failed before its end or its deadline.
fn awaits_its_end(desk: &Desk<'_>, app: &Observed, back: &Desired, way: &WayBack) -> bool {
    way.reason == Reason::Reverted && !waiting::outlasts(desk, back.progress_deadline) && !fits(desk, app, back, way)
}

/// Whether what the service does began after the way back, and by no call of it: it is somebody else's, and awaited.
fn began_since(desk: &Desk<'_>, way: &WayBack) -> bool {
    let operation = desk.situation.world.in_flight();
    let theirs = operation.filter(|operation| Some(&operation.id) != desk.journal.given_up_operation_id.as_ref());
    // Times of the service may carry whole seconds.
    theirs.is_some_and(|operation| operation.started_at.as_second() >= way.started_at.as_second())
}

/// Whether the pass knew of the way back before it read, so that it asked for the versions.
fn was_asked_for(desk: &Desk<'_>) -> bool {
    let status = desk.situation.app.status.as_ref();
    status.is_some_and(|status| status.journal.way_back.is_some())
}

/// The content of the good version is read from the pass on that follows the decision.
fn unread(desk: &mut Desk<'_>, way: &WayBack) -> Plan {
    if was_asked_for(desk) {
        return fail(
            desk,
            way,
            &format!("the service does not know version {} any more", way.version_id),
        );
    }
    Plan::Wait(Waiting {
        reason: Reason::RollingBack,
        message: format!("version {} is read before the way back is chosen", way.version_id),
        until: desk.situation.now + SignedDuration::from_secs(1),
        background: false,
    })
}

fn running(desk: &mut Desk<'_>, app: &Observed, back: &Desired, way: &WayBack) -> Option<Plan> {
    if !difference(app, &back.configuration).is_empty() {
        return Some(if way.started {
            fail(desk, way, "somebody else changed the configuration during the way back")
        } else {
            leave(desk, app, back, way)
        });
    }
    if !way.started {
        if let Some(way) = &mut desk.journal.way_back {
            way.started = true;
        }
        desk.set_running(Some(way.to.clone()));
        desk.journal.rollout = None;
    }
    let mut rollout = open_rollout(desk, app, back);
    let verdict = gate::evaluate(desk, &mut rollout, back);
    desk.journal.rollout = Some(rollout);
    match verdict {
        Verdict::NotYet(waiting) => Some(Plan::Wait(waiting)),
        Verdict::Disturbed(stall) => Some(Plan::Stall(stall)),
        Verdict::Good => {
            finish(desk, app, way);
            None
        }
        Verdict::Trouble(trouble) => Some(fail(
            desk,
            way,
            &format!("revision {} is in trouble too: {}", way.to, trouble.cause),
        )),
        Verdict::Unverified(why) => Some(stall(
            Reason::Unverified,
            format!(
                "revision {} runs again and is not proven: {why}. Annotate sluicegate.dev/reconcile-requested-at to look again",
                way.to
            ),
        )),
    }
}

/// Leaves the failed job in place by the best way there is. Where nothing could be started after it, it is left as it is,
/// unless somebody asked for the forced stop.
fn leave(desk: &mut Desk<'_>, app: &Observed, back: &Desired, way: &WayBack) -> Plan {
    if fits(desk, app, back, way) {
        let version_id = app.version_id;
        return waiting::admitted(desk, Step::RollBack { version_id });
    }
    if let Some(step) = gently(desk, app, back, way) {
        return waiting::admitted(desk, step);
    }
    let failed = desk.journal.failure_of(&way.from);
    let on_request = failed.is_some_and(|failed| failed.reason == Reason::ForceStopped);
    match restore::of_way_back(desk, back) {
        Err(no_state) if !on_request => no_state,
        _ => waiting::admitted(desk, Step::ForceStop),
    }
}

/// The update that brings a job that did not fail back to the good content, where a person asks for it and one update
/// brings it all. A job that is down is stopped by force instead.
fn gently(desk: &Desk<'_>, app: &Observed, back: &Desired, way: &WayBack) -> Option<Step> {
    let asked = match way.reason {
        Reason::Manual => app.configuration.snapshots_enabled,
        Reason::Reverted => desk.journal.failure_of(&way.from).is_none(),
        _ => false,
    };
    let refusal = desk.journal.refusal.as_ref();
    let down = refusal
        .is_some_and(|refusal| refusal.class == RefusalClass::JobDown && refusal.revision.as_ref() == Some(&way.to));
    let difference = difference(app, &back.configuration);
    if !asked || app.status != ApplicationStatus::Running || down || !difference.is_one_update() {
        return None;
    }
    let run = restore::of_way_back(desk, back).ok()?;
    Some(Step::Update {
        change: Box::new(difference.change),
        run: Some(run),
        fence: Fence {
            token: app.token.clone(),
        },
    })
}

fn ready(desk: &mut Desk<'_>, app: &Observed, back: &Desired, way: &WayBack, good: &ObservedVersion) -> Plan {
    let difference = difference(app, &back.configuration);
    declare_rollout(desk, app, back);
    if let Some(step) = change_while_ready(app, &difference) {
        return without_effect(desk, app, back, &difference).unwrap_or_else(|| waiting::admitted(desk, step));
    }
    if let (Some(found), Some(expected)) = (&app.code_digest, &good.code_digest)
        && found != expected
    {
        let problem = "the code object of the good version has changed since it was proven; it is not started";
        return fail(desk, way, problem);
    }
    if let Some(plan) = rest_before_start(desk, back) {
        return plan;
    }
    // What somebody else went back to has its own state, where nothing good left any.
    let own = way.elsewhere && !desk.was_good(&way.to);
    let run = restore::of_way_back(desk, back);
    match if own {
        run.or_else(|_| restore::of_start(desk, back))
    } else {
        run
    } {
        Ok(run) => waiting::admitted(desk, Step::Start { run }),
        Err(plan) => plan,
    }
}

/// The good revision is proven again.
fn finish(desk: &mut Desk<'_>, app: &Observed, way: &WayBack) {
    desk.make_good(&way.to, app.version_id);
    desk.journal.way_back = None;
    desk.record(HistoryResult::RolledBack, Some(way.from.clone()));
    if way.elsewhere {
        desk.notes.push(Note::normal(
            "GatePassed",
            format!(
                "revision {} runs as version {} and is proven good; revision {} is still held",
                way.to, app.version_id, way.from
            ),
        ));
        return;
    }
    desk.notes.push(Note::warning(
        "RolledBack",
        format!(
            "revision {} runs again as version {}, because revision {} failed",
            way.to, app.version_id, way.from
        ),
    ));
    desk.journal.rolled_back = Some(way.arrived(desk.situation.now));
}

fn fail(desk: &mut Desk<'_>, way: &WayBack, why: &str) -> Plan {
    if let Some(way) = &mut desk.journal.way_back {
        way.failure = Some(why.chars().take(500).collect());
    }
    desk.journal.rollout = None;
    failed_for_good(way, why)
}

fn failed_for_good(way: &WayBack, why: &str) -> Plan {
    let helps = match way.reason {
        Reason::Reverted => "Annotate",
        _ => "Change the spec, or annotate",
    };
    stall(
        Reason::RollbackFailed,
        format!(
            "the way back from revision {} to revision {} failed: {why}. {helps} sluicegate.dev/retry-requested-at",
            way.from, way.to
        ),
    )
}

/// What is awaited on the way back is told as such; a call of it that stays refused ends it until a person helps.
fn as_rollback(plan: Plan) -> Plan {
    match plan {
        Plan::Wait(waiting) => Plan::Wait(Waiting {
            reason: Reason::RollingBack,
            ..waiting
        }),
        Plan::Stall(stall) if matches!(stall.reason, Reason::Rejected | Reason::StartFailed) => Plan::Stall(Stall {
            reason: Reason::RollbackFailed,
            ..stall
        }),
        plan => plan,
    }
}
