//! A spec that returns to the good release before the newer one was proven: the rollback, long before any deadline.

use serde_json::{Value, json};

use super::release::{CAUSE, begin, with};
use crate::scene::{Scene, snapshots};
use crate::testbed::condition;

/// A scene on which a release is on trial for a minute, over a good one; and the snapshots that there are by then.
fn scene_with_a_release_on_trial(namespace: &str) -> (Scene, u64, Vec<String>) {
    let scene = Scene::set(namespace);
    begin(&scene);
    let script = format!("main: ok\nthen: {{failsEvery: 5s, after: 10m, exception: \"{CAUSE}\"}}\n");
    scene.object("fails-later.yaml", &script);
    let mark = scene.mark();
    let gate = json!({"preChangeSnapshot": "WhenHealthy", "gate": {"stableFor": "1m"}});
    scene.apply("orders", &with("fails-later.yaml", &gate));
    scene.until("orders", "is seen to run", |app| {
        app["status"]["rollout"]["gate"]["stableSince"].is_string()
    });
    let of_the_good_job = snapshots(&scene.application("orders"));
    (scene, mark, of_the_good_job)
}

/// Reverts the spec and holds what is true when the good release runs again: it goes on from its own state, and nothing
/// was held against the other.
fn revert(scene: &Scene, of_the_good_job: &[String]) {
    scene.apply("orders", &with("healthy-1.yaml", &json!({})));
    scene.until("orders", "runs the good release", |app| {
        let revisions = &app["status"]["revisions"];
        revisions["running"] == revisions["good"] && revisions["target"] == revisions["good"]
    });
    scene.ready("orders");
    let app = scene.app("orders");
    let restored = scene.application("orders")["job"]["restoredFrom"].clone();
    assert!(
        of_the_good_job.iter().any(|name| restored == json!(name)),
        "{restored} is none of {of_the_good_job:?}"
    );
    assert_eq!(app["status"]["failedRevisions"], Value::Null);
    assert_eq!(app["status"]["wayBack"], Value::Null);
    assert_eq!(condition(&app, "Synced").unwrap()["status"], "True");
    let rolled_back = condition(&app, "RolledBack");
    assert!(rolled_back.is_none_or(|condition| condition["status"] != "True"));
}

#[test]
fn a_revert_before_the_verdict_is_a_rollback_at_once() {
    let (scene, mark, of_the_good_job) = scene_with_a_release_on_trial("revert");
    revert(&scene, &of_the_good_job);
    assert_eq!(
        scene.changes_since(mark),
        ["CreateApplicationSnapshot", "UpdateApplication", "RollbackApplication"]
    );
}

#[test]
fn a_revert_without_a_rollback_names_the_snapshot_of_the_good_job() {
    let (scene, mark, of_the_good_job) = scene_with_a_release_on_trial("revert-denied");
    scene.emulator.faults(&json!({"deny": ["RollbackApplication"]}));
    revert(&scene, &of_the_good_job);
    assert_eq!(
        scene.changes_since(mark),
        [
            "CreateApplicationSnapshot",
            "UpdateApplication",
            "RollbackApplication",
            "UpdateApplication"
        ]
    );
}
