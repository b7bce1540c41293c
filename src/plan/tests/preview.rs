//! What applying a resource would change.

use super::*;
use crate::plan::preview::{Preview, preview};

fn shown(case: &Case) -> Preview {
    preview(&case.want().unwrap(), case.world.application.as_ref())
}

#[test]
fn what_is_in_place_changes_nothing() {
    let shown = shown(&Case::running("tags: {}"));
    assert_eq!(shown.changes, [""; 0]);
    assert_eq!(shown.job, "the job goes on undisturbed");
}

#[test]
fn one_update_restarts_the_job_once_and_a_vpc_takes_a_stop() {
    let one = shown(&Case::running("").respec("parallelism: {parallelism: 4}"));
    assert_eq!(one.changes, ["spec.parallelism.parallelism is 4 and the service has 1"]);
    assert_eq!(one.job, "the job restarts once with its state");
    let vpc = shown(&Case::running("").respec("vpc: {subnetIds: [subnet-a], securityGroupIds: [sg-1]}"));
    assert_eq!(vpc.changes.len(), 1);
    assert_eq!(
        vpc.job,
        "the job is stopped with a snapshot, changed and started from it"
    );
}

#[test]
fn tags_and_the_maintenance_window_leave_the_job_alone() {
    let shown = shown(&Case::running("").respec("tags: {team: a}\nmaintenanceWindow: {startTime: '03:00'}"));
    assert_eq!(shown.changes.len(), 2);
    assert_eq!(shown.job, "the job goes on undisturbed");
}

#[test]
fn the_run_state_is_a_change_too() {
    let stopped = shown(&Case::running("").respec("desiredState: Stopped"));
    assert_eq!(
        stopped.changes,
        ["spec.desiredState is Stopped and the service reports RUNNING"]
    );
    assert_eq!(stopped.job, "the job is stopped");
    let started = shown(&Case::observed("", ApplicationStatus::Ready));
    assert_eq!((started.changes.len(), started.job), (1, "the job is started"));
    let absent = shown(&Case::new(""));
    assert_eq!((absent.changes.len(), absent.job), (1, "the job is started"));
}
