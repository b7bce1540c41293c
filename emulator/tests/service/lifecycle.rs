//! Create, start, stop, end and delete.

use std::time::Duration;

use managed_flink_emulator::Settings;
use managed_flink_emulator::service::{ErrorCode, Faults};
use serde_json::{Value, json};

use crate::bed::{ARN, Bed, REGION, ROLE, creation};

#[test]
fn a_created_application_is_ready_at_version_one_and_shows_the_defaults() {
    let mut bed = Bed::new();
    let input = json!({ "RuntimeEnvironment": "FLINK-1_20", "ServiceExecutionRole": ROLE });
    let detail = bed.orders("CreateApplication", &input)["ApplicationDetail"].clone();
    assert_eq!(detail, bed.describe());
    assert_eq!(detail["ApplicationStatus"], "READY");
    assert_eq!(detail["ApplicationVersionId"], 1);
    assert_eq!(detail["ApplicationARN"], ARN);
    assert_eq!(detail["ApplicationMode"], "STREAMING");
    assert_eq!(detail["CreateTimestamp"], bed.now.as_second());
    let configuration = &detail["ApplicationConfigurationDescription"];
    assert_eq!(
        configuration["FlinkApplicationConfigurationDescription"],
        json!({
            "CheckpointConfigurationDescription": {
                "ConfigurationType": "DEFAULT", "CheckpointingEnabled": true,
                "CheckpointInterval": 60_000, "MinPauseBetweenCheckpoints": 5_000,
            },
            "MonitoringConfigurationDescription": {
                "ConfigurationType": "DEFAULT", "MetricsLevel": "APPLICATION", "LogLevel": "INFO",
            },
            "ParallelismConfigurationDescription": {
                "ConfigurationType": "DEFAULT", "Parallelism": 1, "ParallelismPerKPU": 1,
                "CurrentParallelism": 1, "AutoScalingEnabled": true,
            },
        })
    );
    assert_eq!(
        configuration["ApplicationSnapshotConfigurationDescription"]["SnapshotsEnabled"],
        true
    );
    for absent in [
        "ApplicationCodeConfigurationDescription",
        "EnvironmentPropertyDescriptions",
        "VpcConfigurationDescriptions",
        "RunConfigurationDescription",
    ] {
        assert!(configuration.get(absent).is_none(), "{absent}");
    }
    for absent in [
        "ApplicationDescription",
        "ApplicationVersionUpdatedFrom",
        "CloudWatchLoggingOptionDescriptions",
    ] {
        assert!(detail.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn blocks_that_nobody_set_can_be_hidden_by_a_rule() {
    let mut bed = Bed::with_rule("unset-blocks", "hidden");
    let detail = bed.create("good.yaml");
    let configuration = detail["ApplicationConfigurationDescription"].as_object().unwrap();
    assert!(!configuration.contains_key("ApplicationSystemRollbackConfigurationDescription"));
    assert!(!configuration.contains_key("ApplicationEncryptionConfigurationDescription"));
    assert_eq!(
        configuration["ApplicationSnapshotConfigurationDescription"],
        json!({ "SnapshotsEnabled": true })
    );
}

#[test]
fn create_is_refused_for_a_taken_name_a_missing_object_an_unknown_role_and_a_used_up_quota() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    assert_eq!(
        bed.orders_refused("CreateApplication", &creation("good.yaml")).0,
        ErrorCode::ResourceInUse
    );
    let mut other = creation("absent.yaml");
    other["ApplicationName"] = json!("other");
    let wanted = "Please check the role provided or validity of S3 location you provided";
    let (code, message) = bed.refused("CreateApplication", &other);
    assert!(
        code == ErrorCode::InvalidArgument && message.contains(wanted),
        "{message}"
    );
    bed.put("absent.yaml", "main: ok");
    bed.service.set_faults(Faults {
        unknown_roles: [ROLE.to_owned()].into(),
        ..Faults::default()
    });
    let (code, message) = bed.refused("CreateApplication", &other);
    assert!(
        code == ErrorCode::InvalidArgument && message.contains(wanted),
        "{message}"
    );
    bed.service.set_faults(Faults {
        application_quota: Some(1),
        ..Faults::default()
    });
    assert_eq!(bed.refused("CreateApplication", &other).0, ErrorCode::LimitExceeded);
    bed.service.set_faults(Faults::default());
    bed.ok("CreateApplication", &other);
}

#[test]
fn runtimes_and_modes_that_are_not_served_are_refused_by_name() {
    let mut bed = Bed::new();
    for (member, value) in [
        ("RuntimeEnvironment", "FLINK-1_11"),
        ("RuntimeEnvironment", "SQL-1_0"),
        ("RuntimeEnvironment", "ZEPPELIN-FLINK-3_0"),
        ("ApplicationMode", "INTERACTIVE"),
    ] {
        let mut input = creation("good.yaml");
        input[member] = json!(value);
        let (code, message) = bed.orders_refused("CreateApplication", &input);
        assert!(
            code == ErrorCode::UnsupportedOperation && message.contains(value),
            "{message}"
        );
    }
}

#[test]
fn a_start_runs_the_job_after_its_time_and_makes_no_version() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let id = bed.orders("StartApplication", &json!({}))["OperationId"].clone();
    assert_eq!(bed.status(), "STARTING");
    bed.pass(89);
    assert_eq!(bed.status(), "STARTING");
    bed.pass(1);
    let detail = bed.describe();
    assert_eq!(
        (&detail["ApplicationStatus"], &detail["ApplicationVersionId"]),
        (&json!("RUNNING"), &json!(1))
    );
    assert_eq!(
        detail["ApplicationConfigurationDescription"]["RunConfigurationDescription"],
        json!({
            "ApplicationRestoreConfigurationDescription": { "ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT" },
            "FlinkRunConfigurationDescription": { "AllowNonRestoredState": false },
        })
    );
    assert_eq!(bed.operation(&id)["OperationStatus"], "SUCCESSFUL");
    assert_eq!(
        bed.view().job.unwrap().restored_from,
        None,
        "without a snapshot a start is empty"
    );
}

#[test]
fn a_start_that_fails_ends_ready_with_the_cause_in_its_operation() {
    for (name, text, cause) in [
        (
            "throws.yaml",
            "main: {throws: 'java.lang.NoSuchMethodError: shade'}",
            "java.lang.NoSuchMethodError: shade",
        ),
        (
            "app.jar",
            "PK not a jar",
            "could not be loaded due to a linkage failure",
        ),
        ("typo.yaml", "min: ok", "min"),
    ] {
        let mut bed = Bed::new();
        bed.put(name, text);
        bed.create(name);
        bed.orders("StartApplication", &json!({}));
        bed.pass(90);
        let detail = bed.describe();
        assert_eq!(detail["ApplicationStatus"], "READY");
        assert!(
            detail["ApplicationConfigurationDescription"]
                .get("RunConfigurationDescription")
                .is_none()
        );
        let operation = bed.newest_operation();
        assert_eq!(operation["OperationStatus"], "FAILED");
        let error = operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
            .as_str()
            .unwrap();
        assert!(error.contains(cause), "{error}");
        assert!(bed.view().jobs.is_empty());
    }
}

#[test]
fn an_application_without_code_cannot_be_started() {
    let mut bed = Bed::new();
    bed.orders(
        "CreateApplication",
        &json!({ "RuntimeEnvironment": "FLINK-1_20", "ServiceExecutionRole": ROLE }),
    );
    let (code, _) = bed.orders_refused("StartApplication", &json!({}));
    assert_eq!(code, ErrorCode::InvalidApplicationConfiguration);
}

#[test]
fn each_status_refuses_what_it_forbids() {
    let changes: [(&str, Value); 4] = [
        ("StartApplication", json!({})),
        ("StopApplication", json!({})),
        ("UpdateApplication", json!({ "CurrentApplicationVersionId": 1 })),
        ("TagResource", json!({ "ResourceARN": ARN, "Tags": [{ "Key": "a" }] })),
    ];
    let legal: [(&str, &[usize]); 5] = [
        ("READY", &[0, 2, 3]),
        ("STARTING", &[]),
        ("RUNNING", &[1, 2, 3]),
        ("STOPPING", &[]),
        ("DELETING", &[]),
    ];
    for (status, legal) in legal {
        for (index, (operation, members)) in changes.iter().enumerate() {
            let mut bed = Bed::new();
            into_status(&mut bed, status);
            let mut input = members.clone();
            if *operation != "TagResource" {
                input["ApplicationName"] = json!("orders");
            }
            let outcome = bed.service.handle(bed.now, REGION, operation, &input);
            match outcome {
                Ok(_) => assert!(legal.contains(&index), "{operation} was accepted in {status}"),
                Err(error) => {
                    assert!(!legal.contains(&index), "{operation} in {status}: {error}");
                    assert_eq!(error.code, ErrorCode::ResourceInUse, "{operation} in {status}");
                }
            }
        }
    }
}

fn into_status(bed: &mut Bed, status: &str) {
    let created = bed.create("good.yaml")["CreateTimestamp"].clone();
    match status {
        "STARTING" => drop(bed.orders("StartApplication", &json!({}))),
        "RUNNING" => bed.start(),
        "STOPPING" => {
            bed.start();
            bed.orders("StopApplication", &json!({}));
        }
        "DELETING" => drop(bed.orders("DeleteApplication", &json!({ "CreateTimestamp": created }))),
        _ => {}
    }
    assert_eq!(bed.status(), status);
}

#[test]
fn a_force_stop_kills_cancels_what_is_under_way_and_takes_no_snapshot() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let start = bed.orders("StartApplication", &json!({}))["OperationId"].clone();
    let stop = bed.orders("StopApplication", &json!({ "Force": true }))["OperationId"].clone();
    assert_eq!(bed.status(), "FORCE_STOPPING");
    assert_eq!(bed.operation(&start)["OperationStatus"], "CANCELLED");
    assert_eq!(bed.operation(&start)["EndTime"], bed.now.as_second());
    assert_eq!(
        bed.orders_refused("StopApplication", &json!({ "Force": true })).0,
        ErrorCode::ResourceInUse
    );
    bed.pass(10);
    assert_eq!(bed.status(), "READY");
    assert_eq!(bed.operation(&stop)["OperationStatus"], "SUCCESSFUL");
    bed.pass(90);
    assert_eq!(bed.status(), "READY", "the cancelled start never comes");
    assert!(bed.snapshots().is_empty());
    assert_eq!(
        bed.orders_refused("StopApplication", &json!({ "Force": true })).0,
        ErrorCode::ResourceInUse
    );
}

