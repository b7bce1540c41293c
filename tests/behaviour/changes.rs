//! A changed field is one update; no change is none.

use serde_json::{Value, json};

use crate::stage::{PATIENCE, Stage, snapshots};
use crate::testbed::eventually;

const UPDATE: [&str; 1] = ["UpdateApplication"];

/// Each change alone, with what the service must have afterwards, as a pointer into the description.
fn one_field_at_a_time() -> Vec<(&'static str, Value, &'static str, Value)> {
    let flink = |member: &'static str| match member {
        "parallelism" => {
            "/ApplicationConfigurationDescription/FlinkApplicationConfigurationDescription/ParallelismConfigurationDescription/Parallelism"
        }
        "checkpoint" => {
            "/ApplicationConfigurationDescription/FlinkApplicationConfigurationDescription/CheckpointConfigurationDescription/CheckpointInterval"
        }
        _ => {
            "/ApplicationConfigurationDescription/FlinkApplicationConfigurationDescription/MonitoringConfigurationDescription/LogLevel"
        }
    };
    vec![
        (
            "parallelism",
            json!({"parallelism": {"parallelism": 4, "autoScalingEnabled": false}}),
            flink("parallelism"),
            json!(4),
        ),
        (
            "checkpoint interval",
            json!({"checkpoint": {"checkpointInterval": "90s"}}),
            flink("checkpoint"),
            json!(90_000),
        ),
        (
            "log level",
            json!({"monitoring": {"logLevel": "ERROR"}}),
            flink("monitoring"),
            json!("ERROR"),
        ),
        (
            "block removed",
            json!({"monitoring": null}),
            flink("monitoring"),
            json!("INFO"),
        ),
        (
            "code",
            json!({"code": {"s3": {"key": "healthy-2.yaml"}}}),
            "/ApplicationConfigurationDescription/ApplicationCodeConfigurationDescription/CodeContentDescription/S3ApplicationCodeLocationDescription/FileKey",
            json!("healthy-2.yaml"),
        ),
        (
            "role",
            json!({"serviceExecutionRole": "arn:aws:iam::111122223333:role/flink/other"}),
            "/ServiceExecutionRole",
            json!("arn:aws:iam::111122223333:role/flink/other"),
        ),
        (
            "runtime",
            json!({"runtimeEnvironment": "FLINK-2_2"}),
            "/RuntimeEnvironment",
            json!("FLINK-2_2"),
        ),
        (
            "property",
            json!({"propertyGroups": [{"id": "job", "properties": {"topic": "orders"}}]}),
            "/ApplicationConfigurationDescription/EnvironmentPropertyDescriptions/PropertyGroupDescriptions",
            json!([{"PropertyGroupId": "job", "PropertyMap": {"topic": "orders"}}]),
        ),
        (
            "property group removed",
            json!({"propertyGroups": [{"id": "sink", "properties": {"table": "orders"}}]}),
            "/ApplicationConfigurationDescription/EnvironmentPropertyDescriptions/PropertyGroupDescriptions",
            json!([{"PropertyGroupId": "sink", "PropertyMap": {"table": "orders"}}]),
        ),
        (
            "system rollback",
            json!({"systemRollback": {"enabled": true}}),
            "/ApplicationConfigurationDescription/ApplicationSystemRollbackConfigurationDescription/RollbackEnabled",
            json!(true),
        ),
    ]
}

#[test]
fn every_changed_field_is_exactly_one_update() {
    let stage = Stage::set("one-field");
    let mut spec = json!({"rollout": {"preChangeSnapshot": "Never"}});
    stage.apply("orders", &spec);
    stage.ready("orders");
    for (what, change, pointer, expected) in one_field_at_a_time() {
        let mark = stage.mark();
        json_patch::merge(&mut spec, &change);
        stage.apply("orders", &spec);
        let app = stage.ready("orders");
        assert_eq!(stage.changes_since(mark), UPDATE, "{what}");
        let described = stage.describe("orders");
        assert_eq!(described.pointer(pointer), Some(&expected), "{what}: {described:#}");
        assert_eq!(
            app["status"]["aws"]["applicationVersionId"], described["ApplicationVersionId"],
            "{what}"
        );
    }
}

