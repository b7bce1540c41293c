//! The service's behaviour, each test on virtual time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bed;
mod configuration;
mod lifecycle;
mod operations;
mod requests;
mod rules;
mod snapshots;
mod tags;
mod time;
mod updates;
mod wire;
