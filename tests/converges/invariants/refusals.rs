//! What a call may lead to that the service refuses after the job was stopped for it.

use serde_json::Value;

use super::stalled_for;
use crate::history::{History, text};
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
fn was_stopped_for_a_change(history: History<'_>, at: usize) -> bool {
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
fn touched(history: History<'_>, from: usize, to: usize) -> bool {
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
