//! The gate: what proves a job, what disproves it, and what does neither.

use super::*;
use crate::api::status::{GateStatus, RolloutStatus};
use crate::plan::Measure;

/// A rollout of a revision that began at the start of time and has half an hour.
pub(super) fn rollout_of(revision: &str) -> RolloutStatus {
    RolloutStatus::new(revision.to_owned(), start_of_time(), after(1800), Some(2))
}

/// A change whose operation ended and whose job runs, at the start of time plus ten seconds.
pub(super) fn verifying(more: &str) -> Case {
    let case = Case::observed(more, ApplicationStatus::Running);
    let revision = case.want().unwrap().revision.to_string();
    case.journal(|journal| {
        journal.revisions = Some(Revisions {
            running: Some(revision.clone()),
            good: Some("0123456789ab".into()),
            good_version_id: Some(2),
            ..Revisions::default()
        });
        journal.had_state = true;
        journal.rollout = Some(RolloutStatus {
            updated_version_id: Some(3),
            gate: Some(GateStatus {
                operation_id: Some("op-change".into()),
                state_expected: true,
                ..GateStatus::since(after(1))
            }),
            ..rollout_of(&revision)
        });
    })
    .operations(vec![operation(
        "op-change",
        "UpdateApplication",
        OperationStatus::Successful,
    )])
    .snapshots(vec![snapshot("kept", -60, SnapshotStatus::Ready)])
    .at(10)
}

/// What the planner says in the end of looks at a job, each with its second.
pub(super) fn after_looks(mut case: Case, looks: Vec<(i64, ObservedJob)>) -> Decision {
    let mut last = None;
    for (second, job) in looks {
        let seen = case.at(second).sees(job);
        last = Some(seen.decide());
        case = seen.recorded();
    }
    last.unwrap()
}

pub(super) fn job(edit: impl FnOnce(&mut ObservedJob)) -> ObservedJob {
    let mut job = healthy_job();
    edit(&mut job);
    job
}

fn failed(decision: &Decision) -> Reason {
    let failed = decision.journal.failed_revisions.last().expect("no revision failed");
    failed.reason
}

#[test]
fn one_good_look_is_not_enough_and_uninterrupted_running_is() {
    let decision = after_looks(verifying(""), vec![(10, healthy_job())]);
    assert_eq!(waits(&decision), Reason::Verifying);
    let decision = after_looks(verifying(""), vec![(10, healthy_job()), (130, healthy_job())]);
    assert_eq!(waits(&decision), Reason::Verifying);
    let decision = after_looks(verifying(""), vec![(10, healthy_job()), (131, healthy_job())]);
    assert_eq!(decision.plan, Plan::Rest);
    let revisions = decision.journal.revisions();
    assert_eq!(revisions.good, revisions.running);
    assert_eq!(revisions.good_version_id, Some(3));
    assert_eq!(revisions.previous.unwrap().version_id, 2);
}

#[test]
fn a_vertex_with_one_running_subtask_of_two_is_not_up() {
    let half = job(|job| job.vertices[1].running = 1);
    let decision = after_looks(verifying(""), vec![(10, half.clone()), (300, half)]);
    assert_eq!(waits(&decision), Reason::Verifying);
}

#[test]
fn a_finished_source_beside_running_subtasks_is_up() {
    let bounded = job(|job| {
        job.vertices[0].running = 0;
        job.vertices[0].finished = 1;
    });
    let decision = after_looks(verifying(""), vec![(10, bounded.clone()), (131, bounded)]);
    assert_eq!(decision.plan, Plan::Rest);
}

#[test]
fn a_restart_that_was_asked_for_before_the_gate_failed_is_not_another_attempt() {
    let looping = job(|job| job.restarts = Some(9));
    let asked = verifying("rollout: {onFailure: Hold}").annotate("sluicegate.dev/restart-requested-at", "1");
    let decision = after_looks(asked, vec![(10, looping.clone()), (13, looping)]);
    assert_eq!(failed(&decision), Reason::RestartLoop);
    assert_eq!(stalls(&decision).0, Reason::RestartLoop);
    assert_eq!(decision.journal.requests().restart, None);
}

