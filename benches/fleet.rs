//! What a fleet costs while nothing happens, how fast a change goes out in it, and how fast a new process takes it over.
//!
//! For each size of the fleet there is a real API server, the emulated service and the released controller. All applications
//! run and are proven. Then the calls of the service, the writes of the API server, memory and processor time are counted for
//! some minutes; specs are changed one by one; and the controller is killed and started again.
//!
//! `SLUICEGATE_BENCH_FLEETS` are the sizes, `SLUICEGATE_BENCH_REST` the minutes of rest. With `SLUICEGATE_BENCH_STATE=Stopped` the
//! applications are made and not started. The plot is written to `docs/performance.svg` where `SLUICEGATE_BENCH_PLOT` is set.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "support/figures.rs"]
mod figures;
#[path = "../tests/support/testbed.rs"]
mod testbed;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use figures::{percentile, sorted};
use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use sluicegate::api::condition::Condition;
use sluicegate::api::spec::{DesiredState, FlinkApplication};
use testbed::{Call, Cluster, Controller, Emulator, get, repository, scratch, within};

/// The sizes of the fleets.
const FLEETS: &str = "100,1000,10000";
/// The minutes of rest.
const REST: u64 = 10;
/// How much faster than on AWS the minutes of the service pass.
const SPEED: &str = "20";
/// How many specs are changed one by one.
const CHANGES: usize = 100;
/// How many resources are made at a time.
const AT_A_TIME: usize = 16;
/// Clock ticks of the kernel in a second, as `getconf CLK_TCK` says on Linux.
const TICKS: f64 = 100.0;
/// How often the progress of a long wait is told.
const TOLD_EVERY: Duration = Duration::from_mins(1);
/// Far more than the largest fleet needs.
const PATIENCE: Duration = Duration::from_hours(1);

/// What was measured of a fleet.
struct Measured {
    applications: usize,
    /// Calls a minute at rest, by operation.
    calls: BTreeMap<String, f64>,
    /// Writes of resources and events at rest.
    writes: u64,
    /// The resident memory at the end of the rest, in MiB.
    memory: f64,
    /// The share of one core at rest, in percent.
    processor: f64,
    /// From the write of a spec to `UpdateApplication` at the service, sorted.
    changes: Vec<SignedDuration>,
    /// From the start of a new process until every application was met.
    cold_start: Duration,
    /// The calls of the new process until then, by operation.
    cold_calls: BTreeMap<String, u64>,
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fleets = std::env::var("SLUICEGATE_BENCH_FLEETS").unwrap_or_else(|_| FLEETS.to_owned());
    let rest = std::env::var("SLUICEGATE_BENCH_REST").ok();
    let rest = rest.map_or(REST, |minutes| minutes.parse().unwrap());
    let sizes = fleets.split(',').map(|size| size.trim().parse().unwrap());
    let mut all = Vec::new();
    for size in sizes {
        all.push(runtime.block_on(measure(size, rest)));
        report(&all, rest);
        if std::env::var_os("SLUICEGATE_BENCH_PLOT").is_some() {
            fs::write(repository().join("docs/performance.svg"), plot(&all)).unwrap();
        }
    }
}

/// The fleet of one size.
struct Fleet {
    cluster: Cluster,
    emulator: Emulator,
    api: Api<FlinkApplication>,
    client: Client,
    size: usize,
}

async fn measure(size: usize, rest: u64) -> Measured {
    let fleet = Fleet::set(size).await;
    let controller = fleet.controller();
    say(&format!("{size} applications are made and proven"));
    fleet.create().await;
    fleet.until_settled().await;

    say(&format!("{size} applications rest for {rest} minutes"));
    tokio::time::sleep(Duration::from_secs(75)).await;
    let pid = controller.process().pid();
    let before = (fleet.counts(), fleet.writes().await, ticks(pid));
    let began = now();
    thread::sleep(Duration::from_secs(60 * rest));
    let lasted = began.elapsed();
    let after = (fleet.counts(), fleet.writes().await, ticks(pid));
    let minutes = lasted.as_secs_f64() / 60.0;
    let calls = made(&before.0, &after.0).into_iter();
    let calls = calls
        .map(|(operation, made)| (operation, float(made) / minutes))
        .collect();
    let writes = after.1 - before.1;
    let memory = resident(pid);
    let processor = float(after.2 - before.2) / TICKS / lasted.as_secs_f64() * 100.0;

    say(&format!("{CHANGES} of {size} specs are changed one by one"));
    let mut changes = Vec::new();
    for number in 0..CHANGES.min(size) {
        let name = name(number * (size / CHANGES.min(size)));
        changes.push(fleet.change(&name).await);
        fleet.until_one_settled(&name).await;
    }
    let changes = sorted(changes.into_iter());
    fleet.until_settled().await;

    say("the controller is killed and another takes over");
    controller.kill9();
    drop(controller);
    let before = fleet.counts();
    let began = now();
    let controller = fleet.controller();
    let met = within(PATIENCE, || {
        let passes = total(&controller.metrics(), "sluicegate_passes_total");
        if passes < size {
            thread::sleep(Duration::from_millis(100));
        }
        (passes >= size).then(|| began.elapsed())
    });
    let cold_calls = made(&before, &fleet.counts());
    Measured {
        applications: size,
        calls,
        writes,
        memory,
        processor,
        changes,
        cold_start: met.unwrap(),
        cold_calls,
    }
}

