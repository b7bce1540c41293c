//! An object that the controller's types cannot read stops nobody else.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene};
use crate::testbed::{CRD, Cluster, Process, eventually, repository, scratch};

const NAME: &str = "flinkapplications.sluicegate.dev";

#[test]
fn an_object_that_cannot_be_read_stops_nobody_else() {
    // A cluster of its own: the schema is loosened for a while, and other tests rely on it.
    let cluster = Cluster::start(&scratch("loose-cluster").unwrap()).unwrap();
    let cluster: &'static Cluster = Box::leak(Box::new(cluster));
    let mut scene = Scene::open_alone(cluster, "unreadable");
    scene.start_controller();
    scene.apply("before", &json!({}));
    scene.ready("before");

    loosen(&scene);
    let manifest = unreadable(&scene);
    eventually("the API server takes the object", PATIENCE, || {
        scene.resources().try_create(&manifest)
    });
    restore(&scene, manifest);

    // A controller that watches goes on.
    scene.apply("before", &json!({"parallelism": {"parallelism": 2}}));
    assert_eq!(scene.ready("before")["status"]["parallelism"], 2);
    // A controller that starts lists it and starts all the same.
    scene.replace_controller();
    scene.apply("after", &json!({}));
    scene.ready("after");
    scene.look("before");
    assert!(scene.emulator.describe("broken").is_none());
    scene.kubectl(&["delete", "msfapp", "broken", "--timeout=60s"]);
    scene.look("after");
    drop(scene);
    cluster.processes().into_iter().for_each(Process::kill9);
}

/// An object whose members have other types than those of the resource.
fn unreadable(scene: &Scene) -> Value {
    json!({
        "apiVersion": "sluicegate.dev/v1alpha1",
        "kind": "FlinkApplication",
        "metadata": {"name": "broken", "namespace": scene.namespace},
        "spec": {"code": "a string", "runtimeEnvironment": ["a list"], "desiredState": 7},
    })
}

/// Lets the API server take anything.
fn loosen(scene: &Scene) {
    let loose = json!({
        "type": "object",
        "properties": {
            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    });
    let operations = json!([
        {"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": loose},
        {"op": "remove", "path": "/spec/versions/0/subresources/scale"},
    ]);
    scene.cluster.everywhere(CRD).edit(NAME, &operations);
}

/// Gives the resource its schema back, and waits until the API server uses it.
fn restore(scene: &Scene, mut refused: Value) {
    let text = std::fs::read_to_string(repository().join("crds/flinkapplications.yaml")).unwrap();
    let crd = serde_yaml::from_str(&text).unwrap();
    scene.cluster.everywhere(CRD).seize(&crd).unwrap();
    refused["metadata"]["name"] = json!("broken-too");
    eventually("the API server uses the schema again", PATIENCE, || {
        scene.resources().refusal(&refused).is_some()
    });
}
