//! What kubectl shows and does without knowing anything of the resource.

use serde_json::{Value, json};

use crate::scene::{Scene, has_snapshot};
use crate::testbed::{CRD, repository};

#[test]
fn get_shows_the_columns_of_a_running_application() {
    let scene = Scene::set("columns");
    scene.apply("orders", &json!({}));
    scene.until("orders", "has a snapshot to go back to", has_snapshot);
    let app = scene.ready("orders");
    let version = app["status"]["aws"]["applicationVersionId"].to_string();
    let revision = app["status"]["revisions"]["target"].as_str().unwrap();

    let [names, values] = table(&scene.kubectl(&["get", "msfapp"]));
    assert_eq!(
        names,
        ["NAME", "DESIRED", "STATUS", "READY", "REASON", "JOB", "VERSION", "AGE"]
    );
    assert_eq!(
        values[..7],
        [
            "orders",
            "Running",
            "RUNNING",
            "True",
            "Running",
            "True",
            version.as_str()
        ]
    );

    let [names, values] = table(&scene.kubectl(&["get", "msfapp", "-o", "wide"]));
    assert_eq!(
        names[8..],
        ["RUNTIME", "REGION", "REVISION", "LAST-SNAPSHOT", "MESSAGE"]
    );
    let message = app["status"]["message"].as_str().unwrap();
    assert_eq!(values[8..11], ["FLINK-1_20", "eu-west-1", revision]);
    let age = &values[11];
    assert!(
        age.ends_with('s') || age.ends_with('m'),
        "the age of the first snapshot: {age}"
    );
    assert_eq!(values[12..].join(" "), message);
}

#[test]
fn get_finds_the_resource_by_its_category_and_shows_a_new_one_without_a_controller() {
    let scene = Scene::open("columns-empty");
    scene.apply("orders", &json!({}));
    let [names, values] = table(&scene.kubectl(&["get", "flink"]));
    assert_eq!(names[..2], ["NAME", "DESIRED"]);
    assert_eq!(values[..2], ["orders", "Running"]);
}

#[test]
fn a_new_resource_says_that_nobody_has_looked_at_it() {
    let scene = Scene::open("status-default");
    scene.apply("orders", &json!({}));
    assert_eq!(scene.app("orders")["status"], json!({"observedGeneration": -1}));
}

#[test]
fn explain_describes_every_field() {
    let scene = Scene::open("explain");
    let crd = scene
        .cluster
        .everywhere(CRD)
        .get("flinkapplications.sluicegate.dev")
        .unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let recursive = scene.kubectl(&["explain", "msfapp", "--recursive"]);
    let mut groups = Vec::new();
    for root in ["spec", "status"] {
        groups_below(&format!("msfapp.{root}"), &schema["properties"][root], &mut groups);
    }
    assert!(groups.len() > 20, "{groups:?}");
    for (path, fields) in groups {
        let text = scene.kubectl(&["explain", &path]);
        assert!(!text.contains("<no description>"), "{path}:\n{text}");
        for field in fields {
            assert!(
                text.contains(&format!("\n  {field}\t")),
                "{path} does not name {field}:\n{text}"
            );
            assert!(
                recursive.contains(&format!(" {field}\t")),
                "{field} of {path} is missing in --recursive"
            );
        }
    }
}

#[test]
fn scale_changes_the_parallelism_once_the_spec_names_it() {
    let scene = Scene::set("scale");
    scene.apply(
        "orders",
        &json!({"parallelism": {"parallelism": 2, "autoScalingEnabled": false}}),
    );
    scene.ready("orders");
    scene.kubectl(&["scale", "msfapp/orders", "--replicas=3"]);
    assert_eq!(scene.app("orders")["spec"]["parallelism"]["parallelism"], 3);
    assert_eq!(scene.ready("orders")["status"]["parallelism"], 3);
    let flink =
        &scene.describe("orders")["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"];
    assert_eq!(flink["ParallelismConfigurationDescription"]["Parallelism"], 3);
    let replicas = [
        "get",
        "msfapp/orders",
        "--subresource=scale",
        "-o",
        "jsonpath={.status.replicas}",
    ];
    assert_eq!(scene.kubectl(&replicas), "3");
}

#[test]
fn applying_the_same_manifest_again_changes_nothing() {
    let scene = Scene::set("apply-twice");
    let path = repository().join("deploy/examples/full.yaml").display().to_string();
    let bucket = repository().join("deploy/examples/bucket");
    assert!(bucket.is_dir(), "the examples bring their code");
    for apply in [
        ["apply", "--server-side", "-f", &path].as_slice(),
        ["apply", "-f", &path].as_slice(),
    ] {
        scene.kubectl(apply);
        let before = scene.app("orders-full");
        scene.kubectl(apply);
        let after = scene.app("orders-full");
        assert_eq!(before["metadata"]["generation"], after["metadata"]["generation"]);
        assert_eq!(before["spec"], after["spec"]);
        let [_, flags @ ..] = apply else { unreachable!() };
        let mut diff = vec!["diff", "-n", "apply-twice"];
        diff.extend(flags);
        let difference = scene.cluster.kubectl(&diff, None);
        assert!(difference.success, "{}{}", difference.stdout, difference.stderr);
    }
}

/// The names of the columns and the values of the only row.
#[track_caller]
fn table(text: &str) -> [Vec<String>; 2] {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    let lines: Vec<Vec<String>> = text.lines().map(words).collect();
    lines
        .try_into()
        .unwrap_or_else(|lines| panic!("one row is expected: {lines:?}"))
}

/// The paths below which there are fields, with the fields.
fn groups_below(path: &str, schema: &Value, groups: &mut Vec<(String, Vec<String>)>) {
    let schema = if schema["items"].is_object() {
        &schema["items"]
    } else {
        schema
    };
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    groups.push((path.to_owned(), properties.keys().cloned().collect()));
    for (name, property) in properties {
        groups_below(&format!("{path}.{name}"), property, groups);
    }
}
