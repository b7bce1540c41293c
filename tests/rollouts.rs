//! What becomes of changes that fail: the gate that finds them and the ways back, on a real API server and the emulated
//! service.
//!
//! The tests share one cluster. Each has a namespace, an emulated service and a controller of its own, so that they run
//! side by side and count the calls of nobody else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/argocd.rs"]
mod argocd;
#[path = "support/testbed.rs"]
mod testbed;

#[path = "rollouts/blindness.rs"]
mod blindness;
#[path = "rollouts/broken_starts.rs"]
mod broken_starts;
#[path = "rollouts/change_control.rs"]
mod change_control;
#[path = "rollouts/gitops.rs"]
mod gitops;
#[path = "rollouts/held_back.rs"]
mod held_back;
#[path = "rollouts/kills.rs"]
mod kills;
#[path = "rollouts/looping_jobs.rs"]
mod looping_jobs;
#[path = "rollouts/policies.rs"]
mod policies;
#[path = "rollouts/release.rs"]
mod release;
#[path = "rollouts/secrets.rs"]
mod secrets;
#[path = "behaviour/stage.rs"]
mod stage;
#[path = "rollouts/ways_back.rs"]
mod ways_back;
