//! What becomes of a job that was stopped for a change which the service then refuses.

use super::refusals::refused;
use super::*;
use crate::api::status::{FailedRevision, RefusalClass, RefusalStatus};
use crate::fault::FaultKind;
use crate::world::ObservedVersion;

const VPC: &str = "vpc: {subnetIds: [subnet-1], securityGroupIds: [sg-1]}";
const BOTH: &str = "
vpc: {subnetIds: [subnet-1], securityGroupIds: [sg-1]}
logging: {logStreamARN: 'arn:aws:logs:eu-west-1:111122223333:log-group:/msf/orders:log-stream:app'}";

/// A good job that was stopped for a change, with the snapshot of the stop.
fn stopped_for(more: &str) -> Case {
    stopped(Case::running("").respec(more))
}

fn stopped(case: Case) -> Case {
    assert_eq!(step(&case.decide()), StepKind::Stop);
    let before = case.world.application.as_ref().unwrap().configuration.clone();
    let mut case = case.recorded().journal(|journal| {
        let intent = journal.intent.as_mut().unwrap();
        (intent.phase, intent.operation_id) = (Phase::Issued, Some("op-stop".into()));
    });
    let content = ObservedVersion {
        configuration: before,
        code_digest: None,
    };
    case.world.versions.insert(3, content);
    case.world(|app| app.status = ApplicationStatus::Ready)
        .operations(vec![operation(
            "op-stop",
            "StopApplication",
            OperationStatus::Successful,
        )])
        .snapshots(vec![
            snapshot("kept", -60, SnapshotStatus::Ready),
            snapshot("of-the-stop", 2, SnapshotStatus::Ready),
        ])
        .at(10)
}

/// The case after each call of the change was refused until it is given up.
fn given_up(mut case: Case, kind: FaultKind) -> Case {
    for seconds in [10, 15, 20, 30, 50, 90, 130] {
        case = refused(case.at(seconds), kind);
    }
    assert_eq!(waits(&case.decide()), Reason::Updating);
    assert_eq!(told(&case.decide()), ["PutBack"]);
    case.recorded().at(131)
}

fn runs(case: Case) -> Case {
    case.recorded()
        .journal(|journal| journal.intent = None)
        .world(|app| app.status = ApplicationStatus::Running)
        .sees(healthy_job())
}

#[test]
fn a_call_that_keeps_a_job_stopped_is_repeated_for_two_minutes_whatever_the_service_says() {
    for kind in [
        FaultKind::Invalid,
        FaultKind::Denied,
        FaultKind::Quota,
        FaultKind::RoleOrLocation,
    ] {
        let case = refused(stopped_for(VPC), kind);
        assert_eq!(waits(&case.decide()), Reason::Updating);
        assert_eq!(step(&case.at(15).decide()), StepKind::AddVpc);
        let late = refused(stopped_for(VPC), kind).at(3600);
        let again = "a refusal of long ago is no last word";
        assert_eq!(step(&late.decide()), StepKind::AddVpc, "{again}");
    }
}

#[test]
fn what_ran_runs_again_from_the_snapshot_of_the_stop_and_the_condition_says_what_was_refused() {
    for (kind, reason) in [
        (FaultKind::Invalid, Reason::Rejected),
        (FaultKind::Denied, Reason::AccessDenied),
        (FaultKind::Quota, Reason::QuotaExceeded),
    ] {
        let case = given_up(stopped_for(VPC), kind);
        assert_eq!(restore(&case.decide()), Restore::Named("of-the-stop".into()));
        let mut case = runs(case);
        for seconds in [140, 300] {
            case = case.at(seconds).recorded();
        }
        let (stalled, message) = stalls(&case.decide());
        assert_eq!(stalled, reason);
        for part in [
            "AddApplicationVpcConfiguration: no",
            "ec2:Describe*",
            "retry-requested-at",
        ] {
            assert!(message.contains(part), "{part} in {message}");
        }
        assert!(case.decide().journal.failed_revisions.is_empty());
        assert_eq!(
            step(
                &case
                    .respec(VPC)
                    .annotate("sluicegate.dev/retry-requested-at", "1")
                    .decide()
            ),
            StepKind::Stop
        );
    }
}

