//! What must not happen a second time, for ever, or by accident.

use super::*;
use crate::api::status::{
    ForceStopped, HistoryEntry, HistoryResult, PreChange, RefusalClass, RefusalStatus, RolloutStatus,
};
use crate::plan::at_rest;

fn rollout(case: &Case) -> RolloutStatus {
    RolloutStatus {
        from_version_id: Some(3),
        ..super::gate::rollout_of(case.want().unwrap().revision.as_str())
    }
}

fn entry(case: &Case, result: HistoryResult, seconds: i64) -> HistoryEntry {
    let revision = Some(case.want().unwrap().revision.to_string());
    HistoryEntry {
        at: after(seconds),
        result,
        revision,
        version_id: None,
        snapshot: None,
    }
}

#[test]
fn consent_to_an_empty_start_counts_once_and_never_while_there_is_a_snapshot() {
    let case = Case::running("").world(|app| app.status = ApplicationStatus::Ready);
    let case = case.journal(|journal| journal.revisions.as_mut().unwrap().running = None);
    let revision = case.want().unwrap().revision.to_string();
    let case = case.annotate("sluicegate.dev/allow-empty-start", &revision);
    let case = case.snapshots(Vec::new());
    assert_eq!(restore(&case.decide()), Restore::Skip);
    let case = case.snapshots(vec![snapshot("s", 1, SnapshotStatus::Ready)]);
    assert_eq!(restore(&case.decide()), Restore::Named("s".into()));
    let started = case
        .snapshots(Vec::new())
        .world(|app| app.status = ApplicationStatus::Running)
        .issued(StepKind::Start)
        .operations(vec![operation(
            "op-new",
            "StartApplication",
            OperationStatus::Successful,
        )])
        .at(60)
        .recorded();
    let again = started
        .world(|app| app.status = ApplicationStatus::Ready)
        .journal(|journal| journal.revisions.as_mut().unwrap().running = None);
    assert_eq!(stalls(&again.decide()).0, Reason::NoRestorePoint);
}

#[test]
fn a_stop_that_serves_a_change_restores_as_an_update_does() {
    let vpc = "vpc: {subnetIds: [subnet-a], securityGroupIds: [sg-1]}\nrestore: {onStart: None}";
    let case = Case::running("restore: {onStart: None}").respec(vpc).recorded();
    assert!(
        case.app
            .status
            .as_ref()
            .unwrap()
            .journal
            .rollout
            .as_ref()
            .unwrap()
            .stopped_for_it
    );
    let want = case.want().unwrap();
    let case = case
        .journal(|journal| journal.intent = None)
        .journal(|journal| journal.revisions.as_mut().unwrap().running = None)
        .snapshots(vec![snapshot("of-the-stop", 1, SnapshotStatus::Ready)])
        .world(|app| {
            app.status = ApplicationStatus::Ready;
            app.vpcs.insert("4.1".into(), want.configuration.vpc.clone().unwrap());
        });
    assert_eq!(restore(&case.decide()), Restore::Named("of-the-stop".into()));
}

#[test]
fn a_nonce_that_is_removed_restarts_nothing() {
    let handled = |journal: &mut Journal| journal.handled.as_mut().unwrap().restart_nonce = Some(4);
    let case = Case::running("restartNonce: 4").journal(handled).respec("");
    assert_eq!(case.decide().plan, Plan::Rest);
}

#[test]
fn a_restart_that_failed_is_not_repeated_at_once() {
    let case = Case::running("restartNonce: 1")
        .issued(StepKind::Restart)
        .journal(|journal| journal.intent.as_mut().unwrap().restart_nonce = Some(1))
        .operations(vec![operation("op-new", "UpdateApplication", OperationStatus::Failed)])
        .at(60);
    let decision = case.decide();
    assert_eq!(decision.plan, Plan::Rest);
    assert!(decision.journal.failed_revisions.is_empty());
}

#[test]
fn a_change_back_to_a_good_revision_that_failed_is_paced() {
    let case = Case::running("").world(|app| app.configuration.parallelism.parallelism = 9);
    let failed = entry(&case, HistoryResult::StartFailed, 0);
    let case = case.journal(|journal| journal.remember(failed));
    assert_eq!(waits(&case.at(59).decide()), Reason::Pending);
}

#[test]
fn an_object_version_is_never_dropped() {
    let case = Case::running("").world(|app| {
        app.configuration.code.as_mut().unwrap().object_version = Some("v7".into());
    });
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::InvalidSpec);
    assert!(message.contains("objectVersion") && message.contains("v7"), "{message}");
}

#[test]
fn an_update_that_leaves_a_difference_is_not_sent_again() {
    for status in [ApplicationStatus::Running, ApplicationStatus::Ready] {
        let case = Case::running("").world(|app| {
            app.configuration.system_rollback = true;
            app.status = status.clone();
        });
        let mut rollout = rollout(&case);
        rollout.updated_version_id = Some(3);
        rollout.pre_change = Some(PreChange::Taken);
        let case = case.journal(|journal| {
            journal.rollout = Some(rollout);
            journal.revisions.as_mut().unwrap().running = None;
        });
        assert_eq!(stalls(&case.decide()).0, Reason::Rejected, "{status:?}");
        let retried = case.annotate("sluicegate.dev/retry-requested-at", "1");
        assert!(matches!(retried.decide().plan, Plan::Do(_)), "{status:?}");
    }
}

