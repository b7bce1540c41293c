//! Updates, and the calls that are updates in disguise.

use managed_flink_emulator::service::ErrorCode;
use serde_json::{Value, json};

use crate::bed::{Bed, code};

#[test]
fn an_update_of_a_running_application_snapshots_replaces_and_restores() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let before = bed.describe();
    let answer = bed.update(&code("better.yaml"));
    let detail = &answer["ApplicationDetail"];
    assert_eq!(detail["ApplicationStatus"], "UPDATING");
    assert_eq!(detail["ApplicationVersionId"], 2);
    assert_eq!(detail["ApplicationVersionUpdatedFrom"], 1);
    assert_ne!(detail["ConditionalToken"], before["ConditionalToken"]);
    bed.pass(60);
    assert_eq!(bed.status(), "RUNNING");
    let snapshot = bed.snapshots()[0].clone();
    assert_eq!(
        (&snapshot["SnapshotStatus"], &snapshot["ApplicationVersionId"]),
        (&json!("READY"), &json!(1))
    );
    let job = bed.view().job.unwrap();
    assert_eq!(
        (json!(job.restored_from), job.version),
        (snapshot["SnapshotName"].clone(), 2)
    );
    let operation = bed.operation(&answer["OperationId"]);
    assert_eq!(operation["OperationStatus"], "SUCCESSFUL");
    assert_eq!(
        operation["ApplicationVersionChangeDetails"],
        json!({ "ApplicationVersionUpdatedFrom": 1, "ApplicationVersionUpdatedTo": 2 })
    );
}

#[test]
fn even_an_update_without_a_change_bumps_the_version_and_restarts() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.update(&json!({}));
    bed.pass(60);
    assert_eq!(bed.describe()["ApplicationVersionId"], 2);
    assert_eq!(bed.view().jobs.len(), 2);
}

#[test]
fn an_update_of_a_stopped_application_starts_nothing() {
    for (value, status) in [("visible", "UPDATING"), ("immediate", "READY")] {
        let mut bed = Bed::with_rule("ready-update", value);
        bed.create("good.yaml");
        let answer = bed.update(&code("better.yaml"));
        assert_eq!(answer["ApplicationDetail"]["ApplicationVersionId"], 2);
        assert_eq!(bed.status(), status);
        bed.pass(3);
        assert_eq!(bed.status(), "READY");
        assert_eq!(bed.newest_operation()["OperationStatus"], "SUCCESSFUL");
        assert!(bed.view().jobs.is_empty() && bed.snapshots().is_empty());
    }
}

#[test]
fn a_change_needs_the_current_version_or_token() {
    let mut bed = Bed::new();
    let token = bed.create("good.yaml")["ConditionalToken"].clone();
    for (guard, code) in [
        (json!({}), ErrorCode::InvalidArgument),
        (
            json!({ "CurrentApplicationVersionId": 2 }),
            ErrorCode::ConcurrentModification,
        ),
        (
            json!({ "ConditionalToken": "stale" }),
            ErrorCode::ConcurrentModification,
        ),
        (
            json!({ "ConditionalToken": token, "CurrentApplicationVersionId": 9 }),
            ErrorCode::ConcurrentModification,
        ),
    ] {
        assert_eq!(bed.orders_refused("UpdateApplication", &guard).0, code, "{guard}");
    }
    bed.orders("UpdateApplication", &json!({ "ConditionalToken": token }));
    bed.pass(3);
    let stale = json!({ "ConditionalToken": token });
    assert_eq!(
        bed.orders_refused("UpdateApplication", &stale).0,
        ErrorCode::ConcurrentModification
    );
    assert_eq!(
        bed.describe()["ApplicationVersionId"],
        2,
        "a refused change makes no version"
    );
}

#[test]
fn the_version_is_checked_before_the_status() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.orders("StartApplication", &json!({}));
    let stale = json!({ "CurrentApplicationVersionId": 7 });
    assert_eq!(
        bed.orders_refused("UpdateApplication", &stale).0,
        ErrorCode::ConcurrentModification
    );
    let current = json!({ "CurrentApplicationVersionId": 1 });
    assert_eq!(
        bed.orders_refused("UpdateApplication", &current).0,
        ErrorCode::ResourceInUse
    );
}

