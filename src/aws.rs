//! The port to the service and its implementation over the AWS SDK.

pub mod clients;
pub mod fault;
