//! Every rule of the schema refuses what breaks it with its own words, which name the field.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::testbed::CRD;

/// A change window that is open for so long.
fn window(duration: &str) -> Value {
    json!({"name": "nights", "cron": "0 22 * * 1-5", "duration": duration, "timeZone": "Europe/Dublin"})
}

/// A group of properties that names so many ConfigMaps.
fn sources(id: &str, count: usize) -> Value {
    let named = (0..count).map(|number| json!({"configMapRef": {"name": format!("map-{number}")}}));
    json!({"id": id, "propertiesFrom": named.collect::<Vec<_>>()})
}

/// What breaks a rule at creation: the change of a valid spec, and what the refusal says.
fn creations() -> Vec<(Value, &'static str)> {
    let off = json!({"enabled": false});
    let none = json!({"onStart": "None", "onUpdate": "None"});
    let never = json!({"preChangeSnapshot": "Never"});
    vec![
        (
            json!({"snapshots": off, "rollout": never}),
            "spec.snapshots.enabled: false needs spec.restore.onStart: None and spec.restore.onUpdate: None",
        ),
        (
            json!({"snapshots": off, "rollout": never, "restore": {"onStart": "None"}}),
            "spec.snapshots.enabled: false needs spec.restore.onStart: None and spec.restore.onUpdate: None",
        ),
        (
            json!({"snapshots": off, "restore": none}),
            "spec.snapshots.enabled: false needs spec.rollout.preChangeSnapshot: Never",
        ),
        (
            json!({"snapshots": off, "restore": none, "rollout": {"preChangeSnapshot": "Required"}}),
            "spec.snapshots.enabled: false needs spec.rollout.preChangeSnapshot: Never",
        ),
        (
            json!({
                "snapshots": {"enabled": false, "schedule": {"cron": "0 0 * * *"}}, "rollout": never, "restore": none,
            }),
            "spec.snapshots.schedule needs spec.snapshots.enabled: true",
        ),
        (
            json!({"snapshots": {"retention": {"scope": "All"}}}),
            "spec.snapshots.retention needs maxCount or maxAge",
        ),
        (
            json!({"tags": {"aws:team": "x"}}),
            "spec.tags: a key has at most 128 characters",
        ),
        (
            json!({"tags": {"AWS:team": "x"}}),
            "spec.tags: a key has at most 128 characters",
        ),
        (
            json!({"logging": {"logStreamARN": "arn:aws:logs:eu-west-1:111122223333:log-group:/a"}}),
            "spec.logging.logStreamARN must be the ARN of a log stream, arn:aws:logs:REGION",
        ),
        (
            json!({"logging": {"logStreamARN": "arn:aws:logs:eu-west-1:111122223333:log-group:/a:*:log-stream:b"}}),
            "spec.logging.logStreamARN must be the ARN of a log stream, arn:aws:logs:REGION",
        ),
        (
            json!({"tags": {"sluicegate.dev/name": "x"}}),
            "spec.tags: a key has at most 128 characters",
        ),
        (
            json!({"tags": {"k".repeat(129): "x"}}),
            "spec.tags: a key has at most 128 characters",
        ),
        (
            json!({"propertyGroups": [{"id": "empty"}]}),
            "a group of spec.propertyGroups needs properties or propertiesFrom",
        ),
        (
            json!({"propertyGroups": [{"id": "long", "properties": {"k".repeat(2049): "x"}}]}),
            "spec.propertyGroups: a key of properties has at most 2048 characters",
        ),
        (
            json!({"propertyGroups": [sources("a", 9), sources("b", 8)]}),
            "spec.propertyGroups: propertiesFrom may name at most 16 ConfigMaps over all groups",
        ),
        (
            json!({"restore": {"initial": {"from": "Snapshot"}}}),
            "spec.restore.initial.snapshotName belongs to from: Snapshot",
        ),
        (
            json!({"restore": {"initial": {"from": "LatestSnapshot", "snapshotName": "s"}}}),
            "spec.restore.initial.snapshotName belongs to from: Snapshot",
        ),
        (
            json!({"restore": {"initial": {"from": "None", "snapshotName": "s"}}}),
            "spec.restore.initial.snapshotName belongs to from: Snapshot",
        ),
        (
            json!({"deletion": {"policy": "Delete"}}),
            "spec.deletion.policy: Delete destroys every snapshot of the application and needs spec.deletion.stateLoss: Accepted",
        ),
        (
            json!({"deletion": {"policy": "Delete", "stateLoss": "Refused"}}),
            "spec.deletion.policy: Delete destroys every snapshot of the application and needs spec.deletion.stateLoss: Accepted",
        ),
    ]
}

