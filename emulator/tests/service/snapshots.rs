//! Snapshots and what a start or update restores.

use managed_flink_emulator::Settings;
use managed_flink_emulator::service::ErrorCode;
use serde_json::{Value, json};

use crate::bed::{Bed, code};

fn custom(name: &str) -> Value {
    json!({ "ApplicationRestoreConfiguration": {
        "ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": name,
    } })
}

fn skip() -> Value {
    json!({ "ApplicationRestoreConfiguration": { "ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT" } })
}

#[test]
fn a_manual_snapshot_becomes_ready_and_can_be_deleted_with_its_time() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "one" }));
    let details = |bed: &mut Bed| {
        bed.orders("DescribeApplicationSnapshot", &json!({ "SnapshotName": "one" }))["SnapshotDetails"].clone()
    };
    let first = details(&mut bed);
    assert_eq!(
        (&first["SnapshotStatus"], &first["RuntimeEnvironment"]),
        (&json!("CREATING"), &json!("FLINK-1_20"))
    );
    let created = first["SnapshotCreationTimestamp"].as_i64().unwrap();
    let delete = |created: i64| json!({ "SnapshotName": "one", "SnapshotCreationTimestamp": created });
    assert_eq!(
        bed.orders_refused("DeleteApplicationSnapshot", &delete(created)).0,
        ErrorCode::ResourceInUse
    );
    bed.pass(15);
    assert_eq!(details(&mut bed)["SnapshotStatus"], "READY");
    assert_eq!(
        bed.orders_refused("DeleteApplicationSnapshot", &delete(created + 1)).0,
        ErrorCode::InvalidArgument
    );
    bed.orders("DeleteApplicationSnapshot", &delete(created));
    assert_eq!(details(&mut bed)["SnapshotStatus"], "DELETING");
    bed.pass(10);
    let gone = bed.orders_refused("DescribeApplicationSnapshot", &json!({ "SnapshotName": "one" }));
    assert_eq!(gone.0, ErrorCode::ResourceNotFound);
    assert_eq!(bed.status(), "RUNNING");
}

#[test]
fn snapshots_are_refused_when_not_running_disabled_taken_or_too_many() {
    let mut bed = Bed::with(Settings {
        snapshot_quota: 2,
        ..Settings::default()
    });
    bed.create("good.yaml");
    let named = |name: &str| json!({ "SnapshotName": name });
    assert_eq!(
        bed.orders_refused("CreateApplicationSnapshot", &named("a")).0,
        ErrorCode::InvalidRequest
    );
    bed.start();
    bed.orders("CreateApplicationSnapshot", &named("a"));
    assert_eq!(
        bed.orders_refused("CreateApplicationSnapshot", &named("a")).0,
        ErrorCode::ResourceInUse
    );
    bed.orders("CreateApplicationSnapshot", &named("b"));
    assert_eq!(
        bed.orders_refused("CreateApplicationSnapshot", &named("c")).0,
        ErrorCode::LimitExceeded
    );
    bed.update(&json!({}));
    bed.pass(60);
    assert_eq!(
        bed.snapshots().len(),
        3,
        "an automatic snapshot does not meet the quota"
    );
    bed.update(&json!({ "ApplicationSnapshotConfigurationUpdate": { "SnapshotsEnabledUpdate": false } }));
    bed.pass(60);
    assert_eq!(
        bed.orders_refused("CreateApplicationSnapshot", &named("d")).0,
        ErrorCode::InvalidRequest
    );
}

#[test]
fn a_graceful_stop_takes_a_snapshot_and_the_next_start_restores_it() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.orders("StopApplication", &json!({}));
    assert_eq!(bed.status(), "STOPPING");
    bed.pass(30);
    assert_eq!(bed.status(), "READY");
    let snapshot = bed.snapshots()[0].clone();
    assert_eq!(snapshot["SnapshotStatus"], "READY");
    bed.start();
    assert_eq!(json!(bed.view().job.unwrap().restored_from), snapshot["SnapshotName"]);
}

#[test]
fn without_snapshots_a_stop_takes_none() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.update(&json!({ "ApplicationSnapshotConfigurationUpdate": { "SnapshotsEnabledUpdate": false } }));
    bed.pass(3);
    bed.start();
    bed.orders("StopApplication", &json!({}));
    bed.pass(30);
    assert!(bed.snapshots().is_empty());
}

