//! Revisions that wait for a person or for a change window, and what happens meanwhile.

use serde_json::{Value, json};

use super::rollouts::{patient, update};
use super::{Scenario, create, merged, network, nonce, open, parallelism, policy, start, stop, story};
use crate::script::Act;

/// A spec whose revisions wait for a person.
fn manual() -> Value {
    json!({"rollout": {"approval": "Manual"}})
}

/// A spec whose windows do not open within the time of a story.
pub fn shut() -> Value {
    windows("shut", "0 0 29 2 *")
}

/// A spec whose windows are open.
pub fn opened() -> Value {
    windows("always", "* * * * *")
}

fn windows(name: &str, cron: &str) -> Value {
    json!({"rollout": {"changeWindows": [{"name": name, "cron": cron, "duration": "1h"}]}})
}

/// A good job whose next revision waits for a person.
fn approved() -> Vec<Act> {
    vec![create(merged(&[manual(), patient()])), Act::approve()]
}

fn open_windows() -> Act {
    Act::edit("open windows", opened())
}

/// The user changes the code outside of the windows.
fn update_outside(key: &str) -> Act {
    Act::edit("code", merged(&[crate::script::code(key), shut()]))
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let console_stop = || Act::console("console stop", "StopApplication", json!({}));
    vec![
        story("a first deployment that waits", vec![], approved()),
        story(
            "a first deployment outside of its windows",
            vec![],
            vec![create(shut()), open_windows()],
        ),
        story(
            "a revision that waits for approval",
            approved(),
            vec![parallelism(2), Act::approve()],
        ),
        story("a revision that is never approved", approved(), vec![parallelism(2)]),
        story(
            "a revision that waits for its window",
            vec![create(json!({}))],
            vec![update_outside("healthy-2.yaml"), open_windows()],
        ),
        story(
            "a window that shuts in a rollout",
            vec![create(merged(&[opened(), patient()]))],
            vec![
                update("healthy-2.yaml"),
                Act::edit("shut", shut()).once("/rollout/gate"),
            ],
        ),
        story(
            "a job that is stopped while a revision waits",
            approved(),
            vec![parallelism(2), console_stop(), Act::approve()],
        ),
        story(
            "a restart while a revision waits",
            approved(),
            vec![parallelism(2), nonce(1), Act::approve()],
        ),
        story(
            "a stop and a start while a revision waits",
            approved(),
            vec![parallelism(2), stop(), start(), Act::approve()],
        ),
        story(
            "a revision that waits while its application is stopped",
            approved(),
            vec![stop(), parallelism(2), Act::approve(), start()],
        ),
        story(
            "a revision that waits and loops",
            approved(),
            vec![update("loops-1.yaml"), Act::approve()],
        ),
        story(
            "a fix that waits until the rollback is over",
            approved(),
            vec![
                update("loops-1.yaml"),
                Act::approve(),
                update("healthy-2.yaml").once("/rollout/gate"),
                Act::approve(),
            ],
        ),
        open(
            "a revision that waits while another is brought out",
            approved(),
            vec![
                update("healthy-2.yaml"),
                Act::approve(),
                parallelism(3).once("/rollout"),
                Act::pause(60),
                Act::approve(),
            ],
        ),
        open(
            "a revision that waits while the job is down for another",
            approved(),
            vec![
                Act::edit("network", network()),
                Act::approve(),
                parallelism(3).once("/rollout/stoppedForIt"),
                Act::pause(120),
                Act::approve(),
            ],
        ),
        story(
            "a return that waits",
            approved(),
            vec![
                update("healthy-2.yaml"),
                Act::approve(),
                update("healthy-1.yaml"),
                Act::approve(),
            ],
        ),
        story(
            "a deletion while a revision waits",
            vec![
                create(merged(&[manual(), patient(), policy("Delete", "BestEffort")])),
                Act::approve(),
            ],
            vec![parallelism(2), Act::delete()],
        ),
    ]
}
