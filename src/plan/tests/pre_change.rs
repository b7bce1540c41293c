//! The snapshot before a change that the service takes not: no update follows it in the same attempt.

use super::gate::job;
use super::refusals::refused;
use super::*;
use crate::api::status::PreChange;
use crate::fault::FaultKind;

/// The moments at which a refused call is sent again: at double the distance.
const ATTEMPTS: [i64; 8] = [0, 5, 10, 20, 40, 80, 160, 320];

fn change(more: &str) -> Case {
    Case::running("").respec(&format!("parallelism: {{parallelism: 4}}\n{more}"))
}

/// The case after the snapshot was refused for downtime at every attempt, five minutes long and once more.
fn refused_throughout(mut case: Case) -> Case {
    for second in ATTEMPTS {
        case = refused(case.at(second), FaultKind::JobDown);
    }
    case
}

fn restarting() -> ObservedJob {
    job(|job| job.vertices[0].running = 0)
}

#[test]
fn a_snapshot_that_is_refused_for_downtime_is_tried_again_and_no_update_is_sent_instead() {
    let mut case = change("");
    for second in ATTEMPTS {
        case = case.at(second).sees(healthy_job());
        assert_eq!(step(&case.decide()), StepKind::TakeSnapshot, "second {second}");
        case = refused(case, FaultKind::JobDown);
        if second < 300 {
            assert_eq!(waits(&case.decide()), Reason::Updating, "second {second}");
        }
    }
}

#[test]
fn a_snapshot_that_failed_is_tried_again_under_another_name_and_no_update_is_sent_instead() {
    let case = change("").recorded();
    let name = case.decide().journal.intent.unwrap().snapshot.unwrap();
    let case = case.snapshots(vec![
        snapshot("kept", -60, SnapshotStatus::Ready),
        snapshot(&name, 1, SnapshotStatus::Failed),
    ]);
    let failed = case.at(20).recorded();
    assert_eq!(waits(&failed.decide()), Reason::Updating);
    let next = failed.at(25).decide();
    assert_eq!(
        next.plan,
        Plan::Do(Step::TakeSnapshot {
            name: format!("{name}-2")
        })
    );
}

#[test]
fn a_job_that_is_seen_down_and_gives_no_snapshot_is_stopped_by_force_after_the_window() {
    let case = refused_throughout(change("")).at(321).sees(restarting());
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    assert!(decision.journal.failed_revisions.is_empty());
}

#[test]
fn a_job_that_is_up_or_not_seen_is_changed_without_the_snapshot_after_the_window() {
    let seen = refused_throughout(change("")).at(321).sees(healthy_job());
    let mut blind = refused_throughout(change("")).at(321);
    blind.world.job = Sight::Blind("denied".into());
    for case in [seen, blind] {
        let decision = case.decide();
        assert_eq!(step(&decision), StepKind::Update);
        assert_eq!(decision.journal.rollout.unwrap().pre_change, Some(PreChange::NotTaken));
    }
}

#[test]
fn a_required_snapshot_stalls_after_the_window_and_names_its_cause() {
    for seen in [restarting(), healthy_job()] {
        let case = refused_throughout(change("rollout: {preChangeSnapshot: Required}"));
        let case = case.at(321).sees(seen);
        let (reason, message) = stalls(&case.decide());
        assert_eq!(reason, Reason::NoRestorePoint);
        assert!(message.contains("(no)"), "{message}");
        let later = case.recorded().at(100_000);
        assert_eq!(stalls(&later.decide()).0, Reason::NoRestorePoint);
        let again = later.annotate("sluicegate.dev/retry-requested-at", "1").decide();
        assert_eq!(step(&again), StepKind::TakeSnapshot);
    }
}

#[test]
fn a_refusal_of_long_ago_forces_nothing_before_the_call_is_sent_once_more() {
    let case = refused_throughout(change("")).at(900).sees(restarting());
    assert_eq!(step(&case.decide()), StepKind::TakeSnapshot);
    let mut update = change("rollout: {preChangeSnapshot: Never}");
    for second in ATTEMPTS {
        update = update.at(second);
        assert_eq!(step(&update.decide()), StepKind::Update, "second {second}");
        update = refused(update, FaultKind::JobDown);
    }
    assert_eq!(step(&update.decide()), StepKind::ForceStop);
    assert_eq!(step(&update.at(900).decide()), StepKind::Update);
}

#[test]
fn a_snapshot_in_the_making_is_awaited_until_the_deadline_of_the_change() {
    let case = change("").recorded();
    let name = case.decide().journal.intent.unwrap().snapshot.unwrap();
    let case = case
        .journal(|journal| journal.intent.as_mut().unwrap().phase = Phase::Issued)
        .snapshots(vec![snapshot(&name, 1, SnapshotStatus::Creating)]);
    let case = case.at(1799);
    assert_eq!(waits(&case.decide()), Reason::Updating);
    let given_up = case.at(1800).recorded();
    assert_eq!(waits(&given_up.decide()), Reason::Updating);
    let Plan::Do(Step::TakeSnapshot { name: next }) = given_up.at(1806).decide().plan else {
        panic!("no other snapshot")
    };
    assert_ne!(next, name);
}

#[test]
fn a_job_that_stays_down_without_a_state_to_start_from_is_left_alone_until_it_is_seen_up() {
    let no_snapshot = || change("").snapshots(Vec::new());
    let never = || change("rollout: {preChangeSnapshot: Never}").snapshots(Vec::new());
    for case in [no_snapshot(), never()] {
        let mut down = refused_throughout(case).sees(restarting());
        for second in [321, 400, 100_000] {
            down = down.at(second);
            let decision = down.decide();
            let (reason, _) = stalls(&decision);
            assert_eq!(reason, Reason::NoRestorePoint, "second {second}");
            assert!(matches!(decision.plan, Plan::Stall(stall) if stall.recheck.is_some()));
        }
        let up = down.sees(healthy_job()).decide();
        assert!(matches!(step(&up), StepKind::TakeSnapshot | StepKind::Update));
    }
}

#[test]
fn a_job_that_a_look_shows_up_is_not_stopped_by_force_whatever_the_service_says() {
    let case = refused_throughout(change("rollout: {preChangeSnapshot: Never}")).at(321);
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
    let up = case.sees(healthy_job());
    assert!(!matches!(up.decide().plan, Plan::Do(Step::ForceStop)));
    assert_eq!(step(&up.at(700).decide()), StepKind::Update);
}
