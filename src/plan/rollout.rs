//! From what the service has to what is wanted: create, change, start, stop, and promote what proved good.

mod background;
mod overdue;
mod running;
pub(super) mod start;
mod while_ready;

use crate::api::condition::Reason;
use crate::api::spec::DesiredState;
use crate::api::status::{ForceStopped, GateStatus, HistoryResult, RanBefore, RolloutStatus};
use crate::configuration::CodeLocation;
use crate::desired::Desired;
use crate::plan::diff::{Difference, difference};
use crate::plan::ownership::{Owner, Ownership, UID};
use crate::plan::rollback::revert;
use crate::plan::rollout::background::{aside, background, beside, note_tag_keys, remember_tag_keys};
use crate::plan::rollout::overdue::{end_by_force, give_up_on_update, hangs, in_flight};
use crate::plan::rollout::running::running;
use crate::plan::rollout::start::{rest_after_failure, start};
pub(super) use crate::plan::rollout::while_ready::change_while_ready;
use crate::plan::step::{Create, Step};
use crate::plan::{Desk, Note, Plan, adoption, by_hand, put_back, restart_wanted, rollback, stall, unheeded, waiting};
use crate::world::{ApplicationStatus, Observed};

/// The next move towards what is wanted.
pub(super) fn plan(desk: &mut Desk<'_>, want: &Desired) -> Plan {
    let Some(app) = &desk.situation.world.application else {
        return absent(desk, want);
    };
    if let Some(plan) = not_ours(desk, app, want) {
        return plan;
    }
    if let Some(plan) = by_hand::force_stop(desk, app, want) {
        return plan;
    }
    if want.state == DesiredState::Running {
        revert::begin(desk, app, want);
    }
    if let Some(plan) = in_flight(desk, app, want) {
        return plan;
    }
    note_tag_keys(desk, app, want);
    if want.state == DesiredState::Stopped {
        rollback::put_off(desk);
    } else {
        if let Some(plan) = give_up_on_update(desk, app, want) {
            return plan;
        }
        by_hand::roll_back(desk, want);
        if let Some(plan) = rollback::plan(desk, app, want) {
            return plan;
        }
    }
    match app.status {
        ApplicationStatus::Ready => ready(desk, app, want),
        ApplicationStatus::Running => running(desk, app, want),
        _ if hangs(desk, app, want) => end_by_force(desk, app, desk.target()),
        _ => waiting::for_status(desk, app, want.progress_deadline),
    }
}

fn absent(desk: &mut Desk<'_>, want: &Desired) -> Plan {
    if let Some(intent) = &desk.journal.intent {
        return waiting::for_intent(desk, intent);
    }
    if let Some(plan) = adoption::of_nothing(desk, want) {
        return plan;
    }
    desk.forget_versions();
    let mut tags = want.tags.clone();
    tags.extend(desk.situation.owner.tags());
    remember_tag_keys(desk, want.tags.keys().cloned().collect());
    let create = Create {
        description: want.description.clone(),
        configuration: want.configuration.clone(),
        tags,
    };
    waiting::admitted(desk, Step::Create(Box::new(create)))
}

fn not_ours(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let owner: &Owner = desk.situation.owner;
    match owner.judge(&app.tags) {
        Ownership::Ours if !app.streaming => Some(stall(
            Reason::NotOwned,
            format!(
                "application {} is no streaming application of Flink; only those are handled",
                want.identity.name
            ),
        )),
        Ownership::Ours if app.description != want.description => Some(stall(
            Reason::InvalidSpec,
            "spec.description: the service offers no update of it; restore the description that the application has",
        )),
        Ownership::Ours => unchangeable(desk, app, want),
        Ownership::Earlier => {
            desk.journal.had_state = true;
            if desk.journal.intent.is_some() {
                return None;
            }
            if !app.status.is_settled() && waiting::outlasts(desk, want.progress_deadline) {
                return Some(stall(
                    Reason::DeadlineExceeded,
                    format!(
                        "the service reports {} for longer than spec.rollout.progressDeadline, so that the application of an earlier resource cannot be taken over; it is when the status changes",
                        app.status.as_str()
                    ),
                ));
            }
            let tags = [(UID.to_owned(), owner.uid.clone())].into();
            Some(waiting::admitted(desk, Step::Tag { tags }))
        }
        Ownership::Untagged => Some(adoption::of_untagged(desk, app, want)),
        Ownership::Foreign(who) => Some(stall(
            Reason::NotOwned,
            format!(
                "application {} belongs to {who}; it is left alone. Choose another spec.applicationName",
                want.identity.name
            ),
        )),
    }
}

