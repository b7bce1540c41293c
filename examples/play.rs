//! A playground on this machine: a real API server, the emulated service and the controller, for a person to try things.
//!
//! `make play` builds what it needs and runs it until Ctrl-C; no process stays behind. If a part dies meanwhile, it says
//! which one and ends with a failure. No controller of Kubernetes' own runs: a deleted namespace stays `Terminating`.

#[path = "support/signals.rs"]
mod signals;
#[path = "support/stage.rs"]
mod stage;
#[path = "../tests/support/testbed.rs"]
mod testbed;

use std::convert::Infallible;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use signals::leave_on_signal;
use stage::{Stage, say};
use testbed::Process;

/// What there is to try, in an order that tells a story. Each line works when it is pasted.
const SUGGESTIONS: [(&str, &str); 9] = [
    ("kubectl apply -f examples/demo/1-orders.yaml", "create an application"),
    ("kubectl get msfapp -w", "watch what becomes of it, until Ctrl-C"),
    (
        "kubectl patch msfapp orders --type merge -p '{\"spec\":{\"parallelism\":{\"parallelism\":3}}}'",
        "change a field",
    ),
    (
        "kubectl apply -f examples/demo/3-broken-release.yaml",
        "ship a release whose job fails again and again",
    ),
    (
        "kubectl wait --for=condition=Stalled msfapp/orders --timeout=120s",
        "it is rolled back",
    ),
    ("kubectl describe msfapp orders", "why: first the conditions"),
    ("kubectl apply -f examples/demo/4-mended-release.yaml", "mend it"),
    ("kubectl explain flinkapplication.spec", "every field there is"),
    ("kubectl delete msfapp orders", "delete it, with the application"),
];

fn main() -> ExitCode {
    if let Err(error) = leave_on_signal(0) {
        eprintln!("Signals cannot be watched: {error}");
        return ExitCode::FAILURE;
    }
    match play() {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("\nThe playground failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts everything, tells how to use it and stays until a part has ended.
fn play() -> Result<Infallible, Box<dyn Error>> {
    let stage = Stage::set()?;
    invite(&stage);
    loop {
        if let Some(process) = ended(&stage) {
            let log = process.log().display();
            return Err(format!("{} has ended; its log is {log}", process.name()).into());
        }
        thread::sleep(Duration::from_millis(500));
    }
}

fn invite(stage: &Stage) {
    let config = stage.cluster.admin_kubeconfig();
    let programs = folder(stage.cluster.kubectl_path());
    say("Everything runs until Ctrl-C. In another terminal, in this folder, paste this line first:");
    println!(
        "\nexport KUBECONFIG='{}' PATH='{}':\"$PATH\"",
        config.display(),
        programs.display()
    );
    say("Then try, for instance:");
    for (command, purpose) in SUGGESTIONS {
        println!("\n# {purpose}\n{command}");
    }
    say("To look at, in a browser or with curl:");
    println!("The emulated service            {}/_emulator/", stage.emulator.url);
    println!("The metrics of the controller   {}/metrics", stage.controller.url);
    say("Logs:");
    for process in processes(stage) {
        println!("{:<23} {}", process.name(), process.log().display());
    }
}

fn ended(stage: &Stage) -> Option<&Process> {
    processes(stage).into_iter().find(|process| !process.is_running())
}

fn processes(stage: &Stage) -> Vec<&Process> {
    let mut all = stage.cluster.processes();
    all.extend([stage.emulator.process(), stage.controller.process()]);
    all
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(file)
}
