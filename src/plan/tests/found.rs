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
