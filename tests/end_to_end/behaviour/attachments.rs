//! VPC, logging, tags and the maintenance window: set, changed and removed.

use serde_json::{Value, json};

use crate::scene::{FIRST_RUN, Scene, has_snapshot, snapshots};

const LOGS: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink/orders:log-stream:application";
const OTHER_LOGS: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink/orders:log-stream:other";

fn vpcs(scene: &Scene) -> Vec<(Value, Value)> {
    let described = scene.describe("orders");
    let vpcs = described["ApplicationConfigurationDescription"]["VpcConfigurationDescriptions"].as_array();
    let parts = vpcs.into_iter().flatten();
    parts
        .map(|vpc| (vpc["SubnetIds"].clone(), vpc["SecurityGroupIds"].clone()))
        .collect()
}

fn log_streams(scene: &Scene) -> Vec<Value> {
    let described = scene.describe("orders");
    let options = described["CloudWatchLoggingOptionDescriptions"].as_array();
    options
        .into_iter()
        .flatten()
        .map(|option| option["LogStreamARN"].clone())
        .collect()
}

fn window(scene: &Scene) -> Value {
    scene.describe("orders")["ApplicationMaintenanceConfigurationDescription"]["ApplicationMaintenanceWindowStartTime"]
        .take()
}

/// Applies `spec` to a running application and asserts which calls it took; whatever they were, the job was started
/// anew once, from the newest snapshot.
#[track_caller]
fn change(scene: &Scene, what: &str, spec: &Value, calls: &[&str]) {
    let mark = scene.mark();
    let jobs = scene.application("orders")["jobs"].as_array().unwrap().len();
    scene.apply("orders", spec);
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), calls, "{what}");
    let inside = scene.application("orders");
    assert_eq!(
        inside["jobs"].as_array().unwrap().len(),
        jobs + 1,
        "{what}: one restart"
    );
    assert_eq!(inside["status"], "RUNNING", "{what}");
    let newest = snapshots(&inside).pop();
    assert!(newest.is_some(), "{what}");
    assert_eq!(inside["job"]["restoredFrom"], json!(newest), "{what}");
}

#[test]
fn vpc_and_logging_of_a_running_application_are_added_changed_and_removed_with_one_restart_each() {
    let scene = Scene::set("attachments");
    let never = json!({"preChangeSnapshot": "Never"});
    let vpc = |subnet: &str| json!({"subnetIds": [subnet], "securityGroupIds": ["sg-1"]});
    scene.apply("orders", &json!({"rollout": never}));
    scene.ready("orders");
    assert!(vpcs(&scene).is_empty() && log_streams(&scene).is_empty());

    change(
        &scene,
        "both added, and a field of the update beside them",
        &json!({
            "rollout": never,
            "vpc": vpc("subnet-a"),
            "logging": {"logStreamARN": LOGS},
            "monitoring": {"logLevel": "WARN"},
        }),
        &[
            "StopApplication",
            "AddApplicationVpcConfiguration",
            "AddApplicationCloudWatchLoggingOption",
            "UpdateApplication",
            "StartApplication",
        ],
    );
    assert_eq!(vpcs(&scene), [(json!(["subnet-a"]), json!(["sg-1"]))]);
    assert_eq!(log_streams(&scene), [json!(LOGS)]);

    change(
        &scene,
        "both changed",
        &json!({
            "rollout": never,
            "vpc": vpc("subnet-b"),
            "logging": {"logStreamARN": OTHER_LOGS},
            "monitoring": {"logLevel": "WARN"},
        }),
        &["UpdateApplication"],
    );
    assert_eq!(vpcs(&scene), [(json!(["subnet-b"]), json!(["sg-1"]))]);
    assert_eq!(log_streams(&scene), [json!(OTHER_LOGS)]);

    change(
        &scene,
        "both blocks removed",
        &json!({"rollout": never, "monitoring": {"logLevel": "WARN"}}),
        &[
            "StopApplication",
            "DeleteApplicationVpcConfiguration",
            "DeleteApplicationCloudWatchLoggingOption",
            "StartApplication",
        ],
    );
    assert!(vpcs(&scene).is_empty() && log_streams(&scene).is_empty());

    let mark = scene.mark();
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
}

#[test]
fn the_order_of_subnets_and_security_groups_is_no_change() {
    let scene = Scene::set("vpc-order");
    let vpc = |subnets: [&str; 2]| json!({"vpc": {"subnetIds": subnets, "securityGroupIds": ["sg-1"]}});
    scene.apply("orders", &vpc(["subnet-a", "subnet-b"]));
    scene.ready("orders");
    scene.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(scene.changes_since(0), FIRST_RUN);
    let mark = scene.mark();
    scene.apply("orders", &vpc(["subnet-b", "subnet-a"]));
    scene.ready("orders");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
}

