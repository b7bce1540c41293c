//! The policies of `deploy/iam/`: the calls that the controller makes, on what it may make them, and who may take its role.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluicegate::plan::ownership::CLUSTER;

use crate::files::{json_file, rust_sources};

const APPLICATIONS: &str = "arn:aws:kinesisanalytics:eu-west-1:111122223333:application/*";

fn statements(file: &str) -> Vec<Value> {
    let policy = json_file(file);
    assert_eq!(policy["Version"], json!("2012-10-17"), "{file}");
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    assert!(!statements.is_empty(), "{file}");
    for statement in &statements {
        assert_eq!(statement["Effect"], json!("Allow"), "{file}");
        for inverse in ["NotAction", "NotResource", "NotPrincipal"] {
            assert!(
                statement[inverse].is_null(),
                "{file}: {inverse} allows what nobody listed"
            );
        }
    }
    statements
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn reads(action: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    ["Describe", "List", "GetMetricData"]
        .iter()
        .any(|read| name.starts_with(read))
}

/// Whether the statement holds only when the tag of ownership is there: in the request, or on the application.
fn needs_tag(statement: &Value, whose: &str) -> bool {
    statement["Condition"]["Null"][format!("aws:{whose}Tag/{CLUSTER}")] == json!("false")
}

/// The calls of the service in the controller's sources, under the names of their permissions.
fn calls_made() -> BTreeSet<String> {
    let verbs = [
        "add", "create", "delete", "describe", "list", "rollback", "start", "stop", "tag", "untag", "update",
    ];
    let source = rust_sources("src");
    let metrics = source.contains(".get_metric_data()");
    let logs = source.contains(".filter_log_events()");
    let methods = source
        .split('.')
        .skip(1)
        .filter_map(|rest| rest.split_once("()"))
        .map(|(name, _)| name);
    methods
        .filter(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()))
        .filter(|name| verbs.iter().any(|verb| name.split('_').next() == Some(verb)))
        .filter(|name| name.contains("_application") || name.ends_with("_resource"))
        .map(|name| {
            format!(
                "kinesisanalytics:{}",
                name.split('_').map(capitalised).collect::<String>()
            )
        })
        .chain(metrics.then(|| "cloudwatch:GetMetricData".to_owned()))
        .chain(logs.then(|| "logs:FilterLogEvents".to_owned()))
        .collect()
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn the_policy_allows_exactly_the_calls_that_the_controller_makes() {
    let mut expected = calls_made();
    assert!(expected.len() > 15, "the calls are found in the sources: {expected:?}");
    expected.insert("iam:PassRole".to_owned());
    let policy = statements("deploy/iam/policy.json");
    let allowed: BTreeSet<String> = policy
        .iter()
        .flat_map(|statement| words(&statement["Action"]))
        .collect();
    assert_eq!(expected, allowed);
}

#[test]
fn no_action_is_a_wildcard_and_no_change_goes_to_every_resource() {
    for file in ["deploy/iam/policy.json", "deploy/iam/kms-policy.json"] {
        for statement in statements(file) {
            let actions = words(&statement["Action"]);
            assert!(
                actions.iter().all(|action| !action.contains('*')),
                "{file}: {actions:?}"
            );
            if words(&statement["Resource"]).contains(&"*".to_owned()) {
                // CreateApplication takes no resource in a policy: its tags and its region limit it.
                let creates = actions == ["kinesisanalytics:CreateApplication"] && needs_tag(&statement, "Request");
                assert!(
                    creates || actions.iter().all(|action| reads(action)),
                    "{file}: {actions:?}"
                );
            }
        }
    }
}

#[test]
fn what_changes_an_application_needs_the_tag_of_ownership() {
    for statement in statements("deploy/iam/policy.json") {
        let actions = words(&statement["Action"]);
        let changes = actions
            .iter()
            .any(|action| action.starts_with("kinesisanalytics:") && !reads(action));
        if !changes {
            continue;
        }
        let writes_the_tag = actions
            .iter()
            .all(|action| action.ends_with(":CreateApplication") || action.ends_with(":TagResource"));
        let limited = needs_tag(&statement, "Resource") || (writes_the_tag && needs_tag(&statement, "Request"));
        assert!(limited, "{actions:?} need {CLUSTER}");
        if actions != ["kinesisanalytics:CreateApplication"] {
            assert_eq!(words(&statement["Resource"]), [APPLICATIONS], "{actions:?}");
        }
    }
}

#[test]
fn only_roles_of_one_path_are_passed_and_only_to_the_service() {
    let passing: Vec<Value> = statements("deploy/iam/policy.json")
        .into_iter()
        .filter(|statement| {
            words(&statement["Action"])
                .iter()
                .any(|action| action == "iam:PassRole")
        })
        .collect();
    assert_eq!(passing.len(), 1);
    assert_eq!(words(&passing[0]["Action"]), ["iam:PassRole"]);
    assert_eq!(
        words(&passing[0]["Resource"]),
        ["arn:aws:iam::111122223333:role/flink/*"]
    );
    let service = json!({"StringEquals": {"iam:PassedToService": "kinesisanalytics.amazonaws.com"}});
    assert_eq!(passing[0]["Condition"], service);
}

#[test]
fn keys_are_used_through_the_service_alone() {
    for statement in statements("deploy/iam/kms-policy.json") {
        if words(&statement["Action"]) != ["kms:DescribeKey"] {
            let via = &statement["Condition"]["StringEquals"]["kms:ViaService"];
            assert_eq!(*via, json!("kinesisanalytics.eu-west-1.amazonaws.com"));
        }
        assert!(
            words(&statement["Resource"])
                .iter()
                .all(|resource| resource.contains(":key/") && !resource.contains('*'))
        );
    }
}

#[test]
fn the_role_of_the_controller_is_taken_by_its_service_account_alone() {
    for (file, needed) in [
        (
            "deploy/iam/trust-irsa.json",
            vec![
                "system:serviceaccount:sluicegate-system:sluicegate",
                "sts.amazonaws.com",
            ],
        ),
        (
            "deploy/iam/trust-pod-identity.json",
            vec!["sluicegate-system", "sluicegate"],
        ),
    ] {
        for statement in statements(file) {
            assert!(!statement["Principal"].to_string().contains('*'), "{file}");
            let equals = statement["Condition"]["StringEquals"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let values: BTreeSet<&str> = equals.values().filter_map(Value::as_str).collect();
            assert_eq!(values, needed.iter().copied().collect(), "{file}");
        }
    }
}

#[test]
fn an_execution_role_is_taken_by_the_service_for_this_account_alone() {
    for statement in statements("deploy/iam/execution-trust.json") {
        assert_eq!(
            statement["Principal"],
            json!({"Service": "kinesisanalytics.amazonaws.com"})
        );
        assert_eq!(
            statement["Condition"]["StringEquals"]["aws:SourceAccount"],
            json!("111122223333")
        );
        assert_eq!(statement["Condition"]["ArnLike"]["aws:SourceArn"], json!(APPLICATIONS));
    }
}
