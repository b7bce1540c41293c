//! What the controller does, on a real API server and the emulated service.
//!
//! The tests share one control plane. Each has a namespace, an emulated service and a controller of its own, so that they
//! run side by side and count the calls of nobody else.
//!
//! They wait nearly all the time, so that many more may run at a time than there are cores:
//! `cargo test --test end_to_end -- --test-threads=16`. On two cores that had other work to do, twelve at a time
//! took 281 to 292 seconds and sixteen took 235 to 247; both took two and a half minutes of processor time, all processes
//! included. The longest tests take three minutes by the clock, and all of them together three quarters of an hour: more
//! threads gain little.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/argocd.rs"]
mod argocd;

mod against_the_clock;
mod behaviour;
mod cluster;
mod kube_controllers;
mod operation;
mod play;
mod rollouts;
mod scene;
#[path = "../support/testbed.rs"]
mod testbed;
