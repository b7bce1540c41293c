//! Percentiles of what was measured.

use jiff::SignedDuration;

/// Durations, the shortest first.
pub(crate) fn sorted(durations: impl Iterator<Item = SignedDuration>) -> Vec<SignedDuration> {
    let mut durations: Vec<_> = durations.collect();
    durations.sort();
    durations
}

/// The smallest duration that this many of a hundred do not exceed.
pub(crate) fn percentile(sorted: &[SignedDuration], hundredths: usize) -> SignedDuration {
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
