//! The processes of a control plane and the flags that make them work on loopback.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::cluster::binary;
use super::eventually::within;
use super::place::repository;
use super::process::{Process, Program};
use super::{During, TestbedError, http, kubeconfig};

/// The audit log, relative to the directory of the control plane.
pub(crate) const AUDIT_LOG: &str = "audit.log";

/// How often a start is tried with other ports: between finding a free port and using it, another process may take it.
pub(super) const TRIES: u32 = 3;

/// Whether Kubernetes' own controllers run in a control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KubeControllers {
    /// Namespaces and garbage are deleted, aggregated roles are filled.
    Running,
    /// Nobody does any of that: a deleted namespace stays `Terminating`.
    Absent,
}

/// etcd, kube-apiserver and, if wanted, kube-controllers.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    // Dropped in this order: the servers go before what they talk to.
    pub(crate) kube_controllers: Option<Process>,
    pub(crate) api_server: Process,
    pub(crate) etcd: Process,
    /// The address of the API server.
    pub(crate) server: String,
    /// The certificate that the API server made for itself.
    pub(crate) authority: PathBuf,
    /// The token of a member of `system:masters`.
    pub(crate) admin_token: String,
}

impl ControlPlane {
    /// Starts the processes below `dir` and waits until etcd and the API server listen.
    pub(crate) fn start(dir: &Path, controllers: KubeControllers) -> Result<Self, TestbedError> {
        let mut tried = 1;
        loop {
            match Self::try_start(dir, controllers) {
                Err(error) if tried < TRIES && is_taken(&error) => tried += 1,
                other => return other,
            }
        }
    }

    fn try_start(dir: &Path, controllers: KubeControllers) -> Result<Self, TestbedError> {
        let [client, peer, secure] = free_ports()?;
        let etcd = start_etcd(dir, client, peer)?;
        let admin_token = kubeconfig::random_token()?;
        let controllers_token = kubeconfig::random_token()?;
        let tokens = format!(
            "{admin_token},kubernetes-admin,admin,\"system:masters\"\n\
             {controllers_token},kube-controllers,controllers,\"system:masters\"\n"
        );
        kubeconfig::write_private(&dir.join("tokens.csv"), &tokens)?;
        let server = format!("https://127.0.0.1:{secure}");
        let authority = dir.join("certificates/apiserver.crt");
        let api_server = start_api_server(dir, client, secure, &authority)?;
        let kube_controllers = match controllers {
            KubeControllers::Running => {
                let config = dir.join("kube-controllers.kubeconfig");
                kubeconfig::write(&config, &server, &authority, &controllers_token)?;
                Some(start_kube_controllers(dir, &config)?)
            }
            KubeControllers::Absent => None,
        };
        Ok(Self {
            kube_controllers,
            api_server,
            etcd,
            server,
            authority,
            admin_token,
        })
    }
}

/// Whether a process did not start because another has its port.
pub(super) fn is_taken(error: &TestbedError) -> bool {
    error.to_string().to_lowercase().contains("address already in use")
}

fn start_etcd(dir: &Path, client: u16, peer: u16) -> Result<Process, TestbedError> {
    let data = dir.join(format!("etcd-{client}"));
    let client = format!("http://127.0.0.1:{client}");
    let peer = format!("http://127.0.0.1:{peer}");
    let program = Program::new(&binary("etcd")?, dir).args([
        "--name=test".to_owned(),
        format!("--data-dir={}", data.display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=test={peer}"),
        "--unsafe-no-fsync".to_owned(), // the data lives no longer than the test
        "--log-level=warn".to_owned(),
    ]);
    let etcd = Process::start_for_all("etcd", &program, &dir.join("etcd.log"))?;
    let healthy = || http::get(&format!("{client}/health")).is_ok_and(|response| response.status == 200);
    until_it_serves(&etcd, healthy)?;
    Ok(etcd)
}

fn start_api_server(dir: &Path, etcd: u16, secure: u16, authority: &Path) -> Result<Process, TestbedError> {
    let signing = dir.join("service-accounts.key");
    kubeconfig::write_signing_key(&signing)?;
    let certificates = authority.parent().unwrap_or(dir);
    fs::create_dir_all(certificates).during(|| format!("create {}", certificates.display()))?;
    let policy = repository().join("tests/cluster/audit-policy.yaml");
    let program = Program::new(&binary("kube-apiserver")?, dir).args([
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(), // there is no node whose endpoint could be written
        format!("--secure-port={secure}"),
        format!("--cert-dir={}", certificates.display()),
        format!("--token-auth-file={}", dir.join("tokens.csv").display()),
        "--authorization-mode=RBAC".to_owned(),
        "--disable-admission-plugins=ServiceAccount".to_owned(), // nothing mounts tokens into pods
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-signing-key-file={}", signing.display()),
        format!("--service-account-key-file={}", signing.display()),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", dir.join(AUDIT_LOG).display()),
        "--audit-log-maxsize=0".to_owned(),
    ]);
    let server = Process::start_for_all("kube-apiserver", &program, &dir.join("kube-apiserver.log"))?;
    let listens = || authority.is_file() && std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, secure)).is_ok();
    until_it_serves(&server, listens)?;
    Ok(server)
}

fn start_kube_controllers(dir: &Path, config: &Path) -> Result<Process, TestbedError> {
    let program = Program::new(&binary("kube-controllers")?, dir).args([format!("--kubeconfig={}", config.display())]);
    Process::start_for_all("kube-controllers", &program, &dir.join("kube-controllers.log"))
}

fn until_it_serves(process: &Process, mut serves: impl FnMut() -> bool) -> Result<(), TestbedError> {
    let state = within(Duration::from_mins(2), || match (process.is_running(), serves()) {
        (_, true) => Some(true),
        (false, false) => Some(false),
        (true, false) => None,
    });
    if state == Some(true) {
        Ok(())
    } else {
        Err(process.not_started("does not serve"))
    }
}

/// Different ports that nobody listens on, and that nobody in this process was given before: what is started at the same
/// time has not bound its own yet.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], TestbedError> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let what = || "find a free port".to_owned();
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    // All are bound before the first is let go: the kernel gives no port twice.
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        while *port == 0 {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).during(what)?;
            let free = listener.local_addr().during(what)?.port();
            if given.insert(free) {
                *port = free;
            }
            listeners.push(listener);
        }
    }
    drop(given);
    Ok(ports)
}
