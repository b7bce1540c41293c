//! What the service accepts and brings to no end, or lists without one although it is over: everything that is awaited has an
//! end, and no job that was stopped for a change stays down for it.

use managed_flink_emulator::service::Faults;
use serde_json::{Value, json};

use super::rollouts::update;
use super::{Scenario, create, merged, network, nonce, open, parallelism, retry, start, stop};
use crate::script::{Act, code};

const ADD_VPC: &str = "AddApplicationVpcConfiguration";
const REMOVE_VPC: &str = "DeleteApplicationVpcConfiguration";
const ADD_LOG: &str = "AddApplicationCloudWatchLoggingOption";
const REMOVE_LOG: &str = "DeleteApplicationCloudWatchLoggingOption";

/// The calls that change the network of an application.
pub const NETWORK: &[&str] = &[ADD_VPC, REMOVE_VPC, ADD_LOG, REMOVE_LOG];

/// Operations as they are listed.
pub const LISTED: &[&str] = &[
    "StartApplication",
    "StopApplication",
    "UpdateApplication",
    "RollbackApplication",
    ADD_VPC,
    REMOVE_VPC,
    "Maintenance",
    "ApplicationMaintenance",
    "ApplicationAutoScaling",
];

/// Networks that a spec may ask for.
pub fn networks() -> Vec<Value> {
    vec![
        vpc(),
        network(),
        json!({"vpc": null}),
        json!({"vpc": null, "logging": null}),
    ]
}

/// The names under which the service may list what it does by itself.
const BY_ITSELF: &[&str] = &["Maintenance", "ApplicationMaintenance", "ApplicationAutoScaling"];

/// A deadline that is over soon, and a gate in which something may happen.
fn hasty() -> Value {
    json!({"rollout": {"progressDeadline": "3m", "gate": {"stableFor": "30s"}}})
}

fn hastily() -> Vec<Act> {
    vec![create(hasty())]
}

fn works() -> Act {
    Act::outage("the service works", Faults::default())
}

fn vpc() -> Value {
    json!({"vpc": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}})
}

fn join() -> Act {
    Act::edit("join a VPC", vpc())
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = beside_a_gate();
    all.extend(of_ours());
    all.extend(while_stopped());
    all
}

/// Somebody else's operation that is listed in progress for ever.
fn beside_a_gate() -> Vec<Scenario> {
    let lingers = || Act::lingering(BY_ITSELF);
    let in_gate = "/rollout/gate/jobId";
    vec![
        open(
            "maintenance that lingers beside a gate",
            hastily(),
            vec![
                lingers(),
                update("healthy-2.yaml"),
                Act::maintenance().once(in_gate),
                Act::pause(900),
                works(),
                Act::pause(330),
            ],
        ),
        open(
            "maintenance that lingers beside a gate, and tags",
            hastily(),
            vec![
                lingers(),
                update("healthy-2.yaml"),
                Act::maintenance().once(in_gate),
                Act::edit("tags", json!({"tags": {"a": "1"}})).after(30),
                Act::pause(900),
                works(),
                Act::pause(330),
            ],
        ),
        open(
            "maintenance that lingers, and tags and a snapshot later",
            hastily(),
            vec![
                lingers(),
                Act::maintenance(),
                Act::pause(600),
                Act::edit("tags", json!({"tags": {"a": "1"}})),
                super::snapshots::request("1"),
                Act::pause(3_000),
                works(),
                Act::pause(330),
            ],
        ),
        open(
            "autoscaling that lingers beside the gate of a way back",
            hastily(),
            vec![
                lingers(),
                update("loops-1.yaml"),
                Act::autoscaling().once("/wayBack/started"),
                Act::pause(900),
                works(),
                Act::pause(330),
            ],
        ),
        open(
            "somebody's update lingers beside a gate",
            hastily(),
            vec![
                update("healthy-2.yaml"),
                Act::lingering(&["UpdateApplication"]).once(in_gate),
                Act::console_deploy("healthy-2.yaml").after(0),
                Act::pause(900),
                works(),
                Act::pause(330),
            ],
        ),
        open(
            "somebody's deletion hangs",
            hastily(),
            vec![
                Act::hanging(&["DeleteApplication"]),
                Act::delete_application(),
                Act::pause(900),
            ],
        ),
    ]
}

