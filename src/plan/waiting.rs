//! What is waited for, how long, and when a refused call is sent again.

use jiff::{SignedDuration, Timestamp};

use crate::api::condition::Reason;
use crate::api::status::{Intent, Journal, Phase, RefusalClass, RefusalStatus, StepKind};
use crate::plan::decision::{Plan, Stall, Waiting, stall};
use crate::plan::desk::Desk;
use crate::plan::situation::Rules;
use crate::plan::step::Step;
use crate::plan::unheeded;
use crate::world::{ApplicationStatus, Observed, ObservedOperation};

/// How long the service may refuse a call because the job is down before the job is given up.
pub(super) const DOWN_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How long a refusal because the job is down says that it still is.
const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// Whether the service refused a call because the job is down for as long as that is waited for.
pub(super) fn is_refused_throughout(refusal: &RefusalStatus) -> bool {
    refusal.last_at >= refusal.first_at + DOWN_FOR
}

/// Whether it did, and refused the call again just now: a job that may have come up since is asked once more.
pub(super) fn is_refused_at_last(refusal: &RefusalStatus, now: Timestamp) -> bool {
    is_refused_throughout(refusal) && now <= refusal.last_at + FRESH
}

/// When a refused call is sent again: at double the distance from the first attempt, at most at the recheck of the rules.
pub(super) fn next_attempt(refusal: &RefusalStatus, rules: &Rules) -> Timestamp {
    let spacing = refusal.last_at.duration_since(refusal.first_at);
    refusal.last_at + spacing.max(SignedDuration::from_secs(5)).min(rules.refusal_recheck)
}

/// The time between two looks at something in flight: a third of its age, from two to ten seconds.
pub(super) fn next_look(now: Timestamp, since: Timestamp) -> Timestamp {
    let age = now.duration_since(since).as_secs();
    now + SignedDuration::from_secs((age / 3).clamp(2, 10))
}

/// Waits for the effect of the open intent.
pub(super) fn for_intent(desk: &Desk<'_>, intent: &Intent) -> Plan {
    let operation = intent.step.operation();
    let declared = intent.declared_at;
    let message = match (intent.phase, &intent.operation_id) {
        (Phase::Issued, Some(id)) => {
            format!("{operation} was accepted as operation {id} at {declared}; it is followed to its end")
        }
        (Phase::Issued, None) => format!("{operation} was accepted at {declared}; its effect is awaited"),
        _ => format!(
            "{operation} of {declared} had no definite answer; nothing else is sent before an observation settles it"
        ),
    };
    Plan::Wait(Waiting {
        reason: intent.step.reason(),
        message,
        until: next_look(desk.situation.now, declared),
        background: intent.step.is_background(),
    })
}

/// The words for a status in which the application cannot rest.
pub(crate) fn reason_of(status: &ApplicationStatus) -> Reason {
    match status {
        ApplicationStatus::Starting => Reason::Starting,
        ApplicationStatus::Updating => Reason::Updating,
        ApplicationStatus::AutoScaling => Reason::AutoScaling,
        ApplicationStatus::Stopping | ApplicationStatus::ForceStopping => Reason::Stopping,
        ApplicationStatus::RollingBack | ApplicationStatus::RolledBack => Reason::RollingBack,
        ApplicationStatus::Maintenance => Reason::Maintenance,
        ApplicationStatus::Deleting => Reason::Deleting,
        ApplicationStatus::Ready | ApplicationStatus::Running | ApplicationStatus::Unknown(_) => Reason::Pending,
    }
}

/// When what the service does now began, as far as it is known.
pub(super) fn began(desk: &Desk<'_>) -> Option<Timestamp> {
    let since = desk.journal.aws.as_ref().and_then(|aws| aws.application_status_since);
    // One that brought its job is over, and may be listed beside what began after it.
    let brought = desk.journal.brought_job.as_ref();
    let brought = brought.and_then(|brought| brought.operation_id.as_ref());
    let operation = desk.situation.world.in_flight().map(|operation| {
        let seen = since.filter(|_| brought == Some(&operation.id));
        seen.map_or(operation.started_at, |seen| seen.max(operation.started_at))
    });
    let declared = desk.journal.intent.as_ref().map(|intent| intent.declared_at);
    // Not everything that the service does is listed as an operation: a deletion is not.
    operation.or(declared).or(since)
}

