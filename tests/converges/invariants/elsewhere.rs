//! What is left alone because somebody else brought it.

use serde_json::Value;

use super::rollouts::launches;
use super::{brings_revision, failed_revisions, is_force_asked_for, is_restart_left, is_stalled_as};
use crate::history::{History, text};
use crate::script::SWITCHED_OFF;
use crate::trace::{Call, Entry, What};

/// What somebody else does that brings another job.
const BRINGS: [&str; 4] = ["console start", "console update", "console deploy", SWITCHED_OFF];

/// S32: a job that was found running is neither stopped by force nor rolled back, and no revision fails, before the
/// controller brought another or somebody asked for something.
pub(super) fn what_was_found_is_left_alone(history: History<'_>) -> Vec<String> {
    let finds = |entry: &Entry| {
        matches!(
            entry.what,
            What::Elsewhere("console: an application" | "restored from a backup")
        )
    };
    let Some(found) = history.0.iter().rposition(finds) else {
        return Vec::new();
    };
    let is_touch = |(at, entry): (usize, &Entry)| match &entry.what {
        What::User(name) => *name != "create",
        What::Elsewhere(_) => true,
        What::Call(call) => launches(history, at, call),
        _ => false,
    };
    let later = history.0.iter().enumerate().skip(found + 1);
    let touched = later.clone().find(|entry| is_touch(*entry)).map(|(at, _)| at);
    let judged = later.take_while(|(at, _)| touched.is_none_or(|touched| *at < touched));
    let broken = judged.filter(|(at, entry)| match &entry.what {
        What::Call(call) => {
            let undoes = call.operation == "RollbackApplication" || call.forces();
            let running = history.described(*at).and_then(|read| read.status.as_deref()) == Some("RUNNING");
            let asked = matches!(
                text(history.object(*at), "/spec/health/onUnhealthy"),
                "ForceStop" | "Restart"
            ) || text(history.written(*at), "/refusal/class") == "JobDown"
                || !history.object(*at)["metadata"]["deletionTimestamp"].is_null();
            undoes && running && !asked
        }
        What::Write(write) => {
            let after = write.after.as_ref();
            after.is_some_and(|after| !failed_revisions(&after["status"]).is_empty())
        }
        _ => false,
    });
    broken
        .map(|(_, entry)| format!("a job that was found running is held to account at {}", entry.at))
        .collect()
}

/// S33: content that a rollback of somebody else left is not sent again before a retry, or before the spec asked for
/// another revision in between.
pub(super) fn what_a_foreign_rollback_left_is_not_sent_again(history: History<'_>) -> Vec<String> {
    let left = history
        .0
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| match &entry.what {
            What::Left(content) => Some((at, content)),
            _ => None,
        });
    let left: Vec<_> = left.collect();
    let mut found = Vec::new();
    for (place, (left_at, content)) in left.iter().copied().enumerate() {
        // The next rollback may lead back to it.
        let until = left.get(place + 1).map_or(history.0.len(), |(at, _)| *at);
        let sent = history.calls().find(|(at, _, call)| {
            (left_at..until).contains(at)
                && brings_revision(call)
                && call.origin.brought.as_ref() == Some(content)
                && !is_asked_for(history, left_at, *at)
        });
        if let Some((_, entry, call)) = sent {
            found.push(format!(
                "{} at {} brings what somebody else's rollback of {} left",
                call.operation, entry.at, history.0[left_at].at
            ));
        }
    }
    found
}

/// Whether somebody asked for the revision of a call beside the one that a moment left: by a retry, after another revision,
/// or in another incarnation of the resource; a revision that was asked for then and was not brought yet is another one.
fn is_asked_for(history: History<'_>, since: usize, at: usize) -> bool {
    let between = &history.0[since..at];
    let revision = text(history.written(at), "/intent/revision");
    let uid = text(history.object(at), "/metadata/uid");
    let then = history.written(since);
    let is_brought = ["/rollout/gate", "/rollout/updatedVersionId", "/intent/fence"];
    let is_brought = is_brought.iter().any(|member| then.pointer(member).is_some());
    // What a lost status knew is not known any more.
    let is_forgotten = |entry: &Entry| matches!(entry.what, What::Elsewhere("restored from a backup"));
    let knew_nothing = history.0[..since].iter().any(is_forgotten) && text(then, "/revisions/good").is_empty();
    let was_waiting = text(then, "/rollout/revision") == revision && !is_brought;
    let target = text(then, "/revisions/target");
    let is_newer = !target.is_empty() && target != revision;
    was_waiting
        || is_newer
        || knew_nothing
        || between.iter().any(is_forgotten)
        || between.iter().any(|entry| match &entry.what {
            What::User("sluicegate.dev/retry-requested-at") => true,
            What::Write(write) => write.after.as_ref().is_some_and(|after| {
                text(after, "/metadata/uid") != uid || text(after, "/status/revisions/target") != revision
            }),
            What::Pass(object) => text(object, "/metadata/uid") != uid,
            _ => false,
        })
}

