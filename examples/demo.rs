//! The main job from beginning to end on this machine: manifests applied with kubectl to a real API server become
//! running, updated, stopped and deleted applications of the emulated service.
//!
//! `make demo` builds what it needs and runs it. Ctrl-C ends it at any moment; no process stays behind.

#[path = "demo/console.rs"]
mod console;
#[path = "demo/orders.rs"]
mod orders;
#[path = "demo/payments.rs"]
mod payments;
#[path = "support/signals.rs"]
mod signals;
#[path = "support/stage.rs"]
mod stage;
#[path = "../tests/support/testbed.rs"]
mod testbed;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use console::Outcome;
use signals::{leave_on_signal, sweep};
use stage::{Stage, say};

/// What a shell reports of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    if let Err(error) = leave_on_signal(INTERRUPTED) {
        eprintln!("Signals cannot be watched: {error}");
        return ExitCode::FAILURE;
    }
    match perform() {
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

fn perform() -> Outcome {
    let stage = Stage::set()?;
    stage.create()?;
    stage.change_one_field()?;
    stage.ship_a_broken_release()?;
    stage.mend_it()?;
    stage.take_a_snapshot()?;
    stage.start_what_cannot_start()?;
    stage.stop_a_loop_by_force()?;
    stage.make_it_work()?;
    stage.find_a_loop_later()?;
    stage.let_the_clock_take_a_snapshot()?;
    stage.stop()?;
    stage.see_it_run_again()?;
    stage.delete()?;
    say("That was all. Every process of this demo ends with it; `make play` starts them for you to play with.");
    Ok(())
}

impl Stage {
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
}
