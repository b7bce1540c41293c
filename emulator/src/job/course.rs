//! How a job gets on, as a function of the time alone: no event is needed per failure, however often it fails.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What makes a job fail again and again. Every duration is one of the caller's clock.
///
/// Flink waits before each restart: first `delay`, and half as long again each time up to `longest_delay`, without
/// jitter (facts §4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// The text of the exception.
    pub exception: String,
    /// From the launch to the first failure.
    pub first: Duration,
    /// How long each restart restores state.
    pub restores: Duration,
    /// How long it processes between a restart and the next failure; zero when the restore itself fails.
    pub runs: Duration,
    /// After how many failures it stays healthy; none means never.
    pub times: Option<u64>,
    /// The pause before the first restart.
    pub delay: Duration,
    /// What the pause grows to.
    pub longest_delay: Duration,
}

/// What Flink does with a job that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The tasks restore state.
    Initializing,
    /// All tasks process.
    Running,
    /// It failed and waits for its restart.
    Restarting,
}

/// How a job stands at one moment of its course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// What Flink does with it.
    pub phase: Phase,
    /// When this phase began.
    pub since: Timestamp,
    /// When the tasks of this attempt were deployed; while it waits, those of the attempt that failed.
    pub deployed: Timestamp,
    /// When the pause before the restart is over; none unless it waits.
    pub restarts_at: Option<Timestamp>,
    /// How often it has failed. Each failure counts as a restart at once, as Flink counts.
    pub restarts: u64,
    /// When it failed last.
    pub failed_at: Option<Timestamp>,
}

/// Whole nanoseconds since the launch. They last for 584 years; what is longer counts as that.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The moment this many nanoseconds after another.
pub(super) fn later(from: Timestamp, nanoseconds: u64) -> Timestamp {
    from.checked_add(Duration::from_nanos(nanoseconds))
        .unwrap_or(Timestamp::MAX)
}

/// The nanoseconds from one moment to a later one.
pub(super) fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_nanos()).unwrap_or_default()
}

impl Trouble {
    /// What Flink tells of each failure.
    pub(crate) fn stack_trace(&self) -> String {
        format!(
            "{}\n\tat org.apache.flink.streaming.runtime.tasks.StreamTask.invoke(StreamTask.java:928)",
            self.exception
        )
    }

    /// The pause that follows the failure of this number, the first being 1.
    pub(super) fn pause(&self, number: u64) -> u64 {
        self.pauses(number)
            .saturating_sub(self.pauses(number.saturating_sub(1)))
    }

    /// The sum of the first `count` pauses. The growth ends after a few; the rest are all the same.
    fn pauses(&self, count: u64) -> u64 {
        let longest = nanos(self.longest_delay);
        let (mut pause, mut sum, mut left) = (nanos(self.delay).min(longest), 0_u64, count);
        while left > 0 && pause < longest && pause > 1 {
            sum = sum.saturating_add(pause);
            pause = pause.saturating_add(pause / 2).min(longest);
            left -= 1;
        }
        sum.saturating_add(pause.saturating_mul(left))
    }

    /// When the failure of this number comes, counted from the launch; the first is number 1.
    pub(super) fn failure(&self, number: u64) -> u64 {
        let before = number.saturating_sub(1);
        let cycle = nanos(self.restores).saturating_add(nanos(self.runs));
        nanos(self.first)
            .saturating_add(cycle.saturating_mul(before))
            .saturating_add(self.pauses(before))
    }

    /// How many failures there were when this long has passed since the launch.
    pub(super) fn failures(&self, elapsed: u64) -> u64 {
        let shortest = nanos(self.restores)
            .saturating_add(nanos(self.runs))
            .saturating_add(nanos(self.delay))
            .max(1);
        let (mut low, mut high) = (0, (elapsed / shortest).saturating_add(1));
        while low < high {
            let middle = high - (high - low) / 2;
            if self.failure(middle) <= elapsed {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low.min(self.times.unwrap_or(u64::MAX))
    }

    /// When tasks are deployed again after the failure of this number.
    pub(super) fn deployment(&self, number: u64) -> u64 {
        self.failure(number).saturating_add(self.pause(number))
    }

    /// When they process again after the failure of this number.
    pub(super) fn recovery(&self, number: u64) -> u64 {
        self.deployment(number).saturating_add(nanos(self.restores))
    }

    /// The course at `elapsed` after the launch, once it has failed; none before.
    pub(super) fn course(&self, launched: Timestamp, elapsed: u64) -> Option<Course> {
        let restarts = self.failures(elapsed);
        if restarts == 0 {
            return None;
        }
        let (failed, deployed, recovered) = (
            self.failure(restarts),
            self.deployment(restarts),
            self.recovery(restarts),
        );
        let (phase, since) = if elapsed < deployed {
            (Phase::Restarting, failed)
        } else if elapsed < recovered {
            (Phase::Initializing, deployed)
        } else {
            (Phase::Running, recovered)
        };
        let attempt = match phase {
            Phase::Restarting if restarts > 1 => self.deployment(restarts - 1),
            Phase::Restarting => 0,
            _ => deployed,
        };
        Some(Course {
            phase,
            since: later(launched, since),
            deployed: later(launched, attempt),
            restarts_at: (phase == Phase::Restarting).then(|| later(launched, deployed)),
            restarts,
            failed_at: Some(later(launched, failed)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble() -> Trouble {
        Trouble {
            exception: "E: boom".to_owned(),
            first: Duration::from_secs(15),
            restores: Duration::from_secs(2),
            runs: Duration::from_secs(5),
            times: None,
            delay: Duration::from_secs(1),
            longest_delay: Duration::from_mins(1),
        }
    }

    /// Every failure up to a moment, one after another.
    fn counted(trouble: &Trouble, elapsed: u64) -> u64 {
        let (mut at, mut pause, mut count) = (nanos(trouble.first), nanos(trouble.delay), 0);
        while at <= elapsed {
            count += 1;
            at += pause + nanos(trouble.restores) + nanos(trouble.runs);
            pause = (pause + pause / 2).min(nanos(trouble.longest_delay));
        }
        count
    }

    #[test]
    fn the_count_is_that_of_failing_one_after_another() {
        let trouble = trouble();
        for seconds in 0..3600 {
            let elapsed = seconds * 1_000_000_000;
            assert_eq!(
                trouble.failures(elapsed),
                counted(&trouble, elapsed),
                "after {seconds} s"
            );
        }
    }

    #[test]
    fn the_pause_grows_by_half_up_to_a_minute() {
        let seconds: Vec<u64> = (1..=14).map(|number| trouble().pause(number) / 1_000_000_000).collect();
        assert_eq!(seconds, [1, 1, 2, 3, 5, 7, 11, 17, 25, 38, 57, 60, 60, 60]);
    }

    #[test]
    fn durations_of_next_to_nothing_and_next_to_forever_are_counted() {
        let mut short = trouble();
        short.first = Duration::from_nanos(1);
        short.restores = Duration::ZERO;
        short.runs = Duration::from_nanos(1);
        short.delay = Duration::ZERO;
        short.longest_delay = Duration::ZERO;
        assert_eq!(short.failures(u64::MAX - 1), u64::MAX - 1);
        let mut long = trouble();
        long.first = Duration::MAX;
        assert_eq!(long.failures(u64::MAX - 1), 0);
    }
}
