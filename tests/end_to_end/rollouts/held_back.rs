//! A revision that was rolled back stays in the object and is not tried again by itself.

use super::release::{CAUSE, assert_rolled_back, release, scene_with_a_good_release};

#[test]
fn a_failed_revision_is_tried_again_on_request_only_and_a_changed_spec_goes_on_at_once() {
    let mut scene = scene_with_a_good_release("held");
    scene.apply("orders", &release("loops.yaml"));
    assert_rolled_back(&scene, "GateFailed", CAUSE);

    let mark = scene.mark();
    scene.look("orders");
    scene.replace_controller();
    scene.look("orders");
    scene.apply("orders", &release("loops.yaml"));
    scene.look("orders");
    scene.stalled("orders", "RolledBack");
    assert_eq!(scene.changes_since(mark), [""; 0]);

    scene.annotate("orders", "retry-requested-at", "first");
    scene.until("orders", "was tried again", |app| {
        let failures = app["status"]["history"].as_array().unwrap().iter();
        app["status"]["handled"]["retry"] == "first"
            && failures.filter(|entry| entry["result"] == "Failed").count() == 2
    });
    scene.stalled("orders", "RolledBack");
    scene.look("orders");
    scene.replace_controller();
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication", "RollbackApplication"]);

    let mark = scene.mark();
    scene.apply("orders", &release("healthy-2.yaml"));
    let app = scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(app["status"]["rolledBack"], serde_json::Value::Null);
}

#[test]
fn reverting_the_spec_after_a_rollback_is_ready_without_a_call() {
    let scene = scene_with_a_good_release("reverted");
    scene.apply("orders", &release("loops.yaml"));
    assert_rolled_back(&scene, "GateFailed", CAUSE);
    let mark = scene.mark();
    let job = scene.application("orders")["job"]["id"].clone();
    scene.apply("orders", &release("healthy-1.yaml"));
    let app = scene.ready("orders");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
    assert_eq!(scene.application("orders")["job"]["id"], job);
    assert!(
        crate::testbed::condition(&app, "RolledBack").is_none(),
        "{:#}",
        app["status"]
    );
}
