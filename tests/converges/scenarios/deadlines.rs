//! Time in which nobody looks, or in which the service refuses what is wanted: it is nobody's fault.

use managed_flink_emulator::service::Faults;
use serde_json::{Value, json};

use super::rollouts::update;
use super::{Scenario, create, merged, nonce, open, parallelism, start, stop};
use crate::script::{Act, code};

/// A deadline that is over soon, and a gate that takes a while.
fn hasty() -> Value {
    json!({"rollout": {"progressDeadline": "1m", "gate": {"stableFor": "10s"}}})
}

fn hastily() -> Vec<Act> {
    vec![create(hasty())]
}

fn allowed(seconds: i64) -> Act {
    Act::outage("the permission is there", Faults::default()).after(seconds)
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = away();
    all.extend(refused());
    all
}

fn away() -> Vec<Scenario> {
    let good = || update("healthy-2.yaml");
    let checkpoints = || {
        let gate =
            json!({"rollout": {"gate": {"minCompletedCheckpoints": 1}}, "checkpoint": {"checkpointInterval": "10s"}});
        merged(&[hasty(), gate])
    };
    let mut all = vec![
        open(
            "nobody looks at the first start",
            vec![],
            vec![create(hasty()), Act::away(600).once("/intent")],
        ),
        open(
            "nobody looks at an update whose checkpoints are awaited",
            vec![create(checkpoints())],
            vec![good(), Act::away(600).once("/intent")],
        ),
        open(
            "nobody looks at an update whose restore is too slow",
            hastily(),
            vec![update("crawls-1.yaml"), Act::away(600).once("/rollout/gate")],
        ),
        open(
            "nobody looks at a restart",
            hastily(),
            vec![nonce(1), Act::away(600).once("/intent")],
        ),
        open(
            "nobody looks at a start again",
            vec![create(hasty()), stop()],
            vec![start(), Act::away(600).once("/intent")],
        ),
        open(
            "nobody watches a resource that is paused",
            hastily(),
            vec![
                good(),
                Act::annotate("sluicegate.dev/reconcile", "paused").once("/intent"),
                Act::annotate("sluicegate.dev/reconcile", "").after(600),
            ],
        ),
    ];
    for (name, member) in [
        ("nobody looks at an update", "/intent"),
        ("nobody looks at the update itself", "/rollout/updatedVersionId"),
        ("nobody looks at a gate", "/rollout/gate"),
        ("nobody looks at a job that is up", "/rollout/gate/stableSince"),
    ] {
        all.push(open(name, hastily(), vec![good(), Act::away(600).within(member, 60)]));
    }
    for (name, member) in [
        ("nobody looks at a way back", "/wayBack"),
        ("nobody looks at the gate of a way back", "/wayBack/started"),
    ] {
        let looping = vec![update("loops-1.yaml"), Act::away(600).once(member)];
        all.push(open(name, hastily(), looping));
        let forgetful = vec![update("forgets-1.yaml"), Act::away(600).once(member)];
        all.push(open(name, hastily(), forgetful));
    }
    all
}

fn refused() -> Vec<Scenario> {
    let wait = || Act::pause(1);
    vec![
        open(
            "an update that may be made late",
            hastily(),
            vec![
                Act::denied(&["UpdateApplication"]),
                parallelism(2).after(1),
                allowed(230),
                wait(),
            ],
        ),
        open(
            "a fix that may be made late",
            vec![
                create(merged(&[hasty(), json!({"rollout": {"onFailure": "Hold"}})])),
                update("loops-1.yaml"),
            ],
            vec![
                Act::denied(&["UpdateApplication"]),
                update("healthy-2.yaml").after(1),
                allowed(230),
                wait(),
            ],
        ),
        open(
            "a start that may be made late",
            vec![],
            vec![
                Act::denied(&["StartApplication"]),
                create(hasty()).after(1),
                allowed(230),
                wait(),
            ],
        ),
        open(
            "a restart that may be made late",
            hastily(),
            vec![
                Act::denied(&["UpdateApplication"]),
                nonce(1).after(1),
                allowed(230),
                wait(),
            ],
        ),
        open(
            "a way back that may be made late",
            hastily(),
            vec![
                Act::denied(&["RollbackApplication", "StopApplication"]),
                update("loops-1.yaml").after(1),
                allowed(400),
                wait(),
            ],
        ),
        open(
            "code that is there late",
            hastily(),
            vec![
                Act::edit("code is not there", code("gone.yaml")),
                Act::edit("code works", code("healthy-2.yaml")).after(230),
            ],
        ),
        open(
            "a deadline that is shortened in the gate",
            vec![create(json!({"rollout": {"gate": {"stableFor": "10s"}}}))],
            vec![
                update("crawls-1.yaml"),
                Act::edit("deadline", json!({"rollout": {"progressDeadline": "1m"}})).once("/rollout/gate"),
            ],
        ),
        open(
            "a deadline that is prolonged in the gate",
            hastily(),
            vec![
                update("slow-1.yaml"),
                Act::edit("deadline", json!({"rollout": {"progressDeadline": "1h"}})).once("/rollout/gate"),
            ],
        ),
    ]
}
