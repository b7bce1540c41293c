//! What a spec that cannot be followed says of what is in place holds as far as it is valid, otherwise what the last valid
//! one said.

use super::undesirable::{either, good, in_gate};
use super::*;
use crate::api::spec::OnUnhealthy;
use crate::api::status::{LoopStatus, SnapshotsStatus};

#[test]
fn what_a_spec_asks_for_beside_them_waits_until_it_can_be_done() {
    let more =
        "restartNonce: 7\nmaintenanceWindow: {startTime: '05:00'}\nrestore: {once: {nonce: 1, snapshotName: kept}}";
    let tagged = || {
        Case::running("tags: {team: orders}").recorded().world(|app| {
            app.tags.insert("team".into(), "orders".into());
        })
    };
    either(tagged, more, |case, decision, spoiled| {
        assert!(!matches!(decision.plan, Plan::Do(_)), "{spoiled}: {decision:?}");
        let tags = |journal: &Journal| journal.aws.clone().unwrap().tag_keys;
        let before = &case.app.status.as_ref().unwrap().journal;
        assert_eq!(tags(&decision.journal), tags(before));
    });
}

#[test]
fn snapshots_are_taken_by_the_schedule_and_the_last_valid_one_stands_in_for_one_that_is_not() {
    let schedule = "snapshots: {schedule: {cron: '*/10 * * * *'}}";
    let due = |spec: &str| {
        Case::running(spec)
            .recorded()
            .journal(|journal| {
                journal.snapshots = Some(SnapshotsStatus {
                    next_at: Some(after(600)),
                    latest: Some("kept".into()),
                    latest_at: Some(after(-60)),
                    count: 1,
                    ..SnapshotsStatus::default()
                });
            })
            .at(601)
    };
    either(
        || due(""),
        schedule,
        |_, decision, spoiled| {
            assert_eq!(step(decision), StepKind::BackUp, "{spoiled}");
        },
    );
    let later = || due("").at(10);
    either(later, schedule, |_, decision, spoiled| {
        assert_eq!(decision.wake, Some(after(600)), "{spoiled}");
    });
    let wrong = "snapshots: {schedule: {cron: 'now and then'}}";
    let decision = due(schedule).respec(wrong).decide();
    assert_eq!(step(&decision), StepKind::BackUp);
    let decision = due("").respec(wrong).decide();
    assert_eq!(stalls(&decision).0, Reason::InvalidSpec);
}

#[test]
fn a_loop_is_answered_as_the_spec_says_or_last_said() {
    let looping = |spec: &str| {
        Case::running(spec).recorded().journal(|journal| {
            journal.health.get_or_insert_default().restart_loop = Some(LoopStatus {
                revision: good(),
                since: start_of_time(),
                found: "the job restarts".into(),
                subtasks: Vec::new(),
                cause: None,
                answer: None,
            });
        })
    };
    let stops = "health: {onUnhealthy: ForceStop}";
    either(
        || looping(""),
        stops,
        |_, decision, spoiled| {
            assert_eq!(step(decision), StepKind::ForceStop, "{spoiled}");
        },
    );
    let wrong = "health: {onUnhealthy: Report, restartLoop: {window: 1s}}";
    let decision = looping(stops).respec(wrong).decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    let answer = decision.journal.restart_loop().and_then(|known| known.answer);
    assert_eq!(answer, Some(OnUnhealthy::ForceStop));
    let decision = looping("").respec(wrong).decide();
    assert_eq!(stalls(&decision).0, Reason::JobUnhealthy);
}

#[test]
fn the_last_valid_terms_of_a_rollout_stand_in_for_those_that_are_not() {
    let holds = "rollout: {onFailure: Hold, gate: {maxRestarts: 9}}";
    let wrong = "rollout: {onFailure: Rollback, gate: {stableFor: 30m}}";
    let mut job = healthy_job();
    job.restarts = Some(5);
    let case = Case::running(holds).recorded();
    let known = case.app.status.unwrap().journal.last_valid;
    let case = in_gate().sees(job).at(10).respec(wrong);
    let decision = case.journal(|journal| journal.last_valid = known).decide();
    assert_eq!(waits(&decision), Reason::Verifying);
}
