//! An applied manifest becomes a running application.

use serde_json::json;

use crate::stage::{FIRST_RUN, Stage, has_snapshot};
use crate::testbed::condition;

#[test]
fn an_applied_manifest_is_created_started_and_ready() {
    let stage = Stage::set("first-run");
    stage.apply("orders", &json!({"parallelism": {"parallelism": 3}}));
    let waited = stage.kubectl(&["wait", "--for=condition=Ready", "msfapp/orders", "--timeout=120s"]);
    assert!(waited.contains("condition met"), "{waited}");

    stage.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(stage.changes_since(0), FIRST_RUN);
    let inside = stage.inside("orders");
    assert_eq!(inside["status"], "RUNNING");
    assert_eq!(inside["region"], "eu-west-1");
    assert!(inside["job"].is_object(), "{inside}");

    let app = stage.ready("orders");
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
    let stage = Stage::set("first-stopped");
    stage.apply("orders", &json!({"desiredState": "Stopped"}));
    let app = stage.ready("orders");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Stopped");
    assert_eq!(stage.changes_since(0), ["CreateApplication"]);
    assert_eq!(stage.inside("orders")["status"], "READY");
}

#[test]
fn the_application_has_the_name_and_the_tags_that_the_resource_says() {
    let stage = Stage::set("first-named");
    let spec = json!({
        "applicationName": "orders.eu_1",
        "description": "Enriches orders",
        "tags": {"team": "orders"},
    });
    stage.apply("orders", &spec);
    let app = stage.ready("orders");
    assert!(stage.emulator.describe("orders").is_none());
    assert_eq!(
        stage.describe("orders.eu_1")["ApplicationDescription"],
        "Enriches orders"
    );
    let tags = stage.tags("orders.eu_1");
    assert_eq!(tags["team"], "orders");
    assert_eq!(tags["sluicegate.dev/namespace"], "first-named");
    assert_eq!(tags["sluicegate.dev/name"], "orders");
    assert_eq!(tags["sluicegate.dev/uid"], app["metadata"]["uid"]);
    let system = stage.cluster.get("default", "namespace/kube-system").unwrap();
    assert_eq!(tags["sluicegate.dev/cluster"], system["metadata"]["uid"]);
}