#[test]
fn a_new_revision_is_tried_and_a_return_to_what_runs_is_nothing_to_do() {
    let case = || runs(given_up(stopped_for(VPC), FaultKind::Invalid));
    let settled = |case: Case| {
        [140, 300]
            .into_iter()
            .fold(case, |case, second| case.at(second).recorded())
    };
    let another = settled(case()).respec(BOTH);
    assert_eq!(step(&another.decide()), StepKind::Stop);
    assert_eq!(settled(case()).respec("").decide().plan, Plan::Rest);
}

#[test]
fn what_was_accepted_of_the_change_is_taken_back() {
    let case = stopped_for(BOTH).recorded().journal(|journal| journal.intent = None);
    let vpc = case.want().unwrap().configuration.vpc.unwrap();
    let case = case.world(|app| {
        (app.version_id, app.token) = (4, "token-4".into());
        app.configuration.vpc = Some(vpc.clone());
        app.vpcs.insert("4.1".into(), vpc);
    });
    assert_eq!(step(&case.decide()), StepKind::AddLogging);
    let case = given_up(case, FaultKind::Denied);
    assert_eq!(step(&case.decide()), StepKind::RemoveVpc);
    let case = case.recorded().journal(|journal| journal.intent = None);
    let case = case.world(|app| {
        app.vpcs.clear();
        app.configuration.vpc = None;
    });
    assert_eq!(restore(&case.decide()), Restore::Named("of-the-stop".into()));
}

#[test]
fn a_refusal_from_before_the_stop_says_nothing_about_the_call() {
    let case = stopped_for(VPC).journal(|journal| {
        journal.refusal = Some(RefusalStatus {
            step: StepKind::AddVpc,
            revision: journal.revisions().target,
            generation: 2,
            class: RefusalClass::JobDown,
            message: "downtime".into(),
            first_at: after(-300),
            last_at: after(5),
        });
    });
    assert_eq!(step(&case.decide()), StepKind::AddVpc);
}

#[test]
fn an_application_that_shall_be_stopped_is_left_stopped() {
    let case = stopped_for(VPC).recorded().journal(|journal| journal.intent = None);
    let mut case = case.respec(&format!("{VPC}\ndesiredState: Stopped"));
    for seconds in [10, 15, 20, 30, 50, 90, 130] {
        case = refused(case.at(seconds), FaultKind::Denied);
    }
    assert!(case.at(1000).decide().journal.put_back.is_none());
}

#[test]
fn what_had_failed_gives_way_to_the_good_revision_and_without_one_the_call_is_repeated() {
    let failed = |good: Option<&str>| {
        let ran = Case::running("").want().unwrap().revision.to_string();
        let case = stopped_for(VPC).recorded().journal(|journal| {
            journal.intent = None;
            journal.failed_revisions.push(FailedRevision {
                revision: ran,
                reason: Reason::RestartLoop,
                at: start_of_time(),
                answered: true,
            });
            let revisions = journal.revisions.as_mut().unwrap();
            revisions.good = good.map(str::to_owned);
            revisions.good_version_id = good.map(|_| 3);
        });
        let seconds = [10, 15, 20, 30, 50, 90, 130];
        let refuse = |case: Case, second| refused(case.at(second), FaultKind::Invalid);
        seconds.into_iter().fold(case, refuse).at(130)
    };
    let put_back = failed(Some("good")).decide().journal.put_back.unwrap();
    assert_eq!((put_back.to.as_str(), put_back.version_id), ("good", 3));
    let alone = failed(None);
    assert_eq!(waits(&alone.decide()), Reason::Updating);
    assert_eq!(step(&alone.at(260).decide()), StepKind::AddVpc);
}

