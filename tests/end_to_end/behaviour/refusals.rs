//! What the schema cannot see: missing references and refusals of the service. Each heals when its cause is gone.

use serde_json::{Value, json};

use crate::scene::{FIRST_RUN, PATIENCE, ROLE, Scene, has_snapshot};
use crate::testbed::{CONFIG_MAP, condition, eventually};

#[test]
fn a_missing_config_map_stalls_and_its_arrival_heals() {
    let scene = Scene::set("missing");
    let group = json!({"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]});
    scene.apply("orders", &json!({"propertyGroups": [group]}));
    scene.until("orders", "awaits the ConfigMap", |app| {
        let words = condition(app, "Reconciling").and_then(|found| found["message"].as_str());
        words.is_some_and(|words| words.contains("ConfigMap kafka"))
    });
    let message = scene.stalled("orders", "ReferenceNotFound");
    assert!(
        message.contains("ConfigMap kafka") && message.contains("spec.propertyGroups"),
        "{message}"
    );
    scene.look("orders");
    assert_eq!(scene.changes_since(0), [""; 0]);

    scene.config_map("kafka", &json!({"servers": "b-1:9098"}));
    scene.ready("orders");
    scene.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(scene.changes_since(0), FIRST_RUN);
}

#[test]
fn a_config_map_that_goes_away_leaves_the_running_job_alone() {
    let scene = Scene::set("missing-later");
    scene.config_map("kafka", &json!({"servers": "b-1:9098"}));
    let group = json!({"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]});
    scene.apply("orders", &json!({"propertyGroups": [group]}));
    scene.ready("orders");
    let mark = scene.mark();
    scene.objects(CONFIG_MAP).delete("kafka");
    scene.stalled("orders", "ReferenceNotFound");
    scene.look("orders");
    assert_eq!(scene.application("orders")["status"], "RUNNING");
    scene.config_map("kafka", &json!({"servers": "b-1:9098"}));
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
}

#[test]
fn a_denied_call_first_counts_as_work_then_stalls_and_heals_when_it_is_allowed() {
    let scene = Scene::set("denied");
    scene.emulator.faults(&json!({"deny": ["StartApplication"]}));
    scene.apply("orders", &json!({}));
    scene.until("orders", "has the refusal as work in flight", |app| {
        let words = condition(app, "Reconciling").and_then(|found| found["message"].as_str());
        words.is_some_and(|words| words.contains("refuse") && words.contains("not authorized"))
    });
    let message = scene.stalled("orders", "AccessDenied");
    assert!(
        message.contains("StartApplication") && message.contains("not authorized"),
        "{message}"
    );
    scene.emulator.faults(&json!({}));
    scene.ready("orders");
    assert_eq!(scene.application("orders")["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_denied_read_stalls_and_heals_when_it_is_allowed() {
    let scene = Scene::set("denied-read");
    scene.emulator.faults(&json!({"deny": ["DescribeApplication"]}));
    scene.apply("orders", &json!({}));
    let message = scene.stalled("orders", "AccessDenied");
    assert!(message.contains("DescribeApplication"), "{message}");
    assert_eq!(scene.changes_since(0), [""; 0]);
    scene.emulator.faults(&json!({}));
    scene.ready("orders");
}

#[test]
fn a_role_that_the_service_cannot_use_stalls_and_heals_when_it_can() {
    let scene = Scene::set("role");
    scene.emulator.faults(&json!({"unknownRoles": [ROLE]}));
    scene.apply("orders", &json!({}));
    let message = scene.stalled("orders", "Rejected");
    eventually("the stall is told by a warning", PATIENCE, || {
        let told = scene.events("Rejected");
        told.len() == 1 && told[0]["type"] == "Warning"
    });
    let log = scene.controller_log();
    let of_it = [
        "INFO",
        "namespace=\"role\"",
        "name=\"orders\"",
        "revision=",
        "reason=\"Rejected\"",
    ];
    let is_told = log.lines().any(|line| of_it.iter().all(|part| line.contains(part)));
    assert!(is_told, "{log}");
    assert!(message.contains("check the role provided"), "{message}");
    scene.emulator.faults(&json!({}));
    scene.ready("orders");
}

#[test]
fn a_config_map_with_what_the_service_cannot_take_is_invalid_and_heals() {
    let scene = Scene::set("bad-config-map");
    scene.config_map("kafka", &json!({"servers": ""}));
    let group = json!({"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]});
    scene.apply("orders", &json!({"propertyGroups": [group]}));
    let message = scene.stalled("orders", "InvalidSpec");
    assert!(message.contains("spec.propertyGroups[kafka]"), "{message}");
    assert_eq!(scene.changes_since(0), [""; 0]);
    scene.config_map("kafka", &json!({"servers": "b-1:9098"}));
    scene.ready("orders");
}

#[test]
fn a_role_that_the_service_cannot_use_leaves_the_running_job_alone() {
    let scene = Scene::set("role-later");
    let never = json!({"preChangeSnapshot": "Never"});
    scene.apply("orders", &json!({"rollout": never}));
    scene.ready("orders");
    let job = scene.application("orders")["job"]["id"].clone();
    let other = "arn:aws:iam::111122223333:role/flink/other";
    scene.emulator.faults(&json!({"unknownRoles": [other]}));
    scene.apply("orders", &json!({"rollout": never, "serviceExecutionRole": other}));
    scene.stalled("orders", "Rejected");
    assert_eq!(scene.application("orders")["job"]["id"], job);
    scene.emulator.faults(&json!({}));
    scene.ready("orders");
    assert_eq!(scene.describe("orders")["ServiceExecutionRole"], other);
}

#[test]
fn code_that_is_not_in_the_bucket_stalls_and_heals_with_another_key() {
    let scene = Scene::set("no-code");
    scene.apply("orders", &json!({"code": {"s3": {"key": "absent.yaml"}}}));
    let message = scene.stalled("orders", "Rejected");
    assert!(message.contains("S3 location"), "{message}");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
}

#[test]
fn a_used_up_quota_stalls_and_heals_when_it_is_raised() {
    let scene = Scene::set("quota");
    scene.emulator.faults(&json!({"applicationQuota": 0}));
    scene.apply("orders", &json!({}));
    let message = scene.stalled("orders", "QuotaExceeded");
    assert!(message.contains("limit is 0"), "{message}");
    scene.emulator.faults(&json!({"applicationQuota": 1}));
    scene.ready("orders");
}

#[test]
fn a_rejected_configuration_is_sent_once_and_the_running_job_stays() {
    let mut scene = Scene::set("rejected");
    let spec = |runtime: &str| json!({"runtimeEnvironment": runtime, "rollout": {"preChangeSnapshot": "Never"}});
    scene.apply("orders", &spec("FLINK-1_20"));
    scene.ready("orders");
    let job = scene.application("orders")["job"]["id"].clone();

    let mark = scene.mark();
    scene.apply("orders", &spec("FLINK-9_99"));
    let message = scene.stalled("orders", "Rejected");
    assert!(message.contains("FLINK-9_99"), "{message}");
    scene.look("orders");
    scene.replace_controller();
    scene.look("orders");
    scene.stalled("orders", "Rejected");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(scene.application("orders")["job"]["id"], job);
    let app = scene.app("orders");
    assert!(
        app["status"]["failedRevisions"].is_null(),
        "a refusal is no failed revision: {:#}",
        app["status"]
    );

    let mark = scene.mark();
    scene.apply("orders", &spec("FLINK-1_20"));
    scene.ready("orders");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
    assert_eq!(scene.application("orders")["job"]["id"], job);
}

#[test]
fn a_spec_that_contradicts_the_region_is_invalid_and_names_the_field() {
    let scene = Scene::set("partition");
    let role = "arn:aws-cn:iam::111122223333:role/orders";
    scene.apply("orders", &json!({"serviceExecutionRole": role}));
    let message = scene.stalled("orders", "InvalidSpec");
    assert!(message.contains("spec.serviceExecutionRole"), "{message}");
    assert_eq!(scene.changes_since(0), [""; 0]);
    scene.apply("orders", &json!({}));
    scene.ready("orders");
}

#[test]
fn throttling_is_waited_out() {
    let scene = Scene::set("throttled");
    scene
        .emulator
        .faults(&json!({"throttle": {"DescribeApplication": 2, "CreateApplication": 1, "StartApplication": 1}}));
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    assert_eq!(scene.application("orders")["jobs"].as_array().unwrap().len(), 1);
}

/// What the service says of a role that may not describe the subnets.
const SUBNETS: &str = "Please check the role provided or the validity of Subnet resources provided. We are unable to \
                       fetch the details for your Subnet resources.";

#[test]
fn a_job_that_was_stopped_for_a_vpc_that_is_refused_runs_again_and_the_vpc_is_tried_on_request_alone() {
    let scene = Scene::set("refused-vpc");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    let refuse = |times: Value| {
        let refusal = json!({"code": "InvalidArgument", "message": SUBNETS, "times": times});
        scene
            .emulator
            .faults(&json!({"refuse": {"AddApplicationVpcConfiguration": refusal}}));
    };
    let accepted = |mark: u64| {
        let calls = scene.requests_since(mark).into_iter();
        let accepted = calls.filter(|call| call.outcome == "ok");
        accepted.map(|call| call.operation).collect::<Vec<_>>()
    };
    refuse(Value::Null);
    let mark = scene.mark();
    let vpc = json!({"vpc": {"subnetIds": ["subnet-0a1b2c3d"], "securityGroupIds": ["sg-0a1b2c3d"]}});
    scene.apply("orders", &vpc);
    let message = scene.stalled("orders", "Rejected");
    for part in [
        "AddApplicationVpcConfiguration",
        "validity of Subnet resources",
        "ec2:Describe*",
        "retry-requested-at",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    scene.until_status("orders", "RUNNING");
    assert_eq!(accepted(mark), ["StopApplication", "StartApplication"]);
    scene.look("orders");
    assert_eq!(accepted(mark), ["StopApplication", "StartApplication"]);

    refuse(json!(1));
    let mark = scene.mark();
    scene.annotate("orders", "retry-requested-at", "1");
    scene.ready("orders");
    let brought = ["StopApplication", "AddApplicationVpcConfiguration", "StartApplication"];
    assert_eq!(accepted(mark), brought);
}
