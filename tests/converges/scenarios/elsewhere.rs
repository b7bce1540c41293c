//! Jobs that somebody else brought, and rollbacks that somebody else made.

use managed_flink_emulator::service::Faults;
use serde_json::{Value, json};

use super::rollouts::{patient, running_with, update};
use super::{Scenario, create, merged, no_snapshots, nonce, open, parallelism, retry, start, stop, story};
use crate::script::{Act, code};

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = found();
    all.extend(rolled_back());
    all.extend(restarted());
    all.extend(brought());
    all.extend(hanging());
    all
}

fn adopting(more: &Value) -> Value {
    merged(&[json!({"management": {"adoption": "Adopt"}}), more.clone()])
}

fn found() -> Vec<Scenario> {
    let loops = || Act::foreign_application_of("flaps-1.yaml");
    let badly = |more: Value| create(adopting(&merged(&[code("flaps-1.yaml"), patient(), more])));
    let unhealthy = |answer: &str| json!({"health": {"onUnhealthy": answer}});
    vec![
        open(
            "a job that does badly is adopted",
            vec![],
            vec![loops(), badly(json!({})).after(120)],
        ),
        open(
            "a job that does badly is adopted and held",
            vec![],
            vec![
                loops(),
                badly(json!({"rollout": {"onFailure": "ForceStop"}})).after(120),
            ],
        ),
        open(
            "a job that does badly is adopted and stopped as asked",
            vec![],
            vec![loops(), badly(unhealthy("ForceStop")).after(120)],
        ),
        open(
            "a job that restores for long is adopted",
            vec![],
            vec![
                Act::foreign_application_of("crawls-1.yaml"),
                create(adopting(&merged(&[
                    code("crawls-1.yaml"),
                    json!({"rollout": {"progressDeadline": "1m"}}),
                ])))
                .after(60),
                Act::pause(1800),
            ],
        ),
        open(
            "a job that is adopted and changed for one that loops",
            vec![],
            vec![
                Act::foreign_application(),
                create(adopting(&json!({}))).after(120),
                update("loops-1.yaml").after(3),
            ],
        ),
        open(
            "a job whose resource is restored from a backup",
            running_with(&code("flaps-1.yaml")),
            vec![Act::restored(), Act::pause(300)],
        ),
        open(
            "a healthy job whose resource is restored from a backup",
            running_with(&json!({})),
            vec![Act::restored(), Act::pause(300)],
        ),
        open(
            "a job in its gate whose resource is restored from a backup",
            running_with(&json!({})),
            vec![
                update("later-1.yaml"),
                Act::restored().once("/rollout/gate"),
                Act::pause(300),
            ],
        ),
    ]
}

/// What is asked for while a revision is held.
fn restarted() -> Vec<Scenario> {
    let restart = || Act::annotate("sluicegate.dev/restart-requested-at", "1");
    let snapshot = || Act::annotate("sluicegate.dev/snapshot-requested-at", "1");
    let patiently = || running_with(&json!({}));
    let theirs = || vec![update("healthy-2.yaml"), Act::console_rollback().once("/rollout/gate")];
    let ours = || vec![update("loops-1.yaml")];
    let after = |mut acts: Vec<Act>, more: Vec<Act>| {
        acts.extend(more);
        acts
    };
    vec![
        open(
            "a restart in the gate of somebody's rollback",
            patiently(),
            after(theirs(), vec![restart().once("/wayBack/elsewhere"), Act::pause(300)]),
        ),
        open(
            "a restart and a snapshot after somebody's rollback",
            patiently(),
            after(theirs(), vec![restart(), snapshot(), Act::pause(300)]),
        ),
        open(
            "a restart by nonce after somebody's rollback",
            patiently(),
            after(theirs(), vec![nonce(1), Act::pause(300)]),
        ),
        open(
            "a restart after a rollback of ours",
            patiently(),
            after(ours(), vec![restart(), snapshot(), nonce(1), Act::pause(300)]),
        ),
        open(
            "a restart of a job that loops after somebody's rollback",
            running_with(&merged(&[code("flaps-1.yaml"), json!({})])),
            after(theirs(), vec![Act::pause(200), restart().after(1), Act::pause(900)]),
        ),
        open(
            "a restart of what somebody's rollback brought and somebody stopped",
            patiently(),
            after(
                theirs(),
                vec![
                    Act::console("console force-stop", "StopApplication", json!({"Force": true})),
                    restart().after(1),
                    Act::pause(300),
                ],
            ),
        ),
    ]
}

