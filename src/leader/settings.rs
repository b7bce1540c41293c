//! Settings of leader election.

use std::time::Duration;

/// Does this replica share its work with others?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Election {
    /// Act only while holding the lease.
    Lease,
    /// There is one replica: it always leads and needs no lease.
    Alone,
}

/// Settings of leader election.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSettings {
    /// Is there an election at all?
    pub election: Election,
    /// Name of the Lease.
    pub name: String,
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of this replica; no two processes may share it.
    pub identity: String,
    /// How long leadership outlasts its last renewal: whole seconds, at least [`SHORTEST_LEASE`].
    pub duration: Duration,
}

impl LeaseSettings {
    /// The pause between two renewals, and between two looks of a standby.
    pub(super) fn pause(&self) -> Duration {
        self.duration * 2 / 15
    }

    /// The deadline of one request to the API server.
    pub(super) fn request_deadline(&self) -> Duration {
        self.duration / 5
    }

    /// How long a leader trusts a renewal, from the moment it began.
    pub(super) fn trusted(&self) -> Duration {
        self.duration * 14 / 15
    }
}
