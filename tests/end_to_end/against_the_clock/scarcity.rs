//! What goes first while the service throttles everything.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{Scene, healthy};
use crate::testbed::{condition, eventually};

/// The applications beside the one in trouble.
const OTHERS: usize = 299;

/// Far more than three hundred applications need to settle on a slow machine.
const PATIENCE: Duration = Duration::from_mins(10);

fn scene() -> Scene {
    let scene = Scene::open_with("scarcity", &["--application-quota", "300"]);
    scene.object("failing.yaml", "{main: ok, then: {failsEvery: 20s}}");
    scene
}

/// The names of the applications, that of the one in trouble last.
fn names() -> impl Iterator<Item = String> {
    (0..OTHERS)
        .map(|number| format!("other-{number}"))
        .chain(["orders".to_owned()])
}

/// Waits until something is true of every application.
fn until_all(scene: &Scene, what: &str, is_so: impl Fn(&Value) -> bool) {
    for name in names() {
        scene
            .resources()
            .until(&name, &format!("{name} {what}"), PATIENCE, &is_so);
    }
}

fn is_ready(app: &Value) -> bool {
    condition(app, "Ready").is_some_and(|ready| ready["status"] == "True")
}

#[test]
fn one_of_three_hundred_is_rolled_back_first_while_everything_is_throttled() {
    let scene = scene();
    let _controller = scene.controller(&[]);
    let stopped = healthy(&json!({"desiredState": "Stopped"}));
    for name in names().take(OTHERS) {
        scene.apply(&name, &stopped);
    }
    let gate = json!({"stableFor": "2s", "minCompletedCheckpoints": 0});
    scene.apply("orders", &healthy(&json!({"rollout": {"gate": gate}})));
    until_all(&scene, "is settled", is_ready);

    scene.emulator.faults(&json!({"rate": {"*": 1}}));
    for name in names() {
        scene.annotate(&name, "reconcile-requested-at", "now");
    }
    let bad = json!({"rollout": {"gate": gate}, "code": {"s3": {"bucket": "code", "key": "failing.yaml"}}});
    let mark = scene.mark();
    scene.apply("orders", &healthy(&bad));
    let rolled_back = eventually("the release is rolled back", PATIENCE, || {
        let calls = scene.emulator.calls_since(mark);
        let found = calls
            .iter()
            .find(|call| call.operation == "RollbackApplication" && call.outcome == "ok");
        found
            .map(|call| call.sequence)
            .ok_or_else(|| format!("{:?}", calls.last()))
    });

    let calls = scene.emulator.calls_since(mark);
    let before = calls.iter().filter(|call| call.sequence < rolled_back);
    let throttled = before.clone().filter(|call| call.outcome == "ThrottlingException");
    assert!(throttled.count() > 0, "nothing was scarce");
    let looked_at: BTreeSet<&str> = before
        .filter(|call| call.outcome == "ok")
        .filter_map(|call| call.application.as_deref())
        .filter(|name| *name != "orders")
        .collect();
    println!(
        "{} of {OTHERS} others were looked at before the rollback",
        looked_at.len()
    );
    assert!(looked_at.len() < OTHERS, "it came last");

    scene.emulator.faults(&json!({}));
    until_all(&scene, "has answered", |app| {
        app["status"]["handled"]["reconcile"] == "now"
    });
    scene.until("orders", "runs the older release", |app| {
        app["status"]["history"].to_string().contains("RolledBack")
    });
}
