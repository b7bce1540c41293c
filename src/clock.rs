//! The one place that reads the system's clocks.
//!
//! Everything that needs the time of day takes a [`Clock`], so that a test or the simulation can put its own in.
//! Deadlines that must not jump with the wall clock use [`monotonic`], which stands still and jumps with tokio's
//! paused time.

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// The present moment, as the wall clock has it; it may jump when the host's clock is set.
    fn now(&self) -> Timestamp;
}

/// The host's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only reader of the time of day")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The present moment of the monotonic clock, which never jumps; only differences mean something.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only reader of the monotonic clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}
