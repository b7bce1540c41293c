//! A real Kubernetes control plane: etcd, kube-apiserver with RBAC and an audit log, and Kubernetes' own controllers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::control_plane::{AUDIT_LOG, ControlPlane, KubeControllers};
use super::eventually::within;
use super::place::{repository, scratch};
use super::process::{Process, Program};
use super::{During, TestbedError, kubeconfig};

const PROVIDE: &str = "make cluster";

/// What kubectl did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// Whether it ended with 0.
    pub(crate) success: bool,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained about.
    pub(crate) stderr: String,
}

/// A running control plane with an administrator's kubectl. It ends when this value is dropped, at the latest with
/// this process.
#[derive(Debug)]
pub(crate) struct Cluster {
    dir: PathBuf,
    kubectl: PathBuf,
    admin: PathBuf,
    control_plane: ControlPlane,
    installed: Mutex<bool>,
}

impl Cluster {
    /// Starts a control plane that keeps all its files below `dir`, and waits until it serves.
    pub(crate) fn start(dir: &Path) -> Result<Self, TestbedError> {
        Self::start_with(dir, KubeControllers::Running)
    }

    /// The same with or without Kubernetes' own controllers.
    pub(crate) fn start_with(dir: &Path, controllers: KubeControllers) -> Result<Self, TestbedError> {
        let kubectl = binary("kubectl")?;
        let control_plane = ControlPlane::start(dir, controllers)?;
        let admin = dir.join("admin.kubeconfig");
        kubeconfig::write(
            &admin,
            &control_plane.server,
            &control_plane.authority,
            &control_plane.admin_token,
        )?;
        let cluster = Self {
            dir: dir.to_path_buf(),
            kubectl,
            admin,
            control_plane,
            installed: Mutex::new(false),
        };
        let mut seen = String::new();
        let ready = within(Duration::from_mins(2), || {
            let answer = cluster.kubectl_raw(&["get", "namespace", "default", "kube-system"], None);
            match answer {
                Ok(output) if output.success => Some(()),
                Ok(output) => {
                    seen = output.stderr;
                    None
                }
                Err(error) => {
                    seen = error.to_string();
                    None
                }
            }
        });
        if let Some(()) = ready {
            Ok(cluster)
        } else {
            let what = format!("does not serve (kubectl: {})", seen.trim());
            Err(cluster.control_plane.api_server.not_started(&what))
        }
    }

