//! A revision that was rolled back stays in the object and is not tried again by itself.

use crate::release::{CAUSE, assert_rolled_back, release, stage_with_a_good_release};

#[test]
fn a_failed_revision_is_tried_again_on_request_only_and_a_changed_spec_goes_on_at_once() {
    let mut stage = stage_with_a_good_release("held");
    stage.apply("orders", &release("loops.yaml"));
    assert_rolled_back(&stage, "GateFailed", CAUSE);

    let mark = stage.mark();
    stage.look("orders");
    stage.replace_controller();
    stage.look("orders");
    stage.apply("orders", &release("loops.yaml"));
    stage.look("orders");
    stage.stalled("orders", "RolledBack");
    assert_eq!(stage.changes_since(mark), [""; 0]);

    stage.annotate("orders", "retry-requested-at", "first");
    stage.until("orders", "was tried again", |app| {
        let failures = app["status"]["history"].as_array().unwrap().iter();
        app["status"]["handled"]["retry"] == "first"
            && failures.filter(|entry| entry["result"] == "Failed").count() == 2
    });
    stage.stalled("orders", "RolledBack");
    stage.look("orders");
    stage.replace_controller();
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication", "RollbackApplication"]);

    let mark = stage.mark();
    stage.apply("orders", &release("healthy-2.yaml"));
    let app = stage.ready("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(app["status"]["rolledBack"], serde_json::Value::Null);
}

#[test]
fn reverting_the_spec_after_a_rollback_is_ready_without_a_call() {
    let stage = stage_with_a_good_release("reverted");
    stage.apply("orders", &release("loops.yaml"));
    assert_rolled_back(&stage, "GateFailed", CAUSE);
    let mark = stage.mark();
    let job = stage.inside("orders")["job"]["id"].clone();
    stage.apply("orders", &release("healthy-1.yaml"));
    let app = stage.ready("orders");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
    assert_eq!(stage.inside("orders")["job"]["id"], job);
    assert!(
        crate::testbed::condition(&app, "RolledBack").is_none(),
        "{:#}",
        app["status"]
    );
}
