//! What an observation teaches about an open call.

use super::*;
use crate::api::status::HistoryResult;

#[test]
fn a_call_whose_operation_goes_on_is_followed_and_nothing_else_is_sent() {
    for (kind, name, status) in [
        (StepKind::Start, "StartApplication", ApplicationStatus::Starting),
        (StepKind::Update, "UpdateApplication", ApplicationStatus::Updating),
        (StepKind::Stop, "StopApplication", ApplicationStatus::Stopping),
    ] {
        let case = Case::observed("", status)
            .issued(kind)
            .operations(vec![operation("op-new", name, OperationStatus::InProgress)])
            .at(60);
        let decision = case.decide();
        assert_eq!(waits(&decision), kind.reason());
        assert!(decision.journal.intent.is_some());
    }
}

#[test]
fn a_start_that_succeeded_is_verified_and_promotes_the_revision_when_the_job_is_proven() {
    let case = Case::observed("", ApplicationStatus::Running)
        .issued(StepKind::Start)
        .operations(vec![operation(
            "op-new",
            "StartApplication",
            OperationStatus::Successful,
        )])
        .at(60);
    assert_eq!(waits(&case.decide()), Reason::Verifying);
    let up = case.recorded().sees(healthy_job());
    assert_eq!(waits(&up.decide()), Reason::Verifying);
    let decision = up.recorded().at(60 + 121).decide();
    assert_eq!(step(&decision), StepKind::BackUp);
    let revisions = decision.journal.revisions();
    assert!(revisions.good.is_some() && revisions.good == revisions.running);
    assert!(decision.journal.had_state);
}

#[test]
fn a_start_that_failed_condemns_its_revision_with_the_cause() {
    let case = Case::observed("", ApplicationStatus::Ready)
        .issued(StepKind::Start)
        .operations(vec![operation("op-new", "StartApplication", OperationStatus::Failed)])
        .at(60);
    let decision = case.decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::StartFailed);
    assert!(message.contains("boom"), "{message}");
    assert_eq!(decision.journal.failed_revisions.len(), 1);
}

#[test]
fn a_start_of_a_good_revision_that_failed_is_tried_again_later_and_condemns_nothing() {
    let mut case = Case::running("").world(|app| app.status = ApplicationStatus::Ready);
    case = case.snapshots(vec![snapshot("s", 1, SnapshotStatus::Ready)]);
    let mut now = 0;
    for rest in [60, 300, 900] {
        case = case
            .issued(StepKind::Start)
            .operations(vec![operation("op-new", "StartApplication", OperationStatus::Failed)])
            .at(now);
        let decision = case.decide();
        assert_eq!(waits(&decision), Reason::Pending);
        assert!(decision.journal.failed_revisions.is_empty());
        case = case.recorded().at(now + rest - 1);
        assert_eq!(waits(&case.decide()), Reason::Pending);
        now += rest;
        case = case.at(now);
        assert_eq!(step(&case.decide()), StepKind::Start);
    }
    let decision = case.issued(StepKind::Start).at(now).decide();
    assert_eq!(stalls(&decision).0, Reason::StartFailed);
}

#[test]
fn ready_before_the_operation_is_over_is_lag_and_no_fall_back() {
    let case = Case::observed("", ApplicationStatus::Ready)
        .issued(StepKind::Start)
        .operations(vec![operation(
            "op-new",
            "StartApplication",
            OperationStatus::InProgress,
        )])
        .at(5);
    assert_eq!(waits(&case.decide()), Reason::Starting);
    let case = case.operations(vec![operation(
        "op-new",
        "StartApplication",
        OperationStatus::Successful,
    )]);
    assert_eq!(
        waits(&case.at(30).decide()),
        Reason::Starting,
        "the description may lag behind a successful start"
    );
}

#[test]
fn a_description_older_than_the_accepted_update_is_lag() {
    let case = Case::running("")
        .respec("parallelism: {parallelism: 4}")
        .issued(StepKind::Update)
        .journal(|journal| {
            let intent = journal.intent.as_mut().unwrap();
            intent.fence = Some("token-3".into());
            intent.to_version_id = Some(4);
        })
        .operations(vec![operation(
            "op-new",
            "UpdateApplication",
            OperationStatus::Successful,
        )])
        .at(30);
    assert_eq!(waits(&case.decide()), Reason::Updating);
}

