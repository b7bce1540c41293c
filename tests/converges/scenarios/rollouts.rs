//! Rollouts and their verification: what the gate lets pass, what it does not, and what comes in between.

use serde_json::{Value, json};

use super::{Scenario, create, merged, network, open, parallelism, running, snapshots_off, start, stop, story};
use crate::script::{Act, code};
use managed_flink_emulator::service::Faults;

/// A gate that takes long enough for things to happen in it.
pub(super) fn patient() -> Value {
    json!({"rollout": {"gate": {"stableFor": "10s"}}})
}

/// A resource with good code and members beside it.
pub(super) fn running_with(more: &Value) -> Vec<Act> {
    vec![create(merged(&[patient(), more.clone()]))]
}

/// The user changes the code.
pub(super) fn update(key: &str) -> Act {
    Act::edit("code", code(key))
}

fn on_failure(policy: &str) -> Value {
    json!({"rollout": {"onFailure": policy}})
}

fn deadline() -> Value {
    json!({"rollout": {"progressDeadline": "1m"}})
}

fn blind() -> Faults {
    Faults {
        flink_rest: [(crate::world::APP.to_owned(), 503)].into(),
        ..Faults::default()
    }
}

fn denied() -> Faults {
    Faults {
        deny: ["CreateApplicationPresignedUrl".to_owned()].into(),
        ..Faults::default()
    }
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = loops();
    all.extend(terms());
    all.extend(refused());
    all.extend(in_the_gate());
    all
}

fn loops() -> Vec<Scenario> {
    vec![
        story("an update that loops at once", running(), vec![update("loops-1.yaml")]),
        story(
            "an update that loops after a while",
            running_with(&json!({})),
            vec![update("later-1.yaml")],
        ),
        story(
            "an update that loops after the gate",
            running(),
            vec![update("ages-1.yaml"), Act::pause(1800)],
        ),
        story(
            "an update that flaps",
            running_with(&json!({})),
            vec![update("flaps-1.yaml")],
        ),
        story("an update that restarts once", running(), vec![update("once-1.yaml")]),
        story(
            "an update that restarts once too often",
            vec![create(json!({"rollout": {"gate": {"maxRestarts": 0}}}))],
            vec![update("once-1.yaml")],
        ),
        story(
            "an update that loops under ForceStop",
            vec![create(on_failure("ForceStop"))],
            vec![update("loops-1.yaml")],
        ),
        story(
            "an update that loops under Hold",
            vec![create(on_failure("Hold"))],
            vec![update("loops-1.yaml")],
        ),
        story(
            "a first deployment that loops",
            vec![],
            vec![create(code("loops-1.yaml"))],
        ),
        story(
            "a first deployment that loops under Hold",
            vec![],
            vec![create(merged(&[code("loops-1.yaml"), on_failure("Hold")]))],
        ),
        story(
            "a first deployment that loops and its fix",
            vec![create(code("loops-1.yaml"))],
            vec![update("healthy-2.yaml")],
        ),
        story(
            "two updates that loop",
            vec![create(json!({})), update("loops-1.yaml")],
            vec![update("loops-2.yaml")],
        ),
        story(
            "an update that loops on a newer runtime",
            running(),
            vec![Act::edit(
                "code and runtime",
                merged(&[code("loops-1.yaml"), json!({"runtimeEnvironment": "FLINK-2_2"})]),
            )],
        ),
        story(
            "an update that loops with snapshots off",
            vec![create(snapshots_off())],
            vec![update("loops-1.yaml")],
        ),
        story(
            "an update that loops in another VPC",
            running(),
            vec![Act::edit(
                "code and network",
                merged(&[code("loops-1.yaml"), network()]),
            )],
        ),
        story(
            "an update that loops without state as asked",
            vec![create(json!({"restore": {"onStart": "None", "onUpdate": "None"}}))],
            vec![update("loops-1.yaml")],
        ),
    ]
}

fn terms() -> Vec<Scenario> {
    let checkpoints =
        json!({"rollout": {"gate": {"minCompletedCheckpoints": 1}}, "checkpoint": {"checkpointInterval": "10s"}});
    vec![
        story("a slow restore", running(), vec![update("slow-1.yaml")]),
        story(
            "a restore that is too slow",
            vec![create(deadline())],
            vec![update("crawls-1.yaml")],
        ),
        story(
            "an update that comes up without its state",
            running(),
            vec![update("forgets-1.yaml")],
        ),
        story(
            "an update that cannot read the state",
            running(),
            vec![update("strange-1.yaml")],
        ),
        story(
            "an update whose checkpoints are awaited",
            vec![create(checkpoints.clone())],
            vec![parallelism(2)],
        ),
        story(
            "an update whose checkpoints fail",
            vec![create(merged(&[checkpoints, deadline()]))],
            vec![update("breaks-1.yaml")],
        ),
        open(
            "an update whose job ends in the gate",
            vec![create(json!({"rollout": {"gate": {"stableFor": "30s"}}}))],
            vec![update("ends-1.yaml")],
        ),
        open(
            "an update that hangs",
            vec![create(merged(&[code("wears-1.yaml"), deadline()])), Act::pause(90)],
            vec![update("healthy-2.yaml")],
        ),
        open(
            "an update over a job that is down",
            vec![create(code("ages-1.yaml")), Act::pause(120)],
            vec![update("healthy-2.yaml")],
        ),
        story(
            "a job that nobody sees",
            vec![create(deadline()), Act::outage("no Flink REST", blind())],
            vec![update("healthy-2.yaml")],
        ),
        story(
            "a job that nobody may see",
            vec![create(deadline()), Act::outage("no URL", denied())],
            vec![update("healthy-2.yaml")],
        ),
        open(
            "a job that loops and is seen late",
            vec![
                create(deadline()),
                Act::outage("no Flink REST", blind()),
                update("loops-1.yaml"),
            ],
            vec![
                Act::outage("Flink REST again", Faults::default()),
                Act::annotate("sluicegate.dev/reconcile-requested-at", "1"),
            ],
        ),
        open(
            "a job that is seen late",
            vec![
                create(deadline()),
                Act::outage("no Flink REST", blind()),
                update("healthy-2.yaml"),
            ],
            vec![
                Act::outage("Flink REST again", Faults::default()),
                Act::annotate("sluicegate.dev/reconcile-requested-at", "1"),
            ],
        ),
    ]
}

