//! What a test plays on: a namespace with an emulated service, a bucket and a controller of its own.

mod resource;
mod service;
mod snapshots;

pub(crate) use resource::{ROLE, deleted_with_state, has_snapshot, healthy, manifest};
pub(crate) use service::FIRST_RUN;
pub(crate) use snapshots::{loadable, purposes, snapshots};

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::testbed::{Cluster, Controller, Emulator, scratch};

/// Far more than anything here takes: it ends a test that would wait for ever. Nothing is concluded from how long a wait
/// took.
pub(crate) const PATIENCE: Duration = Duration::from_mins(4);

/// How much faster than on AWS the minutes of the service pass. An update must take a second at least: snapshots carry
/// whole seconds, and two of one second have no order.
const SPEED: &str = "60";

/// The objects of the bucket `code`, by key.
const SCRIPTS: [(&str, &str); 6] = [
    ("healthy.yaml", "{main: ok, initializing: 5s}"),
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

/// A namespace and an emulator. When it goes, it holds that the API server has refused the controller nothing.
pub(crate) struct Scene {
    /// The API server.
    pub(crate) cluster: &'static Cluster,
    /// The namespace of this test.
    pub(crate) namespace: String,
    /// The service of this test.
    pub(crate) emulator: Emulator,
    bucket: PathBuf,
    /// The controller that the scene keeps itself.
    controller: Option<Controller>,
    /// Whether any controller was started.
    is_controlled: AtomicBool,
}

impl Scene {
    /// A namespace with a service and a controller that looks often.
    #[track_caller]
    pub(crate) fn set(namespace: &str) -> Self {
        let mut scene = Self::open(namespace);
        scene.start_controller();
        scene
    }

    /// A namespace with a service; nobody acts on its applications.
    #[track_caller]
    pub(crate) fn open(namespace: &str) -> Self {
        Self::open_at(namespace, SPEED)
    }

    /// The same with a service that runs so many times as fast as the real one.
    #[track_caller]
    pub(crate) fn open_at(namespace: &str, speed: &str) -> Self {
        Self::on(Cluster::shared(), namespace, speed, &[])
    }

    /// The same with more arguments for the emulator.
    #[track_caller]
    pub(crate) fn open_with(namespace: &str, arguments: &[&str]) -> Self {
        Self::on(Cluster::shared(), namespace, SPEED, arguments)
    }

    /// The same on a cluster that no other test uses.
    #[track_caller]
    pub(crate) fn open_alone(cluster: &'static Cluster, namespace: &str) -> Self {
        Self::on(cluster, namespace, SPEED, &[])
    }

    #[track_caller]
    fn on(cluster: &'static Cluster, namespace: &str, speed: &str, arguments: &[&str]) -> Self {
        cluster.install().unwrap();
        cluster.create_namespace(namespace);
        let dir = scratch(namespace).unwrap();
        let bucket = dir.join("bucket");
        fs::create_dir_all(&bucket).unwrap();
        let code = format!("code={}", bucket.display());
        let arguments = [&["--speed", speed, "--bucket", &code], arguments].concat();
        let emulator = Emulator::start(&dir, &arguments).unwrap();
        let scene = Self {
            cluster,
            namespace: namespace.to_owned(),
            emulator,
            bucket,
            controller: None,
            is_controlled: AtomicBool::new(false),
        };
        for (key, script) in SCRIPTS {
            scene.object(key, script);
        }
        scene
    }

    /// Puts an object into the bucket `code`.
    #[track_caller]
    pub(crate) fn object(&self, key: &str, script: &str) {
        fs::write(self.bucket.join(key), script).unwrap();
    }

    /// Starts a controller for this namespace alone, with more arguments.
    #[track_caller]
    pub(crate) fn controller(&self, arguments: &[&str]) -> Controller {
        self.controller_with(arguments, &[])
    }

    /// Starts a controller for this namespace alone that reaches the service at this address.
    #[track_caller]
    pub(crate) fn controller_through(&self, url: &str) -> Controller {
        self.controller_with(&[], &[("AWS_ENDPOINT_URL", url)])
    }

    /// Starts a controller for this namespace alone with more arguments and variables.
    #[track_caller]
    pub(crate) fn controller_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Controller {
        self.is_controlled.store(true, Ordering::Relaxed);
        let arguments = [&["--namespace", &self.namespace], arguments].concat();
        Controller::start(self.cluster, &self.emulator, &arguments, environment).unwrap()
    }

    /// Starts the controller that the scene keeps itself, or starts it again. It looks often and waits briefly.
    #[track_caller]
    pub(crate) fn start_controller(&mut self) {
        self.start_controller_with(&[]);
    }

    /// The same with more flags.
    #[track_caller]
    pub(crate) fn start_controller_with(&mut self, more: &[&str]) {
        let flags = [
            "--census-interval=250ms",
            "--metrics-interval=1s",
            "--refusal-grace=3s",
            "--refusal-recheck=3s",
            "--reference-grace=3s",
            "--log-format=human",
        ];
        self.controller = Some(self.controller(&[&flags, more].concat()));
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
}

impl Drop for Scene {
    fn drop(&mut self) {
        if self.is_controlled.load(Ordering::Relaxed) && !std::thread::panicking() {
            self.cluster.audit.assert_never_unauthorised();
        }
    }
}
