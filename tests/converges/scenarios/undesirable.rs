//! Specs that ask for nothing that can be done, and what goes on meanwhile.

use serde_json::{Value, json};

use super::rollouts::{running_with, update};
use super::snapshots::{every, unscheduled};
use super::{Scenario, create, network, nonce, open, start, stop};
use crate::script::Act;

/// A tag that no spec may set.
fn tag() -> Value {
    json!({"tags": {"aws:team": "orders"}})
}

/// The user writes a spec that is not valid.
pub fn invalid() -> Act {
    Act::edit("is not valid", tag())
}

/// The user names a ConfigMap that does not exist.
pub fn missing() -> Act {
    let source = json!({"configMapRef": {"name": "later"}});
    let groups = json!([{"id": "g", "properties": {"a": "1"}, "propertiesFrom": [source]}]);
    Act::edit("lacks a ConfigMap", json!({"propertyGroups": groups}))
}

/// The user writes a spec again that can be followed.
pub fn corrected() -> Act {
    Act::edit(
        "can be followed",
        json!({"tags": {"aws:team": null}, "propertyGroups": null}),
    )
}

fn ask(key: &'static str) -> Act {
    Act::annotate(key, "1")
}

/// Every story of this kind: each with a spec that is not valid, and with one that lacks a ConfigMap.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = kept(invalid);
    all.extend(kept(missing));
    all
}

fn kept(spoil: fn() -> Act) -> Vec<Scenario> {
    let join = || Act::edit("network", network());
    let console_stop = || Act::console("console stop", "StopApplication", json!({}));
    let mut all = vec![
        open(
            "a spec that cannot be followed while the job is stopped for a change",
            running_with(&json!({})),
            vec![join(), spoil().once("/rollout/ranBefore"), Act::pause(600)],
        ),
        open(
            "a spec that cannot be followed while the job stops for a change, and is corrected",
            running_with(&json!({})),
            vec![
                join(),
                spoil().once("/rollout/stoppedForIt"),
                Act::pause(600),
                corrected(),
                Act::pause(300),
            ],
        ),
        open(
            "a spec that cannot be followed and asks to stop while the job is stopped for a change",
            running_with(&json!({})),
            vec![
                join(),
                spoil().once("/rollout/ranBefore"),
                stop().after(0),
                Act::pause(300),
                start(),
            ],
        ),
        open(
            "a spec that cannot be followed in the gate of a job that loops",
            running_with(&json!({})),
            vec![update("loops-1.yaml"), spoil().once("/rollout/gate"), Act::pause(900)],
        ),
        open(
            "a spec that cannot be followed in the gate of a good job",
            running_with(&json!({})),
            vec![update("healthy-2.yaml"), spoil().once("/rollout/gate"), Act::pause(600)],
        ),
        open(
            "a spec that cannot be followed on a way back",
            running_with(&json!({})),
            vec![update("loops-1.yaml"), spoil().once("/wayBack"), Act::pause(900)],
        ),
        open(
            "a spec that cannot be followed after a change that failed to start",
            running_with(&json!({})),
            vec![update("throws-1.yaml"), spoil().once("/rollout"), Act::pause(900)],
        ),
        open(
            "a spec that cannot be followed and a job that somebody stops",
            running_with(&json!({})),
            vec![spoil(), console_stop().after(200), Act::pause(300)],
        ),
        open(
            "a spec that cannot be followed and a schedule",
            running_with(&json!({})),
            vec![
                Act::edit("schedule", every(10)),
                spoil().after(1),
                Act::pause(1900),
                unscheduled(),
            ],
        ),
        open(
            "a stop and a start under a spec that cannot be followed",
            running_with(&json!({})),
            vec![spoil(), stop(), start(), nonce(1)],
        ),
        open(
            "a first spec that cannot be followed, and is corrected",
            vec![],
            vec![
                create(json!({"desiredState": "Stopped"})),
                spoil().after(0),
                Act::pause(300),
                start(),
                corrected(),
            ],
        ),
    ];
    for key in [
        "sluicegate.dev/restart-requested-at",
        "sluicegate.dev/force-stop-requested-at",
        "sluicegate.dev/snapshot-requested-at",
        "sluicegate.dev/rollback-requested-at",
    ] {
        let before = [running_with(&json!({})), vec![update("healthy-2.yaml")]].concat();
        all.push(open(
            "a request under a spec that cannot be followed",
            before,
            vec![spoil(), ask(key).after(150), Act::pause(300)],
        ));
    }
    all
}
