//! What the controller counts, in the `OpenMetrics` text format.
//!
//! Every label has its values from a closed set that is part of the code (`&'static str`): no name, message or other
//! text of a user becomes a label (X10, S21).

use std::time::Duration;

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

/// One label with a value from a closed set.
type Label = [(&'static str, &'static str); 1];
/// Two labels with values from closed sets.
type Labels = [(&'static str, &'static str); 2];

/// Upper bounds of the buckets of a pass, in seconds: from a pass without a call to one that meets its deadlines.
const PASS_SECONDS: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Upper bounds of the buckets of what the service takes its time for, in seconds: from ten seconds to an hour.
const CHANGE_SECONDS: [f64; 9] = [10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// How a sweep over many applications ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Every page was read.
    Complete,
    /// A page could not be read; what it would have said comes with the next sweep.
    Failed,
}

impl Sweep {
    fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }
}

/// The metrics of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<Label, Counter>,
    decisions: Family<Label, Counter>,
    pass_seconds: Histogram,
    calls: Family<Labels, Counter>,
    faults: Family<Label, Counter>,
    held_back: Family<Label, Counter>,
    put_off: Counter,
    status_writes: Counter,
    status_rejections: Counter,
    applications: Family<Label, Gauge>,
    census_sweeps: Family<Label, Counter>,
    feed_sweeps: Family<Label, Counter>,
    leader: Gauge,
    operation_seconds: Family<Labels, Histogram>,
    job_downtime_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that start at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("sluicegate"),
            passes: Family::default(),
            decisions: Family::default(),
            pass_seconds: Histogram::new(PASS_SECONDS),
            calls: Family::default(),
            faults: Family::default(),
            held_back: Family::default(),
            put_off: Counter::default(),
            status_writes: Counter::default(),
            status_rejections: Counter::default(),
            applications: Family::default(),
            census_sweeps: Family::default(),
            feed_sweeps: Family::default(),
            leader: Gauge::default(),
            operation_seconds: Family::new_with_constructor(|| Histogram::new(CHANGE_SECONDS)),
            job_downtime_seconds: Histogram::new(CHANGE_SECONDS),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "passes",
            "Passes over an application, by the plan they made",
            self.passes.clone(),
        );
        registry.register(
            "decisions",
            "Decisions, by the stage of the planner that made them",
            self.decisions.clone(),
        );
        registry.register(
            "pass_seconds",
            "How long a pass took, in seconds",
            self.pass_seconds.clone(),
        );
        registry.register(
            "calls",
            "Calls of the service, by operation and outcome",
            self.calls.clone(),
        );
        registry.register("faults", "Failed calls of the service, by kind", self.faults.clone());
        registry.register(
            "calls_held_back",
            "Calls that were not sent because their operation is throttled and others came first",
            self.held_back.clone(),
        );
        registry.register(
            "passes_put_off",
            "Passes that were put off because calls of the service are scarce",
            self.put_off.clone(),
        );
        registry.register(
            "status_writes",
            "Writes of a status to the API server",
            self.status_writes.clone(),
        );
        registry.register(
            "status_rejections",
            "Statuses that the API server refused as invalid; nothing is done for their applications meanwhile",
            self.status_rejections.clone(),
        );
        registry.register(
            "applications",
            "Applications, by their Ready condition",
            self.applications.clone(),
        );
        registry.register(
            "census_sweeps",
            "Sweeps of the census over a region",
            self.census_sweeps.clone(),
        );
        registry.register(
            "metrics_feed_sweeps",
            "Calls that read the restart counters of up to 500 jobs",
            self.feed_sweeps.clone(),
        );
        registry.register("leader", "1 while this replica holds the lease", self.leader.clone());
        registry.register(
            "operation_seconds",
            "How long operations of the service took from their start to their end, in seconds",
            self.operation_seconds.clone(),
        );
        registry.register(
            "job_downtime_seconds",
            "How long a job processed nothing for an update, from its own snapshot to the first look that shows it up, in seconds",
            self.job_downtime_seconds.clone(),
        );
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
    }

    /// Counts a pass by the name of its plan (`rest`, `wait`, `do`, `stall`, `release`), or as `vouched` where the census showed
    /// that no look was needed, and its duration.
    pub fn pass(&self, plan: &'static str, took: Duration) {
        self.passes.get_or_create(&[("plan", plan)]).inc();
        self.pass_seconds.observe(took.as_secs_f64());
    }

    /// Counts a decision by the stage of the planner that made it (`docs/lifecycle.md`).
    pub fn decided(&self, stage: &'static str) {
        self.decisions.get_or_create(&[("stage", stage)]).inc();
    }

    /// How many decisions a stage of the planner made.
    #[must_use]
    pub fn decisions_of(&self, stage: &'static str) -> u64 {
        self.decisions.get_or_create(&[("stage", stage)]).get()
    }

    /// Counts a call of the service that succeeded, by the service's name of the operation.
    pub fn call_succeeded(&self, operation: &'static str) {
        self.calls
            .get_or_create(&[("operation", operation), ("outcome", "ok")])
            .inc();
    }

    /// Counts a call of the service that failed, by the service's name of the operation and the label of its kind of
    /// fault.
    pub fn call_failed(&self, operation: &'static str, kind: &'static str) {
        self.calls
            .get_or_create(&[("operation", operation), ("outcome", kind)])
            .inc();
        self.faults.get_or_create(&[("kind", kind)]).inc();
    }

    /// Counts a call that was not sent because its operation is throttled and others came first.
    pub fn call_held_back(&self, operation: &'static str) {
        self.held_back.get_or_create(&[("operation", operation)]).inc();
    }

    /// Counts a pass that was put off because calls of the service are scarce.
    pub fn pass_put_off(&self) {
        self.put_off.inc();
    }

    /// Notes how long an operation of the service took and whether it did what it should.
    pub fn operation(&self, operation: &'static str, succeeded: bool, took: Duration) {
        let outcome = if succeeded { "successful" } else { "failed" };
        self.operation_seconds
            .get_or_create(&[("operation", operation), ("outcome", outcome)])
            .observe(took.as_secs_f64());
    }

    /// Notes for how long a job processed nothing because of an update.
    pub fn job_downtime(&self, down: Duration) {
        self.job_downtime_seconds.observe(down.as_secs_f64());
    }

    /// Counts a write of a status to the API server.
    pub fn status_write(&self) {
        self.status_writes.inc();
    }

    /// Counts a status that the API server refused as invalid.
    pub fn status_rejected(&self) {
        self.status_rejections.inc();
    }

    /// Sets how many applications have a Ready condition that is True, and how many have not.
    pub fn applications(&self, ready: usize, not_ready: usize) {
        for (label, count) in [("true", ready), ("false", not_ready)] {
            self.applications
                .get_or_create(&[("ready", label)])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Counts a sweep of the census.
    pub fn census_sweep(&self, sweep: Sweep) {
        self.census_sweeps.get_or_create(&[("result", sweep.as_str())]).inc();
    }

    /// Counts a call that reads restart counters.
    pub fn feed_sweep(&self, sweep: Sweep) {
        self.feed_sweeps.get_or_create(&[("result", sweep.as_str())]).inc();
    }

    /// Notes that this replica took the lease.
    pub fn took_lead(&self) {
        self.leader.set(1);
    }

    /// Notes that this replica holds the lease no more.
    pub fn lost_lead(&self) {
        self.leader.set(0);
    }

    /// All metrics in the `OpenMetrics` text format.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut page = String::new();
        match text::encode(&mut page, &self.registry) {
            Ok(()) => page,
            Err(std::fmt::Error) => "# EOF\n".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(metrics: &Metrics, line: &str) -> bool {
        metrics.encode().lines().any(|candidate| candidate == line)
    }

    #[test]
    fn a_pass_is_counted_by_plan_and_timed() {
        let metrics = Metrics::new();
        metrics.pass("rest", Duration::from_millis(20));
        metrics.pass("do", Duration::from_secs(2));
        metrics.decided("start");
        assert_eq!(metrics.decisions_of("start"), 1);
        assert!(has(&metrics, "sluicegate_decisions_total{stage=\"start\"} 1"));
        assert!(
            has(&metrics, "sluicegate_passes_total{plan=\"rest\"} 1"),
            "{}",
            metrics.encode()
        );
        assert!(has(&metrics, "sluicegate_pass_seconds_count 2"));
        assert!(has(&metrics, "sluicegate_pass_seconds_bucket{le=\"0.05\"} 1"));
    }

    #[test]
    fn a_failed_call_is_counted_by_operation_and_by_kind_of_fault() {
        let metrics = Metrics::new();
        metrics.call_succeeded("StartApplication");
        metrics.call_failed("StartApplication", "busy");
        assert!(has(
            &metrics,
            "sluicegate_calls_total{operation=\"StartApplication\",outcome=\"ok\"} 1"
        ));
        assert!(has(
            &metrics,
            "sluicegate_calls_total{operation=\"StartApplication\",outcome=\"busy\"} 1"
        ));
        assert!(has(&metrics, "sluicegate_faults_total{kind=\"busy\"} 1"));
    }

    #[test]
    fn gauges_show_the_last_value() {
        let metrics = Metrics::new();
        metrics.applications(3, 1);
        metrics.applications(2, 2);
        metrics.took_lead();
        assert!(has(&metrics, "sluicegate_applications{ready=\"true\"} 2"));
        assert!(has(&metrics, "sluicegate_leader 1"));
        metrics.lost_lead();
        assert!(has(&metrics, "sluicegate_leader 0"));
    }

    #[test]
    fn sweeps_and_status_writes_are_counted() {
        let metrics = Metrics::new();
        metrics.census_sweep(Sweep::Complete);
        metrics.census_sweep(Sweep::Failed);
        metrics.feed_sweep(Sweep::Complete);
        metrics.status_write();
        metrics.status_rejected();
        assert!(has(
            &metrics,
            "sluicegate_metrics_feed_sweeps_total{result=\"complete\"} 1"
        ));
        assert!(has(&metrics, "sluicegate_census_sweeps_total{result=\"failed\"} 1"));
        assert!(has(&metrics, "sluicegate_census_sweeps_total{result=\"complete\"} 1"));
        assert!(has(&metrics, "sluicegate_status_writes_total 1"));
        assert!(has(&metrics, "sluicegate_status_rejections_total 1"));
    }

    #[test]
    fn the_build_names_its_version() {
        let version = env!("CARGO_PKG_VERSION");
        let metrics = Metrics::new();
        assert!(
            has(&metrics, &format!("sluicegate_build_info{{version=\"{version}\"}} 1")),
            "{}",
            metrics.encode()
        );
    }
}