/// Jobs that somebody else brings, which the spec then follows.
fn brought() -> Vec<Scenario> {
    let deploy = Act::console_deploy;
    let stays = |policy: &str| json!({"rollout": {"onFailure": policy}, "management": {"drift": "Report"}});
    let mut all = vec![
        open(
            "a hot-fix that the spec follows",
            running_with(&stays("Rollback")),
            vec![deploy("healthy-2.yaml"), update("healthy-2.yaml").after(120)],
        ),
        open(
            "somebody starts a job that loops",
            vec![create(merged(&[
                patient(),
                json!({"desiredState": "Stopped"}),
                code("loops-1.yaml"),
            ]))],
            vec![
                Act::console("console start", "StartApplication", json!({})),
                start().after(0),
                Act::pause(600),
            ],
        ),
        open(
            "somebody deploys what waits for approval",
            [
                running_with(&json!({"rollout": {"approval": "Manual"}})),
                vec![Act::approve()],
            ]
            .concat(),
            vec![update("loops-1.yaml"), deploy("loops-1.yaml").after(5), Act::pause(600)],
        ),
        open(
            "somebody deploys again what is in its gate",
            running_with(&json!({})),
            vec![
                update("later-1.yaml"),
                deploy("later-1.yaml").once("/rollout/gate"),
                Act::pause(600),
            ],
        ),
        open(
            "a job that is up late and without metrics is adopted",
            vec![],
            vec![
                Act::foreign_application_of("crawls-1.yaml"),
                Act::denied(&["GetMetricData"]).after(1),
                create(adopting(&merged(&[
                    code("crawls-1.yaml"),
                    json!({"rollout": {"progressDeadline": "1m"}}),
                ])))
                .after(60),
                Act::pause(3600),
            ],
        ),
    ];
    for policy in ["Rollback", "ForceStop", "Hold"] {
        for key in ["loops-1.yaml", "later-1.yaml", "flaps-1.yaml"] {
            let acts = vec![deploy(key), update(key).after(120), Act::pause(600)];
            let name = "a hot-fix that does badly and that the spec follows";
            all.push(open(name, running_with(&stays(policy)), acts));
        }
    }
    all
}

/// Starts and stops of somebody else that come to no end.
fn hanging() -> Vec<Scenario> {
    let hasty = || {
        vec![create(
            json!({"rollout": {"progressDeadline": "1m", "gate": {"stableFor": "10s"}}}),
        )]
    };
    let stopped = || [hasty(), vec![stop()]].concat();
    let hang = |operation: &'static str| Act::hanging(&[operation]);
    let theirs = |name: &'static str, operation: &'static str| Act::console(name, operation, json!({})).after(0);
    let force = || Act::annotate("sluicegate.dev/force-stop-requested-at", "1");
    vec![
        open(
            "somebody's start hangs",
            stopped(),
            vec![
                hang("StartApplication"),
                theirs("console start", "StartApplication"),
                start().after(1),
                Act::pause(300),
            ],
        ),
        open(
            "somebody's start hangs and is stopped on request",
            stopped(),
            vec![
                hang("StartApplication"),
                theirs("console start", "StartApplication"),
                start().after(1),
                Act::outage("the service works", Faults::default()).after(300),
                force().after(1),
                Act::pause(120),
            ],
        ),
        open(
            "a stop of ours hangs and there is no snapshot",
            vec![
                Act::outage("no snapshots", no_snapshots()),
                create(json!({"rollout": {"progressDeadline": "1m", "gate": {"stableFor": "10s"}}})),
            ],
            vec![
                Act::outage(
                    "stops hang",
                    Faults {
                        hang: ["StopApplication".to_owned()].into(),
                        ..no_snapshots()
                    },
                ),
                Act::edit(
                    "join a VPC",
                    json!({"vpc": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}}),
                )
                .after(1),
                Act::pause(600),
            ],
        ),
        open(
            "a restart of ours hangs and there is no snapshot",
            vec![
                Act::outage("no snapshots", no_snapshots()),
                create(json!({"rollout": {"progressDeadline": "1m", "gate": {"stableFor": "10s"}}})),
            ],
            vec![
                Act::outage(
                    "updates hang",
                    Faults {
                        hang: ["UpdateApplication".to_owned()].into(),
                        ..no_snapshots()
                    },
                ),
                nonce(1).after(1),
                Act::pause(600),
            ],
        ),
        open(
            "somebody's stop hangs",
            hasty(),
            vec![
                hang("StopApplication"),
                theirs("console stop", "StopApplication"),
                parallelism(3).after(1),
                Act::pause(300),
            ],
        ),
        open(
            "somebody's update to what is wanted hangs",
            hasty(),
            vec![
                hang("UpdateApplication"),
                Act::console_deploy("healthy-2.yaml").after(0),
                update("healthy-2.yaml").after(1),
                Act::pause(300),
            ],
        ),
        open(
            "a start of ours hangs",
            stopped(),
            vec![hang("StartApplication"), start().after(1), Act::pause(300)],
        ),
        open(
            "a start of ours hangs and may not be ended at first",
            stopped(),
            vec![
                hang("StartApplication"),
                start().after(1),
                Act::denied(&["StopApplication"]).after(5),
                Act::outage("the permission is there", Faults::default()).after(200),
                Act::pause(600),
            ],
        ),
    ]
}

