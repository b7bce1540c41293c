//! Going back to the version before.

use managed_flink_emulator::service::ErrorCode;
use serde_json::{Value, json};

use crate::bed::{Bed, REGION, code};

fn key_of(detail: &Value) -> &Value {
    let code = &detail["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"];
    &code["CodeContentDescription"]["S3ApplicationCodeLocationDescription"]["FileKey"]
}

fn lineage(detail: &Value) -> [&Value; 4] {
    [
        &detail["ApplicationVersionId"],
        &detail["ApplicationVersionUpdatedFrom"],
        &detail["ApplicationVersionRolledBackFrom"],
        &detail["ApplicationVersionRolledBackTo"],
    ]
}

/// Version 2 runs `better.yaml`, version 1 was `good.yaml`.
fn updated(mut bed: Bed) -> Bed {
    bed.run("good.yaml");
    bed.update(&code("better.yaml"));
    bed.pass(60);
    assert_eq!(bed.status(), "RUNNING");
    bed
}

fn roll_back(bed: &mut Bed, version: u64) -> Value {
    bed.orders(
        "RollbackApplication",
        &json!({ "CurrentApplicationVersionId": version }),
    )
}

fn refused(bed: &mut Bed, version: u64) -> ErrorCode {
    let (code, message) = bed.orders_refused(
        "RollbackApplication",
        &json!({ "CurrentApplicationVersionId": version }),
    );
    assert!(message.contains("orders"), "{message}");
    code
}

#[test]
fn a_rollback_runs_the_stored_code_of_the_version_before() {
    let mut bed = updated(Bed::new());
    let before = bed.describe()["ConditionalToken"].clone();
    bed.remove("good.yaml");
    let snapshot = bed.snapshots()[0]["SnapshotName"].clone();
    let answer = roll_back(&mut bed, 2);
    let detail = &answer["ApplicationDetail"];
    assert_eq!(detail["ApplicationStatus"], "ROLLING_BACK");
    assert_eq!(lineage(detail), [&json!(3), &json!(2), &json!(2), &json!(1)]);
    assert_eq!(key_of(detail), "good.yaml");
    assert_ne!(detail["ConditionalToken"], before);
    assert_eq!(bed.operation(&answer["OperationId"])["OperationStatus"], "IN_PROGRESS");
    bed.pass(59);
    assert_eq!(bed.status(), "ROLLING_BACK");
    bed.pass(1);
    assert_eq!(bed.status(), "RUNNING");
    let operation = bed.operation(&answer["OperationId"]);
    assert_eq!(operation["Operation"], "RollbackApplication");
    assert_eq!(operation["OperationStatus"], "SUCCESSFUL");
    let change = json!({ "ApplicationVersionUpdatedFrom": 2, "ApplicationVersionUpdatedTo": 3 });
    assert_eq!(operation["ApplicationVersionChangeDetails"], change);
    let view = bed.view();
    let job = view.job.unwrap();
    assert_eq!((json!(job.restored_from), job.version), (snapshot, 3));
    assert_eq!(bed.snapshots().len(), 1, "a rollback takes no snapshot");
    assert_eq!(view.jobs[1].observed(bed.now), "CANCELED");
}