/// An operation of ours that is listed in progress for ever although the application has settled.
fn of_ours() -> Vec<Scenario> {
    let lingers = |operation: &'static str| Act::lingering(&[operation]);
    // No sweep shows that an operation has ended.
    let look = || Act::annotate("sluicegate.dev/reconcile-requested-at", "1");
    let then = || vec![Act::pause(900), works(), Act::pause(330), look()];
    let with = |acts: Vec<Act>| [acts, then()].concat();
    vec![
        open(
            "an update that lingers",
            hastily(),
            with(vec![
                lingers("UpdateApplication"),
                update("healthy-2.yaml"),
                Act::pause(900),
                parallelism(2),
            ]),
        ),
        open(
            "an update that lingers and loops",
            hastily(),
            with(vec![lingers("UpdateApplication"), update("loops-1.yaml")]),
        ),
        open(
            "an update that lingers and does not start",
            hastily(),
            with(vec![lingers("UpdateApplication"), update("throws-1.yaml")]),
        ),
        open(
            "an update that lingers, and a stop",
            hastily(),
            with(vec![
                lingers("UpdateApplication"),
                update("healthy-2.yaml"),
                Act::pause(900),
                stop(),
            ]),
        ),
        open(
            "a first start that lingers",
            vec![],
            with(vec![lingers("StartApplication"), create(hasty())]),
        ),
        open(
            "a start that lingers and does not start",
            vec![create(merged(&[
                hasty(),
                code("throws-1.yaml"),
                json!({"desiredState": "Stopped"}),
            ]))],
            with(vec![lingers("StartApplication"), start()]),
        ),
        open(
            "a restart that lingers",
            hastily(),
            with(vec![lingers("UpdateApplication"), nonce(1)]),
        ),
        open(
            "a stop that lingers, and a start",
            hastily(),
            with(vec![lingers("StopApplication"), stop(), Act::pause(900), start()]),
        ),
        open(
            "a stop for a VPC that lingers",
            hastily(),
            with(vec![lingers("StopApplication"), join()]),
        ),
        open("a VPC that lingers", hastily(), with(vec![lingers(ADD_VPC), join()])),
        open(
            "every operation of a change of the network lingers",
            hastily(),
            with(vec![
                Act::lingering(&[
                    "StopApplication",
                    ADD_VPC,
                    ADD_LOG,
                    "StartApplication",
                    "UpdateApplication",
                ]),
                Act::edit("network and code", merged(&[network(), code("healthy-2.yaml")])),
            ]),
        ),
        open(
            "a rollback that lingers",
            hastily(),
            with(vec![lingers("RollbackApplication"), update("loops-1.yaml")]),
        ),
        open(
            "a way back by force that lingers",
            hastily(),
            with(vec![
                Act::lingering(&["StopApplication", "StartApplication"]),
                update("forgets-1.yaml"),
            ]),
        ),
        open(
            "a deletion whose stop lingers",
            vec![create(merged(&[
                hasty(),
                json!({"deletion": {"policy": "Delete", "stateLoss": "Accepted", "timeout": "5m"}}),
            ]))],
            vec![lingers("StopApplication"), Act::delete(), Act::pause(3_000)],
        ),
    ]
}

/// A call of a change that comes to no end while the job is stopped for it.
fn while_stopped() -> Vec<Scenario> {
    let joined = || vec![create(merged(&[hasty(), network()]))];
    let leave = || Act::edit("leave", json!({"vpc": null}));
    let silent = || Act::edit("no log", json!({"logging": null}));
    let hangs = |operations: &[&str]| Act::hanging(operations);
    let then = || vec![Act::pause(900), works(), Act::pause(60)];
    let with = |acts: Vec<Act>| [acts, then()].concat();
    vec![
        open("a VPC that hangs", hastily(), with(vec![hangs(&[ADD_VPC]), join()])),
        open(
            "a log that hangs",
            hastily(),
            with(vec![
                hangs(&[ADD_LOG]),
                Act::edit("log", json!({"logging": network()["logging"]})),
            ]),
        ),
        open(
            "a VPC that is left and hangs",
            joined(),
            with(vec![hangs(&[REMOVE_VPC]), leave()]),
        ),
        open(
            "a log that is left and hangs",
            joined(),
            with(vec![hangs(&[REMOVE_LOG]), silent()]),
        ),
        open(
            "a VPC that hangs on its way and back",
            hastily(),
            with(vec![hangs(&[ADD_VPC, REMOVE_VPC]), join()]),
        ),
        open(
            "a VPC that hangs and is tried again",
            hastily(),
            vec![hangs(&[ADD_VPC]), join(), Act::pause(900), works(), retry("1")],
        ),
        open(
            "a VPC that hangs and whose forced stop may not be sent at first",
            hastily(),
            vec![
                hangs(&[ADD_VPC]),
                join(),
                Act::denied(&["StopApplication"]).once("/rollout/ranBefore"),
                Act::pause(600),
                works(),
                Act::pause(900),
            ],
        ),
        open(
            "a VPC and code of which the VPC hangs",
            hastily(),
            with(vec![
                hangs(&[ADD_VPC]),
                Act::edit("network and code", merged(&[vpc(), code("healthy-2.yaml")])),
            ]),
        ),
        open(
            "an update that hangs while the job is stopped for a VPC",
            hastily(),
            with(vec![
                hangs(&["UpdateApplication"]),
                Act::edit("network and code", merged(&[vpc(), code("healthy-2.yaml")])),
            ]),
        ),
        open(
            "a VPC of a way back that hangs",
            hastily(),
            with(vec![
                hangs(&[REMOVE_VPC]),
                Act::edit("network and code", merged(&[vpc(), code("loops-1.yaml")])),
            ]),
        ),
        open(
            "a VPC that hangs of an application that is stopped",
            vec![create(merged(&[hasty(), json!({"desiredState": "Stopped"})]))],
            with(vec![hangs(&[ADD_VPC]), join()]),
        ),
        open(
            "a VPC that hangs, and a stop meanwhile",
            hastily(),
            with(vec![
                hangs(&[ADD_VPC]),
                join(),
                stop().once("/rollout/ranBefore"),
                Act::pause(600),
                start(),
            ]),
        ),
    ]
}
