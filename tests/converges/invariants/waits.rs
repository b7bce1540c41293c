//! What is awaited, for how long, and what a call that comes to no end may keep stopped.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::refusals::{touched, was_stopped_for_a_change};
use super::{is_true, stalled_for};
use crate::history::{History, text};
use crate::trace::What;

/// How much longer than it may last a wait may be told in the same words: what is refused is sent again every five minutes.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// How far apart two looks at what is awaited may be; after longer nobody looked.
const APART: SignedDuration = SignedDuration::from_mins(15);

/// S42: nothing is awaited in the same words for longer than a change, or a deletion, may take while nobody does anything:
/// then it is told as a stall.
pub(super) fn nothing_is_awaited_without_an_end(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut awaited: Option<(&str, Timestamp)> = None;
    let mut before: Option<Timestamp> = None;
    for entry in history.0 {
        let object = match &entry.what {
            What::Pass(object) => object,
            What::User(_) | What::Elsewhere(_) | What::Crash | What::LateEffect { .. } => {
                awaited = None;
                continue;
            }
            _ => continue,
        };
        let looked = before.replace(entry.at);
        let said = says_that_it_waits(object);
        let watched = looked.is_some_and(|looked| entry.at <= looked + APART);
        let same = awaited.filter(|(words, _)| watched && said == Some(*words));
        awaited = same.or(said.map(|words| (words, entry.at)));
        // The pass before this one left the words as they were.
        let end = same.map(|(_, since)| since + patience(object) + TOLD_WITHIN);
        if end.zip(looked).is_some_and(|(end, looked)| looked >= end) {
            let words = said.unwrap_or_default();
            found.push(format!("at {} it is still said: {words}", entry.at));
            awaited = None;
        }
    }
    found
}

/// The words of a resource that says that something is under way.
fn says_that_it_waits(object: &Value) -> Option<&str> {
    let status = &object["status"];
    let only_watches = object["spec"]["management"]["mode"] == "ObserveOnly";
    (is_true(status, "Reconciling") && !only_watches).then(|| text(status, "/message"))
}

/// How long what is awaited may last by the spec, but at least as long as a job that is down is waited for.
fn patience(object: &Value) -> SignedDuration {
    let least = SignedDuration::from_mins(30);
    let of = |pointer: &str, default: SignedDuration| text(object, pointer).parse().unwrap_or(default).max(least);
    let deadline = of("/spec/rollout/progressDeadline", least);
    if object["metadata"]["deletionTimestamp"].is_null() {
        return deadline;
    }
    deadline.max(of("/spec/deletion/timeout", SignedDuration::from_hours(1)))
}

/// S43: where a good job was stopped for a change, no call that comes to no end, and none that is listed without one, keeps
/// it stopped, unless it is the call that puts it back.
pub(super) fn no_call_without_an_end_keeps_stopped_what_ran(history: History<'_>) -> Vec<String> {
    let judged = history.writes().filter_map(|(at, entry, write)| {
        let object = write.after.as_ref()?;
        let status = &object["status"];
        let good = text(status, "/revisions/good");
        let is_stalled = stalled_for(status).is_some_and(|(reason, _)| reason == "DeadlineExceeded");
        let is_down = ["READY", "UPDATING"].contains(&text(status, "/aws/applicationStatus"));
        let wanted = object["spec"]["desiredState"] != "Stopped" && object["metadata"]["deletionTimestamp"].is_null();
        let for_another = !good.is_empty() && text(status, "/revisions/target") != good && status["putBack"].is_null();
        let stays = is_stalled && is_down && wanted && for_another;
        (stays && was_stopped_for_a_change(history, at) && !touched(history, 0, at))
            .then(|| format!("what ran is kept stopped at {} by a call without an end", entry.at))
    });
    judged.collect()
}
