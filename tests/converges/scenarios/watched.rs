//! What runs after a rollout that ended in a failure or without a proof, and what people ask of it.

use managed_flink_emulator::service::Faults;
use serde_json::{Value, json};

use super::rollouts::{running_with, update};
use super::snapshots::{every, request, unscheduled};
use super::{Scenario, merged, nonce, open, stop};
use crate::script::{Act, code};
use crate::world::APP;

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = held();
    all.extend(unverified());
    all
}

/// A restart of what failed and is left in place.
fn held() -> Vec<Scenario> {
    let restart = || Act::annotate("sluicegate.dev/restart-requested-at", "1");
    let hold = |key: &str| {
        let before = running_with(&json!({"rollout": {"onFailure": "Hold"}}));
        [before, vec![update(key)]].concat()
    };
    let first = |key: &str| running_with(&merged(&[code(key), json!({"rollout": {"onFailure": "Hold"}})]));
    let mut all = Vec::new();
    for key in ["loops-1.yaml", "once-1.yaml", "forgets-1.yaml", "flaps-1.yaml"] {
        all.push(open(
            "a restart of a revision that failed and is held",
            hold(key),
            vec![restart(), Act::pause(900)],
        ));
    }
    all.extend([
        open(
            "a restart by nonce of a revision that failed and is held",
            hold("loops-1.yaml"),
            vec![nonce(1), Act::pause(900)],
        ),
        open(
            "a restart of a first deployment that failed and is held",
            first("loops-1.yaml"),
            vec![restart(), Act::pause(900)],
        ),
        open(
            "a restart and a snapshot of a revision that failed and is held",
            hold("loops-1.yaml"),
            vec![request("1"), restart(), Act::pause(900), stop()],
        ),
    ]);
    all
}

/// Jobs that nobody can look at.
fn unverified() -> Vec<Scenario> {
    let blind = || {
        let faults = Faults {
            flink_rest: [(APP.to_owned(), 503)].into(),
            ..Faults::default()
        };
        Act::outage("Flink REST", faults)
    };
    let hasty = |more: Value| running_with(&merged(&[json!({"rollout": {"progressDeadline": "1m"}}), more]));
    let sees = || Act::outage("Flink REST is back", Faults::default());
    vec![
        open(
            "a schedule after somebody's rollback that nobody can verify",
            [hasty(json!({})), vec![update("healthy-2.yaml")]].concat(),
            vec![
                Act::edit("schedule", every(10)),
                blind().after(1),
                Act::console_rollback().after(1),
                Act::pause(2400),
                unscheduled().after(1),
            ],
        ),
        open(
            "a request after somebody's rollback that nobody can verify",
            [hasty(json!({})), vec![update("healthy-2.yaml")]].concat(),
            vec![
                blind(),
                Act::console_rollback().after(1),
                Act::pause(300),
                request("1"),
                sees(),
                Act::annotate("sluicegate.dev/reconcile-requested-at", "1"),
            ],
        ),
        open(
            "a schedule over a revision that nobody can verify",
            hasty(json!({})),
            vec![
                Act::edit("schedule", every(10)),
                blind().after(1),
                update("healthy-2.yaml").after(1),
                Act::pause(2400),
                unscheduled().after(1),
            ],
        ),
        open(
            "a request over a revision that nobody can verify",
            hasty(json!({})),
            vec![
                blind(),
                update("healthy-2.yaml"),
                Act::pause(200),
                request("1"),
                request("2"),
            ],
        ),
    ]
}