#[test]
fn a_force_stop_while_stopping_loses_the_snapshot_that_was_being_taken() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.orders("StopApplication", &json!({}));
    bed.pass(5);
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.pass(60);
    assert_eq!(bed.snapshots()[0]["SnapshotStatus"], "FAILED");
    assert_eq!(bed.status(), "READY");
}

#[test]
fn a_bounded_job_ends_in_ready_without_an_operation() {
    let mut bed = Bed::new();
    bed.put("bounded.yaml", "then: {endsAfter: 30s}\ninitializing: 20s");
    bed.run("bounded.yaml");
    let view = bed.view();
    assert_eq!(view.job.unwrap().observed(bed.now), "INITIALIZING");
    bed.pass(49);
    assert_eq!(bed.view().job.unwrap().observed(bed.now), "RUNNING");
    bed.pass(1);
    assert_eq!(bed.status(), "READY");
    let view = bed.view();
    assert_eq!(view.jobs[0].observed(bed.now), "FINISHED");
    assert_eq!(view.operations.len(), 1, "only the start");
}

#[test]
fn a_delete_needs_the_creation_time_and_ends_the_application() {
    let mut bed = Bed::new();
    let created = bed.create("good.yaml")["CreateTimestamp"].as_i64().unwrap();
    let wrong = json!({ "CreateTimestamp": created + 1 });
    assert_eq!(
        bed.orders_refused("DeleteApplication", &wrong).0,
        ErrorCode::InvalidArgument
    );
    bed.orders("DeleteApplication", &json!({ "CreateTimestamp": created }));
    assert_eq!(bed.status(), "DELETING");
    assert_eq!(
        bed.orders_refused("CreateApplication", &creation("good.yaml")).0,
        ErrorCode::ResourceInUse
    );
    bed.pass(10);
    assert_eq!(
        bed.orders_refused("DescribeApplication", &json!({})).0,
        ErrorCode::ResourceNotFound
    );
    bed.create("good.yaml");
}

