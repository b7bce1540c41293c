//! Amazon Managed Service for Apache Flink on your laptop.
//!
//! [`service::Service`] is the whole service as a pure state machine on the caller's clock. [`wire`] speaks its JSON 1.1
//! protocol and Flink's REST API as pure functions, and [`http`] puts them behind a socket. Behaviour follows the facts of the
//! service; a comment such as "facts §1.5" names the paragraph.

pub mod http;
pub mod job;
pub mod service;
pub mod wire;

pub use service::{Objects, Service, Settings};