/// The same for durations.
fn durations() -> Vec<(Value, &'static str)> {
    vec![
        (
            json!({"checkpoint": {"checkpointInterval": "0s"}}),
            "spec.checkpoint.checkpointInterval must be at least 1ms",
        ),
        (
            json!({"rollout": {"progressDeadline": "59s"}}),
            "spec.rollout.progressDeadline must be between 1m and 24h",
        ),
        (
            json!({"rollout": {"progressDeadline": "1441m"}}),
            "spec.rollout.progressDeadline must be between 1m and 24h",
        ),
        (
            json!({"rollout": {"gate": {"stableFor": "12h1s"}}}),
            "spec.rollout.gate.stableFor must be between 0s and 12h",
        ),
        (
            json!({"rollout": {"changeWindows": [window("59s")]}}),
            "spec.rollout.changeWindows[].duration must be between 1m and 168h",
        ),
        (
            json!({"rollout": {"changeWindows": [window("168h1s")]}}),
            "spec.rollout.changeWindows[].duration must be between 1m and 168h",
        ),
        (
            json!({"health": {"restartLoop": {"window": "59s"}}}),
            "spec.health.restartLoop.window must be between 1m and 1h",
        ),
        (
            json!({"health": {"restartLoop": {"window": "1h1s"}}}),
            "spec.health.restartLoop.window must be between 1m and 1h",
        ),
        (
            json!({"health": {"transitions": {"interval": "4s"}}}),
            "spec.health.transitions.interval must be between 5s and 5m",
        ),
        (
            json!({"health": {"transitions": {"interval": "5m1s"}}}),
            "spec.health.transitions.interval must be between 5s and 5m",
        ),
        (
            json!({"snapshots": {"staleAfter": "59s"}}),
            "spec.snapshots.staleAfter must be between 1m and 8760h",
        ),
        (
            json!({"snapshots": {"staleAfter": "8760h1s"}}),
            "spec.snapshots.staleAfter must be between 1m and 8760h",
        ),
        (
            json!({"snapshots": {"schedule": {"cron": "0 0 * * *", "startingDeadline": "59s"}}}),
            "spec.snapshots.schedule.startingDeadline must be between 1m and 24h",
        ),
        (
            json!({"snapshots": {"schedule": {"cron": "0 0 * * *", "startingDeadline": "24h1s"}}}),
            "spec.snapshots.schedule.startingDeadline must be between 1m and 24h",
        ),
        (
            json!({"snapshots": {"retention": {"maxAge": "59m"}}}),
            "spec.snapshots.retention.maxAge must be between 1h and 87600h",
        ),
        (
            json!({"snapshots": {"retention": {"maxAge": "87600h1s"}}}),
            "spec.snapshots.retention.maxAge must be between 1h and 87600h",
        ),
        (
            json!({"deletion": {"timeout": "59s"}}),
            "spec.deletion.timeout must be between 1m and 24h",
        ),
        (
            json!({"deletion": {"timeout": "25h"}}),
            "spec.deletion.timeout must be between 1m and 24h",
        ),
    ]
}

/// What breaks a rule at an update: the spec before, the change of it, and what the refusal says.
fn updates() -> Vec<(Value, Value, &'static str)> {
    let described = json!({"description": "Enriches orders"});
    let placed = json!({"region": "eu-west-1"});
    let named = json!({"applicationName": "orders"});
    let versioned = json!({"code": {"s3": {"objectVersion": "v1"}}});
    vec![
        (
            json!({}),
            json!({"applicationName": "other"}),
            "spec.applicationName is immutable",
        ),
        (
            named.clone(),
            json!({"applicationName": "other"}),
            "spec.applicationName is immutable",
        ),
        (
            named,
            json!({"applicationName": null}),
            "spec.applicationName is immutable",
        ),
        (json!({}), described.clone(), "spec.description is immutable"),
        (
            described.clone(),
            json!({"description": "Other"}),
            "spec.description is immutable",
        ),
        (described, json!({"description": null}), "spec.description is immutable"),
        (
            placed.clone(),
            json!({"region": "us-east-1"}),
            "spec.region is immutable once set",
        ),
        (placed, json!({"region": null}), "spec.region is immutable once set"),
        (
            versioned,
            json!({"code": {"s3": {"objectVersion": null}}}),
            "spec.code.s3.objectVersion cannot be dropped once set",
        ),
    ]
}

const LONG_NAME: &str = "metadata.name is the name of the application and must have at most 128 characters";

