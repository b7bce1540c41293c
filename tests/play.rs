//! Runs the tests of `make play` and of Kubernetes' own controllers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "end_to_end/kube_controllers.rs"]
mod kube_controllers;
#[path = "end_to_end/play.rs"]
mod play;
#[path = "support/testbed.rs"]
mod testbed;
