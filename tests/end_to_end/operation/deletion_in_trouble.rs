//! Deletions that meet an invalid spec, a busy service, or a service that refuses.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::scene::{PATIENCE, Scene, deleted_with_state, healthy};
use crate::testbed::{CONFIG_MAP, eventually};

/// An ARN of another partition: the schema admits it, the parser does not.
const FOREIGN_ROLE: &str = "arn:aws-cn:iam::111122223333:role/flink/orders";

#[test]
fn a_resource_whose_spec_became_invalid_is_deleted_by_its_policy() {
    let scene = Scene::open("invalid");
    let _controller = scene.controller(&["--reference-grace=0s"]);
    let reference = json!([{"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]}]);
    scene.config_map("kafka", &json!({"group.id": "orders"}));
    scene.apply("foreign-arn", &healthy(&json!({"deletion": {"policy": "Stop"}})));
    let lost = healthy(&json!({"deletion": deleted_with_state(), "propertyGroups": reference}));
    scene.apply("lost-config-map", &lost);
    scene.ready("foreign-arn");
    scene.ready("lost-config-map");

    let invalid = json!({"deletion": {"policy": "Stop"}, "serviceExecutionRole": FOREIGN_ROLE});
    scene.apply("foreign-arn", &healthy(&invalid));
    scene.objects(CONFIG_MAP).delete("kafka");
    scene.until_reason("foreign-arn", "InvalidSpec");
    scene.until_reason("lost-config-map", "ReferenceNotFound");
    let mark = scene.mark();
    scene.delete("foreign-arn");
    scene.delete("lost-config-map");
    scene.until_gone("foreign-arn");
    scene.until_gone("lost-config-map");

    let stopped = scene.application("foreign-arn");
    assert_eq!(stopped["status"], "READY");
    let taken = stopped["snapshots"].as_array().map(Vec::len);
    assert_eq!(taken, Some(2), "the first one and that of the stop: {stopped}");
    assert!(scene.emulator.describe("lost-config-map").is_none());
    let mut calls = scene.accepted_since(mark);
    calls.sort();
    assert_eq!(calls, ["DeleteApplication", "StopApplication", "StopApplication"]);
}

#[test]
fn a_resource_that_was_invalid_from_the_first_day_is_deleted_without_a_call() {
    let scene = Scene::open("stillborn");
    let _controller = scene.controller(&[]);
    let invalid = json!({"deletion": deleted_with_state(), "serviceExecutionRole": FOREIGN_ROLE});
    scene.apply("orders", &healthy(&invalid));
    scene.until_reason("orders", "InvalidSpec");

    scene.delete("orders");
    scene.until_gone("orders");

    assert_eq!(scene.requests_since(0), []);
}

#[test]
fn a_deletion_waits_for_a_busy_service_and_then_stops_once() {
    let scene = Scene::open_at("busy", "6");
    // A job that is still restoring its state when the deletion comes would be stopped by force.
    scene.object("healthy.yaml", "main: ok");
    let _controller = scene.controller(&[]);
    let spec = |parallelism: i32| {
        healthy(&json!({"deletion": {"policy": "Stop"}, "parallelism": {"parallelism": parallelism}}))
    };
    let running = ["updating", "maintained", "scaling"];
    for name in running {
        scene.apply(name, &spec(1));
    }
    for name in running {
        scene.ready(name);
    }
    scene.apply("starting", &spec(1));
    scene.apply("updating", &spec(2));

    let busy = |name: &str, status: &str| {
        scene.until_status(name, status);
        scene.delete(name);
        let still = scene.application(name)["status"].clone();
        assert_eq!(still, status, "the deletion came too late");
    };
    scene.unannounced("maintained", "maintenance");
    busy("maintained", "MAINTENANCE");
    scene.unannounced("scaling", "autoscaling");
    busy("scaling", "AUTOSCALING");
    busy("starting", "STARTING");
    busy("updating", "UPDATING");

    for name in ["maintained", "scaling", "starting", "updating"] {
        scene.until_gone(name);
        let application = scene.application(name);
        assert_eq!(application["status"], "READY", "{name}");
        let automatic = application["jobs"].as_array().and_then(|jobs| jobs.last()).unwrap();
        assert_eq!(automatic["state"], "STOPPED", "{name} was stopped gracefully");
        let mut calls = scene.requests_since(0);
        calls.retain(|call| call.operation == "StopApplication" && call.application.as_deref() == Some(name));
        let outcomes: Vec<&str> = calls.iter().map(|call| call.outcome.as_str()).collect();
        assert_eq!(outcomes, ["ok"], "{name}");
    }
}

#[test]
fn a_deletion_that_is_stuck_is_unblocked_by_the_policy_retain() {
    let scene = Scene::open("stuck");
    let _controller = scene.controller(&[]);
    scene.apply("orders", &healthy(&json!({"deletion": deleted_with_state()})));
    scene.ready("orders");
    scene.emulator.faults(&json!({"deny": ["StopApplication"]}));

    scene.delete("orders");
    eventually("the stop is refused", PATIENCE, || {
        scene.emulator.count("StopApplication") > 0
    });
    let retain = json!({"spec": {"deletion": {"policy": "Retain"}}});
    scene.resources().patch("orders", &retain);
    scene.until_gone("orders");

    assert_eq!(scene.application("orders")["status"], "RUNNING");
    assert_eq!(scene.emulator.count("DeleteApplication"), 0);
}

#[test]
fn a_stop_that_is_refused_for_permission_is_sent_again_at_a_growing_distance_and_heals() {
    let scene = Scene::open("stop-denied");
    let _controller = scene.controller(&[]);
    scene.apply("orders", &healthy(&json!({"deletion": {"policy": "Stop"}})));
    scene.ready("orders");
    scene.emulator.faults(&json!({"deny": ["StopApplication"]}));

    scene.delete("orders");
    eventually("a stop by force is tried after the graceful one", PATIENCE, || {
        scene.emulator.count("StopApplication") >= 2
    });
    // The first pause lasts five seconds: within three no attempt follows, also on a slow machine.
    thread::sleep(Duration::from_secs(3));
    assert_eq!(scene.emulator.count("StopApplication"), 2);
    eventually("it is tried again", PATIENCE, || {
        scene.emulator.count("StopApplication") >= 3
    });
    scene.emulator.faults(&json!({}));
    scene.until_gone("orders");
    assert_eq!(scene.application("orders")["status"], "READY");
}
