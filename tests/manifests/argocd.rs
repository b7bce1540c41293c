//! The scripts for Argo CD: what they make of objects, and that the ConfigMap carries the same ones.

use std::fs;

use serde_json::{Value, json};

use crate::argocd::{folder, health, run, script};
use crate::files::only;

const CONFIG: &str = "deploy/argocd/argocd-cm.yaml";

/// The names of the actions that have a script.
fn actions() -> Vec<String> {
    let entries = fs::read_dir(folder().join("actions")).unwrap();
    let folders = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("action.lua").is_file());
    let mut names: Vec<String> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn object() -> Value {
    json!({
        "metadata": {"name": "orders", "generation": 2},
        "status": {
            "observedGeneration": 2,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Running", "message": "it runs"}],
            "aws": {"applicationStatus": "RUNNING"},
            "revisions": {"target": "r2", "running": "r2", "good": "r2"},
        },
    })
}

/// The actions that are offered for an object.
fn offered(object: &Value) -> Vec<String> {
    let found = run(&script("actions/discovery.lua"), object);
    let found = found.as_object().unwrap().iter();
    let enabled = found.filter(|(_, action)| action["disabled"] == false);
    let mut names: Vec<String> = enabled.map(|(name, _)| name.clone()).collect();
    names.sort();
    names
}

#[test]
fn the_objects_of_the_folder_have_the_health_that_it_says() {
    let tests = serde_yaml::from_str::<Value>(&script("health_test.yaml")).unwrap();
    let tests = tests["tests"].as_array().unwrap().clone();
    assert_eq!(tests.len(), 5);
    for test in tests {
        let object: Value = serde_yaml::from_str(&script(test["inputPath"].as_str().unwrap())).unwrap();
        let (status, message) = health(&object);
        let expected = &test["healthStatus"];
        assert_eq!(json!({"status": status, "message": message}), *expected, "{test}");
    }
}

/// An object, or the tests, of the folder of actions.
fn of_actions(path: &str) -> Value {
    serde_yaml::from_str(&script(&format!("actions/{path}"))).unwrap()
}

#[test]
fn the_actions_of_the_folder_are_offered_and_do_as_it_says() {
    let tests = of_actions("action_test.yaml");
    let discoveries = tests["discoveryTests"].as_array().unwrap();
    assert_eq!(discoveries.len(), 2);
    for test in discoveries {
        let object = of_actions(test["inputPath"].as_str().unwrap());
        let mut found = run(&script("actions/discovery.lua"), &object);
        let expected = test["result"].as_array().unwrap();
        assert_eq!(expected.len(), actions().len());
        for action in expected {
            let mut found = found[action["name"].as_str().unwrap()].take();
            found["name"] = action["name"].clone();
            assert_eq!(found, *action);
        }
    }
    let done = tests["actionTests"].as_array().unwrap();
    assert_eq!(done.len(), 3);
    for test in done {
        let object = of_actions(test["inputPath"].as_str().unwrap());
        let name = test["action"].as_str().unwrap();
        let found = run(&script(&format!("actions/{name}/action.lua")), &object);
        assert_eq!(
            found,
            of_actions(test["expectedOutputPath"].as_str().unwrap()),
            "{name}"
        );
    }
}

