//! One test's part of the world: a namespace, an emulator with a bucket, and what is asked of both.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::rights;
use crate::testbed::{Call, Cluster, Controller, Emulator, eventually, scratch};

/// Far more than anything here takes: it ends a test that would wait for ever.
pub(crate) const PATIENCE: Duration = Duration::from_mins(4);

/// What one `kubectl wait` waits for before the limit is looked at again.
const ROUND: &str = "--timeout=10s";

/// A namespace and an emulator. When it goes, it holds that the API server has refused the controller nothing.
pub(crate) struct Scene {
    /// The cluster of this test binary.
    pub(crate) cluster: &'static Cluster,
    /// The namespace.
    pub(crate) namespace: String,
    /// The service of this namespace alone.
    pub(crate) emulator: Emulator,
    bucket: PathBuf,
}

impl Scene {
    /// Makes the namespace and starts the emulator, which runs `speed` times as fast as the service.
    ///
    /// The bucket `jobs` holds `healthy.yaml`.
    pub(crate) fn open(namespace: &str, speed: &str) -> Self {
        let bucket = scratch(&format!("{namespace}-bucket")).unwrap();
        let jobs = format!("jobs={}", bucket.display());
        let scene = Self::with(namespace, bucket, &["--speed", speed, "--bucket", &jobs]);
        scene.object("healthy.yaml", "{main: ok, initializing: 5s}");
        scene
    }

    /// Makes the namespace and starts the emulator with these arguments.
    pub(crate) fn with(namespace: &str, bucket: PathBuf, arguments: &[&str]) -> Self {
        let cluster = Cluster::shared();
        cluster.install().unwrap();
        cluster.kubectl_ok(&["create", "namespace", namespace], None);
        let emulator = Emulator::start(&scratch(&format!("{namespace}-emulator")).unwrap(), arguments).unwrap();
        Self {
            cluster,
            namespace: namespace.to_owned(),
            emulator,
            bucket,
        }
    }

    /// Puts an object into the bucket.
    pub(crate) fn object(&self, key: &str, text: &str) {
        fs::write(self.bucket.join(key), text).unwrap();
    }

    /// Starts a controller for this namespace alone.
    pub(crate) fn controller(&self, arguments: &[&str]) -> Controller {
        self.controller_with(arguments, &[])
    }

    /// Starts a controller for this namespace alone that reaches the service at this address.
    pub(crate) fn controller_through(&self, url: &str) -> Controller {
        self.controller_with(&[], &[("AWS_ENDPOINT_URL", url)])
    }

    /// Starts a controller for this namespace alone with more arguments and variables.
    pub(crate) fn controller_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Controller {
        let namespace = format!("--namespace={}", self.namespace);
        let arguments: Vec<&str> = [namespace.as_str()]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        Controller::start(self.cluster, &self.emulator, &arguments, environment).unwrap()
    }

