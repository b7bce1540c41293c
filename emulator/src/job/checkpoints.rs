//! The checkpoints of a job, counted from its course: none is remembered, each has its place in time.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Job;
use super::course::{Phase, between, later, nanos};

/// How a job takes checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpointing {
    /// From one to the next while it processes, in the caller's time.
    pub every: Duration,
    /// Whether each of them fails.
    pub fails: bool,
}

/// One checkpoint that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its id. The ids go on from that of the snapshot the job came from.
    pub id: u64,
    /// When it began.
    pub triggered: Timestamp,
    /// When it was complete or had failed.
    pub ended: Timestamp,
}

/// What an attempt of the job restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// The snapshot that the start or update named.
    Snapshot,
    /// A checkpoint of the job itself.
    Checkpoint(Checkpoint),
}

/// How long a checkpoint takes; a shorter interval halves it.
const TAKES: Duration = Duration::from_millis(175);

impl Job {
    /// How many checkpoints were over at `now`, complete or failed alike.
    #[must_use]
    pub fn checkpoints_until(&self, now: Timestamp) -> u64 {
        let Some(every) = self.interval() else {
            return 0;
        };
        let until = self.elapsed(now);
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures(until));
        let current = until.saturating_sub(self.run_start(failures)) / every;
        self.in_runs(failures).saturating_add(current)
    }

    /// The checkpoint of this number, the first being 1. It must be one that is over.
    #[must_use]
    pub fn checkpoint(&self, number: u64, now: Timestamp) -> Option<Checkpoint> {
        let every = self.interval()?;
        let until = self.elapsed(now);
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures(until));
        let finished = self.in_runs(failures);
        let (first, per_run) = (self.in_runs(1), self.in_runs(2).saturating_sub(self.in_runs(1)));
        let (run, place) = if number > finished {
            (failures, number - finished)
        } else if number <= first {
            (0, number)
        } else {
            let after_first = number - first - 1;
            (
                1 + after_first.checked_div(per_run)?,
                after_first.checked_rem(per_run)? + 1,
            )
        };
        let ended = self.run_start(run).saturating_add(every.saturating_mul(place));
        let takes = nanos(TAKES).min(every / 2);
        Some(Checkpoint {
            id: self.first_checkpoint + number,
            triggered: later(self.launched, ended.saturating_sub(takes)),
            ended: later(self.launched, ended),
        })
    }

    /// How often this job restored something until `now`, its launch included.
    #[must_use]
    pub fn restores_until(&self, now: Timestamp) -> u64 {
        let attempts = self.restarted(now);
        if self.restored_from.is_some() {
            attempts + 1
        } else {
            let empty = (1..=attempts).find(|attempt| self.checkpoint_before(*attempt) > 0);
            empty.map_or(0, |first| attempts + 1 - first)
        }
    }

    /// What the newest attempt restored and when; none when it came up empty.
    #[must_use]
    pub fn restored(&self, now: Timestamp) -> Option<(Restored, Timestamp)> {
        let attempt = self.restarted(now);
        let at = match &self.trouble {
            Some(trouble) if attempt > 0 => later(self.launched, trouble.deployment(attempt)),
            _ => self.launched,
        };
        let number = self.checkpoint_before(attempt);
        let restored = if number > 0 {
            self.checkpoint(number, at).map(Restored::Checkpoint)
        } else {
            self.restored_from.as_ref().map(|_| Restored::Snapshot)
        };
        restored.map(|restored| (restored, at))
    }

    /// The number of restarts whose pause is over.
    fn restarted(&self, now: Timestamp) -> u64 {
        let course = self.course(now);
        match course.phase {
            Phase::Restarting => course.restarts.saturating_sub(1),
            _ => course.restarts,
        }
    }

    /// The number of the newest complete checkpoint before a restart; 0 is none.
    fn checkpoint_before(&self, restart: u64) -> u64 {
        let complete = self.checkpoints.as_ref().is_some_and(|checkpoints| !checkpoints.fails);
        if complete { self.in_runs(restart) } else { 0 }
    }

    fn interval(&self) -> Option<u64> {
        let checkpoints = self.checkpoints.as_ref()?;
        Some(nanos(checkpoints.every).max(1))
    }

    /// When the tasks process for the first time, or again after this failure; counted from the launch.
    fn run_start(&self, failure: u64) -> u64 {
        match &self.trouble {
            Some(trouble) if failure > 0 => trouble.recovery(failure),
            _ => between(self.launched, self.processing),
        }
    }

    /// How many checkpoints are over in all runs that the first `failures` failures ended. One that is due at the very
    /// moment of a failure is lost.
    fn in_runs(&self, failures: u64) -> u64 {
        let (Some(every), Some(trouble)) = (self.interval(), &self.trouble) else {
            return 0;
        };
        if failures == 0 {
            return 0;
        }
        let within = |run: u64| run.saturating_sub(1) / every;
        let first = within(trouble.failure(1).saturating_sub(self.run_start(0)));
        first.saturating_add(within(nanos(trouble.runs)).saturating_mul(failures - 1))
    }
}
