//! The job inside an application: what was launched, from which state, and how it does.

pub mod script;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use script::{Script, Vertex};

/// How a launched job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// Submitted and not ended; [`Job::observed`] tells whether it still restores state.
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
    /// When its state is restored and it processes.
    pub processing: Timestamp,
    /// When a bounded job ends by itself.
    pub ends: Option<Timestamp>,
    /// When it ended, however that came.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub state: JobState,
    /// The operators of its graph.
    pub vertices: Vec<Vertex>,
}

impl Job {
    /// The state that Flink's REST API would show at `now`, for example `INITIALIZING`.
    #[must_use]
    pub fn observed(&self, now: Timestamp) -> &'static str {
        match self.state {
            JobState::Running if now < self.processing => "INITIALIZING",
            JobState::Running => "RUNNING",
            JobState::Finished | JobState::Stopped => "FINISHED",
            JobState::Killed => "CANCELED",
            JobState::Failed => "FAILED",
        }
    }

    pub(crate) fn end(&mut self, at: Timestamp, state: JobState) {
        if self.state == JobState::Running || self.state == JobState::Failed {
            self.state = state;
            self.ended = Some(at);
        }
    }
}
