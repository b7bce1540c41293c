//! What runs after a rollout that ended in a failure or without a proof, and what is asked of it.

use super::gate::verifying;
use super::rollback::failed_change;
use super::*;
use crate::api::annotation;
use crate::api::status::SnapshotsStatus;

const HOLD: &str = "rollout: {onFailure: Hold}";

/// A revision that failed and was left in place.
fn left() -> Case {
    failed_change(HOLD).recorded().at(90)
}

/// The restart was carried out as version 5.
fn restarted(case: Case) -> Case {
    let done = ObservedOperation {
        started_at: after(91),
        ended_at: Some(after(95)),
        ..operation("op-restart", "UpdateApplication", OperationStatus::Successful)
    };
    let mut job = healthy_job();
    job.started_at = after(93);
    case.journal(|journal| {
        let intent = journal.intent.as_mut().unwrap();
        intent.phase = Phase::Issued;
        intent.operation_id = Some("op-restart".into());
        intent.to_version_id = Some(5);
    })
    .world(|app| {
        app.version_id = 5;
        app.updated_from = Some(4);
        app.token = "token-5".into();
    })
    .operations(vec![done])
    .sees(job)
    .at(100)
}

#[test]
fn a_restart_of_what_failed_and_is_left_in_place_is_made_and_verified() {
    let nonce = || {
        let journal = left().app.status.unwrap().journal;
        failed_change(&format!("{HOLD}\nrestartNonce: 7"))
            .journal(|known| *known = journal)
            .at(90)
    };
    for case in [left().annotate(annotation::RESTART_REQUESTED_AT, "1"), nonce()] {
        let decision = case.decide();
        assert_eq!(step(&decision), StepKind::Restart);
        assert_eq!(
            decision.journal.failed_revisions.len(),
            1,
            "it failed until the restart is made"
        );
        let case = restarted(case.recorded());
        let decision = case.decide();
        assert_eq!(waits(&decision), Reason::Verifying);
        assert!(decision.journal.failed_revisions.is_empty());
        assert_eq!(decision.journal.requests().restart, None);
        let proven = case.recorded().at(230).recorded();
        let revisions = proven.app.status.unwrap().journal.revisions();
        assert_eq!(revisions.good, revisions.running);
    }
}

#[test]
fn a_restart_does_not_forgive_that_state_was_lost() {
    let lost = left().annotate(annotation::RESTART_REQUESTED_AT, "1");
    let lost = lost.journal(|journal| journal.failed_revisions[0].reason = Reason::StateNotRestored);
    let decision = restarted(lost.recorded()).decide();
    assert_eq!(stalls(&decision).0, Reason::StateNotRestored);
    assert_eq!(decision.journal.rollout, None);
    assert_eq!(decision.journal.requests().restart, None);
}

#[test]
fn a_restart_of_what_failed_and_is_stopped_starts_it() {
    let stopped = failed_change("rollout: {onFailure: ForceStop}")
        .world(|app| app.status = ApplicationStatus::Ready)
        .journal(|journal| {
            journal.revisions.as_mut().unwrap().running = None;
            journal.failed_revisions[0].answered = true;
        });
    assert_eq!(stalls(&stopped.decide()).0, Reason::RestartLoop);
    let decision = stopped.annotate(annotation::RESTART_REQUESTED_AT, "1").decide();
    assert_eq!(step(&decision), StepKind::Start);
    assert_eq!(restore(&decision), Restore::Named("own".into()));
}

#[test]
fn a_snapshot_that_is_asked_for_of_what_failed_is_refused_in_words() {
    let decision = left().annotate(annotation::SNAPSHOT_REQUESTED_AT, "1").decide();
    assert_eq!(stalls(&decision).0, Reason::RestartLoop);
    assert!(told(&decision).contains(&"SnapshotRefused"), "{:?}", told(&decision));
    assert_eq!(decision.journal.requests().snapshot, None);
}

/// A job at which nobody could look in its time.
fn unverified(more: &str) -> Case {
    let mut case = verifying(more).at(1800);
    case.world.job = Sight::Blind("denied".into());
    case
}

#[test]
fn what_could_not_be_verified_gets_its_snapshots_and_tags() {
    assert_eq!(stalls(&unverified("").decide()).0, Reason::Unverified);
    let asked = unverified("").annotate(annotation::SNAPSHOT_REQUESTED_AT, "1");
    assert_eq!(step(&asked.decide()), StepKind::BackUp);
    let due = unverified("snapshots: {schedule: {cron: '*/10 * * * *'}}").journal(|journal| {
        journal.snapshots = Some(SnapshotsStatus {
            next_at: Some(after(1200)),
            ..SnapshotsStatus::default()
        });
    });
    assert_eq!(step(&due.decide()), StepKind::BackUp);
    assert_eq!(step(&unverified("tags: {team: orders}").decide()), StepKind::Tag);
    let early = unverified("").annotate(annotation::SNAPSHOT_REQUESTED_AT, "1").at(1700);
    assert_eq!(waits(&early.decide()), Reason::Verifying);
}

#[test]
fn a_snapshot_of_ours_moves_no_deadline() {
    let taken = ObservedOperation {
        started_at: after(1801),
        ended_at: Some(after(1830)),
        ..operation("op-snapshot", "CreateApplicationSnapshot", OperationStatus::Successful)
    };
    let case = unverified("").at(1840);
    let mut listed = case.world.operations.clone().unwrap_or_default();
    listed.insert(0, taken);
    assert_eq!(stalls(&case.operations(listed).decide()).0, Reason::Unverified);
}

#[test]
fn a_restart_that_was_asked_for_before_an_attempt_that_failed_asks_for_no_other_one() {
    let case = Case::running("")
        .respec("parallelism: {parallelism: 2}")
        .annotate(annotation::RESTART_REQUESTED_AT, "1")
        .issued(StepKind::Update)
        .journal(|journal| journal.intent.as_mut().unwrap().restart_request = Some("1".into()))
        .operations(vec![operation("op-new", "UpdateApplication", OperationStatus::Failed)])
        .at(10);
    let decision = case.decide();
    assert_eq!(decision.journal.failed_revisions.len(), 1);
    assert_eq!(decision.journal.requests().restart, None);
    assert_eq!(decision.journal.handled.unwrap().restart, Some("1".into()));
}
