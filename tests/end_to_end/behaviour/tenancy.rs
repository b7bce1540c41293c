//! What a namespace may ask for, by the policy of `deploy/tenancy/`.

use std::sync::Once;

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene};
use crate::testbed::{NAMESPACE, eventually, repository};

/// The policy is one for all namespaces, and applies to those that carry its label.
static POLICY: Once = Once::new();

/// A namespace in which the policy is enforced.
fn tenant(namespace: &str) -> Scene {
    let scene = Scene::open(namespace);
    POLICY.call_once(|| {
        let policy = repository().join("deploy/tenancy/policy.yaml");
        scene
            .cluster
            .kubectl_ok(&["apply", "-f", policy.to_str().unwrap()], None);
    });
    let label = json!({"metadata": {"labels": {"sluicegate.dev/tenancy": "enforced"}}});
    scene.cluster.everywhere(NAMESPACE).patch(namespace, &label);
    eventually("the policy is enforced", PATIENCE, || {
        refusal(&scene, &json!({})).is_some_and(|said| said.contains("sluicegate-tenancy") || said.contains("tenancy."))
    });
    scene
}

/// What the API server says against a spec; nothing when it takes it.
fn refusal(scene: &Scene, changes: &Value) -> Option<String> {
    scene.resources().refusal_to_apply(&scene.manifest("orders", changes))
}

fn allow(scene: &Scene, data: &Value) {
    scene.config_map("sluicegate-tenancy", data);
}

/// Parameters that allow what the tests ask for, without one key.
fn all_but(key: &str) -> Value {
    let mut data = json!({
        "roles": "arn:aws:iam::111122223333:role/other\narn:aws:iam::111122223333:role/flink/*\n",
        "buckets": "code\n",
        "regions": "eu-west-1\n",
        "applicationNames": "pay*\nord*\n",
        "adoption": "true",
        "deletion": "true",
    });
    data.as_object_mut().unwrap().remove(key);
    data
}

#[test]
fn each_refusal_names_the_parameter_that_would_allow_it() {
    let scene = tenant("tenant");
    let everything = json!({
        "region": "eu-west-1",
        "management": {"adoption": "Adopt"},
        "deletion": {"policy": "Delete", "stateLoss": "Accepted"},
    });
    let without = refusal(&scene, &everything).unwrap();
    assert!(without.contains("tenancy.sluicegate.dev"), "{without}");
    for key in [
        "roles",
        "buckets",
        "regions",
        "applicationNames",
        "adoption",
        "deletion",
    ] {
        allow(&scene, &all_but(key));
        eventually(&format!("{key} is refused"), PATIENCE, || {
            let said = refusal(&scene, &everything).unwrap_or_default();
            let named = said.contains(&format!("{key} in ConfigMap sluicegate-tenancy"))
                || said.contains(&format!("set {key} to \"true\" in ConfigMap sluicegate-tenancy"));
            if named { Ok(()) } else { Err(said) }
        });
    }
    allow(&scene, &all_but(""));
    eventually("everything is allowed", PATIENCE, || {
        match refusal(&scene, &everything) {
            None => Ok(()),
            Some(said) => Err(said),
        }
    });
}

#[test]
fn what_exists_is_judged_only_when_its_spec_changes() {
    let scene = tenant("strict-later");
    allow(&scene, &all_but(""));
    eventually("the resource is allowed", PATIENCE, || {
        refusal(&scene, &json!({})).is_none()
    });
    scene.apply("orders", &json!({"deletion": {"policy": "Stop"}}));
    allow(&scene, &json!({}));
    let newer = json!({"parallelism": {"parallelism": 2}});
    eventually("a change of it is refused", PATIENCE, || {
        refusal(&scene, &newer).is_some()
    });
    scene.annotate("orders", "reconcile-requested-at", "now");
    let finalizers = json!({"metadata": {"finalizers": ["sluicegate.dev/application"]}});
    scene.resources().patch("orders", &finalizers);
    scene.delete("orders");
    scene
        .resources()
        .patch("orders", &json!({"metadata": {"finalizers": null}}));
    assert_eq!(scene.resources().get("orders"), None);
}