#[test]
fn the_version_after_a_rollback_is_as_the_rule_says_and_no_id_comes_twice() {
    for (value, back, next) in [("next", 3, 4), ("reuse", 1, 3)] {
        let mut bed = updated(Bed::with_rule("rollback-version", value));
        let first = bed.orders("DescribeApplicationVersion", &json!({ "ApplicationVersionId": 1 }));
        roll_back(&mut bed, 2);
        bed.pass(60);
        let detail = bed.describe();
        assert_eq!(detail["ApplicationVersionId"], back, "{value}");
        assert_eq!(lineage(&detail)[2..], [&json!(2), &json!(1)], "{value}");
        assert_ne!(
            detail["ConditionalToken"], first["ApplicationVersionDetail"]["ConditionalToken"],
            "{value}: a token of before the rollback guards nothing after it"
        );
        let answer = bed.update(&code("better.yaml"))["ApplicationDetail"].clone();
        assert_eq!(answer["ApplicationVersionId"], next, "{value}");
        assert_eq!(answer["ApplicationVersionUpdatedFrom"], back, "{value}");
        assert!(answer.get("ApplicationVersionRolledBackTo").is_none(), "{value}");
        let old = bed.orders("DescribeApplicationVersion", &json!({ "ApplicationVersionId": 2 }));
        assert_eq!(key_of(&old["ApplicationVersionDetail"]), "better.yaml");
        bed.pass(60);
        roll_back(&mut bed, next);
        bed.pass(60);
        assert_eq!(key_of(&bed.describe()), "good.yaml");
    }
}

#[test]
fn parts_added_after_a_reused_version_have_ids_of_their_own() {
    let mut bed = updated(Bed::with_rule("rollback-version", "reuse"));
    roll_back(&mut bed, 2);
    bed.pass(60);
    let vpc = json!({ "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"] });
    let added = bed.orders(
        "AddApplicationVpcConfiguration",
        &json!({ "CurrentApplicationVersionId": 1, "VpcConfiguration": vpc }),
    );
    assert_eq!(added["ApplicationVersionId"], 3);
    assert_eq!(added["VpcConfigurationDescription"]["VpcConfigurationId"], "3.1");
}

#[test]
fn a_rollback_restores_the_snapshot_that_the_rule_names() {
    for (value, newest) in [("update", false), ("latest", true)] {
        let mut bed = updated(Bed::with_rule("rollback-restores", value));
        let of_update = bed.snapshots()[0]["SnapshotName"].clone();
        bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "after" }));
        bed.pass(15);
        roll_back(&mut bed, 2);
        bed.pass(60);
        let wanted = if newest { json!("after") } else { of_update };
        assert_eq!(json!(bed.view().job.unwrap().restored_from), wanted, "{value}");
    }
}

#[test]
fn a_version_that_autoscaling_made_is_undone_from_the_snapshot_of_the_autoscaling() {
    let mut bed = Bed::with_rule("autoscaling-version", "bump");
    bed.run("good.yaml");
    bed.service.begin_autoscaling(bed.now, REGION, "orders").unwrap();
    bed.pass(60);
    let of_scaling = bed.snapshots()[0]["SnapshotName"].clone();
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "after" }));
    bed.pass(15);
    roll_back(&mut bed, 2);
    bed.pass(60);
    assert_eq!(json!(bed.view().job.unwrap().restored_from), of_scaling);
}

#[test]
fn a_change_that_took_no_snapshot_is_undone_from_the_newest() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "by-hand" }));
    bed.pass(15);
    let mut update = code("better.yaml");
    update["ApplicationSnapshotConfigurationUpdate"] = json!({ "SnapshotsEnabledUpdate": false });
    bed.update(&update);
    bed.pass(60);
    roll_back(&mut bed, 2);
    bed.pass(60);
    assert_eq!(bed.view().job.unwrap().restored_from.unwrap(), "by-hand");
}

#[test]
fn without_a_snapshot_that_is_ready_a_rollback_is_refused_as_the_rule_says() {
    for (value, refusal) in [
        ("InvalidRequestException", ErrorCode::InvalidRequest),
        ("InvalidArgumentException", ErrorCode::InvalidArgument),
    ] {
        let mut bed = Bed::with_rule("rollback-without-snapshot", value);
        bed.run("good.yaml");
        bed.update(&code("better.yaml"));
        bed.pass(14);
        assert_eq!(refused(&mut bed, 2), refusal, "the only snapshot is being created");
        bed.pass(1);
        roll_back(&mut bed, 2);
    }
}