/// S32: a job that somebody else brought condemns no revision, and is neither stopped by force nor rolled back, before a call
/// of ours brought another. A way back that was taken before goes on, and a call of ours without an answer may be what
/// brought it.
pub(super) fn what_somebody_else_brought_is_not_judged(history: History<'_>) -> Vec<String> {
    let brings = |entry: &Entry| matches!(entry.what, What::Elsewhere(what) if BRINGS.contains(&what));
    let brought = history.0.iter().enumerate().filter(|(_, entry)| brings(entry));
    let mut found = Vec::new();
    for (since, _) in brought {
        let before = history.written(since);
        let mut calls = history.calls();
        let is_ours = calls.any(|(at, _, call)| at < since && !call.answered && call.operation != "TagResource");
        if is_ours || before.get("wayBack").is_some() || before.pointer("/intent/phase").is_some() {
            continue;
        }
        let later = history.0.iter().enumerate().skip(since + 1);
        let judged = later.take_while(|(at, entry)| match &entry.what {
            What::Call(call) => !launches(history, *at, call) || call.operation == "RollbackApplication",
            What::Elsewhere(what) => !what.contains("rollback"),
            _ => true,
        });
        let broken = judged.filter(|(at, entry)| match &entry.what {
            What::Call(call) => {
                let undoes = call.operation == "RollbackApplication" || call.forces();
                let running = history.described(*at).and_then(|read| read.status.as_deref()) == Some("RUNNING");
                undoes && running && !is_asked(history, *at)
            }
            What::Write(write) => {
                let before = write.before.as_ref().map_or(&Value::Null, |before| &before["status"]);
                let after = write.after.as_ref().map_or(&Value::Null, |after| &after["status"]);
                let reason = text(after, "/lastFailure/reason");
                let news = failed_revisions(after).difference(&failed_revisions(before)).count() > 0;
                news && after["lastFailure"] != before["lastFailure"]
                    && reason != "ForceStopped"
                    && reason != "StartFailed"
            }
            _ => false,
        });
        let told =
            broken.map(|(_, entry)| format!("a job that somebody else brought is held to account at {}", entry.at));
        found.extend(told);
    }
    found
}

/// Whether the spec or somebody asks for the forced stop or the rollback, the service says that the job is down, or the job
/// is of a revision that failed before.
fn is_asked(history: History<'_>, at: usize) -> bool {
    let (object, written) = (history.object(at), history.written(at));
    let by_policy = matches!(text(object, "/spec/health/onUnhealthy"), "ForceStop" | "Restart");
    let by_request = ["force-stop", "rollback"].iter().any(|request| {
        let key = format!("sluicegate.dev/{request}-requested-at");
        object["metadata"]["annotations"][key].is_string()
    });
    let deleting = !object["metadata"]["deletionTimestamp"].is_null();
    let reverted = text(written, "/wayBack/reason") == "Reverted";
    let failed = !failed_revisions(written).is_empty();
    by_policy || by_request || deleting || reverted || failed || text(written, "/refusal/class") == "JobDown"
}

/// S33: a rollback that a person made is not told as one of the service.
pub(super) fn no_rollback_of_a_person_is_told_as_one_of_the_service(history: History<'_>) -> Vec<String> {
    let system = |status: &Value| {
        let failed = status["failedRevisions"].as_array().into_iter().flatten();
        failed.filter(|failed| failed["reason"] == "System").count()
    };
    let wrong = history.writes().filter(|(at, _, write)| {
        let status = |object: &Value| system(&object["status"]);
        let before = write.before.as_ref().map_or(0, |before| status(before));
        let after = write.after.as_ref().map_or(0, |after| status(after));
        let launched = history
            .calls()
            .filter(|(place, _, call)| place < at && launches(history, *place, call));
        let since = launched.last().map_or(0, |(place, _, _)| place);
        let made = history.0[since..*at]
            .iter()
            .any(|entry| matches!(entry.what, What::Left(_)));
        after > before && made
    });
    wrong
        .map(|(_, entry, _)| format!("a person's rollback is told as one of the service at {}", entry.at))
        .collect()
}

