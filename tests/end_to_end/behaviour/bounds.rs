//! Every bound of the schema is enforced: each field of a full spec is broken in each way that its schema forbids.

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::testbed::{CRD, repository};

/// One bound of one field, and the spec that breaks it.
struct Case {
    /// The field, as refusals name it.
    path: String,
    /// The bound that is broken.
    bound: &'static str,
    /// A word of the refusal.
    word: &'static str,
    /// The spec.
    spec: Value,
}

#[test]
fn every_bound_of_every_field_is_enforced_with_a_message_that_names_the_field() {
    let scene = Scene::open("bounds");
    let crd = scene
        .cluster
        .everywhere(CRD)
        .get("flinkapplications.sluicegate.dev")
        .unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let spec = full();
    let mut cases = Vec::new();
    break_below(schema, "spec", &[], &spec, &mut cases);
    assert!(cases.len() > 100, "{} cases", cases.len());

    let resources = scene.resources();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let refusal = resources
                .refusal(&object(&scene, "broken", &case.spec))
                .unwrap_or_default();
            let named = refusal.contains(&format!("{}:", case.path)) && refusal.contains(case.word);
            (!named).then(|| format!("{} of {}: {:?}", case.bound, case.path, refusal))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );

    assert_eq!(resources.refusal(&object(&scene, "sound", &spec)), None);
}

#[test]
fn a_field_that_does_not_exist_is_refused_by_name() {
    let scene = Scene::open("unknown-field");
    let mut spec = full();
    spec["checkpoint"]["interval"] = json!("60s");
    let manifest = object(&scene, "orders", &spec).to_string();
    let output = scene
        .cluster
        .kubectl(&["create", "--dry-run=server", "-f", "-"], Some(&manifest));
    assert!(
        !output.success && output.stderr.contains("spec.checkpoint.interval"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_group_and_a_subnet_that_are_given_twice_are_refused() {
    let scene = Scene::open("twice");
    let group = json!({"id": "same", "properties": {"a": "b"}});
    let cases = [
        (json!({"propertyGroups": [group, group]}), "spec.propertyGroups[1]"),
        (
            json!({"vpc": {"subnetIds": ["subnet-a", "subnet-a"], "securityGroupIds": ["sg-1"]}}),
            "spec.vpc.subnetIds[1]",
        ),
    ];
    for (change, path) in cases {
        let refusal = scene.resources().refusal(&scene.manifest("orders", &change));
        let refusal = refusal.unwrap_or_default();
        assert!(refusal.contains(path) && refusal.contains("Duplicate"), "{refusal}");
    }
}

/// A valid spec that sets every field: the full example and the two members that it leaves out.
fn full() -> Value {
    let text = std::fs::read_to_string(repository().join("deploy/examples/full.yaml")).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text);
    let mut documents = documents.map(|document| <Value as serde::Deserialize>::deserialize(document).unwrap());
    let mut spec = documents
        .find_map(|mut document| (document["kind"] == "FlinkApplication").then(|| document["spec"].take()))
        .unwrap();
    spec["code"]["s3"]["objectVersion"] = json!("v1");
    spec["restore"]["initial"] = json!({"from": "Snapshot", "snapshotName": "before"});
    spec
}

fn object(scene: &Scene, name: &str, spec: &Value) -> Value {
    let mut object = scene.manifest(name, &json!({}));
    object["spec"] = spec.clone();
    object
}

/// Adds the cases of the field at `pointer`, and those of the fields below it.
fn break_below(schema: &Value, path: &str, pointer: &[&str], spec: &Value, cases: &mut Vec<Case>) {
    let at: String = pointer.iter().flat_map(|part| ["/", *part]).collect();
    let Some(value) = spec.pointer(&at) else {
        panic!("the full example does not set {path}");
    };
    for (bound, word, broken) in broken(schema, value) {
        let mut spec = spec.clone();
        *spec.pointer_mut(&at).unwrap() = broken;
        cases.push(Case {
            path: path.to_owned(),
            bound,
            word,
            spec,
        });
    }
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let mut spec = spec.clone();
        spec.pointer_mut(&at).unwrap().as_object_mut().unwrap().remove(name);
        cases.push(Case {
            path: format!("{path}.{name}"),
            bound: "required",
            word: "Required",
            spec,
        });
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let below = [pointer, &[name]].concat();
        break_below(property, &format!("{path}.{name}"), &below, spec, cases);
    }
    if schema["items"].is_object() {
        let below = [pointer, &["0"]].concat();
        break_below(&schema["items"], &format!("{path}[0]"), &below, spec, cases);
    }
    if schema["additionalProperties"].is_object() {
        let name = value.as_object().unwrap().keys().next().unwrap().clone();
        let below = [pointer, &[name.as_str()]].concat();
        break_below(
            &schema["additionalProperties"],
            &format!("{path}.{name}"),
            &below,
            spec,
            cases,
        );
    }
}

/// The ways to break the bounds of one schema: the bound, a word of the refusal, the value.
fn broken(schema: &Value, value: &Value) -> Vec<(&'static str, &'static str, Value)> {
    let number = |bound: &str| schema[bound].as_i64();
    let size = |bound: &str| schema[bound].as_u64().map(|size| usize::try_from(size).unwrap());
    let other_type = if schema["type"] == "string" {
        json!(7)
    } else {
        json!("x")
    };
    let mut broken = vec![("type", "must be of type", other_type)];
    if let Some(most) = size("maxLength") {
        broken.push(("maxLength", "Too long", json!("a".repeat(most + 1))));
    }
    if size("minLength").is_some_and(|least| least > 0) {
        broken.push(("minLength", "should be at least", json!("")));
    }
    if schema["pattern"].is_string() {
        let length = size("minLength").unwrap_or_default().max(1);
        broken.push(("pattern", "should match", json!("\u{e9}".repeat(length))));
    }
    if schema["enum"].is_array() {
        broken.push(("enum", "Unsupported value", json!("Other")));
    }
    if let Some(least) = number("minimum") {
        broken.push(("minimum", "greater than or equal to", json!(least - 1)));
    }
    if let Some(most) = number("maximum") {
        broken.push(("maximum", "less than or equal to", json!(most + 1)));
    }
    if let Some(most) = size("maxItems") {
        let items = (0..=most).map(|number| another(&value[0], number));
        broken.push(("maxItems", "Too many", items.collect()));
    }
    if size("minItems").is_some_and(|least| least > 0) {
        broken.push(("minItems", "should have at least", json!([])));
    }
    if let Some(most) = size("maxProperties") {
        let entries = (0..=most).map(|number| (format!("key-{number}"), json!("value")));
        broken.push(("maxProperties", "Too many", entries.collect()));
    }
    if size("minProperties").is_some_and(|least| least > 0) {
        broken.push(("minProperties", "should have at least", json!({})));
    }
    broken
}

/// Another item of a list whose items must differ.
fn another(item: &Value, number: usize) -> Value {
    match item {
        Value::String(text) => json!(format!("{text}{number}")),
        Value::Object(members) if members.contains_key("id") => {
            let mut item = item.clone();
            item["id"] = json!(format!("group-{number}"));
            item
        }
        item => item.clone(),
    }
}
