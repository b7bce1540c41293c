//! The port to the service and its implementation over the AWS SDK.

mod causes;
pub mod clients;
mod convert;
pub mod fault;
mod log;
pub mod observe;
mod perform;
pub mod presign;

use std::sync::Arc;

use crate::aws::causes::Causes;
use crate::aws::clients::Clients;
use crate::metrics::Metrics;

/// The service: reads through clients with bounded retries, mutations through clients with none.
#[derive(Clone, Debug)]
pub struct Service {
    clients: Clients,
    metrics: Arc<Metrics>,
    causes: Causes,
}

impl Service {
    /// The service behind a set of clients.
    #[must_use]
    pub fn new(clients: Clients, metrics: Arc<Metrics>) -> Self {
        Self {
            clients,
            metrics,
            causes: Causes::default(),
        }
    }
}
