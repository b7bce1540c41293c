//! The controller's rights: what it asks for is granted, and nothing else is.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::Value;

use crate::testbed::{Cluster, Controller, repository};

/// One right per entry: `verb resource.group`, with the name it is limited to.
type Rights = BTreeSet<String>;

fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// What the roles in a file of `deploy/rbac` grant.
fn granted_by(file: &str) -> Rights {
    let path = repository().join("deploy/rbac").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap());
    let mut rights = Rights::new();
    for rule in documents.flat_map(|document| document["rules"].as_array().cloned().unwrap_or_default()) {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                let resource = qualified(resource, group);
                for verb in words(&rule["verbs"]) {
                    rights.extend(limited(verb, &resource, &words(&rule["resourceNames"])));
                }
            }
        }
    }
    rights
}

/// The name of a resource as kubectl writes it: `flinkapplications.sluicegate.dev/status`.
fn qualified(resource: &str, group: &str) -> String {
    match (resource.split_once('/'), group) {
        (_, "") => resource.to_owned(),
        (Some((resource, part)), group) => format!("{resource}.{group}/{part}"),
        (None, group) => format!("{resource}.{group}"),
    }
}

fn limited(verb: &str, resource: &str, names: &[&str]) -> Vec<String> {
    if names.is_empty() {
        return vec![format!("{verb} {resource}")];
    }
    names.iter().map(|name| format!("{verb} {resource} {name}")).collect()
}

/// What `kubectl auth can-i --list` says of a `ServiceAccount` in a namespace.
fn can_do(cluster: &Cluster, account: &str, namespace: &str) -> Rights {
    let table = cluster.kubectl_ok(&["auth", "can-i", "--list", "-n", namespace, "--as", account], None);
    let mut rights = Rights::new();
    for line in table.lines().skip(1) {
        // Resources, non-resource URLs, names, verbs: the last three in brackets; the first is empty for URLs.
        let (resource, rest) = line.split_once('[').unwrap_or_else(|| panic!("{line}"));
        let lists: Vec<Vec<&str>> = rest
            .split('[')
            .map(|list| list.split(']').next().unwrap_or_default().split_whitespace().collect())
            .collect();
        let [urls, names, verbs] = lists.as_slice() else {
            panic!("{line}")
        };
        let subject = if resource.trim().is_empty() {
            urls.join(" ")
        } else {
            resource.trim().to_owned()
        };
        for verb in verbs {
            rights.extend(limited(verb, &subject, names));
        }
    }
    rights
}

/// What the controller can do that an account without any binding cannot.
fn own_rights(cluster: &Cluster, namespace: &str) -> Rights {
    let nobody = can_do(cluster, "system:serviceaccount:sluicegate-system:nobody", namespace);
    assert!(!nobody.is_empty(), "every account may look at its own rights");
    &can_do(cluster, Controller::USER, namespace) - &nobody
}

#[test]
fn the_service_account_can_do_what_deploy_rbac_says_and_nothing_else() {
    let cluster = Cluster::shared();
    cluster.install().unwrap();
    let everywhere = granted_by("controller.yaml");
    assert!(everywhere.contains("patch flinkapplications.sluicegate.dev/status"));
    assert_eq!(own_rights(cluster, "default"), everywhere);
    let at_home = &everywhere | &granted_by("leader.yaml");
    assert_eq!(own_rights(cluster, "sluicegate-system"), at_home);
}
