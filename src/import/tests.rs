//! A manifest asks for what the application has.

use jiff::Timestamp;

use super::*;
use crate::api::status::Tags;
use crate::configuration::{CodeLocation, PropertyGroups};
use crate::desired::{Desired, References};

fn identity() -> Identity {
    Identity {
        name: "Orders_Enricher".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn plain() -> Observed {
    Observed {
        arn: "arn:aws:kinesisanalytics:eu-west-1:111122223333:application/Orders_Enricher".to_owned(),
        account_id: "111122223333".to_owned(),
        status: ApplicationStatus::Running,
        version_id: 7,
        updated_from: None,
        rolled_back_from: None,
        code_digest: None,
        token: "token".to_owned(),
        created_at: Timestamp::UNIX_EPOCH,
        streaming: true,
        description: None,
        configuration: Configuration {
            runtime_environment: "FLINK-1_20".to_owned(),
            service_execution_role: "arn:aws:iam::111122223333:role/orders".to_owned(),
            code: Some(CodeLocation {
                bucket: "artifacts".to_owned(),
                key: "orders-1.0.jar".to_owned(),
                object_version: None,
            }),
            property_groups: PropertyGroups::default(),
            parallelism: configuration::Parallelism::default(),
            checkpoint: configuration::Checkpoint::default(),
            monitoring: configuration::Monitoring::default(),
            log_stream_arn: None,
            vpc: None,
            kms_key_id: None,
            system_rollback: false,
            snapshots_enabled: true,
        },
        vpcs: BTreeMap::new(),
        log_streams: BTreeMap::new(),
        maintenance_start: None,
        tags: Tags::default(),
    }
}

/// An application that differs from the plain one.
fn with(change: impl FnOnce(&mut Observed)) -> Observed {
    let mut observed = plain();
    change(&mut observed);
    observed
}

fn many() -> Vec<Observed> {
    let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let vpc = configuration::Vpc {
        subnet_ids: set(&["subnet-b", "subnet-a"]),
        security_group_ids: set(&["sg-1"]),
    };
    let group = |value: &str| BTreeMap::from([("key: with # signs".to_owned(), value.to_owned())]);
    vec![
        plain(),
        with(|app| app.status = ApplicationStatus::Ready),
        with(|app| app.description = Some("Enriches orders: all of them".to_owned())),
        with(|app| app.configuration.runtime_environment = "FLINK-2_2".to_owned()),
        with(|app| app.configuration.code.as_mut().unwrap().object_version = Some("v1".to_owned())),
        with(|app| app.configuration.property_groups.0 = BTreeMap::from([("a".to_owned(), group("yes"))])),
        with(|app| app.configuration.property_groups.0 = BTreeMap::from([("a".to_owned(), group("1.0\n two"))])),
        with(|app| app.configuration.parallelism.parallelism = 64),
        with(|app| app.configuration.parallelism.parallelism_per_kpu = 4),
        with(|app| app.configuration.parallelism.auto_scaling_enabled = false),
        with(|app| app.configuration.checkpoint.enabled = false),
        with(|app| app.configuration.checkpoint.interval_ms = 1_500),
        with(|app| app.configuration.checkpoint.min_pause_ms = 0),
        with(|app| app.configuration.checkpoint.interval_ms = 1_800_000),
        with(|app| app.configuration.checkpoint.interval_ms = 172_800_000),
        with(|app| app.configuration.checkpoint.min_pause_ms = 172_800_000),
        with(|app| app.configuration.parallelism.parallelism = 40_000),
        with(|app| app.configuration.code.as_mut().unwrap().bucket = "Old_Bucket".to_owned()),
        with(|app| app.tags = (0..46).map(|number| (format!("t{number}"), String::new())).collect()),
        with(|app| {
            app.configuration.property_groups.0 = BTreeMap::from([("a".to_owned(), group(&"\u{ac00}".repeat(2048)))]);
        }),
        with(|app| app.configuration.monitoring.metrics_level = "PARALLELISM".to_owned()),
        with(|app| app.configuration.monitoring.log_level = "ERROR".to_owned()),
        with(|app| {
            let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/msf:log-stream:a";
            app.configuration.log_stream_arn = Some(arn.to_owned());
        }),
        with(|app| app.configuration.vpc = Some(vpc)),
        with(|app| app.configuration.kms_key_id = Some("arn:aws:kms:eu-west-1:111122223333:key/1".to_owned())),
        with(|app| app.configuration.system_rollback = true),
        with(|app| app.configuration.snapshots_enabled = false),
        with(|app| app.maintenance_start = Some("03:00".to_owned())),
        with(|app| {
            let tags = [
                ("team", "orders"),
                ("aws:cloudformation:stack", "x"),
                ("sluicegate.dev/uid", "y"),
            ];
            app.tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        }),
    ]
}

#[test]
fn the_manifest_of_an_application_asks_for_exactly_what_it_has() {
    for observed in many() {
        let text = to_yaml(&manifest(&observed, &identity()).unwrap()).unwrap();
        let app: FlinkApplication = serde_yaml::from_str(&text).unwrap();
        let want =
            Desired::parse(&app, "us-east-1", &References::new()).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        assert_eq!(want.configuration, observed.configuration, "{text}");
        assert_eq!(want.identity, identity());
        assert_eq!(want.description, observed.description);
        assert_eq!(want.maintenance_start, observed.maintenance_start);
        assert!(
            want.tags
                .iter()
                .all(|(key, value)| observed.tags.get(key) == Some(value)),
            "{text}"
        );
        let runs = want.state == DesiredState::Running;
        assert_eq!(runs, observed.status == ApplicationStatus::Running);
        assert!(!text.contains("null"), "{text}");
    }
}

/// Texts that some reader of YAML takes for something else, or cannot read as they are.
const NASTY: [&str; 44] = [
    "no",
    "Yes",
    "y",
    "off",
    "Null",
    "~",
    "22:00",
    "1.0",
    "007",
    "0x1f",
    "1e3",
    "1_000",
    ".5",
    "-",
    "=",
    "<<",
    "@a",
    "#a",
    "a: b",
    "a #b",
    "- a",
    "2001-01-01",
    " a",
    "a ",
    "a\nb",
    "a\n",
    "\ta",
    "a\rb",
    "\u{7f}",
    "\u{85}",
    "a\u{85}b",
    "\u{90}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffe}",
    "\u{1f600}",
    "\u{1}",
    "'",
    "\"",
    "\\",
    "{a}",
    "%a",
    "---",
];

#[test]
fn what_readers_of_yaml_take_for_something_else_is_written_so_that_none_does() {
    let properties: BTreeMap<String, String> = NASTY
        .iter()
        .map(|text| ((*text).to_owned(), (*text).to_owned()))
        .collect();
    let nasty =
        with(|app| app.configuration.property_groups.0 = BTreeMap::from([("a".to_owned(), properties.clone())]));
    let text = to_yaml(&manifest(&nasty, &identity()).unwrap()).unwrap();
    let app: FlinkApplication = serde_yaml::from_str(&text).unwrap();
    let want = Desired::parse(&app, "us-east-1", &References::new()).unwrap();
    assert_eq!(want.configuration.property_groups.0["a"], properties);
    let readable = |c: char| matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(readable), "{text}");
    for word in ["no", "Yes", "y", "off", "22:00", "1_000", "=", "<<", "2001-01-01"] {
        assert!(
            !text.contains(&format!(" {word}\n")),
            "{word} is written plain:\n{text}"
        );
        assert!(
            !text.contains(&format!(" {word}: ")),
            "{word} is written plain:\n{text}"
        );
    }
}

#[test]
fn what_the_api_server_would_refuse_is_no_manifest_but_an_error_that_names_the_member() {
    let refused = |change: fn(&mut Observed)| manifest(&with(change), &identity()).unwrap_err().to_string();
    for (told, expected) in [
        (
            refused(|app| app.tags = (0..47).map(|number| (format!("t{number}"), String::new())).collect()),
            "spec.tags: has 47 entries and may have at most 46",
        ),
        (
            refused(|app| {
                let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/msf:*";
                app.configuration.log_stream_arn = Some(arn.to_owned());
            }),
            "spec.logging.logStreamARN: must be the ARN of a log stream",
        ),
        (
            refused(|app| app.maintenance_start = Some("3:00".to_owned())),
            "spec.maintenanceWindow.startTime: ",
        ),
        (
            refused(|app| app.configuration.checkpoint.interval_ms = i64::MAX),
            "spec.checkpoint.checkpointInterval: ",
        ),
        (
            refused(|app| {
                let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/msf:log-stream:app";
                app.log_streams = ["1", "2"].map(|id| (id.to_owned(), arn.to_owned())).into();
            }),
            "spec.logging: the application has 2 CloudWatch logging options and a spec names one",
        ),
    ] {
        assert!(told.starts_with("a resource cannot say what it has: spec."), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn tags_of_others_are_not_asked_for() {
    let app = manifest(many().last().unwrap(), &identity()).unwrap();
    assert_eq!(app.spec.tags.unwrap().keys().collect::<Vec<_>>(), ["team"]);
}

#[test]
fn the_resource_has_a_name_that_kubernetes_takes() {
    for (application, resource) in [
        ("orders", "orders"),
        ("Orders_Enricher", "orders-enricher"),
        ("-orders-.v2-", "orders.v2"),
        ("_", "application"),
    ] {
        assert_eq!(object_name(application), resource);
    }
    let app = manifest(&plain(), &identity()).unwrap();
    assert_eq!(app.spec.application_name.as_deref(), Some("Orders_Enricher"));
}

#[test]
fn what_no_manifest_can_say_is_refused_by_name() {
    let refused = |change: fn(&mut Observed)| manifest(&with(change), &identity()).unwrap_err();
    assert_eq!(refused(|app| app.streaming = false), NotImportable::NoFlink);
    assert_eq!(refused(|app| app.configuration.code = None), NotImportable::NoCode);
    let level = refused(|app| app.configuration.monitoring.log_level = "TRACE".to_owned());
    assert_eq!(
        level.to_string(),
        "spec.monitoring.logLevel is TRACE, for which the resource has no name"
    );
}
