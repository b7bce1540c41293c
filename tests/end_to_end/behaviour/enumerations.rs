//! Every value that the schema of the spec lists can be asked for.

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::testbed::CRD;

/// A value of a schema with the members that are required.
fn least(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let required = required.filter_map(Value::as_str);
            let members = required.map(|name| (name.to_owned(), least(&schema["properties"][name])));
            Value::Object(members.collect())
        }
        Some("array") => json!([]),
        Some("boolean") => json!(true),
        Some("integer") => json!(1),
        _ => json!("x"),
    }
}

/// Calls `ask` with each listed value below a schema, as what it makes of the spec, and with its place.
fn each(place: &str, schema: &Value, whole: &dyn Fn(Value) -> Value, ask: &mut dyn FnMut(&str, &Value, Value)) {
    for value in schema["enum"].as_array().into_iter().flatten() {
        ask(place, value, whole(value.clone()));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let inside = |value: Value| {
            let mut members = least(schema);
            members[name] = value;
            whole(members)
        };
        each(&format!("{place}.{name}"), property, &inside, ask);
    }
    if schema["items"].is_object() {
        let inside = |value: Value| whole(json!([value]));
        each(&format!("{place}[]"), &schema["items"], &inside, ask);
    }
    if schema["additionalProperties"].is_object() {
        let inside = |value: Value| whole(json!({"x": value}));
        each(&format!("{place}[*]"), &schema["additionalProperties"], &inside, ask);
    }
}

#[test]
fn every_value_that_the_schema_lists_is_one_that_a_spec_may_have() {
    let scene = Scene::open("enumerations");
    let crd = scene
        .cluster
        .everywhere(CRD)
        .get("flinkapplications.sluicegate.dev")
        .unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut asked = Vec::new();
    each("spec", schema, &|spec| spec, &mut |place, value, spec| {
        asked.push(format!("{place}: {value}"));
        assert!(value.is_string(), "{place}: {value} is no text");
        // A rule about several fields may refuse a value without its company, in words that name the field.
        let refusal = scene.resources().refusal_to_apply(&scene.manifest("orders", &spec));
        let refusal = refusal.unwrap_or_default();
        for wrong in [
            "Unsupported value",
            "must be of type",
            "unknown",
            "failed to create typed patch",
        ] {
            assert!(!refusal.contains(wrong), "{place}: {value}: {refusal}");
        }
    });
    for known in [
        "spec.desiredState: \"Stopped\"",
        "spec.health.transitions.mode: \"Never\"",
    ] {
        assert!(asked.iter().any(|asked| asked == known), "{asked:?}");
    }
}
