//! What a start after a stop goes on from: the snapshot of the stop, which may be listed late.

use super::rollback::{failed_change, returned};
use super::*;
use crate::plan::{Note, needs};

const STOP: &str = "StopApplication";

/// A good job that a stop of ours ended at the start of time plus two seconds, as the list of snapshots shows it then.
fn stopped(more: &str, of_the_stop: Option<SnapshotStatus>) -> Case {
    let case = Case::running(more).world(|app| app.status = ApplicationStatus::Ready);
    let case = case.issued(StepKind::Stop);
    after_stop(case, of_the_stop)
}

/// The case after a stop, with an older snapshot and what is listed of the one of the stop.
fn after_stop(case: Case, of_the_stop: Option<SnapshotStatus>) -> Case {
    let mut listed = vec![snapshot("kept", -60, SnapshotStatus::Ready)];
    listed.extend(of_the_stop.map(|status| snapshot("of-the-stop", 1, status)));
    case.operations(vec![operation("op-new", STOP, OperationStatus::Successful)])
        .snapshots(listed)
        .at(5)
}

/// The message of a wait and its end.
fn awaits(decision: &Decision) -> String {
    match &decision.plan {
        Plan::Wait(waiting) => waiting.message.clone(),
        other => panic!("no wait but {other:?}"),
    }
}

fn starts_from(decision: &Decision, name: &str) {
    assert_eq!(restore(decision), Restore::Named(name.into()));
}

/// What is told when the job that the case starts runs.
fn told_of_the_start(case: Case) -> Vec<Note> {
    let mut case = case.recorded();
    let mut operations = case.world.operations.take().unwrap();
    operations.insert(
        0,
        operation("op-start", "StartApplication", OperationStatus::Successful),
    );
    let case = case
        .operations(operations)
        .world(|app| app.status = ApplicationStatus::Running)
        .sees(healthy_job());
    let decision = case.decide();
    let started = decision.notes.into_iter().filter(|note| note.reason == "Started");
    started.collect()
}

#[test]
fn the_snapshot_of_a_stop_is_awaited_before_an_older_one_is_taken() {
    let case = stopped("", None);
    let message = awaits(&case.decide());
    assert!(message.contains("2026-01-01T00:02:02Z"), "{message}");
    let case = case.recorded().at(121);
    awaits(&case.decide());
    let observed = case.world.application.as_ref();
    let want = case.want();
    let read = needs(&case.app, want.as_ref(), observed, &case.world.restarts, case.now);
    assert!(read.details, "the list is read again");
    let listed = after_stop(case, Some(SnapshotStatus::Ready)).at(121);
    starts_from(&listed.decide(), "of-the-stop");
}

#[test]
fn a_snapshot_of_a_stop_that_is_not_listed_two_minutes_after_it_is_given_up_and_told() {
    let case = stopped("", None).recorded().at(122);
    starts_from(&case.decide(), "kept");
    let told = told_of_the_start(case);
    let [started] = &told[..] else { panic!("{told:?}") };
    assert!(started.warning);
    for part in ["kept", "1m 1s older", "2025-12-31T23:59:00Z", "not listed"] {
        assert!(started.message.contains(part), "{part}: {}", started.message);
    }
    let told = told_of_the_start(stopped("", Some(SnapshotStatus::Ready)).recorded());
    assert!(told.iter().all(|note| !note.warning), "{told:?}");
}

#[test]
fn a_snapshot_of_a_stop_that_failed_is_given_up_at_once_and_told() {
    for lost in [SnapshotStatus::Failed, SnapshotStatus::Deleting] {
        let case = stopped("", Some(lost));
        starts_from(&case.decide(), "kept");
        let told = told_of_the_start(case);
        assert!(told[0].warning && told[0].message.contains("1m 1s older"), "{told:?}");
    }
}

#[test]
fn a_snapshot_of_a_stop_that_is_being_taken_is_awaited_for_the_progress_deadline() {
    let case = stopped("rollout: {progressDeadline: 10m}", Some(SnapshotStatus::Creating));
    let message = awaits(&case.decide());
    assert!(message.contains("2026-01-01T00:10:02Z"), "{message}");
    let case = case.recorded().at(601);
    awaits(&case.decide());
    starts_from(&case.at(602).decide(), "kept");
}

#[test]
fn a_start_after_a_change_of_two_calls_awaits_the_snapshot_of_its_stop() {
    let vpc = "vpc: {subnetIds: [subnet-a], securityGroupIds: [sg-1]}";
    let case = Case::running("").respec(vpc);
    assert_eq!(step(&case.decide()), StepKind::Stop);
    let case = case.recorded().world(|app| app.status = ApplicationStatus::Ready);
    let case = after_stop(case, None);
    assert_eq!(step(&case.decide()), StepKind::AddVpc, "the calls of the change go on");
    let want = case.want().unwrap();
    let case = case.recorded().journal(|journal| journal.intent = None).world(|app| {
        app.configuration = want.configuration.clone();
        app.vpcs = [("4.1".to_owned(), want.configuration.vpc.clone().unwrap())].into();
        app.version_id = 4;
    });
    awaits(&case.decide());
    starts_from(&case.recorded().at(122).decide(), "kept");
}

