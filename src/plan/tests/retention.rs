//! Which snapshots are deleted, and which never.

use super::snapshots::{HOUR, known, refused};
use super::*;
use crate::api::status::PreviousRevision;
use crate::fault::FaultKind;

/// A snapshot that this controller took by the clock.
fn ours(number: i64, seconds: i64) -> ObservedSnapshot {
    let name = format!("sluicegate-uid1-0a1b2c3d4e5f-schedule-2026{number:04}T000000Z");
    snapshot(&name, seconds, SnapshotStatus::Ready)
}

/// What the retention deletes, one after the other, until it is content.
fn deletions(mut case: Case) -> Vec<i64> {
    let mut gone = Vec::new();
    while let Plan::Do(Step::DeleteSnapshot { name, created_at }) = case.decide().plan {
        gone.push(created_at.duration_since(start_of_time()).as_secs());
        let left = case.world.snapshots.take().unwrap();
        case.world.snapshots = Some(left.into_iter().filter(|snapshot| snapshot.name != name).collect());
    }
    assert_eq!(case.decide().plan, Plan::Rest);
    gone
}

fn retaining(rules: &str) -> Case {
    Case::running(&format!("snapshots: {{retention: {{{rules}}}}}"))
}

#[test]
fn beyond_the_count_the_oldest_of_ours_go_first() {
    let list = || {
        vec![
            ours(4, 400),
            ours(3, 300),
            ours(2, 200),
            ours(1, 100),
            snapshot("theirs", 50, SnapshotStatus::Ready),
        ]
    };
    assert_eq!(deletions(retaining("maxCount: 2").snapshots(list())), [100, 200]);
    assert_eq!(
        deletions(retaining("maxCount: 2, scope: All").snapshots(list())),
        [50, 100, 200]
    );
    assert_eq!(deletions(retaining("maxCount: 9").snapshots(list())), [0_i64; 0]);
    let ready = retaining("maxCount: 2")
        .snapshots(list())
        .respec("desiredState: Stopped\nsnapshots: {retention: {maxCount: 2}}");
    let ready = ready.world(|app| app.status = ApplicationStatus::Ready);
    let ready = ready.journal(|journal| journal.revisions.as_mut().unwrap().running = None);
    assert_eq!(deletions(ready), [100, 200]);
}

#[test]
fn what_grows_too_old_goes_when_it_does() {
    let list = vec![ours(2, 2 * HOUR), ours(1, HOUR)];
    let case = retaining("maxAge: 24h").snapshots(list.clone()).at(3 * HOUR).recorded();
    assert_eq!(known(&case).expires_at, Some(after(25 * HOUR)));
    assert_eq!(case.decide().wake, Some(after(25 * HOUR)));
    assert_eq!(deletions(case.at(25 * HOUR)), [HOUR]);
    let much_later = retaining("maxAge: 24h").snapshots(list).at(90 * HOUR);
    assert_eq!(deletions(much_later), [HOUR]);
}

#[test]
fn a_failed_one_goes_when_a_newer_one_replaced_it() {
    let failed = ObservedSnapshot {
        status: SnapshotStatus::Failed,
        ..ours(1, 100)
    };
    let alone = retaining("maxCount: 5").snapshots(vec![failed.clone(), ours(0, 50)]);
    assert_eq!(deletions(alone), [0_i64; 0]);
    let replaced = retaining("maxCount: 5").snapshots(vec![ours(2, 200), failed, ours(0, 50)]);
    assert_eq!(deletions(replaced), [100]);
}

#[test]
fn what_somebody_may_go_back_to_is_never_deleted() {
    let list = vec![ours(5, 500), ours(4, 400), ours(3, 300), ours(2, 200), ours(1, 100)];
    let name = |number: usize| list[5 - number].name.clone();
    let case = retaining("maxCount: 1").snapshots(list.clone()).journal(|journal| {
        let revisions = journal.revisions.as_mut().unwrap();
        revisions.good_snapshot = Some(name(3));
        revisions.previous = Some(PreviousRevision {
            revision: "previous".into(),
            version_id: 1,
            snapshot: Some(name(1)),
        });
    });
    assert_eq!(deletions(case), [200, 400]);
    let once = format!(
        "snapshots: {{retention: {{maxCount: 1}}}}\nrestore: {{once: {{nonce: 1, snapshotName: {}}}}}",
        name(2)
    );
    let named = Case::running(&once).journal(|journal| journal.handled.as_mut().unwrap().restore_once = Some(1));
    assert_eq!(deletions(named.snapshots(list.clone())), [100, 300, 400]);
    let spoilt = Case::running(&once)
        .recorded()
        .respec(&format!("{once}\ntags: {{'aws:team': orders}}"));
    let named_only = vec![ours(5, 500), ours(2, 200)];
    assert!(!matches!(spoilt.snapshots(named_only).decide().plan, Plan::Do(_)));
    let unproven_newest = retaining("maxCount: 1").snapshots(list).journal(|journal| {
        journal.unproven.push(crate::api::status::UnprovenSpan {
            revision: "version 9".into(),
            version_id: Some(9),
            from: after(450),
            until: Some(after(550)),
        });
    });
    assert_eq!(deletions(unproven_newest), [100, 200, 300]);
}

#[test]
fn nothing_is_deleted_while_a_change_or_a_way_back_is_under_way() {
    let list = || vec![ours(2, 200), ours(1, 100)];
    let changing = retaining("maxCount: 1").snapshots(list());
    let changing = changing.respec("snapshots: {retention: {maxCount: 1}}\nparallelism: {parallelism: 2}");
    assert_eq!(step(&changing.decide()), StepKind::TakeSnapshot);
    let gate = retaining("maxCount: 1").snapshots(list()).journal(|journal| {
        journal.revisions.as_mut().unwrap().good = None;
    });
    assert_eq!(waits(&gate.sees(healthy_job()).decide()), Reason::Verifying);
}

#[test]
fn a_deletion_is_over_when_the_list_no_longer_shows_the_snapshot() {
    let case = retaining("maxCount: 1").snapshots(vec![ours(2, 200), ours(1, 100)]);
    assert_eq!(step(&case.decide()), StepKind::DeleteSnapshot);
    let issued = case
        .recorded()
        .journal(|journal| journal.intent.as_mut().unwrap().phase = Phase::Issued);
    let deleting = ObservedSnapshot {
        status: SnapshotStatus::Deleting,
        ..ours(1, 100)
    };
    let going = issued.snapshots(vec![ours(2, 200), deleting]).at(60);
    assert_eq!(waits(&going.decide()), Reason::Pending);
    let stuck = going.at(601).decide();
    assert_eq!(
        (&stuck.plan, told(&stuck)),
        (&Plan::Rest, vec!["SnapshotDeletionFailed"])
    );
    let going = retaining("maxCount: 1")
        .snapshots(vec![ours(2, 200), ours(1, 100)])
        .recorded();
    let gone = going.snapshots(vec![ours(2, 200)]).at(5).decide();
    assert_eq!((&gone.plan, told(&gone)), (&Plan::Rest, vec!["SnapshotDeleted"]));
}

#[test]
fn a_deletion_that_the_service_refuses_is_tried_again_later() {
    let case = retaining("maxCount: 1").snapshots(vec![ours(2, 200), ours(1, 100)]);
    let refused = refused(case, FaultKind::Denied);
    let decision = refused.decide();
    assert_eq!((&decision.plan, decision.wake), (&Plan::Rest, Some(after(60))));
    assert_eq!(step(&refused.at(60).decide()), StepKind::DeleteSnapshot);
}
