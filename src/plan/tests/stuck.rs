//! What hangs, and how it is got out of.

use super::gate::rollout_of;
use super::rollback::failed_change;
use super::*;
use crate::api::status::{RefusalClass, RefusalStatus};

/// A fix of the failed change that was accepted over its looping job and hangs in UPDATING until the deadline.
fn hanging_fix() -> Case {
    let case = failed_change("").journal(|journal| journal.failed_revisions.clear());
    let fixed = case.respec("parallelism: {parallelism: 6}");
    let revision = fixed.want().unwrap().revision.to_string();
    fixed
        .journal(|journal| journal.rollout = Some(rollout_of(&revision)))
        .under_way(StepKind::Update, ApplicationStatus::Updating)
        .at(1801)
}

/// The case after the forced stop that it plans was made.
fn stopped(case: Case) -> Case {
    case.recorded()
        .journal(|journal| {
            journal.intent = None;
            journal.revisions.as_mut().unwrap().running = None;
        })
        .world(|app| app.status = ApplicationStatus::Ready)
}

#[test]
fn a_fix_that_hangs_over_a_job_that_was_never_proven_is_not_condemned_and_gets_through_by_force() {
    let decision = hanging_fix().decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    assert!(decision.journal.failed_revisions.is_empty());
    let deadline = decision.journal.rollout.as_ref().unwrap().deadline;
    assert_eq!(deadline, after(1801 + 1800), "its job has a time of its own");
    let stopped = stopped(hanging_fix())
        .journal(|journal| journal.unproven[0].until = Some(after(1810)))
        .operations(Vec::new())
        .at(1820);
    assert_eq!(step(&stopped.decide()), StepKind::Update);
    let want = stopped.want().unwrap().configuration;
    let updated = stopped.world(|app| app.configuration = want);
    assert_eq!(restore(&updated.decide()), Restore::Named("own".into()));
}

#[test]
fn a_change_that_hangs_over_a_job_that_was_proven_is_condemned() {
    let good = failed_change("").app.status.unwrap().journal.revisions().good;
    let case = hanging_fix().journal(|journal| journal.revisions.as_mut().unwrap().running = good);
    let decision = case.decide();
    assert_eq!(decision.journal.failed_revisions[0].reason, Reason::DeadlineExceeded);
}

#[test]
fn what_lasts_too_long_names_the_forced_stop_where_it_is_legal() {
    let overdue = |more: &str, status: ApplicationStatus| {
        let stop = operation("op-new", "StopApplication", OperationStatus::InProgress);
        let case = Case::running("").respec(more).world(|app| app.status = status);
        stalls(&case.operations(vec![stop]).at(1802).decide()).1
    };
    for (more, status) in [
        ("desiredState: Stopped", ApplicationStatus::Stopping),
        ("", ApplicationStatus::AutoScaling),
    ] {
        let message = overdue(more, status);
        assert!(message.contains("force-stop-requested-at"), "{message}");
    }
    let message = overdue("", ApplicationStatus::Maintenance);
    assert!(!message.contains("force-stop-requested-at"), "{message}");
}

#[test]
fn a_stop_or_a_restart_that_hangs_is_ended_by_force_only_where_there_is_state_to_start_from() {
    for (kind, status) in [
        (StepKind::Stop, ApplicationStatus::Stopping),
        (StepKind::Restart, ApplicationStatus::Updating),
    ] {
        let hanging = || Case::running("").under_way(kind, status.clone()).at(1802);
        assert_eq!(step(&hanging().decide()), StepKind::ForceStop, "{kind:?}");
        let without = hanging().snapshots(Vec::new());
        assert_eq!(stalls(&without.decide()).0, Reason::NoRestorePoint, "{kind:?}");
    }
}

#[test]
fn a_stop_that_hangs_is_ended_by_force_on_request() {
    let hanging = Case::running("")
        .respec("desiredState: Stopped")
        .under_way(StepKind::Stop, ApplicationStatus::Stopping)
        .at(1802);
    assert_eq!(stalls(&hanging.decide()).0, Reason::DeadlineExceeded);
    let asked = hanging.annotate("sluicegate.dev/force-stop-requested-at", "1");
    assert_eq!(step(&asked.decide()), StepKind::ForceStop);
    assert_eq!(
        stopped(asked).decide().plan,
        Plan::Rest,
        "it is stopped, as the spec asks"
    );
}

#[test]
fn a_restart_that_hangs_is_ended_by_force_and_the_job_started_again() {
    let hanging = Case::running("restartNonce: 1")
        .under_way(StepKind::Restart, ApplicationStatus::Updating)
        .at(1802);
    let decision = hanging.decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    assert!(decision.journal.failed_revisions.is_empty());
    let stopped = stopped(hanging)
        .operations(Vec::new())
        .snapshots(vec![snapshot("newest", 1, SnapshotStatus::Ready)]);
    assert_eq!(restore(&stopped.decide()), Restore::Named("newest".into()));
}

#[test]
fn a_restart_of_a_job_that_stays_down_is_made_by_force() {
    let down = Case::running("restartNonce: 1")
        .snapshots(vec![snapshot("newest", 1, SnapshotStatus::Ready)])
        .journal(|journal| {
            journal.refusal = Some(RefusalStatus {
                step: StepKind::Restart,
                revision: journal.revisions().running,
                generation: 1,
                class: RefusalClass::JobDown,
                message: "downtime".into(),
                first_at: start_of_time(),
                last_at: after(100),
            });
        });
    let down = down.at(310);
    assert_eq!(step(&down.decide()), StepKind::Restart);
    let again = down.journal(|journal| journal.refusal.as_mut().unwrap().last_at = after(310));
    assert_eq!(step(&again.decide()), StepKind::ForceStop);
}