/// Whether what the service does now lasts longer than it may.
pub(super) fn outlasts(desk: &Desk<'_>, patience: SignedDuration) -> bool {
    began(desk).is_some_and(|began| desk.situation.now >= began + patience)
}

/// Waits until the application leaves a status, at most until a deadline that counts from the operation's start.
pub(super) fn for_status(desk: &Desk<'_>, app: &Observed, patience: SignedDuration) -> Plan {
    let now = desk.situation.now;
    let status = app.status.as_str();
    let began = began(desk);
    if outlasts(desk, patience) {
        return overdue(&app.status);
    }
    let deadline = began.map(|began| began + patience);
    let until = deadline.map_or(String::new(), |deadline| format!(" until {deadline} at the latest"));
    Plan::Wait(Waiting {
        reason: reason_of(&app.status),
        message: format!("the service reports {status}; waiting{until}"),
        until: next_look(now, began.unwrap_or(now - SignedDuration::from_secs(30))),
        background: false,
    })
}

/// Stalls over a status that lasts longer than allowed, and names the forced stop where it is legal (facts §1.5).
pub(super) fn overdue(status: &ApplicationStatus) -> Plan {
    let way_out = if status.can_be_ended_by_force() {
        ", or annotate sluicegate.dev/force-stop-requested-at to stop the job by force, without a snapshot"
    } else {
        ""
    };
    stall(
        Reason::DeadlineExceeded,
        format!(
            "the service reports {} for longer than spec.rollout.progressDeadline; it goes on when the status changes{way_out}",
            status.as_str()
        ),
    )
}

/// What a refusal of a call means until it is sent again.
pub(crate) struct Patience {
    /// The reason of the conditions.
    pub(crate) reason: Reason,
    /// What the service said and what follows.
    pub(crate) message: String,
    /// Whether the time is over in which the refusal counts as work in flight.
    pub(crate) is_over: bool,
}

/// The reason of the conditions over a refusal that lasts.
pub(super) fn reason_of_refusal(class: RefusalClass) -> Reason {
    match class {
        RefusalClass::Rejected | RefusalClass::RoleOrLocation => Reason::Rejected,
        RefusalClass::AccessDenied => Reason::AccessDenied,
        RefusalClass::QuotaExceeded => Reason::QuotaExceeded,
        RefusalClass::JobDown => Reason::JobUnhealthy,
        RefusalClass::TagsLingering => Reason::Creating,
    }
}

/// How patient the controller is with a refusal.
pub(crate) fn patience(refusal: &RefusalStatus, rules: &Rules, now: Timestamp) -> Patience {
    let reason = reason_of_refusal(refusal.class);
    let said = format!(
        "the service refuses {}: {}",
        refusal.step.operation(),
        refusal.message.trim_end_matches('.')
    );
    if refusal.class == RefusalClass::Rejected {
        let message = format!("{said}. Correct the spec, or annotate sluicegate.dev/retry-requested-at to try again");
        return Patience {
            reason,
            message,
            is_over: true,
        };
    }
    // A change of a job that is down goes on by force, or without the snapshot before it.
    let goes_on = refusal.class == RefusalClass::JobDown
        && matches!(
            refusal.step,
            StepKind::TakeSnapshot | StepKind::Update | StepKind::Restart
        );
    let grace = if goes_on {
        rules.refusal_grace * 3
    } else {
        rules.refusal_grace
    };
    let lasting = refusal.class != RefusalClass::TagsLingering && now >= refusal.first_at + grace;
    if lasting {
        let message = format!(
            "{said}. It is sent again every {:#}; correct what it names",
            rules.refusal_recheck
        );
        return Patience {
            reason,
            message,
            is_over: true,
        };
    }
    Patience {
        reason: refusal.step.reason(),
        message: format!("{said}. It is sent again"),
        is_over: false,
    }
}

