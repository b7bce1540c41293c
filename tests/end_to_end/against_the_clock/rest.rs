//! What twenty settled applications cost.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::eventually;

const APPLICATIONS: usize = 20;

/// A minute of rest, and as much as the clocks of two processes may differ in it.
const MINUTE: Duration = Duration::from_secs(63);

/// Different shapes: what the service echoes, defaults and orders anew must not look like a difference.
fn spec(number: usize) -> Value {
    let more = match number % 4 {
        0 => json!({}),
        1 => json!({"desiredState": "Stopped", "deletion": {"policy": "Stop"}, "tags": {"team": "orders"}}),
        2 => json!({
            "vpc": {"subnetIds": ["subnet-b", "subnet-a"], "securityGroupIds": ["sg-2", "sg-1"]},
            "logging": {"logStreamARN": "arn:aws:logs:eu-west-1:111122223333:log-group:/flink:log-stream:orders"},
            "maintenanceWindow": {"startTime": "04:00"},
        }),
        _ => json!({
            "propertyGroups": [
                {"id": "sink", "properties": {"b": "2", "a": "1"}},
                {"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]},
            ],
            "parallelism": {"parallelism": 2},
            "checkpoint": {"checkpointInterval": "90s"},
        }),
    };
    healthy(&more)
}

#[test]
fn a_minute_of_rest_costs_one_list_call_one_reading_of_all_counters_and_no_write() {
    let scene = Scene::open("rest");
    let controller = scene.controller(&[]);
    scene.config_map("kafka", &json!({"group.id": "orders"}));
    let names: Vec<String> = (0..APPLICATIONS).map(|number| format!("orders-{number}")).collect();
    for (number, name) in (0..).zip(&names) {
        scene.apply(name, &spec(number));
    }
    for name in &names {
        scene.ready(name);
    }
    let mark = scene.mark();
    eventually("a sweep of the census and of the counters", PATIENCE, || {
        let calls = scene.emulator.calls_since(mark);
        let called = |operation: &str| calls.iter().any(|call| call.operation == operation);
        called("ListApplications") && called("GetMetricData")
    });
    thread::sleep(Duration::from_secs(2));

    let (calls_before, requests_before) = (scene.mark(), scene.cluster.audit.mark());
    thread::sleep(MINUTE);

    let calls = scene.emulator.calls_since(calls_before).into_iter();
    let mut calls: Vec<String> = calls.map(|call| call.operation).collect();
    calls.sort();
    assert_eq!(
        calls,
        ["GetMetricData", "ListApplications"],
        "one page and one reading a minute for {APPLICATIONS} applications"
    );
    let requests = scene.cluster.audit.of_the_controller_since(requests_before);
    let writes: Vec<_> = requests
        .into_iter()
        .filter(|event| event["objectRef"]["namespace"] == "rest")
        .filter(|event| !matches!(event["verb"].as_str(), Some("get" | "list" | "watch")))
        .collect();
    assert_eq!(writes, [] as [Value; 0]);
    println!(
        "resident memory with {APPLICATIONS} applications: {}",
        resident(controller.process().pid())
    );
}

fn resident(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap_or("unknown").trim().to_owned()
}
