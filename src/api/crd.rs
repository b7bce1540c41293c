//! The `CustomResourceDefinition`, generated from the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use crate::api::spec::FlinkApplication;

/// The definition as it is installed in a cluster.
///
/// Optional fields are not nullable: the API server then drops an explicit null before validation, so that a rule never
/// meets one. Line breaks of descriptions are folded.
#[must_use]
pub fn crd() -> CustomResourceDefinition {
    let mut crd = FlinkApplication::crd();
    for version in &mut crd.spec.versions {
        if let Some(schema) = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
        {
            tidy(schema);
        }
    }
    crd
}

fn tidy(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.description = schema
        .description
        .take()
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    schema
        .properties
        .iter_mut()
        .flat_map(|properties| properties.values_mut())
        .for_each(tidy);
    if let Some(JSONSchemaPropsOrBool::Schema(inner)) = &mut schema.additional_properties {
        tidy(inner);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(inner)) = &mut schema.items {
        tidy(inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `visit` with the path and the schema of every field below.
    fn walk(path: &str, schema: &JSONSchemaProps, visit: &mut impl FnMut(&str, &JSONSchemaProps)) {
        visit(path, schema);
        for (name, property) in schema.properties.iter().flatten() {
            walk(&format!("{path}.{name}"), property, visit);
        }
        if let Some(JSONSchemaPropsOrBool::Schema(inner)) = &schema.additional_properties {
            walk(&format!("{path}[*]"), inner, visit);
        }
        if let Some(JSONSchemaPropsOrArray::Schema(inner)) = &schema.items {
            walk(&format!("{path}[]"), inner, visit);
        }
    }

    fn each(mut visit: impl FnMut(&str, &JSONSchemaProps)) {
        let crd = crd();
        let schema = crd.spec.versions[0]
            .schema
            .as_ref()
            .unwrap()
            .open_api_v3_schema
            .as_ref()
            .unwrap();
        for (name, property) in schema.properties.as_ref().unwrap() {
            walk(name, property, &mut visit);
        }
    }

    #[test]
    fn every_field_is_described() {
        each(|path, schema| {
            let element = path.ends_with(']');
            assert!(
                element || schema.description.as_ref().is_some_and(|text| !text.is_empty()),
                "{path}"
            );
        });
    }

    #[test]
    fn every_string_list_and_map_is_bounded() {
        each(|path, schema| {
            let enumerated = schema.enum_.is_some() || schema.format.as_deref() == Some("date-time");
            match schema.type_.as_deref() {
                Some("string") => assert!(enumerated || schema.max_length.is_some(), "{path}"),
                Some("array") => assert!(schema.max_items.is_some(), "{path}"),
                Some("object") if schema.properties.is_none() => assert!(schema.max_properties.is_some(), "{path}"),
                _ => {}
            }
        });
    }

    #[test]
    fn only_the_desired_state_and_the_status_have_a_default() {
        each(|path, schema| {
            let may = ["spec.desiredState", "status"].contains(&path);
            assert_eq!(schema.default.is_some(), may, "{path}");
        });
    }

    #[test]
    fn no_reference_leaves_the_namespace() {
        each(|path, _| assert!(!path.ends_with(".namespace"), "{path}"));
    }
}
