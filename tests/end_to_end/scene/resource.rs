//! The resources of a scene, and what the controller says of them.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::{PATIENCE, Scene};
use crate::testbed::{CONFIG_MAP, EVENT, FLINK_APPLICATION, Kind, Objects, condition};

/// The role of the applications of the tests.
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/flink/orders";

impl Scene {
    /// The objects of a kind in the namespace.
    pub(crate) fn objects(&self, kind: Kind) -> Objects {
        self.cluster.objects(kind, &self.namespace)
    }

    /// The resources in the namespace.
    pub(crate) fn resources(&self) -> Objects {
        self.objects(FLINK_APPLICATION)
    }

    /// Runs kubectl in the namespace.
    #[track_caller]
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> = arguments.iter().copied().chain(["-n", &self.namespace]).collect();
        self.cluster.kubectl_ok(&all, None)
    }

    /// A manifest in the namespace, as [`manifest`] makes it.
    pub(crate) fn manifest(&self, name: &str, changes: &Value) -> Value {
        manifest(&self.namespace, name, changes)
    }

    /// Applies that manifest, whole: what an earlier one set and this one does not is removed.
    #[track_caller]
    pub(crate) fn apply(&self, name: &str, changes: &Value) {
        self.resources().apply(&self.manifest(name, changes));
    }

    /// Annotates a resource with `sluicegate.dev/KEY`.
    #[track_caller]
    pub(crate) fn annotate(&self, name: &str, key: &str, value: &str) {
        let annotation = format!("sluicegate.dev/{key}");
        self.resources().annotate(name, &json!({annotation: value}));
    }

    /// Creates a ConfigMap or gives it other data.
    #[track_caller]
    pub(crate) fn config_map(&self, name: &str, data: &Value) {
        self.objects(CONFIG_MAP).apply(&json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace},
            "data": data,
        }));
    }

    /// The events with this reason.
    #[track_caller]
    pub(crate) fn events(&self, reason: &str) -> Vec<Value> {
        let mut events = self.objects(EVENT).list();
        events.retain(|event| event["reason"] == reason);
        events
    }

    /// The resource as the API server has it.
    #[track_caller]
    pub(crate) fn app(&self, name: &str) -> Value {
        let found = self.resources().get(name);
        found.unwrap_or_else(|| panic!("there is no FlinkApplication {name}"))
    }

    /// Waits until the resource, as it is, is Ready and nothing is in flight. What runs for the first time is Ready a
    /// moment before its first snapshot is taken: the answer is how it is with that snapshot, or with its failure.
    #[track_caller]
    pub(crate) fn ready(&self, name: &str) -> Value {
        let app = self.until(name, "is Ready", |app| {
            holds(app, "Ready", "True") && app["status"]["intent"].is_null() && !awaits_a_snapshot(app)
        });
        assert!(condition(&app, "Reconciling").is_none(), "{}", app["status"]);
        assert!(condition(&app, "Stalled").is_none(), "{}", app["status"]);
        app
    }

    /// Waits until the resource, as it is, is stalled for a reason; the answer is the message of the condition.
    #[track_caller]
    pub(crate) fn stalled(&self, name: &str, reason: &str) -> String {
        let app = self.until(name, &format!("is Stalled/{reason}"), |app| {
            holds(app, "Stalled", "True") && condition(app, "Stalled").is_some_and(|found| found["reason"] == reason)
        });
        assert!(condition(&app, "Reconciling").is_none(), "{}", app["status"]);
        let ready = condition(&app, "Ready").unwrap();
        assert_eq!(
            (&ready["status"], &ready["reason"]),
            (&json!("False"), &json!(reason)),
            "{}",
            app["status"]
        );
        condition(&app, "Stalled").unwrap()["message"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Waits until the Ready condition has this reason.
    #[track_caller]
    pub(crate) fn until_reason(&self, name: &str, reason: &str) {
        self.until(name, &format!("is Ready or not for {reason}"), |app| {
            condition(app, "Ready").is_some_and(|ready| ready["reason"] == reason)
        });
    }

    /// Waits until something is true of the resource. It must be true of the resource alone: that is what is watched.
    #[track_caller]
    pub(crate) fn until(&self, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let what = format!("{}/{name} {what}", self.namespace);
        self.resources().until(name, &what, PATIENCE, is_so)
    }

    /// Makes the controller look at the resource twice and waits until it has: whatever it would do is done.
    #[track_caller]
    pub(crate) fn look(&self, name: &str) {
        static LOOKS: AtomicU64 = AtomicU64::new(0);
        for _ in 0..2 {
            let value = format!("look-{}", LOOKS.fetch_add(1, Ordering::Relaxed));
            self.annotate(name, "reconcile-requested-at", &value);
            self.until(name, "was looked at", |app| {
                app["status"]["handled"]["reconcile"] == value.as_str()
            });
        }
    }

    /// Asks for the deletion of a resource and does not wait for it.
    #[track_caller]
    pub(crate) fn delete(&self, name: &str) {
        self.resources().delete(name);
    }

    /// Waits until a resource is gone.
    #[track_caller]
    pub(crate) fn until_gone(&self, name: &str) {
        self.resources().until_gone(name, PATIENCE);
    }
}

/// A manifest: a running application of healthy code that is good as soon as all of it runs, with `changes` merged into
/// its spec; null removes.
pub(crate) fn manifest(namespace: &str, name: &str, changes: &Value) -> Value {
    let mut spec = json!({
        "runtimeEnvironment": "FLINK-1_20",
        "serviceExecutionRole": ROLE,
        "code": {"s3": {"bucket": "code", "key": "healthy-1.yaml"}},
        "rollout": {"gate": {"stableFor": "0s", "minCompletedCheckpoints": 0}},
    });
    json_patch::merge(&mut spec, changes);
    json!({
        "apiVersion": "sluicegate.dev/v1alpha1",
        "kind": "FlinkApplication",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
}

/// The spec of a job that takes a moment to come up and is soon proven good, with more members on top.
pub(crate) fn healthy(more: &Value) -> Value {
    let mut spec = json!({
        "code": {"s3": {"key": "healthy.yaml"}},
        "rollout": {"gate": {"stableFor": "1s"}},
    });
    json_patch::merge(&mut spec, more);
    spec
}

/// The members of a spec under which the application goes with its resource.
pub(crate) fn deleted_with_state() -> Value {
    json!({"policy": "Delete", "stateLoss": "Accepted"})
}

/// Whether a resource knows of a snapshot to go back to, which one of a first deployment gets unasked.
pub(crate) fn has_snapshot(app: &Value) -> bool {
    app["status"]["snapshots"]["latestAt"].is_string()
}

/// Whether a first snapshot is still to be taken.
fn awaits_a_snapshot(app: &Value) -> bool {
    let spec = &app["spec"];
    let takes_none = spec["desiredState"] == "Stopped" || spec["snapshots"]["enabled"] == false;
    !takes_none && !has_snapshot(app) && app["status"]["snapshots"]["failure"].is_null()
}

/// Whether a condition about the resource as it is has this status.
fn holds(app: &Value, type_: &str, status: &str) -> bool {
    let generation = &app["metadata"]["generation"];
    &app["status"]["observedGeneration"] == generation
        && condition(app, type_)
            .is_some_and(|found| found["status"] == status && &found["observedGeneration"] == generation)
}
