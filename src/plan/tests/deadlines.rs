//! Deadlines: whose time runs, from when on, and what may be concluded when it is over.

use super::gate::{after_looks, job, rollout_of, verifying};
use super::rollback::{failed_change, overdue_update, returned};
use super::*;
use crate::api::status::{PreChange, RefusalClass, RefusalStatus, RolloutStatus};

const FIX: &str = "parallelism: {parallelism: 6}";

fn restoring() -> ObservedJob {
    job(|job| job.vertices[1].running = 0)
}

fn is_verifying(decision: &Decision) {
    assert_eq!(waits(decision), Reason::Verifying);
    assert_eq!(decision.journal.failed_revisions, []);
}

#[test]
fn a_job_that_is_up_when_it_is_first_seen_after_the_deadline_gets_the_time_to_prove_itself() {
    is_verifying(&after_looks(verifying(""), vec![(2400, healthy_job())]));
    let proven = after_looks(verifying(""), vec![(2400, healthy_job()), (2521, healthy_job())]);
    assert_eq!(proven.plan, Plan::Rest);
    let failing = job(|job| {
        let checkpoints = job.checkpoints.as_mut().unwrap();
        (checkpoints.completed, checkpoints.failed) = (0, 1);
    });
    is_verifying(&after_looks(
        verifying(""),
        vec![(2400, failing.clone()), (2530, failing)],
    ));
}

#[test]
fn a_job_that_restarts_after_the_deadline_within_what_is_tolerated_gets_its_time_again() {
    let once = job(|job| job.restarts = Some(1));
    let looks = vec![
        (2400, healthy_job()),
        (2440, restoring()),
        (2500, once.clone()),
        (2600, once),
    ];
    is_verifying(&after_looks(verifying(""), looks));
}

#[test]
fn a_job_that_is_late_is_condemned_by_looks_alone_and_none_may_show_it_up() {
    is_verifying(&after_looks(verifying(""), vec![(2400, restoring())]));
    is_verifying(&after_looks(
        verifying(""),
        vec![(10, restoring()), (2400, restoring())],
    ));
    let looks = vec![(2400, restoring()), (2520, restoring())];
    is_verifying(&after_looks(verifying(""), looks.clone()));
    let condemned = after_looks(verifying(""), [looks, vec![(2521, restoring())]].concat());
    assert_eq!(condemned.journal.failed_revisions[0].reason, Reason::DeadlineExceeded);
    let looks = vec![(2400, restoring()), (2460, healthy_job()), (2521, restoring())];
    is_verifying(&after_looks(verifying(""), looks));
    let spec = "rollout: {gate: {stableFor: 0s, minCompletedCheckpoints: 0}}";
    is_verifying(&after_looks(verifying(spec), vec![(2400, restoring())]));
    let condemned = after_looks(verifying(spec), vec![(2400, restoring()), (2403, restoring())]);
    assert_eq!(condemned.journal.failed_revisions.len(), 1);
}

#[test]
fn looks_that_show_nothing_or_beside_an_operation_of_somebody_else_condemn_no_late_job() {
    let mut blind = verifying("");
    blind.world.job = Sight::Blind("denied".into());
    let blind = blind.at(2400).recorded();
    is_verifying(&after_looks(blind, vec![(2600, restoring()), (2800, restoring())]));
    let other = ObservedOperation {
        started_at: after(2450),
        ended_at: None,
        ..operation("op-other", "ApplicationMaintenance", OperationStatus::InProgress)
    };
    let late = verifying("").at(2400).sees(restoring()).recorded();
    let change = late.world.operations.clone().unwrap();
    let late = late
        .operations([vec![other.clone()], change.clone()].concat())
        .at(2460)
        .recorded();
    let over = ObservedOperation {
        status: OperationStatus::Successful,
        ended_at: Some(after(2500)),
        ..other
    };
    let late = late.operations([vec![over], change].concat());
    is_verifying(&after_looks(late, vec![(2510, restoring()), (2530, restoring())]));
}

/// An update that the service accepted after it had refused it for forty minutes.
fn accepted_late() -> Case {
    let case = Case::running("").respec(FIX);
    let want = case.want().unwrap();
    let revision = want.revision.to_string();
    let refusal = RefusalStatus {
        step: StepKind::Update,
        revision: Some(revision.clone()),
        generation: 2,
        class: RefusalClass::AccessDenied,
        message: "not authorized".into(),
        first_at: start_of_time(),
        last_at: after(2390),
    };
    let case = case
        .journal(|journal| {
            journal.rollout = Some(RolloutStatus {
                pre_change: Some(PreChange::NotTaken),
                ..rollout_of(&revision)
            });
            journal.refusal = Some(refusal);
        })
        .issued(StepKind::Update);
    case.journal(|journal| journal.intent.as_mut().unwrap().declared_at = after(2400))
        .world(|app| {
            app.version_id = 4;
            app.configuration = want.configuration;
        })
        .operations(vec![ObservedOperation {
            started_at: after(2400),
            ended_at: Some(after(2490)),
            ..operation("op-new", "UpdateApplication", OperationStatus::Successful)
        }])
}

