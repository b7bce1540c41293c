//! What the API server makes of a status, and what is told where it takes none.

use serde_json::{Map, Value, json};
use sluicegate::api::status::FlinkApplicationStatus;

use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::{CRD, eventually};

/// A value of a schema: with every member there is, or with those alone that are required.
fn example(schema: &Value, whole: bool) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("object"), _) => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let members = schema["properties"].as_object().into_iter().flatten();
            let members = members.filter(|(name, _)| whole || required.contains(&json!(name)));
            let members = members.map(|(name, property)| (name.clone(), example(property, whole)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        (Some("array"), _) if whole => json!([example(&schema["items"], true)]),
        (Some("array"), _) => json!([]),
        (Some("boolean"), _) => json!(true),
        (Some("integer"), _) => json!(1),
        (_, Some("date-time")) => json!("2026-01-01T00:00:00Z"),
        _ => json!("x"),
    }
}

/// The places of all structs below a schema.
fn structs(schema: &Value, place: &str, found: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["properties"].is_object() {
            let place = format!("{place}/{name}");
            structs(property, &place, found);
            found.push(place);
        }
    }
}

/// The schema of the status as it is installed.
fn schema(scene: &Scene) -> Value {
    let crd = scene
        .cluster
        .everywhere(CRD)
        .get("flinkapplications.sluicegate.dev")
        .unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"].clone()
}

/// What the controller writes of a status.
fn written(status: &Value) -> Value {
    let mut status: FlinkApplicationStatus = serde_json::from_value(status.clone()).unwrap();
    status.journal = status.journal.without_empty();
    serde_json::to_value(status).unwrap()
}

#[test]
fn every_struct_of_the_status_can_be_set_and_emptied() {
    let scene = Scene::open("emptied");
    scene.apply("orders", &json!({}));
    let resources = scene.resources();
    let schema = schema(&scene);
    let whole = example(&schema, true);
    let mut places = Vec::new();
    structs(&schema, "", &mut places);
    assert!(places.len() >= 15, "{places:?}");
    for place in places {
        let least = example(schema.pointer(&place.replace('/', "/properties/")).unwrap(), false);
        let mut emptied = whole.clone();
        *emptied.pointer_mut(&place).unwrap() = least.clone();
        resources.apply_status("orders", &written(&whole)).unwrap();
        if least == json!({}) {
            let refusal = resources.apply_status("orders", &emptied).unwrap_err();
            assert!(refusal.contains(r#"Invalid value: "null""#), "{place}: {refusal}");
        }
        let taken = resources.apply_status("orders", &written(&emptied));
        assert_eq!(taken, Ok(()), "{place}");
        let stored = scene.app("orders")["status"].clone();
        assert_eq!(stored, written(&emptied), "{place}");
    }
}

#[test]
fn a_status_that_the_api_server_refuses_is_told() {
    let scene = Scene::open("refused-status");
    let controller = scene.controller(&[]);
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
    let refusing = json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "refused-status"},
            "spec": {
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": ["sluicegate.dev"], "apiVersions": ["*"], "operations": ["UPDATE"],
                    "resources": ["flinkapplications/status"],
                }]},
                "validations": [{"expression": "false", "message": "no status is taken", "reason": "Invalid"}],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "refused-status"},
            "spec": {
                "policyName": "refused-status",
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchLabels": {
                    "kubernetes.io/metadata.name": scene.namespace,
                }}},
            },
        },
    ]});
    let refusing = refusing.to_string();
    scene.cluster.kubectl_ok(&["apply", "-f", "-"], Some(&refusing));
    let mut asked = 0;
    eventually("the refusal is told", PATIENCE, || {
        asked += 1;
        scene.annotate("orders", "reconcile-requested-at", &format!("look {asked}"));
        let metrics = controller.metrics();
        let counted = metrics
            .lines()
            .any(|line| line.starts_with("sluicegate_status_rejections_total") && !line.ends_with(" 0"));
        counted && !scene.events("StatusRejected").is_empty()
    });
    let told = scene.events("StatusRejected");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["type"], "Warning");
    let message = told[0]["message"].as_str().unwrap();
    assert!(message.contains("no status is taken"), "{message}");
    scene.cluster.kubectl_ok(&["delete", "-f", "-"], Some(&refusing));
    scene.annotate("orders", "reconcile-requested-at", "last");
    scene.until("orders", "was looked at", |app| {
        app["status"]["handled"]["reconcile"] == "last"
    });
}
