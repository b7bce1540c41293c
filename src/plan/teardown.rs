//! What the deletion of the resource does to the application; the finalizer leaves last.

use jiff::Timestamp;

use crate::api::condition::Reason;
use crate::api::spec::{DeletionPolicy, FinalSnapshot};
use crate::api::status::{Intent, Phase, RefusalClass, RefusalStatus, StepKind};
use crate::desired::{DeletionRules, deletion_rules};
use crate::plan::call::{QUARANTINE, lingers, operation_of};
use crate::plan::decision::{Plan, Waiting, stall};
use crate::plan::desk::Desk;
use crate::plan::ownership::Ownership;
use crate::plan::step::Step;
use crate::plan::{requests, switched_off, waiting};
use crate::world::{ApplicationStatus, Observed};

/// The next move of a resource that is being deleted; one that is paused is let go.
pub(super) fn decide(desk: &mut Desk<'_>) -> Option<Plan> {
    let app = desk.situation.app;
    app.metadata.deletion_timestamp.as_ref()?;
    if requests::is_paused(app) {
        return Some(Plan::Release);
    }
    Some(plan(desk, &deletion_rules(&app.spec)))
}

fn plan(desk: &mut Desk<'_>, rules: &DeletionRules) -> Plan {
    if rules.policy == DeletionPolicy::Retain {
        return Plan::Release;
    }
    let Some(app) = &desk.situation.world.application else {
        return match &desk.journal.intent {
            Some(intent) if intent.step == StepKind::Create => waiting::for_intent(desk, intent),
            _ => Plan::Release,
        };
    };
    if desk.situation.owner.judge(&app.tags) != Ownership::Ours {
        return Plan::Release;
    }
    if let Some(intent) = desk.journal.intent.clone() {
        return in_flight(desk, app, rules, &intent);
    }
    match app.status {
        ApplicationStatus::Ready if rules.policy == DeletionPolicy::Delete => waiting::admitted(
            desk,
            Step::Delete {
                created_at: app.created_at,
            },
        ),
        ApplicationStatus::Ready => Plan::Release,
        ApplicationStatus::Running => stop(desk, rules),
        _ if app.status.can_be_ended_by_force() && is_overdue(desk, rules) => waiting::admitted(desk, Step::ForceStop),
        _ if waiting::outlasts(desk, rules.timeout) => hung(desk, app, rules),
        _ => waiting::for_status(desk, app, rules.timeout),
    }
}

/// Follows the open intent; past the timeout what hangs is ended by force, where the spec lets it and the service can.
fn in_flight(desk: &mut Desk<'_>, app: &Observed, rules: &DeletionRules, intent: &Intent) -> Plan {
    let age = desk.situation.now.duration_since(intent.declared_at);
    let certain = intent.phase == Phase::Issued || age >= QUARANTINE;
    let operation = operation_of(intent, desk.situation.world);
    let lingers = operation.is_some_and(|operation| lingers(desk, app, operation));
    if !certain || !is_past(desk, rules) || app.status.is_settled() && !lingers {
        return waiting::for_intent(desk, intent);
    }
    let by_force = app.status.can_be_ended_by_force() || app.status == ApplicationStatus::Running;
    if by_force && is_overdue(desk, rules) && intent.step != StepKind::ForceStop {
        return waiting::admitted(desk, Step::ForceStop);
    }
    if age < rules.timeout {
        return waiting::for_intent(desk, intent);
    }
    overdue(app)
}

/// Waits for the end of the timeout where the spec then ends what hangs by force; otherwise a person must help.
fn hung(desk: &Desk<'_>, app: &Observed, rules: &DeletionRules) -> Plan {
    let ends = deleted_at(desk).map(|deleted| deleted + rules.timeout);
    let by_force = rules.final_snapshot != FinalSnapshot::Required && app.status.can_be_ended_by_force();
    let Some(ends) = ends.filter(|ends| by_force && desk.situation.now < *ends) else {
        return overdue(app);
    };
    Plan::Wait(Waiting {
        reason: Reason::Deleting,
        message: format!(
            "the service reports {}; it is ended by force at {ends}",
            app.status.as_str()
        ),
        until: waiting::next_look(desk.situation.now, waiting::began(desk).unwrap_or(ends)).min(ends),
        background: false,
    })
}

/// Stalls over a status that lasts longer than the deletion may take.
fn overdue(app: &Observed) -> Plan {
    let by_force = if app.status.can_be_ended_by_force() {
        "Set spec.deletion.finalSnapshot to BestEffort to end it by force, or "
    } else {
        "Set "
    };
    stall(
        Reason::DeadlineExceeded,
        format!(
            "the service reports {} for longer than spec.deletion.timeout; it goes on when the status changes. {by_force}spec.deletion.policy to Retain to leave the application as it is",
            app.status.as_str()
        ),
    )
}

fn stop(desk: &mut Desk<'_>, rules: &DeletionRules) -> Plan {
    let refused = desk
        .journal
        .refusal
        .as_ref()
        .is_some_and(|refusal| is_final(desk, rules, refusal));
    let keeps_state = rules.policy == DeletionPolicy::Stop && rules.final_snapshot == FinalSnapshot::Required;
    if keeps_state && switched_off::by_somebody_else(&desk.situation, &desk.journal) {
        return stall(
            Reason::NoRestorePoint,
            "snapshots are off, and neither the spec nor a revision that was brought has them off, so that the service takes no final snapshot; switch them on, set spec.deletion.finalSnapshot to BestEffort to stop without one, or spec.deletion.policy to Retain to leave the application as it is",
        );
    }
    match rules.final_snapshot {
        FinalSnapshot::Never => waiting::admitted(desk, Step::ForceStop),
        FinalSnapshot::BestEffort if refused => waiting::admitted(desk, Step::ForceStop),
        FinalSnapshot::Required if refused && is_past(desk, rules) => stall(
            Reason::JobUnhealthy,
            "the service takes no final snapshot; set spec.deletion.finalSnapshot to BestEffort to stop without one, or spec.deletion.policy to Retain to leave the application as it is",
        ),
        FinalSnapshot::Required | FinalSnapshot::BestEffort => waiting::admitted(desk, Step::Stop),
    }
}

/// Whether a refusal says that the job cannot be stopped with a snapshot; one from before the deletion does not. A job that
/// is down is given the time to come up: after a restart or an autoscaling it only restores its state.
fn is_final(desk: &Desk<'_>, rules: &DeletionRules, refusal: &RefusalStatus) -> bool {
    let Some(deleted) = deleted_at(desk).filter(|deleted| refusal.last_at >= *deleted) else {
        return false;
    };
    let down_since = refusal.first_at.max(deleted);
    match (refusal.step, refusal.class) {
        (StepKind::Stop, RefusalClass::JobDown) => {
            desk.situation.now >= down_since + waiting::DOWN_FOR || is_past(desk, rules)
        }
        (StepKind::Stop, RefusalClass::Rejected) | (StepKind::ForceStop, _) => true,
        _ => false,
    }
}

fn is_overdue(desk: &Desk<'_>, rules: &DeletionRules) -> bool {
    rules.final_snapshot != FinalSnapshot::Required && is_past(desk, rules)
}

fn is_past(desk: &Desk<'_>, rules: &DeletionRules) -> bool {
    deleted_at(desk).is_some_and(|deleted| desk.situation.now >= deleted + rules.timeout)
}

fn deleted_at(desk: &Desk<'_>) -> Option<Timestamp> {
    desk.situation
        .app
        .metadata
        .deletion_timestamp
        .as_ref()
        .map(|time| time.0)
}
