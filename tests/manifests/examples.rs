//! The examples of `deploy/examples/`: each stands alone, is desirable to the controller, and one of them shows every
//! field.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluicegate::api::FlinkApplication;
use sluicegate::desired::{Desired, References};

use crate::files::{documents, only, text, yaml_files};

#[test]
fn examples_have_names_of_their_own_and_carry_no_namespace() {
    let mut names = BTreeSet::new();
    for file in yaml_files("deploy/examples") {
        for document in documents(&format!("deploy/examples/{file}")) {
            let name = (document["kind"].to_string(), document["metadata"]["name"].to_string());
            assert!(
                document["metadata"]["namespace"].is_null(),
                "{file}: the one who applies it chooses the namespace"
            );
            assert!(names.insert(name.clone()), "{file}: {name:?} is in another example too");
        }
    }
    assert!(names.len() >= 6, "{names:?}");
}

#[test]
fn every_example_is_what_the_controller_can_desire() {
    for file in yaml_files("deploy/examples") {
        let documents = documents(&format!("deploy/examples/{file}"));
        let (applications, others): (Vec<Value>, Vec<Value>) = documents
            .into_iter()
            .partition(|document| document["kind"] == json!("FlinkApplication"));
        let references: References = others
            .iter()
            .map(|map| {
                (
                    serde_json::from_value(map["metadata"]["name"].clone()),
                    serde_json::from_value(map["data"].clone()),
                )
            })
            .map(|(name, data)| (name.unwrap_or_default(), data.unwrap_or_default()))
            .collect();
        assert_eq!(applications.len(), 1, "{file} shows one application");
        let application: FlinkApplication =
            serde_json::from_value(applications[0].clone()).unwrap_or_else(|error| panic!("{file}: {error}"));
        let desired = Desired::parse(&application, "eu-west-1", &references);
        assert!(desired.is_ok(), "{file}: {desired:?}");
    }
}

#[test]
fn the_code_of_every_example_lies_in_the_bucket_of_the_emulator() {
    for application in applications() {
        let s3 = &application["spec"]["code"]["s3"];
        assert_eq!(s3["bucket"], json!("demo"));
        let key = s3["key"].as_str().unwrap_or_default();
        assert!(!text(&format!("deploy/examples/bucket/{key}")).is_empty(), "{key}");
    }
}

#[test]
fn the_full_example_sets_every_field_of_the_schema() {
    // A demo cannot know a version of its object or the name of a snapshot.
    const UNSET: &[&str] = &["code.s3.objectVersion", "restore.initial.snapshotName"];
    let crd = only("crds/flinkapplications.yaml");
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut leaves = BTreeSet::new();
    schema_leaves(schema, "", &mut leaves);
    assert!(leaves.len() > 20, "{leaves:?}");
    let full = applications()
        .into_iter()
        .find(|application| application["metadata"]["name"] == json!("orders-full"));
    let full = full.unwrap_or_else(|| panic!("deploy/examples/full.yaml defines orders-full"));
    let missing: Vec<&String> = leaves
        .iter()
        .filter(|leaf| !UNSET.contains(&leaf.as_str()) && !has(&full["spec"], leaf))
        .collect();
    assert!(missing.is_empty(), "deploy/examples/full.yaml does not set {missing:?}");
}

fn applications() -> Vec<Value> {
    let files = yaml_files("deploy/examples");
    let documents = files
        .iter()
        .flat_map(|file| documents(&format!("deploy/examples/{file}")));
    documents
        .filter(|document| document["kind"] == json!("FlinkApplication"))
        .collect()
}

/// The paths of all fields below `schema` that hold no further fields; `[]` stands for the items of a list.
fn schema_leaves(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, below) in properties {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            schema_leaves(below, &path, found);
        }
    } else if schema["items"]["properties"].is_object() {
        schema_leaves(&schema["items"], &format!("{path}.[]"), found);
    } else {
        found.insert(path.to_owned());
    }
}

/// Whether `value` sets the field at `path`.
fn has(value: &Value, path: &str) -> bool {
    let step = |value: &Value, name: &str| {
        if name == "[]" {
            value[0].clone()
        } else {
            value[name].clone()
        }
    };
    !path
        .split('.')
        .fold(value.clone(), |value, name| step(&value, name))
        .is_null()
}