/// What the API server says against a merge patch of a resource; nothing when it takes it.
fn refusal_of(scene: &Scene, spec: &Value) -> Option<String> {
    let patch = json!({"spec": spec}).to_string();
    let namespace = ["patch", "msfapp", "orders", "-n", &scene.namespace];
    let arguments = [&namespace[..], &["--type=merge", "-p", &patch]].concat();
    let output = scene.cluster.kubectl(&arguments, None);
    (!output.success).then_some(output.stderr)
}

#[test]
fn a_deletion_under_way_gets_no_right_that_the_namespace_does_not_have() {
    let scene = tenant("no-deletion");
    let mut allowed = all_but("");
    allowed["deletion"] = json!("false");
    allow(&scene, &allowed);
    let delete = json!({"deletion": {"policy": "Delete", "stateLoss": "Accepted"}});
    eventually("the resource is allowed and its deletion is not", PATIENCE, || {
        let refused = refusal(&scene, &delete).is_some_and(|said| said.contains("set deletion to"));
        refused && refusal(&scene, &json!({})).is_none()
    });
    scene.apply("orders", &json!({"deletion": {"policy": "Stop"}}));
    let finalizers = json!({"metadata": {"finalizers": ["sluicegate.dev/application"]}});
    scene.resources().patch("orders", &finalizers);
    scene.delete("orders");
    let said = refusal_of(&scene, &delete).unwrap_or_default();
    assert!(said.contains("set deletion to \"true\""), "{said}");
    let with_more = json!({"deletion": delete["deletion"], "parallelism": {"parallelism": 2}});
    assert!(refusal_of(&scene, &with_more).is_some());
    assert_eq!(
        refusal_of(&scene, &json!({"deletion": {"finalSnapshot": "Never"}})),
        None
    );
    assert_eq!(refusal_of(&scene, &json!({"deletion": {"policy": "Retain"}})), None);
    scene
        .resources()
        .patch("orders", &json!({"metadata": {"finalizers": null}}));
    assert_eq!(scene.resources().get("orders"), None);
}

#[test]
fn to_keep_the_application_is_allowed_whatever_the_namespace_may_ask_for() {
    let scene = tenant("kept");
    allow(&scene, &all_but(""));
    eventually("the resource is allowed", PATIENCE, || {
        refusal(&scene, &json!({})).is_none()
    });
    scene.apply(
        "orders",
        &json!({"deletion": {"policy": "Delete", "stateLoss": "Accepted"}}),
    );
    allow(&scene, &json!({}));
    let newer = json!({"parallelism": {"parallelism": 2}});
    eventually("a change of it is refused", PATIENCE, || {
        refusal_of(&scene, &newer).is_some()
    });
    let with_more = json!({"deletion": {"policy": "Retain"}, "parallelism": {"parallelism": 2}});
    assert!(refusal_of(&scene, &with_more).is_some());
    assert!(refusal_of(&scene, &json!({"deletion": {"policy": "Stop"}})).is_some());
    assert_eq!(refusal_of(&scene, &json!({"deletion": {"policy": "Retain"}})), None);
}

#[test]
fn the_parameters_that_ship_are_those_that_the_policy_reads() {
    let read = |file: &str| std::fs::read_to_string(repository().join("deploy/tenancy").join(file)).unwrap();
    let parameters: Value = serde_yaml::from_str(&read("parameters.yaml")).unwrap();
    let policy = read("policy.yaml");
    let mut read: Vec<&str> = policy
        .split("variables.given['")
        .skip(1)
        .filter_map(|rest| rest.split('\'').next())
        .collect();
    read.sort_unstable();
    read.dedup();
    let given: Vec<&String> = parameters["data"].as_object().unwrap().keys().collect();
    let mut given: Vec<&str> = given.into_iter().map(String::as_str).collect();
    given.sort_unstable();
    assert_eq!(given, read);
}
