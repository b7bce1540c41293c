//! An object that the controller's types cannot read stops nobody else.

use serde_json::{Value, json};

use crate::stage::{PATIENCE, Stage};
use crate::testbed::{Cluster, eventually, repository, scratch};

const CRD: &str = "flinkapplications.sluicegate.dev";

#[test]
fn an_object_that_cannot_be_read_stops_nobody_else() {
    // A cluster of its own: the schema is loosened for a while, and other tests rely on it.
    let cluster = Cluster::start(&scratch("loose-cluster").unwrap()).unwrap();
    let mut stage = Stage::on(Box::leak(Box::new(cluster)), "unreadable", &[]);
    stage.start_controller();
    stage.apply("before", &json!({}));
    stage.ready("before");

    loosen(&stage);
    let manifest = unreadable(&stage).to_string();
    eventually("the API server takes the object", PATIENCE, || {
        let output = stage.cluster.kubectl(&["create", "-f", "-"], Some(&manifest));
        if output.success { Ok(()) } else { Err(output.stderr) }
    });
    restore(&stage, &manifest);

    // A controller that watches goes on.
    stage.apply("before", &json!({"parallelism": {"parallelism": 2}}));
    assert_eq!(stage.ready("before")["status"]["parallelism"], 2);
    // A controller that starts lists it and starts all the same.
    stage.replace_controller();
    stage.apply("after", &json!({}));
    stage.ready("after");
    stage.look("before");
    assert!(stage.emulator.describe("broken").is_none());
    stage.kubectl(&["delete", "msfapp", "broken", "--timeout=60s"]);
    stage.look("after");
}

/// An object whose members have other types than those of the resource.
fn unreadable(stage: &Stage) -> Value {
    json!({
        "apiVersion": "sluicegate.dev/v1alpha1",
        "kind": "FlinkApplication",
        "metadata": {"name": "broken", "namespace": stage.namespace},
        "spec": {"code": "a string", "runtimeEnvironment": ["a list"], "desiredState": 7},
    })
}

/// Lets the API server take anything.
fn loosen(stage: &Stage) {
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
    stage.kubectl(&["patch", "crd", CRD, "--type=json", "-p", &operations.to_string()]);
}

/// Gives the resource its schema back, and waits until the API server uses it.
fn restore(stage: &Stage, refused: &str) {
    let path = repository().join("crds/flinkapplications.yaml").display().to_string();
    stage
        .cluster
        .kubectl_ok(&["apply", "--server-side", "--force-conflicts", "-f", &path], None);
    let other = refused.replace("\"broken\"", "\"broken-too\"");
    eventually("the API server uses the schema again", PATIENCE, || {
        let attempt = ["create", "--dry-run=server", "-f", "-"];
        !stage.cluster.kubectl(&attempt, Some(&other)).success
    });
}
