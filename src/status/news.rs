//! What a status says that the one before did not, and that a person should hear of.

use crate::api::condition::{Condition, ConditionType, Reason};
use crate::api::status::FlinkApplicationStatus;
use crate::plan::Note;

/// The stall that begins with a status, or whose reason changes with it; none where a note tells of it already.
#[must_use]
pub fn stall(before: Option<&FlinkApplicationStatus>, after: &FlinkApplicationStatus, notes: &[Note]) -> Option<Note> {
    let stalled = condition(after)?;
    let known = before
        .and_then(condition)
        .is_some_and(|before| before.reason == stalled.reason);
    let told = notes.iter().any(|note| note.reason == stalled.reason);
    let reason = Reason::ALL.iter().find(|reason| reason.as_str() == stalled.reason)?;
    (!known && !told).then(|| Note::warning(reason.as_str(), stalled.message.clone()))
}

fn condition(status: &FlinkApplicationStatus) -> Option<&Condition> {
    let mut conditions = status.conditions.iter();
    conditions.find(|condition| condition.type_ == ConditionType::Stalled.as_str())
}