#[test]
fn a_forced_stop_leaves_no_snapshot_that_is_awaited() {
    let case = Case::running("").world(|app| app.status = ApplicationStatus::Ready);
    let case = after_stop(case.issued(StepKind::ForceStop), None);
    starts_from(&case.decide(), "kept");
    let case = Case::running("").world(|app| app.status = ApplicationStatus::Ready);
    let theirs = after_stop(case, None).journal(|journal| {
        journal.aws = serde_json::from_value(serde_json::json!({
            "applicationName": "orders", "region": "eu-west-1", "applicationStatus": "FORCE_STOPPING"
        }))
        .unwrap();
    });
    starts_from(&theirs.decide(), "kept");
}

#[test]
fn a_stop_with_snapshots_off_leaves_no_snapshot_that_is_awaited() {
    let case = stopped("", None).world(|app| app.configuration.snapshots_enabled = false);
    let case = case.recorded().world(|app| app.configuration.snapshots_enabled = true);
    let case = case.journal(|journal| journal.intent = None);
    starts_from(&case.decide(), "kept");
}

#[test]
fn a_choice_of_the_user_awaits_no_snapshot_of_a_stop() {
    let named = stopped("restore: {once: {nonce: 1, snapshotName: kept}}", None);
    starts_from(&named.decide(), "kept");
    let empty = stopped("restore: {onStart: None}", None);
    assert_eq!(restore(&empty.decide()), Restore::Skip);
    let case = stopped("", None);
    let revision = case.want().unwrap().revision.to_string();
    let consented = case.annotate("sluicegate.dev/allow-empty-start", &revision).decide();
    assert_eq!(step(&consented), StepKind::Start);
}

#[test]
fn the_snapshot_of_a_stop_of_somebody_else_is_awaited_too() {
    let theirs = || {
        after_stop(
            Case::running("").world(|app| app.status = ApplicationStatus::Ready),
            None,
        )
    };
    let decision = theirs().decide();
    assert_eq!(told(&decision), ["StoppedElsewhere"]);
    let message = awaits(&decision);
    assert!(message.contains("2026-01-01T00:02:02Z"), "{message}");
    let case = theirs().recorded();
    starts_from(&after_stop(case, Some(SnapshotStatus::Ready)).decide(), "of-the-stop");
    starts_from(&theirs().recorded().at(122).decide(), "kept");
    starts_from(&theirs().at(5000).decide(), "kept");
}

#[test]
fn a_stop_that_nobody_remembers_is_known_by_its_operation() {
    let lost = Case::observed("", ApplicationStatus::Ready).journal(|journal| journal.had_state = true);
    awaits(&after_stop(lost, None).decide());
    let ended_by_itself = |case: Case| {
        after_stop(case, None).operations(vec![
            operation("op-start", "StartApplication", OperationStatus::Successful),
            operation("op-new", STOP, OperationStatus::Successful),
        ])
    };
    let case = Case::observed("", ApplicationStatus::Ready).journal(|journal| journal.had_state = true);
    starts_from(&ended_by_itself(case).decide(), "kept");
}

#[test]
fn a_first_job_that_was_stopped_does_not_start_empty_before_its_snapshot_is_listed() {
    let case = Case::observed("", ApplicationStatus::Ready).issued(StepKind::Stop);
    let case = after_stop(case, None).snapshots(Vec::new());
    awaits(&case.decide());
    let case = case.recorded();
    awaits(&case.decide());
    let listed = case.snapshots(vec![snapshot("of-the-stop", 1, SnapshotStatus::Ready)]);
    starts_from(&listed.decide(), "of-the-stop");
}

#[test]
fn a_way_back_awaits_the_snapshot_of_the_stop_of_a_good_job_and_of_no_other() {
    let back = || {
        let case = failed_change("").recorded().journal(|journal| journal.intent = None);
        returned(case, ApplicationStatus::Ready)
            .journal(|journal| journal.way_back.as_mut().unwrap().rollback_refused = true)
    };
    let of_the_bad_job = back().operations(vec![ObservedOperation {
        started_at: after(55),
        ended_at: Some(after(58)),
        ..operation("op-new", STOP, OperationStatus::Successful)
    }]);
    starts_from(&of_the_bad_job.decide(), "own");
    let of_the_good_job = back()
        .journal(|journal| journal.unproven.clear())
        .operations(vec![ObservedOperation {
            started_at: after(55),
            ended_at: Some(after(58)),
            ..operation("op-new", STOP, OperationStatus::Successful)
        }]);
    assert_eq!(waits(&of_the_good_job.decide()), Reason::RollingBack);
    starts_from(&of_the_good_job.at(178).decide(), "own");
}

#[test]
fn what_somebody_else_stops_in_its_gate_stays_stopped_until_somebody_asks() {
    let stop = operation("op-stop", "StopApplication", OperationStatus::Successful);
    let stopped = |case: Case| {
        let case = case.recorded().journal(|journal| journal.intent = None);
        let case = case.world(|app| app.status = ApplicationStatus::Ready);
        let kept = snapshot("kept", -60, SnapshotStatus::Ready);
        case.snapshots(vec![kept]).operations(vec![stop.clone()]).at(200)
    };
    let in_gate = || stopped(super::gate::verifying(""));
    let decision = in_gate().decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::StoppedElsewhere);
    assert!(message.contains("restart-requested-at"), "{message}");
    let later = in_gate().recorded().at(9000);
    assert_eq!(stalls(&later.decide()).0, Reason::StoppedElsewhere);
    let asked = later.annotate("sluicegate.dev/restart-requested-at", "1");
    assert_eq!(step(&asked.decide()), StepKind::Start);
    let proven = stopped(Case::running(""));
    assert_eq!(step(&proven.decide()), StepKind::Start, "it was proven");
}
