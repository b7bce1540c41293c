//! Stops whose own snapshot is listed late, or never: what is started after them goes on from it as long as it may come.

use managed_flink_emulator::service::{ErrorCode, Faults};
use serde_json::json;

use super::{Scenario, create, network, open, refused, running, start, stop, story};
use crate::script::Act;

/// The list of snapshots is so many seconds of the service's time behind.
pub fn behind(seconds: u64) -> Act {
    let faults = Faults {
        snapshot_list_lag: seconds,
        ..Faults::default()
    };
    Act::outage("the list of snapshots is behind", faults)
}

/// A job that runs for some minutes after its newest snapshot, before the list falls behind.
fn later(seconds: u64, acts: Vec<Act>) -> Vec<Act> {
    let mut all = vec![Act::pause(300), behind(seconds)];
    all.extend(acts);
    all
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let joined = || Act::edit("network", network());
    let console = |input| Act::console("console stop", "StopApplication", input);
    vec![
        story(
            "a change of the VPC whose stop's snapshot is listed late",
            running(),
            later(240, vec![joined()]),
        ),
        story(
            "a change of the VPC whose stop's snapshot is listed too late",
            running(),
            later(1_800, vec![joined()]),
        ),
        story(
            "a stop and a start whose snapshot is listed late",
            running(),
            later(240, vec![stop(), start()]),
        ),
        open(
            "a stop and a start soon after it",
            running(),
            later(240, vec![stop(), start().within("/lastStop", 20)]),
        ),
        story(
            "a first job that is not proven, stopped and started again",
            vec![],
            later(
                240,
                vec![
                    create(json!({"rollout": {"gate": {"stableFor": "10m"}}})),
                    stop().once("/rollout/gate"),
                    start(),
                ],
            ),
        ),
        open(
            "a refused change of the VPC whose stop's snapshot is listed late",
            running(),
            vec![
                Act::pause(300),
                Act::outage(
                    "no subnets and a list that is behind",
                    Faults {
                        snapshot_list_lag: 1_800,
                        ..refused::refusing(
                            "AddApplicationVpcConfiguration",
                            ErrorCode::InvalidArgument,
                            "no subnets",
                            None,
                        )
                    },
                ),
                joined(),
                Act::pause(900),
                Act::annotate("sluicegate.dev/reconcile-requested-at", "when all is listed"),
            ],
        ),
        story(
            "somebody stops it and the snapshot is listed late",
            running(),
            later(240, vec![console(json!({})), Act::pause(120)]),
        ),
        story(
            "somebody stops it by force and there is no snapshot of the stop",
            running(),
            later(240, vec![console(json!({"Force": true})), Act::pause(300)]),
        ),
    ]
}