#[test]
fn each_aspect_of_an_object_counts_in_its_turn() {
    let with = |conditions: &[(&str, &str, &str)]| {
        let mut object = object();
        let conditions = conditions.iter().map(
            |(type_, status, reason)| json!({"type": type_, "status": status, "reason": reason, "message": type_}),
        );
        object["status"]["conditions"] = conditions.collect();
        health(&object)
    };
    let ready = ("Ready", "False", "Updating");
    for (conditions, status, message) in [
        (vec![], "Progressing", "the controller has not looked yet"),
        (
            vec![
                ready,
                ("Reconciling", "True", "RollingBack"),
                ("JobHealthy", "False", "RestartLoop"),
            ],
            "Progressing",
            "Reconciling",
        ),
        (
            vec![ready, ("JobHealthy", "False", "RestartLoop")],
            "Degraded",
            "JobHealthy",
        ),
        (
            vec![("Ready", "True", "Running"), ("Paused", "True", "Annotation")],
            "Suspended",
            "Paused",
        ),
        (
            vec![("Paused", "True", "Annotation"), ("JobHealthy", "False", "RestartLoop")],
            "Degraded",
            "JobHealthy",
        ),
        (
            vec![
                ("Ready", "False", "Pending"),
                ("Synced", "False", "OutsideChangeWindow"),
            ],
            "Suspended",
            "Synced",
        ),
        (
            vec![("Ready", "True", "Stopped"), ("JobHealthy", "Unknown", "Stopped")],
            "Healthy",
            "Ready",
        ),
        (
            vec![("Ready", "True", "Running"), ("SnapshotsHealthy", "False", "Stale")],
            "Healthy",
            "Ready",
        ),
        (
            vec![("Ready", "False", "Stopped"), ("Synced", "False", "DriftDetected")],
            "Degraded",
            "Ready",
        ),
    ] {
        let told = with(&conditions);
        assert_eq!((told.0.as_str(), told.1.as_str()), (status, message), "{conditions:?}");
    }
    assert_eq!(health(&json!({"metadata": {}})).0, "Progressing");
}

#[test]
fn an_action_is_offered_where_it_makes_sense_and_does_what_it_says() {
    assert_eq!(offered(&object()), ["force-stop", "pause", "restart", "snapshot"]);
    let mut waiting = object();
    waiting["metadata"]["annotations"] = json!({"sluicegate.dev/reconcile": "paused"});
    waiting["status"]["aws"]["applicationStatus"] = json!("READY");
    waiting["status"]["conditions"] = json!([{"type": "Synced", "status": "False", "reason": "AwaitingApproval"}]);
    waiting["status"]["failedRevisions"] = json!([{"revision": "r2"}]);
    waiting["status"]["revisions"]["previous"] = json!({"revision": "r1"});
    assert_eq!(offered(&waiting), ["approve", "resume", "retry", "rollback"]);

    for name in actions() {
        let done = run(&script(&format!("actions/{name}/action.lua")), &waiting);
        let annotations = done["metadata"]["annotations"].as_object();
        let annotation = |key: &str| {
            annotations
                .and_then(|all| all.get(&format!("sluicegate.dev/{key}")))
                .cloned()
        };
        match name.as_str() {
            "approve" => assert_eq!(annotation("approved-revision"), Some(json!("r2"))),
            "pause" => assert_eq!(annotation("reconcile"), Some(json!("paused"))),
            "resume" => assert_eq!(annotation("reconcile"), None),
            other => {
                let value =
                    annotation(&format!("{other}-requested-at")).unwrap_or_else(|| panic!("{other} asks nothing"));
                let moment: Result<jiff::Timestamp, _> = value.as_str().unwrap().parse();
                assert!(moment.is_ok(), "{other}: {value}");
            }
        }
    }
}

/// A resource whose application rests in a status with a condition, and more of its status.
fn resting(reported: &str, (type_, value, reason): (&str, &str, &str), more: &Value) -> Value {
    let mut resting = object();
    let status = resting["status"].as_object_mut().unwrap();
    status.insert("aws".to_owned(), json!({"applicationStatus": reported}));
    let condition = json!({"type": type_, "status": value, "reason": reason});
    status.insert("conditions".to_owned(), json!([condition]));
    status.extend(more.as_object().unwrap().clone());
    resting
}

