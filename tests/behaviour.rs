//! What the controller does with applications, on a real API server and the emulated service.
//!
//! The tests share one cluster. Each has a namespace, an emulated service and a controller of its own, so that they run
//! side by side and count the calls of nobody else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/testbed.rs"]
mod testbed;

#[path = "behaviour/admission.rs"]
mod admission;
#[path = "behaviour/attachments.rs"]
mod attachments;
#[path = "behaviour/bounds.rs"]
mod bounds;
#[path = "behaviour/changes.rs"]
mod changes;
#[path = "behaviour/failures.rs"]
mod failures;
#[path = "behaviour/first_run.rs"]
mod first_run;
#[path = "behaviour/kubectl.rs"]
mod kubectl;
#[path = "behaviour/ownership.rs"]
mod ownership;
#[path = "behaviour/refusals.rs"]
mod refusals;
#[path = "behaviour/run_state.rs"]
mod run_state;
#[path = "behaviour/stage.rs"]
mod stage;
#[path = "behaviour/tenancy.rs"]
mod tenancy;
#[path = "behaviour/unreadable.rs"]
mod unreadable;
