//! The service's behaviour, each test on virtual time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bed;
mod checkpoints;
mod configuration;
mod dashboard;
mod failing;
mod flink;
mod flink_rest;
mod lag;
mod lifecycle;
mod logs;
mod metrics;
mod operations;
mod requests;
mod rollback;
mod rules;
mod snapshots;
mod tags;
mod time;
mod updates;
mod wire;
