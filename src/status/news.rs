//! What a status says that the one before did not, and that a person should hear of.

use crate::api::condition::{Condition, ConditionType, Reason};
use crate::api::status::FlinkApplicationStatus;
use crate::plan::Note;

/// The stall that begins with a status, or whose reason changes with it, or that another spec has too.
#[must_use]
pub fn stall(before: Option<&FlinkApplicationStatus>, after: &FlinkApplicationStatus) -> Option<Note> {
    let now = stalled(after)?;
    let before = before.and_then(stalled);
    let is_known = before
        .is_some_and(|before| before.reason == now.reason && before.observed_generation == now.observed_generation);
    let reason = Reason::ALL.iter().find(|reason| reason.as_str() == now.reason)?;
    (!is_known).then(|| Note::stall(reason.as_str(), now.message.clone()))
}

/// The condition that tells of a stall.
#[must_use]
pub fn stalled(status: &FlinkApplicationStatus) -> Option<&Condition> {
    let mut conditions = status.conditions.iter();
    conditions.find(|condition| condition.type_ == ConditionType::Stalled.as_str())
}