/// The step, or why it must wait because the service refused it before.
pub(super) fn admitted(desk: &mut Desk<'_>, step: Step) -> Plan {
    if step.kind().is_background() && unheeded::is_unheeded(&desk.journal, &step, "") {
        return unheeded::not_again(&step);
    }
    let Some(refusal) = refusal_of(desk, &step) else {
        return Plan::Do(step);
    };
    let rules = desk.situation.rules;
    let now = desk.situation.now;
    let Patience {
        reason,
        message,
        is_over,
    } = patience(&refusal, rules, now);
    if refusal.class == RefusalClass::Rejected {
        return stall(reason, message);
    }
    let next = next_attempt(&refusal, rules);
    if now >= next {
        return Plan::Do(step);
    }
    if is_over {
        return Plan::Stall(Stall {
            reason,
            message,
            recheck: Some(next),
        });
    }
    Plan::Wait(Waiting {
        reason,
        message,
        until: next,
        background: step.kind().is_background(),
    })
}

/// A call waits while the service carries out an operation of somebody else; only a forced stop and a rollback do not. One
/// that goes on for longer than a change may take is told.
pub(super) fn for_others(desk: &Desk<'_>, plan: Plan) -> Plan {
    let Plan::Do(step) = &plan else { return plan };
    let Some(operation) = desk
        .situation
        .world
        .in_flight()
        .filter(|operation| !is_ours(&desk.journal, operation))
        .filter(|_| !matches!(step.kind(), StepKind::ForceStop | StepKind::RollBack))
    else {
        return plan;
    };
    let now = desk.situation.now;
    let background = step.kind().is_background();
    let outlasts = now >= operation.started_at + desk.situation.progress_deadline();
    if !background && outlasts {
        let then = format!("{} is sent when it ends", step.kind().operation());
        return Plan::Stall(outlasting(desk, operation, &then));
    }
    Plan::Wait(Waiting {
        reason: Reason::Pending,
        message: format!("{}; nothing is sent before it ends", goes_on(operation)),
        until: if outlasts {
            now + desk.situation.rules.refusal_recheck
        } else {
            next_look(now, operation.started_at)
        },
        background,
    })
}

/// The stall over an operation that goes on for longer than a change may take; it is looked at again.
pub(super) fn outlasting(desk: &Desk<'_>, operation: &ObservedOperation, then: &str) -> Stall {
    Stall {
        reason: Reason::DeadlineExceeded,
        message: format!(
            "{} for longer than spec.rollout.progressDeadline; {then}",
            goes_on(operation)
        ),
        recheck: Some(desk.situation.now + desk.situation.rules.refusal_recheck),
    }
}

fn goes_on(operation: &ObservedOperation) -> String {
    format!(
        "operation {} ({}) of {} goes on",
        operation.id, operation.kind, operation.started_at
    )
}

/// Whether an operation is of a call of ours that is over, although the list says that it goes on.
fn is_ours(journal: &Journal, operation: &ObservedOperation) -> bool {
    let stop = journal.last_stop.as_ref().and_then(|stop| stop.operation_id.as_ref());
    let brought = journal.brought_job.as_ref().and_then(|job| job.operation_id.as_ref());
    [journal.given_up_operation_id.as_ref(), stop, brought].contains(&Some(&operation.id))
}

/// The refusal of a step that is sent again.
pub(super) fn refusal_of(desk: &Desk<'_>, step: &Step) -> Option<RefusalStatus> {
    let refusal = desk.journal.refusal_of(step.kind());
    refusal.filter(|refusal| is_same(desk, refusal, step)).cloned()
}

/// Whether a refusal is of this step for the same reason to send it: content is told by its revision, everything else by
/// the generation of the spec too.
fn is_same(desk: &Desk<'_>, refusal: &RefusalStatus, step: &Step) -> bool {
    let by_revision = step.kind().sets_content() && step.kind() != StepKind::Create;
    let transient = refusal.class != RefusalClass::Rejected;
    refusal.step == step.kind()
        && refusal.revision == desk.served()
        && (by_revision || transient || refusal.generation == desk.generation())
}