#[test]
fn the_time_of_a_gate_begins_with_the_end_of_the_operation_that_brought_the_job() {
    let late = job(|job| {
        job.started_at = after(2470);
        job.vertices[1].running = 0;
    });
    let case = accepted_late().at(2493).recorded();
    assert_eq!(
        case.app
            .status
            .as_ref()
            .unwrap()
            .journal
            .rollout
            .as_ref()
            .unwrap()
            .deadline,
        after(2490 + 1800)
    );
    let looks = vec![
        (2496, late.clone()),
        (4289, late.clone()),
        (4290, late.clone()),
        (4410, late.clone()),
    ];
    is_verifying(&after_looks(accepted_late(), looks.clone()));
    let condemned = after_looks(accepted_late(), [looks, vec![(4411, late)]].concat());
    assert_eq!(condemned.journal.failed_revisions.len(), 1);
}

#[test]
fn an_operation_has_its_time_from_its_own_start() {
    let under_way = |declared: i64, started: i64, now: i64| {
        let case = overdue_update("").journal(|journal| {
            journal.intent.as_mut().unwrap().declared_at = after(declared);
        });
        let update = ObservedOperation {
            started_at: after(started),
            ..operation("op-new", "UpdateApplication", OperationStatus::InProgress)
        };
        case.operations(vec![update]).at(now).decide()
    };
    assert!(matches!(under_way(0, 2400, 2400 + 1799).plan, Plan::Wait(_)));
    assert_eq!(step(&under_way(0, 2400, 2400 + 1800)), StepKind::RollBack);
}

#[test]
fn a_deadline_that_is_changed_counts_at_once() {
    let longer = |case: Case| case.respec("rollout: {progressDeadline: 1h}");
    let late = || verifying("").at(1810).sees(restoring()).recorded();
    is_verifying(&longer(late()).at(1940).decide());
    assert_eq!(late().at(1940).decide().journal.failed_revisions.len(), 1);
    let shorter = verifying("").at(700).sees(restoring()).recorded();
    let shorter = shorter.respec("rollout: {progressDeadline: 10m}").at(710).recorded();
    assert_eq!(shorter.at(840).decide().journal.failed_revisions.len(), 1);
    assert!(matches!(
        longer(overdue_update("")).decide().plan,
        Plan::Do(_) | Plan::Wait(_)
    ));
}

#[test]
fn an_update_of_somebody_else_that_hangs_condemns_no_revision_that_waits_for_it() {
    let case = Case::running("").respec(FIX);
    let revision = case.want().unwrap().revision.to_string();
    let case = case
        .journal(|journal| journal.rollout = Some(rollout_of(&revision)))
        .world(|app| app.status = ApplicationStatus::Updating)
        .operations(vec![operation(
            "theirs",
            "UpdateApplication",
            OperationStatus::InProgress,
        )])
        .at(9000);
    let decision = case.decide();
    assert_eq!(stalls(&decision).0, Reason::DeadlineExceeded);
    assert_eq!(decision.journal.failed_revisions, []);
}

#[test]
fn the_good_revision_has_the_same_time_on_a_way_back() {
    let case = failed_change("").recorded().issued(StepKind::RollBack);
    let good = case.app.status.as_ref().unwrap().journal.revisions().good;
    let case = case.journal(|journal| journal.intent.as_mut().unwrap().revision = good);
    let case = returned(case, ApplicationStatus::Running).operations(vec![operation(
        "op-new",
        "RollbackApplication",
        OperationStatus::Successful,
    )]);
    let seen = after_looks(case, vec![(4000, healthy_job()), (4010, healthy_job())]);
    assert_eq!(waits(&seen), Reason::RollingBack);
    assert_eq!(seen.journal.way_back.unwrap().failure, None);
}

#[test]
fn the_newest_good_revision_that_restores_for_long_is_left_running_and_told() {
    let good = || {
        verifying("").journal(|journal| {
            let revisions = journal.revisions.as_mut().unwrap();
            revisions.good.clone_from(&revisions.running);
            revisions.good_version_id = Some(3);
        })
    };
    let looks = vec![(10, restoring()), (1900, restoring()), (2021, restoring())];
    let decision = after_looks(good(), looks.clone());
    assert_eq!(stalls(&decision).0, Reason::JobUnhealthy);
    assert_eq!(told(&decision), ["DeadlineExceeded"]);
    assert!(matches!(&decision.plan, Plan::Stall(stall) if stall.recheck == Some(after(2321))));
    assert!(decision.journal.rollout.is_some(), "it is still to show its state");
    let again = after_looks(good(), [looks.clone(), vec![(2321, restoring())]].concat());
    assert_eq!(told(&again), Vec::<&str>::new());
    let well = after_looks(
        good(),
        [looks, vec![(2621, healthy_job()), (2742, healthy_job())]].concat(),
    );
    assert_eq!(well.plan, Plan::Rest);
    assert_eq!(well.journal.restart_loop(), None);
}
