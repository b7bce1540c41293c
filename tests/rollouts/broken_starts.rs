//! Code that the service cannot start: the operation fails and names the cause.

use serde_json::json;

use crate::release::{CAUSE, LOOPS, assert_rolled_back, begin, release, stage_with_a_good_release, with};
use crate::stage::{Stage, THROWN, snapshots};
use crate::testbed::{Cluster, condition};

#[test]
fn a_first_deployment_that_throws_is_no_rollback_and_names_its_cause() {
    let stage = Stage::set("first-start");
    stage.apply("orders", &release("throws.yaml"));
    let message = stage.stalled("orders", "StartFailed");
    assert!(message.contains(THROWN), "{message}");
    stage.look("orders");
    assert_eq!(stage.changes_since(0), ["CreateApplication", "StartApplication"]);
    let app = stage.app("orders");
    assert!(condition(&app, "RolledBack").is_none(), "{:#}", app["status"]);
    let failure = &app["status"]["lastFailure"];
    assert_eq!(
        (&failure["reason"], &failure["source"]),
        (&json!("StartFailed"), &json!("Operation"))
    );
    assert!(failure["cause"].as_str().unwrap().contains(THROWN), "{failure}");
    assert_eq!(stage.inside("orders")["status"], "READY");
}

#[test]
fn a_release_that_throws_on_a_stopped_application_is_undone_before_the_good_one_starts() {
    let stage = stage_with_a_good_release("update-while-ready");
    let mut stopped = release("healthy-1.yaml");
    stopped["desiredState"] = json!("Stopped");
    stage.apply("orders", &stopped);
    stage.ready("orders");

    let mark = stage.mark();
    stage.apply("orders", &release("throws.yaml"));
    assert_rolled_back(&stage, "OperationFailed", THROWN);
    stage.look("orders");
    assert_eq!(
        stage.changes_since(mark),
        [
            "UpdateApplication",
            "StartApplication",
            "UpdateApplication",
            "StartApplication"
        ]
    );
    assert_eq!(
        snapshots(&stage.inside("orders")).len(),
        2,
        "the first and that of the stop"
    );
}

#[test]
fn a_release_that_throws_on_a_running_application_falls_back_and_the_good_one_is_started_again() {
    let stage = stage_with_a_good_release("update-while-running");
    let mark = stage.mark();
    stage.apply("orders", &release("throws.yaml"));
    let app = assert_rolled_back(&stage, "OperationFailed", THROWN);
    assert_eq!(app["status"]["lastFailure"]["source"], "Operation");
    stage.look("orders");
    assert_eq!(
        stage.changes_since(mark),
        ["UpdateApplication", "UpdateApplication", "StartApplication"]
    );
}

#[test]
fn a_rollback_that_the_service_makes_by_itself_is_recognised_and_nothing_is_sent() {
    let stage = Stage::set("system-rollback");
    let own = |key: &str| {
        let mut spec = release(key);
        spec["systemRollback"] = json!({"enabled": true});
        spec
    };
    stage.apply("orders", &own("healthy-1.yaml"));
    stage.ready("orders");
    let mark = stage.mark();
    stage.apply("orders", &own("throws.yaml"));
    assert_rolled_back(&stage, "System", THROWN);
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
}

const LOG: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink/orders:log-stream:application";

/// What is not documented: a failed update may leave the application in UPDATING.
#[test]
fn an_update_that_never_ends_is_rolled_back_at_its_deadline() {
    let mut stage = Stage::on(Cluster::shared(), "stuck-update", &["--rule", "failed-update=updating"]);
    stage.start_controller();
    begin(&stage);
    let mark = stage.mark();
    stage.apply("orders", &with("throws.yaml", &json!({"progressDeadline": "1m"})));
    stage.stalled("orders", "RolledBack");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication", "RollbackApplication"]);
}

/// Where the operation does not tell why it failed, the log of the application does; without it the failure is judged all
/// the same.
#[test]
fn the_first_cause_is_found_in_the_log_where_the_operation_does_not_tell_it() {
    let fail = |namespace: &str, denied: &[&str]| {
        let stage = Stage::set(namespace);
        stage.emulator.faults(&json!({"deny": denied}));
        let mut spec = release("throws.yaml");
        spec["logging"] = json!({"logStreamARN": LOG});
        stage.apply("orders", &spec);
        let message = stage.stalled("orders", "StartFailed");
        stage.look("orders");
        assert_eq!(stage.emulator.count("FilterLogEvents"), 1, "the log is searched once");
        (message, stage.app("orders")["status"]["lastFailure"]["source"].clone())
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
    let stage = Stage::set("loop-in-the-log");
    stage.object("loops.yaml", LOOPS);
    let logged = |key: &str| {
        let mut spec = release(key);
        spec["logging"] = json!({"logStreamARN": LOG});
        spec
    };
    stage.apply("orders", &logged("healthy-1.yaml"));
    stage.ready("orders");
    stage
        .emulator
        .faults(&json!({"flinkRestResources": {"exceptions": 503}}));
    stage.apply("orders", &logged("loops.yaml"));
    let app = assert_rolled_back(&stage, "GateFailed", CAUSE);
    assert_eq!(app["status"]["lastFailure"]["source"], "CloudWatchLogs");
    assert_eq!(stage.emulator.count("FilterLogEvents"), 1, "the log is searched once");
}
