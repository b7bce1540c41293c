//! What a call may lead to that the service refuses after the job was stopped for it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::stalled_for;
use crate::history::{History, text};
use crate::invariants::is_true;
use crate::trace::{Call, What};

/// S29: where a good job was stopped for a change and the service refuses the change, the resource does not stall with the
/// job stopped, unless it is the good revision itself that is refused.
pub(super) fn no_refusal_keeps_stopped_what_ran(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, entry, write) in history.writes() {
        let Some(object) = &write.after else { continue };
        let status = &object["status"];
        let good = text(status, "/revisions/good");
        let refused = match text(status, "/refusal/revision") {
            "" => text(status, "/revisions/target"),
            refused => refused,
        };
        let put_back = text(status, "/putBack/to");
        let wanted = object["spec"]["desiredState"] != "Stopped" && object["metadata"]["deletionTimestamp"].is_null();
        let stays = is_stalled_over_a_refusal(status) && text(status, "/aws/applicationStatus") == "READY";
        let for_another = !good.is_empty() && !refused.is_empty() && refused != good && refused != put_back;
        if wanted && stays && for_another && was_stopped_for_a_change(history, at) {
            found.push(format!(
                "what ran is kept stopped at {} because revision {refused} is refused",
                entry.at
            ));
        }
    }
    found
}

fn is_stalled_over_a_refusal(status: &Value) -> bool {
    let reason = stalled_for(status).map(|(reason, _)| reason);
    matches!(reason, Some("Rejected" | "AccessDenied" | "QuotaExceeded"))
}

/// Whether the last start or stop that took effect was a stop of ours under a spec that asks for a running job, and nobody
/// else touched the application since.
pub(super) fn was_stopped_for_a_change(history: History<'_>, at: usize) -> bool {
    let last = history.calls().filter(|(place, _, call)| {
        let runs = matches!(call.operation.as_str(), "StartApplication" | "StopApplication");
        *place < at && runs && history.effect_of(*place).is_some()
    });
    last.last()
        .is_some_and(|(place, _, call)| stops_for_a_change(history, place, call) && !touched(history, place, at))
}

/// Whether a call is a graceful stop under a spec that asks for a running job.
fn stops_for_a_change(history: History<'_>, at: usize, call: &Call) -> bool {
    let object = history.object(at);
    call.operation == "StopApplication"
        && !call.forces()
        && object["spec"]["desiredState"] != "Stopped"
        && object["metadata"]["deletionTimestamp"].is_null()
}

/// Whether somebody else called the service between two entries.
pub(super) fn touched(history: History<'_>, from: usize, to: usize) -> bool {
    let mut between = history.0[from..to].iter();
    between.any(|entry| matches!(entry.what, What::Elsewhere(who) if who.starts_with("console")))
}

/// S29: a running job is stopped once for a change, until somebody asks for something: what was
/// started again is not stopped for it again.
pub(super) fn a_change_stops_a_job_once(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut before: Option<(usize, &str)> = None;
    for (at, entry, call) in history.calls() {
        if !stops_for_a_change(history, at, call) || history.effect_of(at).is_none() {
            continue;
        }
        let revision = text(history.written(at), "/intent/revision");
        let asked = |from: usize| {
            let mut between = history.0[from..at].iter();
            between.any(|entry| matches!(entry.what, What::User(_) | What::Elsewhere(_)))
        };
        let started = |from: usize| {
            let mut between = history.calls().filter(|(place, _, _)| (from..at).contains(place));
            between.any(|(place, _, call)| call.operation == "StartApplication" && history.effect_of(place).is_some())
        };
        if before.is_some_and(|(earlier, of)| of == revision && !asked(earlier) && started(earlier)) {
            found.push(format!("revision {revision} stops the job again at {}", entry.at));
        }
        before = Some((at, revision));
    }
    found
}

/// How much longer than a change may take a call may be refused before that is told: the attempts are five minutes apart.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_mins(6);

/// S36: a call that is refused again and again, while nobody does anything, for longer than a change may take is told as a
/// stall, whatever the service says; where the job is down, other calls follow.
pub(super) fn what_is_not_accepted_for_long_is_told(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut series: Option<(&str, &str, Timestamp, Timestamp)> = None;
    let mut patience = SignedDuration::ZERO;
    for (at, entry) in history.0.iter().enumerate() {
        let call = match &entry.what {
            What::Call(call) if call.answered => call,
            What::User(_) | What::Elsewhere(_) | What::Crash => {
                series = None;
                continue;
            }
            _ => continue,
        };
        let written = history.written(at);
        let about_snapshots = ["BackUp", "DeleteSnapshot"].contains(&text(written, "/intent/step"));
        if call.took_effect || call.job_is_down || about_snapshots {
            series = None;
            continue;
        }
        let revision = text(written, "/intent/revision");
        let apart = SignedDuration::from_mins(10);
        let same = series.filter(|(operation, of, _, last)| {
            *operation == call.operation && *of == revision && entry.at < *last + apart
        });
        let since = same.map_or(entry.at, |(_, _, since, _)| since);
        series = Some((&call.operation, revision, since, entry.at));
        if same.is_none() {
            patience = deadline(history.object(at)) + TOLD_WITHIN;
        }
        if entry.at > since + patience && !is_true(written, "Stalled") {
            found.push(format!(
                "{} is refused from {since} to {} and nobody is told",
                call.operation, entry.at
            ));
        }
    }
    found
}

/// How long a change may take by the spec, but at least as long as a refusal counts as work in flight.
fn deadline(object: &Value) -> SignedDuration {
    let asked = text(object, "/spec/rollout/progressDeadline");
    let asked = asked.parse().unwrap_or(SignedDuration::from_mins(30));
    asked.max(SignedDuration::from_mins(10))
}

/// The most attempts of a call that is refused, and the time in which they may be made.
const ATTEMPTS: (usize, SignedDuration) = (5, SignedDuration::from_secs(5));

/// S40: a call that the service refuses is sent again at a distance, unless somebody does something in between.
pub(super) fn what_is_refused_is_sent_again_at_a_distance(history: History<'_>) -> Vec<String> {
    let (most, within) = ATTEMPTS;
    let mut found = Vec::new();
    let mut refused: Vec<(&str, &Value, Timestamp)> = Vec::new();
    for entry in history.0 {
        let call = match &entry.what {
            What::Call(call) => call,
            What::User(_) | What::Elsewhere(_) | What::Crash | What::LateEffect { .. } => {
                refused.clear();
                continue;
            }
            _ => continue,
        };
        if call.took_effect || !call.answered {
            refused.clear();
            continue;
        }
        refused.retain(|(_, _, at)| entry.at < *at + within);
        refused.push((&call.operation, &call.input, entry.at));
        let same = refused
            .iter()
            .filter(|(operation, input, _)| *operation == call.operation && **input == *call.input);
        if same.count() > most {
            found.push(format!(
                "{} is refused and sent again at once at {}",
                call.operation, entry.at
            ));
        }
    }
    found
}
