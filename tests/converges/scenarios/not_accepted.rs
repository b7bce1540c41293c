//! Calls that the service does not accept for what may pass by itself, again and again.

use managed_flink_emulator::service::{ErrorCode, Faults};
use serde_json::json;

use super::refused::refusing;
use super::rollouts::update;
use super::{Scenario, create, merged, open, parallelism, running, start, stop, story};
use crate::script::Act;

/// What the service says in each case.
const NOT_ACCEPTED: [(ErrorCode, &str); 3] = [
    (ErrorCode::Throttling, "Rate exceeded"),
    (ErrorCode::ResourceInUse, "The application is in use"),
    (
        ErrorCode::ConcurrentModification,
        "Somebody else changes the application",
    ),
];

/// The service does not accept an operation until all is in order.
pub fn not_accepted(operation: &str, place: usize) -> Act {
    let (code, message) = NOT_ACCEPTED[place];
    Act::outage("calls are not accepted", refusing(operation, code, message, None))
}

fn in_order() -> Act {
    Act::outage("in order", Faults::default())
}

/// A change has so long, so that what does not come to pass is told soon.
fn hasty() -> serde_json::Value {
    json!({"rollout": {"progressDeadline": "2m"}})
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let settled = || Act::pause(330);
    vec![
        story(
            "an update that is throttled for long",
            vec![create(hasty())],
            vec![not_accepted("UpdateApplication", 0), parallelism(2)],
        ),
        story(
            "an update that others are before for long, and then is not",
            vec![create(hasty())],
            vec![
                not_accepted("UpdateApplication", 2),
                parallelism(2),
                in_order(),
                settled(),
            ],
        ),
        story(
            "a start that is not accepted for long",
            vec![create(hasty()), stop()],
            vec![not_accepted("StartApplication", 1), start(), in_order(), settled()],
        ),
        story(
            "a stop that is throttled for long, with the usual deadline",
            running(),
            vec![not_accepted("StopApplication", 0), stop(), in_order(), settled()],
        ),
        story(
            "an update that is not accepted for less than a deadline",
            running(),
            vec![
                not_accepted("UpdateApplication", 1),
                parallelism(2),
                in_order().after(900),
                settled(),
            ],
        ),
        story(
            "tags that are not accepted for long",
            vec![create(hasty())],
            vec![
                not_accepted("TagResource", 0),
                Act::edit("tags", json!({"tags": {"a": "1"}})),
                in_order(),
                settled(),
            ],
        ),
        open(
            "a rollback that is not accepted for long",
            vec![create(merged(&[
                hasty(),
                json!({"rollout": {"gate": {"stableFor": "10s"}}}),
            ]))],
            vec![
                not_accepted("RollbackApplication", 1),
                update("loops-1.yaml"),
                in_order(),
                settled(),
            ],
        ),
        story(
            "an application that is not created for long",
            vec![],
            vec![
                not_accepted("CreateApplication", 1),
                create(hasty()),
                in_order(),
                settled(),
            ],
        ),
    ]
}
