//! Jobs that were proven and get into trouble later: found by their restart counters alone.

use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use managed_flink_emulator::job::Job;
use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::{condition, eventually};

/// Twenty service seconds are one: the job is proven long before it fails, and then fails every half second.
const SPEED: &str = "20";
const AGES: &str = "{main: ok, then: {failsEvery: 10s, after: 500s, exception: 'java.io.IOException: gone'}}";
const LOG: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink:log-stream:";

fn ages(name: &str, answer: &str) -> Value {
    healthy(&json!({
        "code": {"s3": {"bucket": "jobs", "key": "ages.yaml"}},
        "logging": {"logStreamARN": format!("{LOG}{name}")},
        "health": {"restartLoop": {"threshold": 2, "window": "1m"}, "onUnhealthy": answer},
    }))
}

/// The status, the reason and the message of a condition.
fn said(scene: &Scene, name: &str, type_: &str) -> (String, String, String) {
    let resource = scene.resource(name).unwrap();
    let found = condition(&resource, type_);
    let text = |member: &str| {
        let text = found.and_then(|found| found[member].as_str());
        text.unwrap_or_default().to_owned()
    };
    (text("status"), text("reason"), text("message"))
}

fn until_condition(scene: &Scene, name: &str, type_: &str, status: &str, reason: &str) -> String {
    let mut message = String::new();
    eventually(&format!("{name}: {type_} is {status}/{reason}"), PATIENCE, || {
        let seen = said(scene, name, type_);
        message.clone_from(&seen.2);
        if seen.0 == status && seen.1 == reason {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    });
    message
}

#[test]
fn a_proven_job_that_loops_is_found_by_its_counter_and_answered_as_the_spec_asks() {
    let scene = Scene::open("loops", SPEED);
    scene.object("ages.yaml", AGES);
    let _controller = scene.controller(&["--metrics-interval=1s"]);
    let all = [
        ("reported", "Report"),
        ("stopped", "ForceStop"),
        ("restarted", "Restart"),
    ];
    for (name, answer) in all {
        scene.apply(name, &ages(name, answer));
    }
    for (name, _) in all {
        scene.until_ready(name);
    }

    let message = until_condition(&scene, "reported", "JobHealthy", "False", "RestartLoop");
    for part in [
        "within 1m",
        "it fails in Source -> Sink (1/1)",
        "java.io.IOException: gone",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let stalled = said(&scene, "reported", "Stalled");
    assert_eq!((stalled.0.as_str(), stalled.1.as_str()), ("True", "JobUnhealthy"));
    assert_eq!(said(&scene, "reported", "Ready").1, "JobUnhealthy");
    assert_eq!(scene.application("reported")["status"], "RUNNING", "it is only told");

    scene.until_reason("stopped", "ForceStopped");
    scene.until_status("stopped", "READY");
    assert!(
        said(&scene, "stopped", "Stalled")
            .2
            .contains("because the job restarted")
    );

    eventually("the job is started again from its snapshot", PATIENCE, || {
        let application = scene.application("restarted");
        let restored = application["job"]["restoredFrom"].as_str().unwrap_or_default();
        restored.contains("-first-") && application["job"]["state"] == "RUNNING"
    });
    let message = until_condition(&scene, "restarted", "Stalled", "True", "JobUnhealthy");
    assert!(message.contains("did not help"), "{message}");
    let stops = scene.emulator.calls();
    let stops = stops.iter().filter(|call| call.operation == "StopApplication");
    let stops: Vec<&str> = stops.filter_map(|call| call.application.as_deref()).collect();
    assert_eq!(stops.len(), 2, "one forced stop each: {stops:?}");
}

#[test]
fn a_counter_that_may_not_be_read_is_told_and_concludes_nothing() {
    let scene = Scene::open("blind", SPEED);
    let _controller = scene.controller(&["--metrics-interval=1s"]);
    scene.apply("orders", &healthy(&json!({})));
    scene.until_ready("orders");
    let mark = scene.mark();
    scene.emulator.faults(&json!({"deny": ["GetMetricData"]}));
    let message = until_condition(&scene, "orders", "JobHealthy", "Unknown", "NoData");
    assert!(message.contains("cloudwatch:GetMetricData"), "{message}");
    assert_eq!(
        said(&scene, "orders", "Ready").0,
        "True",
        "the desired state is reached"
    );
    scene.emulator.faults(&json!({}));
    until_condition(&scene, "orders", "JobHealthy", "True", "AllSubtasksRunning");
    assert_eq!(scene.accepted_since(mark), [""; 0], "nothing was done about it");
}

#[test]
fn a_log_that_is_watched_tells_of_a_loop_long_before_the_counter() {
    let scene = Scene::open("tailed", SPEED);
    scene.object("ages.yaml", AGES);
    let _controller = scene.controller(&["--metrics-interval=1h"]);
    let mut spec = ages("orders", "Report");
    spec["health"]["transitions"] = json!({"mode": "Watch", "interval": "5s"});
    scene.apply("orders", &spec);
    scene.until_ready("orders");
    let message = until_condition(&scene, "orders", "JobHealthy", "False", "RestartLoop");
    assert!(
        message.contains("within 1m; it fails in Source -> Sink (1/1)"),
        "{message}"
    );
    assert!(scene.emulator.count("GetMetricData") <= 1, "no counter was read for it");
}

#[test]
fn a_log_to_watch_that_may_not_be_read_is_told_and_concludes_nothing() {
    let scene = Scene::open("untold", SPEED);
    let _controller = scene.controller(&["--metrics-interval=1s"]);
    let mut spec = ages("orders", "ForceStop");
    spec["code"] = healthy(&json!({}))["code"].clone();
    spec["health"]["transitions"] = json!({"mode": "Watch", "interval": "5s"});
    scene.apply("orders", &spec);
    scene.until_ready("orders");
    let mark = scene.mark();
    scene.emulator.faults(&json!({"deny": ["FilterLogEvents"]}));
    let message = until_condition(&scene, "orders", "JobHealthy", "Unknown", "NoData");
    assert!(message.contains("logs:FilterLogEvents"), "{message}");
    scene.emulator.faults(&json!({}));
    until_condition(&scene, "orders", "JobHealthy", "True", "AllSubtasksRunning");
    assert_eq!(scene.accepted_since(mark), [""; 0], "nothing was done about it");
}

#[expect(clippy::disallowed_methods, reason = "real processes run on the wall clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The service does its work on one job, and another fails once in an hour.
#[test]
fn maintenance_autoscaling_and_single_restarts_are_no_loop() {
    let scene = Scene::open("quiet", "40");
    scene.object("hiccups.yaml", "{main: ok, then: {failsEvery: 1h}}");
    let _controller = scene.controller(&["--metrics-interval=2s", "--census-interval=2s"]);
    let spec = |code: &str| {
        healthy(&json!({
            "code": {"s3": {"bucket": "jobs", "key": code}},
            "health": {"restartLoop": {"threshold": 2, "window": "1m"}, "onUnhealthy": "ForceStop"},
        }))
    };
    scene.apply("tended", &spec("healthy.yaml"));
    scene.apply("hiccups", &spec("hiccups.yaml"));
    for name in ["tended", "hiccups"] {
        scene.until_ready(name);
        eventually("there is a snapshot to go back to", PATIENCE, || {
            let status = scene.resource(name).unwrap()["status"].clone();
            let rests = status["intent"].is_null() && status["snapshots"]["latest"].is_string();
            if rests { Ok(()) } else { Err(status.to_string()) }
        });
    }
    let mark = scene.mark();
    let restarts = || {
        let jobs: Vec<Job> = serde_json::from_value(scene.application("hiccups")["jobs"].clone()).unwrap();
        jobs.last().unwrap().course(now()).restarts
    };
    let mut tended = 0;
    for round in 0_u32.. {
        if restarts() >= 2 && tended >= 8 {
            break;
        }
        assert!(round < 300, "{} restarts, {tended} times tended", restarts());
        if round % 10 == 0
            && scene
                .emulator
                .act("tended", ["maintenance", "autoscaling"][(round / 10 % 2) as usize])
        {
            tended += 1;
        }
        for name in ["tended", "hiccups"] {
            assert_ne!(
                said(&scene, name, "JobHealthy").0,
                "False",
                "{name} after {tended} and {}",
                restarts()
            );
        }
        thread::sleep(Duration::from_secs(1));
    }
    // CloudWatch shows a minute when it is over and a minute of the service has passed.
    for _ in 0..75 {
        for name in ["tended", "hiccups"] {
            assert_ne!(said(&scene, name, "JobHealthy").0, "False", "{name}");
        }
        thread::sleep(Duration::from_secs(1));
    }
    for name in ["tended", "hiccups"] {
        assert_eq!(said(&scene, name, "Ready").0, "True", "{name}");
    }
    assert_eq!(scene.accepted_since(mark), [""; 0], "nothing was done about it");
}
