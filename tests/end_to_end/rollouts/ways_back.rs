//! Where `RollbackApplication` would not lead to the right state, or is refused, the job is stopped by force and the
//! good version is started from the snapshot of the good job.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::release::{CAUSE, assert_rolled_back, release, scene_with_a_good_release, with};

const BY_FORCE: [&str; 4] = [
    "UpdateApplication",
    "StopApplication",
    "UpdateApplication",
    "StartApplication",
];

#[test]
fn a_job_that_came_up_without_its_state_is_undone_by_force() {
    let scene = scene_with_a_good_release("without-state");
    scene.object("forgets.yaml", "main: ok\nstate: {ignored: true}\n");
    let mark = scene.mark();
    scene.apply("orders", &release("forgets.yaml"));
    let app = assert_rolled_back(&scene, "GateFailed", "without its state");
    assert_eq!(app["status"]["lastFailure"]["reason"], "StateNotRestored");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), BY_FORCE);
}

#[test]
fn a_refused_rollback_goes_on_by_force_and_ends_in_the_same_place() {
    let scene = scene_with_a_good_release("rollback-denied");
    scene.emulator.faults(&json!({"deny": ["RollbackApplication"]}));
    let mark = scene.mark();
    scene.apply("orders", &release("loops.yaml"));
    assert_rolled_back(&scene, "GateFailed", CAUSE);
    scene.look("orders");
    assert_eq!(
        scene.changes_since(mark),
        [
            "UpdateApplication",
            "RollbackApplication",
            "StopApplication",
            "UpdateApplication",
            "StartApplication"
        ]
    );
}

#[test]
fn a_newer_snapshot_of_the_failed_job_is_never_loaded() {
    let scene = scene_with_a_good_release("newer-snapshot");
    let script = format!("main: ok\nthen: {{failsEvery: 5s, after: 10m, exception: \"{CAUSE}\"}}\n");
    scene.object("fails-later.yaml", &script);
    let mark = scene.mark();
    scene.apply(
        "orders",
        &with("fails-later.yaml", &json!({"gate": {"stableFor": "15s"}})),
    );
    scene.until("orders", "is seen to run", |app| {
        app["status"]["rollout"]["gate"]["stableSince"].is_string()
    });
    // Snapshots carry whole seconds: this one must not be of the second in which the update ended.
    thread::sleep(Duration::from_secs(2));
    scene.call(
        "CreateApplicationSnapshot",
        &json!({"ApplicationName": "orders", "SnapshotName": "of-the-failed-job"}),
    );
    assert_rolled_back(&scene, "GateFailed", CAUSE);
    scene.look("orders");
    let mut expected = BY_FORCE.to_vec();
    expected.insert(1, "CreateApplicationSnapshot");
    assert_eq!(scene.changes_since(mark), expected);
}

#[test]
fn a_forced_stop_on_request_after_a_rollback_holds_until_a_restart_brings_the_good_release_up() {
    let scene = scene_with_a_good_release("stopped-after-rollback");
    scene.apply("orders", &release("loops.yaml"));
    assert_rolled_back(&scene, "GateFailed", CAUSE);
    let mark = scene.mark();
    scene.annotate("orders", "force-stop-requested-at", "1");
    scene.stalled("orders", "ForceStopped");
    scene.look("orders");
    assert_eq!(scene.application("orders")["status"], "READY");
    assert_eq!(scene.changes_since(mark), ["StopApplication"]);

    scene.annotate("orders", "restart-requested-at", "1");
    scene.stalled("orders", "RolledBack");
    assert_eq!(scene.application("orders")["status"], "RUNNING");
    let status = &scene.app("orders")["status"];
    assert_eq!(status["revisions"]["running"], status["revisions"]["good"]);
    assert_eq!(scene.changes_since(mark), ["StopApplication", "StartApplication"]);
}
