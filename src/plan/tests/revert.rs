//! A spec that returns to the good revision before the newer one was proven: the rollback, at once.

use super::gate::{job, rollout_of};
use super::refusals::refused;
use super::rollback::{failed_change, returned};
use super::*;
use crate::api::status::{GateStatus, Requests, RolloutStatus};
use crate::fault::FaultKind;

/// The spec returns to the good version 3 while the job of version 4 is verified.
fn reverted(more: &str) -> Case {
    let case = failed_change("").journal(|journal| {
        journal.failed_revisions.clear();
        let revision = journal.revisions().target.unwrap();
        journal.rollout = Some(RolloutStatus {
            updated_version_id: Some(4),
            gate: Some(GateStatus {
                operation_id: Some("op-change".into()),
                state_expected: true,
                ..GateStatus::since(after(1))
            }),
            ..rollout_of(&revision)
        });
    });
    case.sees(job(|job| job.restarts = Some(7))).respec(more)
}

/// The same while the update to version 4 goes on.
fn reverted_while_updating() -> Case {
    super::rollback::overdue_update("")
        .journal(|journal| {
            let revisions = journal.revisions.as_mut().unwrap();
            revisions.running = revisions.good.clone();
        })
        .respec("")
        .at(60)
}

/// A snapshot that the job on trial made after it came.
fn with_its_own_snapshot(case: Case) -> Case {
    case.snapshots(vec![
        snapshot("on-trial", 30, SnapshotStatus::Ready),
        snapshot("own", 5, SnapshotStatus::Ready),
    ])
}

#[test]
fn a_return_to_the_good_revision_out_of_the_gate_is_a_rollback_at_once() {
    let decision = reverted("").decide();
    assert_eq!(decision.plan, Plan::Do(Step::RollBack { version_id: 4 }));
    assert!(decision.journal.failed_revisions.is_empty());
    assert_eq!(decision.journal.way_back.unwrap().reason, Reason::Reverted);
    assert!(decision.notes.iter().all(|note| !note.warning), "{:?}", decision.notes);
}

#[test]
fn where_a_rollback_does_not_fit_an_update_names_the_state_of_the_good_job() {
    let decision = with_its_own_snapshot(reverted("")).decide();
    assert_eq!(step(&decision), StepKind::Update);
    assert_eq!(restore(&decision), Restore::Named("own".into()));
}

#[test]
fn a_job_that_is_too_sick_for_that_update_is_stopped_by_force_at_once() {
    let case = refused(with_its_own_snapshot(reverted("")), FaultKind::JobDown);
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
}

#[test]
fn what_waits_for_approval_or_a_window_is_no_return_to_the_good_revision() {
    let shut = "rollout: {changeWindows: [{name: w, cron: '0 0 1 1 *', duration: 1h}]}";
    for more in ["rollout: {approval: Manual}", shut] {
        let decision = reverted(more).decide();
        assert_eq!(step(&decision), StepKind::RollBack, "{more}");
        let stopped = reverted(more)
            .journal(|journal| journal.way_back = decision.journal.way_back.clone())
            .world(|app| app.status = ApplicationStatus::Ready);
        assert_eq!(step(&stopped.decide()), StepKind::Update, "{more}");
    }
}

#[test]
fn with_snapshots_off_it_is_an_update_that_restores_nothing() {
    let off =
        "snapshots: {enabled: false}\nrestore: {onStart: None, onUpdate: None}\nrollout: {preChangeSnapshot: Never}";
    let good = Case::running(off).want().unwrap();
    let case = reverted(off).world(|app| app.configuration.snapshots_enabled = false);
    let case = case.journal(|journal| journal.revisions.as_mut().unwrap().good = Some(good.revision.to_string()));
    let mut case = case.snapshots(Vec::new());
    case.world.versions.get_mut(&3).unwrap().configuration = good.configuration;
    assert_eq!(restore(&case.decide()), Restore::Skip);
}

#[test]
fn without_a_state_to_go_back_to_the_job_is_left_as_it_is() {
    let case = reverted("").snapshots(vec![snapshot("on-trial", 30, SnapshotStatus::Ready)]);
    assert_eq!(stalls(&case.decide()).0, Reason::NoRestorePoint);
}

#[test]
fn an_update_in_time_is_left_at_once_only_with_a_snapshot_of_its_change() {
    assert_eq!(step(&reverted_while_updating().decide()), StepKind::RollBack);
    let older = reverted_while_updating().snapshots(vec![snapshot("kept", -60, SnapshotStatus::Ready)]);
    assert_eq!(waits(&older.decide()), Reason::Updating);
    let other = reverted_while_updating().world(|app| app.updated_from = Some(2));
    assert_eq!(waits(&other.decide()), Reason::Updating);
    assert_eq!(step(&other.at(1801).decide()), StepKind::ForceStop);
    let unanswered = reverted_while_updating().journal(|journal| {
        journal.intent.as_mut().unwrap().phase = Phase::Unknown;
    });
    assert_eq!(waits(&unanswered.at(59).decide()), Reason::Updating);
}

