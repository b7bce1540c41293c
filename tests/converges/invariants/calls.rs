//! When a mutating call may be sent, and to what.

use jiff::SignedDuration;
use serde_json::Value;
use sluicegate::aws::clients::CALL_DEADLINE;

use super::{brings_revision, failed_revisions};
use crate::history::{History, text};
use crate::trace::{Entry, What};
use crate::world::CLUSTER;

/// How long a start or a stop of unknown outcome may still arrive.
const QUARANTINE: SignedDuration = SignedDuration::from_secs(60);

/// S4: nothing is sent while an operation is in flight, except a forced stop where it is legal.
pub(super) fn nothing_is_sent_while_an_operation_is_in_flight(history: History<'_>) -> Vec<String> {
    let wrong = history.calls().filter_map(|(at, entry, call)| {
        let described = history.described(at);
        let status = described.and_then(|read| read.status.as_deref());
        let legal = match call.operation.as_str() {
            "CreateApplication" => status.is_none(),
            "TagResource" | "UntagResource" => true,
            "StopApplication" if call.forces() => {
                matches!(
                    status,
                    Some("STARTING" | "UPDATING" | "STOPPING" | "AUTOSCALING" | "RUNNING")
                )
            }
            "RollbackApplication" => matches!(status, Some("RUNNING" | "UPDATING" | "AUTOSCALING")),
            "StopApplication" | "CreateApplicationSnapshot" => status == Some("RUNNING"),
            "StartApplication" => status == Some("READY"),
            _ => matches!(status, Some("READY" | "RUNNING")),
        };
        let snapshots = call.before.iter().flat_map(|seen| &seen.snapshots);
        let ours_in_the_making = snapshots
            .filter(|(name, status)| name.starts_with("sluicegate-") && status == "CREATING")
            .count();
        let forgotten = is_forgotten(history, 0, at);
        let too_early = ours_in_the_making > 0 && !call.forces() && !call.tags_only() && !forgotten;
        (!legal || too_early).then(|| {
            let status = status.unwrap_or("no application");
            format!(
                "{} is sent at {} in {status}, {ours_in_the_making} snapshots of ours in the making",
                call.operation, entry.at
            )
        })
    });
    wrong.collect()
}

/// S5: after a call without an answer nothing is sent until the application was seen after the call's effect, or after
/// the time in which it could still arrive.
pub(super) fn nothing_is_sent_before_an_unknown_outcome_is_settled(history: History<'_>) -> Vec<String> {
    let deadline = SignedDuration::try_from(CALL_DEADLINE).unwrap_or_default();
    let mut found = Vec::new();
    for (unknown, sent, first) in history.calls().filter(|(_, _, call)| !call.answered) {
        // A start that arrives while a job runs is refused (facts §1.5): only a stop would let it take effect.
        let is_harmless = |at: usize, operation: &str| {
            let status = history.described(at).and_then(|read| read.status.as_deref());
            first.operation == "StartApplication" && status == Some("RUNNING") && operation != "StopApplication"
        };
        let mut later = history.calls().filter(|(at, _, _)| *at > unknown);
        let next =
            later.find(|(at, _, call)| !is_harmless(*at, &call.operation) && !is_forgotten(history, unknown, *at));
        let settled = |at: usize| history.is_settled_before(unknown, at, deadline) || has_a_twin(history, unknown, at);
        if let Some((_, entry, call)) = next.filter(|(at, _, _)| !settled(*at)) {
            found.push(format!(
                "{} of {} had no answer and {} is sent at {}",
                first.operation, sent.at, call.operation, entry.at
            ));
        }
    }
    found
}

/// Whether somebody else went back as a call without an answer would have: nobody can tell the two apart.
fn has_a_twin(history: History<'_>, call: usize, later: usize) -> bool {
    let of_rollback = history.0[call]
        .call()
        .is_some_and(|call| call.operation == "RollbackApplication");
    let mut between = history.0[call..later].iter();
    of_rollback && between.any(|entry| matches!(entry.what, What::Elsewhere("console rollback")))
}

