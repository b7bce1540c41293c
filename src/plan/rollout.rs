//! From what the service has to what is wanted: create, change, start, stop, and promote what proved good.

pub(super) mod background;
pub(super) mod overdue;
pub(super) mod restart;
mod running;
pub(super) mod start;
mod stateless;
mod verify;

use crate::api::condition::Reason;
use crate::api::spec::DesiredState;
use crate::desired::Desired;
use crate::plan::change::{change_while_ready, declare_rollout, without_effect};
use crate::plan::decision::{Plan, stall};
use crate::plan::desk::{Desk, restart_wanted};
use crate::plan::diff::difference;
use crate::plan::hold::{held, stopped_by_force};
use crate::plan::ownership::{Owner, Ownership, UID};
use crate::plan::rollback::revert;
use crate::plan::rollout::background::{aside, background, beside, note_tag_keys, remember_tag_keys};
use crate::plan::rollout::overdue::{end_by_force, give_up_on_update, hangs, in_flight};
use crate::plan::rollout::running::change_while_running;
use crate::plan::rollout::start::rest_after_failure;
use crate::plan::rollout::verify::is_proven;
use crate::plan::step::{Create, Step};
use crate::plan::{adoption, by_hand, health, put_back, rollback, switched_off, waiting};
use crate::world::{ApplicationStatus, Observed};

/// The spec returned to the good revision while another is brought out or verified: what is under way is left.
pub(super) fn revert(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    if want.state == DesiredState::Running {
        revert::begin(desk, app, want);
    }
    None
}

/// Follows a call whose effect is awaited, and ends what lasts longer than it may.
pub(super) fn follow(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    if let Some(plan) = in_flight(desk, app, want) {
        return Some(plan);
    }
    note_tag_keys(desk, app, want);
    if want.state == DesiredState::Stopped {
        return None;
    }
    give_up_on_update(desk, app, want)
}

/// Leaves the job of a failed revision for the newest good one; a stop puts that off.
pub(super) fn roll_back(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    if want.state == DesiredState::Stopped {
        rollback::put_off(desk);
        return None;
    }
    by_hand::roll_back(desk, want);
    rollback::plan(desk, app, want)
}

/// Waits while the service is busy with something else; a call of ours that hangs is ended by force.
pub(super) fn transition(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    if matches!(app.status, ApplicationStatus::Ready | ApplicationStatus::Running) {
        return None;
    }
    if hangs(desk, app, want) {
        let revision = desk.target();
        return Some(end_by_force(desk, app, want, revision));
    }
    Some(waiting::for_status(desk, app, want.progress_deadline))
}

/// Stops the job that `desiredState: Stopped` ends.
pub(super) fn stop(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    if want.state != DesiredState::Stopped || app.status != ApplicationStatus::Running {
        return None;
    }
    desk.journal.rollout = None;
    Some(switched_off::keeps_from_stop(desk, want).unwrap_or_else(|| waiting::admitted(desk, Step::Stop)))
}

/// Leaves alone a revision that failed, and a job that was stopped by force: neither is sent or started until somebody asks.
pub(super) fn hold(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    let difference = difference(app, &want.configuration);
    let is_restarted = difference.is_empty() && restart_wanted(&desk.journal, want);
    if app.status == ApplicationStatus::Ready {
        // A restart that is asked for is the next attempt at what is in place, whatever it did before.
        let is_tried_again = is_restarted && want.state == DesiredState::Running;
        let held = |desk: &mut Desk<'_>| held(desk, want, &difference).filter(|_| !is_tried_again);
        let plan = stopped_by_force(desk, want).or_else(|| held(desk))?;
        return Some(beside(background(desk, app, want), plan));
    }
    let plan = held(desk, want, &difference)?;
    if is_restarted {
        return Some(restart::restart(desk, app, want));
    }
    if difference.is_empty() {
        return Some(beside(aside(desk, app, want), plan));
    }
    Some(match answer_in_place(desk, app, want).unwrap_or(plan) {
        Plan::Stall(stall) => beside(aside(desk, app, want), Plan::Stall(stall)),
        plan => plan,
    })
}

