//! An application of somebody else is never touched.

use serde_json::{Value, json};

use crate::stage::{PATIENCE, ROLE, Stage};
use crate::testbed::{condition, eventually};

/// An application as a person creates it without the controller.
fn foreign(stage: &Stage, tags: &Value) {
    stage.call(
        "CreateApplication",
        &json!({
            "ApplicationName": "orders",
            "RuntimeEnvironment": "FLINK-1_20",
            "ServiceExecutionRole": ROLE,
            "ApplicationConfiguration": {
                "ApplicationCodeConfiguration": {
                    "CodeContentType": "ZIPFILE",
                    "CodeContent": {"S3ContentLocation": {"BucketARN": "arn:aws:s3:::code", "FileKey": "healthy-1.yaml"}},
                },
            },
            "Tags": tags,
        }),
    );
}

#[track_caller]
fn is_left_alone(stage: &Stage) -> String {
    let mark = stage.mark();
    let described = stage.describe("orders");
    let spec = json!({
        "parallelism": {"parallelism": 7},
        "tags": {"team": "orders"},
        "deletion": {"policy": "Delete", "stateLoss": "Accepted"},
    });
    stage.apply("orders", &spec);
    let message = stage.stalled("orders", "NotOwned");
    stage.look("orders");
    stage.kubectl(&["delete", "msfapp", "orders", "--timeout=60s"]);
    assert_eq!(stage.changes_since(mark), [""; 0]);
    assert_eq!(stage.describe("orders"), described);
    message
}

#[test]
fn an_application_without_our_tags_is_left_alone() {
    let stage = Stage::set("untagged");
    foreign(&stage, &json!([{"Key": "team", "Value": "payments"}]));
    let message = is_left_alone(&stage);
    assert!(message.contains("spec.applicationName"), "{message}");
}

#[test]
fn an_application_of_another_cluster_is_left_alone() {
    let stage = Stage::set("other-cluster");
    let tags = json!([
        {"Key": "sluicegate.dev/cluster", "Value": "another"},
        {"Key": "sluicegate.dev/namespace", "Value": "other-cluster"},
        {"Key": "sluicegate.dev/name", "Value": "orders"},
        {"Key": "sluicegate.dev/uid", "Value": "1234"},
    ]);
    foreign(&stage, &tags);
    let message = is_left_alone(&stage);
    assert!(message.contains("other-cluster/orders of cluster another"), "{message}");
}

#[test]
fn two_resources_that_name_the_same_application_do_not_fight() {
    let stage = Stage::set("same-name");
    stage.apply("first", &json!({"applicationName": "orders"}));
    stage.ready("first");
    let mark = stage.mark();
    stage.apply(
        "second",
        &json!({"applicationName": "orders", "parallelism": {"parallelism": 5}}),
    );
    let message = stage.stalled("second", "NotOwned");
    assert!(message.contains("same-name/first"), "{message}");
    stage.look("second");
    stage.look("first");
    stage.ready("first");
    assert_eq!(stage.changes_since(mark), [""; 0]);
}

/// A running application that a person made, beside a controller that takes applications over.
fn running_elsewhere(namespace: &str) -> Stage {
    let mut stage = Stage::without_controller(namespace);
    foreign(&stage, &json!([{"Key": "team", "Value": "payments"}]));
    stage.call(
        "StartApplication",
        &json!({"ApplicationName": "orders", "RunConfiguration": {}}),
    );
    eventually("the application runs", PATIENCE, || {
        stage.describe("orders")["ApplicationStatus"] == "RUNNING"
    });
    stage.start_controller_with(&["--adoption-namespaces", namespace]);
    stage
}

fn synced(app: &Value) -> (String, String) {
    let found = condition(app, "Synced").cloned().unwrap_or_default();
    let text = |member: &str| found[member].as_str().unwrap_or_default().to_owned();
    (text("reason"), text("message"))
}

fn jobs(stage: &Stage) -> usize {
    let inside = stage.emulator.describe("orders").unwrap();
    inside["jobs"].as_array().map_or(0, Vec::len)
}

#[test]
fn an_application_that_equals_its_spec_is_adopted_without_a_restart() {
    let stage = running_elsewhere("adopted");
    let mark = stage.mark();
    stage.apply("orders", &json!({"management": {"adoption": "Adopt"}}));
    let app = stage.ready("orders");
    assert_eq!(app["status"]["history"][0]["result"], "Promoted");
    assert_eq!(stage.changes_since(mark), ["TagResource", "CreateApplicationSnapshot"]);
    assert_eq!(jobs(&stage), 1);

    stage.apply(
        "orders",
        &json!({"management": {"adoption": "Adopt"}, "parallelism": {"parallelism": 2}}),
    );
    stage.ready("orders");
    assert_eq!(jobs(&stage), 2);
}

