//! Ways back from a change that failed: each way, what comes in between, and what follows.

use managed_flink_emulator::service::Faults;
use serde_json::{Value, json};

use super::rollouts::{patient, running_with, update};
use super::{Scenario, create, merged, network, nonce, open, policy, race, retry, running, start, stop, story};
use crate::script::{Act, code};

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = by_rules();
    all.extend(on_the_way());
    all.extend(afterwards());
    all.extend(starts());
    all
}

fn rolled_back() -> Vec<Act> {
    vec![create(json!({})), update("loops-1.yaml")]
}

fn by_rules() -> Vec<Scenario> {
    let loops = || vec![update("loops-1.yaml")];
    let their_snapshot = || {
        let name = json!({"SnapshotName": "theirs"});
        Act::console("console snapshot", "CreateApplicationSnapshot", name).once("/rollout/gate")
    };
    vec![
        story("a rollback to the old number", running(), loops()).under(&[("rollback-version", "reuse")]),
        story("a rollback that loads the latest", running(), loops()).under(&[("rollback-restores", "latest")]),
        story("a rollback to the old number that loads the latest", running(), loops())
            .under(&[("rollback-version", "reuse"), ("rollback-restores", "latest")]),
        story(
            "two rollbacks to old numbers",
            rolled_back(),
            vec![update("loops-2.yaml")],
        )
        .under(&[("rollback-version", "reuse")]),
        race(
            "a way back while calls are throttled",
            running(),
            vec![
                Act::outage("throttling", throttling()),
                update("loops-1.yaml"),
                Act::pause(300),
            ],
        ),
        open(
            "a way back without a snapshot",
            running_with(&json!({})),
            vec![update("later-1.yaml"), Act::delete_snapshots().once("/rollout/gate")],
        ),
        open(
            "a way back without a snapshot by the other exception",
            running_with(&json!({})),
            vec![update("later-1.yaml"), Act::delete_snapshots().once("/rollout/gate")],
        )
        .under(&[("rollback-without-snapshot", "InvalidArgumentException")]),
        open(
            "a newer snapshot of the failed job",
            running_with(&json!({})),
            vec![update("later-1.yaml"), their_snapshot()],
        ),
        open(
            "a newer snapshot of the failed job and a rollback that loads the latest",
            running_with(&json!({})),
            vec![update("later-1.yaml"), their_snapshot()],
        )
        .under(&[("rollback-restores", "latest")]),
    ]
}

/// The first calls of most operations are throttled.
fn throttling() -> Faults {
    let throttle = [
        ("DescribeApplication", 6),
        ("ListTagsForResource", 3),
        ("ListApplicationOperations", 4),
        ("DescribeApplicationVersion", 4),
        ("CreateApplicationSnapshot", 1),
        ("UpdateApplication", 2),
        ("RollbackApplication", 3),
    ];
    Faults {
        throttle: throttle.map(|(operation, calls)| (operation.to_owned(), calls)).into(),
        ..Faults::default()
    }
}

fn on_the_way() -> Vec<Scenario> {
    let way = "/wayBack";
    let good = || update("healthy-2.yaml");
    let loops = || update("loops-1.yaml");
    let forgets = || update("forgets-1.yaml");
    let back = || update("healthy-1.yaml");
    let deletable = || vec![create(policy("Delete", "BestEffort"))];
    vec![
        open("a fix before the rollback", running(), vec![loops(), good().once(way)]),
        open(
            "a fix during the rollback",
            running(),
            vec![loops(), good().once("/wayBack/started")],
        ),
        open(
            "a fix on the force-stop path",
            running(),
            vec![forgets(), good().once(way)],
        ),
        open(
            "a revert during the rollback",
            running(),
            vec![loops(), back().once(way)],
        ),
        open(
            "a revert on the force-stop path",
            running(),
            vec![forgets(), back().once(way)],
        ),
        open("a stop during the rollback", running(), vec![loops(), stop().once(way)]),
        open(
            "a stop on the force-stop path and a start",
            running(),
            vec![forgets(), stop().once(way), start()],
        ),
        open(
            "a deletion during the rollback",
            deletable(),
            vec![loops(), Act::delete().once(way)],
        ),
        open(
            "a deletion on the force-stop path",
            deletable(),
            vec![forgets(), Act::delete().once(way)],
        ),
        open(
            "maintenance on the way back",
            running_with(&json!({})),
            vec![loops(), Act::maintenance().once("/wayBack/started"), Act::pause(60)],
        ),
        open(
            "somebody stops it on the way back",
            running_with(&json!({})),
            vec![
                loops(),
                Act::console("console stop", "StopApplication", json!({})).once("/wayBack/started"),
                Act::pause(120),
            ],
        ),
        open(
            "an edit beside it on the way back",
            running(),
            vec![loops(), Act::edit("tags", json!({"tags": {"a": "1"}})).once(way)],
        ),
    ]
}

fn afterwards() -> Vec<Scenario> {
    let hold = || {
        vec![
            create(json!({"rollout": {"onFailure": "Hold"}})),
            update("loops-1.yaml"),
        ]
    };
    vec![
        story(
            "a revert after the rollback",
            rolled_back(),
            vec![update("healthy-1.yaml")],
        )
        .silent(),
        story(
            "a revert after the force-stop path",
            vec![create(json!({})), update("forgets-1.yaml")],
            vec![update("healthy-1.yaml")],
        )
        .silent(),
        story(
            "a fix after the rollback",
            rolled_back(),
            vec![update("healthy-2.yaml")],
        ),
        story("a retry after the rollback", rolled_back(), vec![retry("1")]),
        open("a restart after the rollback", rolled_back(), vec![nonce(1)]),
        story("a stop after the rollback", rolled_back(), vec![stop()]),
        race(
            "a forced stop after the rollback",
            rolled_back(),
            vec![
                Act::annotate("sluicegate.dev/force-stop-requested-at", "1"),
                Act::pause(300),
            ],
        ),
        story(
            "tags after the rollback",
            rolled_back(),
            vec![Act::edit("tags", json!({"tags": {"a": "1"}}))],
        ),
        open(
            "a fix over a job that loops under Hold",
            hold(),
            vec![update("healthy-2.yaml")],
        ),
        open(
            "a revert over a job that loops under Hold",
            hold(),
            vec![update("healthy-1.yaml")],
        ),
        open(
            "a stop of a job that never processes under Hold",
            vec![
                create(json!({"rollout": {"onFailure": "Hold"}})),
                update("strange-1.yaml"),
            ],
            vec![stop()],
        ),
        story(
            "a fix after a forced stop",
            vec![
                create(json!({"rollout": {"onFailure": "ForceStop"}})),
                update("loops-1.yaml"),
            ],
            vec![update("healthy-2.yaml")],
        ),
    ]
}

fn brittle() -> Vec<Act> {
    vec![create(merged(&[patient(), code("brittle-1.yaml")]))]
}

fn starts() -> Vec<Scenario> {
    let more = |more: Value| Act::edit("edit", more);
    vec![
        open("a restart whose job loops", brittle(), vec![nonce(1)]),
        open(
            "a start again whose job loops",
            [brittle(), vec![stop()]].concat(),
            vec![start()],
        ),
        open(
            "a start again whose job loops and the fix",
            [brittle(), vec![stop()]].concat(),
            vec![start(), update("healthy-2.yaml").after(120)],
        ),
        open(
            "a VPC whose job and its way back loop",
            brittle(),
            vec![more(network())],
        ),
        open(
            "a way back that fails and the fix",
            [brittle(), vec![more(network())]].concat(),
            vec![update("healthy-2.yaml")],
        ),
    ]
}