#[test]
fn the_versions_that_decide_it_are_read_beforehand() {
    for case in [reverted(""), reverted_while_updating()] {
        let want = case.want();
        let observed = case.world.application.as_ref();
        let needs = crate::plan::needs(&case.app, want.as_ref(), observed, &case.world.restarts, case.now);
        assert_eq!(needs.versions, [3]);
    }
}

#[test]
fn a_good_version_that_the_service_does_not_tell_any_more_is_brought_from_the_spec() {
    let mut case = reverted("");
    case.world.versions.clear();
    assert_eq!(waits(&case.decide()), Reason::RollingBack);
    let decision = case.recorded().decide();
    assert_eq!(step(&decision), StepKind::Update);
    assert_eq!(restore(&decision), Restore::Named("own".into()));
}

#[test]
fn the_revision_that_was_left_may_be_asked_for_again() {
    let sent = reverted("").recorded();
    let again = sent
        .journal(|journal| journal.intent = None)
        .respec("parallelism: {parallelism: 4}");
    let decision = again.decide();
    assert!(decision.journal.way_back.is_none());
    assert!(
        !matches!(decision.plan, Plan::Do(_) | Plan::Stall(_)),
        "{:?}",
        decision.plan
    );
}

#[test]
fn once_the_good_revision_is_back_it_is_what_the_spec_asks_for() {
    let sent = reverted("").recorded().journal(|journal| {
        journal.intent.as_mut().unwrap().phase = Phase::Issued;
        journal.intent.as_mut().unwrap().operation_id = Some("op-rb".into());
    });
    let back = returned(sent, ApplicationStatus::Running).operations(vec![operation(
        "op-rb",
        "RollbackApplication",
        OperationStatus::Successful,
    )]);
    let decision = back.at(100).sees(healthy_job()).decide();
    assert_eq!(waits(&decision), Reason::Verifying);
    let revisions = decision.journal.revisions();
    assert!(decision.journal.way_back.is_none());
    assert_eq!(revisions.running, revisions.good);
    assert_eq!(decision.journal.requests(), Requests::default());
}

#[test]
fn a_job_that_was_left_running_after_its_failure_is_left_by_the_same_way() {
    let held = failed_change("").journal(|journal| journal.failed_revisions[0].answered = true);
    assert_eq!(step(&held.respec("").decide()), StepKind::RollBack);
}

#[test]
fn a_job_that_could_not_be_proven_in_its_time_keeps_its_state_on_the_return() {
    let condition = serde_json::json!({
        "type": "Stalled", "status": "True", "reason": "Unverified", "message": "", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:30:00Z",
    });
    let mut case = reverted("rollout: {preChangeSnapshot: Never}").at(1910);
    case.world.job = Sight::Blind("denied".into());
    let status = case.app.status.as_mut().unwrap();
    status.conditions = vec![serde_json::from_value(condition).unwrap()];
    assert_eq!(restore(&case.decide()), Restore::Latest);
}

#[test]
fn the_ordinary_way_of_a_job_that_could_not_be_proven_is_gone_to_its_end() {
    let condition = serde_json::json!({
        "type": "Stalled", "status": "True", "reason": "Unverified", "message": "", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:30:00Z",
    });
    let mut case = reverted("").at(1910);
    case.world.job = Sight::Blind("denied".into());
    case.app.status.as_mut().unwrap().conditions = vec![serde_json::from_value(condition).unwrap()];
    assert_eq!(step(&case.decide()), StepKind::TakeSnapshot);
    let mut next = case.recorded().journal(|journal| {
        journal.intent = None;
        journal.rollout.as_mut().unwrap().pre_change = Some(crate::api::status::PreChange::Taken);
    });
    next.app.status.as_mut().unwrap().conditions.clear();
    assert_eq!(restore(&next.decide()), Restore::Latest);
}

#[test]
fn the_update_of_a_return_is_sent_once_and_its_gate_expects_the_state() {
    let sent = with_its_own_snapshot(reverted("")).recorded().journal(|journal| {
        let intent = journal.intent.as_mut().unwrap();
        intent.phase = Phase::Issued;
        intent.operation_id = Some("op-back".into());
    });
    let operation = operation("op-back", "UpdateApplication", OperationStatus::Successful);
    let back = returned(sent, ApplicationStatus::Running)
        .world(|app| app.token = "token-5".into())
        .operations(vec![operation])
        .sees(healthy_job())
        .at(100);
    let journal = back.decide().journal;
    assert!(journal.way_back.is_none());
    let gate = journal.rollout.unwrap().gate.unwrap();
    assert!(gate.state_expected);
    assert_eq!(gate.operation_id.as_deref(), Some("op-back"));
}

#[test]
fn an_update_in_time_is_awaited_when_its_rollback_is_refused() {
    let refused = refused(reverted_while_updating(), FaultKind::Denied);
    assert_eq!(waits(&refused.decide()), Reason::RollingBack);
    assert_eq!(step(&refused.at(1801).decide()), StepKind::ForceStop);
}
