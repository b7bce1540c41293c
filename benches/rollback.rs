//! From the failure that condemns a release to the call that undoes it, beside the alarm that operators use without a
//! controller.
//!
//! Many applications run on a real API server and the emulated service at its real speed, under the default settings of
//! the resource. Each gets a release whose job fails again and again, each at another distance. Measured is the time from the
//! first failure beyond `rollout.gate.maxRestarts` to the `RollbackApplication` that the service receives. The alarm is
//! computed from the course of the same jobs: `DIFF(fullRestarts) > 0` in five consecutive minutes, seen without delay.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "support/failing.rs"]
mod failing;
#[path = "support/figures.rs"]
mod figures;
#[path = "../tests/support/testbed.rs"]
mod testbed;

use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

use failing::{alarm, failing_job, row};
use figures::{percentile, sorted};
use jiff::{SignedDuration, Timestamp};
use testbed::{Cluster, Controller, Emulator, scratch, within};

/// How many applications get a bad release, without `SLUICEGATE_BENCH_APPLICATIONS`.
const APPLICATIONS: usize = 40;
/// The restarts that the gate tolerates by default (`spec.rollout.gate.maxRestarts`).
const TOLERATED: u64 = 1;
/// The time from the failure to the call that 99 of 100 releases should need at most.
const TARGET: SignedDuration = SignedDuration::from_secs(10);

fn main() {
    let applications = std::env::var("SLUICEGATE_BENCH_APPLICATIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(APPLICATIONS);
    let bucket = bucket(applications);
    let cluster = Cluster::start(&scratch("cluster").unwrap()).unwrap();
    cluster.install().unwrap();
    let argument = format!("demo={bucket}");
    let emulator = Emulator::start(&scratch("emulator").unwrap(), &["--speed", "1", "--bucket", &argument]).unwrap();
    let _controller = Controller::start(&cluster, &emulator, &[], &[]).unwrap();

    println!("{applications} applications are created and proven; the service takes its real time.");
    let good: String = (0..applications).map(|number| manifest(number, "good.yaml")).collect();
    cluster.kubectl_ok(&["apply", "-f", "-"], Some(&good));
    cluster.kubectl_ok(
        &["wait", "--for=condition=Ready", "msfapp", "--all", "--timeout=20m"],
        None,
    );

    println!("Each gets a release whose job fails again and again.");
    for number in 0..applications {
        let bad = manifest(number, &format!("bad-{number}.yaml"));
        cluster.kubectl_ok(&["apply", "-f", "-"], Some(&bad));
    }
    let measured: Vec<Measured> = (0..applications).map(|number| measure(&emulator, number)).collect();
    report(&measured);
}

/// One release.
struct Measured {
    /// From the failure that condemns it to the call.
    controller: SignedDuration,
    /// From the same failure to the alarm; none when it does not sound within two hours.
    alarm: Option<SignedDuration>,
}

/// A folder with the code of all releases.
fn bucket(applications: usize) -> String {
    let dir = scratch("bucket").unwrap();
    std::fs::write(dir.join("good.yaml"), "then: healthy\n").unwrap();
    for number in 0..applications {
        let script = format!(
            "then: {{failsEvery: {}s, exception: 'java.lang.IllegalStateException: release {number}'}}\n",
            5 + number
        );
        std::fs::write(dir.join(format!("bad-{number}.yaml")), script).unwrap();
    }
    dir.display().to_string()
}

fn name(number: usize) -> String {
    format!("release-{number}")
}

fn manifest(number: usize, key: &str) -> String {
    let mut text = String::new();
    write!(
        text,
        "---
apiVersion: sluicegate.dev/v1alpha1
kind: FlinkApplication
metadata: {{name: {}, namespace: default}}
spec:
  runtimeEnvironment: FLINK-1_20
  serviceExecutionRole: arn:aws:iam::111122223333:role/flink/orders
  code: {{s3: {{bucket: demo, key: {key}}}}}
",
        name(number)
    )
    .unwrap();
    text
}

/// Waits for the rollback of an application and measures it.
fn measure(emulator: &Emulator, number: usize) -> Measured {
    let found = within(Duration::from_mins(20), || {
        let called = rollback_of(emulator, &name(number));
        if called.is_none() {
            thread::sleep(Duration::from_secs(1));
        }
        Some((called?, failing_job(&emulator.describe(&name(number))?)))
    });
    let (called, job) = found.unwrap_or_else(|| panic!("{} was not rolled back", name(number)));
    let condemned = job.failure_at(TOLERATED + 1, called).unwrap();
    Measured {
        controller: called.duration_since(condemned),
        alarm: alarm(&job).map(|at| at.duration_since(condemned)),
    }
}

/// When the service received the rollback of an application: its own `StartTime` is in whole seconds.
fn rollback_of(emulator: &Emulator, name: &str) -> Option<Timestamp> {
    let calls = emulator.calls();
    let mut rollbacks = calls
        .iter()
        .filter(|call| call.operation == "RollbackApplication" && call.outcome == "ok");
    let rollback = rollbacks.find(|call| call.application.as_deref() == Some(name))?;
    Some(rollback.at)
}

fn report(measured: &[Measured]) {
    let controller = sorted(measured.iter().map(|one| one.controller));
    let alarm = sorted(measured.iter().filter_map(|one| one.alarm));
    println!("\n| from the failure that condemns the release | releases | p50 | p90 | p99 | longest |");
    println!("|---|---|---|---|---|---|");
    row("to `RollbackApplication`", &controller);
    row("to the alarm", &alarm);
    let silent = measured.len() - alarm.len();
    println!(
        "\nThe alarm does not sound within two hours for {silent} of {}.",
        measured.len()
    );
    let met = percentile(&controller, 99) <= TARGET;
    println!(
        "Target: p99 at most {TARGET:#}: {}.",
        if met { "met" } else { "missed" }
    );
}
