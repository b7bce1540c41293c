//! Rules that no other test sets, and that all of them are documented.

use managed_flink_emulator::service::ErrorCode;
use managed_flink_emulator::service::rules::ALL;
use serde_json::json;

use crate::bed::{Bed, REGION};

const MANUAL: &str = include_str!("../../../docs/emulator.md");

#[test]
fn the_manual_lists_every_rule_with_its_values_and_its_fact() {
    for rule in ALL {
        let values: Vec<String> = rule.values.iter().map(|value| format!("`{value}`")).collect();
        let row = format!(
            "| `{}` | {} | {} | {} |",
            rule.name,
            values.join(", "),
            rule.meaning,
            rule.fact
        );
        assert!(MANUAL.contains(&row), "docs/emulator.md lacks this row:\n{row}");
    }
}

#[test]
fn a_snapshot_of_a_stopped_application_answers_as_the_rule_says() {
    for (value, code) in [
        ("InvalidRequestException", ErrorCode::InvalidRequest),
        ("ResourceInUseException", ErrorCode::ResourceInUse),
        (
            "InvalidApplicationConfigurationException",
            ErrorCode::InvalidApplicationConfiguration,
        ),
    ] {
        let mut bed = Bed::with_rule("snapshot-not-running", value);
        bed.create("good.yaml");
        assert_eq!(
            bed.orders_refused("CreateApplicationSnapshot", &json!({ "SnapshotName": "a" }))
                .0,
            code
        );
    }
}

#[test]
fn a_change_without_version_and_token_answers_as_the_rule_says() {
    for (value, code) in [
        ("InvalidArgumentException", ErrorCode::InvalidArgument),
        ("InvalidRequestException", ErrorCode::InvalidRequest),
    ] {
        let mut bed = Bed::with_rule("no-version-or-token", value);
        bed.create("good.yaml");
        assert_eq!(bed.orders_refused("UpdateApplication", &json!({})).0, code);
    }
}

#[test]
fn maintenance_is_named_as_the_rule_says() {
    for value in ["ApplicationMaintenance", "Maintenance"] {
        let mut bed = Bed::with_rule("maintenance-operation", value);
        bed.run("good.yaml");
        bed.service.begin_maintenance(bed.now, REGION, "orders").unwrap();
        assert_eq!(bed.newest_operation()["Operation"], value);
    }
}

#[test]
fn autoscaling_makes_a_version_if_the_rule_says_so() {
    for (value, version) in [("keep", 1), ("bump", 2)] {
        let mut bed = Bed::with_rule("autoscaling-version", value);
        bed.run("good.yaml");
        bed.service.begin_autoscaling(bed.now, REGION, "orders").unwrap();
        bed.pass(60);
        assert_eq!(bed.describe()["ApplicationVersionId"], version, "{value}");
    }
}
