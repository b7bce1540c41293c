//! Waits for the service: each has an end, or is told.

use super::gate::verifying;
use super::*;
use crate::plan::not_accepted::Attempt;

fn maintenance(status: OperationStatus) -> ObservedOperation {
    ObservedOperation {
        started_at: after(60),
        ended_at: (status != OperationStatus::InProgress).then(|| after(4000)),
        ..operation("op-other", "ApplicationMaintenance", status)
    }
}

/// A gate beside an operation of somebody else.
fn disturbed(status: OperationStatus) -> Case {
    let case = verifying("");
    let change = case.world.operations.clone().unwrap();
    case.operations([vec![maintenance(status)], change].concat())
        .sees(healthy_job())
}

#[test]
fn an_operation_of_somebody_else_beside_a_gate_is_told_after_the_deadline_and_the_gate_goes_on_after_it() {
    let disturbed = |second| disturbed(OperationStatus::InProgress).at(second);
    assert_eq!(waits(&disturbed(1859).decide()), Reason::Verifying);
    let late = disturbed(1860);
    let (reason, message) = stalls(&late.decide());
    assert_eq!(reason, Reason::DeadlineExceeded);
    assert!(message.contains("op-other"), "{message}");
    assert!(late.decide().journal.failed_revisions.is_empty());
    let tags = disturbed(1860).respec("tags: {team: orders}");
    assert_eq!(stalls(&tags.decide()).0, Reason::DeadlineExceeded, "nothing hides it");
    let change = verifying("").world.operations.unwrap();
    let over = [vec![maintenance(OperationStatus::Successful)], change].concat();
    let over = late.recorded().operations(over).at(4001);
    assert_eq!(waits(&over.decide()), Reason::Verifying);
}

/// A call of ours whose operation is listed as going on although the application has settled.
fn lingering(kind: StepKind, status: ApplicationStatus) -> Case {
    let case = Case::running("").under_way(kind, status).sees(healthy_job());
    case.journal(|journal| {
        let intent = journal.intent.as_mut().unwrap();
        intent.to_version_id = kind.sets_content().then_some(3);
        if matches!(kind, StepKind::Start | StepKind::Stop) {
            journal.revisions.as_mut().unwrap().running = None;
        }
    })
}

#[test]
fn what_is_in_place_says_after_the_deadline_how_a_call_ended_that_is_listed_as_going_on() {
    use ApplicationStatus::{Ready, Running};
    for (kind, status) in [
        (StepKind::Update, Running),
        (StepKind::Restart, Running),
        (StepKind::Start, Running),
        (StepKind::Stop, Ready),
        (StepKind::Start, Ready),
        (StepKind::Restart, Ready),
    ] {
        let case = lingering(kind, status.clone());
        let what = format!("{kind:?} {status:?}");
        assert!(matches!(case.decide().plan, Plan::Wait(_)), "{what}");
        let decision = case.at(1801).decide();
        assert!(
            decision.notes.iter().any(|note| note.reason == "DeadlineExceeded"),
            "{what}"
        );
        let opened = decision.journal.rollout.is_some_and(|rollout| rollout.gate.is_some());
        assert_eq!(opened, status == Running, "{what}");
        if status == Running {
            assert_eq!(decision.journal.intent, None, "{what}");
        }
        let failed = decision.journal.last_failure.is_some();
        assert_eq!(failed, status == Ready && kind != StepKind::Stop, "{what}");
    }
}

#[test]
fn a_call_of_ours_that_is_listed_as_going_on_keeps_no_other_call_waiting() {
    let stopped = lingering(StepKind::Stop, ApplicationStatus::Ready).snapshots(vec![
        snapshot("kept", -60, SnapshotStatus::Ready),
        snapshot("of-the-stop", 2, SnapshotStatus::Ready),
    ]);
    let stopped = stopped.at(1801);
    assert_eq!(step(&stopped.decide()), StepKind::Start);
    let before = lingering(StepKind::Stop, ApplicationStatus::Ready).at(1700);
    assert_eq!(waits(&before.decide()), Reason::Stopping);
}

#[test]
fn a_stop_that_is_listed_as_going_on_beside_a_job_that_runs_is_told_and_harms_nothing() {
    for (kind, asked) in [
        (StepKind::Stop, false),
        (StepKind::ForceStop, false),
        (StepKind::Stop, true),
    ] {
        let case = Case::running("").under_way(kind, ApplicationStatus::Running).at(1801);
        if asked {
            let case = case.annotate("sluicegate.dev/force-stop-requested-at", "1");
            assert_eq!(step(&case.decide()), StepKind::ForceStop);
            continue;
        }
        let (reason, message) = stalls(&case.decide());
        assert_eq!(reason, Reason::DeadlineExceeded);
        assert!(message.contains("op-new"), "{message}");
    }
}

#[test]
fn a_status_that_no_operation_explains_is_told_after_the_deadline() {
    for status in ["DELETING", "MAINTENANCE", "ROLLED_BACK", "HIBERNATING"] {
        let case = Case::running("").world(|app| app.status = ApplicationStatus::parse(status));
        let case = case.recorded();
        assert!(matches!(case.decide().plan, Plan::Wait(_)), "{status}");
        let case = case.at(1799).recorded();
        assert!(matches!(case.decide().plan, Plan::Wait(_)), "{status}");
        let (reason, message) = stalls(&case.at(1800).decide());
        assert_eq!(reason, Reason::DeadlineExceeded);
        assert!(message.contains(status), "{message}");
    }
}

#[test]
fn a_deletion_tells_of_a_stop_that_is_listed_as_going_on_or_ends_it_by_force() {
    let deletion = |last: &str| {
        let more = format!("deletion: {{policy: Stop, finalSnapshot: {last}, timeout: 5m}}");
        let mut case = Case::running(&more).under_way(StepKind::Stop, ApplicationStatus::Running);
        case.app.metadata.deletion_timestamp =
            Some(serde_json::from_value(serde_json::json!("2026-01-01T00:00:00Z")).unwrap());
        case.at(1801).decide()
    };
    assert_eq!(stalls(&deletion("Required")).0, Reason::DeadlineExceeded);
    assert_eq!(step(&deletion("BestEffort")), StepKind::ForceStop);
}

#[test]
fn attempts_that_are_seldom_because_the_service_throttles_belong_together() {
    let attempt = |second| Attempt {
        step: StepKind::Update,
        revision: Some("r2".into()),
        message: "ThrottlingException: slow down".into(),
        at: after(second),
    };
    let mut journal = Journal::default();
    for second in [0, 800, 1600] {
        journal.tried(attempt(second));
    }
    assert_eq!(journal.not_accepted.as_ref().unwrap().first_at, start_of_time());
    journal.tried(attempt(1600 + 1801));
    assert_eq!(journal.not_accepted.unwrap().first_at, after(3401));
}
