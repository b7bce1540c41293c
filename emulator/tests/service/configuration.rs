//! Merging, coercion and the stored code.

use managed_flink_emulator::service::ErrorCode;
use serde_json::{Value, json};

use crate::bed::{Bed, code, creation, location};

fn flink(bed: &mut Bed) -> Value {
    bed.describe()["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"].clone()
}

#[test]
fn values_of_a_default_block_are_ignored_and_custom_keeps_what_an_update_omits() {
    let mut bed = Bed::new();
    let mut input = creation("good.yaml");
    input["ApplicationConfiguration"]["FlinkApplicationConfiguration"] = json!({
        "CheckpointConfiguration": { "ConfigurationType": "DEFAULT", "CheckpointInterval": 1, "CheckpointingEnabled": false },
        "ParallelismConfiguration": { "ConfigurationType": "CUSTOM", "Parallelism": 4, "AutoScalingEnabled": false },
    });
    bed.orders("CreateApplication", &input);
    let checkpoint = flink(&mut bed)["CheckpointConfigurationDescription"].clone();
    assert_eq!(
        (&checkpoint["CheckpointInterval"], &checkpoint["CheckpointingEnabled"]),
        (&json!(60_000), &json!(true))
    );
    let steps: [(Value, Value); 4] = [
        (json!({ "ParallelismUpdate": 8 }), json!([8, 1, false, "CUSTOM"])),
        (json!({ "ParallelismPerKPUUpdate": 2 }), json!([8, 2, false, "CUSTOM"])),
        (
            json!({ "ConfigurationTypeUpdate": "DEFAULT", "ParallelismUpdate": 6 }),
            json!([1, 1, true, "DEFAULT"]),
        ),
        (
            json!({ "ConfigurationTypeUpdate": "CUSTOM", "AutoScalingEnabledUpdate": false }),
            json!([1, 1, false, "CUSTOM"]),
        ),
    ];
    for (update, expected) in steps {
        bed.update(&json!({ "FlinkApplicationConfigurationUpdate": { "ParallelismConfigurationUpdate": update } }));
        bed.pass(3);
        let shown = flink(&mut bed)["ParallelismConfigurationDescription"].clone();
        let shown = json!([
            shown["Parallelism"],
            shown["ParallelismPerKPU"],
            shown["AutoScalingEnabled"],
            shown["ConfigurationType"]
        ]);
        assert_eq!(shown, expected, "{update}");
    }
}

#[test]
fn property_groups_are_replaced_as_a_whole() {
    let mut bed = Bed::new();
    let group = |id: &str| json!({ "PropertyGroupId": id, "PropertyMap": { "key": "value" } });
    let mut input = creation("good.yaml");
    input["ApplicationConfiguration"]["EnvironmentProperties"] = json!({ "PropertyGroups": [group("a"), group("b")] });
    bed.orders("CreateApplication", &input);
    for groups in [json!([group("c")]), json!([])] {
        bed.update(&json!({ "EnvironmentPropertyUpdates": { "PropertyGroups": groups } }));
        bed.pass(3);
        let shown = bed.describe()["ApplicationConfigurationDescription"]["EnvironmentPropertyDescriptions"].clone();
        assert_eq!(shown, json!({ "PropertyGroupDescriptions": groups }));
    }
    bed.update(&code("better.yaml"));
    bed.pass(3);
    let twice = json!({
        "CurrentApplicationVersionId": 4,
        "ApplicationConfigurationUpdate": { "EnvironmentPropertyUpdates": { "PropertyGroups": [group("d"), group("d")] } },
    });
    assert_eq!(
        bed.orders_refused("UpdateApplication", &twice).0,
        ErrorCode::InvalidArgument
    );
}

fn code_of(bed: &mut Bed) -> Value {
    let detail = bed.describe();
    detail["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]
        .clone()
}

#[test]
fn code_is_stored_with_the_version_and_the_same_location_is_not_read_again() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let before = code_of(&mut bed);
    assert_eq!(before["CodeMD5"].as_str().unwrap().len(), 128);
    assert_eq!(before["CodeSize"], "main: ok".len());
    assert!(
        before["S3ApplicationCodeLocationDescription"]
            .get("ObjectVersion")
            .is_none()
    );
    bed.put("good.yaml", "main: {throws: overwritten}");
    bed.update(&code("good.yaml"));
    bed.pass(3);
    assert_eq!(code_of(&mut bed), before);
    bed.remove("good.yaml");
    bed.start();
    bed.update(&code("better.yaml"));
    assert_ne!(code_of(&mut bed)["CodeMD5"], before["CodeMD5"]);
}

