//! Jobs that end and code that fails.

use serde_json::{Value, json};

use crate::scene::{Scene, THROWN};
use crate::testbed::condition;

#[test]
fn a_job_that_ends_is_started_again_at_a_growing_distance_and_stalls_after_three_ends() {
    let mut scene = Scene::set("ends");
    let spec = json!({"code": {"s3": {"key": "bounded.yaml"}}, "restore": {"onStart": "None"}});
    scene.apply("orders", &spec);

    let mut distances = Vec::new();
    for end in 1..=2 {
        let app = scene.until("orders", "waits before the next start", |app| {
            ends(app).len() == end && message(app).contains("it is started again at")
        });
        distances.push(announced(&app) - ends(&app)[end - 1]);
    }
    assert!(distances[0] > 0 && distances[1] > distances[0], "{distances:?} s");

    let message = scene.stalled("orders", "JobEnded");
    assert!(message.contains("3 times within an hour"), "{message}");
    assert!(message.contains("sluicegate.dev/retry-requested-at"), "{message}");
    let calls = [
        "CreateApplication",
        "StartApplication",
        "CreateApplicationSnapshot",
        "StartApplication",
        "StartApplication",
    ];
    assert_eq!(scene.changes_since(0), calls);
    scene.replace_controller();
    scene.look("orders");
    assert_eq!(scene.changes_since(0), calls);

    let mark = scene.mark();
    scene.annotate("orders", "retry-requested-at", "now");
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["StartApplication"]);
}

#[test]
fn a_job_that_ended_without_a_snapshot_is_not_started_empty_without_consent() {
    let scene = Scene::set("ends-once");
    scene.emulator.faults(&json!({"deny": ["CreateApplicationSnapshot"]}));
    let runs = || {
        let mut calls = scene.changes_since(0);
        calls.retain(|call| call != "CreateApplicationSnapshot");
        calls
    };
    scene.apply("orders", &json!({"code": {"s3": {"key": "bounded.yaml"}}}));
    let message = scene.stalled("orders", "NoRestorePoint");
    let revision = scene.app("orders")["status"]["revisions"]["target"].clone();
    let consent = format!("sluicegate.dev/allow-empty-start={}", revision.as_str().unwrap());
    assert!(message.contains(&consent), "{message}");
    scene.look("orders");
    assert_eq!(runs(), ["CreateApplication", "StartApplication"]);

    scene.annotate("orders", "allow-empty-start", revision.as_str().unwrap());
    scene.ready("orders");
    assert_eq!(runs(), ["CreateApplication", "StartApplication", "StartApplication"]);
}

#[test]
fn code_that_throws_is_not_started_again_until_it_changes_or_a_retry_is_asked_for() {
    let mut scene = Scene::set("throws");
    scene.apply("orders", &json!({"code": {"s3": {"key": "throws.yaml"}}}));
    let message = scene.stalled("orders", "StartFailed");
    assert!(message.contains(THROWN), "{message}");
    let ready = condition(&scene.app("orders"), "Ready").unwrap()["message"].clone();
    assert!(ready.as_str().unwrap().contains(THROWN), "{ready}");
    assert_eq!(scene.changes_since(0), ["CreateApplication", "StartApplication"]);

    // Neither time, nor another controller, nor an edit beside the revision brings it back.
    let mark = scene.mark();
    scene.look("orders");
    scene.replace_controller();
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
    scene.apply(
        "orders",
        &json!({"code": {"s3": {"key": "throws.yaml"}}, "tags": {"team": "orders"}, "rollout": {"progressDeadline": "20m"}}),
    );
    scene.look("orders");
    let message = scene.stalled("orders", "StartFailed");
    assert!(message.contains(THROWN), "{message}");
    assert_eq!(scene.changes_since(mark), ["TagResource"]);
    assert_eq!(scene.tags("orders")["team"], "orders");

    // A request brings it back once.
    let mark = scene.mark();
    scene.annotate("orders", "retry-requested-at", "first");
    scene.until("orders", "was tried again", |app| {
        failures(app).len() == 2 && app["status"]["handled"]["retry"] == "first"
    });
    scene.stalled("orders", "StartFailed");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["StartApplication"]);

    // Another revision heals it.
    let mark = scene.mark();
    scene.apply("orders", &json!({"tags": {"team": "orders"}}));
    scene.ready("orders");
    assert_eq!(
        scene.changes_since(mark),
        ["UpdateApplication", "StartApplication", "CreateApplicationSnapshot"]
    );
}

