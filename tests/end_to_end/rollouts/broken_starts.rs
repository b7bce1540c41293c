//! Code that the service cannot start: the operation fails and names the cause.

use serde_json::json;

use super::release::{CAUSE, LOOPS, assert_rolled_back, begin, release, scene_with_a_good_release, with};
use crate::scene::{Scene, THROWN, snapshots};
use crate::testbed::condition;

#[test]
fn a_first_deployment_that_throws_is_no_rollback_and_names_its_cause() {
    let scene = Scene::set("first-start");
    scene.apply("orders", &release("throws.yaml"));
    let message = scene.stalled("orders", "StartFailed");
    assert!(message.contains(THROWN), "{message}");
    scene.look("orders");
    assert_eq!(scene.changes_since(0), ["CreateApplication", "StartApplication"]);
    let app = scene.app("orders");
    assert!(condition(&app, "RolledBack").is_none(), "{:#}", app["status"]);
    let failure = &app["status"]["lastFailure"];
    assert_eq!(
        (&failure["reason"], &failure["source"]),
        (&json!("StartFailed"), &json!("Operation"))
    );
    assert!(failure["cause"].as_str().unwrap().contains(THROWN), "{failure}");
    assert_eq!(scene.application("orders")["status"], "READY");
}

#[test]
fn a_release_that_throws_on_a_stopped_application_is_undone_before_the_good_one_starts() {
    let scene = scene_with_a_good_release("update-while-ready");
    let mut stopped = release("healthy-1.yaml");
    stopped["desiredState"] = json!("Stopped");
    scene.apply("orders", &stopped);
    scene.ready("orders");

    let mark = scene.mark();
    scene.apply("orders", &release("throws.yaml"));
    assert_rolled_back(&scene, "OperationFailed", THROWN);
    scene.look("orders");
    assert_eq!(
        scene.changes_since(mark),
        [
            "UpdateApplication",
            "StartApplication",
            "UpdateApplication",
            "StartApplication"
        ]
    );
    assert_eq!(
        snapshots(&scene.application("orders")).len(),
        2,
        "the first and that of the stop"
    );
}

#[test]
fn a_release_that_throws_on_a_running_application_falls_back_and_the_good_one_is_started_again() {
    let scene = scene_with_a_good_release("update-while-running");
    let mark = scene.mark();
    scene.apply("orders", &release("throws.yaml"));
    let app = assert_rolled_back(&scene, "OperationFailed", THROWN);
    assert_eq!(app["status"]["lastFailure"]["source"], "Operation");
    scene.look("orders");
    assert_eq!(
        scene.changes_since(mark),
        ["UpdateApplication", "UpdateApplication", "StartApplication"]
    );
}

#[test]
fn a_rollback_that_the_service_makes_by_itself_is_recognised_and_nothing_is_sent() {
    let scene = Scene::set("system-rollback");
    let own = |key: &str| {
        let mut spec = release(key);
        spec["systemRollback"] = json!({"enabled": true});
        spec
    };
    scene.apply("orders", &own("healthy-1.yaml"));
    scene.ready("orders");
    let mark = scene.mark();
    scene.apply("orders", &own("throws.yaml"));
    assert_rolled_back(&scene, "System", THROWN);
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
}

const LOG: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink/orders:log-stream:application";

/// What is not documented: a failed update may leave the application in UPDATING.
#[test]
fn an_update_that_never_ends_is_rolled_back_at_its_deadline() {
    let mut scene = Scene::open_with("stuck-update", &["--rule", "failed-update=updating"]);
    scene.start_controller();
    begin(&scene);
    let mark = scene.mark();
    scene.apply("orders", &with("throws.yaml", &json!({"progressDeadline": "1m"})));
    scene.stalled("orders", "RolledBack");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication", "RollbackApplication"]);
}

/// Where the operation does not tell why it failed, the log of the application does; without it the failure is judged all
/// the same.
#[test]
fn the_first_cause_is_found_in_the_log_where_the_operation_does_not_tell_it() {
    let fail = |namespace: &str, denied: &[&str]| {
        let scene = Scene::set(namespace);
        scene.emulator.faults(&json!({"deny": denied}));
        let mut spec = release("throws.yaml");
        spec["logging"] = json!({"logStreamARN": LOG});
        scene.apply("orders", &spec);
        let message = scene.stalled("orders", "StartFailed");
        scene.look("orders");
        assert_eq!(scene.emulator.count("FilterLogEvents"), 1, "the log is searched once");
        (message, scene.app("orders")["status"]["lastFailure"]["source"].clone())
    };
    let (message, source) = fail("cause-in-the-log", &["DescribeApplicationOperation"]);
    assert!(message.contains(THROWN), "{message}");
    assert_eq!(source, "CloudWatchLogs");
    let (message, source) = fail("no-cause", &["DescribeApplicationOperation", "FilterLogEvents"]);
    assert!(message.contains("failed without a cause"), "{message}");
    assert_eq!(source, "Controller");
}

/// A loop is seen in the counter of restarts; where Flink does not tell its exceptions, its lines in the log do.
#[test]
fn the_first_cause_of_a_loop_is_found_in_the_log_where_flink_does_not_tell_it() {
    let scene = Scene::set("loop-in-the-log");
    scene.object("loops.yaml", LOOPS);
    let logged = |key: &str| {
        let mut spec = release(key);
        spec["logging"] = json!({"logStreamARN": LOG});
        spec
    };
    scene.apply("orders", &logged("healthy-1.yaml"));
    scene.ready("orders");
    scene
        .emulator
        .faults(&json!({"flinkRestResources": {"exceptions": 503}}));
    scene.apply("orders", &logged("loops.yaml"));
    let app = assert_rolled_back(&scene, "GateFailed", CAUSE);
    assert_eq!(app["status"]["lastFailure"]["source"], "CloudWatchLogs");
    assert_eq!(scene.emulator.count("FilterLogEvents"), 1, "the log is searched once");
}
