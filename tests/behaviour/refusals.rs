//! What the schema cannot see: missing references and refusals of the service. Each heals when its cause is gone.

use serde_json::json;

use crate::stage::{FIRST_RUN, ROLE, Stage, has_snapshot};
use crate::testbed::condition;

#[test]
fn a_missing_config_map_stalls_and_its_arrival_heals() {
    let stage = Stage::set("missing");
    let group = json!({"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]});
    stage.apply("orders", &json!({"propertyGroups": [group]}));
    stage.until("orders", "awaits the ConfigMap", |app| {
        let words = condition(app, "Reconciling").and_then(|found| found["message"].as_str());
        words.is_some_and(|words| words.contains("ConfigMap kafka"))
    });
    let message = stage.stalled("orders", "ReferenceNotFound");
    assert!(
        message.contains("ConfigMap kafka") && message.contains("spec.propertyGroups"),
        "{message}"
    );
    stage.look("orders");
    assert_eq!(stage.changes_since(0), [""; 0]);

    stage.config_map("kafka", &json!({"servers": "b-1:9098"}));
    stage.ready("orders");
    stage.until("orders", "has a snapshot to go back to", has_snapshot);
    assert_eq!(stage.changes_since(0), FIRST_RUN);
}

#[test]
fn a_config_map_that_goes_away_leaves_the_running_job_alone() {
    let stage = Stage::set("missing-later");
    stage.config_map("kafka", &json!({"servers": "b-1:9098"}));
    let group = json!({"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]});
    stage.apply("orders", &json!({"propertyGroups": [group]}));
    stage.ready("orders");
    let mark = stage.mark();
    stage.kubectl(&["delete", "configmap", "kafka"]);
    stage.stalled("orders", "ReferenceNotFound");
    stage.look("orders");
    assert_eq!(stage.inside("orders")["status"], "RUNNING");
    stage.config_map("kafka", &json!({"servers": "b-1:9098"}));
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
}

#[test]
fn a_denied_call_first_counts_as_work_then_stalls_and_heals_when_it_is_allowed() {
    let stage = Stage::set("denied");
    stage.emulator.faults(&json!({"deny": ["StartApplication"]}));
    stage.apply("orders", &json!({}));
    stage.until("orders", "has the refusal as work in flight", |app| {
        let words = condition(app, "Reconciling").and_then(|found| found["message"].as_str());
        words.is_some_and(|words| words.contains("refuse") && words.contains("not authorized"))
    });
    let message = stage.stalled("orders", "AccessDenied");
    assert!(
        message.contains("StartApplication") && message.contains("not authorized"),
        "{message}"
    );
    stage.emulator.faults(&json!({}));
    stage.ready("orders");
    assert_eq!(stage.inside("orders")["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_denied_read_stalls_and_heals_when_it_is_allowed() {
    let stage = Stage::set("denied-read");
    stage.emulator.faults(&json!({"deny": ["DescribeApplication"]}));
    stage.apply("orders", &json!({}));
    let message = stage.stalled("orders", "AccessDenied");
    assert!(message.contains("DescribeApplication"), "{message}");
    assert_eq!(stage.changes_since(0), [""; 0]);
    stage.emulator.faults(&json!({}));
    stage.ready("orders");
}

#[test]
fn a_role_that_the_service_cannot_use_stalls_and_heals_when_it_can() {
    let stage = Stage::set("role");
    stage.emulator.faults(&json!({"unknownRoles": [ROLE]}));
    stage.apply("orders", &json!({}));
    let message = stage.stalled("orders", "Rejected");
    assert!(message.contains("check the role provided"), "{message}");
    stage.emulator.faults(&json!({}));
    stage.ready("orders");
}

#[test]
fn a_config_map_with_what_the_service_cannot_take_is_invalid_and_heals() {
    let stage = Stage::set("bad-config-map");
    stage.config_map("kafka", &json!({"servers": ""}));
    let group = json!({"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]});
    stage.apply("orders", &json!({"propertyGroups": [group]}));
    let message = stage.stalled("orders", "InvalidSpec");
    assert!(message.contains("spec.propertyGroups[kafka]"), "{message}");
    assert_eq!(stage.changes_since(0), [""; 0]);
    stage.config_map("kafka", &json!({"servers": "b-1:9098"}));
    stage.ready("orders");
}

#[test]
fn a_role_that_the_service_cannot_use_leaves_the_running_job_alone() {
    let stage = Stage::set("role-later");
    let never = json!({"preChangeSnapshot": "Never"});
    stage.apply("orders", &json!({"rollout": never}));
    stage.ready("orders");
    let job = stage.inside("orders")["job"]["id"].clone();
    let other = "arn:aws:iam::111122223333:role/flink/other";
    stage.emulator.faults(&json!({"unknownRoles": [other]}));
    stage.apply("orders", &json!({"rollout": never, "serviceExecutionRole": other}));
    stage.stalled("orders", "Rejected");
    assert_eq!(stage.inside("orders")["job"]["id"], job);
    stage.emulator.faults(&json!({}));
    stage.ready("orders");
    assert_eq!(stage.describe("orders")["ServiceExecutionRole"], other);
}

#[test]
fn code_that_is_not_in_the_bucket_stalls_and_heals_with_another_key() {
    let stage = Stage::set("no-code");
    stage.apply("orders", &json!({"code": {"s3": {"key": "absent.yaml"}}}));
    let message = stage.stalled("orders", "Rejected");
    assert!(message.contains("S3 location"), "{message}");
    stage.apply("orders", &json!({}));
    stage.ready("orders");
}

#[test]
fn a_used_up_quota_stalls_and_heals_when_it_is_raised() {
    let stage = Stage::set("quota");
    stage.emulator.faults(&json!({"applicationQuota": 0}));
    stage.apply("orders", &json!({}));
    let message = stage.stalled("orders", "QuotaExceeded");
    assert!(message.contains("limit is 0"), "{message}");
    stage.emulator.faults(&json!({"applicationQuota": 1}));
    stage.ready("orders");
}

#[test]
fn a_rejected_configuration_is_sent_once_and_the_running_job_stays() {
    let mut stage = Stage::set("rejected");
    let spec = |runtime: &str| json!({"runtimeEnvironment": runtime, "rollout": {"preChangeSnapshot": "Never"}});
    stage.apply("orders", &spec("FLINK-1_20"));
    stage.ready("orders");
    let job = stage.inside("orders")["job"]["id"].clone();

    let mark = stage.mark();
    stage.apply("orders", &spec("FLINK-9_99"));
    let message = stage.stalled("orders", "Rejected");
    assert!(message.contains("FLINK-9_99"), "{message}");
    stage.look("orders");
    stage.replace_controller();
    stage.look("orders");
    stage.stalled("orders", "Rejected");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
    assert_eq!(stage.inside("orders")["job"]["id"], job);
    let app = stage.app("orders");
    assert!(
        app["status"]["failedRevisions"].is_null(),
        "a refusal is no failed revision: {:#}",
        app["status"]
    );

    let mark = stage.mark();
    stage.apply("orders", &spec("FLINK-1_20"));
    stage.ready("orders");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
    assert_eq!(stage.inside("orders")["job"]["id"], job);
}

#[test]
fn a_spec_that_contradicts_the_region_is_invalid_and_names_the_field() {
    let stage = Stage::set("partition");
    let role = "arn:aws-cn:iam::111122223333:role/orders";
    stage.apply("orders", &json!({"serviceExecutionRole": role}));
    let message = stage.stalled("orders", "InvalidSpec");
    assert!(message.contains("spec.serviceExecutionRole"), "{message}");
    assert_eq!(stage.changes_since(0), [""; 0]);
    stage.apply("orders", &json!({}));
    stage.ready("orders");
}

#[test]
fn throttling_is_waited_out() {
    let stage = Stage::set("throttled");
    stage
        .emulator
        .faults(&json!({"throttle": {"DescribeApplication": 2, "CreateApplication": 1, "StartApplication": 1}}));
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    assert_eq!(stage.inside("orders")["jobs"].as_array().unwrap().len(), 1);
}
