//! Jobs that were found running: taken over, or known no more. Their gate holds nothing against them.

use super::gate::{after_looks, job};
use super::*;

const ADOPT: &str = "management: {adoption: Adopt}";

/// A job that runs under the tags of the resource, of which the resource knows nothing.
fn found(more: &str) -> Case {
    Case::observed(&format!("{ADOPT}\n{more}"), ApplicationStatus::Running)
        .journal(|journal| journal.had_state = true)
        .snapshots(vec![snapshot("nightly", -80_000, SnapshotStatus::Ready)])
}

fn restarted(times: i64) -> ObservedJob {
    job(|job| job.restarts = Some(times))
}

#[test]
fn trouble_of_a_job_that_was_found_is_told_and_neither_condemned_nor_answered() {
    for policy in ["Rollback", "ForceStop", "Hold"] {
        let case = found(&format!("rollout: {{onFailure: {policy}}}"));
        let decision = after_looks(case, vec![(1, restarted(3)), (4, restarted(3)), (60, restarted(5))]);
        let (reason, message) = stalls(&decision);
        assert_eq!(reason, Reason::JobUnhealthy, "{policy}");
        assert!(message.contains("restarted 2 times"), "{message}");
        assert_eq!(told(&decision), ["RestartLoop"]);
        assert_eq!(decision.journal.failed_revisions, []);
        assert!(decision.journal.restart_loop().is_some());
        let later = found("")
            .journal(|journal| *journal = decision.journal)
            .at(5000)
            .decide();
        assert_eq!(stalls(&later).0, Reason::JobUnhealthy, "it is watched from then on");
    }
    let failed = job(|job| job.state = "FAILED".into());
    assert_eq!(
        stalls(&after_looks(found(""), vec![(1, failed)])).0,
        Reason::JobUnhealthy
    );
    let restoring = job(|job| job.vertices[1].running = 0);
    let looks = [1, 2000, 2200].map(|second| (second, restoring.clone()));
    assert_eq!(stalls(&after_looks(found(""), looks.to_vec())).0, Reason::JobUnhealthy);
}

#[test]
fn what_the_spec_asks_for_an_unhealthy_job_is_done_for_one_that_was_found() {
    let looks = || vec![(1, restarted(3)), (60, restarted(5))];
    let stopped = after_looks(found("health: {onUnhealthy: ForceStop}"), looks());
    assert_eq!(step(&stopped), StepKind::ForceStop);
    assert_eq!(stopped.journal.failed_revisions, []);
}

#[test]
fn a_job_that_was_found_is_verified_and_what_follows_it_has_a_way_back_to_it() {
    let verified = after_looks(found(""), vec![(1, healthy_job()), (4, healthy_job())]);
    assert_eq!(waits(&verified), Reason::Verifying);
    let good = after_looks(found(""), vec![(1, healthy_job()), (131, healthy_job())]);
    assert_eq!(good.plan, Plan::Rest);
    let changed = found("").respec("parallelism: {parallelism: 4}").at(5).decide();
    let revisions = changed.journal.revisions();
    assert_eq!(
        revisions.good,
        found("").want().ok().map(|want| want.revision.to_string())
    );
    assert_eq!(revisions.good_version_id, Some(3));
    assert_eq!(step(&changed), StepKind::TakeSnapshot);
}

#[test]
fn a_job_that_was_found_and_ends_is_started_again() {
    let ended = found("").recorded().world(|app| app.status = ApplicationStatus::Ready);
    let ended = ended.at(60);
    let decision = ended.decide();
    assert_eq!(decision.journal.failed_revisions, []);
    assert_eq!(waits(&decision), Reason::Pending);
    assert_eq!(step(&ended.recorded().at(100).decide()), StepKind::Start);
}

/// An operation of somebody else.
fn theirs(kind: &str, seconds: i64) -> ObservedOperation {
    ObservedOperation {
        started_at: after(seconds),
        ended_at: Some(after(seconds + 1)),
        ..operation("op-theirs", kind, OperationStatus::Successful)
    }
}

const FIX: &str = "parallelism: {parallelism: 4}";

/// A good job whose content somebody else replaced in the console by what the spec then asks for.
fn brought_elsewhere(more: &str) -> Case {
    let case = Case::running("").respec(&format!("{FIX}\n{more}"));
    let want = case.want().unwrap();
    case.world(|app| {
        app.configuration = want.configuration;
        app.version_id = 4;
        app.updated_from = Some(3);
        app.token = "token-4".into();
    })
    .operations(vec![theirs("UpdateApplication", 1)])
}

/// The same while a change of ours to it waited for its snapshot.
fn brought_meanwhile(more: &str) -> Case {
    let case = brought_elsewhere(more);
    let revision = case.want().unwrap().revision.to_string();
    case.journal(|journal| journal.rollout = Some(super::gate::rollout_of(&revision)))
}

/// A release that is not proven and that somebody else started.
fn started_elsewhere(more: &str) -> Case {
    brought_elsewhere(more)
        .journal(|journal| journal.revisions.as_mut().unwrap().running = None)
        .operations(vec![theirs("StartApplication", 1)])
}

