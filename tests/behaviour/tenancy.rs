//! What a namespace may ask for, by the policy of `deploy/tenancy/`.

use serde_json::{Value, json};

use crate::stage::{PATIENCE, Stage};
use crate::testbed::{eventually, repository};

/// A namespace in which the policy is enforced.
fn tenant(namespace: &str) -> Stage {
    let stage = Stage::without_controller(namespace);
    let policy = repository().join("deploy/tenancy/policy.yaml");
    stage
        .cluster
        .kubectl_ok(&["apply", "-f", policy.to_str().unwrap()], None);
    stage.cluster.kubectl_ok(
        &["label", "namespace", namespace, "sluicegate.dev/tenancy=enforced"],
        None,
    );
    eventually("the policy is enforced", PATIENCE, || {
        refusal(&stage, &json!({})).is_some_and(|said| said.contains("sluicegate-tenancy") || said.contains("tenancy."))
    });
    stage
}

/// What the API server says against a spec; nothing when it takes it.
fn refusal(stage: &Stage, changes: &Value) -> Option<String> {
    let manifest = stage.manifest("orders", changes).to_string();
    let output = stage
        .cluster
        .kubectl(&["apply", "--dry-run=server", "-f", "-"], Some(&manifest));
    (!output.success).then_some(output.stderr)
}

fn allow(stage: &Stage, data: &Value) {
    stage.config_map("sluicegate-tenancy", data);
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
    let stage = tenant("tenant");
    let everything = json!({
        "region": "eu-west-1",
        "management": {"adoption": "Adopt"},
        "deletion": {"policy": "Delete", "stateLoss": "Accepted"},
    });
    let without = refusal(&stage, &everything).unwrap();
    assert!(without.contains("tenancy.sluicegate.dev"), "{without}");
    for key in [
        "roles",
        "buckets",
        "regions",
        "applicationNames",
        "adoption",
        "deletion",
    ] {
        allow(&stage, &all_but(key));
        eventually(&format!("{key} is refused"), PATIENCE, || {
            let said = refusal(&stage, &everything).unwrap_or_default();
            let named = said.contains(&format!("{key} in ConfigMap sluicegate-tenancy"))
                || said.contains(&format!("set {key} to \"true\" in ConfigMap sluicegate-tenancy"));
            if named { Ok(()) } else { Err(said) }
        });
    }
    allow(&stage, &all_but(""));
    eventually("everything is allowed", PATIENCE, || {
        match refusal(&stage, &everything) {
            None => Ok(()),
            Some(said) => Err(said),
        }
    });
}

#[test]
fn what_exists_is_judged_only_when_its_spec_changes() {
    let stage = tenant("strict-later");
    allow(&stage, &all_but(""));
    eventually("the resource is allowed", PATIENCE, || {
        refusal(&stage, &json!({})).is_none()
    });
    stage.apply("orders", &json!({"deletion": {"policy": "Stop"}}));
    allow(&stage, &json!({}));
    let newer = json!({"parallelism": {"parallelism": 2}});
    eventually("a change of it is refused", PATIENCE, || {
        refusal(&stage, &newer).is_some()
    });
    stage.annotate("orders", "reconcile-requested-at", "now");
    let finalizers = json!({"metadata": {"finalizers": ["sluicegate.dev/application"]}}).to_string();
    stage.kubectl(&["patch", "msfapp", "orders", "--type=merge", "-p", &finalizers]);
    stage.kubectl(&["delete", "msfapp", "orders", "--wait=false"]);
    let none = json!({"metadata": {"finalizers": null}}).to_string();
    stage.kubectl(&["patch", "msfapp", "orders", "--type=merge", "-p", &none]);
    let left = stage.cluster.get(&stage.namespace, "flinkapplication/orders");
    assert_eq!(left, None);
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