#[test]
fn the_snapshot_before_a_change_is_taken_once_and_the_update_keeps_the_state() {
    let stage = Stage::set("pre-change");
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    let mark = stage.mark();
    stage.apply("orders", &json!({"parallelism": {"parallelism": 2}}));
    let app = stage.ready("orders");
    assert_eq!(
        stage.changes_since(mark),
        ["CreateApplicationSnapshot", "UpdateApplication"]
    );
    let revision = app["status"]["revisions"]["target"].as_str().unwrap();
    let inside = stage.inside("orders");
    let names = snapshots(&inside);
    assert_eq!(names.len(), 3, "the first, one before the update, its own: {names:?}");
    assert!(
        names[1].starts_with("sluicegate-") && names[1].contains(revision),
        "{names:?}"
    );
    assert_eq!(inside["job"]["restoredFrom"], json!(names[2]));
}

#[test]
fn a_refused_snapshot_before_a_change_holds_it_up_only_where_it_is_required() {
    let stage = Stage::set("pre-change-refused");
    let spec = |policy: &str, parallelism: i32| {
        json!({
            "rollout": {"preChangeSnapshot": policy},
            "parallelism": {"parallelism": parallelism},
        })
    };
    stage.apply("orders", &spec("WhenHealthy", 1));
    stage.ready("orders");
    stage.emulator.faults(&json!({"deny": ["CreateApplicationSnapshot"]}));
    let mark = stage.mark();
    stage.apply("orders", &spec("WhenHealthy", 2));
    stage.ready("orders");
    assert_eq!(
        stage.changes_since(mark),
        ["CreateApplicationSnapshot", "UpdateApplication"]
    );

    let mark = stage.mark();
    stage.apply("orders", &spec("Required", 3));
    let message = stage.stalled("orders", "AccessDenied");
    assert!(message.contains("CreateApplicationSnapshot"), "{message}");
    assert!(!stage.changes_since(mark).contains(&"UpdateApplication".to_owned()));
    stage.emulator.faults(&json!({}));
    stage.ready("orders");
    let calls = stage.changes_since(mark);
    assert_eq!(calls.iter().filter(|call| *call == "UpdateApplication").count(), 1);
    assert_eq!(
        calls[calls.len() - 2..],
        ["CreateApplicationSnapshot", "UpdateApplication"]
    );
}

#[test]
fn switching_snapshots_off_takes_a_last_one_and_starts_empty() {
    let stage = Stage::set("snapshots-off");
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    let mark = stage.mark();
    let off = json!({
        "snapshots": {"enabled": false},
        "restore": {"onStart": "None", "onUpdate": "None"},
        "rollout": {"preChangeSnapshot": "Never"},
    });
    stage.apply("orders", &off);
    stage.ready("orders");
    assert_eq!(
        stage.changes_since(mark),
        ["CreateApplicationSnapshot", "UpdateApplication"]
    );
    assert!(stage.inside("orders")["job"]["restoredFrom"].is_null());
    let configuration = stage.describe("orders")["ApplicationConfigurationDescription"].take();
    assert_eq!(
        configuration["ApplicationSnapshotConfigurationDescription"]["SnapshotsEnabled"],
        false
    );
}

#[test]
fn a_lost_reply_is_settled_by_looking_and_nothing_is_sent_twice() {
    let stage = Stage::set("lost-replies");
    stage.emulator.faults(&json!({"dropReplies": {
        "CreateApplication": 1, "StartApplication": 1, "UpdateApplication": 1, "StopApplication": 1,
    }}));
    let spec = |parallelism: i32, state: &str| {
        json!({
            "desiredState": state,
            "rollout": {"preChangeSnapshot": "Never"},
            "parallelism": {"parallelism": parallelism},
        })
    };
    stage.apply("orders", &spec(1, "Running"));
    stage.ready("orders");
    stage.apply("orders", &spec(2, "Running"));
    stage.ready("orders");
    stage.apply("orders", &spec(2, "Stopped"));
    stage.ready("orders");
    assert_eq!(
        stage.changes_since(0),
        [
            "CreateApplication",
            "StartApplication",
            "CreateApplicationSnapshot",
            "UpdateApplication",
            "StopApplication"
        ]
    );
}

#[test]
fn several_changed_fields_are_one_update() {
    let stage = Stage::set("many-fields");
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    let mark = stage.mark();
    let spec = json!({
        "rollout": {"preChangeSnapshot": "Never"},
        "parallelism": {"parallelism": 2, "parallelismPerKPU": 2, "autoScalingEnabled": false},
        "checkpoint": {"checkpointInterval": "30s", "minPauseBetweenCheckpoints": "10s"},
        "monitoring": {"metricsLevel": "TASK", "logLevel": "WARN"},
        "code": {"s3": {"key": "healthy-2.yaml"}},
        "propertyGroups": [{"id": "job", "properties": {"topic": "orders"}}],
        "systemRollback": {"enabled": true},
        "restore": {"allowNonRestoredState": true},
    });
    stage.apply("orders", &spec);
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), UPDATE);
    assert_eq!(stage.inside("orders")["job"]["allowNonRestoredState"], true);
}

