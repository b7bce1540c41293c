//! Snapshots that are taken beside a running job.

use super::*;
use crate::api::status::{SnapshotFailure, SnapshotsStatus};
use crate::fault::{Fault, FaultKind};
use crate::plan::outcome::{Moment, Outcome};
use crate::plan::{needs, step::Step};

pub(super) const HOURLY: &str = "snapshots: {schedule: {cron: '0 * * * *'}}";
pub(super) const HOUR: i64 = 3600;

/// A proven job at rest with one snapshot that can be restored.
fn kept(more: &str) -> Case {
    Case::running(more).snapshots(vec![snapshot("old", 10, SnapshotStatus::Ready)])
}

pub(super) fn known(case: &Case) -> SnapshotsStatus {
    let status = case.app.status.as_ref().unwrap();
    status.journal.snapshots.clone().unwrap()
}

/// The name of the snapshot that the plan takes.
fn taken(decision: &Decision) -> String {
    match &decision.plan {
        Plan::Do(Step::BackUp { name }) => name.clone(),
        other => panic!("no snapshot but {other:?}"),
    }
}

/// The case after its call was accepted and the list shows the snapshot in a status.
fn then(case: Case, status: SnapshotStatus, seconds: i64) -> Case {
    let decision = case.decide();
    let name = taken(&decision);
    let mut snapshots = case.world.snapshots.clone().unwrap();
    let at = case.now.duration_since(start_of_time()).as_secs();
    snapshots.insert(0, snapshot(&name, at, status));
    let case = case.recorded().journal(|journal| {
        journal.intent.as_mut().unwrap().phase = Phase::Issued;
    });
    case.snapshots(snapshots).at(at + seconds)
}

/// What is remembered after the service refused the planned call.
pub(super) fn refused(case: Case, kind: FaultKind) -> Case {
    let moment = Moment {
        now: case.now,
        generation: 1,
        snapshot_required: false,
    };
    case.recorded().journal(|journal| {
        journal.learn(&Outcome::Refused(Fault::new(kind, "no")), moment);
    })
}

#[test]
fn a_proven_job_without_a_restore_point_gets_one_unasked() {
    let case = Case::running("").snapshots(Vec::new());
    let decision = case.decide();
    let name = taken(&decision);
    assert!(
        name.starts_with("sluicegate-uid1-") && name.contains("-first-2026"),
        "{name}"
    );
    let case = then(case, SnapshotStatus::Creating, 5);
    assert_eq!(waits(&case.decide()), Reason::Pending);
    let snapshots = vec![snapshot(&name, 0, SnapshotStatus::Ready)];
    let done = case.snapshots(snapshots).decide();
    assert_eq!((&done.plan, told(&done)), (&Plan::Rest, vec!["SnapshotTaken"]));
    let known = done.journal.snapshots.unwrap();
    assert_eq!((known.latest, known.count), (Some(name), 1));
}

#[test]
fn a_job_that_is_not_proven_or_has_no_snapshots_is_left_alone() {
    let unproven = Case::running("").journal(|journal| {
        journal.revisions.as_mut().unwrap().good = None;
    });
    assert_ne!(unproven.sees(healthy_job()).decide().plan, Plan::Rest);
    let off = "snapshots: {enabled: false}
restore: {onStart: None, onUpdate: None}
rollout: {preChangeSnapshot: Never}";
    assert_eq!(Case::running(off).decide().plan, Plan::Rest);
    let mut unread = Case::running("");
    unread.world.snapshots = None;
    assert_eq!(unread.decide().plan, Plan::Rest);
}

#[test]
fn the_schedule_takes_one_snapshot_for_each_run() {
    let case = kept(HOURLY).at(60).recorded();
    assert_eq!(known(&case).next_at, Some(after(HOUR)));
    assert_eq!(case.decide().wake, Some(after(HOUR)));
    let early = kept(HOURLY).at(60).recorded().at(HOUR - 1);
    assert_eq!(early.decide().plan, Plan::Rest);
    let due = case.at(HOUR + 2);
    assert!(taken(&due.decide()).ends_with("-schedule-20260101T010000Z"));
    let done = then(due, SnapshotStatus::Ready, 20).recorded();
    assert_eq!(known(&done).next_at, Some(after(2 * HOUR)));
    assert_eq!(done.decide().plan, Plan::Rest);
}

