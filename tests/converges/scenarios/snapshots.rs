//! Snapshots that are taken beside a running job, and those that are deleted again.

use managed_flink_emulator::service::Faults;
use serde_json::{Value, json};

use super::rollouts::{patient, update};
use super::{Scenario, create, merged, no_snapshots, open, parallelism, race, running, start, stop, story};
use crate::script::Act;

/// A spec that takes a snapshot every so many minutes.
pub fn every(minutes: u64) -> Value {
    json!({"snapshots": {"schedule": {"cron": format!("*/{minutes} * * * *"), "startingDeadline": "5m"}}})
}

/// A spec that keeps so many snapshots.
pub fn keep(count: u64, scope: &str) -> Value {
    json!({"snapshots": {"retention": {"maxCount": count, "scope": scope}}})
}

/// The user takes the schedule away.
pub fn unscheduled() -> Act {
    Act::edit("no schedule", json!({"snapshots": {"schedule": null}}))
}

/// The user asks for a snapshot.
pub fn request(value: &'static str) -> Act {
    Act::annotate("sluicegate.dev/snapshot-requested-at", value)
}

fn scheduled() -> Act {
    Act::edit("schedule", every(10))
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let in_order = || Act::outage("in order", Faults::default());
    vec![
        story(
            "a schedule",
            running(),
            vec![scheduled(), Act::pause(1900), unscheduled()],
        ),
        story("a request for a snapshot", running(), vec![request("1"), request("2")]),
        race(
            "a request in the middle of a change",
            vec![create(patient())],
            vec![parallelism(2), request("1").after(3)],
        ),
        story(
            "a request to a job that is stopped",
            running(),
            vec![stop(), request("1"), start()],
        ),
        story(
            "retention",
            running(),
            vec![request("1"), request("2"), Act::edit("keep one", keep(1, "Ours"))],
        ),
        open(
            "a schedule and a retention through changes",
            vec![create(merged(&[patient(), keep(1, "All")]))],
            vec![
                Act::edit("schedule", every(2)),
                update("healthy-2.yaml").after(150),
                update("loops-1.yaml").after(200),
                Act::pause(600),
                unscheduled(),
            ],
        ),
        open(
            "snapshots that the service denies for a while",
            running(),
            vec![
                Act::outage("no snapshots", no_snapshots()),
                request("1"),
                Act::edit("keep one", keep(1, "All")),
                Act::pause(400),
                in_order(),
                Act::pause(1800),
            ],
        ),
    ]
}
