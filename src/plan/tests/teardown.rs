//! What a deletion of the resource does.

use super::*;
use crate::api::status::{RefusalClass, RefusalStatus};
use crate::fault::{Fault, FaultKind};
use crate::plan::outcome::{Moment, Outcome};

fn deleted(more: &str, status: ApplicationStatus) -> Case {
    let mut case = Case::observed(more, status);
    case.app.metadata.finalizers = Some(vec!["sluicegate.dev/application".into()]);
    case.app.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(start_of_time()));
    case
}

const STOP: &str = "deletion: {policy: Stop}";
const DELETE: &str = "deletion: {policy: Delete, stateLoss: Accepted}";

#[test]
fn retain_releases_whatever_the_status() {
    for status in [
        ApplicationStatus::Running,
        ApplicationStatus::Updating,
        ApplicationStatus::Ready,
    ] {
        assert_eq!(deleted("", status).decide().plan, Plan::Release);
    }
}

#[test]
fn stop_stops_gracefully_and_releases_what_is_stopped() {
    assert_eq!(
        step(&deleted(STOP, ApplicationStatus::Running).decide()),
        StepKind::Stop
    );
    assert_eq!(deleted(STOP, ApplicationStatus::Ready).decide().plan, Plan::Release);
}

#[test]
fn delete_stops_then_deletes_by_the_creation_time_then_releases() {
    assert_eq!(
        step(&deleted(DELETE, ApplicationStatus::Running).decide()),
        StepKind::Stop
    );
    let decision = deleted(DELETE, ApplicationStatus::Ready).decide();
    assert_eq!(
        decision.plan,
        Plan::Do(Step::Delete {
            created_at: start_of_time()
        })
    );
    let mut gone = deleted(DELETE, ApplicationStatus::Ready);
    gone.world = World::default();
    assert_eq!(gone.decide().plan, Plan::Release);
}

#[test]
fn delete_without_consent_to_the_loss_of_state_is_read_as_retain() {
    let case = deleted(DELETE, ApplicationStatus::Ready).respec("deletion: {policy: Delete}");
    assert_eq!(case.decide().plan, Plan::Release);
}

#[test]
fn a_deletion_goes_on_with_an_invalid_spec() {
    let case = deleted(
        "deletion: {policy: Stop}\ncheckpoint: {checkpointInterval: 60s}",
        ApplicationStatus::Running,
    )
    .respec("deletion: {policy: Stop}\ncheckpoint: {checkpointInterval: 5d}");
    assert_eq!(step(&case.decide()), StepKind::Stop);
}

#[test]
fn an_application_of_somebody_else_is_never_touched() {
    let case = deleted(DELETE, ApplicationStatus::Ready).world(|app| app.tags.clear());
    assert_eq!(case.decide().plan, Plan::Release);
    let case = deleted(DELETE, ApplicationStatus::Ready).world(|app| {
        app.tags = Owner {
            uid: "uid-0".into(),
            ..owner()
        }
        .tags();
    });
    assert_eq!(case.decide().plan, Plan::Release);
}

#[test]
fn a_busy_application_is_waited_for_and_forced_only_after_the_timeout() {
    for status in [
        ApplicationStatus::Starting,
        ApplicationStatus::Updating,
        ApplicationStatus::Stopping,
    ] {
        let case = deleted(DELETE, status.clone());
        assert!(matches!(case.decide().plan, Plan::Wait(_)), "{status:?}");
        assert_eq!(step(&case.at(1800).decide()), StepKind::ForceStop, "{status:?}");
    }
    let required = "deletion: {policy: Delete, stateLoss: Accepted, finalSnapshot: Required}";
    let case = deleted(required, ApplicationStatus::Stopping).at(1800);
    assert!(matches!(case.decide().plan, Plan::Wait(_)));
}

