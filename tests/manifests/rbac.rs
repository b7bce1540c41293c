//! The rules of `deploy/rbac/`: exactly what the controller calls, and what people get.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::NAMESPACE;
use crate::files::{documents, yaml_files};

/// One right in words: `verb resource.group`, with the names it is limited to.
fn rights(role: &Value) -> BTreeSet<String> {
    let words = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let mut found = BTreeSet::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        assert!(rule["nonResourceURLs"].is_null(), "{rule}");
        let names = words(&rule["resourceNames"]);
        let limit = if names.is_empty() {
            String::new()
        } else {
            format!(" named {}", names.join(", "))
        };
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                for verb in words(&rule["verbs"]) {
                    let dot = if group.is_empty() { "" } else { "." };
                    found.insert(format!("{verb} {resource}{dot}{group}{limit}"));
                }
            }
        }
    }
    found
}

fn object(file: &str, kind: &str, name: &str) -> Value {
    let found = documents(file)
        .into_iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("{file} has the {kind} {name}"))
}

fn set(rights: &[&str]) -> BTreeSet<String> {
    rights.iter().map(|right| (*right).to_owned()).collect()
}

#[test]
fn the_controller_has_exactly_the_rights_it_uses() {
    let expected = set(&[
        "list flinkapplications.sluicegate.dev",
        "watch flinkapplications.sluicegate.dev",
        "patch flinkapplications.sluicegate.dev",
        "patch flinkapplications/status.sluicegate.dev",
        "get configmaps",
        "list configmaps",
        "watch configmaps",
        "create events.events.k8s.io",
        "get namespaces named kube-system",
    ]);
    assert_eq!(
        rights(&object("deploy/rbac/controller.yaml", "ClusterRole", "sluicegate")),
        expected
    );
}

#[test]
fn the_leader_has_rights_on_one_lease() {
    let role = object("deploy/rbac/leader.yaml", "Role", "sluicegate-leader");
    let expected = set(&[
        "create leases.coordination.k8s.io",
        "get leases.coordination.k8s.io named sluicegate",
        "update leases.coordination.k8s.io named sluicegate",
    ]);
    assert_eq!(rights(&role), expected);
    assert_eq!(role["metadata"]["namespace"], json!(NAMESPACE));
}

#[test]
fn both_roles_are_bound_to_the_service_account_of_the_pod_and_to_nothing_else() {
    let subject = json!([{"kind": "ServiceAccount", "name": "sluicegate", "namespace": NAMESPACE}]);
    let bindings: Vec<Value> = yaml_files("deploy/rbac")
        .iter()
        .flat_map(|file| documents(&format!("deploy/rbac/{file}")))
        .filter(|object| object["kind"].as_str().is_some_and(|kind| kind.ends_with("Binding")))
        .collect();
    let bound: BTreeSet<String> = bindings
        .iter()
        .map(|binding| binding["roleRef"]["name"].to_string())
        .collect();
    assert_eq!(bound, set(&["\"sluicegate\"", "\"sluicegate-leader\""]));
    for binding in &bindings {
        assert_eq!(binding["subjects"], subject);
    }
    assert_eq!(
        crate::deployment()["spec"]["template"]["spec"]["serviceAccountName"],
        json!("sluicegate")
    );
}

#[test]
fn no_role_holds_a_wildcard_a_secret_or_a_right_over_rights() {
    for file in yaml_files("deploy/rbac") {
        for object in documents(&format!("deploy/rbac/{file}")) {
            for right in rights(&object) {
                assert!(!right.contains('*'), "{file}: {right}");
                for word in [
                    "secrets",
                    "roles",
                    "bindings",
                    "serviceaccounts",
                    "impersonate",
                    "escalate",
                    "bind ",
                ] {
                    assert!(!right.contains(word), "{file}: {right}");
                }
            }
        }
    }
}

#[test]
fn whoever_views_or_edits_a_namespace_views_or_edits_its_applications_but_not_their_status() {
    let aggregates = |role: &Value, to: &str| {
        role["metadata"]["labels"][format!("rbac.authorization.k8s.io/aggregate-to-{to}")] == json!("true")
    };
    let view = object("deploy/rbac/users.yaml", "ClusterRole", "sluicegate-view");
    let edit = object("deploy/rbac/users.yaml", "ClusterRole", "sluicegate-edit");
    assert!(["view", "edit", "admin"].iter().all(|to| aggregates(&view, to)));
    assert!(["edit", "admin"].iter().all(|to| aggregates(&edit, to)) && !aggregates(&edit, "view"));
    let reads = |right: &String| ["get ", "list ", "watch "].iter().any(|verb| right.starts_with(verb));
    assert!(rights(&view).iter().all(reads), "viewing changes nothing");
    assert!(
        !rights(&edit).iter().any(|right| right.contains("/status")),
        "only the controller writes the status"
    );
}
