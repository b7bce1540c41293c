//! One clock for everything: the time of day of a run is a base plus what tokio's paused clock has gone on.

use jiff::{SignedDuration, Timestamp};
use sluicegate::clock::{Clock, monotonic};
use tokio::time::Instant;

/// The time of day of one run. It must be made inside the runtime whose paused clock it follows.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    base: Timestamp,
    origin: Instant,
}

impl VirtualClock {
    /// A clock that shows `base` at this moment.
    pub fn starting_at(base: Timestamp) -> Self {
        Self {
            base,
            origin: monotonic(),
        }
    }

    /// Lets virtual time pass until `when`; the paused clock jumps there when nothing else is to do.
    pub async fn sleep_until(&self, when: Timestamp) {
        let ahead = when.duration_since(self.base);
        if let Ok(ahead) = std::time::Duration::try_from(ahead) {
            tokio::time::sleep_until(self.origin + ahead).await;
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = monotonic().duration_since(self.origin);
        self.base + SignedDuration::try_from(passed).unwrap_or_default()
    }
}
