//! The controller under test as a process, with the rights of its own `ServiceAccount`.

use std::path::Path;
use std::time::Duration;

use super::control_plane::{TRIES, free_ports, is_taken};
use super::eventually::within;
use super::place::{built, scratch};
use super::process::{Process, Program};
use super::{Cluster, Emulator, TestbedError, http};

const NAMESPACE: &str = "sluicegate-system";
const ACCOUNT: &str = "sluicegate";

/// Arguments that are given unless a test gives the same flag.
const DEFAULTS: [(&str, &str); 2] = [("--region", "eu-west-1"), ("--leader-elect", "false")];

/// A running `sluicegate run`.
#[derive(Debug)]
pub(crate) struct Controller {
    /// The address of its own pages: `/metrics`, `/healthz`, `/readyz`.
    pub(crate) url: String,
    process: Process,
}

impl Controller {
    /// The user that it is to the API server.
    pub(crate) const USER: &str = "system:serviceaccount:sluicegate-system:sluicegate";

    /// Starts the controller against the cluster and the emulator and waits until it says it is healthy.
    ///
    /// The cluster must be installed. `arguments` and `environment` come on top of what the test bed gives: region
    /// `eu-west-1`, no leader election, a port of the kernel's choice, made-up credentials.
    pub(crate) fn start(
        cluster: &Cluster,
        emulator: &Emulator,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self, TestbedError> {
        let mut tried = 1;
        loop {
            match Self::try_start(cluster, emulator, arguments, environment) {
                Err(error) if tried < TRIES && is_taken(&error) => tried += 1,
                other => return other,
            }
        }
    }

    fn try_start(
        cluster: &Cluster,
        emulator: &Emulator,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self, TestbedError> {
        let config = cluster.kubeconfig_for(NAMESPACE, ACCOUNT)?;
        let dir = scratch("controller")?;
        let [port] = free_ports()?;
        let program = program(&built("sluicegate")?, &dir, arguments, port)
            .env("KUBECONFIG", config)
            .env("AWS_ENDPOINT_URL", emulator.url.clone());
        let program = environment
            .iter()
            .fold(program, |program, (name, value)| program.env(name, *value));
        let process = Process::start("sluicegate", &program, &dir.join(format!("sluicegate-{port}.log")))?;
        let url = format!("http://127.0.0.1:{port}");
        let healthy = || http::get(&format!("{url}/healthz")).is_ok_and(|answer| answer.status == 200);
        let state = within(Duration::from_mins(1), || match (process.is_running(), healthy()) {
            (true, true) => Some(true),
            (true, false) => None,
            (false, _) => Some(false),
        });
        if state == Some(true) {
            Ok(Self { url, process })
        } else {
            Err(process.not_started("is not healthy"))
        }
    }

    /// The process, to stop or to pause it.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Its metrics in the `OpenMetrics` text format.
    ///
    /// # Panics
    /// When it does not answer.
    #[track_caller]
    pub(crate) fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.url);
        let answer = http::get(&url).unwrap_or_else(|error| panic!("GET {url}: {error}"));
        assert_eq!(answer.status, 200, "GET {url}: {}", answer.body);
        answer.body
    }

    /// Kills it with `SIGKILL`, as a node that dies would.
    pub(crate) fn kill9(&self) {
        self.process.kill9();
    }
}

fn program(path: &Path, dir: &Path, arguments: &[&str], port: u16) -> Program {
    let given = |flag: &str| {
        arguments.iter().any(|given| {
            given
                .strip_prefix(flag)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    let defaults = DEFAULTS
        .iter()
        .filter(|(flag, _)| !given(flag))
        .map(|(flag, value)| format!("{flag}={value}"));
    Program::new(path, dir)
        .args(["run"])
        .args(defaults)
        .args([format!("--http-listen=127.0.0.1:{port}")])
        .args(arguments)
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
        .env("AWS_SECRET_ACCESS_KEY", "secret-of-the-test-bed")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("RUST_BACKTRACE", "1")
        // The trace of an error would push what it says out of the end of the log, by which a taken port is known.
        .env("RUST_LIB_BACKTRACE", "0")
}