fn refused() -> Vec<Scenario> {
    let undone = || vec![create(json!({"systemRollback": {"enabled": true}}))];
    let throws = || vec![update("throws-1.yaml")];
    vec![
        story("an update that the service undoes", undone(), throws()),
        story(
            "an update that the service undoes to the old number",
            undone(),
            throws(),
        )
        .under(&[("rollback-version", "reuse"), ("rollback-restores", "latest")]),
        story("an update that fails and runs on", running(), throws()).under(&[("failed-update", "running")]),
        story("an update that fails and is stuck", vec![create(deadline())], throws())
            .under(&[("failed-update", "updating")]),
        story(
            "an update that fails under ForceStop and runs on",
            vec![create(on_failure("ForceStop"))],
            throws(),
        )
        .under(&[("failed-update", "running")]),
        story(
            "an update that fails under Hold",
            vec![create(on_failure("Hold"))],
            throws(),
        ),
    ]
}

fn in_the_gate() -> Vec<Scenario> {
    let gate = "/rollout/gate";
    let good = || update("healthy-2.yaml");
    let console_update = json!({"ApplicationConfigurationUpdate": {"FlinkApplicationConfigurationUpdate": {
        "ParallelismConfigurationUpdate": {"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": 9}}}});
    let patiently = || running_with(&json!({}));
    vec![
        open(
            "maintenance in the gate",
            patiently(),
            vec![good(), Act::maintenance().once(gate), Act::pause(60)],
        ),
        open(
            "autoscaling in the gate",
            patiently(),
            vec![good(), Act::autoscaling().once(gate), Act::pause(60)],
        ),
        open(
            "autoscaling in the gate that makes a version",
            patiently(),
            vec![good(), Act::autoscaling().once(gate), Act::pause(60)],
        )
        .under(&[("autoscaling-version", "bump")]),
        open(
            "maintenance in the gate of a job that loops",
            patiently(),
            vec![update("later-1.yaml"), Act::maintenance().once(gate), Act::pause(120)],
        ),
        open(
            "somebody stops it in the gate",
            patiently(),
            vec![
                good(),
                Act::console("console stop", "StopApplication", json!({})).once(gate),
                Act::pause(120),
            ],
        ),
        open(
            "somebody changes it in the gate",
            patiently(),
            vec![
                good(),
                Act::console("console update", "UpdateApplication", console_update).once(gate),
                Act::pause(120),
            ],
        ),
        open(
            "somebody rolls it back in the gate",
            patiently(),
            vec![good(), Act::console_rollback().once(gate), Act::pause(120)],
        ),
        open(
            "a fix in the gate",
            patiently(),
            vec![update("later-1.yaml"), good().once(gate)],
        ),
        open(
            "a revert in the gate",
            patiently(),
            vec![update("later-1.yaml"), update("healthy-1.yaml").once(gate)],
        ),
        open(
            "a revert in the gate of a job that runs well",
            patiently(),
            vec![parallelism(2), parallelism(1).once(gate)],
        ),
        open(
            "a revert while the update goes on",
            patiently(),
            vec![
                update("later-1.yaml"),
                update("healthy-1.yaml").once("/intent/operationId"),
            ],
        ),
        open(
            "a revert that waits for nobody",
            running_with(&json!({"rollout": {"approval": "Manual"}})),
            vec![
                Act::approve(),
                update("later-1.yaml"),
                Act::approve(),
                update("healthy-1.yaml").once(gate),
            ],
        ),
        open(
            "a revert with snapshots off",
            running_with(&snapshots_off()),
            vec![update("later-1.yaml"), update("healthy-1.yaml").once(gate)],
        ),
        open(
            "a revert after two releases",
            patiently(),
            vec![
                update("later-1.yaml"),
                good().once(gate),
                update("healthy-1.yaml").once(gate),
            ],
        ),
        open(
            "a revert of a job that failed and was left",
            running_with(&on_failure("Hold")),
            vec![update("loops-1.yaml"), update("healthy-1.yaml")],
        ),
        open(
            "a revert of another network",
            patiently(),
            vec![
                Act::edit("code and network", merged(&[code("later-1.yaml"), network()])),
                Act::edit(
                    "neither",
                    merged(&[code("healthy-1.yaml"), json!({"vpc": null, "logging": null})]),
                )
                .once(gate),
            ],
        ),
        open(
            "a stop in the gate",
            patiently(),
            vec![update("later-1.yaml"), stop().once(gate)],
        ),
        open(
            "a stop in the gate and a start",
            patiently(),
            vec![update("later-1.yaml"), stop().once(gate), start()],
        ),
        open(
            "a deletion in the gate",
            running_with(&super::policy("Delete", "BestEffort")),
            vec![update("later-1.yaml"), Act::delete().once(gate)],
        ),
    ]
}
