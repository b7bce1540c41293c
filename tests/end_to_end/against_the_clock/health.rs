//! Jobs that were proven and get into trouble later: found by their restart counters alone.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::{condition, eventually};

/// Twenty service seconds are one: the job is proven long before it fails, and then fails every half second.
const SPEED: &str = "20";
const AGES: &str = "{main: ok, then: {failsEvery: 10s, after: 500s, exception: 'java.io.IOException: gone'}}";
const LOG: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink:log-stream:";

fn ages(name: &str, answer: &str) -> Value {
    healthy(&json!({
        "code": {"s3": {"bucket": "code", "key": "ages.yaml"}},
        "logging": {"logStreamARN": format!("{LOG}{name}")},
        "health": {"restartLoop": {"threshold": 2, "window": "1m"}, "onUnhealthy": answer},
    }))
}

/// The status, the reason and the message of a condition.
fn said(scene: &Scene, name: &str, type_: &str) -> (String, String, String) {
    said_of(&scene.app(name), type_)
}

fn said_of(resource: &Value, type_: &str) -> (String, String, String) {
    let found = condition(resource, type_);
    let text = |member: &str| {
        let text = found.and_then(|found| found[member].as_str());
        text.unwrap_or_default().to_owned()
    };
    (text("status"), text("reason"), text("message"))
}

fn until_condition(scene: &Scene, name: &str, type_: &str, status: &str, reason: &str) -> String {
    let what = format!("has {type_} as {status}/{reason}");
    let resource = scene.until(name, &what, |resource| {
        let (seen, why, _) = said_of(resource, type_);
        seen == status && why == reason
    });
    said_of(&resource, type_).2
}

#[test]
fn a_proven_job_that_loops_is_found_by_its_counter_and_answered_as_the_spec_asks() {
    let scene = Scene::open_at("ages", SPEED);
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
        scene.ready(name);
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
    let scene = Scene::open_at("blind", SPEED);
    let _controller = scene.controller(&["--metrics-interval=1s"]);
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
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
    let scene = Scene::open_at("tailed", SPEED);
    scene.object("ages.yaml", AGES);
    let _controller = scene.controller(&["--metrics-interval=1h"]);
    let mut spec = ages("orders", "Report");
    spec["health"]["transitions"] = json!({"mode": "Watch", "interval": "5s"});
    scene.apply("orders", &spec);
    scene.ready("orders");
    let message = until_condition(&scene, "orders", "JobHealthy", "False", "RestartLoop");
    assert!(
        message.contains("within 1m; it fails in Source -> Sink (1/1)"),
        "{message}"
    );
    assert!(scene.emulator.count("GetMetricData") <= 1, "no counter was read for it");
}

#[test]
fn lines_of_another_application_in_the_same_log_stream_are_no_evidence() {
    let scene = Scene::open_at("shared-log", SPEED);
    scene.object("ages.yaml", AGES);
    let _controller = scene.controller(&["--metrics-interval=1h"]);
    let sharing = |answer: &str| {
        let mut spec = ages("shared", answer);
        spec["health"]["transitions"] = json!({"mode": "Watch", "interval": "5s"});
        spec
    };
    let mut well = sharing("ForceStop");
    well["code"] = healthy(&json!({}))["code"].clone();
    scene.apply("well", &well);
    scene.apply("loops", &sharing("Report"));
    scene.ready("well");
    scene.ready("loops");
    let version = |name: &str| scene.app(name)["status"]["aws"]["applicationVersionId"].clone();
    assert_eq!(version("well"), version("loops"), "versions do not tell them apart");
    let mark = scene.mark();
    until_condition(&scene, "loops", "JobHealthy", "False", "RestartLoop");
    let read = scene.emulator.count("FilterLogEvents");
    eventually("the log was read for both again", PATIENCE, || {
        scene.emulator.count("FilterLogEvents") >= read + 6
    });
    assert_eq!(said(&scene, "well", "JobHealthy").0, "True");
    assert_eq!(scene.application("well")["status"], "RUNNING");
    assert_eq!(scene.accepted_since(mark), [""; 0], "nothing was stopped");
}

#[test]
fn a_log_to_watch_that_may_not_be_read_is_told_and_concludes_nothing() {
    let scene = Scene::open_at("untold", SPEED);
    let _controller = scene.controller(&["--metrics-interval=1s"]);
    let mut spec = ages("orders", "ForceStop");
    spec["code"] = healthy(&json!({}))["code"].clone();
    spec["health"]["transitions"] = json!({"mode": "Watch", "interval": "5s"});
    scene.apply("orders", &spec);
    scene.ready("orders");
    let mark = scene.mark();
    scene.emulator.faults(&json!({"deny": ["FilterLogEvents"]}));
    let message = until_condition(&scene, "orders", "JobHealthy", "Unknown", "NoData");
    assert!(message.contains("logs:FilterLogEvents"), "{message}");
    scene.emulator.faults(&json!({}));
    until_condition(&scene, "orders", "JobHealthy", "True", "AllSubtasksRunning");
    assert_eq!(scene.accepted_since(mark), [""; 0], "nothing was done about it");
}
