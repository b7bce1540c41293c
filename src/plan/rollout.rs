//! From what the service has to what is wanted: create, change, start, stop, and promote what proved good.

pub(super) mod background;
pub(super) mod overdue;
pub(super) mod restart;
mod running;
pub(super) mod start;
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
use crate::plan::rollout::running::running;
use crate::plan::rollout::start::{rest_after_failure, start};
use crate::plan::step::{Create, Step};
use crate::plan::{adoption, by_hand, put_back, rollback, waiting};
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
        _ if hangs(desk, app, want) => end_by_force(desk, app, want, desk.target()),
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

fn ready(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    let difference = difference(app, &want.configuration);
    // A restart that is asked for is the next attempt at what is in place, whatever it did before.
    let is_tried_again = difference.is_empty() && restart_wanted(&desk.journal, want);
    let is_tried_again = is_tried_again && want.state == DesiredState::Running;
    let held = |desk: &mut Desk<'_>| held(desk, want, &difference).filter(|_| !is_tried_again);
    if let Some(plan) = stopped_by_force(desk, want).or_else(|| held(desk)) {
        return beside(background(desk, app, want), plan);
    }
    if let Some(step) = change_while_ready(app, &difference) {
        declare_rollout(desk, app, want);
        return without_effect(desk, app, want, &difference)
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
