//! What a person does at the console, shown as it happens: commands with what they print, and what the service counted.

use std::error::Error;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::stage::Stage;
use crate::testbed::{repository, within};

/// What a part of the story ends with.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

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
pub(crate) const CONDITIONS: &str = r#"jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}{"\n"}{end}"#;

/// Prints the message of the Ready condition.
pub(crate) const MESSAGE: &str = r#"jsonpath={.status.conditions[?(@.type=="Ready")].message}{"\n"}"#;

/// Prints the last failure of a resource and its first cause.
pub(crate) const FAILURE: &str = r#"jsonpath={.status.lastFailure.reason}: {.status.lastFailure.cause}{"\n"}"#;

/// Prints what is known of the snapshots of a resource.
pub(crate) const SNAPSHOTS: &str = r#"jsonpath={range .status.conditions[?(@.type=="SnapshotsHealthy")]}{.type}={.status} {.reason}: {.message}{"\n"}{end}"#;

/// Prints what is known of the health of the job.
pub(crate) const HEALTH: &str =
    r#"jsonpath={range .status.conditions[?(@.type=="JobHealthy")]}{.type}={.status} {.reason}: {.message}{"\n"}{end}"#;

impl Stage {
    pub(crate) fn apply(&self, manifest: &str) -> Outcome {
        self.kubectl(&["apply", "-f", &format!("examples/demo/{manifest}")])
    }

    pub(crate) fn until(&self, name: &str, condition: &str) -> Outcome {
        let resource = format!("msfapp/{name}");
        self.kubectl(&["wait", &format!("--for={condition}"), &resource, "--timeout=120s"])
    }

    pub(crate) fn look(&self, name: &str) -> Outcome {
        self.kubectl(&["get", "msfapp", name])
    }

    /// Shows a kubectl command and what it prints.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Outcome {
        println!("\n$ kubectl {}", quoted(arguments));
        let output = self.cluster.kubectl(arguments, None);
        print!("{}{}", output.stdout, output.stderr);
        if output.success {
            Ok(())
        } else {
            Err(format!("kubectl {} failed", arguments.join(" ")).into())
        }
    }

    /// Prints how often the service was asked for each change so far.
    pub(crate) fn counts(&self) {
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
pub(crate) fn until_there_is(what: &str, find: impl Fn() -> Option<String>) -> Outcome {
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

/// Prints a count, which must be the expected one.
pub(crate) fn exactly(expected: usize, found: usize, what: &str) -> Outcome {
    println!("\nThe service counts: {found} x {what}.");
    if found == expected {
        Ok(())
    } else {
        Err(format!("expected {expected} x {what}, counted {found}").into())
    }
}

/// Shows what is different between two manifests.
pub(crate) fn diff(from: &str, to: &str) -> Outcome {
    shell(
        "diff",
        &[&format!("examples/demo/{from}"), &format!("examples/demo/{to}")],
    )
}

/// Shows a command and what it prints. `diff` ends with 1 when it has found what it was asked for.
pub(crate) fn shell(program: &str, arguments: &[&str]) -> Outcome {
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