/// A change of ours in its gate whose job somebody else restarted.
fn restarted_in_our_gate(more: &str) -> Case {
    let case = super::gate::verifying(more);
    let mut listed = case.world.operations.clone().unwrap();
    listed.insert(0, theirs("StartApplication", 3));
    case.operations(listed)
}

fn lost() -> ObservedJob {
    job(|job| {
        let checkpoints = job.checkpoints.as_mut().unwrap();
        checkpoints.restored = Restored::Nothing;
        job.restarts = Some(4);
    })
}

#[test]
fn trouble_of_a_job_that_somebody_else_brought_is_told_and_neither_condemned_nor_answered() {
    type Brought = fn(&str) -> Case;
    let all: [Brought; 4] = [
        brought_elsewhere,
        brought_meanwhile,
        started_elsewhere,
        restarted_in_our_gate,
    ];
    for (place, brought) in all.into_iter().enumerate() {
        for policy in ["Rollback", "ForceStop", "Hold"] {
            let case = || brought(&format!("rollout: {{onFailure: {policy}}}"));
            let looks = vec![(11, restarted(3)), (14, restarted(3)), (60, restarted(6)), (63, lost())];
            let decision = after_looks(case(), looks);
            assert_eq!(stalls(&decision).0, Reason::JobUnhealthy, "{place} {policy}");
            assert_eq!(decision.journal.failed_revisions, [], "{place} {policy}");
            let late = job(|job| job.vertices[1].running = 0);
            let looks = [11, 2400, 2600].map(|second| (second, late.clone()));
            let decision = after_looks(case(), looks.to_vec());
            assert_eq!(stalls(&decision).0, Reason::JobUnhealthy, "{place} {policy}");
            assert_eq!(decision.journal.failed_revisions, [], "{place} {policy}");
        }
        let good = after_looks(
            brought(""),
            vec![(11, healthy_job()), (14, healthy_job()), (150, healthy_job())],
        );
        assert_eq!(good.plan, Plan::Rest, "{place}");
    }
}

#[test]
fn a_job_that_somebody_else_brought_and_that_ends_is_no_failure() {
    let ended = brought_elsewhere("").sees(healthy_job()).at(11).recorded();
    let ended = ended.world(|app| app.status = ApplicationStatus::Ready).at(60);
    let decision = ended.decide();
    assert_eq!(decision.journal.failed_revisions, []);
    assert!(told(&decision).contains(&"JobEnded"), "{:?}", told(&decision));
}

#[test]
fn a_job_of_ours_is_judged_although_the_spec_asked_for_another_in_between() {
    let case = Case::observed(FIX, ApplicationStatus::Running).journal(|journal| {
        journal.revisions = Some(Revisions {
            good: Some("0123456789ab".into()),
            good_version_id: Some(2),
            ..Revisions::default()
        });
        journal.had_state = true;
    });
    let update = operation("op-new", "UpdateApplication", OperationStatus::Successful);
    let case = case.issued(StepKind::Update).operations(vec![update]);
    let case = case
        .snapshots(vec![snapshot("kept", -60, SnapshotStatus::Ready)])
        .at(10)
        .recorded();
    let another = case.respec("parallelism: {parallelism: 6}").at(12).recorded();
    let again = another.journal(|journal| journal.intent = None).respec(FIX);
    let decision = after_looks(again, vec![(14, restarted(0)), (17, restarted(3))]);
    assert_eq!(decision.journal.failed_revisions.len(), 1);
}

#[test]
fn a_job_that_was_found_late_comes_to_its_end_when_it_is_up_without_any_metric() {
    let late = job(|job| job.vertices[1].running = 0);
    let looks = [1, 2000, 2200].map(|second| (second, late.clone())).to_vec();
    let looks = [
        looks,
        vec![(2500, healthy_job()), (2503, healthy_job()), (2800, healthy_job())],
    ]
    .concat();
    let decision = after_looks(found(""), looks);
    assert_eq!(decision.plan, Plan::Rest);
    assert!(decision.journal.restart_loop().is_none());
}

#[test]
fn a_job_that_was_found_in_a_loop_comes_to_its_end_after_two_windows_without_a_restart() {
    let looks = vec![
        (1, restarted(3)),
        (60, restarted(6)),
        (63, restarted(6)),
        (360, restarted(6)),
    ];
    let decision = after_looks(found(""), looks.clone());
    assert_eq!(stalls(&decision).0, Reason::JobUnhealthy, "one window is not enough");
    let looks = [looks, vec![(700, restarted(6)), (1400, restarted(6))]].concat();
    assert_eq!(after_looks(found(""), looks.clone()).plan, Plan::Rest);
    let again = [looks[..4].to_vec(), vec![(500, restarted(7)), (800, restarted(7))]].concat();
    assert_eq!(stalls(&after_looks(found(""), again)).0, Reason::JobUnhealthy);
}
