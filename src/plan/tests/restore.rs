//! Which snapshot a way back restores, and that it is never one of the job that failed.

use super::rollback::{failed_change, returned};
use super::*;

#[test]
fn a_rollback_that_would_load_a_snapshot_of_the_failed_job_is_not_used() {
    let case = failed_change("").snapshots(vec![
        snapshot("of-the-failed-job", 30, SnapshotStatus::Ready),
        snapshot("own", 5, SnapshotStatus::Ready),
    ]);
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
}

#[test]
fn a_snapshot_of_the_second_in_which_the_failed_job_came_is_told_by_its_name() {
    let named = |name: &str| {
        failed_change("").snapshots(vec![
            snapshot(name, 10, SnapshotStatus::Ready),
            snapshot("own", 5, SnapshotStatus::Ready),
        ])
    };
    let of_the_job_before = named("sluicegate-uid1-7f3c0d1e22ab-pre-3");
    assert_eq!(step(&of_the_job_before.decide()), StepKind::RollBack);
    let of_the_failed_job = named("sluicegate-uid1-7f3c0d1e22ab-pre-4");
    assert_eq!(step(&of_the_failed_job.decide()), StepKind::ForceStop);
}

#[test]
fn of_two_snapshots_of_the_good_job_in_one_second_the_one_of_the_update_is_restored() {
    let ours = "sluicegate-uid1-7f3c0d1e22ab-first-20260601T000000Z";
    for of_the_update in ["Rq0FdW848ProrMybhyHY", "zq0FdW848ProrMybhyHY"] {
        let mut both = vec![
            snapshot(ours, 5, SnapshotStatus::Ready),
            snapshot(of_the_update, 5, SnapshotStatus::Ready),
        ];
        for _ in 0..2 {
            both.reverse();
            let case = failed_change("").recorded().journal(|journal| journal.intent = None);
            let case = returned(case, ApplicationStatus::Ready).snapshots(both.clone());
            assert_eq!(
                restore(&case.decide()),
                Restore::Named(of_the_update.into()),
                "{both:?}"
            );
        }
    }
}

#[test]
fn a_way_back_without_a_snapshot_of_a_good_job_waits_for_consent() {
    let case = failed_change("").recorded().journal(|journal| journal.intent = None);
    let case = returned(case, ApplicationStatus::Ready).snapshots(vec![snapshot("bad", 30, SnapshotStatus::Ready)]);
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::NoRestorePoint);
    let good = case.app.status.as_ref().unwrap().journal.revisions().good.unwrap();
    assert!(message.contains(&format!("allow-empty-start={good}")), "{message}");
    let decision = case.annotate("sluicegate.dev/allow-empty-start", &good).decide();
    assert_eq!(restore(&decision), Restore::Skip);
}
