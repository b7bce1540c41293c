//! The controller is killed at every scene of a rollback, as a node that dies would do it.

use std::thread;

use serde_json::{Value, json};

use super::release::{CAUSE, assert_rolled_back, release, scene_with_a_good_release};

/// A moment of a rollback, by what the journal shows. A moment that passed unseen is over when the rollback is.
type Moment = (&'static str, fn(&Value) -> bool);

const BY_ROLLBACK: [Moment; 4] = [
    ("gate", |status| status["rollout"]["gate"].is_object()),
    ("decided", |status| status["wayBack"].is_object()),
    ("sent", |status| status["intent"]["step"] == "RollBack"),
    ("back", |status| status["wayBack"]["started"] == true),
];

const BY_FORCE: [Moment; 4] = [
    ("stopping", |status| status["intent"]["step"] == "ForceStop"),
    ("stopped", |status| {
        status["wayBack"].is_object() && status["aws"]["applicationStatus"] == "READY"
    }),
    ("restoring", |status| {
        status["wayBack"].is_object() && status["intent"]["step"] == "Update"
    }),
    ("starting", |status| {
        status["wayBack"].is_object() && status["intent"]["step"] == "Start"
    }),
];

#[test]
fn a_kill_at_any_moment_of_a_rollback_leaves_one_rollback() {
    thread::scope(|scope| {
        for (name, moment) in BY_ROLLBACK {
            scope.spawn(move || {
                let calls = killed(&format!("killed-{name}"), moment, false);
                assert_eq!(calls, ["UpdateApplication", "RollbackApplication"], "{name}");
            });
        }
    });
}

#[test]
fn a_kill_at_any_moment_of_the_way_by_force_leaves_one_way_back() {
    thread::scope(|scope| {
        for (name, moment) in BY_FORCE {
            scope.spawn(move || {
                let mut calls = killed(&format!("killed-{name}"), moment, true);
                calls.retain(|call| call != "RollbackApplication");
                assert_eq!(
                    calls,
                    [
                        "UpdateApplication",
                        "StopApplication",
                        "UpdateApplication",
                        "StartApplication"
                    ],
                    "{name}"
                );
            });
        }
    });
}

/// Kills the controller at a moment of the rollback of a looping release and starts another; the answer is all the
/// changing calls from the release on.
fn killed(namespace: &str, moment: fn(&Value) -> bool, by_force: bool) -> Vec<String> {
    let mut scene = scene_with_a_good_release(namespace);
    if by_force {
        scene.emulator.faults(&json!({"deny": ["RollbackApplication"]}));
    }
    let mark = scene.mark();
    scene.apply("orders", &release("loops.yaml"));
    scene.until("orders", "is at the moment of the kill", |app| {
        moment(&app["status"]) || app["status"]["rolledBack"].is_object()
    });
    scene.replace_controller();
    assert_rolled_back(&scene, "GateFailed", CAUSE);
    scene.look("orders");
    scene.changes_since(mark)
}
