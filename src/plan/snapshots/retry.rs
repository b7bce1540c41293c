//! When a call about snapshots that failed is sent again.

use jiff::{SignedDuration, Timestamp};

use crate::api::status::SnapshotFailure;

/// The pause after the first failed attempt; it doubles with each further one.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// The longest pause between two attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// When what failed is tried again.
pub(super) fn retry_at(failure: &SnapshotFailure) -> Timestamp {
    let doublings = u32::try_from(failure.attempts - 1).unwrap_or_default().min(8);
    failure.at + FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}
