//! Between the SDK's types and ours: nothing is decided here.

pub mod read;
pub mod write;

use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// A moment of the SDK as ours, in whole seconds as the service keeps them (facts §0.1).
fn timestamp(time: &DateTime) -> Timestamp {
    Timestamp::from_second(time.secs()).unwrap_or_default()
}

/// A moment of ours as the SDK's.
pub(super) fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.as_second())
}
