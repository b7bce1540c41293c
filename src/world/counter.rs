//! The restarts of a running job, as its counter and its log in CloudWatch tell them (facts §6.1, §6.2).

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

/// What is known of the restarts of a running job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restarts {
    /// By its counter.
    pub counter: Counter,
    /// By its log.
    pub log: Tail,
}

/// What is known of the restarts of a job by its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// It is not watched.
    #[default]
    NotWatched,
    /// It cannot be read, with the reason; it says nothing about the job.
    Unreadable(String),
    /// It was read.
    Read {
        /// How far.
        until: Timestamp,
        /// When the job began to restart, the oldest first.
        restarts: Vec<Timestamp>,
    },
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