#[test]
fn a_forced_stop_that_never_came_is_sent_again() {
    let case = Case::observed("", ApplicationStatus::Starting)
        .intent(StepKind::ForceStop, Phase::Declared)
        .operations(vec![operation(
            "op-old",
            "StartApplication",
            OperationStatus::InProgress,
        )])
        .at(1860);
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    assert_eq!(decision.journal.intent.unwrap().declared_at, after(1860));
}

#[test]
fn nothing_is_sent_while_an_operation_of_somebody_else_goes_on() {
    let case = Case::running("").respec("parallelism: {parallelism: 4}");
    let case = case
        .operations(vec![operation("theirs", "Maintenance", OperationStatus::InProgress)])
        .at(5);
    let decision = case.decide();
    assert_eq!(waits(&decision), Reason::Pending);
    assert!(decision.journal.intent.is_none());
}

#[test]
fn three_ends_within_an_hour_stay_a_stall_for_as_long_as_nobody_acts() {
    let case = Case::running("").world(|app| app.status = ApplicationStatus::Ready);
    let ends = [0, 100, 200].map(|at| entry(&case, HistoryResult::JobEnded, at));
    let case = case
        .snapshots(vec![snapshot("s", 1, SnapshotStatus::Ready)])
        .journal(|journal| {
            journal.revisions.as_mut().unwrap().running = None;
            for end in ends {
                journal.remember(end);
            }
        });
    assert_eq!(stalls(&case.at(100_000).decide()).0, Reason::JobEnded);
}

#[test]
fn a_retry_request_takes_the_required_snapshot_anew_under_another_name() {
    let more = "parallelism: {parallelism: 4}\nrollout: {preChangeSnapshot: Required}";
    let case = Case::running("").respec(more);
    let first = case.decide().journal.intent.unwrap().snapshot.unwrap();
    let mut rollout = rollout(&case);
    rollout.pre_change = Some(PreChange::NotTaken);
    let case = case
        .journal(|journal| journal.rollout = Some(rollout))
        .snapshots(vec![snapshot(&first, 1, SnapshotStatus::Failed)]);
    assert_eq!(stalls(&case.decide()).0, Reason::NoRestorePoint);
    let decision = case.annotate("sluicegate.dev/retry-requested-at", "1").decide();
    assert_eq!(
        decision.plan,
        Plan::Do(Step::TakeSnapshot {
            name: format!("{first}-2")
        })
    );
}

#[test]
fn tags_that_leave_make_room_for_those_that_come() {
    let tags = |prefix: &str| {
        let list: Vec<String> = (0..40).map(|i| format!("{prefix}{i}: x")).collect();
        format!("tags: {{{}}}", list.join(", "))
    };
    let case = Case::running(&tags("old"))
        .recorded()
        .journal(|journal| journal.intent = None);
    let case = case.respec(&tags("new")).world(|app| {
        app.tags.extend((0..40).map(|i| (format!("old{i}"), "x".to_owned())));
    });
    let decision = case.decide();
    let Plan::Do(Step::Untag { keys }) = &decision.plan else {
        panic!("{:?}", decision.plan)
    };
    assert_eq!(keys.len(), 40);
    assert_eq!(decision.journal.aws.unwrap().tag_keys.len(), 80);
}

#[test]
fn a_corrected_spec_sends_a_rejected_create_again() {
    let refusal = RefusalStatus {
        step: StepKind::Create,
        revision: Case::new("").want().ok().map(|want| want.revision.to_string()),
        generation: 1,
        class: RefusalClass::Rejected,
        message: "a tag is not allowed".into(),
        first_at: start_of_time(),
        last_at: start_of_time(),
    };
    let case = Case::new("tags: {bad: x}").journal(|journal| {
        journal.handled = Some(Handled::default());
        journal.refusal = Some(refusal);
    });
    assert_eq!(stalls(&case.decide()).0, Reason::Rejected);
    assert_eq!(step(&case.respec("").decide()), StepKind::Create);
}

#[test]
fn a_refused_tag_does_not_hold_a_start_up() {
    let case = Case::observed("tags: {team: orders}", ApplicationStatus::Ready);
    let refusal = RefusalStatus {
        step: StepKind::Tag,
        revision: case.want().ok().map(|want| want.revision.to_string()),
        generation: 1,
        class: RefusalClass::AccessDenied,
        message: "no".into(),
        first_at: start_of_time(),
        last_at: start_of_time(),
    };
    assert_eq!(
        step(&case.journal(|journal| journal.refused_beside = vec![refusal]).decide()),
        StepKind::Start
    );
}

#[test]
fn another_account_is_no_reason_to_touch_anything() {
    let case = Case::running("")
        .recorded()
        .world(|app| app.account_id = "999988887777".into());
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::InvalidSpec);
    assert!(
        message.contains("111122223333") && message.contains("999988887777"),
        "{message}"
    );
}

