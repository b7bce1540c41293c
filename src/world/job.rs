//! The Flink job inside an application, as its REST API shows it (facts §6.3).

use jiff::Timestamp;

/// What a look at the job showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// Nobody looked.
    #[default]
    NotLooked,
    /// The REST API could not be read, with the reason; it says nothing about the job.
    Blind(String),
    /// The job that was submitted last; none when there is no job.
    Seen(Option<ObservedJob>),
}

/// A Flink job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedJob {
    /// The id, another for each submission.
    pub id: String,
    /// The state of the job in Flink's words, for example `RUNNING`.
    pub state: String,
    /// When it was submitted.
    pub started_at: Timestamp,
    /// Its operators.
    pub vertices: Vec<ObservedVertex>,
    /// How often it restarted since it was submitted; absent where the counter could not be read.
    pub restarts: Option<i64>,
    /// Its checkpoints; absent where they could not be read.
    pub checkpoints: Option<ObservedCheckpoints>,
    /// Its first root exception that is known.
    pub root_cause: Option<String>,
}

/// An operator of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedVertex {
    /// Its name.
    pub name: String,
    /// Its subtasks.
    pub parallelism: i64,
    /// Subtasks that run.
    pub running: i64,
    /// Subtasks that came to their end.
    pub finished: i64,
    /// Subtasks that failed or were cancelled.
    pub failed: i64,
}

/// The checkpoints of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedCheckpoints {
    /// Completed since the job was submitted.
    pub completed: i64,
    /// Failed since the job was submitted.
    pub failed: i64,
    /// What the job restored last.
    pub restored: Restored,
}

/// What a job restored last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// Nothing.
    Nothing,
    /// A snapshot.
    Snapshot,
    /// A checkpoint of its own, after a restart; it does not tell from what the job began.
    Checkpoint,
}

impl ObservedJob {
    /// The subtasks that run or came to their end, of all subtasks.
    #[must_use]
    pub fn subtasks(&self) -> (i64, i64) {
        let well = self
            .vertices
            .iter()
            .map(|vertex| vertex.running + vertex.finished)
            .sum();
        let all = self.vertices.iter().map(|vertex| vertex.parallelism).sum();
        (well, all)
    }

    /// Whether every subtask of every vertex runs or came to its end, and at least one runs.
    ///
    /// The status of a vertex does not tell: Flink shows RUNNING as soon as one subtask runs (facts §6.3).
    #[must_use]
    pub fn is_up(&self) -> bool {
        let whole = |vertex: &ObservedVertex| vertex.running + vertex.finished == vertex.parallelism;
        self.state == "RUNNING"
            && self.vertices.iter().all(whole)
            && self.vertices.iter().any(|vertex| vertex.running > 0)
    }

    /// Whether the job failed for good.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state == "FAILED"
    }

    /// The operators with subtasks that failed, at most three.
    #[must_use]
    pub fn failing(&self) -> Vec<&str> {
        let failing = self.vertices.iter().filter(|vertex| vertex.failed > 0);
        failing.map(|vertex| vertex.name.as_str()).take(3).collect()
    }
}