#[test]
fn every_rule_of_the_schema_refuses_in_its_own_words() {
    let scene = Scene::open("rules");
    let mut said = BTreeSet::new();
    for (change, words) in creations().into_iter().chain(durations()) {
        let refusal = refused(&scene, "orders", &change);
        assert!(refusal.contains(words), "{change}: {refusal}");
        said.insert(words);
    }

    let long = "n".repeat(129);
    let refusal = refused(&scene, &long, &json!({}));
    assert!(refusal.contains(LONG_NAME), "{refusal}");
    said.insert(LONG_NAME);
    let named = scene.manifest(&long, &json!({"applicationName": "short"}));
    assert_eq!(scene.resources().refusal(&named), None);

    for (number, (before, change, words)) in updates().into_iter().enumerate() {
        let name = format!("orders-{number}");
        scene.apply(&name, &before);
        let patched = scene.resources().try_patch(&name, &json!({"spec": change}));
        let refusal = patched.expect_err("the change was admitted");
        assert!(refusal.contains(words), "{before} then {change}: {refusal}");
        said.insert(words);
    }

    for rule in rules(&scene) {
        assert!(
            said.iter().any(|words| rule.contains(words)),
            "no case of this test breaks the rule {rule:?}"
        );
        assert!(
            rule.contains("spec.") || rule.starts_with("metadata.name"),
            "the rule names no field: {rule:?}"
        );
    }
}

#[test]
fn what_the_rules_allow_is_admitted() {
    let scene = Scene::open("allowed");
    let specs = [
        json!({"snapshots": {"enabled": false}, "restore": {"onStart": "None", "onUpdate": "None"}, "rollout": {"preChangeSnapshot": "Never"}}),
        json!({"checkpoint": {"checkpointInterval": "48h", "minPauseBetweenCheckpoints": "30h"}}),
        json!({"rollout": {"approval": "Manual", "changeWindows": [window("168h")]}}),
        json!({"checkpoint": {"checkpointInterval": "1ms"}}),
        json!({"restore": {"initial": {"from": "Snapshot", "snapshotName": "s"}}}),
        json!({"restore": {"initial": {"from": "None"}}}),
        json!({"rollout": {"progressDeadline": "1m"}, "deletion": {"timeout": "24h"}}),
        json!({"rollout": {"gate": {"stableFor": "0s", "maxRestarts": 0, "minCompletedCheckpoints": 0}, "onFailure": "Rollback"}}),
        json!({"rollout": {"gate": {"stableFor": "12h", "maxRestarts": 1000, "minCompletedCheckpoints": 1000}, "onFailure": "ForceStop"}}),
        json!({"rollout": {"gate": null, "onFailure": "Hold"}}),
        json!({"deletion": {"policy": "Delete", "stateLoss": "Accepted"}}),
        json!({"tags": {"k".repeat(128): ""}}),
        json!({"propertyGroups": [sources("a", 8), sources("b", 8)]}),
        json!({"parallelism": {"parallelism": 40_000}, "code": {"s3": {"bucket": "Old_Bucket"}}}),
        json!({"logging": {"logStreamARN": "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/a_b.c#d:log-stream:x/y z"}}),
    ];
    let manifests = specs
        .iter()
        .zip(0..)
        .map(|(spec, number)| scene.manifest(&format!("orders-{number}"), spec));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": manifests.collect::<Vec<_>>()}).to_string();
    let create = ["create", "--dry-run=server", "-f", "-"];
    let output = scene.cluster.kubectl(&create, Some(&list));
    assert!(output.success, "{}", output.stderr);
    assert!(!output.stderr.contains("Warning"), "{}", output.stderr);
    assert_eq!(output.stdout.lines().count(), specs.len(), "{}", output.stdout);
    // A region may be set later, and an object version may change.
    scene.apply("later", &json!({"code": {"s3": {"objectVersion": "v1"}}}));
    scene.apply(
        "later",
        &json!({"region": "eu-west-1", "code": {"s3": {"objectVersion": "v2"}}}),
    );
}

/// The messages of all rules of the installed schema.
fn rules(scene: &Scene) -> BTreeSet<String> {
    fn collect(schema: &Value, messages: &mut BTreeSet<String>) {
        match schema {
            Value::Object(members) => {
                for rule in members
                    .get("x-kubernetes-validations")
                    .into_iter()
                    .filter_map(Value::as_array)
                    .flatten()
                {
                    messages.insert(rule["message"].as_str().unwrap().to_owned());
                }
                members.values().for_each(|member| collect(member, messages));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, messages)),
            _ => {}
        }
    }
    let crd = scene
        .cluster
        .everywhere(CRD)
        .get("flinkapplications.sluicegate.dev")
        .unwrap();
    let mut messages = BTreeSet::new();
    collect(&crd["spec"]["versions"][0]["schema"], &mut messages);
    assert!(messages.len() >= 15, "{messages:?}");
    messages
}

#[track_caller]
fn refused(scene: &Scene, name: &str, change: &Value) -> String {
    let refusal = scene.resources().refusal(&scene.manifest(name, change));
    refusal.unwrap_or_else(|| panic!("admitted: {change}"))
}
