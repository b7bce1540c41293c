//! What a spec is read as, and what is wrong with a wrong one.

use super::*;
use crate::api::spec::TransitionsMode;
use crate::api::status::{AwsStatus, FlinkApplicationStatus};
use crate::configuration::{Checkpoint, Monitoring, Parallelism};

const SPEC: &str = "
runtimeEnvironment: FLINK-1_20
serviceExecutionRole: arn:aws:iam::111122223333:role/orders
code: {s3: {bucket: demo, key: orders-1.0.yaml}}
";

fn app(more: &str) -> FlinkApplication {
    let mut app = FlinkApplication::new("orders", serde_yaml::from_str(&format!("{SPEC}{more}")).unwrap());
    app.metadata.namespace = Some("streaming".into());
    app
}

pub(super) fn parse(more: &str) -> Result<Desired, Undesirable> {
    Desired::parse(&app(more), "eu-west-1", &References::new())
}

pub(super) fn violations(more: &str) -> Vec<String> {
    match parse(more) {
        Err(Undesirable::Invalid(violations)) => violations.iter().map(ToString::to_string).collect(),
        other => panic!("no violations but {other:?}"),
    }
}

#[test]
fn absent_members_are_the_defaults_of_the_service() {
    let want = parse("").unwrap();
    assert_eq!(
        want.identity,
        Identity {
            name: "orders".into(),
            region: "eu-west-1".into()
        }
    );
    assert_eq!(want.configuration.parallelism, Parallelism::default());
    assert_eq!(want.configuration.checkpoint, Checkpoint::default());
    assert_eq!(want.configuration.monitoring, Monitoring::default());
    assert!(want.configuration.snapshots_enabled && !want.configuration.system_rollback);
    assert_eq!(want.restore.on_start, RestoreFrom::LatestSnapshot);
}

#[test]
fn a_default_that_is_written_out_is_the_same_revision() {
    let written = "parallelism: {parallelism: 1, parallelismPerKPU: 1, autoScalingEnabled: true}
checkpoint: {checkpointInterval: 1m, minPauseBetweenCheckpoints: 5000ms}
monitoring: {metricsLevel: APPLICATION, logLevel: INFO}
snapshots: {enabled: true}
systemRollback: {enabled: false}";
    assert_eq!(parse(written).unwrap().revision, parse("").unwrap().revision);
}

#[test]
fn what_does_not_reach_the_service_by_an_update_is_not_in_the_revision() {
    let base = parse("").unwrap().revision;
    for more in [
        "tags: {team: orders}",
        "maintenanceWindow: {startTime: '03:00'}",
        "desiredState: Stopped",
        "restartNonce: 3",
        "restore: {onStart: None}",
        "rollout: {progressDeadline: 5m}",
        "deletion: {policy: Stop}",
    ] {
        assert_eq!(parse(more).unwrap().revision, base, "{more}");
    }
    for more in [
        "restore: {allowNonRestoredState: true}",
        "systemRollback: {enabled: true}",
        "encryption: {kmsKeyId: k}",
    ] {
        assert_ne!(parse(more).unwrap().revision, base, "{more}");
    }
}

#[test]
fn the_order_of_lists_is_not_in_the_revision() {
    let vpc = |order: &str| {
        parse(&format!("vpc: {{subnetIds: [{order}], securityGroupIds: [sg-1]}}"))
            .unwrap()
            .revision
    };
    assert_eq!(vpc("subnet-a, subnet-b"), vpc("subnet-b, subnet-a"));
}

#[test]
fn properties_of_a_config_map_are_filled_in_and_own_ones_win() {
    let more = "propertyGroups: [{id: g, properties: {a: own}, propertiesFrom: [{configMapRef: {name: one}}, {configMapRef: {name: two}}]}]";
    assert_eq!(config_map_names(&app(more).spec), ["one", "two"]);
    let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let references = References::from_iter([
        ("one".to_owned(), map(&[("a", "1"), ("b", "1"), ("c", "1")])),
        ("two".to_owned(), map(&[("b", "2")])),
    ]);
    let want = Desired::parse(&app(more), "eu-west-1", &references).unwrap();
    assert_eq!(
        want.configuration.property_groups.0["g"],
        map(&[("a", "own"), ("b", "2"), ("c", "1")])
    );
    let missing = Desired::parse(&app(more), "eu-west-1", &References::new());
    assert_eq!(missing, Err(Undesirable::Missing("one".into())));
}

#[test]
fn more_config_maps_than_the_bound_are_refused_before_any_is_read() {
    let groups = |count: usize, first: usize| {
        let group = |id: &str, numbers: std::ops::Range<usize>| {
            let sources = numbers.map(|number| format!("{{configMapRef: {{name: map-{number}}}}}"));
            format!(
                "{{id: {id}, propertiesFrom: [{}]}}",
                sources.collect::<Vec<_>>().join(", ")
            )
        };
        let (one, two) = (group("a", 0..first), group("b", first..count));
        format!("propertyGroups: [{one}, {two}]")
    };
    let named = groups(16, 8);
    assert_eq!(References::to_read(&app(&named).spec).len(), 16);
    assert!(matches!(parse(&named), Err(Undesirable::Missing(_))));
    let too_many = groups(17, 8);
    assert!(References::to_read(&app(&too_many).spec).is_empty());
    assert_eq!(
        violations(&too_many),
        ["spec.propertyGroups: 17 ConfigMaps are named in propertiesFrom, and at most 16 may be, over all groups"]
    );
}

