//! A changed field is one update; no change is none.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, snapshots};
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
    let scene = Scene::set("one-field");
    let mut spec = json!({"rollout": {"preChangeSnapshot": "Never"}});
    scene.apply("orders", &spec);
    scene.ready("orders");
    for (what, change, pointer, expected) in one_field_at_a_time() {
        let mark = scene.mark();
        json_patch::merge(&mut spec, &change);
        scene.apply("orders", &spec);
        let app = scene.ready("orders");
        assert_eq!(scene.changes_since(mark), UPDATE, "{what}");
        let described = scene.describe("orders");
        assert_eq!(described.pointer(pointer), Some(&expected), "{what}: {described:#}");
        assert_eq!(
            app["status"]["aws"]["applicationVersionId"], described["ApplicationVersionId"],
            "{what}"
        );
    }
}

#[test]
fn the_snapshot_before_a_change_is_taken_once_and_the_update_keeps_the_state() {
    let scene = Scene::set("pre-change");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    let mark = scene.mark();
    scene.apply("orders", &json!({"parallelism": {"parallelism": 2}}));
    let app = scene.ready("orders");
    assert_eq!(
        scene.changes_since(mark),
        ["CreateApplicationSnapshot", "UpdateApplication"]
    );
    let revision = app["status"]["revisions"]["target"].as_str().unwrap();
    let inside = scene.application("orders");
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
    let scene = Scene::set("pre-change-refused");
    let spec = |policy: &str, parallelism: i32| {
        json!({
            "rollout": {"preChangeSnapshot": policy},
            "parallelism": {"parallelism": parallelism},
        })
    };
    scene.apply("orders", &spec("WhenHealthy", 1));
    scene.ready("orders");
    scene.emulator.faults(&json!({"deny": ["CreateApplicationSnapshot"]}));
    let mark = scene.mark();
    scene.apply("orders", &spec("WhenHealthy", 2));
    scene.ready("orders");
    assert_eq!(
        scene.changes_since(mark),
        ["CreateApplicationSnapshot", "UpdateApplication"]
    );

    let mark = scene.mark();
    scene.apply("orders", &spec("Required", 3));
    let message = scene.stalled("orders", "AccessDenied");
    assert!(message.contains("CreateApplicationSnapshot"), "{message}");
    assert!(!scene.changes_since(mark).contains(&"UpdateApplication".to_owned()));
    scene.emulator.faults(&json!({}));
    scene.ready("orders");
    let calls = scene.changes_since(mark);
    assert_eq!(calls.iter().filter(|call| *call == "UpdateApplication").count(), 1);
    assert_eq!(
        calls[calls.len() - 2..],
        ["CreateApplicationSnapshot", "UpdateApplication"]
    );
}

#[test]
fn switching_snapshots_off_takes_a_last_one_and_starts_empty() {
    let scene = Scene::set("snapshots-off");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    let mark = scene.mark();
    let off = json!({
        "snapshots": {"enabled": false},
        "restore": {"onStart": "None", "onUpdate": "None"},
        "rollout": {"preChangeSnapshot": "Never"},
    });
    scene.apply("orders", &off);
    scene.ready("orders");
    assert_eq!(
        scene.changes_since(mark),
        ["CreateApplicationSnapshot", "UpdateApplication"]
    );
    assert!(scene.application("orders")["job"]["restoredFrom"].is_null());
    let configuration = scene.describe("orders")["ApplicationConfigurationDescription"].take();
    assert_eq!(
        configuration["ApplicationSnapshotConfigurationDescription"]["SnapshotsEnabled"],
        false
    );
}

#[test]
fn a_lost_reply_is_settled_by_looking_and_nothing_is_sent_twice() {
    let scene = Scene::set("lost-replies");
    scene.emulator.faults(&json!({"dropReplies": {
        "CreateApplication": 1, "StartApplication": 1, "UpdateApplication": 1, "StopApplication": 1,
    }}));
    let spec = |parallelism: i32, state: &str| {
        json!({
            "desiredState": state,
            "rollout": {"preChangeSnapshot": "Never"},
            "parallelism": {"parallelism": parallelism},
        })
    };
    scene.apply("orders", &spec(1, "Running"));
    scene.ready("orders");
    scene.apply("orders", &spec(2, "Running"));
    scene.ready("orders");
    scene.apply("orders", &spec(2, "Stopped"));
    scene.ready("orders");
    assert_eq!(
        scene.changes_since(0),
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
    let scene = Scene::set("many-fields");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    let mark = scene.mark();
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
    scene.apply("orders", &spec);
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), UPDATE);
    assert_eq!(scene.application("orders")["job"]["allowNonRestoredState"], true);
}

