//! Jobs that were proven and restart again and again later.

use managed_flink_emulator::service::Faults;
use serde_json::{Value, json};

use super::rollouts::update;
use super::{Scenario, create, open, parallelism, race, running, start, stop, story};
use crate::script::Act;

/// Long enough for a loop to begin ten minutes after the start, and to be found.
const FOUND: i64 = 1500;

/// Long enough for a loop that ends by itself to be over.
const OVER: i64 = 3600;

fn on_unhealthy(answer: &str) -> Value {
    json!({"health": {"onUnhealthy": answer}})
}

fn watched() -> Value {
    json!({
        "health": {"transitions": {"mode": "Watch"}},
        "logging": {"logStreamARN": "arn:aws:logs:eu-west-1:111122223333:log-group:/flink:log-stream:orders"},
    })
}

fn blind() -> Faults {
    Faults {
        deny: ["GetMetricData".to_owned()].into(),
        ..Faults::default()
    }
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let in_order = || Act::outage("in order", Faults::default());
    let loops = || vec![update("ages-1.yaml"), Act::pause(FOUND)];
    let then = |more: Vec<Act>| loops().into_iter().chain(more).collect();
    let answered = |answer: &str| vec![create(on_unhealthy(answer))];
    let brought_back = || vec![update("ages-1.yaml"), update("loops-1.yaml"), Act::pause(2 * FOUND)];
    vec![
        story("a proven job that loops", running(), loops()),
        race(
            "a proven job that loops and is stopped for it",
            answered("ForceStop"),
            loops(),
        ),
        race(
            "a proven job that loops after it was started again",
            answered("Restart"),
            then(vec![Act::pause(FOUND)]),
        ),
        race(
            "a job that loops after it was brought back and is stopped for it",
            answered("ForceStop"),
            brought_back(),
        ),
        open(
            "a job that loops after it was brought back and is started again",
            answered("Restart"),
            brought_back(),
        ),
        story(
            "a proven job that loops and whose log is watched",
            vec![create(watched())],
            loops(),
        ),
        race(
            "a proven job that loops and is fixed",
            running(),
            then(vec![update("healthy-2.yaml")]),
        ),
        race(
            "a proven job that loops and is stopped by the user",
            running(),
            then(vec![stop(), start(), Act::pause(FOUND)]),
        ),
        open(
            "a proven job that loops and is restarted on request",
            running(),
            then(vec![
                Act::annotate("sluicegate.dev/restart-requested-at", "1"),
                Act::pause(3 * FOUND),
            ]),
        ),
        story(
            "a proven job that loops for a while",
            running(),
            vec![update("tires-1.yaml"), Act::pause(OVER)],
        ),
        story(
            "a counter that cannot be read for a while",
            running(),
            vec![
                Act::outage("no metrics", blind()),
                Act::pause(600),
                in_order(),
                Act::pause(600),
                parallelism(2),
            ],
        ),
        story(
            "a job that loops and whose counter cannot be read",
            running(),
            vec![
                Act::outage("no metrics", blind()),
                update("ages-1.yaml"),
                Act::pause(FOUND),
                in_order(),
                Act::pause(FOUND),
            ],
        ),
    ]
}