#[test]
fn a_call_without_an_answer_is_settled_by_observation_only() {
    for (kind, seconds) in [(StepKind::Update, 30), (StepKind::Start, 60), (StepKind::Stop, 60)] {
        for phase in [Phase::Declared, Phase::Unknown] {
            let status = if kind == StepKind::Start {
                ApplicationStatus::Ready
            } else {
                ApplicationStatus::Running
            };
            let case = Case::observed("", status)
                .intent(kind, phase)
                .journal(|journal| journal.intent.as_mut().unwrap().fence = Some("token-3".into()));
            let before = case.at(seconds - 1);
            assert!(matches!(before.decide().plan, Plan::Wait(_)), "{kind:?} {phase:?}");
            let decision = before.at(seconds).decide();
            assert_ne!(
                decision.journal.intent.map(|intent| intent.declared_at),
                Some(start_of_time()),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn a_stop_without_an_answer_is_awaited_although_somebody_else_stopped_the_application() {
    let begun = |second| {
        let mut stop = operation("op-found", "StopApplication", OperationStatus::Successful);
        stop.started_at = after(second);
        stop
    };
    let listed = || {
        let of_the_stop = snapshot("of-the-stop", 10, SnapshotStatus::Ready);
        Case::observed("", ApplicationStatus::Ready).snapshots(vec![of_the_stop])
    };
    for kind in [StepKind::Stop, StepKind::ForceStop] {
        for operations in [vec![begun(10)], vec![]] {
            let case = listed().intent(kind, Phase::Unknown);
            let early = case.operations(operations).at(59);
            let awaited = early.decide().journal.intent.map(|intent| intent.step);
            assert_eq!(awaited, Some(kind), "it may come yet");
            assert_eq!(
                step(&early.at(60).decide()),
                StepKind::Start,
                "{kind:?} cannot come any more"
            );
        }
        let ours = listed().intent(kind, Phase::Unknown);
        assert_eq!(
            step(&ours.operations(vec![begun(1)]).at(20).decide()),
            StepKind::Start,
            "{kind:?}"
        );
        let answered = listed().issued(kind);
        assert_eq!(
            step(&answered.operations(vec![begun(10)]).at(20).decide()),
            StepKind::Start,
            "{kind:?}"
        );
    }
}

#[test]
fn a_lost_reply_is_found_by_the_operation_that_was_not_there_before() {
    let case = Case::observed("", ApplicationStatus::Running)
        .intent(StepKind::Start, Phase::Unknown)
        .operations(vec![
            operation("op-found", "StartApplication", OperationStatus::Successful),
            operation("op-old", "StartApplication", OperationStatus::Failed),
        ])
        .at(20);
    let decision = case.decide();
    assert_eq!(waits(&decision), Reason::Verifying);
    assert!(decision.journal.intent.is_none());
    let gate = decision.journal.rollout.unwrap().gate.unwrap();
    assert_eq!(gate.operation_id.as_deref(), Some("op-found"));
}

#[test]
fn an_operation_from_before_the_declaration_is_no_answer() {
    let case = Case::observed("", ApplicationStatus::Ready)
        .intent(StepKind::Start, Phase::Unknown)
        .operations(vec![operation("op-old", "StartApplication", OperationStatus::Failed)])
        .at(20);
    let decision = case.decide();
    assert_eq!(waits(&decision), Reason::Starting);
    assert!(decision.journal.failed_revisions.is_empty());
}

#[test]
fn a_start_that_outlasts_the_deadline_is_ended_by_force_and_its_revision_condemned() {
    let case = Case::observed("", ApplicationStatus::Starting)
        .issued(StepKind::Start)
        .operations(vec![operation(
            "op-new",
            "StartApplication",
            OperationStatus::InProgress,
        )])
        .at(1 + 1800);
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    assert_eq!(decision.journal.failed_revisions[0].reason, Reason::DeadlineExceeded);
}

#[test]
fn a_restart_that_succeeded_is_handled_once() {
    let case = Case::running("restartNonce: 1")
        .issued(StepKind::Restart)
        .journal(|journal| journal.intent.as_mut().unwrap().restart_nonce = Some(1))
        .operations(vec![operation(
            "op-new",
            "UpdateApplication",
            OperationStatus::Successful,
        )])
        .at(60);
    let decision = case.decide();
    assert_eq!(waits(&decision), Reason::Verifying);
    assert_eq!(decision.journal.handled.as_ref().unwrap().restart_nonce, Some(1));
    assert!(
        decision
            .journal
            .history
            .iter()
            .any(|entry| entry.result == HistoryResult::Restarted)
    );
}