#[test]
fn a_key_by_its_arn_is_the_key_by_its_id() {
    let case = Case::running("encryption: {kmsKeyId: 1234-abcd}").world(|app| {
        app.configuration.kms_key_id = Some("arn:aws:kms:eu-west-1:111122223333:key/1234-abcd".into());
    });
    assert_eq!(case.decide().plan, Plan::Rest);
}

#[test]
fn the_job_of_an_update_by_somebody_else_is_no_proven_job() {
    let mut theirs = operation("op-theirs", "UpdateApplication", OperationStatus::Successful);
    (theirs.started_at, theirs.ended_at) = (after(20), Some(after(30)));
    let promoted = |case: Case| {
        let entry = entry(&case, HistoryResult::Promoted, 10);
        case.journal(|journal| journal.history.push(entry))
    };
    let edited = promoted(Case::running(""))
        .operations(vec![theirs.clone()])
        .world(|app| {
            app.version_id = 4;
            app.configuration.parallelism.parallelism = 7;
        })
        .at(60);
    let unproven = edited.decide().journal.unproven;
    assert_eq!((unproven.len(), unproven[0].from), (1, after(30)));
    let again = edited.recorded().journal(|journal| journal.intent = None);
    assert_eq!(again.decide().journal.unproven, unproven, "it is noticed once");
    let scaled = promoted(Case::running("parallelism: {parallelism: 2}")).world(|app| app.version_id = 4);
    let scaled = scaled.respec("parallelism: {parallelism: 3}").at(60);
    assert!(
        scaled.decide().journal.unproven.is_empty(),
        "a version without an update is the same job"
    );
    let returned = again
        .journal(|journal| journal.rollout = None)
        .world(|app| {
            app.version_id = 5;
            app.configuration.parallelism.parallelism = 1;
        })
        .decide();
    assert!(
        returned.journal.unproven[0].until.is_some(),
        "the proven content is back"
    );
}

/// A proven job at rest, as its resource was last written.
fn resting() -> Case {
    let mut case = Case::running("").recorded();
    let decision = case.decide();
    assert_eq!(decision.plan, Plan::Rest);
    let condition = |type_: &str| {
        serde_json::json!({"type": type_, "status": "True", "reason": "InSync", "message": "",
            "lastTransitionTime": case.now, "observedGeneration": 1})
    };
    let conditions = ["Ready", "Synced"].map(|type_| serde_json::from_value(condition(type_)).unwrap());
    case.app.status = Some(FlinkApplicationStatus {
        observed_generation: 1,
        conditions: conditions.into(),
        journal: decision.journal,
        ..FlinkApplicationStatus::default()
    });
    case
}

#[test]
fn a_resource_at_rest_shows_it_by_itself() {
    let rests = |case: &Case| at_rest(&case.app, case.want().as_ref(), case.now).is_some();
    assert!(rests(&resting()));
    for key in ["reconcile", "retry", "restart", "snapshot", "rollback", "force-stop"] {
        let asked = resting().annotate(&format!("sluicegate.dev/{key}-requested-at"), "now");
        assert!(!rests(&asked), "{key}");
    }
    assert!(!rests(&resting().annotate("sluicegate.dev/reconcile", "paused")));
    assert!(!rests(&resting().respec("parallelism: {parallelism: 2}")));
    assert!(
        !rests(&resting().respec("deletion: {policy: Stop}")),
        "the finalizer is to be taken"
    );
    let moved = |edit: fn(&mut Journal)| rests(&resting().journal(edit));
    assert!(!moved(
        |journal| journal.aws.as_mut().unwrap().application_status = Some("READY".into())
    ));
    assert!(!moved(|journal| journal.revisions.as_mut().unwrap().running = None));
    assert!(!moved(|journal| journal.snapshots = None));
    let mut unready = resting();
    unready
        .app
        .status
        .as_mut()
        .unwrap()
        .conditions
        .retain(|condition| condition.type_ != "Ready");
    assert!(!rests(&unready));
    let mut observes = resting();
    observes.app.spec.management = serde_yaml::from_str("{mode: ObserveOnly}").unwrap();
    assert!(!rests(&observes));
}

#[test]
fn a_resource_at_rest_tells_when_something_is_due() {
    let spec = "snapshots: {staleAfter: 1h}";
    let mut case = resting().respec(spec);
    case.app.metadata.generation = Some(1);
    let at_rest = at_rest(&case.app, case.want().as_ref(), case.now).unwrap();
    assert_eq!(at_rest.wake, Some(after(3600 - 60)));
}

#[test]
fn a_job_that_somebody_started_ends_a_forced_stop() {
    let stopped = |status: ApplicationStatus| {
        let case = Case::running("").world(|app| app.status = status);
        let revision = case.want().unwrap().revision.to_string();
        let case = case.journal(|journal| {
            journal.force_stopped = Some(ForceStopped {
                revision,
                at: start_of_time(),
                cause: None,
                elsewhere: false,
            });
        });
        case.decide().journal.force_stopped.is_some()
    };
    assert!(stopped(ApplicationStatus::Ready));
    assert!(!stopped(ApplicationStatus::Running));
}
