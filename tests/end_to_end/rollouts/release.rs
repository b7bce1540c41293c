//! Releases, good and bad, and what must be true after a bad one was rolled back.

use serde_json::{Value, json};

use crate::scene::{Scene, snapshots};
use crate::testbed::condition;

/// What the jobs of `loops.yaml` and its like fail with.
pub(crate) const CAUSE: &str = "java.io.IOException: table orders is gone";

/// A job that fails as soon as it processes, again and again.
pub(crate) const LOOPS: &str =
    "main: ok\nthen: {failsEvery: 5s, exception: \"java.io.IOException: table orders is gone\"}\n";

/// A spec with this code, without the snapshot before a change, and with a gate that watches for two seconds.
pub(crate) fn release(key: &str) -> Value {
    with(key, &json!({}))
}

/// The same with more members of `spec.rollout`.
pub(crate) fn with(key: &str, rollout: &Value) -> Value {
    let mut spec = json!({
        "code": {"s3": {"key": key}},
        "rollout": {"preChangeSnapshot": "Never", "gate": {"stableFor": "2s"}},
    });
    json_patch::merge(&mut spec["rollout"], rollout);
    spec
}

/// A scene on which a good release runs, with its state; `loops.yaml` lies ready.
#[track_caller]
pub(crate) fn scene_with_a_good_release(namespace: &str) -> Scene {
    let scene = Scene::set(namespace);
    begin(&scene);
    scene
}

/// Puts `loops.yaml` into the bucket and brings the first release up.
#[track_caller]
pub(crate) fn begin(scene: &Scene) {
    scene.object("loops.yaml", LOOPS);
    scene.apply("orders", &release("healthy-1.yaml"));
    scene.ready("orders");
}

/// Waits until the bad release is rolled back, and holds what is true then whatever the way was: the first cause is
/// told, the good release runs from the snapshot that the update took of its job, and no other.
#[track_caller]
pub(crate) fn assert_rolled_back(scene: &Scene, reason: &str, cause: &str) -> Value {
    let message = scene.stalled("orders", "RolledBack");
    assert!(message.contains(cause), "{message}");
    let app = scene.app("orders");
    let status = &app["status"];
    let rolled_back = condition(&app, "RolledBack").unwrap();
    assert_eq!(
        (&rolled_back["status"], &rolled_back["reason"]),
        (&json!("True"), &json!(reason)),
        "{status:#}"
    );
    assert_eq!(condition(&app, "Synced").unwrap()["reason"], "FailedRevisionHeld");
    assert_eq!(condition(&app, "JobHealthy").unwrap()["status"], "True", "{status:#}");
    let failure = &status["lastFailure"];
    assert!(failure["cause"].as_str().unwrap().contains(cause), "{failure}");
    assert_eq!(failure["revision"], status["revisions"]["target"]);
    assert_eq!(status["revisions"]["running"], status["revisions"]["good"]);
    assert_ne!(status["revisions"]["good"], status["revisions"]["target"]);
    assert_eq!(status["intent"], Value::Null);
    assert_eq!(status["wayBack"], Value::Null);

    let inside = scene.application("orders");
    assert_eq!(inside["status"], "RUNNING");
    let code =
        &scene.describe("orders")["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"];
    let key = &code["CodeContentDescription"]["S3ApplicationCodeLocationDescription"]["FileKey"];
    assert_eq!(key, "healthy-1.yaml", "the content is the good one");
    // The first one was taken when the good release was new.
    let of_the_change = snapshots(&inside).get(1).cloned();
    assert_eq!(
        inside["job"]["restoredFrom"],
        json!(of_the_change),
        "the good job goes on from its own state: {inside:#}"
    );
    app
}
