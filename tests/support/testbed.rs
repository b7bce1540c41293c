//! The test bed: a real API server, the emulated service and the controller as processes of their own.
//!
//! An integration test takes it in with `#[path = "support/testbed.rs"] mod testbed;`. Nothing here outlives the
//! process that started it, however that process ends (see [`Process`]). Everything a run writes lies below
//! `target/testbed/<test binary>/<process id>` and stays there until the next run of the same binary.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of the test bed")]

#[path = "testbed/audit.rs"]
mod audit;
#[path = "testbed/cluster.rs"]
mod cluster;
#[path = "testbed/control_plane.rs"]
mod control_plane;
#[path = "testbed/controller.rs"]
mod controller;
#[path = "testbed/emulator.rs"]
mod emulator;
#[path = "testbed/eventually.rs"]
mod eventually;
#[path = "testbed/http.rs"]
mod http;
#[path = "testbed/kubeconfig.rs"]
mod kubeconfig;
#[path = "testbed/objects.rs"]
mod objects;
#[path = "testbed/place.rs"]
mod place;
#[path = "testbed/process.rs"]
mod process;
#[path = "testbed/resource.rs"]
mod resource;
#[path = "testbed/runtime.rs"]
mod runtime;
#[path = "testbed/watch.rs"]
mod watch;

pub(crate) use audit::{AuditLog, AuditMark};
pub(crate) use cluster::{Cluster, Output};
pub(crate) use control_plane::KubeControllers;
pub(crate) use controller::Controller;
pub(crate) use emulator::{Call, Emulator};
pub(crate) use eventually::{Probe, eventually, within};
pub(crate) use http::{Response, get, post, post_with};
pub(crate) use objects::{CONFIG_MAP, CRD, EVENT, FLINK_APPLICATION, Kind, LEASE, NAMESPACE, Objects};
pub(crate) use place::{built, repository, scratch};
pub(crate) use process::{Process, Program};
pub(crate) use resource::condition;

use std::io;
use std::path::PathBuf;

/// Why a part of the test bed could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TestbedError {
    /// A program that the test bed runs is not on this machine.
    #[error("{part} is missing at {path}; run: {remedy}")]
    PartMissing {
        /// The program.
        part: String,
        /// Where it was looked for.
        path: PathBuf,
        /// The command that provides it.
        remedy: &'static str,
    },
    /// A program was started and did not become what it should be.
    #[error("{name} {what}; the end of its log:\n{log}")]
    NotStarted {
        /// The program.
        name: String,
        /// What was seen of it.
        what: String,
        /// The last lines of its log.
        log: String,
    },
    /// kubectl said no.
    #[error("kubectl {arguments} failed: {stderr}")]
    Kubectl {
        /// The arguments it was called with.
        arguments: String,
        /// What it printed.
        stderr: String,
    },
    /// The API server said no, or nothing.
    #[error("{what}: {source}")]
    Client {
        /// What was being done.
        what: String,
        /// The cause.
        source: kube::Error,
    },
    /// A file, a pipe or a socket failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The cause.
        source: io::Error,
    },
}

/// Adds to an I/O error what was being done.
pub(crate) trait During<T> {
    /// Names what was being done when the error happened.
    fn during(self, what: impl FnOnce() -> String) -> Result<T, TestbedError>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, TestbedError> {
        self.map_err(|source| TestbedError::Io { what: what(), source })
    }
}
