//! A good revision whose job came up without its state.

use super::gate::rollout_of;
use super::*;
use crate::api::status::{FailedRevision, GateStatus, LastFailure, RolloutStatus, WayBack};

/// The failure of a revision whose job came up without its state.
fn stateless(revision: &str) -> LastFailure {
    LastFailure {
        at: start_of_time(),
        revision: Some(revision.to_owned()),
        reason: Reason::StateNotRestored,
        cause: "it came up without its state".into(),
        source: "FlinkRest".into(),
    }
}

/// A job that does well and restored nothing.
fn empty_job() -> ObservedJob {
    let mut job = healthy_job();
    job.checkpoints.as_mut().unwrap().restored = Restored::Nothing;
    job
}

#[test]
fn a_good_revision_that_came_up_without_its_state_is_not_proven_by_a_stop_that_was_never_sent() {
    let case = Case::running("");
    let revision = case.want().unwrap().revision.to_string();
    let case = case.journal(|journal| {
        assert_eq!(journal.revisions().good.as_ref(), Some(&revision));
        journal.last_failure = Some(stateless(&revision));
    });
    let decision = case.at(10).recorded().sees(empty_job()).at(13).decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
}

#[test]
fn a_start_that_failed_before_is_no_job_without_its_state() {
    let case = Case::running("");
    let revision = case.want().unwrap().revision.to_string();
    let again = |reason: Reason| {
        let operation = operation("op-start", "StartApplication", OperationStatus::Successful);
        let case = Case::running("").operations(vec![operation]).journal(|journal| {
            journal.last_failure = Some(LastFailure {
                at: start_of_time() - SignedDuration::from_secs(60),
                reason,
                ..stateless(&revision)
            });
            journal.rollout = Some(RolloutStatus {
                gate: Some(GateStatus {
                    operation_id: Some("op-start".into()),
                    state_expected: true,
                    ..GateStatus::since(after(1))
                }),
                ..rollout_of(&revision)
            });
        });
        case.at(10).sees(empty_job()).decide()
    };
    assert_eq!(step(&again(Reason::StartFailed)), StepKind::ForceStop);
    assert_eq!(stalls(&again(Reason::StateNotRestored)).0, Reason::RollbackFailed);
}

#[test]
fn a_retry_does_not_prove_a_job_that_came_up_without_its_state() {
    let case = Case::running("");
    let revision = case.want().unwrap().revision.to_string();
    let case = case
        .journal(|journal| {
            let revisions = journal.revisions.as_mut().unwrap();
            revisions.good = Some("older".into());
            revisions.good_version_id = Some(2);
            journal.failed_revisions.push(FailedRevision {
                revision: revision.clone(),
                reason: Reason::StateNotRestored,
                at: start_of_time(),
                answered: true,
            });
            journal.last_failure = Some(stateless(&revision));
            journal.way_back = Some(WayBack::new(
                revision.clone(),
                "older".into(),
                2,
                Reason::GateFailed,
                start_of_time(),
            ));
        })
        .annotate("sluicegate.dev/retry-requested-at", "1")
        .at(10);
    let decision = case.recorded().sees(empty_job()).at(13).decide();
    let failed = &decision.journal.failed_revisions[0];
    assert_eq!((failed.at, failed.reason), (after(13), Reason::StateNotRestored));
    assert_eq!(decision.journal.way_back.unwrap().to, "older");
}
