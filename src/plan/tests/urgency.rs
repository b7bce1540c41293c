//! How urgent a pass is by what the resource shows.

use super::*;
use crate::api::status::{GateStatus, HealthStatus, LoopStatus, RolloutStatus, WayBack};
use crate::plan::urgency::{Urgency, urgency, urgency_of_step};

/// A promoted application at rest, as its status tells it.
fn resting(more: &str) -> Case {
    let mut case = Case::running(more);
    let mut status = case.app.status.take().unwrap();
    status.observed_generation = 1;
    case.app.status = Some(status);
    case
}

fn rollout(restarts: i64, excused: i64) -> RolloutStatus {
    let mut gate = GateStatus::since(start_of_time());
    (gate.restarts, gate.excused) = (restarts, excused);
    serde_json::from_value(serde_json::json!({
        "revision": "r2", "startedAt": start_of_time(), "deadline": after(600), "gate": gate
    }))
    .unwrap()
}

#[test]
fn an_application_at_rest_is_looked_at_last() {
    assert_eq!(urgency(&resting("").app), Urgency::Look);
}

#[test]
fn what_somebody_waits_for_is_a_change() {
    assert_eq!(urgency(&Case::new("").app), Urgency::Change, "never seen");
    let mut edited = resting("").app;
    edited.metadata.generation = Some(2);
    assert_eq!(urgency(&edited), Urgency::Change);
    let in_the_gate = resting("").journal(|journal| journal.rollout = Some(rollout(0, 0)));
    assert_eq!(urgency(&in_the_gate.app), Urgency::Change);
    let excused = resting("").journal(|journal| journal.rollout = Some(rollout(1, 1)));
    assert_eq!(urgency(&excused.app), Urgency::Change, "the service restarted it");
    let snapshot = resting("").annotate("sluicegate.dev/snapshot-requested-at", "now");
    assert_eq!(urgency(&snapshot.app), Urgency::Change);
}

#[test]
fn a_job_in_trouble_and_the_way_back_are_a_rescue() {
    let failing = resting("").journal(|journal| journal.rollout = Some(rollout(1, 0)));
    assert_eq!(urgency(&failing.app), Urgency::Rescue);
    for request in ["rollback-requested-at", "force-stop-requested-at"] {
        let asked = resting("").annotate(&format!("sluicegate.dev/{request}"), "now");
        assert_eq!(urgency(&asked.app), Urgency::Rescue, "{request}");
    }
    let way = |failure: Option<String>| {
        resting("").journal(|journal| {
            journal.way_back = Some(WayBack {
                from: "r2".into(),
                to: "r1".into(),
                version_id: 1,
                reason: Reason::GateFailed,
                started_at: start_of_time(),
                rollback_refused: false,
                started: false,
                elsewhere: false,
                failure,
            });
        })
    };
    assert_eq!(urgency(&way(None).app), Urgency::Rescue);
    assert_eq!(
        urgency(&way(Some("no".into())).app),
        Urgency::Look,
        "it waits for a person"
    );
}

#[test]
fn a_loop_is_a_rescue_where_it_is_to_be_answered() {
    let looping = |more: &str| {
        resting(more).journal(|journal| {
            journal.health = Some(HealthStatus {
                restart_loop: Some(LoopStatus {
                    revision: "r1".into(),
                    since: start_of_time(),
                    found: "3 restarts".into(),
                    subtasks: Vec::new(),
                    cause: None,
                    answer: None,
                }),
                acted_at: None,
            });
        })
    };
    assert_eq!(urgency(&looping("health: {onUnhealthy: Restart}").app), Urgency::Rescue);
    assert_eq!(
        urgency(&looping("").app),
        Urgency::Look,
        "it is reported, and that was done"
    );
}

#[test]
fn what_undoes_a_change_never_waits() {
    assert_eq!(
        urgency_of_step(&Step::RollBack { version_id: 3 }, Urgency::Change),
        Urgency::Rescue
    );
    assert_eq!(urgency_of_step(&Step::ForceStop, Urgency::Look), Urgency::Rescue);
    assert_eq!(urgency_of_step(&Step::Stop, Urgency::Change), Urgency::Change);
}
