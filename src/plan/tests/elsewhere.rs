//! Rollbacks of somebody else and of the service: recognised at any moment, verified, and never undone.

use super::gate::{after_looks, job, verifying};
use super::*;
use crate::api::status::HistoryResult;

pub(super) const BAD: &str = "parallelism: {parallelism: 4}";

pub(super) fn good() -> Desired {
    Case::new("").want().unwrap()
}

/// The rollback in the list, after the update of ours.
fn operations(update: OperationStatus) -> Vec<ObservedOperation> {
    let theirs = ObservedOperation {
        started_at: after(20),
        ended_at: Some(after(50)),
        ..operation("op-theirs", "RollbackApplication", OperationStatus::Successful)
    };
    let kind = "UpdateApplication";
    vec![
        theirs,
        operation("op-change", kind, update),
        operation("op-new", kind, update),
    ]
}

/// The case after somebody went back from version 3 to the content of the good revision.
pub(super) fn rolled_back(case: Case, good: &Desired) -> Case {
    case.world(|app| {
        app.version_id = 4;
        app.updated_from = Some(3);
        app.rolled_back_from = Some(3);
        app.configuration = good.configuration.clone();
        app.token = "token-4".into();
    })
    .operations(operations(OperationStatus::Successful))
    .at(60)
}

/// A change in its gate from the good revision.
pub(super) fn in_the_gate() -> Case {
    verifying(BAD).journal(|journal| {
        journal.revisions.as_mut().unwrap().good = Some(good().revision.to_string());
    })
}

pub(super) fn left(case: &Case) -> String {
    case.want().unwrap().revision.to_string()
}

fn is_held(decision: &Decision, from: &str, reason: Reason) {
    assert_eq!(stalls(decision).0, Reason::RolledBack);
    let held = &decision.journal.failed_revisions[..];
    assert_eq!(held.len(), 1);
    assert_eq!(
        (held[0].revision.as_str(), held[0].reason, held[0].answered),
        (from, reason, true)
    );
    let rolled_back = decision.journal.rolled_back.as_ref().unwrap();
    assert_eq!((rolled_back.from.as_str(), rolled_back.reason), (from, reason));
    let failed = decision
        .journal
        .history
        .iter()
        .any(|entry| entry.result == HistoryResult::Failed);
    assert!(!failed, "it is held and did not fail");
}

#[test]
fn a_rollback_by_somebody_else_in_the_gate_is_recorded_verified_and_not_undone() {
    let case = rolled_back(in_the_gate(), &good());
    let decision = case.decide();
    is_held(&decision, &left(&case), Reason::Manual);
    assert_eq!(told(&decision), ["RolledBackElsewhere"]);
    assert_eq!(decision.journal.revisions().running, Some(good().revision.to_string()));
    let back = job(|job| job.started_at = after(45));
    let proven = after_looks(
        rolled_back(in_the_gate(), &good()),
        vec![(60, back.clone()), (63, back.clone()), (184, back)],
    );
    is_held(&proven, &left(&case), Reason::Manual);
    assert_eq!(told(&proven), ["GatePassed"]);
    assert_eq!(proven.journal.revisions().good_version_id, Some(4));
    assert!(proven.journal.rollout.is_none() && proven.journal.way_back.is_none());
}

#[test]
fn a_rollback_to_content_that_nobody_knows_is_not_undone_either() {
    let unknown = Case::new("parallelism: {parallelism: 9}").want().unwrap();
    let case = rolled_back(in_the_gate(), &unknown);
    let decision = case.decide();
    is_held(&decision, &left(&case), Reason::Manual);
    assert_eq!(decision.journal.rolled_back.unwrap().to, unknown.revision.to_string());
}

/// The rollback with what ended before it, under system rollback or without.
fn after_operation(kind: &str, status: OperationStatus, ended: i64, system: bool) -> Case {
    let before = ObservedOperation {
        started_at: after(10),
        ended_at: Some(after(ended)),
        ..operation("op-before", kind, status)
    };
    let mut listed = operations(OperationStatus::Successful);
    listed.insert(1, before);
    let case = rolled_back(in_the_gate(), &good()).operations(listed);
    case.world(|app| app.configuration.system_rollback = system)
}

#[test]
fn only_a_rollback_that_follows_a_failed_change_at_once_is_one_of_the_service() {
    let (update, failed) = ("UpdateApplication", OperationStatus::Failed);
    let told = |case: Case, reason: Reason| {
        let decision = case.decide();
        is_held(&decision, &left(&case), reason);
        decision.notes[0].message.clone()
    };
    for kind in [update, "ApplicationAutoScaling"] {
        let message = told(after_operation(kind, failed, 19, true), Reason::System);
        assert!(message.starts_with("the service rolled"), "{message}");
    }
    let done = OperationStatus::Successful;
    for (status, ended, system) in [
        (failed, -600, true),
        (done, 19, true),
        (OperationStatus::Cancelled, 19, true),
        (failed, 19, false),
    ] {
        let message = told(after_operation(update, status, ended, system), Reason::Manual);
        assert!(
            message.starts_with("somebody else, or the service by itself,"),
            "{message}"
        );
    }
    for (kind, system) in [("StartApplication", true), (update, false)] {
        let message = told(after_operation(kind, done, 19, system), Reason::Manual);
        assert!(message.starts_with("somebody else rolled"), "{message}");
    }
}