#[test]
fn a_slow_restore_is_progress_until_the_deadline_and_a_failure_after_it() {
    let restoring = job(|job| {
        for vertex in &mut job.vertices {
            vertex.running = 0;
        }
    });
    let decision = after_looks(verifying(""), vec![(10, restoring.clone()), (600, restoring.clone())]);
    assert_eq!(waits(&decision), Reason::Verifying);
    let looks = [10, 1800, 1921].map(|second| (second, restoring.clone()));
    let decision = after_looks(verifying(""), looks.to_vec());
    assert_eq!(failed(&decision), Reason::DeadlineExceeded);
}

#[test]
fn one_restart_is_tolerated_and_restarts_the_window_and_a_second_fails_the_change() {
    let once = job(|job| job.restarts = Some(1));
    let looks = vec![(10, healthy_job()), (100, once.clone()), (180, once.clone())];
    assert_eq!(waits(&after_looks(verifying(""), looks.clone())), Reason::Verifying);
    let mut looks = looks;
    looks.push((221, once));
    assert_eq!(after_looks(verifying(""), looks).plan, Plan::Rest);
    let twice = job(|job| {
        job.restarts = Some(2);
        job.root_cause = Some("java.io.InvalidClassException: Order".into());
    });
    let decision = after_looks(verifying(""), vec![(10, healthy_job()), (20, twice)]);
    assert_eq!(failed(&decision), Reason::RestartLoop);
    let cause = decision.journal.last_failure.unwrap().cause;
    assert!(cause.contains("InvalidClassException"), "{cause}");
}

#[test]
fn no_restart_is_tolerated_where_the_spec_tolerates_none() {
    let once = job(|job| job.restarts = Some(1));
    let decision = after_looks(verifying("rollout: {gate: {maxRestarts: 0}}"), vec![(10, once)]);
    assert_eq!(failed(&decision), Reason::RestartLoop);
}

#[test]
fn a_job_that_failed_for_good_fails_the_change() {
    let decision = after_looks(verifying(""), vec![(10, job(|job| job.state = "FAILED".into()))]);
    assert_eq!(failed(&decision), Reason::SubtasksFailed);
}

#[test]
fn a_job_that_came_up_without_the_state_it_asked_for_fails_the_change() {
    let empty = job(|job| job.checkpoints.as_mut().unwrap().restored = Restored::Nothing);
    let decision = after_looks(verifying(""), vec![(10, empty)]);
    assert_eq!(failed(&decision), Reason::StateNotRestored);
}

#[test]
fn a_restored_snapshot_is_remembered_when_a_checkpoint_takes_its_place() {
    let later = job(|job| job.checkpoints.as_mut().unwrap().restored = Restored::Checkpoint);
    let decision = after_looks(verifying(""), vec![(10, healthy_job()), (131, later.clone())]);
    assert_eq!(decision.plan, Plan::Rest);
    let decision = after_looks(
        verifying(""),
        vec![(10, later.clone()), (131, later.clone()), (1800, later)],
    );
    assert_eq!(
        stalls(&decision).0,
        Reason::Unverified,
        "a checkpoint alone proves nothing"
    );
}

#[test]
fn a_missing_checkpoint_is_awaited_and_condemns_only_where_one_failed() {
    let none = job(|job| job.checkpoints.as_mut().unwrap().completed = 0);
    let looks = |job: &ObservedJob| vec![(10, job.clone()), (200, job.clone()), (1800, job.clone())];
    assert_eq!(
        waits(&after_looks(verifying(""), looks(&none)[..2].to_vec())),
        Reason::Verifying
    );
    assert_eq!(stalls(&after_looks(verifying(""), looks(&none))).0, Reason::Unverified);
    let failing = job(|job| {
        let checkpoints = job.checkpoints.as_mut().unwrap();
        (checkpoints.completed, checkpoints.failed) = (0, 3);
    });
    assert_eq!(
        failed(&after_looks(verifying(""), looks(&failing))),
        Reason::DeadlineExceeded
    );
    let off = verifying("checkpoint: {checkpointingEnabled: false}");
    assert_eq!(after_looks(off, looks(&none)[..2].to_vec()).plan, Plan::Rest);
}

