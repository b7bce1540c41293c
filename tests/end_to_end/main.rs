//! What the controller does, on a real API server and the emulated service.
//!
//! The tests share one control plane. Each has a namespace, an emulated service and a controller of its own, so that they
//! run side by side and count the calls of nobody else.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/argocd.rs"]
mod argocd;

mod against_the_clock;
mod behaviour;
mod cluster;
mod operation;
mod rollouts;
mod scene;
#[path = "../support/testbed.rs"]
mod testbed;