#[test]
fn config_maps_that_hold_more_than_is_kept_are_refused() {
    let more = "propertyGroups: [{id: g, propertiesFrom: [{configMapRef: {name: map-0}}]}]";
    let data = |entries: usize, characters: usize| {
        let entries = (0..entries).map(|number| (format!("k{number}"), "v".repeat(characters)));
        entries.collect::<BTreeMap<_, _>>()
    };
    let told = |maps: usize, entries: usize, characters: usize| {
        let maps = (0..maps).map(|number| (format!("map-{number}"), data(entries, characters)));
        match Desired::parse(&app(more), "eu-west-1", &maps.collect()) {
            Ok(_) => String::new(),
            Err(Undesirable::Invalid(violations)) => violations[0].to_string(),
            Err(missing) => panic!("{missing:?}"),
        }
    };
    assert_eq!(told(1, 50, 2048), "");
    assert_eq!(
        told(11, 50, 2048),
        "spec.propertyGroups: the ConfigMaps that propertiesFrom names hold more than 1024 KiB together; name smaller ones"
    );
    assert_eq!(
        told(1, 9_000, 1),
        "spec.propertyGroups[g]: has more than the 50 properties that the service takes"
    );
    assert!(told(1, 1, 2049).contains("must each have 1 to 2048 characters"));
}

#[test]
fn a_config_map_that_many_groups_name_counts_for_each_of_them() {
    let group = |number: usize| format!("{{id: g{number}, propertiesFrom: [{{configMapRef: {{name: map}}}}]}}");
    let told = |groups: usize| {
        let groups: Vec<String> = (0..groups).map(group).collect();
        let data: BTreeMap<_, _> = (0..50).map(|number| (format!("k{number}"), "v".repeat(2048))).collect();
        let maps = [("map".to_owned(), data)].into_iter().collect();
        let spec = app(&format!("propertyGroups: [{}]", groups.join(", ")));
        match Desired::parse(&spec, "eu-west-1", &maps) {
            Ok(_) => String::new(),
            Err(Undesirable::Invalid(violations)) => violations[0].to_string(),
            Err(missing) => panic!("{missing:?}"),
        }
    };
    assert_eq!(told(10), "");
    assert!(told(11).contains("hold more than 1024 KiB together"), "{}", told(11));
}

#[test]
fn characters_of_properties_count_and_not_bytes() {
    let group = |count: usize| {
        let value = "\u{ac00}".repeat(count);
        format!("propertyGroups: [{{id: g, properties: {{a: '{value}'}}}}]")
    };
    assert!(parse(&group(2048)).is_ok());
    assert_eq!(
        violations(&group(2049)),
        ["spec.propertyGroups[g]: the key and the value of \"a\" must each have 1 to 2048 characters"]
    );
}

#[test]
fn only_the_arn_of_a_log_stream_is_one() {
    let told = |names: &str| {
        let arn = format!("arn:aws:logs:eu-west-1:111122223333:log-group:{names}");
        match parse(&format!("logging: {{logStreamARN: '{arn}'}}")) {
            Ok(_) => String::new(),
            Err(Undesirable::Invalid(violations)) => violations[0].to_string(),
            Err(missing) => panic!("{missing:?}"),
        }
    };
    assert_eq!(told("/aws/a_b.c#d-e:log-stream:x y/z"), "");
    for wrong in [
        "/a",
        "/a:*",
        "/a:*:log-stream:b",
        "/a:log-stream:",
        "/a:log-stream:*",
        "/a b:log-stream:c",
    ] {
        assert!(
            told(wrong).starts_with("spec.logging.logStreamARN: must be the ARN of a log stream, arn:aws:logs:"),
            "{wrong}"
        );
    }
}

#[test]
fn tags_of_aws_are_refused_however_they_are_written() {
    for key in ["aws:x", "AWS:x", "Aws:x", "sluicegate.dev/x"] {
        let told = violations(&format!("tags: {{'{key}': a}}"));
        assert!(told[0].starts_with("spec.tags: the key"), "{told:?}");
    }
    assert!(parse("tags: {aws-team: a, '가가': b}").is_ok());
}

#[test]
fn the_checkpoint_interval_has_no_bound_that_the_service_does_not_have() {
    let want = parse(
        "checkpoint: {checkpointInterval: 48h, minPauseBetweenCheckpoints: 30h}\nrollout: {gate: {minCompletedCheckpoints: 0}}",
    );
    assert_eq!(want.unwrap().configuration.checkpoint.interval_ms, 172_800_000);
    let told = violations("checkpoint: {checkpointInterval: 0s}");
    assert_eq!(told, ["spec.checkpoint.checkpointInterval: must be at least 1ms"]);
}