    /// The control plane of this test process, started by whoever asks first.
    ///
    /// # Panics
    /// When it could not be started.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Cluster, TestbedError>> = OnceLock::new();
        match SHARED.get_or_init(|| Self::start(&scratch("cluster")?)) {
            Ok(cluster) => cluster,
            Err(error) => panic!("the test cluster could not be started: {error}"),
        }
    }

    /// Applies what an installation on a real cluster applies, without the Deployment: the CRD, the namespace and the
    /// RBAC of `deploy/`. Installing again does nothing.
    pub(crate) fn install(&self) -> Result<(), TestbedError> {
        let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        if *installed {
            return Ok(());
        }
        let path = |relative: &str| repository().join(relative).display().to_string();
        self.try_kubectl(
            &["apply", "--server-side", "-f", &path("crds/flinkapplications.yaml")],
            None,
        )?;
        let crd = "crd/flinkapplications.sluicegate.dev";
        self.try_kubectl(&["wait", "--for=condition=Established", crd, "--timeout=60s"], None)?;
        self.try_kubectl(&["apply", "--server-side", "-f", &path("deploy/namespace.yaml")], None)?;
        self.try_kubectl(&["apply", "--server-side", "-k", &path("deploy/rbac")], None)?;
        *installed = true;
        drop(installed);
        Ok(())
    }

    /// Runs kubectl as the administrator.
    ///
    /// # Panics
    /// When kubectl cannot be run at all.
    pub(crate) fn kubectl(&self, arguments: &[&str], stdin: Option<&str>) -> Output {
        self.kubectl_raw(arguments, stdin)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs kubectl as whoever the kubeconfig file names.
    ///
    /// # Panics
    /// When kubectl cannot be run at all.
    pub(crate) fn kubectl_as(&self, config: &Path, arguments: &[&str]) -> Output {
        self.run(config, arguments, None)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs kubectl as the administrator and returns what it printed.
    ///
    /// # Panics
    /// When it fails, with its complaint.
    #[track_caller]
    pub(crate) fn kubectl_ok(&self, arguments: &[&str], stdin: Option<&str>) -> String {
        self.try_kubectl(arguments, stdin)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs kubectl as the administrator; its failure is an error with its complaint.
    pub(crate) fn try_kubectl(&self, arguments: &[&str], stdin: Option<&str>) -> Result<String, TestbedError> {
        let output = self.kubectl_raw(arguments, stdin)?;
        if output.success {
            return Ok(output.stdout);
        }
        let stderr = output.stderr.trim().to_owned();
        Err(TestbedError::Kubectl {
            arguments: arguments.join(" "),
            stderr,
        })
    }

    /// One object as JSON; `None` when there is none. `resource` as in `flinkapplication/orders`.
    ///
    /// # Panics
    /// When kubectl fails for another reason or prints no JSON.
    #[track_caller]
    pub(crate) fn get(&self, namespace: &str, resource: &str) -> Option<Value> {
        let arguments = ["get", resource, "-n", namespace, "-o", "json", "--ignore-not-found"];
        let text = self.kubectl_ok(&arguments, None);
        if text.trim().is_empty() {
            return None;
        }
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("kubectl printed no JSON ({error}): {text}")))
    }

    /// A kubeconfig file with a fresh token of that `ServiceAccount`.
    pub(crate) fn kubeconfig_for(&self, namespace: &str, account: &str) -> Result<PathBuf, TestbedError> {
        let token = self.try_kubectl(&["create", "token", account, "-n", namespace, "--duration=24h"], None)?;
        let path = self.dir.join(format!("{namespace}-{account}.kubeconfig"));
        let plane = &self.control_plane;
        kubeconfig::write(&path, &plane.server, &plane.authority, token.trim())?;
        Ok(path)
    }

    /// The administrator's kubeconfig file.
    pub(crate) fn admin_kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// A client of the API server with the rights of the administrator.
    pub(crate) async fn client(&self) -> Result<Client, TestbedError> {
        let during = || "making a client from the administrator's kubeconfig".to_owned();
        let config = Kubeconfig::read_from(&self.admin)
            .map_err(io::Error::other)
            .during(during)?;
        let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await;
        let config = config.map_err(io::Error::other).during(during)?;
        Client::try_from(config).map_err(io::Error::other).during(during)
    }

    /// The kubectl of this control plane's version.
    pub(crate) fn kubectl_path(&self) -> &Path {
        &self.kubectl
    }

    /// The address of the API server.
    pub(crate) fn server(&self) -> &str {
        &self.control_plane.server
    }

    /// All requests that the API server has answered so far, oldest first (`audit.k8s.io/v1` events).
    ///
    /// # Panics
    /// When the audit log cannot be read.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let path = self.dir.join(AUDIT_LOG);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
        // The last line may be half written; it is there in whole at the next look.
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Stops etcd in its tracks: the API server answers nothing that needs it until [`Cluster::resume_etcd`].
    pub(crate) fn pause_etcd(&self) -> Result<(), TestbedError> {
        self.control_plane.etcd.signal("STOP")
    }

    /// Lets etcd go on.
    pub(crate) fn resume_etcd(&self) -> Result<(), TestbedError> {
        self.control_plane.etcd.signal("CONT")
    }

    /// The processes of the control plane.
    pub(crate) fn processes(&self) -> Vec<&Process> {
        let plane = &self.control_plane;
        [&plane.etcd, &plane.api_server]
            .into_iter()
            .chain(&plane.kube_controllers)
            .collect()
    }

    fn kubectl_raw(&self, arguments: &[&str], stdin: Option<&str>) -> Result<Output, TestbedError> {
        self.run(&self.admin, arguments, stdin)
    }

    fn run(&self, config: &Path, arguments: &[&str], stdin: Option<&str>) -> Result<Output, TestbedError> {
        let program = Program::new(&self.kubectl, &self.dir)
            .env("KUBECONFIG", config)
            .args(arguments);
        let output = program.run(stdin)?;
        Ok(Output {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// A Kubernetes program: from `KUBEBUILDER_ASSETS` if it is there, otherwise from the cache that
/// `tests/cluster/build.sh` fills.
pub(crate) fn binary(name: &str) -> Result<PathBuf, TestbedError> {
    if let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") {
        let path = Path::new(&assets).join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    let cache = match std::env::var_os("SLUICEGATE_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/sluicegate"),
    };
    let mut digest = Sha256::new();
    for source in ["go.sum", "kube-controllers/main.go"] {
        let path = repository().join("tests/cluster").join(source);
        digest.update(fs::read(&path).during(|| format!("read {}", path.display()))?);
    }
    let head = digest
        .finalize()
        .iter()
        .take(6)
        .fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
    let path = cache.join(format!("kubernetes-{head:012x}/bin/{name}"));
    if path.is_file() {
        return Ok(path);
    }
    Err(TestbedError::PartMissing {
        part: name.to_owned(),
        path,
        remedy: PROVIDE,
    })
}
