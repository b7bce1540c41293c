//! What a restart counter shows that is no loop.

use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use managed_flink_emulator::job::Job;
use serde_json::{Value, json};

use crate::scene::{Scene, healthy};
use crate::testbed::condition;

/// A job whose restarts are further apart than the window in which they would be a loop, and one that the service tends.
const NAMES: [&str; 2] = ["hiccups", "tended"];

/// At this speed fifty minutes of the service are seventy-five seconds: longer than the window of a minute.
const SPEED: &str = "40";
const HICCUPS: &str = "{main: ok, then: {failsEvery: 50m}}";

fn spec(code: &str) -> Value {
    healthy(&json!({
        "code": {"s3": {"key": code}},
        "health": {"restartLoop": {"threshold": 2, "window": "1m"}, "onUnhealthy": "ForceStop"},
    }))
}

/// How often the newest job of an application has restarted.
fn restarts(scene: &Scene) -> u64 {
    let jobs: Vec<Job> = serde_json::from_value(scene.application("hiccups")["jobs"].take()).unwrap();
    jobs.last().unwrap().course(now()).restarts
}

#[expect(clippy::disallowed_methods, reason = "real processes run on the wall clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// When CloudWatch shows all that has happened by now: a minute is over, and a minute of the service has passed since.
fn shown() -> Timestamp {
    let past = now().as_second().rem_euclid(60);
    now() + SignedDuration::from_secs(60 - past) + SignedDuration::from_secs(2)
}

/// Holds that no job is told to be in trouble.
#[track_caller]
fn assert_quiet(scene: &Scene) {
    for name in NAMES {
        let app = scene.app(name);
        let told = condition(&app, "JobHealthy").is_some_and(|told| told["status"] == "False");
        assert!(!told, "{name} after {} restarts: {:#}", restarts(scene), app["status"]);
    }
}

#[test]
fn maintenance_autoscaling_and_single_restarts_are_no_loop() {
    let scene = Scene::open_at("quiet", SPEED);
    scene.object("hiccups.yaml", HICCUPS);
    let _controller = scene.controller(&["--metrics-interval=2s", "--census-interval=2s"]);
    scene.apply("tended", &spec("healthy.yaml"));
    scene.apply("hiccups", &spec("hiccups.yaml"));
    for name in NAMES {
        scene.ready(name);
        scene.until(name, "rests with a snapshot to go back to", |app| {
            let status = &app["status"];
            status["intent"].is_null() && status["snapshots"]["latest"].is_string()
        });
    }
    let mark = scene.mark();
    let mut tended = 0;
    for round in 0_u32.. {
        if restarts(&scene) >= 2 && tended >= 8 {
            break;
        }
        assert!(round < 300, "{} restarts, {tended} times tended", restarts(&scene));
        let action = ["maintenance", "autoscaling"][(round / 10 % 2) as usize];
        if round % 10 == 0 && scene.emulator.act("tended", action) {
            tended += 1;
        }
        assert_quiet(&scene);
        thread::sleep(Duration::from_secs(1));
    }

    let shown = shown();
    for round in 0.. {
        let calls = scene.emulator.calls_since(mark);
        if calls
            .iter()
            .any(|call| call.operation == "GetMetricData" && call.at > shown)
        {
            break;
        }
        assert!(round < 150, "the counters were not read again");
        assert_quiet(&scene);
        thread::sleep(Duration::from_secs(1));
    }
    for name in NAMES {
        scene.look(name);
    }
    assert_quiet(&scene);
    for name in NAMES {
        assert_eq!(
            condition(&scene.app(name), "Ready").unwrap()["status"],
            "True",
            "{name}"
        );
    }
    assert_eq!(scene.accepted_since(mark), [""; 0], "nothing was done about it");
}
