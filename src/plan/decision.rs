//! What a pass decides: the single next move, with what must be remembered and what a person should hear.

use jiff::{SignedDuration, Timestamp};

use crate::api::condition::Reason;
use crate::api::status::Journal;
use crate::plan::step::Step;

/// The decision of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What must be remembered from here on; with a step, its intent is in it.
    pub journal: Journal,
    /// The move.
    pub plan: Plan,
    /// What a person should hear of.
    pub notes: Vec<Note>,
    /// What was measured of a change.
    pub measures: Vec<Measure>,
    /// Since when the log is to be searched for the first cause of a failure that the decision judges without one.
    pub cause_since: Option<Timestamp>,
    /// When to look again although nothing is awaited: something is due then, or changes by age alone.
    pub wake: Option<Timestamp>,
    /// The name of the stage that decided.
    pub stage: &'static str,
}

/// The single next move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing to do: the world is as desired.
    Rest,
    /// Nothing to do but for a new revision, which is held back.
    HeldBack(HeldBack),
    /// Nothing is done, because somebody asked only to watch.
    Pause,
    /// Nothing is ever done, as the spec says: the application is read and reported.
    Observe,
    /// Something is awaited.
    Wait(Waiting),
    /// One mutating call.
    Do(Step),
    /// Nothing will change without a person or another spec.
    Stall(Stall),
    /// Take the finalizer.
    Hold,
    /// Drop the finalizer.
    Release,
}

impl Plan {
    /// The name of the kind of move, also the label of its metric.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::HeldBack(_) => "held-back",
            Self::Pause => "pause",
            Self::Observe => "observe",
            Self::Wait(_) => "wait",
            Self::Do(_) => "do",
            Self::Stall(_) => "stall",
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }
}

/// What is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Why, as one word.
    pub reason: Reason,
    /// Why, as a sentence; it names points in time and never the time that has passed.
    pub message: String,
    /// When to look again.
    pub until: Timestamp,
    /// Whether the job and its configuration are left alone by what is awaited.
    pub background: bool,
}

/// Why nothing will change by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Why, as one word.
    pub reason: Reason,
    /// Why, and what unblocks it, as a sentence.
    pub message: String,
    /// When a refused call is sent again.
    pub recheck: Option<Timestamp>,
}

/// Something that a person should hear of; it becomes an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The reason of the event.
    pub reason: &'static str,
    /// Whether it is a warning.
    pub warning: bool,
    /// Whether it tells of a stall: each is told once, whatever was told before.
    pub stall: bool,
    /// The sentence.
    pub message: String,
}

impl Note {
    /// Something that went as it should.
    #[must_use]
    pub fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            warning: false,
            stall: false,
            message: message.into(),
        }
    }

    /// A stall that begins.
    #[must_use]
    pub fn stall(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            stall: true,
            ..Self::warning(reason, message)
        }
    }

    /// Something that did not.
    #[must_use]
    pub fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            warning: true,
            stall: false,
            message: message.into(),
        }
    }
}

/// Why the content of a revision is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// Why, as one word: [`Reason::AwaitingApproval`], [`Reason::OutsideChangeWindow`], [`Reason::DriftDetected`] or that
    /// of a refusal.
    pub reason: Reason,
    /// Why, and what lets it through, as a sentence.
    pub message: String,
    /// When to look again.
    pub until: Option<Timestamp>,
}

/// A measured duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// From the start to the end of an operation of ours, as the service reports them.
    Operation {
        /// The service's name of the call.
        operation: &'static str,
        /// Whether it did what it should.
        succeeded: bool,
        /// How long it took.
        took: SignedDuration,
    },
    /// From the snapshot that an update took of the old job to the first look at the new one that is up: an estimate,
    /// at most one look too long.
    Downtime(SignedDuration),
}

/// A stall that nothing but a person or another spec ends.
pub(super) fn stall(reason: Reason, message: impl Into<String>) -> Plan {
    Plan::Stall(Stall {
        reason,
        message: message.into(),
        recheck: None,
    })
}