#[test]
fn tags_are_set_changed_and_removed_and_those_of_others_stay() {
    let scene = Scene::set("tags");
    scene.apply("orders", &json!({"tags": {"team": "orders", "stage": "test"}}));
    let app = scene.ready("orders");
    scene.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(scene.changes_since(0), FIRST_RUN);
    let arn = app["status"]["aws"]["applicationARN"].clone();
    let job = scene.application("orders")["job"]["id"].clone();
    let theirs = json!([{"Key": "cost-centre", "Value": "42"}]);
    scene.call("TagResource", &json!({"ResourceARN": arn, "Tags": theirs}));

    let mark = scene.mark();
    scene.apply(
        "orders",
        &json!({"tags": {"team": "payments", "stage": "test", "tier": "1"}}),
    );
    scene.ready("orders");
    assert_eq!(
        own_tags(&scene),
        json!({"team": "payments", "stage": "test", "tier": "1"})
    );
    assert_eq!(scene.changes_since(mark), ["TagResource"]);

    let mark = scene.mark();
    scene.apply("orders", &json!({"tags": {"team": "payments"}}));
    scene.ready("orders");
    assert_eq!(own_tags(&scene), json!({"team": "payments"}));
    assert_eq!(scene.changes_since(mark), ["UntagResource"]);

    let mark = scene.mark();
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    assert_eq!(own_tags(&scene), json!({}));
    assert_eq!(scene.changes_since(mark), ["UntagResource"]);
    assert_eq!(scene.application("orders")["job"]["id"], job, "the job is left alone");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), ["UntagResource"]);
}

/// The tags in the service without those that prove the owner; the tag of somebody else must be among them.
#[track_caller]
fn own_tags(scene: &Scene) -> Value {
    let Value::Object(mut tags) = scene.tags("orders") else {
        panic!("tags are an object");
    };
    assert_eq!(tags.remove("cost-centre"), Some(json!("42")));
    let before = tags.len();
    tags.retain(|key, _| !key.starts_with("sluicegate.dev/"));
    assert_eq!(before - tags.len(), 4, "the tags of the owner stay");
    Value::Object(tags)
}

#[test]
fn the_maintenance_window_is_set_and_changed_and_without_the_block_it_is_left_as_it_is() {
    let scene = Scene::set("window");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    scene.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(scene.changes_since(0), FIRST_RUN);
    let job = scene.application("orders")["job"]["id"].clone();

    for start in ["01:15", "03:30"] {
        let mark = scene.mark();
        scene.apply("orders", &json!({"maintenanceWindow": {"startTime": start}}));
        scene.ready("orders");
        assert_eq!(window(&scene), start);
        assert_eq!(scene.changes_since(mark), ["UpdateApplicationMaintenanceConfiguration"]);
    }
    let mark = scene.mark();
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
    assert_eq!(window(&scene), "03:30");
    assert_eq!(scene.application("orders")["job"]["id"], job, "the job is left alone");
}

#[test]
fn a_stopped_application_takes_every_change_without_being_started() {
    let scene = Scene::set("stopped-changes");
    scene.apply("orders", &json!({"desiredState": "Stopped"}));
    scene.ready("orders");
    let mark = scene.mark();
    let spec = json!({
        "desiredState": "Stopped",
        "vpc": {"subnetIds": ["subnet-a"], "securityGroupIds": ["sg-1"]},
        "logging": {"logStreamARN": LOGS},
        "parallelism": {"parallelism": 2},
        "tags": {"team": "orders"},
        "maintenanceWindow": {"startTime": "01:15"},
    });
    scene.apply("orders", &spec);
    scene.ready("orders");
    // Ready tells of the job; the tags and the window follow one after the other beside it.
    scene.look("orders");
    let mut calls = scene.changes_since(mark);
    calls.sort();
    assert_eq!(
        calls,
        [
            "AddApplicationCloudWatchLoggingOption",
            "AddApplicationVpcConfiguration",
            "TagResource",
            "UpdateApplication",
            "UpdateApplicationMaintenanceConfiguration",
        ]
    );
    assert_eq!(scene.application("orders")["status"], "READY");
    assert_eq!(log_streams(&scene), [json!(LOGS)]);
    assert_eq!(vpcs(&scene).len(), 1);
    assert_eq!(window(&scene), "01:15");
}