impl Fleet {
    async fn set(size: usize) -> Self {
        let bucket = scratch(&format!("bucket-{size}")).unwrap();
        fs::write(bucket.join("healthy.yaml"), "{main: ok, initializing: 5s}").unwrap();
        let cluster = Cluster::start(&scratch(&format!("cluster-{size}")).unwrap()).unwrap();
        cluster.install().unwrap();
        let (bucket, quota) = (format!("demo={}", bucket.display()), size.to_string());
        let arguments = ["--speed", SPEED, "--bucket", &bucket, "--application-quota", &quota];
        let emulator = Emulator::start(&scratch(&format!("emulator-{size}")).unwrap(), &arguments).unwrap();
        let client = cluster.client().await.unwrap();
        Self {
            cluster,
            emulator,
            api: Api::namespaced(client.clone(), "default"),
            client,
            size,
        }
    }

    fn controller(&self) -> Controller {
        Controller::start(&self.cluster, &self.emulator, &[], &[]).unwrap()
    }

    async fn create(&self) {
        let state = std::env::var("SLUICEGATE_BENCH_STATE").unwrap_or_else(|_| "Running".to_owned());
        let state = state.as_str();
        let made = futures::stream::iter(0..self.size).map(|number| {
            let app: FlinkApplication = serde_json::from_value(json!({
                "apiVersion": "sluicegate.dev/v1alpha1",
                "kind": "FlinkApplication",
                "metadata": {"name": name(number)},
                "spec": {
                    "desiredState": state,
                    "runtimeEnvironment": "FLINK-1_20",
                    "serviceExecutionRole": "arn:aws:iam::111122223333:role/flink/orders",
                    "code": {"s3": {"bucket": "demo", "key": "healthy.yaml"}},
                    "rollout": {
                        "preChangeSnapshot": "Never",
                        "gate": {"stableFor": "1s", "minCompletedCheckpoints": 0},
                    },
                },
            }))
            .unwrap();
            async move { self.api.create(&PostParams::default(), &app).await.unwrap() }
        });
        made.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
    }

