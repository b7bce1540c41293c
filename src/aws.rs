//! The port to the service and its implementation over the AWS SDK.

mod budget;
mod call;
pub mod clients;
mod convert;
pub mod counters;
pub mod fault;
pub mod insights;
pub(crate) mod kept;
pub mod log;
pub mod observe;
mod perform;
pub mod presign;
pub mod reads;

use std::sync::Arc;

use crate::aws::budget::Budget;
use crate::aws::clients::Clients;
use crate::aws::kept::Kept;
use crate::aws::reads::Reads;
use crate::metrics::Metrics;
use crate::plan::urgency::Urgency;

/// The most causes of failed operations that are kept; beyond it all are read anew.
const CAUSES: usize = 1000;

/// The service: reads through clients with bounded retries, mutations through clients with none.
#[derive(Clone, Debug)]
pub struct Service {
    clients: Clients,
    /// What sends the reads that every look repeats.
    reads: Arc<dyn Reads>,
    metrics: Arc<Metrics>,
    /// Why operations failed, by the id of the operation.
    causes: Arc<Kept<String, String>>,
    /// How many calls each region takes.
    budget: Arc<Budget>,
    /// How urgent the calls through this handle are.
    urgency: Urgency,
}

impl Service {
    /// The service behind a set of clients, for calls that take the time that they take.
    #[must_use]
    pub fn new(clients: Clients, metrics: Arc<Metrics>) -> Self {
        Self {
            reads: Arc::new(clients.clone()),
            clients,
            metrics,
            causes: Arc::new(Kept::at_most(CAUSES)),
            budget: Arc::default(),
            urgency: Urgency::Sweep,
        }
    }

    /// The same service whose looks are sent by something that stands before the clients.
    #[must_use]
    pub fn with_reads(self, reads: Arc<dyn Reads>) -> Self {
        Self { reads, ..self }
    }

    /// The same service for calls of this urgency; both spend one budget.
    #[must_use]
    pub fn with_urgency(&self, urgency: Urgency) -> Self {
        Self {
            urgency,
            ..self.clone()
        }
    }
}
