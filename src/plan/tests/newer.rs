//! A newer revision over one that failed.

use super::rollback::{failed_change, returned};
use super::*;

#[test]
fn a_fix_pushed_over_a_job_that_failed_gets_through_by_force() {
    let case = failed_change("rollout: {onFailure: Hold}").recorded();
    let fixed = case.respec("parallelism: {parallelism: 6}");
    assert_eq!(
        step(&fixed.decide()),
        StepKind::ForceStop,
        "an update could hang, and would go on from the state of the failed job"
    );
    let stopped = fixed.recorded().journal(|journal| {
        journal.intent = None;
        journal.unproven[0].until = Some(after(70));
    });
    let stopped = stopped.world(|app| app.status = ApplicationStatus::Ready).at(80);
    assert_eq!(step(&stopped.decide()), StepKind::Update);
}

#[test]
fn a_fix_pushed_over_a_job_that_failed_waits_for_consent_when_there_is_no_other_state() {
    let case = failed_change("rollout: {onFailure: Hold}").snapshots(vec![snapshot("bad", 30, SnapshotStatus::Ready)]);
    let fixed = case.recorded().respec("parallelism: {parallelism: 6}");
    assert_eq!(stalls(&fixed.decide()).0, Reason::NoRestorePoint);
}

#[test]
fn a_newer_revision_takes_the_place_of_a_way_back_that_failed() {
    let case = failed_change("").recorded().journal(|journal| {
        journal.intent = None;
        let way = journal.way_back.as_mut().unwrap();
        way.started = true;
        way.failure = Some("the good revision is in trouble too".into());
    });
    let case = returned(case, ApplicationStatus::Running);
    assert_eq!(stalls(&case.decide()).0, Reason::RollbackFailed);
    let decision = case.respec("parallelism: {parallelism: 6}").decide();
    assert!(matches!(decision.plan, Plan::Do(_)), "{:?}", decision.plan);
    assert!(decision.journal.way_back.is_none());
}

#[test]
fn a_newer_revision_takes_the_place_of_the_good_one_before_its_start_and_waits_after_it() {
    let case = failed_change("").recorded().journal(|journal| journal.intent = None);
    let stopped = case
        .world(|app| app.status = ApplicationStatus::Ready)
        .respec("parallelism: {parallelism: 6}");
    let decision = stopped.decide();
    let Plan::Do(Step::Update { change, .. }) = &decision.plan else {
        panic!("{:?}", decision.plan)
    };
    assert_eq!(change.parallelism.as_ref().unwrap().parallelism, Some(6));
    assert!(decision.journal.way_back.is_none());
    let case = failed_change("").recorded().journal(|journal| {
        journal.intent = None;
        journal.way_back.as_mut().unwrap().started = true;
    });
    let running = returned(case, ApplicationStatus::Running)
        .sees(healthy_job())
        .respec("parallelism: {parallelism: 6}")
        .at(100);
    assert_eq!(waits(&running.decide()), Reason::RollingBack);
}
