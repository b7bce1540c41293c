//! Desired against observed, while no call is open.

use super::*;
use crate::api::status::{FailedRevision, HistoryEntry, HistoryResult};

const ALL: [ApplicationStatus; 11] = [
    ApplicationStatus::Deleting,
    ApplicationStatus::Starting,
    ApplicationStatus::Stopping,
    ApplicationStatus::Ready,
    ApplicationStatus::Running,
    ApplicationStatus::Updating,
    ApplicationStatus::AutoScaling,
    ApplicationStatus::ForceStopping,
    ApplicationStatus::RollingBack,
    ApplicationStatus::Maintenance,
    ApplicationStatus::RolledBack,
];

#[test]
fn an_absent_application_is_created_with_the_tags_that_prove_the_owner() {
    let decision = Case::new("tags: {team: orders}").decide();
    let Plan::Do(Step::Create(create)) = &decision.plan else {
        panic!("{:?}", decision.plan)
    };
    assert_eq!(create.tags.get("team").map(String::as_str), Some("orders"));
    assert_eq!(create.tags.get("sluicegate.dev/uid").map(String::as_str), Some("uid-1"));
    assert_eq!(decision.journal.intent.unwrap().phase, Phase::Declared);
}

#[test]
fn a_promoted_job_at_rest_plans_rest_for_ever() {
    let mut case = Case::running("");
    for _ in 0..3 {
        assert_eq!(case.decide().plan, Plan::Rest);
        case = case.recorded();
    }
}

#[test]
fn statuses_in_which_nothing_is_legal_are_waited_for() {
    let unknown = ApplicationStatus::Unknown("HIBERNATING".into());
    for status in ALL.into_iter().chain([unknown]).filter(|status| !status.is_settled()) {
        for desired in [
            "desiredState: Running",
            "desiredState: Stopped",
            "parallelism: {parallelism: 7}",
        ] {
            let case = Case::observed("", status.clone()).respec(desired);
            assert!(matches!(case.decide().plan, Plan::Wait(_)), "{status:?} {desired}");
        }
    }
}

#[test]
fn a_status_that_outlasts_the_deadline_is_a_stall_that_names_it() {
    for status in [
        ApplicationStatus::Maintenance,
        ApplicationStatus::AutoScaling,
        ApplicationStatus::Updating,
    ] {
        let name = status.as_str().to_owned();
        let case = Case::observed("", status)
            .operations(vec![operation("x", "Service", OperationStatus::InProgress)])
            .at(1 + 1800);
        let (reason, message) = stalls(&case.decide());
        assert_eq!(reason, Reason::DeadlineExceeded);
        assert!(message.contains(&name), "{message}");
    }
}

#[test]
fn a_ready_application_without_state_starts_empty_and_says_so_in_full() {
    let decision = Case::observed("", ApplicationStatus::Ready).decide();
    assert_eq!(restore(&decision), Restore::Skip);
}

#[test]
fn a_ready_application_with_state_starts_from_its_newest_usable_snapshot() {
    let mut newer_runtime = snapshot("from-2-2", 90, SnapshotStatus::Ready);
    newer_runtime.runtime_environment = Some("FLINK-2_2".into());
    let decision = Case::observed("", ApplicationStatus::Ready)
        .snapshots(vec![
            newer_runtime,
            snapshot("broken", 80, SnapshotStatus::Failed),
            snapshot("newest", 70, SnapshotStatus::Ready),
            snapshot("older", 60, SnapshotStatus::Ready),
        ])
        .decide();
    assert_eq!(restore(&decision), Restore::Named("newest".into()));
}

#[test]
fn an_application_that_had_state_does_not_start_without_a_snapshot_before_somebody_consents() {
    let case = Case::observed("", ApplicationStatus::Ready).journal(|journal| journal.had_state = true);
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::NoRestorePoint);
    let revision = case.want().unwrap().revision.to_string();
    assert!(message.contains(&format!("allow-empty-start={revision}")), "{message}");
    let consented = case.annotate("sluicegate.dev/allow-empty-start", &revision).decide();
    assert_eq!(restore(&consented), Restore::Skip);
}

#[test]
fn the_first_start_takes_the_snapshot_that_the_spec_names() {
    let case = Case::observed(
        "restore: {initial: {from: Snapshot, snapshotName: chosen}}",
        ApplicationStatus::Ready,
    );
    let with = |name: &str| {
        vec![
            snapshot("newest", 70, SnapshotStatus::Ready),
            snapshot(name, 60, SnapshotStatus::Ready),
        ]
    };
    let decision = case.snapshots(with("chosen")).decide();
    assert_eq!(restore(&decision), Restore::Named("chosen".into()));
    let case = Case::observed(
        "restore: {initial: {from: Snapshot, snapshotName: chosen}}",
        ApplicationStatus::Ready,
    );
    let (reason, message) = stalls(&case.snapshots(with("other")).decide());
    assert_eq!(reason, Reason::NoRestorePoint);
    assert!(message.contains("no snapshot chosen"), "{message}");
}

