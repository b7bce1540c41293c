//! The main job from beginning to end on this machine: manifests applied with kubectl to a real API server become
//! running, updated, stopped and deleted applications of the emulated service.
//!
//! `make demo` builds what it needs and runs it. `KEEP=1` stops after the release was mended and leaves everything running.
//! Ctrl-C ends it at any moment; no process stays behind.

#[path = "../tests/support/testbed.rs"]
mod testbed;

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use testbed::{Cluster, Controller, Emulator, FLINK_APPLICATION, repository, scratch, within};

type Outcome = Result<(), Box<dyn Error>>;

/// How much faster than on AWS the minutes of the service pass.
const SPEED: &str = "30";

/// The operations that change something, in the order in which the story meets them.
const CHANGES: [&str; 7] = [
    "CreateApplication",
    "StartApplication",
    "CreateApplicationSnapshot",
    "UpdateApplication",
    "RollbackApplication",
    "StopApplication",
    "DeleteApplication",
];

/// Prints the conditions of a resource.
const CONDITIONS: &str = r#"jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}{"\n"}{end}"#;

/// Prints the message of the Ready condition.
const MESSAGE: &str = r#"jsonpath={.status.conditions[?(@.type=="Ready")].message}{"\n"}"#;

/// Prints the last failure of a resource and its first cause.
const FAILURE: &str = r#"jsonpath={.status.lastFailure.reason}: {.status.lastFailure.cause}{"\n"}"#;

/// Prints what is known of the snapshots of a resource.
const SNAPSHOTS: &str = r#"jsonpath={range .status.conditions[?(@.type=="SnapshotsHealthy")]}{.type}={.status} {.reason}: {.message}{"\n"}{end}"#;

/// Prints what is known of the health of the job.
const HEALTH: &str =
    r#"jsonpath={range .status.conditions[?(@.type=="JobHealthy")]}{.type}={.status} {.reason}: {.message}{"\n"}{end}"#;