#[test]
fn a_rollback_that_no_operation_tells_of_is_of_nobody_where_the_service_may_have_made_it() {
    let case = rolled_back(in_the_gate(), &good()).operations(vec![]);
    let case = case.world(|app| app.configuration.system_rollback = true);
    let decision = case.decide();
    is_held(&decision, &left(&case), Reason::Manual);
    assert!(decision.notes[0].message.starts_with("somebody else, or the service"));
}

/// An update of ours that goes on; its answer named version 3 or was lost.
fn under_way(answered: bool) -> Case {
    let phase = if answered { Phase::Issued } else { Phase::Unknown };
    in_the_gate()
        .journal(|journal| {
            let rollout = journal.rollout.as_mut().unwrap();
            rollout.gate = None;
            rollout.updated_version_id = None;
            let revisions = journal.revisions.as_mut().unwrap();
            revisions.running.clone_from(&revisions.good);
        })
        .intent(StepKind::Update, phase)
        .journal(|journal| {
            journal.intent.as_mut().unwrap().to_version_id = answered.then_some(3);
        })
}

#[test]
fn a_rollback_that_interrupts_an_update_is_not_undone() {
    for answered in [true, false] {
        for update in [OperationStatus::Cancelled, OperationStatus::Successful] {
            let case = rolled_back(under_way(answered), &good()).operations(operations(update));
            is_held(&case.decide(), &left(&case), Reason::Manual);
        }
    }
    let reused = rolled_back(under_way(true), &good()).world(|app| app.version_id = 2);
    let reused = reused.operations(operations(OperationStatus::Cancelled));
    is_held(&reused.decide(), &left(&reused), Reason::Manual);
}

#[test]
fn a_retry_or_another_revision_lifts_what_a_rollback_holds_at_once() {
    let held = || rolled_back(in_the_gate(), &good()).recorded().at(70);
    let retried = held().annotate("sluicegate.dev/retry-requested-at", "1").decide();
    assert_eq!(step(&retried), StepKind::TakeSnapshot);
    assert_eq!(retried.journal.failed_revisions, []);
    let newer = held().respec("parallelism: {parallelism: 6}").decide();
    assert_eq!(step(&newer), StepKind::TakeSnapshot);
    let reverted = held().respec("").decide();
    assert_eq!(waits(&reverted), Reason::RollingBack);
}

#[test]
fn trouble_of_what_a_rollback_brought_is_only_told() {
    let looping = job(|job| {
        job.started_at = after(45);
        job.restarts = Some(5);
    });
    let case = || rolled_back(in_the_gate(), &good());
    let decision = after_looks(case(), vec![(60, looping.clone()), (63, looping)]);
    assert_eq!(stalls(&decision).0, Reason::RollbackFailed);
    assert_eq!(decision.journal.failed_revisions.len(), 1);
}

#[test]
fn a_rollback_of_a_restart_leaves_nothing() {
    let case = rolled_back(verifying(BAD), &Case::new(BAD).want().unwrap());
    let decision = case.sees(job(|job| job.started_at = after(45))).decide();
    assert_eq!(waits(&decision), Reason::Verifying);
    assert_eq!(decision.journal.failed_revisions, []);
    assert!(decision.journal.rolled_back.is_none());
}

#[test]
fn a_good_revision_that_was_left_stays_good_where_what_is_in_place_is_not_proven() {
    let case = Case::running(BAD);
    let decision = rolled_back(case, &good()).decide();
    let revision = Case::new(BAD).want().unwrap().revision.to_string();
    is_held(&decision, &revision, Reason::Manual);
    assert_eq!(decision.journal.revisions().good, Some(revision));
}

#[test]
fn a_rollback_that_failed_and_left_the_application_stopped_starts_what_is_in_place() {
    let case = rolled_back(in_the_gate(), &good()).world(|app| app.status = ApplicationStatus::Ready);
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Start);
    assert_eq!(
        decision.journal.intent.unwrap().revision,
        Some(good().revision.to_string())
    );
}

#[test]
fn a_retry_after_what_is_in_place_was_verified_is_a_change_of_ours_and_no_drift() {
    for drift in ["Report", "Correct"] {
        let spec = format!("{BAD}\nmanagement: {{drift: {drift}}}");
        let held = in_the_gate().respec(&spec);
        let revision = left(&held);
        let held = held.journal(|journal| {
            let handled = journal.handled.get_or_insert_default();
            handled.brought = Some(revision.clone());
            handled.approval = Some(revision);
        });
        let mut case = rolled_back(held, &good()).sees(job(|job| job.started_at = after(51)));
        for second in [60, 63, 200, 330] {
            case = case.at(second).recorded();
        }
        let journal = &case.app.status.as_ref().unwrap().journal;
        assert!(journal.way_back.is_none() && journal.rollout.is_none(), "{journal:?}");
        let retried = case.annotate("sluicegate.dev/retry-requested-at", "1").decide();
        assert_eq!(step(&retried), StepKind::TakeSnapshot, "{drift}");
        assert!(!told(&retried).contains(&"DriftCorrected"));
    }
}
