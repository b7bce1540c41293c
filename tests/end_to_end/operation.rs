//! The controller in operation, as a process with its own `ServiceAccount`: killed, replaced, at rest, while resources and
//! namespaces are deleted, and with the examples that ship.

mod census;
mod crashes;
mod deletion;
mod deletion_in_trouble;
mod examples;
pub(crate) mod gate;
mod leadership;
mod preview;
mod process;
mod recreation;
mod rights;
mod schedule;
mod snapshots;