#[test]
fn what_stays_stopped_or_was_refused_is_started_or_tried_again_where_the_controller_would_act() {
    let stalled = |reason| ("Stalled", "True", reason);
    let failed = json!({"failedRevisions": [{"revision": "r2"}]});
    let none = json!({});
    let refusal = json!({"refusal": {"step": "Update"}});
    let put_back = json!({"putBack": {"revision": "r2", "to": "r1"}});
    let not_taken = json!({"rollout": {"preChange": "NotTaken"}});
    let taken = json!({"rollout": {"preChange": "Taken"}});
    let held = json!({"forceStopped": {"revision": "r2"}});
    let after_a_rollback = json!({"failedRevisions": [{"revision": "r2"}], "forceStopped": {"revision": "r1"}});
    for (reported, condition, more, expected) in [
        ("READY", stalled("ForceStopped"), &held, &["restart", "retry"][..]),
        (
            "READY",
            stalled("ForceStopped"),
            &after_a_rollback,
            &["restart", "retry"],
        ),
        ("READY", stalled("ForceStopped"), &failed, &["retry"]),
        ("READY", stalled("JobEnded"), &none, &["restart", "retry"]),
        ("READY", stalled("StartFailed"), &none, &["restart", "retry"]),
        ("READY", stalled("StartFailed"), &failed, &["retry"]),
        ("READY", stalled("Rejected"), &refusal, &["retry"]),
        ("RUNNING", stalled("AccessDenied"), &put_back, &["restart", "retry"]),
        ("READY", stalled("NoRestorePoint"), &none, &[]),
        ("READY", stalled("InvalidSpec"), &none, &[]),
        ("READY", ("Ready", "False", "Stopped"), &none, &["restart"]),
        ("READY", ("Ready", "True", "Stopped"), &none, &[]),
        ("RUNNING", stalled("Rejected"), &none, &["restart", "retry"]),
        ("RUNNING", stalled("RollbackFailed"), &none, &["restart", "retry"]),
        ("RUNNING", stalled("RolledBack"), &failed, &["restart", "retry"]),
        ("RUNNING", stalled("NoRestorePoint"), &not_taken, &["restart", "retry"]),
        ("RUNNING", stalled("NoRestorePoint"), &taken, &["restart"]),
        ("RUNNING", stalled("JobUnhealthy"), &none, &["restart"]),
        ("UPDATING", stalled("DeadlineExceeded"), &none, &[]),
    ] {
        let mut found = offered(&resting(reported, condition, more));
        found.retain(|name| ["restart", "retry"].contains(&name.as_str()));
        assert_eq!(found, expected, "{reported} {condition:?} {more}");
    }
    let mut stopped = resting("READY", stalled("ForceStopped"), &held);
    stopped["spec"] = json!({"desiredState": "Stopped"});
    assert!(!offered(&stopped).contains(&"restart".to_owned()));
}

#[test]
fn the_config_map_carries_the_scripts_of_the_folder() {
    let config = only(CONFIG);
    let data = config["data"].as_object().unwrap();
    assert_eq!(data.len(), 2);
    assert_eq!(
        data["resource.customizations.health.sluicegate.dev_FlinkApplication"],
        json!(script("health.lua"))
    );
    let carried = data["resource.customizations.actions.sluicegate.dev_FlinkApplication"].as_str();
    let carried: Value = serde_yaml::from_str(carried.unwrap()).unwrap();
    assert_eq!(carried["discovery.lua"], json!(script("actions/discovery.lua")));
    let definitions = carried["definitions"].as_array().unwrap();
    let mut names = Vec::new();
    for definition in definitions {
        let name = definition["name"].as_str().unwrap();
        names.push(name.to_owned());
        let expected = script(&format!("actions/{name}/action.lua"));
        assert_eq!(definition["action.lua"], json!(expected), "{name}");
    }
    names.sort();
    assert_eq!(names, actions());
    let found = run(&script("actions/discovery.lua"), &object());
    let mut discovered: Vec<&String> = found.as_object().unwrap().keys().collect();
    discovered.sort();
    assert_eq!(discovered, names.iter().collect::<Vec<_>>());
}
