//! Snapshots that are taken and deleted beside a running job.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::console;
use crate::gate::{Caught, Gate};
use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::{Controller, condition, eventually};

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
    let found = condition(&resource, "SnapshotsHealthy");
    found.map_or(json!(null), |found| json!([found["status"], found["reason"]]))
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

/// Where the controller is killed on the way of a call about snapshots.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// Its intent is recorded, and it never arrives.
    Sent,
    /// It took effect, and the answer is lost.
    Answered,
    /// Its acceptance is recorded.
    Recorded,
}

const POINTS: [(&str, Point); 3] = [
    ("sent", Point::Sent),
    ("answered", Point::Answered),
    ("recorded", Point::Recorded),
];

/// Lets the controller come to a point of the next call of an operation, kills it there, and starts another.
fn kill_at(
    scene: &Scene,
    gate: &Gate,
    controller: Controller,
    operation: &str,
    point: Point,
    begin: impl FnOnce(),
) -> Controller {
    let place = match point {
        Point::Sent => Some(Caught::Request),
        Point::Answered => Some(Caught::Reply),
        Point::Recorded => None,
    };
    let caught = place.map(|place| gate.catch(operation, place));
    begin();
    match caught {
        Some(caught) => caught.recv_timeout(PATIENCE).expect("the call is sent"),
        None => eventually("the acceptance is recorded", PATIENCE, || {
            let intent = scene.resource("orders").unwrap()["status"]["intent"].clone();
            let about_snapshots = intent["step"] == "BackUp" || intent["step"] == "DeleteSnapshot";
            if about_snapshots && intent["phase"] == "Issued" {
                Ok(())
            } else {
                Err(intent.to_string())
            }
        }),
    }
    controller.kill9();
    drop(controller);
    scene.controller_through(&gate.url)
}

/// The calls of an operation that took effect.
fn effects(scene: &Scene, operation: &str) -> usize {
    let calls = scene.emulator.calls();
    let taken = calls
        .iter()
        .filter(|call| call.operation == operation && call.outcome == "ok");
    taken.count()
}

#[test]
fn a_kill_at_any_point_of_a_scheduled_snapshot_and_of_its_deletion_leaves_one_of_each() {
    thread::scope(|scope| {
        for (name, point) in POINTS {
            scope.spawn(move || kill_at_both(&format!("snapshot-{name}"), point));
        }
    });
}

/// A minute of the hour that begins in ten seconds at the earliest, and in seventy at the latest.
#[expect(clippy::disallowed_methods, reason = "real processes run on the wall clock")]
fn soon() -> i64 {
    let begins = jiff::Timestamp::now().as_second() + 10 + 59;
    begins / 60 % 60
}

fn kill_at_both(namespace: &str, point: Point) {
    let scene = Scene::open(namespace, "10");
    let gate = Gate::before(&scene.emulator);
    let controller = scene.controller_through(&gate.url);
    scene.apply("orders", &healthy(&json!({})));
    scene.until_ready("orders");
    eventually("there is a snapshot to go back to", PATIENCE, || {
        let listed = listed(&scene, "READY");
        if listed.len() == 1 {
            Ok(())
        } else {
            Err(format!("{listed:?}"))
        }
    });

    let schedule = json!({"cron": format!("{} * * * *", soon()), "startingDeadline": "5m"});
    let scheduled = healthy(&json!({"snapshots": {"schedule": schedule}}));
    let controller = kill_at(&scene, &gate, controller, "CreateApplicationSnapshot", point, || {
        scene.apply("orders", &scheduled);
    });
    eventually("the run was made", PATIENCE, || {
        let status = scene.resource("orders").unwrap()["status"].clone();
        if purposes(&scene) == ["first", "schedule"] && status["intent"].is_null() {
            Ok(())
        } else {
            Err(format!("{:?} {}", purposes(&scene), status["intent"]))
        }
    });
    assert_eq!(effects(&scene, "CreateApplicationSnapshot"), 2, "{point:?}");

    let kept = listed(&scene, "READY").split_off(1);
    let retention = healthy(&json!({"snapshots": {"retention": {"maxCount": 1}}}));
    let _controller = kill_at(&scene, &gate, controller, "DeleteApplicationSnapshot", point, || {
        scene.apply("orders", &retention);
    });
    eventually("the deletion is confirmed", PATIENCE, || {
        let status = scene.resource("orders").unwrap()["status"].clone();
        if status["intent"].is_null() && status["snapshots"]["count"] == 1 {
            Ok(())
        } else {
            Err(status.to_string())
        }
    });
    assert_eq!(listed(&scene, "READY"), kept, "{point:?}");
    assert_eq!(effects(&scene, "DeleteApplicationSnapshot"), 1, "{point:?}");
}

/// A release fails after somebody took a snapshot of its job; the retention keeps one snapshot of all.
#[test]
fn a_retention_of_one_keeps_the_snapshot_that_a_rollback_needs() {
    let scene = Scene::open("needed", "20");
    let _controller = scene.controller(&[]);
    scene.object("later.yaml", "{main: ok, then: {failsEvery: 10s, after: 60s}}");
    let retention = json!({"retention": {"maxCount": 1, "scope": "All"}});
    let gate = json!({"gate": {"stableFor": "20s", "minCompletedCheckpoints": 0}});
    let good = healthy(&json!({"snapshots": retention}));
    scene.apply("orders", &good);
    scene.until_ready("orders");
    ask(&scene, "1");
    let needed = || {
        let listed = listed(&scene, "READY");
        listed.into_iter().find(|name| name.contains("-request-"))
    };
    eventually("only the one that was asked for is left", PATIENCE, || {
        let listed = listed(&scene, "READY");
        if listed.len() == 1 && needed().is_some() {
            Ok(())
        } else {
            Err(format!("{listed:?}"))
        }
    });

    let code =
        json!({"code": {"s3": {"bucket": "jobs", "key": "later.yaml"}}, "rollout": gate, "snapshots": retention});
    scene.apply("orders", &healthy(&code));
    eventually("the release is in its gate", PATIENCE, || {
        let rollout = scene.resource("orders").unwrap()["status"]["rollout"].clone();
        if rollout["gate"].is_object() {
            Ok(())
        } else {
            Err(rollout.to_string())
        }
    });
    let before: Vec<String> = listed(&scene, "READY");
    let theirs = json!({"ApplicationName": "orders", "SnapshotName": "theirs"});
    console::call(&scene.emulator, "CreateApplicationSnapshot", &theirs);

    eventually("the good release runs again", PATIENCE, || {
        let status = scene.resource("orders").unwrap()["status"].clone();
        let back = status["rolledBack"].is_object() && status["wayBack"].is_null() && status["intent"].is_null();
        if back { Ok(()) } else { Err(status.to_string()) }
    });
    let restored = scene.application("orders")["job"]["restoredFrom"].clone();
    let restored = restored.as_str().expect("the job has its state").to_owned();
    assert!(before.contains(&restored), "{restored} is none of {before:?}");

    ask(&scene, "2");
    eventually(
        "a newer snapshot is there and the retention has nothing to do",
        PATIENCE,
        || {
            let status = scene.resource("orders").unwrap()["status"].clone();
            let asked = status["handled"]["snapshot"] == "2" && status["intent"].is_null();
            let listed = listed(&scene, "READY");
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

/// The minute of a moment as it stands in a name.
fn minute(moment: &str) -> i64 {
    let format = "%Y%m%dT%H%M%SZ%z";
    let parsed = jiff::Timestamp::strptime(format, format!("{moment}+0000")).unwrap();
    parsed.as_second() / 60
}
