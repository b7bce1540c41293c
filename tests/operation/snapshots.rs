//! Snapshots that are taken and deleted beside a running job.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::eventually;

const REQUEST: &str = "sluicegate.dev/snapshot-requested-at";

/// The names of the snapshots that the service has in a status, oldest first.
fn listed(scene: &Scene, status: &str) -> Vec<String> {
    let application = scene.application("orders");
    let snapshots = application["snapshots"].as_array().into_iter().flatten();
    let snapshots = snapshots.filter(|snapshot| snapshot["SnapshotStatus"] == status);
    let names = snapshots.filter_map(|snapshot| snapshot["SnapshotName"].as_str());
    names.map(str::to_owned).collect()
}

/// What the snapshots were taken for, oldest first.
fn purposes(scene: &Scene) -> Vec<String> {
    let names = listed(scene, "READY").into_iter();
    names
        .map(|name| name.split('-').nth(3).unwrap_or_default().to_owned())
        .collect()
}

fn snapshots_healthy(scene: &Scene) -> Value {
    let resource = scene.resource("orders").unwrap();
    let conditions = resource["status"]["conditions"].as_array().unwrap().iter();
    let mut found = conditions.filter(|condition| condition["type"] == "SnapshotsHealthy");
    found
        .next()
        .map_or(json!(null), |found| json!([found["status"], found["reason"]]))
}

fn ask(scene: &Scene, value: &str) {
    let annotation = format!("{REQUEST}={value}");
    scene.kubectl(&["annotate", "--overwrite", "flinkapplication", "orders", &annotation]);
}

#[test]
fn a_first_deployment_gets_a_snapshot_unasked_and_others_on_request() {
    let scene = Scene::open("snapshots", "20");
    let _controller = scene.controller(&[]);
    scene.apply("orders", &healthy(&json!({})));
    scene.until_ready("orders");
    assert_eq!(purposes(&scene), ["first"]);
    assert_eq!(snapshots_healthy(&scene), json!(["True", "Fresh"]));

    let mark = scene.mark();
    ask(&scene, "once");
    scene.until("orders", "jsonpath={.status.handled.snapshot}=once");
    assert_eq!(purposes(&scene), ["first", "request"]);
    assert_eq!(scene.accepted_since(mark), ["CreateApplicationSnapshot"]);
    let resource = scene.resource("orders").unwrap();
    let newest = listed(&scene, "READY").pop();
    assert_eq!(resource["status"]["snapshots"]["latest"].as_str(), newest.as_deref());
    assert_eq!(resource["status"]["snapshots"]["count"], 2);
}

#[test]
fn a_denied_snapshot_is_told_leaves_the_job_ready_and_is_made_up() {
    let scene = Scene::open("snapshots-denied", "20");
    let _controller = scene.controller(&[]);
    scene.emulator.faults(&json!({"deny": ["CreateApplicationSnapshot"]}));
    scene.apply("orders", &healthy(&json!({})));
    scene.until_ready("orders");
    scene.until("orders", "jsonpath={.status.snapshots.failure.class}=AccessDenied");
    assert_eq!(snapshots_healthy(&scene), json!(["False", "Stale"]));
    scene.until_ready("orders");
    eventually("an event tells of it", PATIENCE, || {
        scene
            .kubectl(&["get", "events", "-o", "name", "--field-selector=reason=SnapshotFailed"])
            .contains("event")
    });

    scene.emulator.faults(&json!({}));
    eventually("the snapshot is made up", PATIENCE, || purposes(&scene) == ["first"]);
    eventually("and told", PATIENCE, || {
        snapshots_healthy(&scene) == json!(["True", "Fresh"])
    });
}

/// The controller is killed again and again while it takes a snapshot each minute, and then while it deletes them.
#[test]
fn kills_at_any_moment_lose_no_run_make_none_twice_and_delete_nothing_that_is_needed() {
    let scene = Scene::open("snapshots-killed", "20");
    let mut controller = scene.controller(&[]);
    let schedule = json!({"cron": "* * * * *", "startingDeadline": "5m"});
    scene.apply("orders", &healthy(&json!({"snapshots": {"schedule": schedule}})));
    scene.until_ready("orders");
    let runs = || {
        let names = listed(&scene, "READY").into_iter();
        let moments = names.filter_map(|name| Some(name.split_once("-schedule-")?.1.to_owned()));
        moments.collect::<Vec<_>>()
    };
    let mut kills = 0;
    while runs().len() < 3 {
        thread::sleep(Duration::from_millis(2300 + 700 * (kills % 5)));
        kills += 1;
        controller.kill9();
        controller = scene.controller(&[]);
    }
    println!("{kills} kills");
    let minutes: Vec<i64> = runs().iter().map(|moment| minute(moment)).collect();
    let every_minute: Vec<i64> = (minutes[0]..).take(minutes.len()).collect();
    assert_eq!(minutes, every_minute, "each minute once");

    scene.apply("orders", &healthy(&json!({})));
    scene.until_ready("orders");
    let mut kept = listed(&scene, "READY");
    let kept = kept.split_off(kept.len() - 2);
    scene.apply(
        "orders",
        &healthy(&json!({"snapshots": {"retention": {"maxCount": 2}}})),
    );
    let began = scene.emulator.count("DeleteApplicationSnapshot");
    eventually("a deletion begins", PATIENCE, || {
        scene.emulator.count("DeleteApplicationSnapshot") > began
    });
    controller.kill9();
    let _restarted = scene.controller(&[]);
    eventually("what is kept is left and nothing is under way", PATIENCE, || {
        let status = scene.resource("orders").unwrap()["status"].clone();
        let left = listed(&scene, "READY");
        if left.len() == 2 && status["intent"].is_null() && status["snapshots"]["count"] == 2 {
            return Ok(());
        }
        Err(format!("{left:?} are left: {status}"))
    });
    assert_eq!(listed(&scene, "READY"), kept, "the newest are kept");
}

/// The minute of a moment as it stands in a name.
fn minute(moment: &str) -> i64 {
    let format = "%Y%m%dT%H%M%SZ%z";
    let parsed = jiff::Timestamp::strptime(format, format!("{moment}+0000")).unwrap();
    parsed.as_second() / 60
}
