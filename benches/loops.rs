//! From the first restart of a job that was proven long before to the condition that tells of it, beside the alarm that
//! operators use without a controller.
//!
//! The service and CloudWatch go at their real speed, under the default settings of the controller and of
//! `spec.health.restartLoop`. The jobs run well, pass their gates and then fail again and again, each at another distance. Of
//! one half the counters alone are read; of the other the logs are watched too (`spec.health.transitions: Watch`). The alarm is
//! computed from the course of the same jobs: `DIFF(fullRestarts) > 0` in five consecutive minutes, seen without delay.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "support/failing.rs"]
mod failing;
#[path = "support/figures.rs"]
mod figures;
#[path = "../tests/support/testbed.rs"]
mod testbed;

use std::thread;
use std::time::Duration;

use failing::{alarm, failing_job, row};
use figures::sorted;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testbed::{Cluster, Controller, Emulator, FLINK_APPLICATION, condition, scratch, within};

/// How many jobs are watched in each way, without `SLUICEGATE_BENCH_APPLICATIONS`.
const APPLICATIONS: usize = 20;
/// When a job begins to fail, counted from its launch: the gate passes it before.
const AFTER: &str = "5m";

/// One loop.
struct Measured {
    /// From the first restart to the condition.
    controller: SignedDuration,
    /// From the first restart to the alarm; none when it does not sound within two hours.
    alarm: Option<SignedDuration>,
}

fn main() {
    let applications = std::env::var("SLUICEGATE_BENCH_APPLICATIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(APPLICATIONS);
    let bucket = scratch("bucket").unwrap();
    for number in 0..applications {
        let script = format!("then: {{failsEvery: {}s, after: {AFTER}}}\n", interval(number));
        std::fs::write(bucket.join(format!("ages-{number}.yaml")), script).unwrap();
    }
    let cluster = Cluster::start(&scratch("cluster").unwrap()).unwrap();
    cluster.install().unwrap();
    let argument = format!("demo={}", bucket.display());
    let emulator = Emulator::start(&scratch("emulator").unwrap(), &["--speed", "1", "--bucket", &argument]).unwrap();
    let _controller = Controller::start(&cluster, &emulator, &[], &[]).unwrap();

    println!("Twice {applications} applications are created and proven; the service takes its real time.");
    let ways = ["counted", "watched"];
    let manifests = ways.map(|way| (0..applications).map(move |number| manifest(way, number)));
    let manifests: Vec<String> = manifests.into_iter().flatten().collect();
    cluster.kubectl_ok(&["apply", "-f", "-"], Some(&manifests.join("\n")));
    cluster.kubectl_ok(
        &["wait", "--for=condition=Ready", "msfapp", "--all", "--timeout=20m"],
        None,
    );
    println!(
        "Their jobs fail again and again from {AFTER} on, every {} s to every {} s.",
        interval(0),
        interval(applications - 1)
    );
    let [counted, watched] = ways.map(|way| {
        let measured = (0..applications).map(|number| measure(&cluster, &emulator, &format!("{way}-{number}")));
        measured.collect::<Vec<Measured>>()
    });
    println!("\n| from the first restart | loops | p50 | p90 | p99 | longest |");
    println!("|---|---|---|---|---|---|");
    row(
        "to `JobHealthy=False`, counters alone",
        &sorted(counted.iter().map(|one| one.controller)),
    );
    row(
        "to `JobHealthy=False`, logs watched too",
        &sorted(watched.iter().map(|one| one.controller)),
    );
    let all = || counted.iter().chain(&watched);
    row("to the alarm", &sorted(all().filter_map(|one| one.alarm)));
    let silent = all().filter(|one| one.alarm.is_none()).count();
    println!(
        "\nThe alarm does not sound within two hours for {silent} of {}.",
        all().count()
    );
}

/// The seconds from one failure of a job to the next.
fn interval(number: usize) -> usize {
    10 + 5 * number
}

fn manifest(way: &str, number: usize) -> String {
    let mode = if way == "watched" { "Watch" } else { "OnSuspicion" };
    let name = format!("{way}-{number}");
    json!({
        "apiVersion": "sluicegate.dev/v1alpha1",
        "kind": "FlinkApplication",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "runtimeEnvironment": "FLINK-1_20",
            "serviceExecutionRole": "arn:aws:iam::111122223333:role/flink/orders",
            "code": {"s3": {"bucket": "demo", "key": format!("ages-{number}.yaml")}},
            "logging": {"logStreamARN": format!("arn:aws:logs:eu-west-1:111122223333:log-group:/flink:log-stream:{name}")},
            "health": {"transitions": {"mode": mode}},
        },
    })
    .to_string()
}

/// Waits until the condition tells of the loop and measures it.
fn measure(cluster: &Cluster, emulator: &Emulator, name: &str) -> Measured {
    let applications = cluster.objects(FLINK_APPLICATION, "default");
    let told = within(Duration::from_mins(40), || {
        let told = told_at(&applications.get(name)?);
        if told.is_none() {
            thread::sleep(Duration::from_secs(1));
        }
        told
    });
    let told = told.unwrap_or_else(|| panic!("nothing is told of {name}"));
    let job = failing_job(&emulator.describe(name).unwrap());
    let first = job.failure_at(1, told).unwrap();
    Measured {
        controller: told.duration_since(first),
        alarm: alarm(&job).map(|at| at.duration_since(first)),
    }
}

/// Since when the condition tells of a loop, in whole seconds.
fn told_at(resource: &Value) -> Option<Timestamp> {
    let healthy = condition(resource, "JobHealthy")?;
    let told = healthy["status"] == "False" && healthy["reason"] == "RestartLoop";
    healthy["lastTransitionTime"].as_str().filter(|_| told)?.parse().ok()
}
