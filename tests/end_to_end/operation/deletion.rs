//! What the deletion of a resource does to its application, by policy.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, deleted_with_state, healthy};
use crate::testbed::NAMESPACE;

fn running(scene: &Scene, name: &str, deletion: &Value) {
    scene.apply(name, &healthy(&json!({"deletion": deletion})));
    scene.ready(name);
}

#[test]
fn retain_makes_no_changing_call_and_leaves_the_job_running() {
    let scene = Scene::open("retain");
    let _controller = scene.controller(&[]);
    scene.apply("orders", &healthy(&json!({})));
    running(&scene, "once-held", &json!({"policy": "Stop"}));
    running(&scene, "once-held", &json!({"policy": "Retain"}));
    scene.ready("orders");
    let before = [scene.application("orders"), scene.application("once-held")];
    let mark = scene.mark();

    scene.delete("orders");
    scene.delete("once-held");
    scene.until_gone("orders");
    scene.until_gone("once-held");
    // The controller has seen both deletions when a later resource has gone its whole way.
    running(&scene, "later", &json!({"policy": "Retain"}));

    let mut calls = scene.requests_since(mark);
    calls.retain(|call| call.application.as_deref() != Some("later"));
    assert_eq!(calls, []);
    assert_eq!(before, [scene.application("orders"), scene.application("once-held")]);
    assert_eq!(before[0]["status"], "RUNNING");
}

#[test]
fn stop_leaves_a_stopped_application_with_a_final_snapshot() {
    let scene = Scene::open("stop");
    let _controller = scene.controller(&[]);
    running(&scene, "orders", &json!({"policy": "Stop"}));
    let snapshots = |application: &Value| application["snapshots"].as_array().map_or(0, Vec::len);
    let before = snapshots(&scene.application("orders"));
    let mark = scene.mark();

    scene.delete("orders");
    scene.until_gone("orders");

    let application = scene.application("orders");
    assert_eq!(application["status"], "READY");
    assert_eq!(application["jobs"][0]["state"], "STOPPED");
    assert_eq!(snapshots(&application), before + 1, "{application}");
    assert_eq!(application["snapshots"][before]["SnapshotStatus"], "READY");
    assert_eq!(scene.accepted_since(mark), ["StopApplication"]);
}

#[test]
fn a_final_snapshot_of_never_is_a_stop_by_force() {
    let scene = Scene::open("never");
    let _controller = scene.controller(&[]);
    running(&scene, "orders", &json!({"policy": "Stop", "finalSnapshot": "Never"}));
    let before = scene.application("orders")["snapshots"].clone();
    let mark = scene.mark();

    scene.delete("orders");
    scene.until_gone("orders");

    let application = scene.application("orders");
    assert_eq!(application["status"], "READY");
    assert_eq!(application["jobs"][0]["state"], "KILLED");
    assert_eq!(application["snapshots"], before);
    assert_eq!(scene.accepted_since(mark), ["StopApplication"]);
}

#[test]
fn delete_stops_the_job_gracefully_and_then_removes_the_application() {
    let scene = Scene::open("delete");
    let _controller = scene.controller(&[]);
    running(&scene, "orders", &deleted_with_state());
    let mark = scene.mark();

    scene.delete("orders");
    scene.until_status("orders", "STOPPING");
    scene.until_gone("orders");

    assert!(scene.emulator.describe("orders").is_none());
    assert_eq!(scene.accepted_since(mark), ["StopApplication", "DeleteApplication"]);
}

#[test]
fn delete_without_consent_to_the_loss_of_state_is_refused_at_admission() {
    let scene = Scene::open("consent");
    let _controller = scene.controller(&[]);
    for deletion in [
        json!({"policy": "Delete"}),
        json!({"policy": "Delete", "stateLoss": "Refused"}),
    ] {
        let manifest = scene.manifest("orders", &healthy(&json!({"deletion": deletion})));
        let refused = scene.resources().try_create(&manifest);
        let refusal = refused.expect_err("it was admitted");
        assert!(refusal.contains("spec.deletion"), "{refusal}");
        assert!(refusal.contains("stateLoss: Accepted"), "{refusal}");
    }
    running(&scene, "orders", &deleted_with_state());
    let withdrawn = scene.manifest("orders", &healthy(&json!({"deletion": {"policy": "Delete"}})));
    let refusal = scene.resources().refusal_to_apply(&withdrawn);
    assert!(refusal.is_some(), "the consent was withdrawn and the policy stayed");
}

#[test]
fn a_deleted_namespace_takes_its_applications_along() {
    let scene = Scene::open("doomed");
    let _controller = scene.controller(&[]);
    let names = ["orders", "payments", "refunds"];
    for name in names {
        scene.apply(name, &healthy(&json!({"deletion": deleted_with_state()})));
    }
    scene.apply("kept", &healthy(&json!({"deletion": {"policy": "Stop"}})));
    for name in names.iter().chain(&["kept"]) {
        scene.ready(name);
    }

    let mark = scene.cluster.audit.mark();
    let namespaces = scene.cluster.everywhere(NAMESPACE);
    namespaces.delete("doomed");
    namespaces.until_gone("doomed", PATIENCE);

    for name in names {
        assert!(scene.emulator.describe(name).is_none(), "{name} is still there");
    }
    assert_eq!(scene.application("kept")["status"], "READY");
    let requests = scene.cluster.audit.of_the_controller_since(mark);
    let refused = requests.iter().filter(|event| {
        event["objectRef"]["namespace"] == "doomed"
            && event["objectRef"]["resource"] == "events"
            && event["responseStatus"]["code"] == 403
    });
    assert!(
        refused.count() > 0,
        "no event was refused in the namespace that was being deleted"
    );
}
