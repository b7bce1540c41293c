//! What `spec.rollout.onFailure` chooses.

use serde_json::json;

use super::release::{CAUSE, scene_with_a_good_release, with};
use crate::testbed::condition;

#[test]
fn on_failure_force_stop_stops_the_job_and_the_next_release_starts_from_the_good_state() {
    let scene = scene_with_a_good_release("policy-force-stop");
    let policy = json!({"onFailure": "ForceStop"});
    let mark = scene.mark();
    scene.apply("orders", &with("loops.yaml", &policy));
    scene.until("orders", "is stopped", |app| {
        app["status"]["aws"]["applicationStatus"] == "READY" && app["status"]["intent"].is_null()
    });
    let message = scene.stalled("orders", "RestartLoop");
    assert!(message.contains(CAUSE), "{message}");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication", "StopApplication"]);
    let app = scene.app("orders");
    assert!(condition(&app, "RolledBack").is_none(), "{:#}", app["status"]);
    let of_the_update = crate::scene::snapshots(&scene.application("orders")).pop();

    let mark = scene.mark();
    scene.apply("orders", &with("healthy-2.yaml", &policy));
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication", "StartApplication"]);
    assert_eq!(scene.application("orders")["job"]["restoredFrom"], json!(of_the_update));
}

#[test]
fn on_failure_hold_leaves_the_job_as_it_is_and_a_mended_release_gets_through() {
    let scene = scene_with_a_good_release("policy-hold");
    let policy = json!({"onFailure": "Hold"});
    let mark = scene.mark();
    scene.apply("orders", &with("loops.yaml", &policy));
    let message = scene.stalled("orders", "RestartLoop");
    assert!(message.contains(CAUSE), "{message}");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(scene.application("orders")["status"], "RUNNING");
    let app = scene.app("orders");
    let health = condition(&app, "JobHealthy").unwrap();
    assert_eq!(
        (&health["status"], &health["reason"]),
        (&json!("False"), &json!("RestartLoop"))
    );
    let good = crate::scene::snapshots(&scene.application("orders")).pop();

    scene.apply("orders", &with("healthy-2.yaml", &policy));
    scene.ready("orders");
    assert_eq!(scene.application("orders")["job"]["restoredFrom"], json!(good));
}
