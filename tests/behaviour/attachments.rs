//! VPC, logging, tags and the maintenance window: set, changed and removed.

use serde_json::{Value, json};

use crate::stage::{FIRST_RUN, Stage, has_snapshot, snapshots};

const LOGS: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink/orders:log-stream:application";
const OTHER_LOGS: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink/orders:log-stream:other";

fn vpcs(stage: &Stage) -> Vec<(Value, Value)> {
    let described = stage.describe("orders");
    let vpcs = described["ApplicationConfigurationDescription"]["VpcConfigurationDescriptions"].as_array();
    let parts = vpcs.into_iter().flatten();
    parts
        .map(|vpc| (vpc["SubnetIds"].clone(), vpc["SecurityGroupIds"].clone()))
        .collect()
}

fn log_streams(stage: &Stage) -> Vec<Value> {
    let described = stage.describe("orders");
    let options = described["CloudWatchLoggingOptionDescriptions"].as_array();
    options
        .into_iter()
        .flatten()
        .map(|option| option["LogStreamARN"].clone())
        .collect()
}

fn window(stage: &Stage) -> Value {
    stage.describe("orders")["ApplicationMaintenanceConfigurationDescription"]["ApplicationMaintenanceWindowStartTime"]
        .take()
}

/// Applies `spec` to a running application and asserts which calls it took; whatever they were, the job was started
/// anew once, from the newest snapshot.
#[track_caller]
fn change(stage: &Stage, what: &str, spec: &Value, calls: &[&str]) {
    let mark = stage.mark();
    let jobs = stage.inside("orders")["jobs"].as_array().unwrap().len();
    stage.apply("orders", spec);
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), calls, "{what}");
    let inside = stage.inside("orders");
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
    let stage = Stage::set("attachments");
    let never = json!({"preChangeSnapshot": "Never"});
    let vpc = |subnet: &str| json!({"subnetIds": [subnet], "securityGroupIds": ["sg-1"]});
    stage.apply("orders", &json!({"rollout": never}));
    stage.ready("orders");
    assert!(vpcs(&stage).is_empty() && log_streams(&stage).is_empty());

    change(
        &stage,
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
    assert_eq!(vpcs(&stage), [(json!(["subnet-a"]), json!(["sg-1"]))]);
    assert_eq!(log_streams(&stage), [json!(LOGS)]);

    change(
        &stage,
        "both changed",
        &json!({
            "rollout": never,
            "vpc": vpc("subnet-b"),
            "logging": {"logStreamARN": OTHER_LOGS},
            "monitoring": {"logLevel": "WARN"},
        }),
        &["UpdateApplication"],
    );
    assert_eq!(vpcs(&stage), [(json!(["subnet-b"]), json!(["sg-1"]))]);
    assert_eq!(log_streams(&stage), [json!(OTHER_LOGS)]);

    change(
        &stage,
        "both blocks removed",
        &json!({"rollout": never, "monitoring": {"logLevel": "WARN"}}),
        &[
            "StopApplication",
            "DeleteApplicationVpcConfiguration",
            "DeleteApplicationCloudWatchLoggingOption",
            "StartApplication",
        ],
    );
    assert!(vpcs(&stage).is_empty() && log_streams(&stage).is_empty());

    let mark = stage.mark();
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
}

#[test]
fn the_order_of_subnets_and_security_groups_is_no_change() {
    let stage = Stage::set("vpc-order");
    let vpc = |subnets: [&str; 2]| json!({"vpc": {"subnetIds": subnets, "securityGroupIds": ["sg-1"]}});
    stage.apply("orders", &vpc(["subnet-a", "subnet-b"]));
    stage.ready("orders");
    stage.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(stage.changes_since(0), FIRST_RUN);
    let mark = stage.mark();
    stage.apply("orders", &vpc(["subnet-b", "subnet-a"]));
    stage.ready("orders");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
}

#[test]
fn tags_are_set_changed_and_removed_and_those_of_others_stay() {
    let stage = Stage::set("tags");
    stage.apply("orders", &json!({"tags": {"team": "orders", "stage": "test"}}));
    let app = stage.ready("orders");
    stage.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(stage.changes_since(0), FIRST_RUN);
    let arn = app["status"]["aws"]["applicationARN"].clone();
    let job = stage.inside("orders")["job"]["id"].clone();
    let theirs = json!([{"Key": "cost-centre", "Value": "42"}]);
    stage.call("TagResource", &json!({"ResourceARN": arn, "Tags": theirs}));

    let mark = stage.mark();
    stage.apply(
        "orders",
        &json!({"tags": {"team": "payments", "stage": "test", "tier": "1"}}),
    );
    stage.ready("orders");
    assert_eq!(
        own_tags(&stage),
        json!({"team": "payments", "stage": "test", "tier": "1"})
    );
    assert_eq!(stage.changes_since(mark), ["TagResource"]);

    let mark = stage.mark();
    stage.apply("orders", &json!({"tags": {"team": "payments"}}));
    stage.ready("orders");
    assert_eq!(own_tags(&stage), json!({"team": "payments"}));
    assert_eq!(stage.changes_since(mark), ["UntagResource"]);

    let mark = stage.mark();
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    assert_eq!(own_tags(&stage), json!({}));
    assert_eq!(stage.changes_since(mark), ["UntagResource"]);
    assert_eq!(stage.inside("orders")["job"]["id"], job, "the job is left alone");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), ["UntagResource"]);
}

/// The tags in the service without those that prove the owner; the tag of somebody else must be among them.
#[track_caller]
fn own_tags(stage: &Stage) -> Value {
    let Value::Object(mut tags) = stage.tags("orders") else {
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
    let stage = Stage::set("window");
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    stage.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(stage.changes_since(0), FIRST_RUN);
    let job = stage.inside("orders")["job"]["id"].clone();

    for start in ["01:15", "03:30"] {
        let mark = stage.mark();
        stage.apply("orders", &json!({"maintenanceWindow": {"startTime": start}}));
        stage.ready("orders");
        assert_eq!(window(&stage), start);
        assert_eq!(stage.changes_since(mark), ["UpdateApplicationMaintenanceConfiguration"]);
    }
    let mark = stage.mark();
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
    assert_eq!(window(&stage), "03:30");
    assert_eq!(stage.inside("orders")["job"]["id"], job, "the job is left alone");
}

#[test]
fn a_stopped_application_takes_every_change_without_being_started() {
    let stage = Stage::set("stopped-changes");
    stage.apply("orders", &json!({"desiredState": "Stopped"}));
    stage.ready("orders");
    let mark = stage.mark();
    let spec = json!({
        "desiredState": "Stopped",
        "vpc": {"subnetIds": ["subnet-a"], "securityGroupIds": ["sg-1"]},
        "logging": {"logStreamARN": LOGS},
        "parallelism": {"parallelism": 2},
        "tags": {"team": "orders"},
        "maintenanceWindow": {"startTime": "01:15"},
    });
    stage.apply("orders", &spec);
    stage.ready("orders");
    // Ready tells of the job; the tags and the window follow one after the other beside it.
    stage.look("orders");
    let mut calls = stage.changes_since(mark);
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
    assert_eq!(stage.inside("orders")["status"], "READY");
    assert_eq!(log_streams(&stage), [json!(LOGS)]);
    assert_eq!(vpcs(&stage).len(), 1);
    assert_eq!(window(&stage), "01:15");
}