fn rolled_back() -> Vec<Scenario> {
    let patiently = || running_with(&json!({}));
    let good = || update("healthy-2.yaml");
    let theirs = || Act::console_rollback();
    let system = || running_with(&json!({"systemRollback": {"enabled": true}}));
    let mut all = vec![
        story(
            "somebody rolls it back",
            vec![create(patient()), update("healthy-2.yaml")],
            vec![theirs(), Act::pause(300)],
        ),
        open(
            "somebody rolls it back and a retry",
            vec![create(patient()), update("healthy-2.yaml")],
            vec![theirs(), retry("1").after(100)],
        ),
        open(
            "somebody rolls it back and a newer revision",
            patiently(),
            vec![good(), theirs().once("/rollout/gate"), parallelism(3).after(20)],
        ),
        open(
            "somebody rolls it back and a revert",
            patiently(),
            vec![
                good(),
                theirs().once("/rollout/gate"),
                update("healthy-1.yaml").after(20),
            ],
        ),
        open(
            "somebody rolls it back and a restart",
            patiently(),
            vec![good(), theirs().once("/rollout/gate"), nonce(1).after(100)],
        ),
        open(
            "somebody rolls it back in the gate and again",
            patiently(),
            vec![
                good(),
                theirs().once("/rollout/gate"),
                theirs().after(60),
                Act::pause(120),
            ],
        ),
        open(
            "somebody rolls a change back that waits for approval",
            running_with(&json!({"rollout": {"approval": "Manual"}})),
            vec![
                good(),
                Act::approve(),
                parallelism(3).once("/rollout/gate"),
                theirs().after(5),
                Act::pause(120),
            ],
        ),
        open(
            "somebody rolls a restart back",
            vec![create(patient()), update("healthy-2.yaml")],
            vec![nonce(1), theirs().once("/rollout/gate"), Act::pause(120)],
        ),
        open(
            "the service undoes an update that was accepted",
            system(),
            vec![good(), theirs().once("/rollout/gate"), Act::pause(300)],
        ),
        open(
            "somebody rolls an update back that is under way",
            patiently(),
            vec![good(), theirs().within("/intent/operationId", 10), Act::pause(120)],
        ),
        open(
            "somebody rolls a way back back",
            patiently(),
            vec![
                update("loops-1.yaml"),
                theirs().once("/wayBack/started"),
                Act::pause(300),
            ],
        ),
        open(
            "nobody sees that somebody rolls it back",
            patiently(),
            vec![
                good(),
                Act::away(300).once("/intent"),
                theirs().after(200),
                Act::pause(300),
            ],
        ),
    ];
    for seconds in [2, 5, 8, 12, 16] {
        let acts = vec![good(), Act::pause(seconds), theirs().after(0), Act::pause(120)];
        all.push(open("somebody rolls it back at any moment", patiently(), acts));
        let acts = vec![good(), Act::pause(seconds), theirs().after(0), Act::pause(120)];
        let reuse = open(
            "somebody rolls it back to the old number at any moment",
            patiently(),
            acts,
        );
        all.push(reuse.under(&[("rollback-version", "reuse")]));
    }
    all
}
