//! An application of somebody else is never touched.

use serde_json::{Value, json};

use crate::stage::{ROLE, Stage};

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
