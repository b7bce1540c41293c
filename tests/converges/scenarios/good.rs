//! The newest good revision in a gate of its own, and one that was good earlier and comes again.

use serde_json::{Value, json};

use super::rollouts::{running_with, update};
use super::{Scenario, create, merged, nonce, open, parallelism, retry, start, stop};
use crate::script::{Act, code};

/// Long enough for a job that ages to be in a loop.
const AGED: i64 = 1800;

/// A gate in which a job that ages begins to loop.
fn long_gate() -> Value {
    json!({"rollout": {"gate": {"stableFor": "15m"}}})
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = in_its_own_gate();
    all.extend(without_its_state());
    all.extend(good_earlier());
    all
}

fn in_its_own_gate() -> Vec<Scenario> {
    let ages = |more: Value| vec![create(merged(&[code("ages-1.yaml"), more]))];
    let long = || Act::edit("a longer gate", long_gate());
    vec![
        open(
            "a good revision that loops in the gate of its restart",
            ages(json!({})),
            vec![long(), nonce(1), Act::pause(AGED)],
        ),
        open(
            "a good revision that loops in the gate of its start",
            ages(json!({})),
            vec![long(), stop(), start(), Act::pause(AGED)],
        ),
        open(
            "a good revision that loops in the gate of its start and is stopped for it",
            ages(json!({"rollout": {"onFailure": "ForceStop"}})),
            vec![long(), stop(), start(), Act::pause(AGED)],
        ),
        open(
            "a good revision that loops in the gate of its start and is started again",
            ages(json!({"health": {"onUnhealthy": "Restart"}})),
            vec![long(), stop(), start(), Act::pause(2 * AGED)],
        ),
    ]
}

fn without_its_state() -> Vec<Scenario> {
    let forgets = |more: Value| vec![create(merged(&[code("forgets-1.yaml"), more]))];
    vec![
        open(
            "a good revision that comes up without its state",
            forgets(json!({})),
            vec![nonce(1), Act::pause(AGED)],
        ),
        open(
            "a good revision that comes up without its state and is left",
            forgets(json!({"rollout": {"onFailure": "Hold"}})),
            vec![stop(), start(), Act::pause(AGED)],
        ),
        open(
            "a good revision that comes up without its state and is tried again",
            forgets(json!({})),
            vec![nonce(1), Act::pause(AGED), retry("1"), Act::pause(AGED), nonce(2)],
        ),
    ]
}

fn good_earlier() -> Vec<Scenario> {
    let gate = "/rollout/gate";
    let newest = || vec![create(code("ages-1.yaml")), update("healthy-2.yaml")];
    let two = || {
        let mut acts = running_with(&json!({}));
        acts.push(parallelism(2));
        acts
    };
    let again = |more: Vec<Act>| {
        let first = vec![Act::edit("a longer gate", long_gate()), update("ages-1.yaml")];
        first.into_iter().chain(more).collect()
    };
    vec![
        open(
            "a revision that was good earlier and loops",
            newest(),
            again(vec![Act::pause(2 * AGED)]),
        ),
        open(
            "a revision that was good earlier and is left in its gate",
            two(),
            vec![parallelism(1), parallelism(2).once(gate)],
        ),
        open(
            "a revision that was good earlier and whose forced stop is asked for",
            newest(),
            again(vec![
                Act::annotate("sluicegate.dev/force-stop-requested-at", "1").once(gate),
            ]),
        ),
        open(
            "a revision that was good earlier and cannot restore what followed it",
            vec![create(code("strange-1.yaml")), update("healthy-2.yaml")],
            vec![update("strange-1.yaml"), Act::pause(AGED)],
        ),
        open(
            "a revision that was good earlier and comes up without its state",
            vec![create(code("forgets-1.yaml")), update("healthy-2.yaml")],
            vec![update("forgets-1.yaml"), Act::pause(AGED)],
        ),
    ]
}
