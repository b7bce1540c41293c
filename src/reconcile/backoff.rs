//! A growing pause per object between attempts that fail.
//!
//! Pure: the caller names the object and gives a seed; the jitter comes from a digest of both, so that equal inputs
//! give equal pauses and a simulation stays repeatable.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// The pause after the first failure, before jitter.
pub const SHORTEST: Duration = Duration::from_secs(5);
/// The pause after many failures, before jitter.
pub const LONGEST: Duration = Duration::from_mins(5);

/// The consecutive failures of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts one more failure of the object `key` and returns how long to wait: 5 s, doubled each time up to 5 min, ±10 %.
    ///
    /// `seed` spreads objects that fail together; any number that differs between processes will do.
    pub fn next(&mut self, key: &str, seed: u64) -> Duration {
        let pause = SHORTEST.saturating_mul(1_u32 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        jittered(pause, key, seed.wrapping_add(u64::from(self.failures)))
    }

    /// Forgets the failures: the next pause is the shortest again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// `pause` moved by up to a tenth in either direction, by a digest of `key` and `seed`.
///
/// Also meant for requeues without a failure, which carry the same jitter.
#[must_use]
pub fn jittered(pause: Duration, key: &str, seed: u64) -> Duration {
    let mut digest = DefaultHasher::new();
    (key, seed).hash(&mut digest);
    let permille = 900 + u32::try_from(digest.finish() % 201).unwrap_or(100);
    pause.saturating_mul(permille) / 1000
}

/// A part of `time`, by a digest of `key`: what is to be done once within it for many objects is spread over all of it.
#[must_use]
pub fn spread(time: Duration, key: &str) -> Duration {
    let mut digest = DefaultHasher::new();
    key.hash(&mut digest);
    let permille = 1 + u32::try_from(digest.finish() % 1000).unwrap_or(999);
    time.saturating_mul(permille) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within_a_tenth(pause: Duration, of: Duration) -> bool {
        pause >= of * 9 / 10 && pause <= of * 11 / 10
    }

    #[test]
    fn pauses_double_from_five_seconds_to_five_minutes() {
        let mut backoff = Backoff::default();
        for seconds in [5, 10, 20, 40, 80, 160, 300, 300, 300] {
            let pause = backoff.next("uid-1", 7);
            assert!(
                within_a_tenth(pause, Duration::from_secs(seconds)),
                "{pause:?} is not about {seconds} s"
            );
        }
    }

    #[test]
    fn a_success_starts_over() {
        let mut backoff = Backoff::default();
        for _ in 0..4 {
            backoff.next("healed", 0);
        }
        backoff.reset();
        assert!(within_a_tenth(backoff.next("healed", 0), SHORTEST));
    }

    #[test]
    fn a_very_long_streak_does_not_overflow() {
        let mut backoff = Backoff { failures: u32::MAX };
        assert!(within_a_tenth(backoff.next("old", u64::MAX), LONGEST));
    }

    #[test]
    fn jitter_is_repeatable_and_spreads_objects() {
        let minute = Duration::from_mins(1);
        assert_eq!(jittered(minute, "a", 1), jittered(minute, "a", 1));
        let mut spread: Vec<_> = (0..50).map(|n| jittered(minute, &format!("object-{n}"), 1)).collect();
        assert!(spread.iter().all(|pause| within_a_tenth(*pause, minute)));
        spread.sort_unstable();
        spread.dedup();
        assert!(
            spread.len() > 30,
            "only {} different pauses for 50 objects",
            spread.len()
        );
    }

    #[test]
    fn what_is_spread_lies_all_over_the_time() {
        let hour = Duration::from_hours(1);
        let mut parts = [0; 4];
        for number in 0..400 {
            let at = spread(hour, &format!("object-{number}"));
            assert!(at > Duration::ZERO && at <= hour);
            parts[usize::try_from(at.as_secs().min(3599) / 900).unwrap()] += 1;
        }
        assert!(parts.iter().all(|count| *count > 50), "{parts:?}");
    }

    #[test]
    fn jitter_differs_by_seed() {
        let minute = Duration::from_mins(1);
        let pauses: std::collections::HashSet<_> = (0..20).map(|seed| jittered(minute, "a", seed)).collect();
        assert!(pauses.len() > 10);
    }
}