#[test]
fn arns_must_fit_the_partition_and_the_region() {
    let china = violations("region: cn-north-1");
    assert!(
        china[0].contains("spec.serviceExecutionRole") && china[0].contains("arn:aws-cn:"),
        "{china:?}"
    );
    let elsewhere =
        violations("logging: {logStreamARN: 'arn:aws:logs:us-east-1:111122223333:log-group:/a:log-stream:b'}");
    assert!(
        elsewhere[0].contains("spec.logging.logStreamARN") && elsewhere[0].contains("eu-west-1"),
        "{elsewhere:?}"
    );
    assert_eq!(
        violations("encryption: {kmsKeyId: 'arn:aws-cn:kms:eu-west-1:111122223333:key/k'}").len(),
        1
    );
}

#[test]
fn every_violation_is_told_at_once() {
    let all = violations(
        "checkpoint: {checkpointInterval: 0s, minPauseBetweenCheckpoints: 25d}
rollout: {progressDeadline: 59s}
deletion: {policy: Delete, timeout: 5d}
snapshots: {enabled: false}
restore: {initial: {from: Snapshot}}
propertyGroups: [{id: empty}]",
    );
    for field in [
        "spec.checkpoint.checkpointInterval",
        "spec.checkpoint.minPauseBetweenCheckpoints",
        "spec.rollout.progressDeadline",
        "spec.rollout.preChangeSnapshot",
        "spec.deletion.stateLoss",
        "spec.deletion.timeout",
        "spec.restore",
        "spec.restore.initial.snapshotName",
        "spec.propertyGroups[empty]",
    ] {
        assert!(
            all.iter().any(|violation| violation.starts_with(&format!("{field}:"))),
            "{field} in {all:?}"
        );
    }
}

#[test]
fn bounds_of_the_service_on_properties_hold_for_config_maps_too() {
    let more = "propertyGroups: [{id: g, propertiesFrom: [{configMapRef: {name: big}}]}]";
    let parse = |data: BTreeMap<String, String>| {
        Desired::parse(
            &app(more),
            "eu-west-1",
            &References::from_iter([("big".to_owned(), data)]),
        )
    };
    assert!(parse((0..50).map(|i| (i.to_string(), "v".to_owned())).collect()).is_ok());
    assert!(parse((0..51).map(|i| (i.to_string(), "v".to_owned())).collect()).is_err());
    assert!(parse([("k".to_owned(), "v".repeat(2049))].into()).is_err());
    assert!(parse([("k".to_owned(), String::new())].into()).is_err());
}

#[test]
fn a_pinned_application_cannot_be_renamed_or_moved() {
    let mut app = app("applicationName: other\nregion: us-east-1");
    let mut status = FlinkApplicationStatus::default();
    status.journal.aws = Some(AwsStatus {
        application_name: "orders".into(),
        region: "eu-west-1".into(),
        ..AwsStatus::default()
    });
    app.status = Some(status);
    assert_eq!(identity(&app, "eu-central-1").region, "eu-west-1");
    let Err(Undesirable::Invalid(violations)) = Desired::parse(&app, "eu-central-1", &References::new()) else {
        panic!("a renamed application is accepted")
    };
    let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert!(
        fields.contains(&"spec.applicationName") && fields.contains(&"spec.region"),
        "{fields:?}"
    );
}

#[test]
fn the_rules_of_a_deletion_are_read_from_any_spec() {
    let rules = deletion_rules(&app("deletion: {policy: Delete, timeout: 5d}").spec);
    assert_eq!(rules.policy, DeletionPolicy::Retain);
    assert_eq!(rules.timeout, SignedDuration::from_mins(30));
    let rules = deletion_rules(&app("deletion: {policy: Delete, stateLoss: Accepted, timeout: 1h}").spec);
    assert_eq!(rules.policy, DeletionPolicy::Delete);
    assert_eq!(rules.timeout, SignedDuration::from_hours(1));
    assert_eq!(deletion_rules(&app("").spec).policy, DeletionPolicy::Retain);
}

#[test]
fn a_log_can_be_watched_only_where_flink_writes_transitions_to_one() {
    let watch = "health: {transitions: {mode: Watch}}";
    let logging = "logging: {logStreamARN: 'arn:aws:logs:eu-west-1:111122223333:log-group:/a:log-stream:b'}";
    let said = violations(&format!("{watch}\nmonitoring: {{logLevel: WARN}}"));
    assert!(
        said.iter()
            .any(|problem| problem.contains("spec.health.transitions.mode: Watch needs spec.logging"))
    );
    assert!(said.iter().any(|problem| problem.contains("logLevel INFO or DEBUG")));
    assert_eq!(
        parse(&format!("{watch}\n{logging}")).unwrap().health.transitions,
        TransitionsMode::Watch
    );
}