/// Whether the resource lost its memory between two calls.
fn is_forgotten(history: History<'_>, first: usize, later: usize) -> bool {
    let mut between = history.0[first..later].iter();
    between.any(|entry| matches!(entry.what, What::Elsewhere("restored from a backup")))
}

/// S6: no stop soon after a start without an answer, no start soon after such a stop, unless the effect was seen.
pub(super) fn starts_and_stops_of_unknown_outcome_are_quarantined(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (unknown, sent, first) in history.calls().filter(|(_, _, call)| !call.answered) {
        let opposite = match first.operation.as_str() {
            "StartApplication" => "StopApplication",
            "StopApplication" => "StartApplication",
            _ => continue,
        };
        let early = history.calls().find(|(at, entry, call)| {
            *at > unknown
                && call.operation == opposite
                && entry.at < sent.at + QUARANTINE
                && !is_forgotten(history, unknown, *at)
                && !history.is_settled_before(unknown, *at, QUARANTINE)
        });
        if let Some((_, entry, call)) = early {
            found.push(format!(
                "{} of {} had no answer and {} is sent at {}",
                first.operation, sent.at, call.operation, entry.at
            ));
        }
    }
    found
}

/// S9: a revision whose start or update failed is not sent again until a retry is asked for, unless it was good before. An
/// earlier resource of the same name takes its memory along.
pub(super) fn a_failed_revision_is_not_sent_again(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, entry, call) in history.calls().filter(|(_, _, call)| brings_revision(call)) {
        let written = history.written(at);
        let revision = text(written, "/intent/revision");
        // What failed and was left in place is restarted when somebody asks (S46).
        let is_restarted = text(written, "/intent/step") == "Restart";
        if failed_revisions(written).contains(revision) && !is_restarted {
            found.push(format!("{} at {} brings a failed revision", call.operation, entry.at));
        }
        let was_good = ["/revisions/good", "/revisions/previous/revision"]
            .iter()
            .any(|good| text(written, good) == revision);
        let earlier = history.calls().filter(|(before, _, earlier)| {
            *before < at
                && text(history.written(*before), "/intent/revision") == revision
                && text(history.object(*before), "/metadata/uid") == text(history.object(at), "/metadata/uid")
                && failed_by(call.before.as_ref(), earlier.operation_id.as_deref())
                && !retried(&history.0[*before..at])
        });
        if !was_good && earlier.count() > 0 {
            found.push(format!(
                "{} at {} brings revision {revision} although an operation of it failed",
                call.operation, entry.at
            ));
        }
    }
    found
}

fn failed_by(seen: Option<&crate::trace::Seen>, operation: Option<&str>) -> bool {
    let Some(operation) = operation else { return false };
    let operations = seen.iter().flat_map(|seen| &seen.operations);
    operations
        .into_iter()
        .any(|(id, kind, status)| id == operation && kind != "StopApplication" && status == "FAILED")
}

/// Whether somebody asked for another attempt between two moments.
pub(super) fn retried(between: &[Entry]) -> bool {
    between.iter().any(|entry| {
        matches!(
            entry.what,
            What::User("sluicegate.dev/retry-requested-at" | "sluicegate.dev/restart-requested-at" | "restart nonce")
        )
    })
}

/// S11: only an application with our tags is changed; one of an earlier incarnation, and one without tags of ours that the
/// spec takes over, only gets its tags.
pub(super) fn only_our_own_application_is_changed(history: History<'_>) -> Vec<String> {
    let foreign = history.calls().filter(|(at, _, call)| {
        let Some(seen) = call.before.as_ref().filter(|_| call.operation != "CreateApplication") else {
            return false;
        };
        let object = history.object(*at);
        let is = |key: &str, value: &str| {
            seen.tags
                .get(&format!("sluicegate.dev/{key}"))
                .is_some_and(|tag| tag == value)
        };
        let named = is("cluster", CLUSTER)
            && is("namespace", text(object, "/metadata/namespace"))
            && is("name", text(object, "/metadata/name"));
        let ours = named && is("uid", text(object, "/metadata/uid"));
        let untagged = !seen.tags.keys().any(|key| key.starts_with("sluicegate.dev/"));
        let adopted = untagged && matches!(text(object, "/spec/management/adoption"), "Adopt" | "AdoptOrCreate");
        !(ours || (named || adopted) && call.operation == "TagResource")
    });
    foreign
        .map(|(_, entry, call)| {
            format!(
                "{} at {} changes an application that is not ours",
                call.operation, entry.at
            )
        })
        .collect()
}