/// What is asked of the job in place of the held revision, or answers a loop of it.
fn answer_in_place(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let restart = rollback::in_place::restart(desk, app, want);
    restart.or_else(|| health::answer_of_stand_in(desk, app, want))
}

/// Brings the configuration of what is pursued, in as few calls as possible.
pub(super) fn change(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    let difference = difference(app, &want.configuration);
    if app.status == ApplicationStatus::Running {
        return (!difference.is_empty()).then(|| change_while_running(desk, app, want, &difference));
    }
    let step = change_while_ready(app, &difference)?;
    declare_rollout(desk, app, want);
    let plan = without_effect(desk, app, want, &difference)
        .map(|plan| put_back::instead(desk, want, plan))
        .or_else(|| rest_after_failure(desk, want));
    Some(plan.unwrap_or_else(|| put_back::admitted(desk, want, step)))
}

/// Rests where the application is stopped as the spec asks.
pub(super) fn stopped(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    if want.state != DesiredState::Stopped {
        return None;
    }
    desk.journal.rollout = None;
    Some(aside(desk, app, want).unwrap_or(Plan::Rest))
}

/// Starts the job; tags and the maintenance window go first.
pub(super) fn start(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    if app.status != ApplicationStatus::Ready {
        return None;
    }
    Some(match background(desk, app, want) {
        Some(Plan::Do(step)) => Plan::Do(step),
        _ => start::start(desk, app, want),
    })
}

/// Holds the job in place against its gate. A restart that is asked for comes before what only a person could end.
pub(super) fn verify(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    let plan = if is_proven(desk, want) {
        None
    } else {
        verify::verify(desk, app, want)
    };
    if plan.is_none() {
        desk.outlive_rollback(want.revision.as_str());
    }
    plan.filter(|plan| !matches!(plan, Plan::Stall(_)) || !restart_wanted(&desk.journal, want))
}

/// Restarts the job in place on request.
pub(super) fn restart(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    restart_wanted(&desk.journal, want).then(|| restart::restart(desk, app, want))
}

/// Answers a restart loop of a job that was proven.
pub(super) fn answer_loop(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    Some(match health::answer(desk, want)? {
        Plan::Stall(stall) => beside(background(desk, app, want), Plan::Stall(stall)),
        plan => plan,
    })
}

/// Rests where the job runs as the spec asks, and does what is due beside it.
pub(super) fn rest(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    Some(aside(desk, app, want).unwrap_or(Plan::Rest))
}

/// Creates the application where there is none.
pub(super) fn create(desk: &mut Desk<'_>) -> Option<Plan> {
    let want = desk.situation.want.ok()?;
    desk.situation.world.application.is_none().then(|| absent(desk, want))
}

fn absent(desk: &mut Desk<'_>, want: &Desired) -> Plan {
    if let Some(intent) = &desk.journal.intent {
        return waiting::for_intent(desk, intent);
    }
    if let Some(held_back) = desk.held_back.clone() {
        desk.forget_versions();
        return Plan::HeldBack(held_back);
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

/// Leaves alone what is not ours, or not what the spec can be of, and takes over what the spec lets be taken over.
pub(super) fn own(desk: &mut Desk<'_>) -> Option<Plan> {
    let (app, want) = desk.pursued()?;
    let owner: &Owner = desk.situation.owner;
    match owner.judge(&app.tags) {
        Ownership::Ours if !app.streaming => Some(stall(
            Reason::NotOwned,
            format!(
                "application {} is no streaming application of Flink; only those are handled",
                want.identity.name
            ),
        )),
        Ownership::Ours => in_another_account(desk, app),
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

/// Why an application is left alone that is not the one that was handled before.
fn in_another_account(desk: &Desk<'_>, app: &Observed) -> Option<Plan> {
    let account = desk.journal.aws.as_ref().and_then(|aws| aws.account_id.as_ref());
    let account = account.filter(|account| **account != app.account_id)?;
    let message = format!(
        "the application is in account {account} and the credentials of the controller see account {}; give it credentials of the first",
        app.account_id
    );
    Some(stall(Reason::InvalidSpec, message))
}
