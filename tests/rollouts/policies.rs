//! What `spec.rollout.onFailure` chooses.

use serde_json::json;

use crate::release::{CAUSE, stage_with_a_good_release, with};
use crate::testbed::condition;

#[test]
fn on_failure_force_stop_stops_the_job_and_the_next_release_starts_from_the_good_state() {
    let stage = stage_with_a_good_release("policy-force-stop");
    let policy = json!({"onFailure": "ForceStop"});
    let mark = stage.mark();
    stage.apply("orders", &with("loops.yaml", &policy));
    stage.until("orders", "is stopped", |app| {
        app["status"]["aws"]["applicationStatus"] == "READY" && app["status"]["intent"].is_null()
    });
    let message = stage.stalled("orders", "RestartLoop");
    assert!(message.contains(CAUSE), "{message}");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication", "StopApplication"]);
    let app = stage.app("orders");
    assert!(condition(&app, "RolledBack").is_none(), "{:#}", app["status"]);
    let of_the_update = crate::stage::snapshots(&stage.inside("orders")).pop();

    let mark = stage.mark();
    stage.apply("orders", &with("healthy-2.yaml", &policy));
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication", "StartApplication"]);
    assert_eq!(stage.inside("orders")["job"]["restoredFrom"], json!(of_the_update));
}

#[test]
fn on_failure_hold_leaves_the_job_as_it_is_and_a_mended_release_gets_through() {
    let stage = stage_with_a_good_release("policy-hold");
    let policy = json!({"onFailure": "Hold"});
    let mark = stage.mark();
    stage.apply("orders", &with("loops.yaml", &policy));
    let message = stage.stalled("orders", "RestartLoop");
    assert!(message.contains(CAUSE), "{message}");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(stage.inside("orders")["status"], "RUNNING");
    let app = stage.app("orders");
    let health = condition(&app, "JobHealthy").unwrap();
    assert_eq!(
        (&health["status"], &health["reason"]),
        (&json!("False"), &json!("RestartLoop"))
    );
    let good = crate::stage::snapshots(&stage.inside("orders")).pop();

    stage.apply("orders", &with("healthy-2.yaml", &policy));
    stage.ready("orders");
    assert_eq!(stage.inside("orders")["job"]["restoredFrom"], json!(good));
}
