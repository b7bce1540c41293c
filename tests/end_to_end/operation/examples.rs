//! The manifests that ship as examples.

use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::testbed::repository;

#[test]
fn every_example_is_admitted_and_reaches_the_state_that_it_asks_for() {
    let folder = repository().join("deploy/examples");
    let demo = format!("demo={}", folder.join("bucket").display());
    let scene = Scene::open_with("examples", &["--bucket", &demo]);
    let _controller = scene.controller(&[]);
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let manifests: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    let mut documents = Vec::new();
    let mut applications = Vec::new();
    for manifest in &manifests {
        let text = std::fs::read_to_string(manifest).unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            let document = soon_good(Value::deserialize(document).unwrap());
            documents.push(document.to_string());
            applications.extend((document["kind"] == "FlinkApplication").then_some(document));
        }
    }
    let apply = ["apply", "--server-side", "-f", "-", "-n", &scene.namespace];
    scene.cluster.kubectl_ok(&apply, Some(&documents.join("\n")));
    assert!(
        applications.len() >= manifests.len(),
        "every example has a FlinkApplication"
    );

    for wanted in &applications {
        let name = wanted["metadata"]["name"].as_str().unwrap();
        scene.ready(name);
        let expected = if wanted["spec"]["desiredState"] == "Stopped" {
            "READY"
        } else {
            "RUNNING"
        };
        assert_eq!(scene.application(name)["status"], expected, "{name}");
        assert_eq!(scene.emulator.count_for("CreateApplication", name), 1, "{name}");
    }
    let refused: Vec<_> = scene
        .requests_since(0)
        .into_iter()
        .filter(|call| call.outcome != "ok")
        .collect();
    assert_eq!(refused, []);
}

/// The document as it is, with a gate that does not wait for minutes.
fn soon_good(mut document: Value) -> Value {
    if document["kind"] == "FlinkApplication" {
        let gate = json!({"rollout": {"gate": {"stableFor": "1s", "minCompletedCheckpoints": 0}}});
        json_patch::merge(&mut document["spec"], &gate);
    }
    document
}
