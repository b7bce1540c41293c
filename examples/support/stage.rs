//! What both examples run: a control plane, the emulated service and the controller.

use std::error::Error;

use crate::testbed::{Cluster, Controller, Emulator, KubeControllers, repository, scratch};

/// How much faster than on AWS the minutes of the service pass.
const SPEED: &str = "60";

/// Everything that runs while the story is told.
pub(crate) struct Stage {
    /// The control plane, with the CRD and the RBAC of `deploy/`.
    pub(crate) cluster: Cluster,
    /// The service, with the bucket `demo`.
    pub(crate) emulator: Emulator,
    /// The controller, with the rights of its `ServiceAccount`.
    pub(crate) controller: Controller,
}

impl Stage {
    /// Starts everything and says what is being started.
    pub(crate) fn set() -> Result<Self, Box<dyn Error>> {
        say("Starting etcd and the Kubernetes API server.");
        let cluster = Cluster::start_with(&scratch("cluster")?, KubeControllers::Absent)?;
        println!("The API server listens on {}.", cluster.server());

        say("Starting the emulator of Amazon Managed Service for Apache Flink.");
        let bucket = format!("demo={}", repository().join("examples/demo/bucket").display());
        let emulator = Emulator::start(&scratch("emulator")?, &["--speed", SPEED, "--bucket", &bucket])?;
        println!(
            "It listens on {}. Its minutes pass {SPEED} times as fast as on AWS.",
            emulator.url
        );
        println!("The bucket \"demo\" is the folder examples/demo/bucket.");

        say(
            "Installing the CRD and the RBAC of deploy/, and starting the controller with the rights of its ServiceAccount.",
        );
        cluster.install()?;
        let controller = Controller::start(&cluster, &emulator, &["--log-format=human"], &[])?;
        let stage = Self {
            cluster,
            emulator,
            controller,
        };
        println!("Its metrics are at {}/metrics.", stage.controller.url);
        Ok(stage)
    }
}

/// Prints a sentence of the story.
pub(crate) fn say(sentence: &str) {
    println!("\n==> {sentence}");
}
