//! A namespace with an emulated service and a controller of its own.
#![allow(dead_code, reason = "each test binary uses a part of the stage")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::testbed::{Cluster, Controller, Emulator, condition, eventually, post_with, scratch};

/// How long a test waits for what must come; nothing is concluded from how long it took.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// How much faster than on AWS the minutes of the service pass. An update must take a second at least: snapshots carry
/// whole seconds, and two of one second have no order.
const SPEED: &str = "60";

/// The objects of the bucket `code`, by key.
const SCRIPTS: [(&str, &str); 5] = [
    ("healthy-1.yaml", "main: ok\n"),
    ("healthy-2.yaml", "main: ok\ninitializing: 5s\n"),
    (
        "throws.yaml",
        "main: {throws: \"java.lang.NoSuchMethodError: Sink.open\"}\n",
    ),
    (
        "throws-too.yaml",
        "main: {throws: \"java.lang.OutOfMemoryError: Metaspace\"}\n",
    ),
    ("bounded.yaml", "main: ok\nthen: {endsAfter: 6m}\n"),
];

/// The error text of `throws.yaml`.
pub(crate) const THROWN: &str = "java.lang.NoSuchMethodError: Sink.open";

/// The role of the applications of the tests.
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/flink/orders";

/// The calls that bring a new application up: it runs from nothing, and there is a snapshot to go back to.
pub(crate) const FIRST_RUN: [&str; 3] = ["CreateApplication", "StartApplication", "CreateApplicationSnapshot"];

/// What a test plays on.
pub(crate) struct Stage {
    /// The API server.
    pub(crate) cluster: &'static Cluster,
    /// The namespace of this test.
    pub(crate) namespace: String,
    /// The service of this test.
    pub(crate) emulator: Emulator,
    bucket: PathBuf,
    controller: Option<Controller>,
}

impl Stage {
    /// A namespace with a service and a controller.
    #[track_caller]
    pub(crate) fn set(namespace: &str) -> Self {
        let mut stage = Self::without_controller(namespace);
        stage.start_controller();
        stage
    }

    /// A namespace with a service; nobody acts on its applications.
    #[track_caller]
    pub(crate) fn without_controller(namespace: &str) -> Self {
        Self::on(Cluster::shared(), namespace, &[])
    }

    /// The same on any cluster, with arguments for the emulator.
    #[track_caller]
    pub(crate) fn on(cluster: &'static Cluster, namespace: &str, arguments: &[&str]) -> Self {
        cluster.install().unwrap();
        cluster.kubectl_ok(&["create", "namespace", namespace], None);
        let dir = scratch(namespace).unwrap();
        let bucket = dir.join("bucket");
        fs::create_dir_all(&bucket).unwrap();
        for (key, script) in SCRIPTS {
            fs::write(bucket.join(key), script).unwrap();
        }
        let code = format!("code={}", bucket.display());
        let arguments = [&["--speed", SPEED, "--bucket", &code], arguments].concat();
        let emulator = Emulator::start(&dir, &arguments).unwrap();
        Self {
            cluster,
            namespace: namespace.to_owned(),
            emulator,
            bucket,
            controller: None,
        }
    }

    /// Puts an object into the bucket `code`.
    #[track_caller]
    pub(crate) fn object(&self, key: &str, script: &str) {
        fs::write(self.bucket.join(key), script).unwrap();
    }

    /// Starts the controller, or starts it again.
    #[track_caller]
    pub(crate) fn start_controller(&mut self) {
        self.start_controller_with(&[]);
    }

    /// The same with more flags.
    #[track_caller]
    pub(crate) fn start_controller_with(&mut self, more: &[&str]) {
        let flags = [
            "--namespace",
            &self.namespace,
            "--census-interval=250ms",
            "--metrics-interval=1s",
            "--refusal-grace=3s",
            "--refusal-recheck=3s",
            "--reference-grace=3s",
            "--log-format=human",
        ];
        let flags = [&flags, more].concat();
        self.controller = Some(Controller::start(self.cluster, &self.emulator, &flags, &[]).unwrap());
    }

    /// Kills the controller as a node that dies would.
    pub(crate) fn kill_controller(&mut self) {
        if let Some(controller) = self.controller.take() {
            controller.kill9();
        }
    }

    /// Kills the controller as a node that dies would, and starts another.
    #[track_caller]
    pub(crate) fn replace_controller(&mut self) {
        self.kill_controller();
        self.start_controller();
    }

    /// What the running controller has logged so far.
    #[track_caller]
    pub(crate) fn controller_log(&self) -> String {
        let controller = self.controller.as_ref().unwrap();
        String::from_utf8_lossy(&fs::read(controller.process().log()).unwrap()).into_owned()
    }