#[test]
fn what_cannot_be_seen_condemns_nothing() {
    let blind = |mut case: Case, second: i64| {
        case.world.job = Sight::Blind("denied".into());
        case.at(second)
    };
    assert_eq!(waits(&blind(verifying(""), 1799).decide()), Reason::Verifying);
    let decision = blind(verifying(""), 1800).decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::Unverified);
    assert!(message.contains("denied"), "{message}");
    assert!(decision.journal.failed_revisions.is_empty());
    let uncounted = job(|job| job.restarts = None);
    let looks = vec![(10, uncounted.clone()), (131, uncounted.clone()), (1800, uncounted)];
    assert_eq!(stalls(&after_looks(verifying(""), looks)).0, Reason::Unverified);
}

#[test]
fn an_unverified_revision_is_promoted_by_a_later_look() {
    let mut case = verifying("");
    case.world.job = Sight::Blind("denied".into());
    let case = case.at(1800).recorded();
    let decision = after_looks(case, vec![(3000, healthy_job()), (3121, healthy_job())]);
    assert_eq!(decision.plan, Plan::Rest);
}

#[test]
fn the_job_of_before_the_change_does_not_count() {
    let old = job(|job| job.started_at = start_of_time());
    let decision = after_looks(verifying(""), vec![(10, old.clone()), (131, old)]);
    assert_eq!(waits(&decision), Reason::Verifying);
}

#[test]
fn the_restarts_of_a_maintenance_are_taken_out_and_the_deadline_moves_by_its_length() {
    let mut maintenance = operation("op-other", "ApplicationMaintenance", OperationStatus::Successful);
    (maintenance.started_at, maintenance.ended_at) = (after(20), Some(after(80)));
    let mut operations = vec![maintenance];
    operations.extend(verifying("").world.operations.unwrap());
    let moved = job(|job| job.restarts = Some(5));
    let case = after_looks(verifying(""), vec![(10, healthy_job())]);
    let case = verifying("")
        .journal(|journal| *journal = case.journal)
        .operations(operations);
    let decision = after_looks(case, vec![(90, moved.clone()), (93, moved.clone())]);
    assert_eq!(waits(&decision), Reason::Verifying);
    assert!(decision.journal.failed_revisions.is_empty());
    assert_eq!(decision.journal.rollout.unwrap().deadline, after(1800 + 60));
}

#[test]
fn a_job_that_ends_in_the_gate_fails_the_change_and_one_that_ends_long_after_it_does_not() {
    let case = verifying("").world(|app| app.status = ApplicationStatus::Ready);
    let decision = case.decide();
    assert_eq!(failed(&decision), Reason::JobEnded);
    assert!(case.at(90_000).decide().journal.failed_revisions.is_empty());
}

#[test]
fn a_job_that_is_watched_for_a_time_is_watched_for_no_second_less() {
    let looked = |gate: &str, second| {
        let spec = format!("rollout: {{gate: {{stableFor: {gate}}}}}");
        after_looks(verifying(&spec), vec![(10, healthy_job()), (second, healthy_job())])
    };
    assert_eq!(waits(&looked("10s", 20)), Reason::Verifying, "it may be 9.1 s");
    assert_eq!(looked("10s", 21).plan, Plan::Rest);
    assert_eq!(looked("0s", 10).plan, Plan::Rest);
}

#[test]
fn a_look_that_shows_nothing_does_not_restart_the_window() {
    let mut blind =
        verifying("").journal(|journal| *journal = after_looks(verifying(""), vec![(10, healthy_job())]).journal);
    blind.world.job = Sight::Blind("timed out".into());
    let decision = after_looks(blind.at(70).recorded(), vec![(131, healthy_job())]);
    assert_eq!(decision.plan, Plan::Rest);
}