#[test]
fn a_refused_final_snapshot_ends_by_force_or_in_a_stall_as_the_spec_says() {
    let refuse = |case: Case, now: Timestamp| {
        case.recorded().journal(|journal| {
            let outcome = Outcome::Refused(Fault::new(FaultKind::JobDown, "downtime"));
            journal.learn(
                &outcome,
                Moment {
                    now,
                    generation: 1,
                    snapshot_required: false,
                },
            );
        })
    };
    let case = refuse(deleted(STOP, ApplicationStatus::Running), start_of_time()).at(10);
    assert_eq!(
        step(&case.decide()),
        StepKind::Stop,
        "the job may only restore its state"
    );
    let case = case.at(300);
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
    let short = "deletion: {policy: Stop, timeout: 1m}";
    let case = refuse(deleted(short, ApplicationStatus::Running), start_of_time()).at(60);
    assert_eq!(step(&case.decide()), StepKind::ForceStop, "the timeout is over");
    let required = "deletion: {policy: Stop, finalSnapshot: Required}";
    let case = refuse(deleted(required, ApplicationStatus::Running), start_of_time()).at(1800);
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::JobUnhealthy);
    assert!(
        message.contains("finalSnapshot") && message.contains("Retain"),
        "{message}"
    );
    let never = deleted(
        "deletion: {policy: Stop, finalSnapshot: Never}",
        ApplicationStatus::Running,
    );
    assert_eq!(step(&never.decide()), StepKind::ForceStop);
}

#[test]
fn a_create_whose_outcome_is_unknown_is_settled_before_the_finalizer_leaves() {
    let mut case = deleted(DELETE, ApplicationStatus::Ready).intent(StepKind::Create, Phase::Unknown);
    case.world = World::default();
    assert!(matches!(case.at(10).decide().plan, Plan::Wait(_)));
    let mut case = deleted(DELETE, ApplicationStatus::Ready).intent(StepKind::Create, Phase::Unknown);
    case.world = World::default();
    assert_eq!(case.at(30).decide().plan, Plan::Release);
}

#[test]
fn a_refusal_from_before_the_deletion_does_not_end_a_healthy_job_by_force() {
    let refusal = |seconds: i64, class: RefusalClass| RefusalStatus {
        step: StepKind::Stop,
        revision: None,
        generation: 1,
        class,
        message: "no".into(),
        first_at: after(seconds),
        last_at: after(seconds),
    };
    for (seconds, class, expected) in [
        (-60, RefusalClass::JobDown, StepKind::Stop),
        (1, RefusalClass::AccessDenied, StepKind::Stop),
        (1, RefusalClass::JobDown, StepKind::ForceStop),
    ] {
        let case = deleted(STOP, ApplicationStatus::Running)
            .journal(|journal| journal.refusal = Some(refusal(seconds, class)))
            .at(700);
        assert_eq!(step(&case.decide()), expected, "{seconds} {class:?}");
    }
}

#[test]
fn a_stop_whose_answer_was_lost_and_that_hangs_is_ended_by_force_or_told() {
    let hanging = |more: &str| {
        deleted(more, ApplicationStatus::Stopping)
            .intent(StepKind::Stop, Phase::Unknown)
            .operations(vec![operation(
                "op-new",
                "StopApplication",
                OperationStatus::InProgress,
            )])
            .at(1801)
    };
    assert_eq!(step(&hanging(DELETE).decide()), StepKind::ForceStop);
    let required = "deletion: {policy: Delete, stateLoss: Accepted, finalSnapshot: Required}";
    let of_somebody_else = hanging(required).journal(|journal| journal.intent = None);
    for case in [hanging(required), of_somebody_else] {
        let (reason, message) = stalls(&case.decide());
        assert_eq!(reason, Reason::DeadlineExceeded);
        assert!(
            message.contains("Retain") && message.contains("BestEffort") && message.contains("deletion.timeout"),
            "{message}"
        );
    }
}

#[test]
fn what_hung_before_the_deletion_is_given_the_time_of_the_deletion_and_then_ended_by_force() {
    let hung = |more: &str, seconds: i64| {
        let case = deleted(more, ApplicationStatus::Updating);
        let update = operation("op", "UpdateApplication", OperationStatus::InProgress);
        let began = ObservedOperation {
            started_at: after(-3600),
            ..update
        };
        case.operations(vec![began]).at(seconds).decide()
    };
    let Plan::Wait(waiting) = hung(DELETE, 1795).plan else {
        panic!("the time of the deletion is not over");
    };
    assert_eq!(waiting.until, after(1800));
    assert_eq!(step(&hung(DELETE, 1800)), StepKind::ForceStop);
    let required = "deletion: {policy: Delete, stateLoss: Accepted, finalSnapshot: Required}";
    assert!(stalls(&hung(required, 1)).1.contains("BestEffort"));
}
