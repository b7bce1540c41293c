//! What may be concluded from time that has passed.

use jiff::SignedDuration;
use serde_json::Value;

use super::rollouts::launches;
use crate::history::{History, text};
use crate::trace::{Entry, What};

/// S31: no revision is condemned by the clock alone: looks over at least `stableFor` after the deadline showed its job, and
/// never up, or an operation lasted longer than the deadline.
pub(super) fn no_revision_is_condemned_by_the_clock_alone(history: History<'_>) -> Vec<String> {
    let judged = history.writes().filter_map(|(at, entry, write)| {
        let after = &write.after.as_ref()?["status"];
        let before = write.before.as_ref().map_or(&Value::Null, |before| &before["status"]);
        let condemned = is_condemned(before, after) && !is_evident(history, at);
        condemned.then(|| format!("a revision is condemned by the clock alone at {}", entry.at))
    });
    judged.collect()
}

/// Whether a write tells of a new failure for the deadline; checkpoints that fail are evidence of another kind.
fn is_condemned(before: &Value, after: &Value) -> bool {
    let failure = &after["lastFailure"];
    let by_clock = text(failure, "/reason") == "DeadlineExceeded" && *failure != before["lastFailure"];
    let over = |status: &Value| {
        let failure = text(status, "/wayBack/failure");
        failure.contains("the time of the change was over") || failure.contains("for long enough")
    };
    let of_checkpoints = text(failure, "/cause").contains("no checkpoint was completed");
    by_clock && !of_checkpoints || over(after) && !over(before)
}

fn is_evident(history: History<'_>, at: usize) -> bool {
    let rollout = &history.object(at)["spec"]["rollout"];
    let deadline = duration(text(rollout, "/progressDeadline"), SignedDuration::from_mins(30));
    let stable_for = duration(text(rollout, "/gate/stableFor"), SignedDuration::from_mins(2));
    // The controller counts whole seconds.
    let second = SignedDuration::from_secs(1);
    let launched = history
        .calls()
        .filter(|(place, _, call)| *place < at && launches(history, *place, call));
    let launched = launched.last().map(|(_, entry, _)| entry.at);
    let due = launched.map(|launched| launched + deadline - second);
    let status = history.described(at).and_then(|read| read.status.as_deref());
    if status != Some("RUNNING") {
        return due.is_some_and(|due| history.0[at].at >= due);
    }
    let looks = history.0[..at].iter().rev().filter_map(look);
    let down = looks.take_while(|(entry, up)| !up && due.is_none_or(|due| entry.at >= due));
    let first = down.last().map(|(entry, _)| entry.at);
    first.is_some_and(|first| history.0[at].at.duration_since(first) >= stable_for - second)
}

/// A look at the job that showed it, and whether it was up.
fn look(entry: &Entry) -> Option<(&Entry, bool)> {
    let What::Read(read) = &entry.what else { return None };
    let shows = read.operation == "FlinkRest" && read.status.as_deref() == Some("200");
    shows.then_some((entry, read.up?))
}

fn duration(written: &str, default: SignedDuration) -> SignedDuration {
    written.parse().unwrap_or(default)
}