#[test]
fn a_new_object_version_is_read_and_a_missing_one_is_refused() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.put("good.yaml@v2", "main: ok # v2");
    bed.update(&location(&json!({ "ObjectVersionUpdate": "v2" })));
    bed.pass(3);
    assert_eq!(code_of(&mut bed)["CodeSize"], "main: ok # v2".len());
    let missing = json!({
        "CurrentApplicationVersionId": 2,
        "ApplicationConfigurationUpdate": location(&json!({ "ObjectVersionUpdate": "v3" })),
    });
    let (error, message) = bed.orders_refused("UpdateApplication", &missing);
    assert!(
        error == ErrorCode::InvalidArgument && message.contains("validity of S3 location"),
        "{message}"
    );
    assert_eq!(bed.describe()["ApplicationVersionId"], 2);
}

#[test]
fn an_omitted_object_version_is_kept_or_cleared_as_the_rule_says() {
    for (rule, same, other) in [
        ("same-key", json!("v1"), Value::Null),
        ("keep", json!("v1"), json!("v1")),
        ("clear", Value::Null, Value::Null),
    ] {
        let mut bed = Bed::with_rule("object-version-omitted", rule);
        for name in ["good.yaml@v1", "better.yaml@v1"] {
            bed.put(name, "main: ok");
        }
        let mut input = creation("good.yaml");
        input["ApplicationConfiguration"]["ApplicationCodeConfiguration"]["CodeContent"]["S3ContentLocation"]["ObjectVersion"] =
            json!("v1");
        bed.orders("CreateApplication", &input);
        bed.update(&code("good.yaml"));
        bed.pass(3);
        assert_eq!(
            code_of(&mut bed)["S3ApplicationCodeLocationDescription"]["ObjectVersion"],
            same,
            "{rule}"
        );
        bed.update(&code("better.yaml"));
        assert_eq!(
            code_of(&mut bed)["S3ApplicationCodeLocationDescription"]["ObjectVersion"],
            other,
            "{rule}"
        );
    }
}

#[test]
fn a_customer_managed_key_needs_its_id() {
    let mut bed = Bed::new();
    let mut input = creation("good.yaml");
    let encryption = |value: Value| json!({ "ApplicationEncryptionConfiguration": value });
    input["ApplicationConfiguration"] = encryption(json!({ "KeyType": "CUSTOMER_MANAGED_KEY" }));
    let (code, message) = bed.orders_refused("CreateApplication", &input);
    assert!(
        code == ErrorCode::InvalidArgument && message.contains("KeyId"),
        "{message}"
    );
    input["ApplicationConfiguration"] = encryption(json!({ "KeyType": "CUSTOMER_MANAGED_KEY", "KeyId": "key" }));
    bed.orders("CreateApplication", &input);
    let shown =
        bed.describe()["ApplicationConfigurationDescription"]["ApplicationEncryptionConfigurationDescription"].clone();
    assert_eq!(shown, json!({ "KeyType": "CUSTOMER_MANAGED_KEY", "KeyId": "key" }));
}

#[test]
fn an_update_of_the_parallelism_resets_the_one_that_autoscaling_chose() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.service
        .begin_autoscaling(bed.now, crate::bed::REGION, "orders")
        .unwrap();
    bed.pass(60);
    let current = |bed: &mut Bed| flink(bed)["ParallelismConfigurationDescription"]["CurrentParallelism"].clone();
    bed.update(&code("better.yaml"));
    bed.pass(60);
    assert_eq!(current(&mut bed), 2, "an update of something else keeps it");
    bed.update(
        &json!({ "FlinkApplicationConfigurationUpdate": { "ParallelismConfigurationUpdate": {
        "ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": 3,
    } } }),
    );
    assert_eq!(current(&mut bed), 3);
}