#[test]
fn a_release_that_throws_on_a_running_application_is_sent_once_and_rolled_back() {
    let mut scene = Scene::set("throws-later");
    let release = |key: &str| json!({"code": {"s3": {"key": key}}, "rollout": {"preChangeSnapshot": "Never"}});
    scene.apply("orders", &release("healthy-1.yaml"));
    scene.ready("orders");

    let mark = scene.mark();
    scene.apply("orders", &release("throws.yaml"));
    let message = scene.stalled("orders", "RolledBack");
    assert!(message.contains(THROWN), "{message}");
    let app = scene.app("orders");
    let failed = &app["status"]["failedRevisions"][0]["revision"];
    assert_eq!(failed, &app["status"]["revisions"]["target"]);
    scene.look("orders");
    scene.replace_controller();
    scene.look("orders");
    let there_and_back = ["UpdateApplication", "UpdateApplication", "StartApplication"];
    assert_eq!(scene.changes_since(mark), there_and_back);

    // Two failed revisions are both remembered.
    let mark = scene.mark();
    scene.apply("orders", &release("throws-too.yaml"));
    let message = scene.stalled("orders", "RolledBack");
    assert!(message.contains("OutOfMemoryError"), "{message}");
    assert_eq!(scene.changes_since(mark), there_and_back);
    scene.apply("orders", &release("throws.yaml"));
    let message = scene.stalled("orders", "StartFailed");
    assert!(message.contains(failed.as_str().unwrap()), "{message}");
    scene.look("orders");
    assert_eq!(
        scene.changes_since(mark),
        there_and_back,
        "what failed before is not sent again"
    );

    scene.apply("orders", &release("healthy-2.yaml"));
    scene.ready("orders");
    let restored = scene.application("orders")["job"]["restoredFrom"].clone();
    assert!(restored.is_string(), "the state of the first release is kept");
}

#[test]
fn a_release_that_throws_is_left_where_the_service_left_it_when_the_spec_says_hold() {
    let mut scene = Scene::set("throws-held");
    let release = |key: &str| json!({"code": {"s3": {"key": key}}, "rollout": {"preChangeSnapshot": "Never", "onFailure": "Hold"}});
    scene.apply("orders", &release("healthy-1.yaml"));
    scene.ready("orders");
    let mark = scene.mark();
    scene.apply("orders", &release("throws.yaml"));
    let message = scene.stalled("orders", "StartFailed");
    assert!(message.contains(THROWN), "{message}");
    scene.look("orders");
    scene.replace_controller();
    scene.look("orders");
    scene.stalled("orders", "StartFailed");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(scene.application("orders")["status"], "READY");
}

/// What is not documented: the service may leave an application RUNNING whose update has failed.
#[test]
fn a_failed_update_is_a_failure_also_where_the_service_still_reports_running() {
    let mut scene = Scene::open_with("throws-running", &["--rule", "failed-update=running"]);
    scene.start_controller();
    let release = |key: &str| json!({"code": {"s3": {"key": key}}, "rollout": {"preChangeSnapshot": "Never"}});
    scene.apply("orders", &release("healthy-1.yaml"));
    scene.ready("orders");
    let mark = scene.mark();
    scene.apply("orders", &release("throws.yaml"));
    let message = scene.stalled("orders", "RolledBack");
    assert!(message.contains(THROWN), "{message}");
    let inside = scene.application("orders");
    assert_eq!(
        (&inside["status"], &inside["job"]["state"]),
        (&json!("RUNNING"), &json!("RUNNING"))
    );
    scene.look("orders");
    scene.replace_controller();
    scene.look("orders");
    scene.stalled("orders", "RolledBack");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication", "RollbackApplication"]);
}

#[test]
fn a_failed_revision_may_rest_stopped_and_is_not_started_by_asking_for_running() {
    let scene = Scene::set("throws-stopped");
    let spec = |state: &str| json!({"desiredState": state, "code": {"s3": {"key": "throws.yaml"}}});
    scene.apply("orders", &spec("Running"));
    scene.stalled("orders", "StartFailed");
    let mark = scene.mark();
    scene.apply("orders", &spec("Stopped"));
    let app = scene.ready("orders");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Stopped");
    scene.apply("orders", &spec("Running"));
    let message = scene.stalled("orders", "StartFailed");
    assert!(message.contains(THROWN), "{message}");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
}

fn message(app: &Value) -> &str {
    app["status"]["message"].as_str().unwrap_or_default()
}

fn history<'a>(app: &'a Value, result: &'a str) -> impl Iterator<Item = &'a Value> {
    let entries = app["status"]["history"].as_array().into_iter().flatten();
    entries.filter(move |entry| entry["result"] == result)
}

fn failures(app: &Value) -> Vec<&Value> {
    history(app, "Failed").collect()
}

/// When the job ended, in seconds since 1970, the oldest first.
fn ends(app: &Value) -> Vec<i64> {
    history(app, "JobEnded")
        .map(|entry| seconds(entry["at"].as_str().unwrap()))
        .collect()
}

/// The time of the next start that the message names.
fn announced(app: &Value) -> i64 {
    let (_, at) = message(app).rsplit_once("it is started again at ").unwrap();
    seconds(at)
}

fn seconds(timestamp: &str) -> i64 {
    timestamp.parse::<jiff::Timestamp>().unwrap().as_second()
}
