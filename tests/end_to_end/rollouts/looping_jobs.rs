//! Jobs that come up and fail: the application is RUNNING all the time, and only Flink knows better.

use serde_json::json;

use super::release::{CAUSE, assert_rolled_back, begin, release, scene_with_a_good_release, with};
use crate::scene::Scene;
use crate::testbed::condition;

const THERE_AND_BACK: [&str; 2] = ["UpdateApplication", "RollbackApplication"];

#[test]
fn a_release_that_loops_at_once_is_rolled_back_with_the_state_of_the_good_job_by_one_call() {
    let scene = scene_with_a_good_release("loops");
    let mark = scene.mark();
    scene.apply("orders", &release("loops.yaml"));
    let app = assert_rolled_back(&scene, "GateFailed", CAUSE);
    let failure = &app["status"]["lastFailure"];
    assert_eq!(
        (&failure["reason"], &failure["source"]),
        (&json!("RestartLoop"), &json!("FlinkRest"))
    );
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), THERE_AND_BACK);
    let operations = scene.call("ListApplicationOperations", &json!({"ApplicationName": "orders"}));
    let stops = operations["ApplicationOperationInfoList"].as_array().unwrap().iter();
    assert_eq!(
        stops
            .filter(|operation| operation["Operation"] == "StopApplication")
            .count(),
        0
    );
}

/// What is not documented: a rollback may make the target version current again, and may load the newest snapshot.
#[test]
fn a_looping_release_is_rolled_back_under_the_other_reading_of_the_documents_too() {
    let rules = ["--rule", "rollback-version=reuse", "--rule", "rollback-restores=latest"];
    let mut scene = Scene::open_with("loops-otherwise", &rules);
    scene.start_controller();
    begin(&scene);
    let mark = scene.mark();
    scene.apply("orders", &release("loops.yaml"));
    assert_rolled_back(&scene, "GateFailed", CAUSE);
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), THERE_AND_BACK);

    let mark = scene.mark();
    scene.apply("orders", &release("healthy-2.yaml"));
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
}

#[test]
fn a_flapping_job_is_found_although_single_looks_see_it_running() {
    let scene = scene_with_a_good_release("flaps");
    let script = format!("main: ok\nthen: {{failsEvery: 3m, exception: \"{CAUSE}\"}}\n");
    scene.object("flaps.yaml", &script);
    let mark = scene.mark();
    scene.apply("orders", &with("flaps.yaml", &json!({"gate": {"stableFor": "8s"}})));
    let seen = scene.until("orders", "is seen to run", |app| {
        app["status"]["rollout"]["gate"]["stableSince"].is_string()
    });
    assert_eq!(seen["status"]["failedRevisions"], json!(null), "one look is no verdict");
    assert_rolled_back(&scene, "GateFailed", CAUSE);
    assert_eq!(scene.changes_since(mark), THERE_AND_BACK);
}

#[test]
fn one_restart_is_tolerated_unless_the_gate_tolerates_none() {
    let scene = scene_with_a_good_release("stumbles");
    let script = format!("main: ok\nthen: {{failsEvery: 30s, times: 1, exception: \"{CAUSE}\"}}\n");
    scene.object("stumbles-1.yaml", &script);
    scene.object("stumbles-2.yaml", &script);
    let gate = |key: &str, restarts: i32| with(key, &json!({"gate": {"stableFor": "4s", "maxRestarts": restarts}}));

    let mark = scene.mark();
    scene.apply("orders", &gate("stumbles-1.yaml", 0));
    assert_rolled_back(&scene, "GateFailed", CAUSE);
    assert_eq!(scene.changes_since(mark), THERE_AND_BACK);

    let mark = scene.mark();
    scene.apply("orders", &gate("stumbles-2.yaml", 1));
    let app = scene.ready("orders");
    assert_eq!(app["status"]["job"]["restarts"], 1, "{:#}", app["status"]);
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    assert!(condition(&app, "RolledBack").is_none(), "{:#}", app["status"]);
}

#[test]
fn a_first_deployment_that_loops_is_stopped() {
    let scene = Scene::set("loops-first");
    scene.object("loops.yaml", super::release::LOOPS);
    scene.apply("orders", &release("loops.yaml"));
    let message = scene.stalled("orders", "RestartLoop");
    assert!(message.contains(CAUSE), "{message}");
    scene.until("orders", "is stopped", |app| {
        app["status"]["aws"]["applicationStatus"] == "READY"
    });
    scene.stalled("orders", "RestartLoop");
    scene.look("orders");
    assert_eq!(
        scene.changes_since(0),
        ["CreateApplication", "StartApplication", "StopApplication"]
    );
    scene.apply("orders", &release("healthy-1.yaml"));
    scene.ready("orders");
}

#[test]
fn a_maintenance_in_the_middle_of_the_gate_speaks_against_nobody() {
    let scene = scene_with_a_good_release("maintenance");
    let mark = scene.mark();
    scene.apply(
        "orders",
        &with(
            "healthy-2.yaml",
            &json!({"gate": {"stableFor": "6s", "maxRestarts": 0}}),
        ),
    );
    scene.until("orders", "is seen to run", |app| {
        app["status"]["rollout"]["gate"]["stableSince"].is_string()
    });
    scene.unannounced("orders", "maintenance");
    let app = scene.ready("orders");
    assert_eq!(app["status"]["failedRevisions"], json!(null));
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
}
