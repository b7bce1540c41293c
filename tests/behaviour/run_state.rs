//! Stopping, starting and restarting, with the state of the job.

use serde_json::json;

use crate::stage::{FIRST_RUN, Stage, has_snapshot, snapshots};
use crate::testbed::condition;

#[test]
fn a_stopped_application_starts_again_from_the_snapshot_of_its_stop() {
    let stage = Stage::set("stop-start");
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    assert!(stage.inside("orders")["job"]["restoredFrom"].is_null());

    let mark = stage.mark();
    stage.apply("orders", &json!({"desiredState": "Stopped"}));
    let app = stage.ready("orders");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Stopped");
    assert_eq!(stage.changes_since(mark), ["StopApplication"]);
    let inside = stage.inside("orders");
    assert_eq!(inside["status"], "READY");
    let [_, of_the_stop] = snapshots(&inside).try_into().unwrap();
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["StopApplication"]);

    let mark = stage.mark();
    stage.apply("orders", &json!({}));
    let app = stage.ready("orders");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Running");
    assert_eq!(stage.changes_since(mark), ["StartApplication"]);
    assert_eq!(stage.inside("orders")["job"]["restoredFrom"], json!(of_the_stop));
    let start = &stage.describe("orders")["ApplicationConfigurationDescription"]["RunConfigurationDescription"];
    assert_eq!(
        start["ApplicationRestoreConfigurationDescription"],
        json!({"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": of_the_stop}),
        "the snapshot is named, never left to the service"
    );
}

#[test]
fn on_start_none_gives_the_state_up() {
    let stage = Stage::set("start-empty");
    let spec = |state: &str| json!({"desiredState": state, "restore": {"onStart": "None"}});
    stage.apply("orders", &spec("Running"));
    stage.ready("orders");
    stage.apply("orders", &spec("Stopped"));
    stage.ready("orders");
    assert_eq!(snapshots(&stage.inside("orders")).len(), 2);
    stage.apply("orders", &spec("Running"));
    stage.ready("orders");
    assert!(stage.inside("orders")["job"]["restoredFrom"].is_null());
}

#[test]
fn another_nonce_restarts_the_job_once_from_the_snapshot_of_that_update() {
    let mut stage = Stage::set("nonce");
    stage.apply("orders", &json!({"restartNonce": 1}));
    let app = stage.ready("orders");
    let revision = app["status"]["revisions"]["running"].clone();
    stage.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(stage.changes_since(0), FIRST_RUN, "the first nonce is no request");
    let before = stage.inside("orders");
    let described = stage.describe("orders");

    let mark = stage.mark();
    stage.apply("orders", &json!({"restartNonce": 2}));
    let app = stage.until("orders", "has handled the nonce", |app| {
        app["status"]["handled"]["restartNonce"] == 2
    });
    assert_eq!(app["status"]["revisions"]["running"], revision);
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
    let after = stage.inside("orders");
    assert_ne!(after["job"]["id"], before["job"]["id"]);
    let [_, of_the_update] = snapshots(&after).try_into().unwrap();
    assert_eq!(after["job"]["restoredFrom"], json!(of_the_update));
    assert_eq!(after["jobs"].as_array().unwrap().len(), 2);

    let mut now = stage.describe("orders");
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

    stage.replace_controller();
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
}

#[test]
fn a_nonce_together_with_a_change_is_one_restart() {
    let stage = Stage::set("nonce-change");
    stage.apply("orders", &json!({"restartNonce": 1}));
    stage.ready("orders");
    let mark = stage.mark();
    stage.apply(
        "orders",
        &json!({"restartNonce": 2, "code": {"s3": {"key": "healthy-2.yaml"}}, "rollout": {"preChangeSnapshot": "Never"}}),
    );
    stage.ready("orders");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(stage.inside("orders")["jobs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_job_that_somebody_else_stopped_is_started_again_with_its_state() {
    let stage = Stage::set("stopped-elsewhere");
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    stage.call("StopApplication", &json!({"ApplicationName": "orders"}));
    let mark = stage.mark();
    stage.until("orders", "has noticed the stop", |app| {
        let history = app["status"]["history"].as_array();
        history.is_some_and(|entries| entries.iter().any(|entry| entry["result"] == "StoppedElsewhere"))
    });
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), ["StartApplication"]);
    let inside = stage.inside("orders");
    assert_eq!(inside["job"]["restoredFrom"], json!(snapshots(&inside)[1]));
}

#[test]
fn a_resource_that_comes_back_takes_its_application_over_and_starts_from_the_snapshot_it_names() {
    let stage = Stage::set("comes-back");
    for state in ["Running", "Stopped", "Running", "Stopped"] {
        stage.apply("orders", &json!({"desiredState": state}));
        stage.ready("orders");
    }
    let [_, first, second] = snapshots(&stage.inside("orders")).try_into().unwrap();
    assert_ne!(first, second);
    stage.kubectl(&["delete", "msfapp", "orders", "--timeout=60s"]);

    let mark = stage.mark();
    let initial = |name: &str| json!({"restore": {"initial": {"from": "Snapshot", "snapshotName": name}}});
    stage.apply("orders", &initial("unheard-of"));
    let message = stage.stalled("orders", "NoRestorePoint");
    assert!(message.contains("unheard-of"), "{message}");
    assert_eq!(stage.changes_since(mark), ["TagResource"]);
    stage.apply("orders", &initial(&first));
    let app = stage.ready("orders");
    assert_eq!(stage.changes_since(mark), ["TagResource", "StartApplication"]);
    assert_eq!(stage.inside("orders")["job"]["restoredFrom"], json!(first));
    assert_eq!(stage.tags("orders")["sluicegate.dev/uid"], app["metadata"]["uid"]);
}
