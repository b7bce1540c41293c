//! The test cluster is real: it has RBAC, an audit log, Kubernetes' own controllers, and it leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::testbed::{Cluster, Process, Program, eventually, scratch};
use serde_json::Value;

const SOON: Duration = Duration::from_mins(1);

#[test]
fn a_deleted_namespace_is_gone_with_what_it_held() {
    let cluster = Cluster::shared();
    cluster.kubectl_ok(&["create", "namespace", "short-lived"], None);
    cluster.kubectl_ok(&["create", "configmap", "kept", "-n", "short-lived"], None);
    cluster.kubectl_ok(&["delete", "namespace", "short-lived", "--timeout=60s"], None);
    let left = cluster.kubectl(&["get", "namespace", "short-lived"], None);
    assert!(left.stderr.contains("NotFound"), "{left:?}");
}

#[test]
fn a_service_account_may_do_only_what_a_role_says() {
    let cluster = Cluster::shared();
    cluster.kubectl_ok(&["create", "namespace", "guarded"], None);
    cluster.kubectl_ok(&["create", "serviceaccount", "reader", "-n", "guarded"], None);
    let config = cluster.kubeconfig_for("guarded", "reader").unwrap();
    let look = ["get", "configmaps", "-n", "guarded"];

    let refused = cluster.kubectl_as(&config, &look);
    assert!(!refused.success && refused.stderr.contains("Forbidden"), "{refused:?}");

    cluster.kubectl_ok(
        &[
            "create",
            "role",
            "r",
            "--verb=get,list",
            "--resource=configmaps",
            "-n",
            "guarded",
        ],
        None,
    );
    let bind = [
        "create",
        "rolebinding",
        "r",
        "--role=r",
        "--serviceaccount=guarded:reader",
        "-n",
        "guarded",
    ];
    cluster.kubectl_ok(&bind, None);
    eventually("the role lets the account look", SOON, || {
        cluster.kubectl_as(&config, &look).success
    });
    let write = cluster.kubectl_as(&config, &["create", "configmap", "mine", "-n", "guarded"]);
    assert!(!write.success && write.stderr.contains("forbidden"), "{write:?}");
}

#[test]
fn the_audit_log_names_who_did_what_to_which_object() {
    let cluster = Cluster::shared();
    let mark = cluster.audit.mark();
    cluster.kubectl_ok(&["create", "configmap", "noted", "-n", "default"], None);
    let entry = eventually("the request is in the audit log", SOON, || {
        let ours = |event: &Value| event["objectRef"]["name"] == "noted" && event["verb"] == "create";
        cluster.audit.since(mark).into_iter().find(ours)
    });
    assert_eq!(entry["user"]["username"], "kubernetes-admin");
    assert_eq!(entry["objectRef"]["resource"], "configmaps");
    assert_eq!(entry["responseStatus"]["code"], 201);
}

#[test]
fn a_paused_etcd_holds_back_writes_until_it_goes_on() {
    let dir = scratch("paused").unwrap();
    let cluster = Cluster::start(&dir).unwrap();
    cluster.pause_etcd().unwrap();
    let write = ["create", "configmap", "late", "-n", "default", "--request-timeout=2s"];
    assert!(!cluster.kubectl(&write, None).success);
    cluster.resume_etcd().unwrap();
    eventually("the write goes through", SOON, || {
        let output = cluster.kubectl(&write, None);
        if output.success || output.stderr.contains("already exists") {
            Ok(())
        } else {
            Err(output.stderr)
        }
    });
}

#[test]
fn a_dropped_process_is_gone() {
    let dir = scratch("dropped").unwrap();
    let process = Process::start("sleep", &sleeper(&dir), &dir.join("sleep.log")).unwrap();
    let pid = process.pid();
    assert!(process.is_running() && alive(pid));
    drop(process);
    assert!(!alive(pid));
}

#[test]
fn a_child_outlives_the_thread_that_asked_for_it() {
    let dir = scratch("threads").unwrap();
    let start = move || Process::start("sleep", &sleeper(&dir), &dir.join("sleep.log")).unwrap();
    let process = std::thread::spawn(start).join().unwrap();
    // The kernel's signal would come at once; a while without it says that it does not come.
    assert_eq!(process.wait(Duration::from_millis(300)), None);
}

/// Runs itself as a process of its own that starts a cluster and waits, kills that process as nothing can be cleaned up
/// after, and looks for what is left.
#[test]
fn nothing_stays_behind_after_a_kill_9() {
    const VICTIM: &str = "TESTBED_VICTIM";
    if std::env::var_os(VICTIM).is_some() {
        let cluster = Cluster::shared();
        let pids: Vec<_> = cluster
            .processes()
            .iter()
            .map(|process| process.pid().to_string())
            .collect();
        println!("\nchildren: {}", pids.join(" "));
        loop {
            std::thread::park();
        }
    }

    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cluster::nothing_stays_behind_after_a_kill_9", "--nocapture"])
        .env(VICTIM, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let told = lines.find_map(|line| line.strip_prefix("children: ").map(str::to_owned));
    let told = told.expect("the process tells its children");
    let pids: Vec<u32> = told.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|&pid| alive(pid)));

    victim.kill().unwrap();
    victim.wait().unwrap();
    eventually("the children are gone", SOON, || {
        let left: Vec<u32> = pids.iter().copied().filter(|&pid| alive(pid)).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    });
}

fn sleeper(dir: &Path) -> Program {
    Program::new(Path::new("/bin/sleep"), dir).args(["600"])
}

/// A zombie is not alive: it waits for init alone.
fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some(None | Some('Z' | 'X')))
}
