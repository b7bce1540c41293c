//! Calls that the service does not accept for a reason that may pass by itself: a rate, a status, somebody else's change, no
//! connection. They are tried on; where that lasts, a person hears of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::api::condition::Reason;
use crate::api::status::{Journal, NotAccepted, StepKind};
use crate::plan::decision::Stall;
use crate::plan::situation::Situation;

/// A call that was refused, or not sent because others go first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The kind of the call.
    pub step: StepKind,
    /// The revision that it serves.
    pub revision: Option<String>,
    /// Why it was not accepted.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// How long nobody may have tried for the next attempt to belong to those before: a controller that is throttled tries seldom.
const APART: SignedDuration = SignedDuration::from_mins(30);

impl NotAccepted {
    /// Whether an attempt goes on with those before.
    #[must_use]
    pub fn goes_on(&self, step: StepKind, revision: Option<&String>, at: Timestamp) -> bool {
        self.step == step && self.revision.as_ref() == revision && at <= self.last_at + APART
    }

    /// How long the call rests, where this kind of refusal asks for a pause: the longer it is refused, the longer, and so
    /// that it is sent when the time ends in which nothing is told; from then on in even steps.
    #[must_use]
    pub fn pause(&self, pause: Duration, recheck: SignedDuration, patience: SignedDuration) -> Duration {
        let lasts = self.last_at.duration_since(self.first_at);
        let asked = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
        let left = patience - lasts;
        let pause = if left.is_positive() {
            asked.max(lasts / 4).min(left).min(recheck)
        } else {
            recheck
        };
        Duration::try_from(pause).unwrap_or_default()
    }
}

impl Journal {
    /// Remembers that a call was not accepted.
    pub fn tried(&mut self, attempt: Attempt) {
        let earlier = self.not_accepted.as_ref();
        let earlier = earlier.filter(|known| known.goes_on(attempt.step, attempt.revision.as_ref(), attempt.at));
        self.not_accepted = Some(NotAccepted {
            first_at: earlier.map_or(attempt.at, |earlier| earlier.first_at),
            last_at: attempt.at,
            step: attempt.step,
            revision: attempt.revision,
            message: attempt.message,
        });
    }

    /// The service gave another answer to a call than that it is not the time for it.
    pub(super) fn was_answered(&mut self, step: StepKind) {
        self.not_accepted.take_if(|known| known.step == step);
    }
}

/// What is told of a call that was not accepted for as long as a change may take.
#[must_use]
pub fn stall(situation: &Situation<'_>, journal: &Journal, step: StepKind) -> Option<Stall> {
    let known = journal.not_accepted.as_ref().filter(|known| known.step == step)?;
    let intent = journal.intent.as_ref();
    let is_another = intent.is_some_and(|intent| intent.step == step && intent.revision != known.revision);
    if is_another || known.last_at < known.first_at + situation.progress_deadline() {
        return None;
    }
    Some(Stall {
        reason: Reason::NotAccepted,
        message: format!(
            "the service has not accepted {} since {}: {}. It is tried on, at least every {:#}",
            step.operation(),
            known.first_at,
            known.message.trim_end_matches('.'),
            situation.rules.refusal_recheck
        ),
        recheck: None,
    })
}
