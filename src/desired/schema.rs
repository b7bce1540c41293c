//! Whether a spec fits the schema of the `CustomResourceDefinition`, as the API server would say before anything is sent.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use regex_lite::Regex;
use serde_json::Value;

use crate::api::crd::crd;
use crate::api::spec::FlinkApplicationSpec;
use crate::desired::Violation;

/// The bounds of the schema that a spec breaks. Its rules in CEL are those that [`crate::desired::Desired::parse`] holds it
/// against.
#[must_use]
pub fn misfits(spec: &FlinkApplicationSpec) -> Vec<Violation> {
    let mut found = Vec::new();
    let crd = crd();
    let versions = crd.spec.versions.iter();
    let schemas = versions.filter_map(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref());
    for schema in schemas.filter_map(|schema| schema.properties.as_ref()?.get("spec")) {
        let value = serde_json::to_value(spec).unwrap_or_default();
        look("spec", schema, &value, &mut found);
    }
    found
}

fn look(path: &str, schema: &JSONSchemaProps, value: &Value, found: &mut Vec<Violation>) {
    let mut add = |problem: String| {
        found.push(Violation {
            field: path.to_owned(),
            problem,
        });
    };
    match value {
        Value::String(text) => {
            bounds(
                &mut add,
                text.chars().count(),
                (schema.min_length, schema.max_length),
                "characters",
            );
            let pattern = schema.pattern.as_deref();
            if let Some(pattern) =
                pattern.filter(|pattern| !Regex::new(pattern).is_ok_and(|regex| regex.is_match(text)))
            {
                add(format!("{text:.256?} does not match {pattern}"));
            }
        }
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            if let Some(least) = schema.minimum.filter(|least| number < *least) {
                add(format!("{number} is less than {least}, the least that is allowed"));
            }
            if let Some(most) = schema.maximum.filter(|most| number > *most) {
                add(format!("{number} is more than {most}, the most that is allowed"));
            }
        }
        Value::Array(items) => {
            bounds(&mut add, items.len(), (schema.min_items, schema.max_items), "items");
            if let Some(JSONSchemaPropsOrArray::Schema(inner)) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    look(&format!("{path}[{index}]"), inner, item, found);
                }
            }
        }
        Value::Object(members) => {
            let limits = (schema.min_properties, schema.max_properties);
            bounds(&mut add, members.len(), limits, "entries");
            for (name, member) in members {
                let own = schema.properties.as_ref().and_then(|properties| properties.get(name));
                let other = match &schema.additional_properties {
                    Some(JSONSchemaPropsOrBool::Schema(inner)) => Some(inner.as_ref()),
                    _ => None,
                };
                if let Some(inner) = own.or(other) {
                    look(&format!("{path}.{name:.64}"), inner, member, found);
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn bounds(add: &mut impl FnMut(String), size: usize, (least, most): (Option<i64>, Option<i64>), what: &str) {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if let Some(least) = least.filter(|least| size < *least) {
        add(format!("has {size} {what} and must have at least {least}"));
    }
    if let Some(most) = most.filter(|most| size > *most) {
        add(format!("has {size} {what} and may have at most {most}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(more: &str) -> Vec<String> {
        let spec = format!(
            "runtimeEnvironment: FLINK-1_20\nserviceExecutionRole: arn:aws:iam::111122223333:role/a\ncode: {{s3: {{bucket: demo, key: a.jar}}}}\n{more}"
        );
        let spec: FlinkApplicationSpec = serde_yaml::from_str(&spec).unwrap();
        misfits(&spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_bound_that_is_broken_is_told_by_its_field() {
        let many = |count: usize| {
            let tags = (0..count).map(|number| format!("t{number}: ''"));
            format!("tags: {{{}}}", tags.collect::<Vec<_>>().join(", "))
        };
        for (more, expected) in [
            ("", ""),
            ("parallelism: {parallelism: 40000}", ""),
            (&many(46), ""),
            (&many(47), "spec.tags: has 47 entries and may have at most 46"),
            (
                "parallelism: {parallelismPerKPU: 9}",
                "spec.parallelism.parallelismPerKPU: 9 is more than 8, the most that is allowed",
            ),
            (
                "restartNonce: -1",
                "spec.restartNonce: -1 is less than 0, the least that is allowed",
            ),
            (
                "maintenanceWindow: {startTime: '24:00'}",
                "spec.maintenanceWindow.startTime: \"24:00\" does not match ^([01][0-9]|2[0-3]):[0-5][0-9]$",
            ),
            (
                "vpc: {subnetIds: [], securityGroupIds: [sg-1]}",
                "spec.vpc.subnetIds: has 0 items and must have at least 1",
            ),
            (
                "propertyGroups: [{id: g, properties: {a: ''}}]",
                "spec.propertyGroups[0].properties.a: has 0 characters and must have at least 1",
            ),
        ] {
            assert_eq!(told(more).join("; "), expected, "{more}");
        }
    }

    #[test]
    fn characters_count_and_not_bytes() {
        let group = |count: usize| {
            format!(
                "propertyGroups: [{{id: g, properties: {{a: '{}'}}}}]",
                "\u{ac00}".repeat(count)
            )
        };
        assert!(told(&group(2048)).is_empty());
        assert_eq!(told(&group(2049)).len(), 1);
    }
}
