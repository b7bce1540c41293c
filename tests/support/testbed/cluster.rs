//! A real Kubernetes control plane: etcd, kube-apiserver with RBAC and an audit log, and Kubernetes' own controllers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::audit::AuditLog;
use super::control_plane::{ControlPlane, KubeControllers};
use super::eventually::within;
use super::objects::{Kind, NAMESPACE, Objects, words};
use super::place::{repository, scratch};
use super::process::{Process, Program};
use super::runtime::finish;
use super::{During, TestbedError, kubeconfig};

const PROVIDE: &str = "make cluster";

/// How long the tokens of `ServiceAccounts` are good for, in seconds: longer than any run.
const TOKEN_LIFE: i64 = 24 * 60 * 60;

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

/// A running control plane with the client and the kubectl of an administrator. It ends when this value is dropped, at
/// the latest with this process.
pub(crate) struct Cluster {
    /// What the API server was asked for.
    pub(crate) audit: AuditLog,
    dir: PathBuf,
    kubectl: PathBuf,
    admin: PathBuf,
    client: Client,
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
        let client = {
            let admin = admin.clone();
            finish(async move { client_of(&admin).await })?
        };
        let cluster = Self {
            audit: AuditLog::new(dir),
            dir: dir.to_path_buf(),
            kubectl,
            admin,
            client,
            control_plane,
            installed: Mutex::new(false),
        };
        let mut seen = String::new();
        let ready = within(Duration::from_mins(2), || match cluster.serves() {
            Ok(()) => Some(()),
            Err(why) => {
                seen = why;
                None
            }
        });
        if let Some(()) = ready {
            Ok(cluster)
        } else {
            let what = format!("does not serve ({seen})");
            Err(cluster.control_plane.api_server.not_started(&what))
        }
    }

    /// Whether the API server is ready and has made its first namespaces; the error says what is missing.
    fn serves(&self) -> Result<(), String> {
        let client = self.client.clone();
        finish(async move {
            let readyz = http::Request::get("/readyz").body(Vec::new());
            client
                .request_text(readyz.map_err(|error| error.to_string())?)
                .await
                .map_err(|error| words(&error))?;
            for name in ["default", "kube-system"] {
                let namespaces = Api::<k8s_openapi::api::core::v1::Namespace>::all(client.clone());
                namespaces.get(name).await.map_err(|error| words(&error))?;
            }
            Ok(())
        })
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

    /// The objects of a kind in a namespace.
    pub(crate) fn objects(&self, kind: Kind, namespace: &str) -> Objects {
        Objects::new(self.client.clone(), kind, Some(namespace))
    }

    /// The objects of a kind that are in no namespace.
    pub(crate) fn everywhere(&self, kind: Kind) -> Objects {
        Objects::new(self.client.clone(), kind, None)
    }

    /// Creates a namespace.
    ///
    /// # Panics
    /// When the API server refuses it, as it does if there is one of that name: no two tests may share one.
    #[track_caller]
    pub(crate) fn create_namespace(&self, name: &str) {
        let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let created = self.everywhere(NAMESPACE).try_create(&manifest);
        created.unwrap_or_else(|error| panic!("create namespace {name}: {error}"));
    }

    /// A kubeconfig file with a fresh token of that `ServiceAccount`.
    pub(crate) fn kubeconfig_for(&self, namespace: &str, account: &str) -> Result<PathBuf, TestbedError> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let (name, what) = (account.to_owned(), format!("create a token of {namespace}/{account}"));
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                expiration_seconds: Some(TOKEN_LIFE),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let answer = finish(async move {
            let parameters = PostParams::default();
            accounts.create_token_request(&name, &parameters, &request).await
        });
        let answer = answer.map_err(|source| TestbedError::Client { what, source })?;
        let token = answer.status.and_then(|status| status.token).unwrap_or_default();
        let path = self.dir.join(format!("{namespace}-{account}.kubeconfig"));
        let plane = &self.control_plane;
        kubeconfig::write(&path, &plane.server, &plane.authority, &token)?;
        Ok(path)
    }

    /// The administrator's kubeconfig file.
    pub(crate) fn admin_kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// A client of the API server with the rights of the administrator, for the runtime of the caller.
    pub(crate) async fn client(&self) -> Result<Client, TestbedError> {
        client_of(&self.admin).await
    }

    /// The kubectl of this control plane's version.
    pub(crate) fn kubectl_path(&self) -> &Path {
        &self.kubectl
    }

    /// The address of the API server.
    pub(crate) fn server(&self) -> &str {
        &self.control_plane.server
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

/// A client that does as a kubeconfig file says.
async fn client_of(path: &Path) -> Result<Client, TestbedError> {
    let during = || format!("make a client from {}", path.display());
    let config = Kubeconfig::read_from(path).map_err(io::Error::other).during(during)?;
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await;
    let mut config = config.map_err(io::Error::other).during(during)?;
    config.default_retry = false;
    Client::try_from(config).map_err(io::Error::other).during(during)
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
