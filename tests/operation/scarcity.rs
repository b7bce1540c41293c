//! What goes first while the service throttles everything.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{Scene, healthy};
use crate::testbed::{condition, eventually, scratch};

/// The applications beside the one in trouble.
const OTHERS: usize = 299;

/// Far more than three hundred applications need to settle on a slow machine.
const PATIENCE: Duration = Duration::from_mins(10);

fn scene() -> Scene {
    let bucket = scratch("scarcity-bucket").unwrap();
    let jobs = format!("jobs={}", bucket.display());
    let scene = Scene::with(
        "scarcity",
        bucket,
        &["--speed", "60", "--bucket", &jobs, "--application-quota", "300"],
    );
    scene.object("healthy.yaml", "{main: ok, initializing: 5s}");
    scene.object("failing.yaml", "{main: ok, then: {failsEvery: 20s}}");
    scene
}

/// The applications of which something is not true yet.
fn left(scene: &Scene, settled: impl Fn(&Value) -> bool) -> Vec<String> {
    let list = scene.kubectl(&["get", "flinkapplications", "-o", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    let left = items.filter(|app| !settled(app));
    left.map(|app| app["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

fn is_ready(app: &Value) -> bool {
    condition(app, "Ready").is_some_and(|ready| ready["status"] == "True")
}

#[test]
fn one_of_three_hundred_is_rolled_back_first_while_everything_is_throttled() {
    let scene = scene();
    let _controller = scene.controller(&[]);
    let stopped = healthy(&json!({"desiredState": "Stopped"}));
    let manifests: Vec<String> = (0..OTHERS)
        .map(|number| scene.manifest(&format!("other-{number}"), &stopped))
        .collect();
    scene
        .cluster
        .kubectl_ok(&["apply", "-f", "-"], Some(&manifests.join("\n")));
    let gate = json!({"stableFor": "2s", "minCompletedCheckpoints": 0});
    scene.apply("orders", &healthy(&json!({"rollout": {"gate": gate}})));
    eventually("all are settled", PATIENCE, || {
        let left = left(&scene, is_ready);
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{} are not: {:?}", left.len(), left.first()))
        }
    });

    scene.emulator.faults(&json!({"rate": {"*": 1}}));
    scene.kubectl(&[
        "annotate",
        "flinkapplications",
        "--all",
        "sluicegate.dev/reconcile-requested-at=now",
    ]);
    let bad = json!({"rollout": {"gate": gate}, "code": {"s3": {"bucket": "jobs", "key": "failing.yaml"}}});
    let mark = scene.mark();
    scene.apply("orders", &healthy(&bad));
    let rolled_back = eventually("the release is rolled back", PATIENCE, || {
        let calls = scene.emulator.calls();
        let since = calls.into_iter().filter(|call| call.sequence > mark);
        let since: Vec<_> = since.collect();
        let found = since
            .iter()
            .find(|call| call.operation == "RollbackApplication" && call.outcome == "ok");
        found
            .map(|call| call.sequence)
            .ok_or_else(|| format!("{:?}", since.last()))
    });

    let calls = scene.emulator.calls();
    let before = calls
        .iter()
        .filter(|call| call.sequence > mark && call.sequence < rolled_back);
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
    eventually("every other request is answered", PATIENCE, || {
        let left = left(&scene, |app| app["status"]["handled"]["reconcile"] == "now");
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{} are not: {:?}", left.len(), left.first()))
        }
    });
    eventually("the older release runs", PATIENCE, || {
        let history = scene.resource("orders").unwrap()["status"]["history"].to_string();
        if history.contains("RolledBack") {
            Ok(())
        } else {
            Err(history)
        }
    });
}
