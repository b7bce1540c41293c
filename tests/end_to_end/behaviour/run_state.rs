//! Stopping, starting and restarting, with the state of the job.

use serde_json::json;

use crate::scene::{FIRST_RUN, Scene, has_snapshot, snapshots};
use crate::testbed::condition;

#[test]
fn a_stopped_application_starts_again_from_the_snapshot_of_its_stop() {
    let scene = Scene::set("stop-start");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    assert!(scene.application("orders")["job"]["restoredFrom"].is_null());

    let mark = scene.mark();
    scene.apply("orders", &json!({"desiredState": "Stopped"}));
    let app = scene.ready("orders");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Stopped");
    assert_eq!(scene.changes_since(mark), ["StopApplication"]);
    let inside = scene.application("orders");
    assert_eq!(inside["status"], "READY");
    let [_, of_the_stop] = snapshots(&inside).try_into().unwrap();
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["StopApplication"]);

    let mark = scene.mark();
    scene.apply("orders", &json!({}));
    let app = scene.ready("orders");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Running");
    assert_eq!(scene.changes_since(mark), ["StartApplication"]);
    assert_eq!(scene.application("orders")["job"]["restoredFrom"], json!(of_the_stop));
    let start = &scene.describe("orders")["ApplicationConfigurationDescription"]["RunConfigurationDescription"];
    assert_eq!(
        start["ApplicationRestoreConfigurationDescription"],
        json!({"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": of_the_stop}),
        "the snapshot is named, never left to the service"
    );
}

#[test]
fn on_start_none_gives_the_state_up() {
    let scene = Scene::set("start-empty");
    let spec = |state: &str| json!({"desiredState": state, "restore": {"onStart": "None"}});
    scene.apply("orders", &spec("Running"));
    scene.ready("orders");
    scene.apply("orders", &spec("Stopped"));
    scene.ready("orders");
    assert_eq!(snapshots(&scene.application("orders")).len(), 2);
    scene.apply("orders", &spec("Running"));
    scene.ready("orders");
    assert!(scene.application("orders")["job"]["restoredFrom"].is_null());
}

#[test]
fn another_nonce_restarts_the_job_once_from_the_snapshot_of_that_update() {
    let mut scene = Scene::set("nonce");
    scene.apply("orders", &json!({"restartNonce": 1}));
    let app = scene.ready("orders");
    let revision = app["status"]["revisions"]["running"].clone();
    scene.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(scene.changes_since(0), FIRST_RUN, "the first nonce is no request");
    let before = scene.application("orders");
    let described = scene.describe("orders");

    let mark = scene.mark();
    scene.apply("orders", &json!({"restartNonce": 2}));
    let app = scene.until("orders", "has handled the nonce", |app| {
        app["status"]["handled"]["restartNonce"] == 2
    });
    assert_eq!(app["status"]["revisions"]["running"], revision);
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    let after = scene.application("orders");
    assert_ne!(after["job"]["id"], before["job"]["id"]);
    let [_, of_the_update] = snapshots(&after).try_into().unwrap();
    assert_eq!(after["job"]["restoredFrom"], json!(of_the_update));
    assert_eq!(after["jobs"].as_array().unwrap().len(), 2);

    let mut now = scene.describe("orders");
    let mut then = described;
    for described in [&mut now, &mut then] {
        let configuration = described["ApplicationConfigurationDescription"]
            .as_object_mut()
            .unwrap();
        configuration.remove("RunConfigurationDescription");
    }
    assert_eq!(
        now["ApplicationConfigurationDescription"], then["ApplicationConfigurationDescription"],
        "only the run configuration was sent"
    );

    scene.replace_controller();
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
}

#[test]
fn a_nonce_together_with_a_change_is_one_restart() {
    let scene = Scene::set("nonce-change");
    scene.apply("orders", &json!({"restartNonce": 1}));
    scene.ready("orders");
    let mark = scene.mark();
    scene.apply(
        "orders",
        &json!({"restartNonce": 2, "code": {"s3": {"key": "healthy-2.yaml"}}, "rollout": {"preChangeSnapshot": "Never"}}),
    );
    scene.ready("orders");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(scene.application("orders")["jobs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_job_that_somebody_else_stopped_is_started_again_with_its_state() {
    let scene = Scene::set("stopped-elsewhere");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    scene.call("StopApplication", &json!({"ApplicationName": "orders"}));
    let mark = scene.mark();
    scene.until("orders", "has noticed the stop", |app| {
        let history = app["status"]["history"].as_array();
        history.is_some_and(|entries| entries.iter().any(|entry| entry["result"] == "StoppedElsewhere"))
    });
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["StartApplication"]);
    let inside = scene.application("orders");
    assert_eq!(inside["job"]["restoredFrom"], json!(snapshots(&inside)[1]));
}

#[test]
fn a_resource_that_comes_back_takes_its_application_over_and_starts_from_the_snapshot_it_names() {
    let scene = Scene::set("comes-back");
    for state in ["Running", "Stopped", "Running", "Stopped"] {
        scene.apply("orders", &json!({"desiredState": state}));
        scene.ready("orders");
    }
    let [_, first, second] = snapshots(&scene.application("orders")).try_into().unwrap();
    assert_ne!(first, second);
    scene.delete("orders");
    scene.until_gone("orders");

    let mark = scene.mark();
    let initial = |name: &str| json!({"restore": {"initial": {"from": "Snapshot", "snapshotName": name}}});
    scene.apply("orders", &initial("unheard-of"));
    let message = scene.stalled("orders", "NoRestorePoint");
    assert!(message.contains("unheard-of"), "{message}");
    assert_eq!(scene.changes_since(mark), ["TagResource"]);
    scene.apply("orders", &initial(&first));
    let app = scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["TagResource", "StartApplication"]);
    assert_eq!(scene.application("orders")["job"]["restoredFrom"], json!(first));
    assert_eq!(scene.tags("orders")["sluicegate.dev/uid"], app["metadata"]["uid"]);
}
