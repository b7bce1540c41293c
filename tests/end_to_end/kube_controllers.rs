//! Kubernetes' own controllers run in the test cluster: garbage is collected and aggregated roles are filled. That
//! deleted namespaces go is seen wherever one is deleted.

use std::time::Duration;

use serde_json::{Value, json};

use crate::testbed::{Cluster, eventually};

const SOON: Duration = Duration::from_mins(1);

#[test]
fn what_is_owned_goes_with_its_owner() {
    let cluster = Cluster::shared();
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}});
    let owner = create(cluster, &owner);
    let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]});
    let dependent = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "owned", "ownerReferences": [reference]},
    });
    create(cluster, &dependent);
    cluster.kubectl_ok(&["delete", "configmap", "owner", "-n", "default"], None);
    eventually("what was owned is gone", SOON, || {
        find(cluster, "configmap/owned").is_none()
    });
}

#[test]
fn an_aggregated_role_has_the_rules_of_its_parts() {
    let cluster = Cluster::shared();
    let rule = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
    create(
        cluster,
        &json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "whole"},
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"part-of": "whole"}}]},
            "rules": [],
        }),
    );
    create(
        cluster,
        &json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "part", "labels": {"part-of": "whole"}},
            "rules": [rule],
        }),
    );
    eventually("the rules are there", SOON, || {
        let filled = find(cluster, "clusterrole/whole")?;
        (filled["rules"] == json!([rule])).then_some(())
    });
}

fn create(cluster: &Cluster, object: &Value) -> Value {
    let arguments = ["create", "-n", "default", "-o", "json", "-f", "-"];
    let created = cluster.kubectl_ok(&arguments, Some(&object.to_string()));
    serde_json::from_str(&created).unwrap()
}

fn find(cluster: &Cluster, name: &str) -> Option<Value> {
    let found = cluster.kubectl_ok(
        &["get", name, "-n", "default", "-o", "json", "--ignore-not-found"],
        None,
    );
    (!found.is_empty()).then(|| serde_json::from_str(&found).unwrap())
}
