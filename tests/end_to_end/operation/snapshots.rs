//! Snapshots that are taken and deleted beside a running job.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, healthy, loadable, purposes};
use crate::testbed::{condition, eventually};

fn snapshots_healthy(scene: &Scene) -> Value {
    let resource = scene.app("orders");
    let found = condition(&resource, "SnapshotsHealthy");
    found.map_or(json!(null), |found| json!([found["status"], found["reason"]]))
}

fn ask(scene: &Scene, value: &str) {
    scene.annotate("orders", "snapshot-requested-at", value);
}

#[test]
fn a_first_deployment_gets_a_snapshot_unasked_and_others_on_request() {
    let scene = Scene::open_at("snapshots", "20");
    let _controller = scene.controller(&[]);
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
    assert_eq!(purposes(&scene), ["first"]);
    assert_eq!(snapshots_healthy(&scene), json!(["True", "Fresh"]));

    let mark = scene.mark();
    ask(&scene, "once");
    scene.until("orders", "has handled the request", |app| {
        app["status"]["handled"]["snapshot"] == "once"
    });
    assert_eq!(purposes(&scene), ["first", "request"]);
    assert_eq!(scene.accepted_since(mark), ["CreateApplicationSnapshot"]);
    let resource = scene.app("orders");
    let newest = loadable(&scene).pop();
    assert_eq!(resource["status"]["snapshots"]["latest"].as_str(), newest.as_deref());
    assert_eq!(resource["status"]["snapshots"]["count"], 2);
}

#[test]
fn a_denied_snapshot_is_told_leaves_the_job_ready_and_is_made_up() {
    let scene = Scene::open_at("snapshots-denied", "20");
    let _controller = scene.controller(&[]);
    scene.emulator.faults(&json!({"deny": ["CreateApplicationSnapshot"]}));
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
    scene.until("orders", "tells of the failure", |app| {
        app["status"]["snapshots"]["failure"]["class"] == "AccessDenied"
    });
    assert_eq!(snapshots_healthy(&scene), json!(["False", "Stale"]));
    scene.ready("orders");
    eventually("an event tells of it", PATIENCE, || {
        !scene.events("SnapshotFailed").is_empty()
    });

    scene.emulator.faults(&json!({}));
    eventually("the snapshot is made up", PATIENCE, || purposes(&scene) == ["first"]);
    eventually("and told", PATIENCE, || {
        snapshots_healthy(&scene) == json!(["True", "Fresh"])
    });
}

/// A release fails after somebody took a snapshot of its job; the retention keeps one snapshot of all.
#[test]
fn a_retention_of_one_keeps_the_snapshot_that_a_rollback_needs() {
    let scene = Scene::open_at("needed", "20");
    let _controller = scene.controller(&[]);
    scene.object("later.yaml", "{main: ok, then: {failsEvery: 10s, after: 60s}}");
    let retention = json!({"retention": {"maxCount": 1, "scope": "All"}});
    let gate = json!({"gate": {"stableFor": "20s", "minCompletedCheckpoints": 0}});
    let good = healthy(&json!({"snapshots": retention}));
    scene.apply("orders", &good);
    scene.ready("orders");
    ask(&scene, "1");
    let needed = || {
        let listed = loadable(&scene);
        listed.into_iter().find(|name| name.contains("-request-"))
    };
    eventually("only the one that was asked for is left", PATIENCE, || {
        let listed = loadable(&scene);
        if listed.len() == 1 && needed().is_some() {
            Ok(())
        } else {
            Err(format!("{listed:?}"))
        }
    });

    let code =
        json!({"code": {"s3": {"bucket": "code", "key": "later.yaml"}}, "rollout": gate, "snapshots": retention});
    scene.apply("orders", &healthy(&code));
    scene.until("orders", "has the release in its gate", |app| {
        app["status"]["rollout"]["gate"].is_object()
    });
    let before: Vec<String> = loadable(&scene);
    let theirs = json!({"ApplicationName": "orders", "SnapshotName": "theirs"});
    scene.call("CreateApplicationSnapshot", &theirs);

    scene.until("orders", "runs the good release again", |app| {
        let status = &app["status"];
        status["rolledBack"].is_object() && status["wayBack"].is_null() && status["intent"].is_null()
    });
    let restored = scene.application("orders")["job"]["restoredFrom"].clone();
    let restored = restored.as_str().expect("the job has its state").to_owned();
    assert!(before.contains(&restored), "{restored} is none of {before:?}");

    ask(&scene, "2");
    eventually(
        "a newer snapshot is there and the retention has nothing to do",
        PATIENCE,
        || {
            let status = scene.app("orders")["status"].clone();
            let asked = status["handled"]["snapshot"] == "2" && status["intent"].is_null();
            let listed = loadable(&scene);
            if asked && !listed.contains(&"theirs".to_owned()) {
                Ok(())
            } else {
                Err(format!("{listed:?} {}", status["snapshots"]))
            }
        },
    );
    let deletions = scene.emulator.calls().into_iter();
    let refused: Vec<_> = deletions
        .filter(|call| call.operation == "DeleteApplicationSnapshot" && call.outcome != "ok")
        .collect();
    assert_eq!(refused, [], "no deletion of one that is in use or gone");
}