fn main() -> ExitCode {
    if let Err(error) = leave_on_signal() {
        eprintln!("Signals cannot be watched: {error}");
        return ExitCode::FAILURE;
    }
    let keep = std::env::var("KEEP").is_ok_and(|keep| !matches!(keep.as_str(), "" | "0"));
    match perform(keep) {
        Ok(()) => {
            sweep();
            ExitCode::SUCCESS
        }
        Err(error) => {
            // On Ctrl-C the terminal ends kubectl too: then the signal is what happened, not the failure.
            thread::sleep(Duration::from_millis(300));
            eprintln!("\nThe demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(keep: bool) -> Outcome {
    let stage = Stage::set()?;
    stage.create()?;
    stage.change_one_field()?;
    stage.ship_a_broken_release()?;
    stage.mend_it()?;
    stage.take_a_snapshot()?;
    if keep {
        stage.stay();
    }
    stage.stop()?;
    stage.start_what_cannot_start()?;
    stage.stop_a_loop_by_force()?;
    stage.make_it_work()?;
    stage.let_the_clock_take_a_snapshot()?;
    stage.find_a_loop_later()?;
    stage.delete()?;
    say(
        "That was all. Every process of this demo ends with it; `make demo KEEP=1` leaves them running to look around.",
    );
    Ok(())
}

/// What runs while the story is told.
struct Stage {
    cluster: Cluster,
    emulator: Emulator,
    controller: Controller,
}

impl Stage {
    fn set() -> Result<Self, Box<dyn Error>> {
        say("Starting etcd, the Kubernetes API server and its controller manager.");
        let cluster = Cluster::start(&scratch("cluster")?)?;
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
        println!("Its metrics are at {}/metrics.", controller.url);
        Ok(Self {
            cluster,
            emulator,
            controller,
        })
    }

    fn create(&self) -> Outcome {
        say("A person applies a FlinkApplication.");
        shell("cat", &["examples/demo/1-orders.yaml"])?;
        self.apply("1-orders.yaml")?;
        self.until("orders", "condition=Ready")?;
        self.look("orders")?;
        self.counts();
        Ok(())
    }

    fn change_one_field(&self) -> Outcome {
        say("One field changes: the parallelism. The service gets exactly one update for it.");
        diff("1-orders.yaml", "2-more-parallel.yaml")?;
        let before = self.emulator.count("UpdateApplication");
        self.apply("2-more-parallel.yaml")?;
        self.until("orders", "condition=Ready")?;
        self.look("orders")?;
        exactly(
            1,
            self.emulator.count("UpdateApplication") - before,
            "UpdateApplication",
        )
    }

    fn ship_a_broken_release(&self) -> Outcome {
        say(
            "A release is shipped whose job fails and restarts for ever. The service reports RUNNING; the controller asks Flink, and goes back to the good release with its state.",
        );
        diff("2-more-parallel.yaml", "3-broken-release.yaml")?;
        self.apply("3-broken-release.yaml")?;
        self.until("orders", "condition=Stalled")?;
        self.look("orders")?;
        self.kubectl(&["get", "msfapp", "orders", "-o", CONDITIONS])?;
        self.kubectl(&["get", "msfapp", "orders", "-o", FAILURE])?;
        let application = self.emulator.describe("orders").ok_or("the application is gone")?;
        let restored = application["job"]["restoredFrom"].as_str();
        println!(
            "\nThe job of the good release runs again, restored from snapshot {}.",
            restored.ok_or("the job runs without its state")?
        );
        exactly(1, self.emulator.count("RollbackApplication"), "RollbackApplication")?;
        say("The broken revision is sent to the service once, not again and again.");
        let before = self.changes();
        thread::sleep(Duration::from_secs(5));
        exactly(0, self.changes() - before, "changing call in five more seconds")
    }

    fn mend_it(&self) -> Outcome {
        say("The release is mended.");
        diff("3-broken-release.yaml", "4-mended-release.yaml")?;
        self.apply("4-mended-release.yaml")?;
        self.until("orders", "condition=Ready")?;
        self.look("orders")
    }

    fn take_a_snapshot(&self) -> Outcome {
        say(
            "There is a snapshot to go back to since the first release was proven. A person asks for another one; the job goes on.",
        );
        self.kubectl(&["annotate", "msfapp", "orders", "sluicegate.dev/snapshot-requested-at=1"])?;
        self.until("orders", "jsonpath={.status.handled.snapshot}=1")?;
        self.kubectl(&["get", "msfapp", "orders", "-o", SNAPSHOTS])?;
        self.look("orders")
    }

    fn stop(&self) -> Outcome {
        say("The job is stopped; the service takes a snapshot of its state.");
        diff("4-mended-release.yaml", "5-stopped.yaml")?;
        self.apply("5-stopped.yaml")?;
        self.until("orders", "condition=Ready")?;
        self.look("orders")
    }

    fn start_what_cannot_start(&self) -> Outcome {
        say("A second application is applied. Its main method throws, so no job of it starts; the condition says why.");
        shell("cat", &["examples/demo/6-payments.yaml"])?;
        let before = self.emulator.count("StartApplication");
        self.apply("6-payments.yaml")?;
        self.until("payments", "condition=Stalled")?;
        self.look("payments")?;
        self.kubectl(&["get", "msfapp", "payments", "-o", MESSAGE])?;
        exactly(1, self.emulator.count("StartApplication") - before, "StartApplication")
    }

    fn stop_a_loop_by_force(&self) -> Outcome {
        say(
            "The fix starts, but its job fails again and again. Its manifest says rollout.onFailure: Hold, so the job is left as it is until a person decides.",
        );
        diff("6-payments.yaml", "7-starts-and-loops.yaml")?;
        self.apply("7-starts-and-loops.yaml")?;
        self.until("payments", "jsonpath={.status.lastFailure.reason}=RestartLoop")?;
        self.look("payments")?;
        self.kubectl(&["get", "msfapp", "payments", "-o", FAILURE])?;
        say(
            "A person has the looping job stopped by force: no graceful stop and no snapshot works while a job is down.",
        );
        self.kubectl(&[
            "annotate",
            "msfapp",
            "payments",
            "sluicegate.dev/force-stop-requested-at=1",
        ])?;
        self.until("payments", "jsonpath={.status.aws.applicationStatus}=READY")?;
        self.look("payments")?;
        self.kubectl(&["get", "msfapp", "payments", "-o", MESSAGE])
    }

    fn make_it_work(&self) -> Outcome {
        say("The next fix works.");
        diff("7-starts-and-loops.yaml", "8-works.yaml")?;
        self.apply("8-works.yaml")?;
        self.until("payments", "condition=Ready")?;
        self.look("payments")
    }

    fn let_the_clock_take_a_snapshot(&self) -> Outcome {
        say(
            "The next release works too. From now on a snapshot is taken every minute, and the log of the job is watched.",
        );
        diff("8-works.yaml", "9-grows-old.yaml")?;
        self.apply("9-grows-old.yaml")?;
        self.until("payments", "condition=Ready")?;
        println!("\nThe first snapshot by the clock comes within a minute.");
        let resources = self.cluster.objects(FLINK_APPLICATION, "default");
        until_there_is("a snapshot by the clock", || {
            let resource = resources.get("payments")?;
            let latest = &resource["status"]["snapshots"]["latest"];
            is_by_the_clock(latest).then(|| latest.to_string())
        })?;
        self.kubectl(&["get", "msfapp", "payments", "-o", SNAPSHOTS])
    }

    fn find_a_loop_later(&self) -> Outcome {
        say(
            "Long after it was proven, the job begins to fail again and again. Nobody looks at it; its log tells of the restarts. The manifest says health.onUnhealthy: Restart.",
        );
        self.until(
            "payments",
            "jsonpath={.status.conditions[?(@.type==\"JobHealthy\")].reason}=RestartLoop",
        )?;
        self.kubectl(&["get", "msfapp", "payments", "-o", HEALTH])?;
        self.look("payments")?;
        println!("\nIt is stopped by force and started again from the newest snapshot of before.");
        until_there_is("a job that was started again from it", || {
            let application = self.emulator.describe("payments")?;
            let restored = &application["job"]["restoredFrom"];
            is_by_the_clock(restored).then(|| restored.to_string())
        })?;
        self.until("payments", "condition=Ready")?;
        self.look("payments")
    }

    fn delete(&self) -> Outcome {
        say("The resources are deleted. Their manifests say deletion.policy: Delete, so the applications go too.");
        self.kubectl(&["delete", "msfapp", "orders", "payments", "--timeout=120s"])?;
        self.kubectl(&["get", "msfapp"])?;
        for name in ["orders", "payments"] {
            if self.emulator.describe(name).is_some() {
                return Err(format!("the service still has the application {name}").into());
            }
        }
        println!("The service has neither application any more.");
        self.counts();
        Ok(())
    }

    /// Tells how to look around, and stays until a signal ends this process.
    fn stay(&self) -> ! {
        say("Everything keeps running until Ctrl-C. In another terminal:");
        println!("  export KUBECONFIG={}", self.cluster.admin_kubeconfig().display());
        println!(
            "  export PATH={}:$PATH",
            self.cluster.kubectl_path().parent().unwrap_or(Path::new(".")).display()
        );
        println!("  kubectl get msfapp -o wide");
        println!("  kubectl describe msfapp orders");
        println!("  kubectl explain flinkapplication.spec");
        println!("  kubectl apply -f examples/demo/5-stopped.yaml");
        println!("  kubectl delete msfapp orders");
        println!("The service: what it was asked for, and one application as it sees it");
        println!("  curl {}/_emulator/calls", self.emulator.url);
        println!("  curl {}/_emulator/applications/orders", self.emulator.url);
        println!("The controller: its metrics and its log");
        println!("  curl {}/metrics", self.controller.url);
        println!("  tail -f {}", self.controller.process().log().display());
        loop {
            thread::park();
        }
    }

    fn apply(&self, manifest: &str) -> Outcome {
        self.kubectl(&["apply", "-f", &format!("examples/demo/{manifest}")])
    }

    fn until(&self, name: &str, condition: &str) -> Outcome {
        let resource = format!("msfapp/{name}");
        self.kubectl(&["wait", &format!("--for={condition}"), &resource, "--timeout=120s"])
    }

    fn look(&self, name: &str) -> Outcome {
        self.kubectl(&["get", "msfapp", name])
    }

    /// Shows a kubectl command and what it prints.
    fn kubectl(&self, arguments: &[&str]) -> Outcome {
        println!("\n$ kubectl {}", quoted(arguments));
        let output = self.cluster.kubectl(arguments, None);
        print!("{}{}", output.stdout, output.stderr);
        if output.success {
            Ok(())
        } else {
            Err(format!("kubectl {} failed", arguments.join(" ")).into())
        }
    }

    fn changes(&self) -> usize {
        CHANGES.iter().map(|operation| self.emulator.count(operation)).sum()
    }

    fn counts(&self) {
        let calls = self.emulator.calls();
        let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
        let made: Vec<_> = CHANGES.iter().filter(|operation| count(operation) > 0).collect();
        let made: Vec<_> = made
            .iter()
            .map(|operation| format!("{} x {operation}", count(operation)))
            .collect();
        println!("\nThe service counts: {}.", made.join(", "));
    }
}

/// Waits until the service has something, and names it.
fn until_there_is(what: &str, find: impl Fn() -> Option<String>) -> Outcome {
    let found = within(Duration::from_mins(3), || {
        let found = find();
        if found.is_none() {
            thread::sleep(Duration::from_millis(500));
        }
        found
    });
    println!("There is {what}: {}", found.ok_or(format!("no {what} came"))?);
    Ok(())
}

/// Whether this is the name of a snapshot that the schedule asked for.
fn is_by_the_clock(name: &Value) -> bool {
    name.as_str().is_some_and(|name| name.contains("-schedule-"))
}

fn exactly(expected: usize, found: usize, what: &str) -> Outcome {
    println!("\nThe service counts: {found} x {what}.");
    if found == expected {
        Ok(())
    } else {
        Err(format!("expected {expected} x {what}, counted {found}").into())
    }
}

fn say(sentence: &str) {
    println!("\n==> {sentence}");
}

fn diff(from: &str, to: &str) -> Outcome {
    shell(
        "diff",
        &[&format!("examples/demo/{from}"), &format!("examples/demo/{to}")],
    )
}

/// Shows a command and what it prints. `diff` ends with 1 when it has found what it was asked for.
fn shell(program: &str, arguments: &[&str]) -> Outcome {
    println!("\n$ {program} {}", quoted(arguments));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(repository())
        .output()?;
    print!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    match output.status.code() {
        Some(0 | 1) => Ok(()),
        _ => Err(format!("{program} failed: {}", output.status).into()),
    }
}

/// The arguments as a person would type them into a shell.
fn quoted(arguments: &[&str]) -> String {
    let plain = |argument: &str| {
        argument
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_=./:".contains(c))
    };
    let quote = |argument: &&str| {
        if plain(argument) {
            (*argument).to_owned()
        } else {
            format!("'{argument}'")
        }
    };
    arguments.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// Ends this process, and with it every child, at the first Ctrl-C, hang-up or request to end.
fn leave_on_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut end, mut hang_up) = {
        let _context = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        )
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = end.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        println!("\nEnding everything.");
        sweep();
        std::process::exit(130);
    });
    Ok(())
}

/// Removes what this run wrote. What cannot be removed is removed by the next run.
fn sweep() {
    if let Some(dir) = scratch("swept").ok().as_deref().and_then(Path::parent) {
        let _ = std::fs::remove_dir_all(dir);
    }
}
