//! An application of somebody else is never touched.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, ROLE, Scene};
use crate::testbed::{condition, eventually};

/// An application as a person creates it without the controller.
fn foreign(scene: &Scene, tags: &Value) {
    scene.call(
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
fn is_left_alone(scene: &Scene) -> String {
    let mark = scene.mark();
    let described = scene.describe("orders");
    let spec = json!({
        "parallelism": {"parallelism": 7},
        "tags": {"team": "orders"},
        "deletion": {"policy": "Delete", "stateLoss": "Accepted"},
    });
    scene.apply("orders", &spec);
    let message = scene.stalled("orders", "NotOwned");
    scene.look("orders");
    scene.delete("orders");
    scene.until_gone("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
    assert_eq!(scene.describe("orders"), described);
    message
}

#[test]
fn an_application_without_our_tags_is_left_alone() {
    let scene = Scene::set("untagged");
    foreign(&scene, &json!([{"Key": "team", "Value": "payments"}]));
    let message = is_left_alone(&scene);
    assert!(message.contains("spec.applicationName"), "{message}");
}

#[test]
fn an_application_of_another_cluster_is_left_alone() {
    let scene = Scene::set("other-cluster");
    let tags = json!([
        {"Key": "sluicegate.dev/cluster", "Value": "another"},
        {"Key": "sluicegate.dev/namespace", "Value": "other-cluster"},
        {"Key": "sluicegate.dev/name", "Value": "orders"},
        {"Key": "sluicegate.dev/uid", "Value": "1234"},
    ]);
    foreign(&scene, &tags);
    let message = is_left_alone(&scene);
    assert!(message.contains("other-cluster/orders of cluster another"), "{message}");
}

#[test]
fn two_resources_that_name_the_same_application_do_not_fight() {
    let scene = Scene::set("same-name");
    scene.apply("first", &json!({"applicationName": "orders"}));
    scene.ready("first");
    let mark = scene.mark();
    scene.apply(
        "second",
        &json!({"applicationName": "orders", "parallelism": {"parallelism": 5}}),
    );
    let message = scene.stalled("second", "NotOwned");
    assert!(message.contains("same-name/first"), "{message}");
    scene.look("second");
    scene.look("first");
    scene.ready("first");
    assert_eq!(scene.changes_since(mark), [""; 0]);
}

/// A running application that a person made, beside a controller that takes applications over.
fn running_elsewhere(namespace: &str) -> Scene {
    let mut scene = Scene::open(namespace);
    foreign(&scene, &json!([{"Key": "team", "Value": "payments"}]));
    scene.call(
        "StartApplication",
        &json!({"ApplicationName": "orders", "RunConfiguration": {}}),
    );
    eventually("the application runs", PATIENCE, || {
        scene.describe("orders")["ApplicationStatus"] == "RUNNING"
    });
    scene.start_controller_with(&["--adoption-namespaces", namespace]);
    scene
}

fn synced(app: &Value) -> (String, String) {
    let found = condition(app, "Synced").cloned().unwrap_or_default();
    let text = |member: &str| found[member].as_str().unwrap_or_default().to_owned();
    (text("reason"), text("message"))
}

fn jobs(scene: &Scene) -> usize {
    let inside = scene.emulator.describe("orders").unwrap();
    inside["jobs"].as_array().map_or(0, Vec::len)
}

#[test]
fn an_application_that_equals_its_spec_is_adopted_without_a_restart() {
    let scene = running_elsewhere("adopted");
    let mark = scene.mark();
    scene.apply("orders", &json!({"management": {"adoption": "Adopt"}}));
    let app = scene.ready("orders");
    assert_eq!(app["status"]["history"][0]["result"], "Promoted");
    assert_eq!(scene.changes_since(mark), ["TagResource", "CreateApplicationSnapshot"]);
    assert_eq!(jobs(&scene), 1);

    scene.apply(
        "orders",
        &json!({"management": {"adoption": "Adopt"}, "parallelism": {"parallelism": 2}}),
    );
    scene.ready("orders");
    assert_eq!(jobs(&scene), 2);
}

#[test]
fn a_namespace_that_the_controller_does_not_name_adopts_nothing() {
    let scene = Scene::set("not-adopting");
    foreign(&scene, &json!([{"Key": "team", "Value": "payments"}]));
    let mark = scene.mark();
    scene.apply("orders", &json!({"management": {"adoption": "AdoptOrCreate"}}));
    let message = scene.stalled("orders", "NotAllowed");
    assert!(message.contains("--adoption-namespaces"), "{message}");
    assert_eq!(scene.changes_since(mark), [""; 0]);
}

#[test]
fn an_observed_application_is_reported_and_never_changed() {
    let scene = running_elsewhere("observed");
    let mark = scene.mark();
    let spec = json!({
        "management": {"mode": "ObserveOnly"},
        "parallelism": {"parallelism": 4},
        "propertyGroups": [{"id": "kafka", "properties": {"password": "hunter2"}}],
        "deletion": {"policy": "Stop"},
    });
    scene.apply("orders", &spec);
    let app = scene.until("orders", "is observed", |app| synced(app).0 == "ObserveOnly");
    let (_, message) = synced(&app);
    assert!(
        message.contains("spec.parallelism.parallelism is 4 and the service has 1"),
        "{message}"
    );
    assert!(message.contains("sha256:") && !message.contains("hunter2"), "{message}");
    assert_eq!(condition(&app, "Ready").unwrap()["reason"], "Running");
    scene.annotate("orders", "restart-requested-at", "1");
    scene.look("orders");
    scene.delete("orders");
    scene.until_gone("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
    assert_eq!(scene.describe("orders")["ApplicationStatus"], "RUNNING");
}

/// Somebody else sets the parallelism.
fn edit(scene: &Scene, parallelism: u32) {
    let token = scene.describe("orders")["ConditionalToken"].clone();
    let parallelism = json!({"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": parallelism});
    let flink = json!({"ParallelismConfigurationUpdate": parallelism});
    scene.call(
        "UpdateApplication",
        &json!({
            "ApplicationName": "orders", "ConditionalToken": token,
            "ApplicationConfigurationUpdate": {"FlinkApplicationConfigurationUpdate": flink},
        }),
    );
}

/// The parallelism that the service has.
fn parallelism(scene: &Scene) -> Value {
    let detail = scene.describe("orders");
    let flink = &detail["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"];
    flink["ParallelismConfigurationDescription"]["Parallelism"].clone()
}

#[test]
fn an_edit_in_the_middle_of_a_rollout_is_undone_and_the_revision_proven() {
    let scene = Scene::set("edited");
    let gate = json!({"stableFor": "6s", "minCompletedCheckpoints": 0});
    let spec = |parallelism: u32| json!({"parallelism": {"parallelism": parallelism}, "rollout": {"gate": gate}});
    scene.apply("orders", &spec(1));
    scene.ready("orders");
    scene.apply("orders", &spec(2));
    let app = scene.until("orders", "is in its gate", |app| {
        app["status"]["rollout"]["gate"].is_object() && app["status"]["intent"].is_null()
    });
    let revision = app["status"]["revisions"]["target"].clone();
    edit(&scene, 5);
    assert_eq!(parallelism(&scene), 5);
    eventually("the service has the parallelism of the spec", PATIENCE, || {
        parallelism(&scene) == 2
    });
    let ready = scene.ready("orders");
    assert_eq!(parallelism(&scene), 2);
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
    let scene = Scene::set("drift");
    let spec = |drift: &str| json!({"management": {"drift": drift}, "rollout": {"preChangeSnapshot": "Never"}});
    scene.apply("orders", &spec("Report"));
    scene.ready("orders");
    edit(&scene, 3);
    let mark = scene.mark();
    let app = scene.until("orders", "tells of drift", |app| synced(app).0 == "DriftDetected");
    let (_, message) = synced(&app);
    assert!(
        message.contains("spec.parallelism.parallelism is 1 and the service has 3"),
        "{message}"
    );
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
    let ready = scene.ready("orders");
    assert_eq!(condition(&ready, "Ready").unwrap()["reason"], "Running");

    scene.apply("orders", &spec("Correct"));
    scene.until("orders", "is corrected", |app| synced(app).0 == "InSync");
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    for reason in ["DriftDetected", "DriftCorrected"] {
        let events = scene.events(reason);
        let messages: Vec<&str> = events.iter().filter_map(|event| event["message"].as_str()).collect();
        assert!(
            messages
                .iter()
                .any(|message| message.contains("spec.parallelism.parallelism is 1")),
            "{reason}: {messages:?}"
        );
    }
}