#[test]
fn of_the_runs_of_an_outage_only_the_newest_that_can_be_is_made_up() {
    let down = kept(HOURLY).at(60).recorded().at(10 * HOUR + 600);
    let decision = down.decide();
    assert!(taken(&decision).ends_with("-schedule-20260101T100000Z"));
    assert_eq!(told(&decision), ["SnapshotMissed"]);
    let done = then(down, SnapshotStatus::Ready, 20).recorded();
    assert_eq!(known(&done).next_at, Some(after(11 * HOUR)));
    let late = kept(HOURLY).at(60).recorded().at(10 * HOUR + 1801);
    let decision = late.decide();
    assert_eq!((&decision.plan, told(&decision)), (&Plan::Rest, vec!["SnapshotMissed"]));
    assert_eq!(decision.journal.snapshots.unwrap().next_at, Some(after(11 * HOUR)));
}

#[test]
fn a_schedule_that_changes_forgets_the_runs_of_the_old_one() {
    let case = kept(HOURLY).at(60).recorded();
    let changed = case.respec("snapshots: {schedule: {cron: '30 4 * * *'}}").at(HOUR + 2);
    let decision = changed.decide();
    assert_eq!(decision.plan, Plan::Rest);
    assert_eq!(
        decision.journal.snapshots.unwrap().next_at,
        Some(after(4 * HOUR + 1800))
    );
    let gone = kept(HOURLY).at(60).recorded().respec("").decide();
    assert_eq!(gone.journal.snapshots.unwrap().next_at, None);
}

#[test]
fn a_stopped_application_has_no_runs_to_make_up() {
    let stopped = format!("desiredState: Stopped\n{HOURLY}");
    let case = kept(HOURLY).at(60).recorded().respec(&stopped);
    let case = case.world(|app| app.status = ApplicationStatus::Ready).at(9 * HOUR);
    let case = case.journal(|journal| journal.revisions.as_mut().unwrap().running = None);
    let decision = case.decide();
    assert_eq!(decision.plan, Plan::Rest);
    assert_eq!(decision.journal.snapshots.unwrap().next_at, None);
}

#[test]
fn a_snapshot_of_somebody_else_that_is_being_taken_is_waited_for_but_not_for_ever() {
    let creating = || snapshot("theirs", HOUR - 10, SnapshotStatus::Creating);
    let case = kept(HOURLY).at(60).recorded().snapshots(vec![creating()]);
    assert_eq!(waits(&case.at(HOUR + 1).decide()), Reason::Pending);
    let case = kept(HOURLY).at(60).recorded().snapshots(vec![creating()]);
    assert!(taken(&case.at(HOUR + 591).decide()).contains("-schedule-"));
}

#[test]
fn a_change_comes_before_a_run_and_the_run_is_made_up_after_it() {
    let case = kept(HOURLY).at(60).recorded().at(HOUR + 2);
    let changing = case.respec(&format!("{HOURLY}\nparallelism: {{parallelism: 2}}"));
    assert_eq!(step(&changing.decide()), StepKind::TakeSnapshot);
    assert_eq!(
        changing
            .recorded()
            .journal(|_| {})
            .app
            .status
            .unwrap()
            .journal
            .snapshots
            .unwrap()
            .next_at,
        Some(after(HOUR))
    );
}

#[test]
fn a_request_is_answered_once_and_by_what_is_taken_for_it() {
    let case = kept("")
        .recorded()
        .annotate("sluicegate.dev/snapshot-requested-at", "now")
        .at(60);
    let decision = case.decide();
    assert!(taken(&decision).ends_with("-request-20260101T000100Z"));
    assert_eq!(decision.journal.requests().snapshot.as_deref(), Some("now"));
    let done = then(case, SnapshotStatus::Ready, 20).recorded();
    let journal = &done.app.status.as_ref().unwrap().journal;
    assert_eq!(journal.handled.as_ref().unwrap().snapshot.as_deref(), Some("now"));
    assert_eq!(journal.requests, None);
    assert_eq!(done.decide().plan, Plan::Rest);
}

#[test]
fn a_request_that_no_job_can_answer_is_refused_with_the_way_out() {
    let stopped = Case::observed("desiredState: Stopped", ApplicationStatus::Ready);
    let asked = stopped.annotate("sluicegate.dev/snapshot-requested-at", "now");
    let decision = asked.decide();
    assert_eq!(
        (&decision.plan, told(&decision)),
        (&Plan::Rest, vec!["SnapshotRefused"])
    );
    assert!(decision.notes[0].message.contains("spec.desiredState"));
    assert_eq!(decision.journal.handled.unwrap().snapshot.as_deref(), Some("now"));
}

