//! Jobs that somebody else brought, and rollbacks that somebody else made.

use serde_json::{Value, json};

use super::rollouts::{patient, running_with, update};
use super::{Scenario, create, merged, nonce, open, parallelism, retry, story};
use crate::script::{Act, code};

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = found();
    all.extend(rolled_back());
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
