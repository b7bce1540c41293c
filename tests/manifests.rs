//! What ships in `deploy/` is as strict as the documentation says: the pod, the rules of RBAC, the network, the policies
//! of IAM, the image and the examples.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/argocd.rs"]
mod argocd;
#[path = "manifests/examples.rs"]
mod examples;
#[path = "manifests/files.rs"]
mod files;
#[path = "manifests/argocd.rs"]
mod for_argocd;
#[path = "manifests/iam.rs"]
mod iam;
#[path = "manifests/rbac.rs"]
mod rbac;
#[path = "manifests/readers.rs"]
mod readers;

use std::collections::{BTreeMap, BTreeSet};

use files::{documents, only, text, yaml_files};
use serde_json::{Value, json};

const NAMESPACE: &str = "sluicegate-system";

fn deployment() -> Value {
    only("deploy/deployment.yaml")
}

fn container() -> Value {
    let containers = deployment()["spec"]["template"]["spec"]["containers"].clone();
    assert_eq!(
        containers.as_array().map(Vec::len),
        Some(1),
        "the pod has one container"
    );
    containers[0].clone()
}

#[test]
fn every_manifest_belongs_to_a_kustomization_and_every_entry_exists() {
    for folder in ["deploy", "deploy/rbac", "crds"] {
        let listed: BTreeSet<String> = only(&format!("{folder}/kustomization.yaml"))["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|entry| !matches!(*entry, "../crds" | "rbac"))
            .map(str::to_owned)
            .collect();
        let present: BTreeSet<String> = yaml_files(folder)
            .into_iter()
            .filter(|name| name != "kustomization.yaml")
            .collect();
        assert_eq!(listed, present, "{folder}/kustomization.yaml");
    }
    let base = only("deploy/kustomization.yaml");
    for entry in ["../crds", "rbac"] {
        assert!(
            base["resources"]
                .as_array()
                .is_some_and(|all| all.contains(&json!(entry))),
            "{entry} is in the base"
        );
    }
}

#[test]
fn the_pod_passes_the_restricted_pod_security_standard() {
    let pod = &deployment()["spec"]["template"]["spec"];
    let own = &pod["securityContext"];
    assert_eq!(own["runAsNonRoot"], json!(true));
    assert_eq!(own["runAsUser"], json!(65532));
    assert_eq!(own["runAsGroup"], json!(65532));
    assert_eq!(own["seccompProfile"], json!({"type": "RuntimeDefault"}));
    for sharing in [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "initContainers",
        "shareProcessNamespace",
    ] {
        assert!(pod[sharing].is_null(), "{sharing} is not set");
    }
    let expected = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]},
    });
    assert_eq!(container()["securityContext"], expected);

    let labels = &only("deploy/namespace.yaml")["metadata"]["labels"];
    for mode in ["enforce", "audit", "warn"] {
        assert_eq!(
            labels[format!("pod-security.kubernetes.io/{mode}")],
            json!("restricted"),
            "{mode}"
        );
    }
}

