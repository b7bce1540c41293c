//! A new revision waits for a person or for a change window, and nothing else does.

use serde_json::{Value, json};

use super::release::with;
use crate::scene::{FIRST_RUN, Scene};
use crate::testbed::condition;

/// A window that opens next on a leap day.
fn shut() -> Value {
    json!([{"name": "leap", "cron": "0 0 29 2 *", "duration": "1m"}])
}

/// A window that is always open.
fn open() -> Value {
    json!([{"name": "always", "cron": "* * * * *", "duration": "1h", "timeZone": "Europe/Dublin"}])
}

/// A release under `approval: Manual`.
fn manual(key: &str) -> Value {
    with(key, &json!({"approval": "Manual"}))
}

/// Waits until the newest revision is held back for a reason, holds what the conditions say then, and looks twice more;
/// the answer is the revision.
#[track_caller]
fn held_back(scene: &Scene, reason: &str) -> String {
    let app = scene.until("orders", &format!("is held back: {reason}"), |app| {
        let current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
        let ready = condition(app, "Ready").map(|ready| ready["reason"].clone());
        let synced = condition(app, "Synced").map(|synced| synced["reason"].clone());
        current && synced == Some(json!(reason)) && ready == Some(json!("Pending")) && app["status"]["intent"].is_null()
    });
    scene.look("orders");
    for absent in ["Reconciling", "Stalled"] {
        assert_eq!(condition(&app, absent), None, "{:#}", app["status"]);
    }
    assert_eq!(condition(&app, "Ready").unwrap()["status"], "False");
    app["status"]["revisions"]["target"].as_str().unwrap().to_owned()
}

fn code_of(scene: &Scene) -> Value {
    let detail = scene.describe("orders");
    let code = &detail["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"];
    code["CodeContentDescription"]["S3ApplicationCodeLocationDescription"]["FileKey"].clone()
}

#[test]
fn every_revision_waits_for_exactly_its_approval() {
    let mut scene = Scene::set("approved");
    scene.apply("orders", &manual("healthy-1.yaml"));
    let first = held_back(&scene, "AwaitingApproval");
    let message = scene.app("orders")["status"]["message"].to_string();
    assert!(message.contains(&format!("approved-revision={first}")), "{message}");
    scene.replace_controller();
    held_back(&scene, "AwaitingApproval");
    assert_eq!(scene.changes_since(0), [""; 0]);

    scene.annotate("orders", "approved-revision", &first);
    scene.ready("orders");
    assert_eq!(scene.changes_since(0), FIRST_RUN);

    let mark = scene.mark();
    scene.apply("orders", &manual("healthy-2.yaml"));
    let second = held_back(&scene, "AwaitingApproval");
    let app = scene.app("orders");
    assert_ne!(second, first);
    assert_eq!(app["status"]["revisions"]["good"], json!(first));
    assert_eq!(condition(&app, "JobHealthy").unwrap()["status"], "True");
    scene.replace_controller();
    held_back(&scene, "AwaitingApproval");
    assert_eq!(scene.changes_since(mark), [""; 0]);

    scene.annotate("orders", "approved-revision", &second);
    let app = scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(app["status"]["revisions"]["good"], json!(second));
    assert_eq!(app["status"]["handled"]["approval"], json!(second));
}

#[test]
fn a_rollout_goes_on_and_back_while_the_next_revision_waits() {
    let mut scene = Scene::set("overtaken");
    super::release::begin(&scene);
    let mark = scene.mark();
    scene.apply("orders", &manual("loops.yaml"));
    let bad = held_back(&scene, "AwaitingApproval");
    scene.annotate("orders", "approved-revision", &bad);
    scene.until("orders", "is on its way out", |app| {
        app["status"]["rollout"].is_object()
    });
    scene.apply("orders", &manual("healthy-2.yaml"));
    scene.replace_controller();
    scene.until("orders", "was rolled back", |app| {
        app["status"]["rolledBack"].is_object() && app["status"]["intent"].is_null()
    });
    let next = held_back(&scene, "AwaitingApproval");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication", "RollbackApplication"]);
    assert_eq!(code_of(&scene), "healthy-1.yaml");

    scene.annotate("orders", "approved-revision", &next);
    scene.ready("orders");
    assert_eq!(code_of(&scene), "healthy-2.yaml");
}

#[test]
fn outside_its_window_a_revision_waits_and_the_job_in_place_is_kept_up() {
    let mut scene = Scene::set("windows");
    super::release::begin(&scene);
    let mark = scene.mark();
    scene.apply("orders", &with("healthy-2.yaml", &json!({"changeWindows": shut()})));
    held_back(&scene, "OutsideChangeWindow");
    let message = scene.app("orders")["status"]["message"].to_string();
    assert!(
        message.contains("leap") && message.contains("02-29T00:00:00Z"),
        "{message}"
    );

    scene.kill_controller();
    scene.call("StopApplication", &json!({"ApplicationName": "orders"}));
    scene.start_controller();
    scene.until("orders", "saw the stop", |app| {
        let history = app["status"]["history"].as_array().unwrap();
        history.iter().any(|entry| entry["result"] == "StoppedElsewhere")
    });
    held_back(&scene, "OutsideChangeWindow");
    let ours = || {
        let mut calls = scene.changes_since(mark);
        calls.retain(|call| call != "StopApplication");
        calls
    };
    assert_eq!(ours(), ["StartApplication"]);
    assert_eq!(code_of(&scene), "healthy-1.yaml");
    assert_eq!(scene.application("orders")["status"], "RUNNING");

    scene.apply("orders", &with("healthy-2.yaml", &json!({"changeWindows": open()})));
    scene.ready("orders");
    assert_eq!(ours(), ["StartApplication", "UpdateApplication"]);
    assert_eq!(code_of(&scene), "healthy-2.yaml");
}

#[test]
fn a_stop_does_not_wait_for_what_the_next_start_brings() {
    let scene = Scene::set("stopped-waiting");
    super::release::begin(&scene);
    let mark = scene.mark();
    let mut spec = with("healthy-2.yaml", &json!({"changeWindows": shut()}));
    spec["desiredState"] = json!("Stopped");
    scene.apply("orders", &spec);
    held_back(&scene, "OutsideChangeWindow");
    assert_eq!(scene.changes_since(mark), ["StopApplication"]);
    assert_eq!(code_of(&scene), "healthy-1.yaml");
    assert_eq!(scene.application("orders")["status"], "READY");
}

#[test]
fn a_window_that_cannot_be_read_names_its_member() {
    let scene = Scene::set("unread-windows");
    let windows = json!([{"name": "nights", "cron": "0 25 * * *", "duration": "4h"}]);
    scene.apply("orders", &with("healthy-1.yaml", &json!({"changeWindows": windows})));
    let message = scene.stalled("orders", "InvalidSpec");
    assert!(message.contains("spec.rollout.changeWindows[nights].cron"), "{message}");
    assert_eq!(scene.changes_since(0), [""; 0]);
}