#[test]
fn a_version_that_the_service_forgot_cannot_be_put_back_and_the_call_is_repeated() {
    let mut case = given_up(stopped_for(VPC), FaultKind::Invalid);
    case.world.versions.clear();
    let decision = case.decide();
    assert_eq!(decision.journal.put_back, None);
    assert_eq!(step(&decision), StepKind::AddVpc);
}
#[test]
fn what_is_put_back_is_said_to_be_in_place_when_it_runs_and_not_before() {
    let said = |case: &Case| {
        let want = case.want();
        let situation = Situation {
            app: &case.app,
            want: want.as_ref(),
            world: &case.world,
            owner: &owner(),
            rules: &Rules::default(),
            now: case.now,
        };
        let journal = &case.app.status.as_ref().unwrap().journal;
        crate::plan::put_back::held(&situation, journal).unwrap().message
    };
    let given_up = given_up(stopped_for(VPC), FaultKind::Invalid);
    assert!(said(&given_up).contains("takes its place"), "{}", said(&given_up));
    let runs = runs(given_up).at(140).recorded();
    assert!(said(&runs).contains("is in its place"), "{}", said(&runs));
}

/// A call of a change that was accepted after the stop for it and goes on.
fn hanging(case: Case) -> Case {
    let kind = step(&case.decide());
    let case = case.recorded().journal(|journal| {
        let intent = journal.intent.as_mut().unwrap();
        (intent.phase, intent.operation_id) = (Phase::Issued, Some("op-hangs".into()));
    });
    let hangs = ObservedOperation {
        started_at: after(10),
        ..operation("op-hangs", kind.operation(), OperationStatus::InProgress)
    };
    case.world(|app| app.status = ApplicationStatus::Updating)
        .operations(vec![hangs])
}

fn ended_by_force(case: Case) -> Case {
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
    let case = case.recorded().journal(|journal| {
        let intent = journal.intent.as_mut().unwrap();
        (intent.phase, intent.operation_id) = (Phase::Issued, Some("op-force".into()));
    });
    let force = ObservedOperation {
        started_at: after(1810),
        ended_at: Some(after(1820)),
        ..operation("op-force", "StopApplication", OperationStatus::Successful)
    };
    case.world(|app| app.status = ApplicationStatus::Ready)
        .operations(vec![force])
        .at(1830)
}

#[test]
fn a_call_that_hangs_while_the_job_is_stopped_for_it_is_ended_by_force_and_what_ran_is_put_back() {
    let case = hanging(stopped_for(VPC));
    assert!(matches!(case.decide().plan, Plan::Wait(_)));
    let case = ended_by_force(hanging(stopped_for(VPC)).at(1810));
    assert_eq!(restore(&case.decide()), Restore::Named("of-the-stop".into()));
    let mut case = runs(case);
    for seconds in [1840, 2000] {
        case = case.at(seconds).recorded();
    }
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::DeadlineExceeded);
    for part in ["AddApplicationVpcConfiguration", "was given up", "retry-requested-at"] {
        assert!(message.contains(part), "{part} in {message}");
    }
}

#[test]
fn what_was_made_of_a_call_that_hung_is_taken_back_and_a_call_that_takes_it_back_is_ended_once() {
    let hung = hanging(stopped_for(VPC));
    let vpc = hung.want().unwrap().configuration.vpc.unwrap();
    let hung = hung.world(|app| {
        (app.version_id, app.token) = (4, "token-4".into());
        app.configuration.vpc = Some(vpc.clone());
        app.vpcs.insert("4.1".into(), vpc);
    });
    let back = ended_by_force(hung.at(1810));
    assert_eq!(step(&back.decide()), StepKind::RemoveVpc);
    let again = hanging(back).at(1830 + 1800);
    let again = ended_by_force(again).at(3700);
    let (reason, message) = stalls(&again.decide());
    assert_eq!(reason, Reason::Rejected, "{message}");
}

#[test]
fn a_call_that_hangs_where_no_job_was_stopped_for_it_is_told() {
    let stopped = Case::observed("", ApplicationStatus::Ready);
    let never_ran = hanging(stopped.respec(VPC));
    assert_eq!(stalls(&never_ran.at(1810).decide()).0, Reason::DeadlineExceeded);
    let asked = hanging(stopped_for(VPC)).respec("desiredState: Stopped").at(1810);
    assert_eq!(stalls(&asked.decide()).0, Reason::DeadlineExceeded);
}