#[test]
fn one_difference_on_a_running_job_is_one_update_after_a_snapshot() {
    let case = Case::running("").respec("parallelism: {parallelism: 4}");
    assert_eq!(step(&case.decide()), StepKind::TakeSnapshot);
    let case = case.recorded();
    let name = case
        .app
        .status
        .as_ref()
        .unwrap()
        .journal
        .intent
        .as_ref()
        .unwrap()
        .snapshot
        .clone()
        .unwrap();
    let case = case.snapshots(vec![snapshot(&name, 5, SnapshotStatus::Ready)]).at(10);
    let decision = case.decide();
    let Plan::Do(Step::Update { change, run, fence }) = &decision.plan else {
        panic!("{:?}", decision.plan)
    };
    assert_eq!(change.parallelism.as_ref().unwrap().parallelism, Some(4));
    assert_eq!(change.parallelism.as_ref().unwrap().auto_scaling_enabled, None);
    assert_eq!(run.as_ref().unwrap().restore, Restore::Latest);
    assert_eq!(fence.token, "token-3");
    assert_eq!(decision.journal.rollout.unwrap().pre_change_snapshot, Some(name));
}

#[test]
fn a_change_that_needs_a_vpc_call_stops_a_running_job_first() {
    let case = Case::running("").respec("vpc: {subnetIds: [subnet-a], securityGroupIds: [sg-1]}");
    assert_eq!(step(&case.decide()), StepKind::Stop);
}

#[test]
fn while_ready_the_calls_of_a_change_come_one_by_one_without_run_configuration() {
    let more = "vpc: {subnetIds: [subnet-a], securityGroupIds: [sg-1]}
logging: {logStreamARN: 'arn:aws:logs:eu-west-1:111122223333:log-group:/msf/orders:log-stream:app'}
parallelism: {parallelism: 4}";
    let case = Case::observed("", ApplicationStatus::Ready).respec(more);
    assert_eq!(step(&case.decide()), StepKind::AddVpc);
    let want = case.want().unwrap();
    let case = case.world(|app| {
        app.vpcs.insert("4.1".into(), want.configuration.vpc.clone().unwrap());
    });
    assert_eq!(step(&case.decide()), StepKind::AddLogging);
    let case = case.world(|app| {
        app.log_streams
            .insert("5.1".into(), want.configuration.log_stream_arn.clone().unwrap());
    });
    let decision = case.decide();
    let Plan::Do(Step::Update { run, .. }) = &decision.plan else {
        panic!("{:?}", decision.plan)
    };
    assert_eq!(*run, None);
}

#[test]
fn removing_a_block_removes_it_from_the_service() {
    let more = "vpc: {subnetIds: [subnet-a], securityGroupIds: [sg-1]}
logging: {logStreamARN: 'arn:aws:logs:eu-west-1:111122223333:log-group:/msf/orders:log-stream:app'}";
    let case = Case::observed(more, ApplicationStatus::Ready).respec("");
    assert_eq!(step(&case.decide()), StepKind::RemoveVpc);
    let case = case.world(|app| app.vpcs.clear());
    assert_eq!(step(&case.decide()), StepKind::RemoveLogging);
}

#[test]
fn a_changed_nonce_restarts_a_running_job_by_an_update_that_changes_nothing() {
    let case = Case::running("").respec("restartNonce: 1");
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Restart);
    assert_eq!(restore(&decision), Restore::Latest);
}

#[test]
fn a_nonce_on_a_resource_without_a_journal_is_recorded_and_not_acted_on() {
    let mut case = Case::running("restartNonce: 5");
    case.app.status.as_mut().unwrap().journal.handled = None;
    let decision = case.decide();
    assert_eq!(decision.plan, Plan::Rest);
    assert_eq!(decision.journal.handled.unwrap().restart_nonce, Some(5));
}

#[test]
fn stopped_is_a_graceful_stop_and_then_rest() {
    let case = Case::running("").respec("desiredState: Stopped");
    assert_eq!(step(&case.decide()), StepKind::Stop);
    let case = Case::observed("desiredState: Stopped", ApplicationStatus::Ready);
    assert_eq!(case.decide().plan, Plan::Rest);
}

#[test]
fn tags_and_the_maintenance_window_follow_the_spec_without_touching_the_job() {
    let case = Case::running("").respec("tags: {team: orders}\nmaintenanceWindow: {startTime: '03:00'}");
    assert_eq!(step(&case.decide()), StepKind::Tag);
    let case = case.world(|app| {
        app.tags.insert("team".into(), "orders".into());
    });
    assert_eq!(step(&case.decide()), StepKind::SetMaintenanceWindow);
    let case = case.world(|app| app.maintenance_start = Some("03:00".into()));
    assert_eq!(case.decide().plan, Plan::Rest);
    let case = case.recorded().respec("");
    let decision = case.decide();
    assert_eq!(
        decision.plan,
        Plan::Do(Step::Untag {
            keys: vec!["team".into()]
        })
    );
}

#[test]
fn tags_that_the_spec_never_set_are_left_alone() {
    let case = Case::running("").world(|app| {
        app.tags.insert("cost-centre".into(), "42".into());
    });
    assert_eq!(case.decide().plan, Plan::Rest);
}

