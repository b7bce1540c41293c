//! Snapshots by the clock, of which none is lost or taken twice when the controller is killed.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::operation::gate::{Caught, Gate};
use crate::scene::{PATIENCE, Scene, healthy, loadable, purposes};
use crate::testbed::{Controller, eventually};

/// The controller is killed again and again while it takes a snapshot each minute, and then while it deletes them.
#[test]
fn kills_at_any_moment_lose_no_run_make_none_twice_and_delete_nothing_that_is_needed() {
    let scene = Scene::open_at("snapshots-killed", "20");
    let mut controller = scene.controller(&[]);
    let schedule = json!({"cron": "* * * * *", "startingDeadline": "5m"});
    scene.apply("orders", &healthy(&json!({"snapshots": {"schedule": schedule}})));
    scene.ready("orders");
    let runs = || {
        let names = loadable(&scene).into_iter();
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
    scene.ready("orders");
    let mut kept = loadable(&scene);
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
        let status = scene.app("orders")["status"].clone();
        let left = loadable(&scene);
        if left.len() == 2 && status["intent"].is_null() && status["snapshots"]["count"] == 2 {
            return Ok(());
        }
        Err(format!("{left:?} are left: {status}"))
    });
    assert_eq!(loadable(&scene), kept, "the newest are kept");
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
        None => drop(scene.until("orders", "has recorded the acceptance", |app| {
            let intent = &app["status"]["intent"];
            let about_snapshots = intent["step"] == "BackUp" || intent["step"] == "DeleteSnapshot";
            about_snapshots && intent["phase"] == "Issued"
        })),
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
    let scene = Scene::open_at(namespace, "10");
    let gate = Gate::before(&scene.emulator);
    let controller = scene.controller_through(&gate.url);
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
    eventually("there is a snapshot to go back to", PATIENCE, || {
        let listed = loadable(&scene);
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
        let status = scene.app("orders")["status"].clone();
        if purposes(&scene) == ["first", "schedule"] && status["intent"].is_null() {
            Ok(())
        } else {
            Err(format!("{:?} {}", purposes(&scene), status["intent"]))
        }
    });
    assert_eq!(effects(&scene, "CreateApplicationSnapshot"), 2, "{point:?}");

    let kept = loadable(&scene).split_off(1);
    let retention = healthy(&json!({"snapshots": {"retention": {"maxCount": 1}}}));
    let _controller = kill_at(&scene, &gate, controller, "DeleteApplicationSnapshot", point, || {
        scene.apply("orders", &retention);
    });
    scene.until("orders", "has confirmed the deletion", |app| {
        app["status"]["intent"].is_null() && app["status"]["snapshots"]["count"] == 1
    });
    assert_eq!(loadable(&scene), kept, "{point:?}");
    assert_eq!(effects(&scene, "DeleteApplicationSnapshot"), 1, "{point:?}");
}

/// The minute of a moment as it stands in a name.
fn minute(moment: &str) -> i64 {
    let format = "%Y%m%dT%H%M%SZ%z";
    let parsed = jiff::Timestamp::strptime(format, format!("{moment}+0000")).unwrap();
    parsed.as_second() / 60
}