/// Somebody else's operation that goes on for longer than the deadline.
fn theirs(kind: &str, status: ApplicationStatus) -> Case {
    let began = operation("op-theirs", kind, OperationStatus::InProgress);
    let case = Case::running("")
        .world(|app| app.status = status)
        .operations(vec![began]);
    let case = case.journal(|journal| journal.revisions.as_mut().unwrap().running = None);
    case.respec("parallelism: {parallelism: 6}").at(1802)
}

fn is_left_to_people(case: &Case) {
    let decision = case.decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::DeadlineExceeded);
    assert!(message.contains("force-stop-requested-at"), "{message}");
    assert_eq!(decision.journal.failed_revisions, []);
}

#[test]
fn a_start_or_stop_of_somebody_else_that_hangs_is_left_to_people() {
    for (kind, status) in [
        ("StartApplication", ApplicationStatus::Starting),
        ("StopApplication", ApplicationStatus::Stopping),
        ("UpdateApplication", ApplicationStatus::Updating),
    ] {
        let case = theirs(kind, status.clone());
        is_left_to_people(&case);
        let asked = theirs(kind, status).annotate("sluicegate.dev/force-stop-requested-at", "1");
        assert_eq!(step(&asked.decide()), StepKind::ForceStop);
    }
    let wanted = theirs("UpdateApplication", ApplicationStatus::Updating);
    let content = wanted.want().unwrap().configuration;
    let revision = wanted.want().unwrap().revision.to_string();
    let wanted = wanted
        .world(|app| app.configuration = content)
        .journal(|journal| journal.rollout = Some(rollout_of(&revision)));
    is_left_to_people(&wanted);
}

#[test]
fn a_start_of_somebody_else_beside_a_call_of_ours_that_is_over_is_left_to_people() {
    for (step, kind, status) in [
        (StepKind::Start, "StartApplication", ApplicationStatus::Starting),
        (StepKind::Stop, "StopApplication", ApplicationStatus::Stopping),
        (StepKind::Restart, "UpdateApplication", ApplicationStatus::Updating),
        (StepKind::Update, "UpdateApplication", ApplicationStatus::Updating),
    ] {
        let over = operation("op-new", kind, OperationStatus::Cancelled);
        let began = operation("op-theirs", kind, OperationStatus::InProgress);
        let case = theirs(kind, status.clone()).issued(step);
        is_left_to_people(&case.operations(vec![began.clone(), over]));
        let late = ObservedOperation {
            started_at: after(90),
            ..began
        };
        let case = theirs(kind, status).intent(step, Phase::Unknown);
        is_left_to_people(&case.operations(vec![late]).at(1900));
    }
}

#[test]
fn what_is_ours_and_hangs_is_ended_although_its_forced_stop_was_refused() {
    for (step_of, kind, status) in [
        (StepKind::Start, "StartApplication", ApplicationStatus::Starting),
        (StepKind::Stop, "StopApplication", ApplicationStatus::Stopping),
        (StepKind::Restart, "UpdateApplication", ApplicationStatus::Updating),
    ] {
        let began = operation("op-new", kind, OperationStatus::InProgress);
        let case = Case::running("")
            .under_way(step_of, status)
            .operations(vec![began])
            .at(1802);
        assert_eq!(step(&case.decide()), StepKind::ForceStop);
        let refused = case.recorded().journal(|journal| journal.intent = None).at(1810);
        assert_eq!(step(&refused.decide()), StepKind::ForceStop, "{step_of:?}");
    }
}

#[test]
fn what_somebody_else_begins_on_a_way_back_is_awaited() {
    for (kind, status) in [
        ("StartApplication", ApplicationStatus::Starting),
        ("UpdateApplication", ApplicationStatus::Updating),
    ] {
        let theirs = ObservedOperation {
            started_at: after(80),
            ..operation("op-theirs", kind, OperationStatus::InProgress)
        };
        let case = failed_change("").recorded().journal(|journal| {
            journal.intent = None;
            journal.way_back.as_mut().unwrap().rollback_refused = true;
        });
        let case = case.world(|app| app.status = status).operations(vec![theirs]);
        let decision = case.at(90).decide();
        assert_eq!(waits(&decision), Reason::RollingBack);
    }
}

#[test]
fn a_call_that_waits_for_an_operation_of_somebody_else_for_long_says_so() {
    let waiting = |second: i64, more: &str| {
        let theirs = operation("op-theirs", "ApplicationMaintenance", OperationStatus::InProgress);
        let case = Case::running("").recorded().journal(|journal| journal.intent = None);
        case.respec(more).operations(vec![theirs]).at(second)
    };
    let change = "parallelism: {parallelism: 4}";
    assert_eq!(waits(&waiting(60, change).decide()), Reason::Pending);
    let (reason, message) = stalls(&waiting(1802, change).decide());
    assert_eq!(reason, Reason::DeadlineExceeded);
    assert!(message.contains("op-theirs"), "{message}");
    let tags = waiting(1802, "tags: {team: orders}").decide();
    assert!(matches!(tags.plan, Plan::Wait(_)), "{:?}", tags.plan);
}