#[test]
fn without_a_change_nothing_is_sent() {
    let mut stage = Stage::set("no-change");
    stage.apply("orders", &json!({}));
    stage.ready("orders");
    let flink =
        stage.describe("orders")["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
            .take();
    for member in ["Parallelism", "Checkpoint", "Monitoring"] {
        let block = &flink[format!("{member}ConfigurationDescription")];
        assert!(
            block.as_object().is_some_and(|members| members.len() > 2),
            "the service shows defaults that the spec does not name: {flink:#}"
        );
    }
    let mark = stage.mark();
    stage.look("orders");
    stage.apply("orders", &json!({}));
    stage.look("orders");
    stage.replace_controller();
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);

    // The defaults written out are no change either.
    let defaults = json!({
        "parallelism": {"parallelism": 1, "parallelismPerKPU": 1, "autoScalingEnabled": true},
        "checkpoint": {"checkpointingEnabled": true, "checkpointInterval": "1m", "minPauseBetweenCheckpoints": "5000ms"},
        "monitoring": {"metricsLevel": "APPLICATION", "logLevel": "INFO"},
        "snapshots": {"enabled": true},
        "systemRollback": {"enabled": false},
        "propertyGroups": [],
        "tags": {},
    });
    stage.apply("orders", &defaults);
    stage.ready("orders");
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
}

#[test]
fn what_the_service_does_by_itself_is_not_undone() {
    let stage = Stage::set("unannounced");
    stage.apply("orders", &json!({"parallelism": {"parallelism": 2}}));
    stage.ready("orders");
    let mark = stage.mark();
    stage.unannounced("orders", "autoscaling");
    eventually("the service has scaled", PATIENCE, || {
        stage.inside("orders")["status"] == "RUNNING"
    });
    let flink =
        stage.describe("orders")["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
            .take();
    assert_eq!(flink["ParallelismConfigurationDescription"]["CurrentParallelism"], 4);
    stage.look("orders");
    stage.unannounced("orders", "maintenance");
    eventually("the maintenance is over", PATIENCE, || {
        stage.inside("orders")["status"] == "RUNNING"
    });
    stage.look("orders");
    stage.ready("orders");
    assert_eq!(stage.changes_since(mark), [""; 0]);
}

#[test]
fn a_changed_config_map_is_a_new_revision_and_one_update() {
    let stage = Stage::set("config-map");
    stage.config_map("kafka", &json!({"servers": "b-1:9098", "protocol": "SSL"}));
    stage.config_map("unrelated", &json!({"servers": "none"}));
    let group = json!({
        "id": "kafka",
        "properties": {"protocol": "SASL_SSL"},
        "propertiesFrom": [{"configMapRef": {"name": "kafka"}}],
    });
    stage.apply(
        "orders",
        &json!({"propertyGroups": [group], "rollout": {"preChangeSnapshot": "Never"}}),
    );
    let revision = stage.ready("orders")["status"]["revisions"]["running"].clone();
    assert_eq!(
        properties(&stage),
        json!([{"PropertyGroupId": "kafka", "PropertyMap": {"servers": "b-1:9098", "protocol": "SASL_SSL"}}])
    );

    let mark = stage.mark();
    stage.config_map("kafka", &json!({"servers": "b-1:9098,b-2:9098", "protocol": "SSL"}));
    stage.until("orders", "runs another revision", |app| {
        app["status"]["revisions"]["running"] != revision
    });
    stage.ready("orders");
    stage.config_map("unrelated", &json!({"servers": "some"}));
    // An entry that `properties` overrides is no change.
    stage.config_map(
        "kafka",
        &json!({"servers": "b-1:9098,b-2:9098", "protocol": "PLAINTEXT"}),
    );
    stage.look("orders");
    assert_eq!(stage.changes_since(mark), UPDATE);
    assert_eq!(
        properties(&stage),
        json!([{"PropertyGroupId": "kafka", "PropertyMap": {"servers": "b-1:9098,b-2:9098", "protocol": "SASL_SSL"}}])
    );
}

fn properties(stage: &Stage) -> Value {
    stage.describe("orders")["ApplicationConfigurationDescription"]["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]
        .take()
}