    /// Runs kubectl in the namespace; its failure fails the test.
    #[track_caller]
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let place = ["-n", self.namespace.as_str()];
        let arguments: Vec<&str> = place.iter().chain(arguments).copied().collect();
        self.cluster.kubectl_ok(&arguments, None)
    }

    /// Applies a resource with this spec.
    #[track_caller]
    pub(crate) fn apply(&self, name: &str, spec: &Value) {
        let manifest = self.manifest(name, spec);
        self.cluster.kubectl_ok(&["apply", "-f", "-"], Some(&manifest));
    }

    /// The manifest of a resource with this spec.
    pub(crate) fn manifest(&self, name: &str, spec: &Value) -> String {
        json!({
            "apiVersion": "sluicegate.dev/v1alpha1",
            "kind": "FlinkApplication",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        })
        .to_string()
    }

    /// Waits until a resource is as `kubectl wait --for` says.
    #[track_caller]
    pub(crate) fn until(&self, name: &str, condition: &str) {
        let resource = format!("flinkapplication/{name}");
        let wait = format!("--for={condition}");
        let arguments = ["wait", "-n", &self.namespace, &resource, &wait, ROUND];
        eventually(&format!("{}/{name} {condition}", self.namespace), PATIENCE, || {
            let output = self.cluster.kubectl(&arguments, None);
            if output.success {
                return Ok(());
            }
            let status = self.resource(name).map(|resource| resource["status"].to_string());
            Err(format!("{}{}", output.stderr, status.unwrap_or_default()))
        });
    }

    /// Waits until the desired state of the current spec is reached and nothing is in flight.
    #[track_caller]
    pub(crate) fn until_ready(&self, name: &str) {
        self.until(name, "condition=Ready");
        eventually(&format!("{name} rests"), PATIENCE, || {
            let status = self.resource(name).map(|resource| resource["status"].clone());
            match status.filter(|status| status["intent"].is_object()) {
                Some(status) => Err(status.to_string()),
                None => Ok(()),
            }
        });
    }

    /// Waits until the Ready condition has this reason.
    #[track_caller]
    pub(crate) fn until_reason(&self, name: &str, reason: &str) {
        let path = format!("jsonpath={{.status.conditions[?(@.type==\"Ready\")].reason}}={reason}");
        self.until(name, &path);
    }

    /// Asks for the deletion of a resource and does not wait for it.
    #[track_caller]
    pub(crate) fn delete(&self, name: &str) {
        self.kubectl(&["delete", "flinkapplication", name, "--wait=false"]);
    }

    /// Waits until a resource is gone.
    #[track_caller]
    pub(crate) fn until_gone(&self, name: &str) {
        self.until(name, "delete");
    }

    /// A resource as it is, if there is one.
    #[track_caller]
    pub(crate) fn resource(&self, name: &str) -> Option<Value> {
        self.cluster.get(&self.namespace, &format!("flinkapplication/{name}"))
    }

    /// The application as the emulator sees it.
    #[track_caller]
    pub(crate) fn application(&self, name: &str) -> Value {
        let found = self.emulator.describe(name);
        found.unwrap_or_else(|| panic!("the service has no application {name}"))
    }

    /// Waits until the service reports this status of an application.
    #[track_caller]
    pub(crate) fn until_status(&self, name: &str, status: &str) {
        eventually(&format!("{name} is {status}"), PATIENCE, || {
            match self.emulator.describe(name) {
                Some(application) if application["status"] == status => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }

    /// The calls that have come in so far.
    #[track_caller]
    pub(crate) fn mark(&self) -> u64 {
        self.emulator.calls().last().map_or(0, |call| call.sequence)
    }

    /// The calls after a mark that ask for a change, refused ones included.
    #[track_caller]
    pub(crate) fn changes_since(&self, mark: u64) -> Vec<Call> {
        let mut calls = self.emulator.calls();
        calls.retain(|call| call.sequence > mark && !call.is_read());
        calls
    }

    /// The names of the changing calls after a mark, all of which the service must have accepted.
    #[track_caller]
    pub(crate) fn accepted_since(&self, mark: u64) -> Vec<String> {
        let calls = self.changes_since(mark);
        assert!(calls.iter().all(|call| call.outcome == "ok"), "{calls:?}");
        calls.into_iter().map(|call| call.operation).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            rights::assert_never_refused(self.cluster);
        }
    }
}

/// The spec of a job that runs until it is stopped and is soon proven good, with more members on top.
pub(crate) fn healthy(more: &Value) -> Value {
    let mut spec = json!({
        "runtimeEnvironment": "FLINK-1_20",
        "serviceExecutionRole": "arn:aws:iam::111122223333:role/flink/orders",
        "code": {"s3": {"bucket": "jobs", "key": "healthy.yaml"}},
        "rollout": {"gate": {"stableFor": "1s", "minCompletedCheckpoints": 0}},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    spec
}

/// The members of a spec under which the application goes with its resource.
pub(crate) fn deleted_with_state() -> Value {
    json!({"policy": "Delete", "stateLoss": "Accepted"})
}
