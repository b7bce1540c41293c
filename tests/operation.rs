//! The controller in operation, as a process with its own `ServiceAccount` on a real API server: killed, replaced,
//! at rest, while resources and namespaces are deleted, and with the examples that ship.
//!
//! Every test has a namespace, an emulator and a controller of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "operation/census.rs"]
mod census;
#[path = "operation/console.rs"]
mod console;
#[path = "operation/crashes.rs"]
mod crashes;
#[path = "operation/deletion.rs"]
mod deletion;
#[path = "operation/deletion_in_trouble.rs"]
mod deletion_in_trouble;
#[path = "operation/examples.rs"]
mod examples;
#[path = "operation/gate.rs"]
mod gate;
#[path = "operation/health.rs"]
mod health;
#[path = "operation/leadership.rs"]
mod leadership;
#[path = "operation/preview.rs"]
mod preview;
#[path = "operation/process.rs"]
mod process;
#[path = "operation/recreation.rs"]
mod recreation;
#[path = "operation/rest.rs"]
mod rest;
#[path = "operation/rights.rs"]
mod rights;
#[path = "operation/scarcity.rs"]
mod scarcity;
#[path = "operation/scene.rs"]
mod scene;
#[path = "operation/schedule.rs"]
mod schedule;
#[path = "operation/snapshots.rs"]
mod snapshots;
#[path = "support/testbed.rs"]
mod testbed;