/// S37: a restart that is asked for while a revision is held after a rollback is made: no status says that nothing happens
/// while the request is open and a job runs.
pub(super) fn what_is_in_place_is_restarted_when_it_is_asked_for(history: History<'_>) -> Vec<String> {
    let put_off = history.writes().filter(|(_, _, write)| {
        let Some(after) = &write.after else { return false };
        is_restart_left(after) && is_stalled_as(&after["status"], "RolledBack")
    });
    put_off
        .map(|(_, entry, _)| format!("a restart of what is in place is put off at {}", entry.at))
        .collect()
}

/// S38: a start, a stop or an update of somebody else is not ended by force, unless somebody asks for it. What was begun
/// before the resource lost its memory is somebody else's.
pub(super) fn only_what_is_ours_is_ended_by_force(history: History<'_>) -> Vec<String> {
    let ended = history.calls().filter(|(at, _, call)| {
        call.forces()
            && !is_force_asked_for(history, *at)
            && under_way(call).is_some_and(|id| !is_ours(history, *at, id))
    });
    ended
        .map(|(_, entry, _)| format!("an operation of somebody else is ended by force at {}", entry.at))
        .collect()
}

/// S41: what somebody else stopped while it was verified is not started before somebody asks for something.
pub(super) fn what_is_stopped_in_its_gate_stays_stopped(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, entry) in history.0.iter().enumerate() {
        let is_stop = matches!(entry.what, What::Elsewhere("console stop" | "console force-stop"));
        let written = history.written(at);
        let in_gate = text(written, "/aws/applicationStatus") == "RUNNING"
            && written.pointer("/rollout/gate").is_some()
            && written["intent"].is_null();
        if !is_stop || !in_gate || text(history.object(at), "/spec/desiredState") == "Stopped" {
            continue;
        }
        let since = history.0.iter().enumerate().skip(at + 1);
        let since = since.take_while(|(_, entry)| match &entry.what {
            What::User(_) | What::Elsewhere(_) => false,
            What::Call(call) => call.operation != "StopApplication",
            _ => true,
        });
        let mut calls = since.filter_map(|(place, entry)| Some((place, entry.at, entry.call()?)));
        // A revision that the spec asked for before the stop, and nobody saw yet, takes the place of what was stopped.
        let is_another =
            |place: usize| text(history.written(place), "/intent/revision") != text(written, "/revisions/running");
        let started = calls.find(|(_, _, call)| call.operation == "StartApplication");
        if let Some((_, started, _)) = started.filter(|(place, _, _)| !is_another(*place)) {
            found.push(format!(
                "what somebody stopped in its gate at {} is started at {started}",
                entry.at
            ));
        }
    }
    found
}

/// The start, stop or update that goes on at a call.
fn under_way(call: &Call) -> Option<&str> {
    let kinds = ["StartApplication", "StopApplication", "UpdateApplication"];
    let mut operations = call.before.iter().flat_map(|seen| &seen.operations);
    let found = operations.find(|(_, kind, status)| status == "IN_PROGRESS" && kinds.contains(&kind.as_str()));
    found.map(|(id, _, _)| id.as_str())
}

/// Whether a call of ours began an operation; one that took effect late, or without an answer, may have.
fn is_ours(history: History<'_>, at: usize, id: &str) -> bool {
    let lost = |entry: &Entry| matches!(entry.what, What::Elsewhere("restored from a backup"));
    let since = history.0[..at].iter().rposition(lost).unwrap_or(0);
    let late = history.0[since..at]
        .iter()
        .any(|entry| matches!(entry.what, What::LateEffect { accepted: true, .. }));
    let mut calls = history.calls().filter(|(place, _, _)| (since..at).contains(place));
    late || calls.any(|(_, _, call)| call.operation_id.as_deref() == Some(id) || !call.answered)
}