#[test]
fn a_rollback_needs_a_running_application_and_a_version_before() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    assert_eq!(refused(&mut bed, 1), ErrorCode::ResourceInUse, "READY");
    bed.update(&code("better.yaml"));
    assert_eq!(bed.status(), "UPDATING");
    assert_eq!(refused(&mut bed, 2), ErrorCode::ResourceInUse, "nothing runs");
    bed.pass(3);
    bed.orders("StartApplication", &json!({}));
    assert_eq!(refused(&mut bed, 2), ErrorCode::ResourceInUse, "STARTING");
    bed.pass(90);
    assert_eq!(refused(&mut bed, 1), ErrorCode::ConcurrentModification);
    bed.service.begin_maintenance(bed.now, REGION, "orders").unwrap();
    assert_eq!(refused(&mut bed, 2), ErrorCode::ResourceInUse, "MAINTENANCE");
    bed.pass(20);
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "a" }));
    bed.pass(15);
    roll_back(&mut bed, 2);
    assert_eq!(refused(&mut bed, 3), ErrorCode::ResourceInUse, "ROLLING_BACK");

    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "a" }));
    bed.pass(15);
    assert_eq!(refused(&mut bed, 1), ErrorCode::InvalidRequest, "version 1");
    let (code, message) = bed.orders_refused("RollbackApplication", &json!({}));
    assert_eq!(code, ErrorCode::InvalidArgument);
    assert!(message.contains("CurrentApplicationVersionId"), "{message}");
}

#[test]
fn a_rollback_ends_an_update_that_hangs() {
    let mut bed = Bed::with_rule("failed-update", "updating");
    bed.run("good.yaml");
    let update = bed.update(&code("throws.yaml"))["OperationId"].clone();
    bed.pass(600);
    assert_eq!(bed.status(), "UPDATING");
    roll_back(&mut bed, 2);
    let interrupted = bed.operation(&update);
    assert_eq!(interrupted["OperationStatus"], "CANCELLED");
    assert_eq!(interrupted["EndTime"], bed.now.as_second());
    bed.pass(60);
    assert_eq!(bed.status(), "RUNNING");
    assert_eq!(key_of(&bed.describe()), "good.yaml");
}

#[test]
fn a_rollback_interrupts_an_update_and_an_autoscaling_under_way() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.update(&code("throws.yaml"));
    bed.pass(30);
    roll_back(&mut bed, 2);
    bed.pass(59);
    assert_eq!(bed.status(), "ROLLING_BACK", "the update is not completed any more");
    bed.pass(1);
    assert_eq!(bed.status(), "RUNNING");

    let mut bed = updated(Bed::new());
    bed.service.begin_autoscaling(bed.now, REGION, "orders").unwrap();
    let scaling = bed.orders("ListApplicationOperations", &json!({}))["ApplicationOperationInfoList"][0].clone();
    roll_back(&mut bed, 2);
    assert_eq!(bed.operation(&scaling["OperationId"])["OperationStatus"], "CANCELLED");
    bed.pass(60);
    let detail = bed.describe();
    assert_eq!(detail["ApplicationStatus"], "RUNNING");
    let flink = &detail["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"];
    assert_eq!(flink["ParallelismConfigurationDescription"]["CurrentParallelism"], 1);
}

#[test]
fn a_job_that_processes_nothing_can_be_rolled_back() {
    let mut bed = Bed::with_rule("failed-update", "running");
    bed.run("good.yaml");
    bed.update(&code("throws.yaml"));
    bed.pass(60);
    assert_eq!(bed.status(), "RUNNING");
    roll_back(&mut bed, 2);
    bed.pass(60);
    assert_eq!(bed.view().job.unwrap().observed(bed.now), "RUNNING");
}