#[test]
fn what_fails_is_tried_again_at_a_growing_distance_and_keeps_nothing_else_waiting() {
    let failed = then(kept(HOURLY).at(60).recorded().at(HOUR), SnapshotStatus::Failed, 20);
    let decision = failed.decide();
    assert_eq!((&decision.plan, told(&decision)), (&Plan::Rest, vec!["SnapshotFailed"]));
    assert_eq!(decision.wake, Some(after(HOUR + 80)));
    let again = failed.recorded().at(HOUR + 80);
    let name = taken(&again.decide());
    assert!(name.ends_with("-schedule-20260101T010000Z-2"), "{name}");
    let refused = refused(again, FaultKind::JobDown);
    assert_eq!(known(&refused).failure.as_ref().unwrap().attempts, 2);
    assert_eq!(refused.app.status.as_ref().unwrap().journal.refusal, None);
    let decision = refused.decide();
    assert_eq!((decision.plan, decision.wake), (Plan::Rest, Some(after(HOUR + 200))));
    let done = then(refused.at(HOUR + 200), SnapshotStatus::Ready, 1).recorded();
    assert_eq!(
        (known(&done).failure, known(&done).next_at),
        (None, Some(after(2 * HOUR)))
    );
}

#[test]
fn a_settled_resource_is_looked_at_more_closely_only_when_something_is_due() {
    let case = |seconds: i64| {
        let mut case = kept(HOURLY).at(60).recorded().at(seconds);
        case.app.status.as_mut().unwrap().observed_generation = 1;
        case
    };
    let close = |case: &Case| {
        let want = case.want();
        {
            let observed = case.world.application.as_ref();
            needs(&case.app, want.as_ref(), observed, &case.world.restarts, case.now).details
        }
    };
    assert!(!close(&case(HOUR - 1)));
    assert!(close(&case(HOUR)));
    let respecified = case(70).respec("snapshots: {retention: {maxCount: 1}}");
    assert!(close(&respecified));
    let asked = case(70).annotate("sluicegate.dev/snapshot-requested-at", "now");
    assert!(close(&asked));
    let lost = case(70).journal(|journal| journal.snapshots.as_mut().unwrap().latest = None);
    assert!(close(&lost));
    let failing = case(70).journal(|journal| {
        let failure = SnapshotFailure::after(None, after(65), None, "no".into());
        journal.snapshots.as_mut().unwrap().deletion_failure = Some(failure);
    });
    assert!(close(&failing));
    let expiring = case(70).journal(|journal| journal.snapshots.as_mut().unwrap().expires_at = Some(after(70)));
    assert!(close(&expiring));
}

#[test]
fn a_snapshot_in_the_second_in_which_an_unproven_job_came_is_its_own_unless_an_earlier_version_made_it() {
    let span = crate::api::status::UnprovenSpan {
        revision: "version 9".into(),
        version_id: Some(9),
        from: after(100),
        until: Some(after(200)),
    };
    for (version_id, is_good) in [(8, true), (9, false)] {
        let own = ObservedSnapshot {
            version_id,
            ..snapshot("J83xkehHnXHLILEuwa7V", 100, SnapshotStatus::Ready)
        };
        let case = Case::running("").snapshots(vec![own, snapshot("kept", -60, SnapshotStatus::Ready)]);
        let case = case.journal(|journal| journal.unproven.push(span.clone())).recorded();
        let latest = case.app.status.unwrap().journal.snapshots.unwrap().latest.unwrap();
        assert_eq!(latest != "kept", is_good, "version {version_id}");
    }
}

#[test]
fn the_limit_of_the_service_is_told_once_before_it_is_reached() {
    let many = |count: i64| {
        let listed = (0..count).map(|n| snapshot(&format!("theirs-{n}"), -60 - n, SnapshotStatus::Ready));
        listed.collect::<Vec<_>>()
    };
    let case = Case::running("").snapshots(many(899)).recorded();
    assert_eq!(told(&case.decide()), [] as [&str; 0]);
    let almost = case.snapshots(many(900));
    assert_eq!(told(&almost.decide()), ["SnapshotLimit"]);
    let known = almost.recorded().snapshots(many(901));
    assert_eq!(told(&known.decide()), [] as [&str; 0]);
}