    /// Waits until every application runs as its spec says and nothing is under way.
    async fn until_settled(&self) {
        let (began, mut told) = (now(), Duration::ZERO);
        loop {
            let settled = self.settled().await;
            if settled == self.size {
                return;
            }
            let progress = format!("{settled} of {} are settled", self.size);
            assert!(began.elapsed() < PATIENCE, "{progress}");
            if began.elapsed() > told + TOLD_EVERY {
                say(&progress);
                told = began.elapsed();
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }

    async fn settled(&self) -> usize {
        let mut settled = 0;
        let mut pages = ListParams::default().limit(500);
        loop {
            let page = self.api.list(&pages).await.unwrap();
            settled += page.items.iter().filter(|app| is_settled(app)).count();
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => pages = pages.continue_token(&token),
                None => return settled,
            }
        }
    }

    /// Waits until an application runs as its spec says and nothing is under way.
    async fn until_one_settled(&self, name: &str) {
        let began = now();
        while !is_settled(&self.api.get(name).await.unwrap()) {
            assert!(began.elapsed() < PATIENCE, "{name} is not settled");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Changes the parallelism of an application and waits for the update that the service receives.
    async fn change(&self, name: &str) -> SignedDuration {
        let since: u64 = self.counts().values().sum();
        let patch = json!({"spec": {"parallelism": {"parallelism": 2}}});
        let written = moment();
        self.api
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
        let url = format!("{}/_emulator/calls?since={since}", self.emulator.url);
        let updated = within(Duration::from_mins(1), || {
            let page: Value = serde_json::from_str(&get(&url).unwrap().body).unwrap();
            let calls: Vec<Call> = serde_json::from_value(page["calls"].clone()).unwrap();
            let update = calls
                .into_iter()
                .find(|call| call.operation == "UpdateApplication" && call.application.as_deref() == Some(name));
            if update.is_none() {
                thread::sleep(Duration::from_millis(20));
            }
            update
        });
        updated.unwrap().at.duration_since(written)
    }

    /// The calls that the service received, by operation.
    fn counts(&self) -> BTreeMap<String, u64> {
        let url = format!("{}/_emulator/calls?since={}", self.emulator.url, u64::MAX);
        let page: Value = serde_json::from_str(&get(&url).unwrap().body).unwrap();
        serde_json::from_value(page["counts"].clone()).unwrap()
    }

    /// The writes of applications and events that the API server counts.
    async fn writes(&self) -> u64 {
        let request = http::Request::get("/metrics").body(Vec::new()).unwrap();
        let page = self.client.request_text(request).await.unwrap();
        let written = page.lines().filter(|line| {
            let of_ours = ["flinkapplications", "events"].map(|resource| format!("resource=\"{resource}\""));
            let changes = ["POST", "PUT", "PATCH", "APPLY", "DELETE"].map(|verb| format!("verb=\"{verb}\""));
            line.starts_with("apiserver_request_total{")
                && of_ours.iter().any(|label| line.contains(label))
                && changes.iter().any(|label| line.contains(label))
        });
        written.filter_map(value).sum()
    }
}

fn is_settled(app: &FlinkApplication) -> bool {
    let Some(status) = &app.status else { return false };
    let ready = |condition: &Condition| condition.type_ == "Ready" && condition.status == "True";
    let journal = &status.journal;
    app.metadata.generation == Some(status.observed_generation)
        && status.conditions.iter().any(ready)
        && journal.intent.is_none()
        && (app.spec.desired_state == DesiredState::Stopped
            || (journal.rollout.is_none()
                && journal
                    .snapshots
                    .as_ref()
                    .is_some_and(|snapshots| snapshots.latest.is_some())))
}

fn name(number: usize) -> String {
    format!("orders-{number}")
}

/// The sum of the samples whose line begins with a name.
fn total(page: &str, name: &str) -> usize {
    let samples = page.lines().filter(|line| line.starts_with(name));
    usize::try_from(samples.filter_map(value).sum::<u64>()).unwrap()
}

/// The value of a sample.
fn value(line: &str) -> Option<u64> {
    line.rsplit_once(' ')?.1.parse::<u64>().ok()
}

/// The processor time of a process, in ticks.
fn ticks(pid: u32) -> u64 {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = line.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// The resident memory of a process, in MiB.
fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn moment() -> Timestamp {
    Timestamp::now()
}

fn say(what: &str) {
    println!("==> {what}.");
}

/// The duration that this many of a hundred do not exceed, in milliseconds.
fn milliseconds(sorted: &[SignedDuration], hundredths: usize) -> f64 {
    percentile(sorted, hundredths).as_secs_f64() * 1000.0
}

/// How often each operation was called between two counts.
fn made(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let made = after.iter().map(|(operation, count)| {
        let earlier = before.get(operation).copied().unwrap_or_default();
        (operation.clone(), count - earlier)
    });
    made.filter(|(_, made)| *made > 0).collect()
}

/// The calls a minute that the design allows a fleet at rest: its pages of fifty, and its counters by five hundred.
fn allowed(applications: usize) -> f64 {
    float(u64::try_from(applications.div_ceil(50) + applications.div_ceil(500)).unwrap())
}

fn calls_a_minute(measured: &Measured) -> f64 {
    measured.calls.values().sum()
}

fn report(all: &[Measured], rest: u64) {
    println!(
        "\n| applications | calls a minute | allowed | writes in {rest} min | memory | of one core | change to call p50 | p99 | cold start |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for one in all {
        println!(
            "| {} | {:.1} | {:.0} | {} | {:.0} MiB | {:.2} % | {:.0} ms | {:.0} ms | {:.1} s |",
            one.applications,
            calls_a_minute(one),
            allowed(one.applications),
            one.writes,
            one.memory,
            one.processor,
            milliseconds(&one.changes, 50),
            milliseconds(&one.changes, 99),
            one.cold_start.as_secs_f64(),
        );
    }
    for one in all {
        let told = |calls: &mut dyn Iterator<Item = (String, String)>| {
            let told: Vec<String> = calls.map(|(operation, count)| format!("{count} {operation}")).collect();
            told.join(", ")
        };
        let mut at_rest = one
            .calls
            .iter()
            .map(|(name, count)| (name.clone(), format!("{count:.1}")));
        let mut cold = one
            .cold_calls
            .iter()
            .map(|(name, count)| (name.clone(), count.to_string()));
        println!(
            "\n{}: a minute of rest: {}; a cold start: {}.",
            one.applications,
            told(&mut at_rest),
            told(&mut cold)
        );
    }
}

/// A panel of the plot: what is measured, its target for each size, and the unit.
struct Panel {
    title: &'static str,
    points: Vec<(f64, f64)>,
    target: Vec<(f64, f64)>,
}

/// The figures over the size of the fleet, both on logarithmic scales.
fn plot(all: &[Measured]) -> String {
    let size = |one: &Measured| float(u64::try_from(one.applications).unwrap());
    let panel = |title, figure: &dyn Fn(&Measured) -> f64, target: &dyn Fn(&Measured) -> f64| Panel {
        title,
        points: all.iter().map(|one| (size(one), figure(one))).collect(),
        target: all.iter().map(|one| (size(one), target(one))).collect(),
    };
    let panels = [
        panel("calls a minute at rest", &calls_a_minute, &|one| {
            allowed(one.applications)
        }),
        panel("resident memory, MiB", &|one| one.memory, &|_| 150.0),
        panel("share of one core at rest, %", &|one| one.processor, &|_| 2.0),
        panel(
            "change to UpdateApplication, p99, ms",
            &|one| milliseconds(&one.changes, 99),
            &|_| 100.0,
        ),
        panel(
            "cold start to all settled, s",
            &|one| one.cold_start.as_secs_f64(),
            &|_| 60.0,
        ),
    ];
    let (width, height) = (260.0, 190.0);
    let mut svg = String::new();
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"11\">",
        3.0 * width,
        2.0 * height
    )
    .unwrap();
    writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>").unwrap();
    for (number, panel) in panels.iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        let (left, top) = (f64::from(number % 3) * width, f64::from(number / 3) * height);
        draw(
            &mut svg,
            panel,
            (left + 45.0, top + 25.0),
            (width - 65.0, height - 60.0),
        );
    }
    writeln!(
        svg,
        "<text x=\"{:.0}\" y=\"{:.0}\">solid: measured; dashed: target; x: applications</text>",
        2.0 * width + 20.0,
        height + 100.0
    )
    .unwrap();
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, panel: &Panel, (left, top): (f64, f64), (width, height): (f64, f64)) {
    let both = || panel.points.iter().chain(&panel.target);
    let decades = |values: &mut dyn Iterator<Item = f64>| {
        let logs: Vec<f64> = values.map(|value| value.max(1e-3).log10()).collect();
        let low = logs.iter().copied().fold(f64::INFINITY, f64::min).floor();
        let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil();
        (low, high.max(low + 1.0))
    };
    let (x_low, x_high) = decades(&mut both().map(|point| point.0));
    let (y_low, y_high) = decades(&mut both().map(|point| point.1));
    let x = |value: f64| left + (value.log10() - x_low) / (x_high - x_low) * width;
    let y = |value: f64| top + height - (value.max(1e-3).log10() - y_low) / (y_high - y_low) * height;
    writeln!(
        svg,
        "<text x=\"{left:.0}\" y=\"{:.0}\" font-weight=\"bold\">{}</text>",
        top - 10.0,
        panel.title
    )
    .unwrap();
    writeln!(svg, "<rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" fill=\"none\" stroke=\"#999\"/>").unwrap();
    let mut tick = y_low;
    while tick <= y_high {
        let at = y(10_f64.powf(tick));
        writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
            left - 4.0,
            at + 4.0,
            10_f64.powf(tick)
        )
        .unwrap();
        writeln!(
            svg,
            "<line x1=\"{left:.0}\" x2=\"{:.0}\" y1=\"{at:.0}\" y2=\"{at:.0}\" stroke=\"#ddd\"/>",
            left + width
        )
        .unwrap();
        tick += 1.0;
    }
    for (size, _) in &panel.points {
        writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{size}</text>",
            x(*size),
            top + height + 15.0
        )
        .unwrap();
    }
    for (points, style) in [
        (&panel.points, "stroke=\"#1f5fbf\" stroke-width=\"2\""),
        (&panel.target, "stroke=\"#b33\" stroke-dasharray=\"4 3\""),
    ] {
        let line: Vec<String> = points
            .iter()
            .map(|(size, figure)| format!("{:.1},{:.1}", x(*size), y(*figure)))
            .collect();
        writeln!(svg, "<polyline points=\"{}\" fill=\"none\" {style}/>", line.join(" ")).unwrap();
    }
    for (size, figure) in &panel.points {
        writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#1f5fbf\"/>",
            x(*size),
            y(*figure)
        )
        .unwrap();
    }
}