#[test]
fn without_a_change_nothing_is_sent() {
    let mut scene = Scene::set("no-change");
    scene.apply("orders", &json!({}));
    scene.ready("orders");
    let flink =
        scene.describe("orders")["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
            .take();
    for member in ["Parallelism", "Checkpoint", "Monitoring"] {
        let block = &flink[format!("{member}ConfigurationDescription")];
        assert!(
            block.as_object().is_some_and(|members| members.len() > 2),
            "the service shows defaults that the spec does not name: {flink:#}"
        );
    }
    let mark = scene.mark();
    scene.look("orders");
    scene.apply("orders", &json!({}));
    scene.look("orders");
    scene.replace_controller();
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);

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
    scene.apply("orders", &defaults);
    scene.ready("orders");
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
}

#[test]
fn what_the_service_does_by_itself_is_not_undone() {
    let scene = Scene::set("unannounced");
    scene.apply("orders", &json!({"parallelism": {"parallelism": 2}}));
    scene.ready("orders");
    let mark = scene.mark();
    scene.unannounced("orders", "autoscaling");
    eventually("the service has scaled", PATIENCE, || {
        scene.application("orders")["status"] == "RUNNING"
    });
    let flink =
        scene.describe("orders")["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
            .take();
    assert_eq!(flink["ParallelismConfigurationDescription"]["CurrentParallelism"], 4);
    scene.look("orders");
    scene.unannounced("orders", "maintenance");
    eventually("the maintenance is over", PATIENCE, || {
        scene.application("orders")["status"] == "RUNNING"
    });
    scene.look("orders");
    scene.ready("orders");
    assert_eq!(scene.changes_since(mark), [""; 0]);
}

#[test]
fn a_changed_config_map_is_a_new_revision_and_one_update() {
    let scene = Scene::set("config-map");
    scene.config_map("kafka", &json!({"servers": "b-1:9098", "protocol": "SSL"}));
    scene.config_map("unrelated", &json!({"servers": "none"}));
    let group = json!({
        "id": "kafka",
        "properties": {"protocol": "SASL_SSL"},
        "propertiesFrom": [{"configMapRef": {"name": "kafka"}}],
    });
    scene.apply(
        "orders",
        &json!({"propertyGroups": [group], "rollout": {"preChangeSnapshot": "Never"}}),
    );
    let revision = scene.ready("orders")["status"]["revisions"]["running"].clone();
    assert_eq!(
        properties(&scene),
        json!([{"PropertyGroupId": "kafka", "PropertyMap": {"servers": "b-1:9098", "protocol": "SASL_SSL"}}])
    );

    let mark = scene.mark();
    scene.config_map("kafka", &json!({"servers": "b-1:9098,b-2:9098", "protocol": "SSL"}));
    scene.until("orders", "runs another revision", |app| {
        app["status"]["revisions"]["running"] != revision
    });
    scene.ready("orders");
    scene.config_map("unrelated", &json!({"servers": "some"}));
    // An entry that `properties` overrides is no change.
    scene.config_map(
        "kafka",
        &json!({"servers": "b-1:9098,b-2:9098", "protocol": "PLAINTEXT"}),
    );
    scene.look("orders");
    assert_eq!(scene.changes_since(mark), UPDATE);
    assert_eq!(
        properties(&scene),
        json!([{"PropertyGroupId": "kafka", "PropertyMap": {"servers": "b-1:9098,b-2:9098", "protocol": "SASL_SSL"}}])
    );
}

fn properties(scene: &Scene) -> Value {
    scene.describe("orders")["ApplicationConfigurationDescription"]["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]
        .take()
}
