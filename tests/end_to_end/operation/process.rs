//! The process itself: its pages, and its end.

use std::time::Duration;

use serde_json::json;

use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::{Controller, eventually, get};

/// The time that the process gives work under way, which is shorter than a pod's grace of 30 seconds.
const GRACE: Duration = Duration::from_secs(25);

fn ends_well(controller: &Controller) {
    controller.process().terminate().unwrap();
    let status = controller.process().wait(GRACE).expect("it ends within its grace");
    assert_eq!(
        status.code(),
        Some(0),
        "{}",
        std::fs::read_to_string(controller.process().log()).unwrap()
    );
}

#[test]
fn health_readiness_and_metrics_are_served() {
    let scene = Scene::open("pages");
    let controller = scene.controller(&[]);
    let status = |path: &str| get(&format!("{}{path}", controller.url)).unwrap().status;
    assert_eq!(status("/healthz"), 200);
    eventually("the first list is complete", PATIENCE, || status("/readyz") == 200);
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");

    let expected = [
        r#"sluicegate_passes_total{plan="do"} 3"#,
        r#"sluicegate_passes_total{plan="rest"} "#,
        "sluicegate_pass_seconds_count ",
        r#"sluicegate_calls_total{operation="CreateApplication",outcome="ok"} 1"#,
        r#"sluicegate_calls_total{operation="StartApplication",outcome="ok"} 1"#,
        "sluicegate_status_writes_total ",
        "sluicegate_leader 1",
        "sluicegate_build_info{",
    ];
    eventually("the metrics tell what was done", PATIENCE, || {
        let metrics = controller.metrics();
        let missing = expected
            .iter()
            .filter(|start| !metrics.lines().any(|line| line.starts_with(**start)));
        let missing: Vec<_> = missing.collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("{missing:?} of {metrics}"))
        }
    });
    ends_well(&controller);
}

#[test]
fn a_request_to_end_in_the_middle_of_an_update_ends_well_and_the_next_process_goes_on() {
    let scene = Scene::open_at("leaving", "20");
    let controller = scene.controller(&[]);
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
    let version = scene.application("orders")["version"].as_u64().unwrap();

    scene.apply("orders", &healthy(&json!({"parallelism": {"parallelism": 2}})));
    scene.until_status("orders", "UPDATING");
    ends_well(&controller);
    assert_eq!(
        scene.application("orders")["status"],
        "UPDATING",
        "the update was not under way any more"
    );
    let _next = scene.controller(&[]);
    scene.ready("orders");

    assert_eq!(scene.application("orders")["version"], version + 1);
    assert_eq!(scene.emulator.count("UpdateApplication"), 1);
}
