//! Jobs that come up and fail: the application is RUNNING all the time, and only Flink knows better.

use serde_json::json;

use crate::release::{CAUSE, assert_rolled_back, begin, release, stage_with_a_good_release, with};
use crate::stage::Stage;
use crate::testbed::{Cluster, condition};

const THERE_AND_BACK: [&str; 2] = ["UpdateApplication", "RollbackApplication"];

#[test]
fn a_release_that_loops_at_once_is_rolled_back_with_the_state_of_the_good_job_by_one_call() {
    let stage = stage_with_a_good_release("loops");
    let mark = stage.mark();
    stage.apply("orders", &release("loops.yaml"));
    let app = assert_rolled_back(&stage, "GateFailed", CAUSE);
    let failure = &app["status"]["lastFailure"];
    assert_eq!(
        (&failure["reason"], &failure["source"]),
        (&json!("RestartLoop"), &json!("FlinkRest"))
    );
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), THERE_AND_BACK);
    let operations = stage.call("ListApplicationOperations", &json!({"ApplicationName": "orders"}));
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
    let mut stage = Stage::on(Cluster::shared(), "loops-otherwise", &rules);
    stage.start_controller();
    begin(&stage);
    let mark = stage.mark();
    stage.apply("orders", &release("loops.yaml"));
    assert_rolled_back(&stage, "GateFailed", CAUSE);
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), THERE_AND_BACK);

    let mark = stage.mark();
    stage.apply("orders", &release("healthy-2.yaml"));
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
}

#[test]
fn a_flapping_job_is_found_although_single_looks_see_it_running() {
    let stage = stage_with_a_good_release("flaps");
    let script = format!("main: ok\nthen: {{failsEvery: 3m, exception: \"{CAUSE}\"}}\n");
    stage.object("flaps.yaml", &script);
    let mark = stage.mark();
    stage.apply("orders", &with("flaps.yaml", &json!({"gate": {"stableFor": "8s"}})));
    let seen = stage.until("orders", "is seen to run", |app| {
        app["status"]["rollout"]["gate"]["stableSince"].is_string()
    });
    assert_eq!(seen["status"]["failedRevisions"], json!(null), "one look is no verdict");
    assert_rolled_back(&stage, "GateFailed", CAUSE);
    assert_eq!(stage.changes_since(mark), THERE_AND_BACK);
}

#[test]
fn one_restart_is_tolerated_unless_the_gate_tolerates_none() {
    let stage = stage_with_a_good_release("stumbles");
    let script = format!("main: ok\nthen: {{failsEvery: 30s, times: 1, exception: \"{CAUSE}\"}}\n");
    stage.object("stumbles-1.yaml", &script);
    stage.object("stumbles-2.yaml", &script);
    let gate = |key: &str, restarts: i32| with(key, &json!({"gate": {"stableFor": "4s", "maxRestarts": restarts}}));

    let mark = stage.mark();
    stage.apply("orders", &gate("stumbles-1.yaml", 0));
    assert_rolled_back(&stage, "GateFailed", CAUSE);
    assert_eq!(stage.changes_since(mark), THERE_AND_BACK);

    let mark = stage.mark();
    stage.apply("orders", &gate("stumbles-2.yaml", 1));
    let app = stage.ready("orders");
    assert_eq!(app["status"]["job"]["restarts"], 1, "{:#}", app["status"]);
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
    assert!(condition(&app, "RolledBack").is_none(), "{:#}", app["status"]);
}

#[test]
fn a_first_deployment_that_loops_is_stopped() {
    let stage = Stage::set("loops-first");
    stage.object("loops.yaml", crate::release::LOOPS);
    stage.apply("orders", &release("loops.yaml"));
    let message = stage.stalled("orders", "RestartLoop");
    assert!(message.contains(CAUSE), "{message}");
    stage.until("orders", "is stopped", |app| {
        app["status"]["aws"]["applicationStatus"] == "READY"
    });
    stage.stalled("orders", "RestartLoop");
    stage.look("orders");
    assert_eq!(
        stage.changes_since(0),
        ["CreateApplication", "StartApplication", "StopApplication"]
    );
    stage.apply("orders", &release("healthy-1.yaml"));
    stage.ready("orders");
}

#[test]
fn a_maintenance_in_the_middle_of_the_gate_speaks_against_nobody() {
    let stage = stage_with_a_good_release("maintenance");
    let mark = stage.mark();
    stage.apply(
        "orders",
        &with(
            "healthy-2.yaml",
            &json!({"gate": {"stableFor": "6s", "maxRestarts": 0}}),
        ),
    );
    stage.until("orders", "is seen to run", |app| {
        app["status"]["rollout"]["gate"]["stableSince"].is_string()
    });
    stage.unannounced("orders", "maintenance");
    let app = stage.ready("orders");
    assert_eq!(app["status"]["failedRevisions"], json!(null));
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
}
