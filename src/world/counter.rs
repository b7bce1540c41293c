//! The restart counter of a running job, as CloudWatch tells it (facts §6.1).

use jiff::Timestamp;

/// What is known of the restart counter of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Counter {
    /// It was not read.
    #[default]
    NotRead,
    /// It could not be read, with the reason; it says nothing about the job.
    Unreadable(String),
    /// It was read.
    Read(Series),
}

/// The points of a counter in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The beginning of the stretch.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// The points, the oldest first. There is none for a minute in which no job ran, and there may be none while the
    /// counter is zero.
    pub points: Vec<Point>,
}

/// The highest value of a counter in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The beginning of the minute.
    pub at: Timestamp,
    /// The restarts since the job was submitted.
    pub restarts: i64,
}