#[test]
fn a_failed_update_ends_as_the_rule_says() {
    for (rule, status) in [("ready", "READY"), ("running", "RUNNING"), ("updating", "UPDATING")] {
        let mut bed = Bed::with_rule("failed-update", rule);
        bed.run("good.yaml");
        let id = bed.update(&code("throws.yaml"))["OperationId"].clone();
        bed.pass(600);
        let detail = bed.describe();
        assert_eq!(
            (&detail["ApplicationStatus"], &detail["ApplicationVersionId"]),
            (&json!(status), &json!(2))
        );
        let operation = bed.operation(&id);
        if rule == "updating" {
            assert_eq!(operation["OperationStatus"], "IN_PROGRESS");
            bed.orders("StopApplication", &json!({ "Force": true }));
            bed.pass(10);
            assert_eq!(bed.operation(&id)["OperationStatus"], "CANCELLED");
            assert_eq!(bed.status(), "READY");
        } else {
            assert_eq!(operation["OperationStatus"], "FAILED");
            let error = operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
                .as_str()
                .unwrap();
            assert!(error.contains("NoSuchMethodError"), "{error}");
        }
    }
}

#[test]
fn a_job_that_processes_nothing_refuses_update_stop_and_snapshot_until_snapshots_are_disabled() {
    let mut bed = Bed::with_rule("failed-update", "running");
    bed.run("good.yaml");
    bed.update(&code("throws.yaml"));
    bed.pass(60);
    for (operation, members) in [
        ("UpdateApplication", json!({ "CurrentApplicationVersionId": 2 })),
        ("StopApplication", json!({})),
        ("CreateApplicationSnapshot", json!({ "SnapshotName": "now" })),
    ] {
        let (code, message) = bed.orders_refused(operation, &members);
        assert_eq!(code, ErrorCode::InvalidApplicationConfiguration, "{operation}");
        assert!(
            message.starts_with("Failed to take snapshot for the application orders"),
            "{message}"
        );
    }
    assert_eq!(bed.describe()["ApplicationVersionId"], 2);
    let mut fix = code("better.yaml");
    fix["ApplicationSnapshotConfigurationUpdate"] = json!({ "SnapshotsEnabledUpdate": false });
    bed.update(&fix);
    bed.pass(60);
    assert_eq!(
        bed.view().job.unwrap().restored_from,
        None,
        "without a snapshot the state is lost"
    );
}

#[test]
fn a_system_rollback_runs_the_version_before_and_tells_of_it() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.update(&json!({ "ApplicationSystemRollbackConfigurationUpdate": { "RollbackEnabledUpdate": true } }));
    bed.pass(3);
    bed.start();
    let id = bed.update(&code("throws.yaml"))["OperationId"].clone();
    bed.pass(60);
    assert_eq!(bed.status(), "ROLLING_BACK");
    let operation = bed.operation(&id);
    assert_eq!(operation["OperationStatus"], "FAILED");
    bed.pass(60);
    let detail = bed.describe();
    assert_eq!(
        (&detail["ApplicationStatus"], &detail["ApplicationVersionId"]),
        (&json!("RUNNING"), &json!(4))
    );
    assert_eq!(
        (
            &detail["ApplicationVersionRolledBackFrom"],
            &detail["ApplicationVersionRolledBackTo"]
        ),
        (&json!(3), &json!(2))
    );
    assert_eq!(key_of(&detail), "good.yaml");
    let rollback = bed.operation(&operation["OperationFailureDetails"]["RollbackOperationId"]);
    assert_eq!(
        (&rollback["Operation"], &rollback["OperationStatus"]),
        (&json!("RollbackApplication"), &json!("SUCCESSFUL"))
    );
}

fn key_of(detail: &Value) -> &str {
    let code = &detail["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"];
    code["CodeContentDescription"]["S3ApplicationCodeLocationDescription"]["FileKey"]
        .as_str()
        .unwrap()
}

#[test]
fn vpc_and_logging_calls_make_versions_and_restart_a_running_job() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let vpc = json!({ "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"] });
    let stream = "arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:s";
    let added = bed.orders(
        "AddApplicationVpcConfiguration",
        &json!({ "CurrentApplicationVersionId": 1, "VpcConfiguration": vpc }),
    );
    assert_eq!(added["VpcConfigurationDescription"]["VpcConfigurationId"], "2.1");
    assert_eq!(bed.status(), "UPDATING");
    bed.pass(60);
    let twice = json!({ "CurrentApplicationVersionId": 2, "VpcConfiguration": vpc });
    let (code, message) = bed.orders_refused("AddApplicationVpcConfiguration", &twice);
    assert!(
        code == ErrorCode::InvalidArgument && message.contains("only 1 VPC"),
        "{message}"
    );
    let added = bed.orders(
        "AddApplicationCloudWatchLoggingOption",
        &json!({ "CurrentApplicationVersionId": 2, "CloudWatchLoggingOption": { "LogStreamARN": stream } }),
    );
    assert_eq!(
        added["CloudWatchLoggingOptionDescriptions"],
        json!([{ "CloudWatchLoggingOptionId": "3.1", "LogStreamARN": stream }])
    );
    bed.pass(60);
    for (operation, member, id) in [
        ("DeleteApplicationVpcConfiguration", "VpcConfigurationId", "2.1"),
        (
            "DeleteApplicationCloudWatchLoggingOption",
            "CloudWatchLoggingOptionId",
            "3.1",
        ),
    ] {
        let version = bed.describe()["ApplicationVersionId"].clone();
        let unknown = json!({ "CurrentApplicationVersionId": version, member: "9.9" });
        assert_eq!(bed.orders_refused(operation, &unknown).0, ErrorCode::ResourceNotFound);
        bed.orders(
            operation,
            &json!({ "CurrentApplicationVersionId": version, member: id }),
        );
        bed.pass(60);
    }
    let detail = bed.describe();
    assert_eq!(detail["ApplicationVersionId"], 5);
    assert!(detail.get("CloudWatchLoggingOptionDescriptions").is_none());
    assert!(
        detail["ApplicationConfigurationDescription"]
            .get("VpcConfigurationDescriptions")
            .is_none()
    );
    assert_eq!(bed.view().jobs.len(), 5, "each call restarted the job");
}

