//! Snapshots that somebody else switched off: nothing that loses the state of the job is sent without consent.

use super::*;
use crate::api::status::PreviousRevision;
use crate::configuration::Revision;
use crate::plan::HeldBack;

const EMPTY: &str = "sluicegate.dev/allow-empty-start";

/// A job that runs well, and somebody switched snapshots off in the console.
fn switched_off(more: &str) -> Case {
    let case = Case::running(more).at(100).snapshots(vec![
        snapshot("newest", 50, SnapshotStatus::Ready),
        snapshot("kept", -60, SnapshotStatus::Ready),
    ]);
    let case = case.world(|app| {
        app.configuration.snapshots_enabled = false;
        app.version_id = 4;
    });
    case.journal(|journal| journal.handled.as_mut().unwrap().approval = journal.revisions().good)
}

fn held_back(case: &Case) -> HeldBack {
    match case.decide().plan {
        Plan::HeldBack(held_back) => held_back,
        other => panic!("not held back but {other:?}"),
    }
}

#[test]
fn a_job_that_runs_is_left_running_and_the_newest_snapshot_is_named() {
    let held_back = held_back(&switched_off(""));
    assert_eq!(held_back.reason, Reason::DriftDetected);
    let once = held_back.message.find("spec.restore.once").unwrap();
    let empty = held_back.message.find("allow-empty-start").unwrap();
    assert!(once < empty, "{}", held_back.message);
    assert!(
        held_back.message.contains("newest of version 3"),
        "{}",
        held_back.message
    );
}

#[test]
fn a_revision_before_that_had_them_off_is_no_consent() {
    let seen = switched_off("").world.application.unwrap().configuration;
    let before = Revision::of(&seen, false).to_string();
    let as_before = |case: Case| {
        case.journal(|journal| {
            let revisions = journal.revisions.as_mut().unwrap();
            revisions.previous = Some(PreviousRevision {
                revision: before.clone(),
                version_id: 2,
                snapshot: None,
            });
        })
    };
    assert_eq!(held_back(&as_before(switched_off(""))).reason, Reason::DriftDetected);
    let changed = as_before(switched_off("")).respec("parallelism: {parallelism: 4}");
    assert_eq!(stalls(&changed.decide()).0, Reason::NoRestorePoint);
}

#[test]
fn a_change_a_restart_and_a_stop_stall_before_anything_is_sent() {
    let vpc = "vpc: {subnetIds: [subnet-a], securityGroupIds: [sg-1]}";
    for more in [
        "parallelism: {parallelism: 4}",
        vpc,
        "restartNonce: 1",
        "desiredState: Stopped",
    ] {
        let case = switched_off("").respec(more);
        let (reason, message) = stalls(&case.decide());
        assert_eq!(reason, Reason::NoRestorePoint, "{more}");
        assert!(message.contains("newest of version 3"), "{message}");
        assert!(!message.contains("somebody else"), "nobody knows who it was: {message}");
        assert_eq!(
            stalls(&case.recorded().at(10_000).decide()).0,
            Reason::NoRestorePoint,
            "{more}"
        );
    }
    let asked = switched_off("").annotate("sluicegate.dev/restart-requested-at", "1");
    assert_eq!(stalls(&asked.decide()).0, Reason::NoRestorePoint);
}

#[test]
fn consent_comes_from_the_spec_or_the_annotation() {
    let once = switched_off("").respec("restore: {once: {snapshotName: newest, nonce: 1}}");
    assert_eq!(restore(&once.decide()), Restore::Named("newest".into()));
    let revision = switched_off("").want().unwrap().revision.to_string();
    let consented = switched_off("").annotate(EMPTY, &revision);
    assert_eq!(restore(&consented.decide()), Restore::Skip);
    let by_policy = switched_off("").respec("restore: {onUpdate: None}");
    assert_eq!(restore(&by_policy.decide()), Restore::Skip);
    let off =
        "snapshots: {enabled: false}\nrestore: {onStart: None, onUpdate: None}\nrollout: {preChangeSnapshot: Never}";
    let by_spec = switched_off("").respec(&format!("{off}\nparallelism: {{parallelism: 4}}"));
    assert_eq!(restore(&by_spec.decide()), Restore::Skip);
}

#[test]
fn a_stop_is_consented_to_by_a_request_to_stop_by_force() {
    let case = switched_off("").respec("desiredState: Stopped");
    let forced = case.annotate("sluicegate.dev/force-stop-requested-at", "1");
    assert_eq!(step(&forced.decide()), StepKind::ForceStop);
}

#[test]
fn what_was_switched_off_by_the_spec_is_switched_on_again_as_it_asks() {
    let off =
        "snapshots: {enabled: false}\nrestore: {onStart: None, onUpdate: None}\nrollout: {preChangeSnapshot: Never}";
    let case = Case::running(off).recorded().respec("");
    assert_eq!(restore(&case.decide()), Restore::Skip);
}

#[test]
fn an_adopted_job_without_snapshots_keeps_its_state() {
    let adopted = Case::observed("management: {adoption: Adopt}", ApplicationStatus::Running)
        .journal(|journal| journal.had_state = true)
        .world(|app| app.configuration.snapshots_enabled = false)
        .respec("management: {adoption: Adopt}\nparallelism: {parallelism: 4}");
    assert_eq!(stalls(&adopted.decide()).0, Reason::NoRestorePoint);
}

#[test]
fn a_job_that_is_stopped_starts_from_the_newest_snapshot() {
    let stopped = switched_off("").world(|app| app.status = ApplicationStatus::Ready);
    let stopped = stopped.journal(|journal| journal.revisions.as_mut().unwrap().running = None);
    assert_eq!(step(&stopped.decide()), StepKind::Update);
    let waiting = stopped.respec("rollout: {approval: Manual}\nparallelism: {parallelism: 4}");
    let decision = waiting.decide();
    if let Plan::Do(Step::Start { run }) = &decision.plan {
        assert_eq!(run.restore, Restore::Named("newest".into()));
    }
}

#[test]
fn a_deletion_that_must_keep_the_state_says_what_would_help() {
    let keeps = "deletion: {policy: Stop, finalSnapshot: Required}";
    let mut case = switched_off(keeps);
    case.app.metadata.deletion_timestamp =
        Some(serde_json::from_value(serde_json::json!("2026-01-01T00:01:00Z")).unwrap());
    case.app.metadata.finalizers = Some(vec![crate::api::FINALIZER.to_owned()]);
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::NoRestorePoint);
    assert!(message.contains("spec.deletion.finalSnapshot"), "{message}");
    let best = case.respec("deletion: {policy: Stop, finalSnapshot: BestEffort}");
    assert_eq!(step(&best.decide()), StepKind::Stop);
}

#[test]
fn a_spec_that_cannot_be_followed_and_asks_for_no_snapshots_is_no_consent() {
    let spoilt = switched_off("").recorded().respec("snapshots: {enabled: false}");
    let decision = spoilt.annotate("sluicegate.dev/restart-requested-at", "1").decide();
    assert_eq!(stalls(&decision).0, Reason::NoRestorePoint);
}
