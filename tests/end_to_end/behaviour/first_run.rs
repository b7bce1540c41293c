//! An applied manifest becomes a running application.

use serde_json::json;

use crate::scene::{FIRST_RUN, Scene, has_snapshot};
use crate::testbed::{NAMESPACE, condition};

#[test]
fn an_applied_manifest_is_created_started_and_ready() {
    let scene = Scene::set("first-run");
    scene.apply("orders", &json!({"parallelism": {"parallelism": 3}}));
    let waited = scene.kubectl(&["wait", "--for=condition=Ready", "msfapp/orders", "--timeout=120s"]);
    assert!(waited.contains("condition met"), "{waited}");

    scene.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(scene.changes_since(0), FIRST_RUN);
    let inside = scene.application("orders");
    assert_eq!(inside["status"], "RUNNING");
    assert_eq!(inside["region"], "eu-west-1");
    assert!(inside["job"].is_object(), "{inside}");

    let app = scene.ready("orders");
    let status = &app["status"];
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Running");
    assert_eq!(condition(&app, "Synced").unwrap()["status"], "True");
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(status["aws"]["applicationARN"], inside["arn"]);
    assert_eq!(status["aws"]["accountId"], "111122223333");
    assert_eq!(status["revisions"]["running"], status["revisions"]["target"]);
    assert_eq!(status["revisions"]["good"], status["revisions"]["target"]);
    assert_eq!(status["parallelism"], 3);
}

#[test]
fn a_resource_that_shall_be_stopped_is_created_and_not_started() {
    let scene = Scene::set("first-stopped");
    scene.apply("orders", &json!({"desiredState": "Stopped"}));
    let app = scene.ready("orders");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Stopped");
    assert_eq!(scene.changes_since(0), ["CreateApplication"]);
    assert_eq!(scene.application("orders")["status"], "READY");
}

#[test]
fn the_application_has_the_name_and_the_tags_that_the_resource_says() {
    let scene = Scene::set("first-named");
    let spec = json!({
        "applicationName": "orders.eu_1",
        "description": "Enriches orders",
        "tags": {"team": "orders"},
    });
    scene.apply("orders", &spec);
    let app = scene.ready("orders");
    assert!(scene.emulator.describe("orders").is_none());
    assert_eq!(
        scene.describe("orders.eu_1")["ApplicationDescription"],
        "Enriches orders"
    );
    let tags = scene.tags("orders.eu_1");
    assert_eq!(tags["team"], "orders");
    assert_eq!(tags["sluicegate.dev/namespace"], "first-named");
    assert_eq!(tags["sluicegate.dev/name"], "orders");
    assert_eq!(tags["sluicegate.dev/uid"], app["metadata"]["uid"]);
    let system = scene.cluster.everywhere(NAMESPACE).get("kube-system").unwrap();
    assert_eq!(tags["sluicegate.dev/cluster"], system["metadata"]["uid"]);
}
