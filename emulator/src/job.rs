//! The job inside an application: what was launched, from which state, and how it does.

pub mod checkpoints;
pub mod course;
pub mod script;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use checkpoints::{Checkpoint, Checkpointing, Restored};
pub use course::{Course, Phase, Trouble};
pub use script::{Script, Vertex};

use course::{between, later};

/// How a launched job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// Submitted and not ended; [`Job::course`] tells how it gets on.
    Running,
    /// A bounded job came to its end.
    Finished,
    /// Stopped gracefully, or replaced by an update.
    Stopped,
    /// Killed without a snapshot.
    Killed,
    /// Not processing although the application is `RUNNING` (facts §2.3).
    Failed,
}

/// One launch of an application's code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// 32 hexadecimal digits, another for each launch.
    pub id: String,
    /// The application version whose code runs.
    pub version: u64,
    /// The snapshot its state came from; none means it started empty.
    pub restored_from: Option<String>,
    /// Whether state without an operator was allowed to be dropped.
    pub allow_non_restored_state: bool,
    /// When it was submitted.
    pub launched: Timestamp,
    /// When its state is restored and it processes for the first time.
    pub processing: Timestamp,
    /// When a bounded job ends by itself.
    pub ends: Option<Timestamp>,
    /// When it ended, however that came.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub state: JobState,
    /// The operators of its graph.
    pub vertices: Vec<Vertex>,
    /// What makes it fail; none means that it is healthy.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// How it takes checkpoints; none means that it takes none.
    #[serde(default)]
    pub checkpoints: Option<Checkpointing>,
    /// The id of the checkpoint that its snapshot is; its own ids follow. 0 when it started empty.
    #[serde(default)]
    pub first_checkpoint: u64,
    /// How many of its failures are in the log.
    #[serde(default)]
    pub logged_failures: u64,
}

impl Job {
    /// How it stands at `now`. Only a job that has not ended gets on; of one that has, this is how it stood at its end.
    #[must_use]
    pub fn course(&self, now: Timestamp) -> Course {
        let elapsed = self.elapsed(now);
        let failed = self.trouble.as_ref().and_then(|it| it.course(self.launched, elapsed));
        failed.unwrap_or_else(|| {
            let (phase, since) = if elapsed < between(self.launched, self.processing) {
                (Phase::Initializing, self.launched)
            } else {
                (Phase::Running, self.processing)
            };
            Course {
                phase,
                since,
                deployed: self.launched,
                restarts_at: None,
                restarts: 0,
                failed_at: None,
            }
        })
    }

    /// Whether all of its tasks process at `now`. Only then a snapshot can be taken of it (facts §1.3, §4.3).
    #[must_use]
    pub fn is_healthy(&self, now: Timestamp) -> bool {
        self.state == JobState::Running && self.course(now).phase == Phase::Running
    }

    /// When it fails for the first time after `now`; none means never.
    #[must_use]
    pub fn next_failure(&self, now: Timestamp) -> Option<Timestamp> {
        let trouble = self.trouble.as_ref().filter(|_| self.state == JobState::Running)?;
        let failed = trouble.failures(between(self.launched, now));
        let more = trouble.times.is_none_or(|times| failed < times);
        more.then(|| later(self.launched, trouble.failure(failed + 1)))
    }

    /// When the failure of this number came, the first being 1; none when it did not fail so often until `now`.
    #[must_use]
    pub fn failure_at(&self, number: u64, now: Timestamp) -> Option<Timestamp> {
        let trouble = self.trouble.as_ref()?;
        (1..=self.course(now).restarts)
            .contains(&number)
            .then(|| later(self.launched, trouble.failure(number)))
    }

    /// One word for how its tasks stand at `now`: `INITIALIZING`, `RUNNING`, `RESTARTING`, or how it ended.
    #[must_use]
    pub fn observed(&self, now: Timestamp) -> &'static str {
        match self.state {
            JobState::Running => match self.course(now).phase {
                Phase::Initializing => "INITIALIZING",
                Phase::Running => "RUNNING",
                Phase::Restarting => "RESTARTING",
            },
            JobState::Finished | JobState::Stopped => "FINISHED",
            JobState::Killed => "CANCELED",
            JobState::Failed => "FAILED",
        }
    }

    /// Nanoseconds from its launch to `now`, or to its end if that came before.
    fn elapsed(&self, now: Timestamp) -> u64 {
        between(self.launched, self.ended.map_or(now, |ended| ended.min(now)))
    }

    pub(crate) fn end(&mut self, at: Timestamp, state: JobState) {
        if self.state == JobState::Running || self.state == JobState::Failed {
            self.state = state;
            self.ended = Some(at);
        }
    }
}