#[test]
fn a_gate_that_no_job_can_pass_in_time_is_a_violation() {
    let case = Case::new("rollout: {progressDeadline: 2m}");
    let Err(Undesirable::Invalid(violations)) = case.want() else {
        panic!("admitted")
    };
    assert_eq!(violations[0].field, "spec.rollout.gate.stableFor");
}

#[test]
fn the_downtime_runs_from_the_own_snapshot_of_the_update_to_the_first_look_that_shows_the_job_up() {
    let case = verifying("").snapshots(vec![
        snapshot("own", 2, SnapshotStatus::Ready),
        snapshot("before", 0, SnapshotStatus::Ready),
    ]);
    let first = case.sees(healthy_job());
    assert_eq!(
        first.decide().measures,
        [Measure::Downtime(SignedDuration::from_secs(8))]
    );
    let second = first.recorded().at(131);
    let decision = second.decide();
    assert!(decision.measures.is_empty(), "it is measured once");
    let told = decision.notes.iter().any(|note| note.message.contains("about 8 s"));
    assert!(told, "{:?}", decision.notes);
    let without = verifying("").sees(healthy_job());
    assert!(without.decide().measures.is_empty());
}

#[test]
fn an_operation_is_measured_when_its_intent_is_settled() {
    let case = Case::observed("", ApplicationStatus::Running)
        .issued(StepKind::Start)
        .operations(vec![operation(
            "op-new",
            "StartApplication",
            OperationStatus::Successful,
        )])
        .at(60);
    let expected = Measure::Operation {
        operation: "StartApplication",
        succeeded: true,
        took: SignedDuration::from_secs(1),
    };
    assert_eq!(case.decide().measures, [expected]);
}

#[test]
fn a_failure_without_a_cause_takes_it_from_the_log_and_asks_for_the_log_where_it_was_not_read() {
    let silent = job(|job| job.restarts = Some(2));
    let case = verifying("").sees(silent);
    let decision = case.decide();
    assert_eq!(decision.cause_since, Some(start_of_time()));
    let mut case = case;
    case.world.logged = Some(Logged {
        cause: Some("java.io.IOException: gone".into()),
        ..Logged::default()
    });
    let decision = case.decide();
    assert_eq!(decision.cause_since, None);
    let failure = decision.journal.last_failure.unwrap();
    assert!(
        failure
            .cause
            .starts_with("java.io.IOException: gone (the job restarted"),
        "{failure:?}"
    );
    assert_eq!(failure.source, "CloudWatchLogs");
}

#[test]
fn a_failure_whose_cause_flink_tells_asks_for_no_log() {
    let told = job(|job| {
        job.restarts = Some(2);
        job.root_cause = Some("java.io.InvalidClassException: Order".into());
    });
    let decision = verifying("").sees(told).decide();
    assert_eq!(failed(&decision), Reason::RestartLoop);
    assert_eq!(decision.cause_since, None);
}

#[test]
fn a_promotion_notes_the_snapshot_that_a_start_would_restore() {
    let of_the_update = snapshot("of-the-update", 0, SnapshotStatus::Ready);
    let in_the_making = snapshot("in-the-making", 9, SnapshotStatus::Creating);
    let case = verifying("").snapshots(vec![in_the_making, of_the_update]);
    let first = case.journal(|journal| {
        let revisions = journal.revisions.as_mut().unwrap();
        revisions.good_snapshot = Some("of-the-version-before".into());
    });
    let revisions = after_looks(first, vec![(10, healthy_job()), (140, healthy_job())])
        .journal
        .revisions();
    assert_eq!(revisions.good_snapshot.as_deref(), Some("of-the-update"));
    assert_eq!(
        revisions.previous.unwrap().snapshot.as_deref(),
        Some("of-the-version-before")
    );
}