#[test]
fn the_pod_mounts_nothing_but_a_token_that_lives_an_hour() {
    let pod = &deployment()["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], json!(false));
    assert_eq!(
        only("deploy/rbac/serviceaccount.yaml")["automountServiceAccountToken"],
        json!(false)
    );
    let volumes = pod["volumes"].as_array().cloned().unwrap_or_default();
    assert_eq!(volumes.len(), 1);
    let sources = volumes[0]["projected"]["sources"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let token = sources.iter().find_map(|source| source.get("serviceAccountToken"));
    assert!(token.is_some_and(|token| {
        token["expirationSeconds"]
            .as_i64()
            .is_some_and(|seconds| seconds <= 3600)
    }));
    let mount = json!([{
        "name": volumes[0]["name"],
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
        "readOnly": true,
    }]);
    assert_eq!(container()["volumeMounts"], mount);
}

#[test]
fn the_container_has_bounds_probes_and_no_way_to_the_role_of_its_node() {
    let container = container();
    for bound in [
        "/resources/requests/cpu",
        "/resources/requests/memory",
        "/resources/limits/cpu",
        "/resources/limits/memory",
    ] {
        assert!(container.pointer(bound).is_some_and(Value::is_string), "{bound} is set");
    }
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(
            container[probe]["httpGet"],
            json!({"path": path, "port": "http"}),
            "{probe}"
        );
    }
    assert_eq!(
        container["ports"],
        json!([{"name": "http", "containerPort": 8080, "protocol": "TCP"}])
    );
    let env = container["env"].as_array().cloned().unwrap_or_default();
    assert!(env.contains(&json!({"name": "AWS_EC2_METADATA_DISABLED", "value": "true"})));
    let secret = env
        .iter()
        .find(|entry| entry.pointer("/valueFrom/secretKeyRef").is_some());
    assert!(
        secret.is_none() && container["envFrom"].is_null(),
        "the container reads no Secret"
    );
}

#[test]
fn the_image_is_the_version_of_the_workspace() {
    assert_eq!(
        container()["image"],
        json!(format!("sluicegate:{}", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn two_replicas_survive_a_drain_and_the_service_finds_them() {
    let deployment = deployment();
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(deployment["spec"]["replicas"], json!(2));
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], *labels);
    let budget = only("deploy/poddisruptionbudget.yaml");
    assert_eq!(
        budget["spec"],
        json!({"minAvailable": 1, "selector": {"matchLabels": labels}})
    );
    let service = only("deploy/service.yaml");
    assert_eq!(service["spec"]["selector"], *labels);
    assert_eq!(
        service["spec"]["ports"],
        json!([{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}])
    );
}

#[test]
fn every_namespaced_object_lives_in_the_namespace_of_the_controller() {
    let cluster_wide = ["Namespace", "ClusterRole", "ClusterRoleBinding", "Kustomization"];
    for folder in ["deploy", "deploy/rbac"] {
        for file in yaml_files(folder) {
            for document in documents(&format!("{folder}/{file}")) {
                if document["kind"]
                    .as_str()
                    .is_some_and(|kind| !cluster_wide.contains(&kind))
                {
                    assert_eq!(document["metadata"]["namespace"], json!(NAMESPACE), "{folder}/{file}");
                }
            }
        }
    }
}

#[test]
fn the_network_is_closed_but_for_metrics_dns_and_the_two_apis() {
    let policies = documents("deploy/networkpolicy.yaml");
    let both = json!(["Ingress", "Egress"]);
    assert_eq!(policies.len(), 2);
    assert_eq!(
        policies[0]["spec"],
        json!({"podSelector": {}, "policyTypes": both}),
        "everything is denied first"
    );

    let open = &policies[1]["spec"];
    assert_eq!(
        open["podSelector"]["matchLabels"],
        deployment()["spec"]["template"]["metadata"]["labels"]
    );
    assert_eq!(open["policyTypes"], both);
    assert_eq!(ports(&open["ingress"]), BTreeSet::from(["TCP 8080".to_owned()]));
    let egress = ["TCP 443", "TCP 53", "TCP 6443", "TCP 80", "UDP 53"].map(str::to_owned);
    assert_eq!(ports(&open["egress"]), BTreeSet::from(egress));
    for rule in open["egress"].as_array().into_iter().flatten() {
        assert!(
            rule["to"].as_array().is_some_and(|to| !to.is_empty()),
            "each rule of egress names where to: {rule}"
        );
        if ports(&json!([rule])).contains("TCP 80") {
            let agent = json!([{"ipBlock": {"cidr": "169.254.170.23/32"}}, {"ipBlock": {"cidr": "fd00:ec2::23/128"}}]);
            assert_eq!(
                rule["to"], agent,
                "plain HTTP goes to the agent of EKS Pod Identity alone"
            );
        }
    }
    let everywhere = open["egress"].to_string();
    assert!(
        everywhere.contains(r#""cidr":"0.0.0.0/0","except":["169.254.0.0/16"]"#),
        "no link-local address: {everywhere}"
    );
}

fn ports(rules: &Value) -> BTreeSet<String> {
    let rules = rules.as_array().into_iter().flatten();
    let ports = rules.flat_map(|rule| rule["ports"].as_array().into_iter().flatten());
    ports
        .map(|port| format!("{} {}", port["protocol"].as_str().unwrap_or("any"), port["port"]))
        .collect()
}

#[test]
fn the_image_is_made_from_scratch_and_runs_as_nobody() {
    let dockerfile = text("Dockerfile");
    let bases: BTreeMap<&str, &str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM ")?.split_once(" AS "))
        .map(|(base, stage)| (stage, base))
        .collect();
    assert_eq!(bases.get("base"), Some(&"scratch"));
    assert_eq!(bases.get("image"), Some(&"base"));
    assert_eq!(bases.get("prebuilt"), Some(&"base"));
    let last = dockerfile.lines().rfind(|line| line.starts_with("FROM "));
    assert_eq!(
        last,
        Some("FROM base AS image"),
        "the default target is the whole build"
    );
    for line in ["USER 65532:65532", r#"ENTRYPOINT ["/sluicegate"]"#] {
        assert!(dockerfile.lines().any(|found| found == line), "{line}");
    }
    assert!(
        dockerfile.contains("target-feature=+crt-static"),
        "the binary is static"
    );
}