#[test]
fn the_latest_snapshot_is_the_newest_even_within_one_second() {
    let mut bed = Bed::with(Settings {
        speed: 1e6,
        ..Settings::default()
    });
    bed.create("good.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.now += std::time::Duration::from_millis(10);
    for name in ["z", "a"] {
        bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": name }));
        bed.now += std::time::Duration::from_millis(10);
    }
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.now += std::time::Duration::from_millis(10);
    bed.orders("StartApplication", &json!({}));
    bed.now += std::time::Duration::from_millis(10);
    assert_eq!(bed.view().job.unwrap().restored_from.as_deref(), Some("a"));
}

#[test]
fn a_start_restores_the_named_snapshot_or_nothing() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    for name in ["old", "new"] {
        bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": name }));
        bed.pass(20);
    }
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.pass(10);
    for (run, restored) in [(custom("old"), Some("old")), (skip(), None)] {
        bed.orders("StartApplication", &json!({ "RunConfiguration": run }));
        bed.pass(90);
        assert_eq!(bed.view().job.unwrap().restored_from.as_deref(), restored);
        let shown = bed.describe()["ApplicationConfigurationDescription"]["RunConfigurationDescription"].clone();
        assert_eq!(
            shown["ApplicationRestoreConfigurationDescription"],
            run["ApplicationRestoreConfiguration"]
        );
        bed.orders("StopApplication", &json!({ "Force": true }));
        bed.pass(10);
    }
}

#[test]
fn a_restore_from_a_snapshot_that_is_not_there_or_not_ready_is_refused() {
    for (value, code) in [
        ("InvalidArgumentException", ErrorCode::InvalidArgument),
        ("ResourceNotFoundException", ErrorCode::ResourceNotFound),
    ] {
        let mut bed = Bed::with_rule("restore-unknown-snapshot", value);
        bed.run("good.yaml");
        bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "open" }));
        bed.orders("StopApplication", &json!({ "Force": true }));
        bed.pass(10);
        for name in ["absent", "open"] {
            let start = json!({ "RunConfiguration": custom(name) });
            assert_eq!(bed.orders_refused("StartApplication", &start).0, code, "{name}");
        }
        assert_eq!(bed.status(), "READY");
    }
}

#[test]
fn a_custom_restore_names_exactly_one_snapshot() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let restore = |mut members: Value| {
        members["ApplicationRestoreType"] = json!("RESTORE_FROM_CUSTOM_SNAPSHOT");
        json!({ "RunConfiguration": { "ApplicationRestoreConfiguration": members } })
    };
    for members in [
        json!({}),
        json!({ "SnapshotName": "a", "SnapshotArn": "arn:b" }),
        json!({ "SnapshotArn": "arn:b" }),
    ] {
        assert_eq!(
            bed.orders_refused("StartApplication", &restore(members)).0,
            ErrorCode::InvalidArgument
        );
    }
}

#[test]
fn an_update_resets_the_run_configuration_that_it_does_not_send() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let run = json!({
        "FlinkRunConfiguration": { "AllowNonRestoredState": true },
        "ApplicationRestoreConfiguration": { "ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT" },
    });
    bed.orders("StartApplication", &json!({ "RunConfiguration": run }));
    bed.pass(90);
    let shown = |bed: &mut Bed| {
        let run = bed.describe()["ApplicationConfigurationDescription"]["RunConfigurationDescription"].clone();
        (
            run["FlinkRunConfigurationDescription"]["AllowNonRestoredState"].clone(),
            run["ApplicationRestoreConfigurationDescription"]["ApplicationRestoreType"].clone(),
        )
    };
    assert_eq!(shown(&mut bed), (json!(true), json!("SKIP_RESTORE_FROM_SNAPSHOT")));
    bed.update(&code("better.yaml"));
    assert_eq!(shown(&mut bed), (json!(false), json!("RESTORE_FROM_LATEST_SNAPSHOT")));
}

#[test]
fn an_update_can_restore_an_older_snapshot_or_drop_the_state() {
    for (rule, taken) in [("snapshot", 1), ("no-snapshot", 0)] {
        let mut bed = Bed::with_rule("skip-restore-update", rule);
        bed.run("good.yaml");
        bed.orders(
            "UpdateApplication",
            &json!({ "CurrentApplicationVersionId": 1, "RunConfigurationUpdate": skip() }),
        );
        bed.pass(60);
        assert_eq!(bed.view().job.unwrap().restored_from, None);
        assert_eq!(bed.snapshots().len(), taken, "{rule}");
        bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "old" }));
        bed.pass(15);
        bed.orders(
            "UpdateApplication",
            &json!({ "CurrentApplicationVersionId": 2, "RunConfigurationUpdate": custom("old") }),
        );
        bed.pass(60);
        assert_eq!(bed.view().job.unwrap().restored_from.as_deref(), Some("old"));
    }
}

#[test]
fn a_list_of_an_unknown_application_answers_as_the_rule_says() {
    for (value, code) in [
        ("InvalidArgumentException", ErrorCode::InvalidArgument),
        ("ResourceNotFoundException", ErrorCode::ResourceNotFound),
    ] {
        let mut bed = Bed::with_rule("snapshots-of-unknown-application", value);
        assert_eq!(bed.orders_refused("ListApplicationSnapshots", &json!({})).0, code);
    }
}