/// What the spec asks for and the service cannot do.
fn unchangeable(desk: &Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let account = desk.journal.aws.as_ref().and_then(|aws| aws.account_id.as_ref());
    if let Some(account) = account.filter(|account| **account != app.account_id) {
        let message = format!(
            "the application is in account {account} and the credentials of the controller see account {}; give it credentials of the first",
            app.account_id
        );
        return Some(stall(Reason::InvalidSpec, message));
    }
    let version = |code: &Option<CodeLocation>| code.as_ref().and_then(|code| code.object_version.clone());
    let dropped = version(&want.configuration.code).is_none();
    version(&app.configuration.code).filter(|_| dropped).map(|version| {
        stall(
            Reason::InvalidSpec,
            format!("spec.code.s3.objectVersion cannot be dropped once set: the service would keep {version}; name the version to run"),
        )
    })
}

/// A call that was accepted and left a difference would be sent for ever: it is not sent twice.
pub(super) fn without_effect(desk: &Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let rollout = desk.journal.rollout.as_ref()?;
    let next = change_while_ready(app, &difference(app, &want.configuration));
    let is_left = rollout.updated_version_id == Some(app.version_id)
        || unheeded::is_left(&desk.journal, app, want)
        || next.is_some_and(|step| unheeded::is_unheeded(&desk.journal, &step, want.revision.as_str()));
    is_left.then(|| stall(Reason::Rejected, unheeded::message(app, want)))
}

fn ready(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    let difference = difference(app, &want.configuration);
    if let Some(plan) = stopped_by_force(desk, want).or_else(|| held(desk, want, &difference)) {
        return beside(background(desk, app, want), plan);
    }
    if let Some(step) = change_while_ready(app, &difference) {
        declare_rollout(desk, app, want);
        return without_effect(desk, app, want)
            .map(|plan| put_back::instead(desk, want, plan))
            .or_else(|| rest_after_failure(desk, want))
            .unwrap_or_else(|| put_back::admitted(desk, want, step));
    }
    if want.state == DesiredState::Stopped {
        desk.journal.rollout = None;
        return aside(desk, app, want).unwrap_or(Plan::Rest);
    }
    match background(desk, app, want) {
        Some(Plan::Do(step)) => Plan::Do(step),
        _ => start(desk, app, want),
    }
}

/// The forced stop on request, or in answer to a loop, since which nobody asked for something else.
pub(super) fn forced_stop_that_holds(desk: &Desk<'_>, want: &Desired) -> Option<ForceStopped> {
    let stopped = desk.journal.force_stopped.clone()?;
    let stand_in = rollback::stand_in(desk, want);
    let of_this =
        stopped.revision == want.revision.as_str() || stand_in.is_some_and(|stand_in| stand_in.to == stopped.revision);
    let holds = of_this && want.state == DesiredState::Running && !restart_wanted(&desk.journal, want);
    holds.then_some(stopped)
}

/// An application that was stopped by force stays stopped until somebody asks for something else.
fn stopped_by_force(desk: &mut Desk<'_>, want: &Desired) -> Option<Plan> {
    let Some(stopped) = forced_stop_that_holds(desk, want) else {
        desk.journal.force_stopped = None;
        return None;
    };
    let why = stopped
        .cause
        .map_or("on request".to_owned(), |cause| format!("because {cause}"));
    Some(stall(
        Reason::ForceStopped,
        format!(
            "the job was stopped by force at {} {why}; change the spec, or annotate sluicegate.dev/restart-requested-at or sluicegate.dev/retry-requested-at to start it",
            stopped.at
        ),
    ))
}

