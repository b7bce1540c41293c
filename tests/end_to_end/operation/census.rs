//! What happens to an application at the service, without a word to Kubernetes, is noticed by the census.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::{AuditMark, Controller, eventually};

/// The results in the history of a resource, oldest first.
fn history(scene: &Scene, name: &str) -> Vec<String> {
    let resource = scene.app(name);
    let entries = resource["status"]["history"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| entry["result"].as_str().map(str::to_owned))
        .collect()
}

/// Waits until the job was launched a second time and runs.
fn until_launched_again(scene: &Scene, name: &str) {
    eventually("the job was launched again", PATIENCE, || {
        let jobs = scene.application(name)["jobs"].as_array().map_or(0, Vec::len);
        if jobs > 1 { Ok(()) } else { Err(format!("{jobs} jobs")) }
    });
    scene.ready(name);
}

/// A resource as it was, and the end of the audit log at that time.
struct Seen {
    generation: Value,
    mark: AuditMark,
}

impl Seen {
    fn now(scene: &Scene, name: &str) -> Self {
        Self {
            generation: scene.app(name)["metadata"]["generation"].take(),
            mark: scene.cluster.audit.mark(),
        }
    }

    /// Holds that nobody but the controller has written the resource since.
    fn assert_undisturbed(&self, scene: &Scene, name: &str) {
        assert_eq!(scene.app(name)["metadata"]["generation"], self.generation);
        let writes = scene.cluster.audit.since(self.mark).into_iter().filter(|event| {
            event["objectRef"]["namespace"] == scene.namespace.as_str()
                && event["objectRef"]["resource"] != "events"
                && !matches!(event["verb"].as_str(), Some("get" | "list" | "watch"))
        });
        let others: Vec<Value> = writes
            .filter(|event| event["user"]["username"] != Controller::USER)
            .collect();
        assert_eq!(others, [] as [Value; 0]);
    }
}

#[test]
fn a_job_that_ends_by_itself_is_noticed_and_started_again() {
    let scene = Scene::open("ended");
    let _controller = scene.controller(&["--census-interval=2s"]);
    scene.object("ends.yaml", "{main: ok, then: {endsAfter: 20m}}");
    let code = json!({"code": {"s3": {"bucket": "code", "key": "ends.yaml"}}});
    scene.apply("orders", &healthy(&code));
    scene.ready("orders");
    let snapshot = json!({"ApplicationName": "orders", "SnapshotName": "at-noon"});
    scene.call("CreateApplicationSnapshot", &snapshot);
    let before = Seen::now(&scene, "orders");
    assert_eq!(
        scene.application("orders")["status"],
        "RUNNING",
        "the job ended too early"
    );

    until_launched_again(&scene, "orders");

    assert!(
        history(&scene, "orders").contains(&"JobEnded".to_owned()),
        "{:?}",
        history(&scene, "orders")
    );
    before.assert_undisturbed(&scene, "orders");
}

#[test]
fn a_stop_at_the_console_is_noticed_and_corrected() {
    let scene = Scene::open("console");
    let _controller = scene.controller(&["--census-interval=2s"]);
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
    let before = Seen::now(&scene, "orders");

    scene.call("StopApplication", &json!({"ApplicationName": "orders"}));
    until_launched_again(&scene, "orders");

    let history = history(&scene, "orders");
    assert!(history.contains(&"StoppedElsewhere".to_owned()), "{history:?}");
    before.assert_undisturbed(&scene, "orders");
    let jobs = scene.application("orders")["jobs"].clone();
    assert!(jobs[1]["restoredFrom"].is_string(), "with its state: {jobs}");
}

#[test]
fn a_sweep_over_more_than_fifty_applications_takes_two_pages_and_describes_none() {
    const MANY: usize = 51;
    let scene = Scene::open("many");
    let controller = scene.controller(&["--census-interval=2s"]);
    let stopped = healthy(&json!({"desiredState": "Stopped"}));
    let names: Vec<String> = (0..MANY).map(|number| format!("orders-{number}")).collect();
    for name in &names {
        scene.apply(name, &stopped);
    }
    for name in &names {
        scene.ready(name);
    }
    let sweeps = || {
        let metrics = controller.metrics();
        let count = metrics
            .lines()
            .find_map(|line| line.strip_prefix(r#"sluicegate_census_sweeps_total{result="complete"} "#));
        count.map_or(0, |count| count.parse::<usize>().unwrap())
    };

    // Between two sweeps nothing is under way: the count of calls belongs to the count of sweeps.
    let at_rest = || {
        let before = sweeps();
        eventually("a sweep ends", PATIENCE, || sweeps() > before);
        thread::sleep(Duration::from_millis(300));
        (sweeps(), scene.mark())
    };
    at_rest();
    let (sweeps_before, mark) = at_rest();
    let (sweeps_after, _) = at_rest();
    let calls = scene.emulator.calls_since(mark);
    let calls: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    let expected = vec!["ListApplications"; 2 * (sweeps_after - sweeps_before)];
    assert_eq!(calls, expected);
}

#[test]
fn a_new_process_looks_only_at_what_is_not_as_it_was() {
    const SETTLED: usize = 12;
    let scene = Scene::open("restarted");
    let controller = scene.controller(&[]);
    let names: Vec<String> = (0..SETTLED).map(|number| format!("orders-{number}")).collect();
    for name in &names {
        scene.apply(name, &healthy(&json!({})));
    }
    for name in &names {
        scene.ready(name);
    }
    controller.kill9();
    let (touched, edited) = ("orders-3", "orders-7");
    scene.call("StopApplication", &json!({"ApplicationName": touched, "Force": true}));
    scene.until_status(touched, "READY");
    scene.apply(edited, &healthy(&json!({"parallelism": {"parallelism": 2}})));
    let mark = scene.mark();

    let _next = scene.controller(&[]);
    until_launched_again(&scene, touched);
    until_launched_again(&scene, edited);
    thread::sleep(Duration::from_secs(5));
    let calls = scene.emulator.calls_since(mark).into_iter();
    let touched_by = calls.filter_map(|call| call.application.filter(|_| call.operation != "GetMetricData"));
    let mut looked_at: Vec<String> = touched_by.collect();
    looked_at.sort();
    looked_at.dedup();
    assert_eq!(looked_at, [touched, edited], "the list alone tells of the others");
}