#[test]
fn a_namespace_that_the_controller_does_not_name_adopts_nothing() {
    let stage = Stage::set("not-adopting");
    foreign(&stage, &json!([{"Key": "team", "Value": "payments"}]));
    let mark = stage.mark();
    stage.apply("orders", &json!({"management": {"adoption": "AdoptOrCreate"}}));
    let message = stage.stalled("orders", "NotAllowed");
    assert!(message.contains("--adoption-namespaces"), "{message}");
    assert_eq!(stage.changes_since(mark), [""; 0]);
}

#[test]
fn an_observed_application_is_reported_and_never_changed() {
    let stage = running_elsewhere("observed");
    let mark = stage.mark();
    let spec = json!({
        "management": {"mode": "ObserveOnly"},
        "parallelism": {"parallelism": 4},
        "propertyGroups": [{"id": "kafka", "properties": {"password": "hunter2"}}],
        "deletion": {"policy": "Stop"},
    });
    stage.apply("orders", &spec);
    let app = stage.until("orders", "is observed", |app| synced(app).0 == "ObserveOnly");
    let (_, message) = synced(&app);
    assert!(
        message.contains("spec.parallelism.parallelism is 4 and the service has 1"),
        "{message}"
    );
    assert!(message.contains("sha256:") && !message.contains("hunter2"), "{message}");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Running");
    stage.annotate("orders", "restart-requested-at", "1");
    stage.look("orders");
    stage.kubectl(&["delete", "msfapp", "orders", "--timeout=60s"]);
    assert_eq!(stage.changes_since(mark), [""; 0]);
    assert_eq!(stage.describe("orders")["ApplicationStatus"], "RUNNING");
}

/// Somebody else sets the parallelism.
fn edit(stage: &Stage, parallelism: u32) {
    let token = stage.describe("orders")["ConditionalToken"].clone();
    let parallelism = json!({"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": parallelism});
    let flink = json!({"ParallelismConfigurationUpdate": parallelism});
    stage.call(
        "UpdateApplication",
        &json!({
            "ApplicationName": "orders", "ConditionalToken": token,
            "ApplicationConfigurationUpdate": {"FlinkApplicationConfigurationUpdate": flink},
        }),
    );
}

/// The parallelism that the service has.
fn parallelism(stage: &Stage) -> Value {
    let detail = stage.describe("orders");
    let flink = &detail["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"];
    flink["ParallelismConfigurationDescription"]["Parallelism"].clone()
}

#[test]
fn an_edit_in_the_middle_of_a_rollout_is_undone_and_the_revision_proven() {
    let stage = Stage::set("edited");
    let gate = json!({"stableFor": "6s", "minCompletedCheckpoints": 0});
    let spec = |parallelism: u32| json!({"parallelism": {"parallelism": parallelism}, "rollout": {"gate": gate}});
    stage.apply("orders", &spec(1));
    stage.ready("orders");
    stage.apply("orders", &spec(2));
    let app = stage.until("orders", "is in its gate", |app| {
        app["status"]["rollout"]["gate"].is_object() && app["status"]["intent"].is_null()
    });
    let revision = app["status"]["revisions"]["target"].clone();
    edit(&stage, 5);
    assert_eq!(parallelism(&stage), 5);
    stage.until("orders", "has the parallelism of the spec", |_| {
        parallelism(&stage) == 2
    });
    let ready = stage.ready("orders");
    assert_eq!(parallelism(&stage), 2);
    let status = &ready["status"];
    assert_eq!(status["revisions"]["good"], revision, "{status}");
    assert_eq!(
        status["failedRevisions"],
        Value::Null,
        "the edit speaks against no revision"
    );
}

#[test]
fn drift_is_reported_or_corrected_as_the_spec_asks_and_told() {
    let stage = Stage::set("drift");
    let spec = |drift: &str| json!({"management": {"drift": drift}, "rollout": {"preChangeSnapshot": "Never"}});
    stage.apply("orders", &spec("Report"));
    stage.ready("orders");
    edit(&stage, 3);
    let mark = stage.mark();
    let app = stage.until("orders", "tells of drift", |app| synced(app).0 == "DriftDetected");
    let (_, message) = synced(&app);
    assert!(
        message.contains("spec.parallelism.parallelism is 1 and the service has 3"),
        "{message}"
    );
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
    let ready = stage.ready("orders");
    assert_eq!(condition(&ready, "Ready").unwrap()["reason"], "Running");

    stage.apply("orders", &spec("Correct"));
    stage.until("orders", "is corrected", |app| synced(app).0 == "InSync");
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
    for reason in ["DriftDetected", "DriftCorrected"] {
        let selector = format!("--field-selector=reason={reason}");
        let events = stage.kubectl(&["get", "events", "-o", "jsonpath={.items[*].message}", &selector]);
        assert!(
            events.contains("spec.parallelism.parallelism is 1"),
            "{reason}: {events}"
        );
    }
}