#[test]
fn an_application_that_is_not_ours_is_left_alone() {
    for (tags, says) in [
        (BTreeMap::new(), "carries no tags"),
        (
            Owner {
                cluster: "c2".into(),
                ..owner()
            }
            .tags(),
            "of cluster c2",
        ),
        (
            Owner {
                namespace: "other".into(),
                ..owner()
            }
            .tags(),
            "other/orders",
        ),
    ] {
        let (reason, message) = stalls(&Case::running("").world(|app| app.tags = tags).decide());
        assert_eq!(reason, Reason::NotOwned);
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn an_earlier_incarnation_of_the_resource_is_taken_over_by_its_tag_first() {
    let case = Case::running("").world(|app| {
        app.tags = Owner {
            uid: "uid-0".into(),
            ..owner()
        }
        .tags();
    });
    let decision = case.decide();
    assert_eq!(
        decision.plan,
        Plan::Do(Step::Tag {
            tags: [("sluicegate.dev/uid".into(), "uid-1".into())].into()
        })
    );
    assert!(decision.journal.had_state);
}

#[test]
fn a_failed_revision_is_held_until_it_changes_or_a_retry_is_requested() {
    let case = Case::observed("", ApplicationStatus::Ready);
    let revision = case.want().unwrap().revision.to_string();
    let case = case.journal(|journal| {
        journal.failed_revisions.push(FailedRevision {
            revision,
            reason: Reason::StartFailed,
            at: start_of_time(),
            answered: true,
        });
    });
    assert_eq!(stalls(&case.decide()).0, Reason::StartFailed);
    let case = case.recorded();
    assert_eq!(
        stalls(&case.decide()).0,
        Reason::StartFailed,
        "an unchanged spec stays held"
    );
    let retried = case.annotate("sluicegate.dev/retry-requested-at", "1").decide();
    assert_eq!(step(&retried), StepKind::Start);
    assert!(retried.journal.failed_revisions.is_empty());
}

#[test]
fn a_held_revision_is_neither_sent_to_a_running_job() {
    let case = Case::running("").respec("parallelism: {parallelism: 9}");
    let revision = case.want().unwrap().revision.to_string();
    let case = case.journal(|journal| {
        journal.failed_revisions.push(FailedRevision {
            revision,
            reason: Reason::StartFailed,
            at: start_of_time(),
            answered: true,
        });
    });
    assert_eq!(stalls(&case.decide()).0, Reason::StartFailed);
}

#[test]
fn a_job_that_ended_is_started_again_at_a_growing_distance_and_not_after_three_ends_in_an_hour() {
    let ends = |times: &[i64]| {
        let case = Case::running("").world(|app| app.status = ApplicationStatus::Ready);
        let revision = case.want().unwrap().revision.to_string();
        case.snapshots(vec![snapshot("s", 1, SnapshotStatus::Ready)])
            .journal(|journal| {
                journal.revisions.as_mut().unwrap().running = None;
                for at in times {
                    journal.remember(HistoryEntry {
                        at: after(*at),
                        result: HistoryResult::JobEnded,
                        revision: Some(revision.clone()),
                        version_id: None,
                        snapshot: None,
                    });
                }
            })
    };
    assert_eq!(waits(&ends(&[0]).at(9).decide()), Reason::Pending);
    assert_eq!(step(&ends(&[0]).at(10).decide()), StepKind::Start);
    assert_eq!(waits(&ends(&[0, 100]).at(159).decide()), Reason::Pending);
    assert_eq!(step(&ends(&[0, 100]).at(160).decide()), StepKind::Start);
    assert_eq!(stalls(&ends(&[0, 100, 200]).at(3000).decide()).0, Reason::JobEnded);
    assert_eq!(step(&ends(&[0, 4000, 4100]).at(5000).decide()), StepKind::Start);
}

#[test]
fn a_job_that_went_away_is_noticed_and_told_from_a_stop_by_somebody_else() {
    let gone = || Case::running("").world(|app| app.status = ApplicationStatus::Ready);
    let ended = gone()
        .operations(vec![operation("s", "StartApplication", OperationStatus::Successful)])
        .decide();
    assert_eq!(ended.journal.history.last().unwrap().result, HistoryResult::JobEnded);
    let stopped = gone()
        .operations(vec![operation("s", "StopApplication", OperationStatus::Successful)])
        .decide();
    assert_eq!(
        stopped.journal.history.last().unwrap().result,
        HistoryResult::StoppedElsewhere
    );
}

#[test]
fn snapshots_that_are_off_are_standing_consent_to_an_empty_start() {
    let off =
        "snapshots: {enabled: false}\nrestore: {onStart: None, onUpdate: None}\nrollout: {preChangeSnapshot: Never}";
    let case = Case::observed(off, ApplicationStatus::Ready).journal(|journal| journal.had_state = true);
    assert_eq!(restore(&case.decide()), Restore::Skip);
    let switched = Case::running("").respec(off);
    assert_eq!(
        step(&switched.decide()),
        StepKind::TakeSnapshot,
        "a snapshot is taken before they are switched off"
    );
}