    /// A manifest: a running application of healthy code that is good as soon as all of it runs, with `changes` merged
    /// into its spec; null removes.
    pub(crate) fn manifest(&self, name: &str, changes: &Value) -> Value {
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
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        })
    }

    /// Applies that manifest, whole: what an earlier one set and this one does not is removed.
    #[track_caller]
    pub(crate) fn apply(&self, name: &str, changes: &Value) {
        let manifest = self.manifest(name, changes).to_string();
        self.cluster
            .kubectl_ok(&["apply", "--server-side", "-f", "-"], Some(&manifest));
    }

    /// Runs kubectl in the namespace.
    #[track_caller]
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> = arguments.iter().copied().chain(["-n", &self.namespace]).collect();
        self.cluster.kubectl_ok(&all, None)
    }

    /// Annotates an application with `sluicegate.dev/KEY`.
    #[track_caller]
    pub(crate) fn annotate(&self, name: &str, key: &str, value: &str) {
        let annotation = format!("sluicegate.dev/{key}={value}");
        self.kubectl(&["annotate", "--overwrite", "msfapp", name, &annotation]);
    }

    /// Creates a ConfigMap or gives it other data.
    #[track_caller]
    pub(crate) fn config_map(&self, name: &str, data: &Value) {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace},
            "data": data,
        });
        self.cluster
            .kubectl_ok(&["apply", "--server-side", "-f", "-"], Some(&manifest.to_string()));
    }

    /// The resource as the API server has it.
    #[track_caller]
    pub(crate) fn app(&self, name: &str) -> Value {
        let found = self.cluster.get(&self.namespace, &format!("flinkapplication/{name}"));
        found.unwrap_or_else(|| panic!("there is no FlinkApplication {name}"))
    }

    /// Waits until the resource, as it is, is Ready and nothing is in flight.
    #[track_caller]
    pub(crate) fn ready(&self, name: &str) -> Value {
        let app = self.until(name, "is Ready", |app| {
            holds(app, "Ready", "True") && app["status"]["intent"].is_null()
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

    /// Waits until something is true of the resource.
    #[track_caller]
    pub(crate) fn until(&self, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{}/{name} {what}", self.namespace), PATIENCE, || {
            let app = self.app(name);
            if is_so(&app) {
                Ok(app)
            } else {
                Err(format!(
                    "generation {} {:#}",
                    app["metadata"]["generation"], app["status"]
                ))
            }
        })
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

    /// How many calls the service has received.
    #[track_caller]
    pub(crate) fn mark(&self) -> u64 {
        self.emulator.calls().last().map_or(0, |call| call.sequence)
    }

    /// The calls since `mark` that can change something, in their order; reads are left out.
    #[track_caller]
    pub(crate) fn changes_since(&self, mark: u64) -> Vec<String> {
        let calls = self.emulator.calls().into_iter();
        calls
            .filter(|call| call.sequence > mark && !call.is_read())
            .map(|call| call.operation)
            .collect()
    }

    /// Calls the service as a person would who uses it without the controller.
    #[track_caller]
    pub(crate) fn call(&self, operation: &str, input: &Value) -> Value {
        let headers = [
            ("X-Amz-Target", format!("KinesisAnalytics_20180523.{operation}")),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/kinesisanalytics/aws4_request".to_owned(),
            ),
        ];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = post_with(&format!("{}/", self.emulator.url), &headers, &input.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// `DescribeApplication`.
    #[track_caller]
    pub(crate) fn describe(&self, name: &str) -> Value {
        self.call("DescribeApplication", &json!({"ApplicationName": name}))["ApplicationDetail"].take()
    }

    /// The tags of an application in the service.
    #[track_caller]
    pub(crate) fn tags(&self, name: &str) -> Value {
        let arn = self.describe(name)["ApplicationARN"].take();
        let answer = self.call("ListTagsForResource", &json!({"ResourceARN": arn}));
        let tags = answer["Tags"].as_array().unwrap().iter();
        tags.map(|tag| (tag["Key"].as_str().unwrap().to_owned(), tag["Value"].clone()))
            .collect()
    }

    /// The application as the test bed of the emulator sees it.
    #[track_caller]
    pub(crate) fn inside(&self, name: &str) -> Value {
        let found = self.emulator.describe(name);
        found.unwrap_or_else(|| panic!("the service has no application {name}"))
    }

    /// Lets the service do something by itself: `maintenance` or `autoscaling`.
    #[track_caller]
    pub(crate) fn unannounced(&self, name: &str, action: &str) {
        assert!(self.emulator.act(name, action), "{name} does not run");
    }
}

/// Whether a resource knows of a snapshot to go back to, which one of a first deployment gets unasked.
pub(crate) fn has_snapshot(app: &Value) -> bool {
    app["status"]["snapshots"]["latestAt"].is_string()
}

/// Whether a condition about the resource as it is has this status.
fn holds(app: &Value, type_: &str, status: &str) -> bool {
    let generation = &app["metadata"]["generation"];
    &app["status"]["observedGeneration"] == generation
        && condition(app, type_)
            .is_some_and(|found| found["status"] == status && &found["observedGeneration"] == generation)
}

/// The names of the snapshots of an application, the oldest first.
pub(crate) fn snapshots(inside: &Value) -> Vec<String> {
    let snapshots = inside["snapshots"].as_array().unwrap().iter();
    snapshots
        .map(|snapshot| snapshot["SnapshotName"].as_str().unwrap().to_owned())
        .collect()
}