#[test]
fn a_rollback_whose_launch_fails_leaves_the_application_stopped() {
    let mut bed = Bed::new();
    bed.put("later.yaml", "main: ok");
    bed.create("throws.yaml");
    bed.update(&code("later.yaml"));
    bed.pass(3);
    bed.start();
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "a" }));
    bed.pass(15);
    let id = roll_back(&mut bed, 2)["OperationId"].clone();
    bed.pass(60);
    assert_eq!(bed.status(), "READY");
    let operation = bed.operation(&id);
    assert_eq!(operation["OperationStatus"], "FAILED");
    let error = &operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"];
    assert!(error.as_str().unwrap().contains("NoSuchMethodError"), "{error}");
}

#[test]
fn a_rollback_returns_to_the_runtime_before_with_the_state_of_before() {
    for (value, status) in [("update", "RUNNING"), ("latest", "READY")] {
        let mut bed = Bed::with_rule("rollback-restores", value);
        bed.run("good.yaml");
        let newer = json!({ "CurrentApplicationVersionId": 1, "RuntimeEnvironmentUpdate": "FLINK-2_2" });
        bed.orders("UpdateApplication", &newer);
        bed.pass(60);
        bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "newer" }));
        bed.pass(15);
        roll_back(&mut bed, 2);
        bed.pass(60);
        let detail = bed.describe();
        assert_eq!(detail["RuntimeEnvironment"], "FLINK-1_20");
        assert_eq!(
            detail["ApplicationStatus"], status,
            "{value}: state does not go to an older runtime"
        );
    }
}

#[test]
fn a_rollback_of_a_rollback_is_as_the_rule_says() {
    for value in ["refuse", "accept"] {
        let mut bed = updated(Bed::with_rule("rollback-of-rollback", value));
        roll_back(&mut bed, 2);
        bed.pass(60);
        if value == "refuse" {
            assert_eq!(refused(&mut bed, 3), ErrorCode::InvalidRequest);
            bed.update(&code("better.yaml"));
            bed.pass(60);
            roll_back(&mut bed, 4);
        } else {
            let detail = roll_back(&mut bed, 3)["ApplicationDetail"].clone();
            assert_eq!(lineage(&detail), [&json!(4), &json!(3), &json!(3), &json!(2)]);
            assert_eq!(key_of(&detail), "better.yaml", "it undoes the rollback");
        }
    }
}

/// An update that fails while system rollback is on.
fn failed_update(bed: &mut Bed) {
    bed.create("good.yaml");
    bed.update(&json!({ "ApplicationSystemRollbackConfigurationUpdate": { "RollbackEnabledUpdate": true } }));
    bed.pass(3);
    bed.start();
    bed.update(&code("throws.yaml"));
    bed.pass(60);
}

#[test]
fn a_system_rollback_obeys_the_same_rules() {
    for (value, back) in [("next", 4), ("reuse", 2)] {
        let mut bed = Bed::with_rule("rollback-version", value);
        failed_update(&mut bed);
        assert_eq!(bed.status(), "ROLLING_BACK");
        bed.pass(60);
        let detail = bed.describe();
        assert_eq!(detail["ApplicationVersionId"], back, "{value}");
        assert_eq!(lineage(&detail)[2..], [&json!(3), &json!(2)], "{value}");
        assert_eq!(detail["ApplicationStatus"], "RUNNING");
    }
}

#[test]
fn a_failed_update_without_a_snapshot_is_not_rolled_back_by_the_service() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.update(&json!({
        "ApplicationSystemRollbackConfigurationUpdate": { "RollbackEnabledUpdate": true },
        "ApplicationSnapshotConfigurationUpdate": { "SnapshotsEnabledUpdate": false },
    }));
    bed.pass(3);
    bed.start();
    let id = bed.update(&code("throws.yaml"))["OperationId"].clone();
    bed.pass(60);
    assert_eq!(bed.status(), "READY");
    let operation = bed.operation(&id);
    assert_eq!(operation["OperationStatus"], "FAILED");
    assert!(
        operation["OperationFailureDetails"]
            .get("RollbackOperationId")
            .is_none()
    );
}