/// A failed revision is neither sent nor started; a stopped application that has it already may rest.
pub(super) fn held(desk: &Desk<'_>, want: &Desired, difference: &Difference) -> Option<Plan> {
    let failed = desk.journal.failure_of(want.revision.as_str())?;
    if want.state == DesiredState::Stopped && difference.is_empty() {
        return None;
    }
    let last = desk
        .journal
        .last_failure
        .as_ref()
        .filter(|last| last.revision.as_deref() == Some(&failed.revision));
    let cause = last.map_or(String::new(), |last| format!(": {}", last.cause));
    if let Some(rolled_back) = desk
        .journal
        .rolled_back
        .as_ref()
        .filter(|rolled_back| rolled_back.from == failed.revision)
    {
        let then = match want.state {
            DesiredState::Running => format!("runs again since {}", rolled_back.at),
            DesiredState::Stopped => "took its place and is stopped, as the spec asks".to_owned(),
        };
        let how = match failed.reason {
            Reason::Manual => "was left by a rollback",
            Reason::System => "was left by a rollback that the service, or somebody else, made",
            _ => "failed",
        };
        return Some(stall(
            Reason::RolledBack,
            format!(
                "revision {} {how} at {}{cause}. Revision {} {then}; revision {} is not tried again. Change the spec, or annotate sluicegate.dev/retry-requested-at",
                failed.revision, failed.at, rolled_back.to, failed.revision
            ),
        ));
    }
    Some(stall(
        failed.reason,
        format!(
            "revision {} failed at {} and is not tried again{cause}. Change the spec, or annotate sluicegate.dev/retry-requested-at",
            failed.revision, failed.at
        ),
    ))
}

pub(super) fn declare_rollout(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let revision = want.revision.to_string();
    if desk
        .journal
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.revision == revision)
    {
        return;
    }
    let before = desk.journal.rollout.as_ref();
    let ran_before = before.and_then(|rollout| rollout.ran_before.clone());
    desk.journal.rollout = Some(RolloutStatus {
        stopped_for_it: before.is_some_and(|rollout| rollout.stopped_for_it),
        ran_before: ran_before.map(|ran| RanBefore {
            refused_since: None,
            ..ran
        }),
        ..new_rollout(desk, app, want)
    });
}

fn new_rollout(desk: &Desk<'_>, app: &Observed, want: &Desired) -> RolloutStatus {
    let now = desk.situation.now;
    RolloutStatus {
        revision: want.revision.to_string(),
        stopped_for_it: false,
        ran_before: None,
        updated_version_id: None,
        started_at: now,
        deadline: now + want.progress_deadline,
        from_version_id: Some(app.version_id),
        pre_change: None,
        pre_change_snapshot: None,
        gate: None,
    }
}

/// The open rollout of a revision with its gate. Where nobody opened one, the application was found running what is
/// wanted: whatever job runs is verified, and one that came up without its state still has to show it.
pub(super) fn open_rollout(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> RolloutStatus {
    declare_rollout(desk, app, want);
    let mut rollout = desk
        .journal
        .rollout
        .clone()
        .unwrap_or_else(|| new_rollout(desk, app, want));
    let state_expected = lost_its_state(desk, want.revision.as_str());
    rollout.gate.get_or_insert_with(|| GateStatus {
        state_expected,
        version_id: Some(app.version_id),
        opened_at: Some(desk.situation.now),
        excused_operation_id: desk
            .situation
            .world
            .operations()
            .first()
            .map(|newest| newest.id.clone()),
        ..GateStatus::since(app.created_at)
    });
    rollout
}

/// Whether a job of the revision was last seen to come up without its state, and nothing was proven since.
fn lost_its_state(desk: &Desk<'_>, revision: &str) -> bool {
    let failure = desk.journal.last_failure.as_ref();
    let failure = failure.filter(|failure| failure.reason == Reason::StateNotRestored);
    let failure = failure.filter(|failure| failure.revision.as_deref() == Some(revision));
    failure.is_some_and(|failure| desk.proven_at().is_none_or(|proven_at| proven_at <= failure.at))
}

/// The job is proven: the revision is good and the rollout over.
fn promote(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let revision = want.revision.as_str();
    let gate = desk.journal.rollout.as_ref().and_then(|rollout| rollout.gate.as_ref());
    let down = gate.and_then(|gate| gate.downtime_seconds);
    let down = down.map_or(String::new(), |seconds| {
        format!("; nothing was processed for about {seconds} s")
    });
    desk.make_good(revision, app.version_id);
    if let Some(health) = &mut desk.journal.health {
        health.restart_loop = None;
    }
    desk.outlive_rollback(revision);
    desk.record(HistoryResult::Promoted, Some(revision.to_owned()));
    desk.notes.push(Note::normal(
        "GatePassed",
        format!(
            "revision {revision} runs as version {} and is proven good{down}",
            app.version_id
        ),
    ));
}
