//! Sluicegate: a Kubernetes operator for Amazon Managed Service for Apache Flink.
//!
//! A pure planner decides the single next move from what was asked, what is, and what must be remembered; a thin shell
//! reads the world, writes the intent down, performs the one move and reports.
//!
//! The modules stand in the direction of their dependencies. Core, without clock, randomness or I/O: [`api`],
//! [`configuration`], [`desired`], [`world`], [`fault`], [`import`], [`plan`], [`status`]. Shell: [`aws`], [`flink_rest`],
//! [`census`],
//! [`metrics_feed`], [`preview`], [`transitions`], [`reconcile`], [`controller`], and its leaves [`clock`], [`leader`], [`metrics`], [`telemetry`], [`http`], [`cli`].

pub mod api;
pub mod configuration;
pub mod desired;
pub mod fault;
pub mod import;
pub mod plan;
pub mod status;
pub mod world;

pub mod aws;
pub mod census;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod flink_rest;
pub mod http;
pub mod leader;
pub mod metrics;
pub mod metrics_feed;
pub mod preview;
pub mod reconcile;
pub mod telemetry;
pub mod transitions;
