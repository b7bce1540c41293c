//! What the controller makes of a resource: the life of one application, what is refused, what is shown.

mod admission;
mod attachments;
mod bounds;
mod changes;
mod enumerations;
mod failures;
mod first_run;
mod kubectl;
mod ownership;
mod refusals;
mod run_state;
mod status;
mod tenancy;
mod unreadable;