/// S12: a call is sent only for the live incarnation of the resource.
pub(super) fn only_the_live_incarnation_acts(history: History<'_>) -> Vec<String> {
    let dead = history
        .calls()
        .filter(|(at, _, call)| call.live_uid.as_deref() != Some(text(history.object(*at), "/metadata/uid")));
    dead.map(|(_, entry, call)| format!("{} at {} acts for a resource that is gone", call.operation, entry.at))
        .collect()
}

/// S14: a fence is the token of the description that the pass was planned from.
pub(super) fn fences_come_from_the_observation_of_the_pass(history: History<'_>) -> Vec<String> {
    let fenced = [
        "UpdateApplication",
        "AddApplicationVpcConfiguration",
        "DeleteApplicationVpcConfiguration",
        "AddApplicationCloudWatchLoggingOption",
        "DeleteApplicationCloudWatchLoggingOption",
    ];
    let wrong = history.calls().filter(|(at, _, call)| {
        let described = history.described(*at).and_then(|read| read.token.as_deref());
        let sent = call.input["ConditionalToken"].as_str();
        fenced.contains(&call.operation.as_str()) && (sent.is_none() || sent != described)
    });
    wrong
        .map(|(_, entry, call)| {
            format!(
                "{} at {} is not fenced by its own observation",
                call.operation, entry.at
            )
        })
        .collect()
}

/// S17: a deletion with `Retain` sends nothing; only one with `Delete` and `stateLoss: Accepted` deletes, and only
/// what is stopped.
pub(super) fn deletion_does_what_its_policy_says(history: History<'_>) -> Vec<String> {
    let wrong = history.calls().filter_map(|(at, entry, call)| {
        let object = history.object(at);
        let deleting = object
            .pointer("/metadata/deletionTimestamp")
            .is_some_and(|time| *time != Value::Null);
        let policy = text(object, "/spec/deletion/policy");
        let deletes = policy == "Delete" && text(object, "/spec/deletion/stateLoss") == "Accepted";
        let stopped = history.described(at).and_then(|read| read.status.as_deref()) == Some("READY");
        let legal = match call.operation.as_str() {
            "DeleteApplication" => deleting && deletes && stopped,
            _ => !deleting || deletes || policy == "Stop",
        };
        (!legal).then(|| format!("{} at {} under deletion policy {policy:?}", call.operation, entry.at))
    });
    wrong.collect()
}

/// S25: what was stopped by force is not started before somebody asks for something.
pub(super) fn what_was_stopped_by_force_stays_so(history: History<'_>) -> Vec<String> {
    let started = history.calls().filter(|(at, _, call)| {
        let stopped = &history.written(*at)["forceStopped"];
        call.operation == "StartApplication" && !stopped.is_null() && !was_asked_since(history, *at, stopped)
    });
    started
        .map(|(_, entry, _)| format!("what was stopped by force is started at {}", entry.at))
        .collect()
}

/// Whether the spec or an annotation changed since a forced stop was recorded, or a request is open or was acted on since.
fn was_asked_since(history: History<'_>, at: usize, stopped: &Value) -> bool {
    let mut objects = history.writes().filter_map(|(_, _, write)| write.after.as_ref());
    let Some(recorded) = objects.find(|object| object["status"]["forceStopped"] == *stopped) else {
        return true;
    };
    let (object, status) = (history.object(at), history.written(at));
    let changed =
        object["spec"] != recorded["spec"] || object["metadata"]["annotations"] != recorded["metadata"]["annotations"];
    let acted = ["restart", "rollback", "retry"]
        .iter()
        .any(|request| status["handled"][request] != recorded["status"]["handled"][request]);
    let open =
        !status["requests"]["restart"].is_null() || object["spec"]["restartNonce"] != status["handled"]["restartNonce"];
    changed || acted || open
}