#[test]
fn a_running_application_can_be_deleted_unless_a_rule_forbids_it() {
    for (value, accepted) in [("accept", true), ("refuse", false)] {
        let mut bed = Bed::with_rule("delete-running", value);
        bed.run("good.yaml");
        let created = bed.describe()["CreateTimestamp"].clone();
        let input = json!({ "ApplicationName": "orders", "CreateTimestamp": created });
        assert_eq!(
            bed.service.handle(bed.now, REGION, "DeleteApplication", &input).is_ok(),
            accepted,
            "{value}"
        );
    }
}

#[test]
fn maintenance_and_autoscaling_come_unannounced_and_leave_an_operation() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    assert!(
        bed.service.begin_maintenance(bed.now, REGION, "orders").is_err(),
        "only a running application"
    );
    bed.start();
    bed.service.begin_maintenance(bed.now, REGION, "orders").unwrap();
    assert_eq!(bed.status(), "MAINTENANCE");
    bed.pass(20);
    assert_eq!(bed.status(), "RUNNING");
    assert_eq!(bed.newest_operation()["Operation"], "ApplicationMaintenance");
    bed.service.begin_autoscaling(bed.now, REGION, "orders").unwrap();
    assert_eq!(bed.status(), "AUTOSCALING");
    bed.pass(60);
    let detail = bed.describe();
    assert_eq!(
        (&detail["ApplicationStatus"], &detail["ApplicationVersionId"]),
        (&json!("RUNNING"), &json!(1))
    );
    let flink = &detail["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"];
    assert_eq!(flink["ParallelismConfigurationDescription"]["CurrentParallelism"], 2);
    assert_eq!(flink["ParallelismConfigurationDescription"]["Parallelism"], 1);
    let automatic = bed.snapshots()[0]["SnapshotName"].clone();
    assert_eq!(json!(bed.view().job.unwrap().restored_from), automatic);
}

#[test]
fn maintenance_and_autoscaling_come_again_and_again_where_they_are_scheduled() {
    let mut bed = Bed::with(Settings {
        maintenance_every: Some(Duration::from_mins(30)),
        autoscaling_every: Some(Duration::from_mins(20)),
        ..Settings::default()
    });
    bed.create("good.yaml");
    bed.pass(3600);
    assert_eq!(bed.status(), "READY", "only a running application is touched");
    bed.start();
    let mut seen = Vec::new();
    for _ in 0..110 {
        bed.pass(60);
        let operation = bed.newest_operation();
        let begun = (operation["StartTime"].clone(), operation["Operation"].clone());
        if seen.last() != Some(&begun) {
            seen.push(begun);
        }
    }
    let count = |name: &str| seen.iter().filter(|(_, operation)| operation == name).count();
    assert_eq!(
        (count("ApplicationMaintenance"), count("ApplicationAutoScaling")),
        (3, 5),
        "{seen:?}"
    );
    let flink = &bed.describe()["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"];
    let parallelism = &flink["ParallelismConfigurationDescription"]["CurrentParallelism"];
    assert_eq!(*parallelism, 2, "five times to and fro");
}