#[test]
fn an_update_changes_the_arn_of_a_logging_option_and_the_lists_of_a_vpc() {
    let mut bed = Bed::new();
    let mut input = crate::bed::creation("good.yaml");
    input["CloudWatchLoggingOptions"] = json!([{ "LogStreamARN": "arn:aws:logs:a" }]);
    input["ApplicationConfiguration"]["VpcConfigurations"] =
        json!([{ "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"] }]);
    bed.orders("CreateApplication", &input);
    let update = json!({
        "CurrentApplicationVersionId": 1,
        "CloudWatchLoggingOptionUpdates": [{ "CloudWatchLoggingOptionId": "1.1", "LogStreamARNUpdate": "arn:aws:logs:b" }],
        "ApplicationConfigurationUpdate": {
            "VpcConfigurationUpdates": [{ "VpcConfigurationId": "1.1", "SubnetIdUpdates": ["subnet-2", "subnet-3"] }],
        },
    });
    let detail = bed.orders("UpdateApplication", &update)["ApplicationDetail"].clone();
    assert_eq!(
        detail["CloudWatchLoggingOptionDescriptions"][0]["LogStreamARN"],
        "arn:aws:logs:b"
    );
    let vpc = &detail["ApplicationConfigurationDescription"]["VpcConfigurationDescriptions"][0];
    assert_eq!(vpc["SubnetIds"], json!(["subnet-2", "subnet-3"]));
    assert_eq!(vpc["SecurityGroupIds"], json!(["sg-1"]));
}

#[test]
fn the_maintenance_window_is_that_of_the_region_and_changes_without_a_version() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let window = |start: &str, end: &str| json!({ "ApplicationMaintenanceWindowStartTime": start, "ApplicationMaintenanceWindowEndTime": end });
    assert_eq!(
        bed.describe()["ApplicationMaintenanceConfigurationDescription"],
        window("22:00", "06:00")
    );
    let update = |start: &str| json!({ "ApplicationMaintenanceConfigurationUpdate": { "ApplicationMaintenanceWindowStartTimeUpdate": start } });
    bed.orders("UpdateApplicationMaintenanceConfiguration", &update("16:30"));
    assert_eq!(
        bed.describe()["ApplicationMaintenanceConfigurationDescription"],
        window("16:30", "00:30")
    );
    assert_eq!(bed.describe()["ApplicationVersionId"], 1);
    let (code, message) = bed.orders_refused("UpdateApplicationMaintenanceConfiguration", &update("24:00"));
    assert!(
        code == ErrorCode::InvalidArgument && message.contains("WindowStartTimeUpdate"),
        "{message}"
    );
    bed.orders("StartApplication", &json!({}));
    let busy = bed.orders_refused("UpdateApplicationMaintenanceConfiguration", &update("16:30"));
    assert_eq!(busy.0, ErrorCode::ResourceInUse);
}

#[test]
fn a_running_application_cannot_go_to_an_older_runtime() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let older = json!({ "CurrentApplicationVersionId": 1, "RuntimeEnvironmentUpdate": "FLINK-1_19" });
    let (code, message) = bed.orders_refused("UpdateApplication", &older);
    assert!(
        code == ErrorCode::InvalidArgument && message.contains("FLINK-1_19"),
        "{message}"
    );
    bed.orders("StopApplication", &json!({}));
    bed.pass(30);
    bed.orders("UpdateApplication", &older);
    bed.pass(3);
    bed.orders("StartApplication", &json!({}));
    bed.pass(90);
    assert_eq!(
        bed.newest_operation()["OperationStatus"],
        "FAILED",
        "the snapshot is of a newer runtime"
    );
    let skip = json!({ "RunConfiguration": { "ApplicationRestoreConfiguration": { "ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT" } } });
    bed.orders("StartApplication", &skip);
    bed.pass(90);
    assert_eq!(bed.status(), "RUNNING");
}
