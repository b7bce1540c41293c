//! What tools that apply from Git conclude from real objects: Argo CD by the scripts of `deploy/argocd/`, and kstatus by the
//! rules that it publishes for every resource.

use serde_json::{Value, json};

use super::release::{CAUSE, assert_rolled_back, release, scene_with_a_good_release};
use crate::argocd::health;
use crate::scene::Scene;
use crate::testbed::condition;

/// The status of kstatus: terminating, then an older generation, then Stalled, Reconciling and Ready.
fn kstatus(app: &Value) -> &'static str {
    let metadata = &app["metadata"];
    let is = |type_: &str, status: &str| condition(app, type_).is_some_and(|found| found["status"] == status);
    if !metadata["deletionTimestamp"].is_null() {
        "Terminating"
    } else if app["status"]["observedGeneration"] != metadata["generation"] {
        "InProgress"
    } else if is("Stalled", "True") {
        "Failed"
    } else if is("Reconciling", "True") || is("Ready", "False") || is("Ready", "Unknown") {
        "InProgress"
    } else {
        "Current"
    }
}

#[track_caller]
fn assert_seen(app: &Value, argo: &str, kubernetes: &str) {
    let (status, message) = health(app);
    assert_eq!(
        (status.as_str(), kstatus(app)),
        (argo, kubernetes),
        "{message}: {app:#}"
    );
    assert!(!message.is_empty(), "{app:#}");
}

#[test]
fn a_resource_is_in_progress_until_its_job_is_proven() {
    let mut scene = Scene::open("gitops-new");
    scene.apply("orders", &release("healthy-1.yaml"));
    assert_seen(&scene.app("orders"), "Progressing", "InProgress");
    scene.start_controller();
    let gate = scene.until("orders", "is verified", |app| {
        app["status"]["rollout"]["gate"].is_object()
    });
    assert_seen(&gate, "Progressing", "InProgress");
    assert_seen(&scene.ready("orders"), "Healthy", "Current");

    let mut stopped = release("healthy-1.yaml");
    stopped["desiredState"] = json!("Stopped");
    scene.apply("orders", &stopped);
    assert_seen(&scene.ready("orders"), "Healthy", "Current");
}

#[test]
fn a_bad_release_fails_its_sync_and_the_fix_does_not() {
    let mut scene = scene_with_a_good_release("gitops-bad");
    scene.apply("orders", &release("loops.yaml"));
    let back = scene.until("orders", "goes back", |app| app["status"]["wayBack"].is_object());
    assert_seen(&back, "Progressing", "InProgress");
    let rolled_back = assert_rolled_back(&scene, "GateFailed", CAUSE);
    assert_seen(&rolled_back, "Degraded", "Failed");

    scene.kill_controller();
    scene.apply("orders", &release("healthy-2.yaml"));
    assert_seen(&scene.app("orders"), "Progressing", "InProgress");
    scene.start_controller();
    assert_seen(&scene.ready("orders"), "Healthy", "Current");
}

#[test]
fn what_waits_for_people_is_suspended_and_what_goes_is_terminating() {
    let scene = scene_with_a_good_release("gitops-waits");
    let mut manual = release("healthy-2.yaml");
    manual["rollout"]["approval"] = json!("Manual");
    scene.apply("orders", &manual);
    let waits = scene.until("orders", "waits for approval", |app| {
        condition(app, "Synced").is_some_and(|synced| synced["reason"] == "AwaitingApproval")
    });
    assert_seen(&waits, "Suspended", "InProgress");

    scene.annotate("orders", "reconcile", "paused");
    let paused = scene.until("orders", "is paused", |app| condition(app, "Paused").is_some());
    assert_eq!(health(&paused).0, "Suspended");

    manual["deletion"] = json!({"policy": "Delete", "stateLoss": "Accepted"});
    scene
        .resources()
        .annotate("orders", &json!({"sluicegate.dev/reconcile": null}));
    scene.apply("orders", &manual);
    scene.until("orders", "holds its finalizer", |app| {
        app["metadata"]["finalizers"].is_array()
    });
    scene.delete("orders");
    if let Some(going) = scene.resources().get("orders") {
        assert_eq!(kstatus(&going), "Terminating");
        assert_ne!(health(&going).0, "Healthy");
    }
}
