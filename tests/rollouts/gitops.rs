//! What tools that apply from Git conclude from real objects: Argo CD by the scripts of `deploy/argocd/`, and kstatus by the
//! rules that it publishes for every resource.

use serde_json::{Value, json};

use crate::argocd::health;
use crate::release::{CAUSE, assert_rolled_back, release, stage_with_a_good_release};
use crate::stage::Stage;
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
    let mut stage = Stage::without_controller("gitops-new");
    stage.apply("orders", &release("healthy-1.yaml"));
    assert_seen(&stage.app("orders"), "Progressing", "InProgress");
    stage.start_controller();
    let gate = stage.until("orders", "is verified", |app| {
        app["status"]["rollout"]["gate"].is_object()
    });
    assert_seen(&gate, "Progressing", "InProgress");
    assert_seen(&stage.ready("orders"), "Healthy", "Current");

    let mut stopped = release("healthy-1.yaml");
    stopped["desiredState"] = json!("Stopped");
    stage.apply("orders", &stopped);
    assert_seen(&stage.ready("orders"), "Healthy", "Current");
}

#[test]
fn a_bad_release_fails_its_sync_and_the_fix_does_not() {
    let mut stage = stage_with_a_good_release("gitops-bad");
    stage.apply("orders", &release("loops.yaml"));
    let back = stage.until("orders", "goes back", |app| app["status"]["wayBack"].is_object());
    assert_seen(&back, "Progressing", "InProgress");
    let rolled_back = assert_rolled_back(&stage, "GateFailed", CAUSE);
    assert_seen(&rolled_back, "Degraded", "Failed");

    stage.kill_controller();
    stage.apply("orders", &release("healthy-2.yaml"));
    assert_seen(&stage.app("orders"), "Progressing", "InProgress");
    stage.start_controller();
    assert_seen(&stage.ready("orders"), "Healthy", "Current");
}

#[test]
fn what_waits_for_people_is_suspended_and_what_goes_is_terminating() {
    let stage = stage_with_a_good_release("gitops-waits");
    let mut manual = release("healthy-2.yaml");
    manual["rollout"]["approval"] = json!("Manual");
    stage.apply("orders", &manual);
    let waits = stage.until("orders", "waits for approval", |app| {
        condition(app, "Synced").is_some_and(|synced| synced["reason"] == "AwaitingApproval")
    });
    assert_seen(&waits, "Suspended", "InProgress");

    stage.annotate("orders", "reconcile", "paused");
    let paused = stage.until("orders", "is paused", |app| condition(app, "Paused").is_some());
    assert_eq!(health(&paused).0, "Suspended");

    manual["deletion"] = json!({"policy": "Delete", "stateLoss": "Accepted"});
    stage.kubectl(&["annotate", "msfapp", "orders", "sluicegate.dev/reconcile-"]);
    stage.apply("orders", &manual);
    stage.until("orders", "holds its finalizer", |app| {
        app["metadata"]["finalizers"].is_array()
    });
    stage.kubectl(&["delete", "msfapp", "orders", "--wait=false"]);
    let going = stage.cluster.get(&stage.namespace, "flinkapplication/orders");
    if let Some(going) = going {
        assert_eq!(kstatus(&going), "Terminating");
        assert_ne!(health(&going).0, "Healthy");
    }
}
