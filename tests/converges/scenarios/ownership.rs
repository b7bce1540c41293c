//! Applications that somebody else made, changes or stops, and how much of them is managed.

use serde_json::{Value, json};

use super::{
    Scenario, create, merged, network, nonce, open, parallelism, policy, race, running, snapshots_off, snapshots_on,
    stop, story,
};
use crate::script::Act;

/// A spec that takes an application over.
fn adopting(adoption: &str) -> Value {
    json!({"management": {"adoption": adoption}})
}

/// A spec of a kind of drift.
pub fn drift(drift: &str) -> Value {
    json!({"management": {"drift": drift}})
}

/// A spec of a mode.
pub fn mode(mode: &str) -> Value {
    json!({"management": {"mode": mode}})
}

/// A spec of a run state and of content in one.
fn both(state: &str, parallelism: i64) -> Value {
    json!({"desiredState": state, "parallelism": {"parallelism": parallelism}})
}

fn console_update() -> Act {
    let parallelism = json!({"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": 3});
    let flink = json!({"ParallelismConfigurationUpdate": parallelism});
    let change = json!({"FlinkApplicationConfigurationUpdate": flink});
    Act::console(
        "console update",
        "UpdateApplication",
        json!({"ApplicationConfigurationUpdate": change}),
    )
}

fn console_stop() -> Act {
    Act::console("console stop", "StopApplication", json!({}))
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let reported = || vec![create(drift("Report"))];
    vec![
        story(
            "an application is adopted",
            vec![Act::foreign_application(), Act::pause(120)],
            vec![create(adopting("Adopt"))],
        ),
        story(
            "an application is adopted and changed",
            vec![Act::foreign_application(), Act::pause(120)],
            vec![create(merged(&[
                adopting("AdoptOrCreate"),
                json!({"parallelism": {"parallelism": 2}}),
            ]))],
        ),
        story("adopt or create", vec![], vec![create(adopting("AdoptOrCreate"))]),
        story("nothing to adopt", vec![], vec![create(adopting("Adopt"))]).silent(),
        story(
            "an application that is not adopted",
            vec![Act::foreign_application(), Act::pause(120)],
            vec![create(json!({}))],
        )
        .silent(),
        story(
            "observe only",
            vec![
                Act::foreign_application(),
                Act::pause(120),
                create(merged(&[mode("ObserveOnly"), policy("Delete", "Never")])),
            ],
            vec![
                parallelism(2),
                nonce(1),
                console_update(),
                console_stop(),
                Act::delete(),
            ],
        )
        .silent(),
        race(
            "a change that is no longer managed and is again",
            running(),
            vec![
                parallelism(2),
                Act::edit("observe", mode("ObserveOnly")).once("/intent"),
                Act::pause(300),
                Act::edit("manage", mode("Full")),
            ],
        ),
        story("drift that is reported", reported(), vec![console_update()]).silent(),
        story(
            "drift that is reported and then undone",
            reported(),
            vec![console_update(), Act::edit("correct", drift("Correct"))],
        ),
        story("a stop that is reported", reported(), vec![console_stop()]).silent(),
        story(
            "a stop that is reported and then undone",
            reported(),
            vec![
                console_stop(),
                Act::annotate("sluicegate.dev/restart-requested-at", "1"),
            ],
        ),
        story(
            "a new revision over drift that is reported",
            reported(),
            vec![console_update(), parallelism(2)],
        ),
        story(
            "stop and change where drift is reported",
            reported(),
            vec![Act::edit("both", both("Stopped", 2)), parallelism(3)],
        ),
        story(
            "stop and change, then start and change, where drift is reported",
            reported(),
            vec![
                Act::edit("both", both("Stopped", 2)),
                Act::edit("both again", both("Running", 3)),
            ],
        ),
        story(
            "stop and change of several calls",
            running(),
            vec![Act::edit("all", merged(&[both("Stopped", 2), network()]))],
        ),
        open(
            "stop, and a change in the middle of it, where drift is reported",
            reported(),
            vec![
                Act::edit("stop", json!({"desiredState": "Stopped"})),
                parallelism(2).after(2),
                Act::pause(120),
                Act::edit("start", json!({"desiredState": "Running"})),
            ],
        ),
        open(
            "a forced stop on request and a change where drift is reported",
            reported(),
            vec![
                Act::edit("stop", json!({"desiredState": "Stopped"})),
                Act::annotate("sluicegate.dev/force-stop-requested-at", "1"),
                parallelism(2),
            ],
        ),
        open(
            "stop and change in a window that shuts",
            vec![create(merged(&[drift("Report"), super::change_control::opened()]))],
            vec![
                Act::edit("both", both("Stopped", 2)),
                Act::edit("shut", super::change_control::shut()).once("/intent"),
                Act::pause(120),
                Act::edit("open", super::change_control::opened()),
            ],
        ),
        open(
            "drift in the middle of a change",
            reported(),
            vec![parallelism(2), console_update().after(4)],
        ),
    ]
    .into_iter()
    .chain(snapshots_switched_off())
    .collect()
}

/// Somebody switches snapshots off in the console, which is nobody's consent to lose the state.
fn snapshots_switched_off() -> Vec<Scenario> {
    let off = || vec![create(json!({})), Act::switch_snapshots_off()];
    let once = |name: &str| json!({"restore": {"once": {"snapshotName": name, "nonce": 1}}});
    vec![
        story(
            "snapshots are switched off",
            running(),
            vec![Act::switch_snapshots_off()],
        )
        .silent(),
        story(
            "a change over snapshots that are switched off",
            off(),
            vec![parallelism(2)],
        )
        .silent(),
        story("a restart over snapshots that are switched off", off(), vec![nonce(1)]).silent(),
        story("a stop over snapshots that are switched off", off(), vec![stop()]).silent(),
        story(
            "snapshots are switched off as the revision before had them",
            vec![
                create(snapshots_off()),
                Act::edit("snapshots on", snapshots_on()),
                Act::pause(30),
            ],
            vec![Act::switch_snapshots_off(), Act::pause(120), nonce(1)],
        )
        .silent(),
        story(
            "another network over snapshots that are switched off",
            off(),
            vec![Act::edit("network", network())],
        )
        .silent(),
        open(
            "a snapshot that is named over snapshots that are switched off",
            vec![
                create(json!({})),
                Act::console(
                    "console snapshot",
                    "CreateApplicationSnapshot",
                    json!({"SnapshotName": "theirs"}),
                ),
                Act::pause(60),
                Act::switch_snapshots_off(),
            ],
            vec![parallelism(2), Act::edit("once", once("theirs"))],
        ),
        open(
            "snapshots are switched off in the gate",
            vec![create(json!({"rollout": {"gate": {"stableFor": "10s"}}}))],
            vec![
                parallelism(2),
                Act::switch_snapshots_off().once("/rollout/gate"),
                Act::pause(60),
            ],
        ),
    ]
}
