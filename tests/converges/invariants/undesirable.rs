//! What goes on under a spec that asks for nothing that can be done.

use serde_json::Value;

use super::{is_true, stalled_for};
use crate::history::{History, text};

/// S45: a spec that cannot be followed keeps nothing waiting of what is in place: where it is said that nothing happens because
/// of it, no job is down that was stopped for a change or that ended, no gate is open, no way back goes on and no request is
/// open.
pub(super) fn a_spec_that_cannot_be_followed_keeps_nothing_waiting(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (_, entry, write) in history.writes() {
        let Some(object) = &write.after else { continue };
        let status = &object["status"];
        let reason = stalled_for(status).map(|(reason, _)| reason);
        let is_idle = status["intent"].is_null() && status["refusal"].is_null();
        let is_ours = object["spec"]["management"]["mode"] != "ObserveOnly" && is_known(status);
        if !matches!(reason, Some("InvalidSpec" | "ReferenceNotFound")) || !is_idle || !is_ours {
            continue;
        }
        let waiting = waiting(object);
        if !waiting.is_empty() {
            found.push(format!(
                "a spec that cannot be followed keeps waiting at {}: {}",
                entry.at,
                waiting.join(", ")
            ));
        }
    }
    found
}

/// Whether the resource knows of a job of its own.
fn is_known(status: &Value) -> bool {
    !status["revisions"]["running"].is_null() || !status["revisions"]["good"].is_null()
}

fn waiting(object: &Value) -> Vec<&'static str> {
    let status = &object["status"];
    let observed = text(status, "/aws/applicationStatus");
    let wants_a_job = object["spec"]["desiredState"] != "Stopped" && status["forceStopped"].is_null();
    let newest = status["history"].as_array().and_then(|history| history.last());
    let reports = object["spec"]["management"]["drift"] == "Report";
    let ended = newest.is_some_and(|newest| match text(newest, "/result") {
        "JobEnded" => true,
        // Content that no revision is known to have is not started.
        "StoppedElsewhere" => !reports && status["aws"]["applicationVersionId"] == status["revisions"]["goodVersionId"],
        _ => false,
    });
    let stopped = !status["rollout"]["ranBefore"].is_null();
    let asked = ["restart", "forceStop", "rollback", "snapshot"];
    let asked = asked.iter().any(|request| !status["requests"][request].is_null());
    let running = observed == "RUNNING";
    let way_back = &status["wayBack"];
    [
        (
            "a job that is down",
            observed == "READY" && wants_a_job && (ended || stopped),
        ),
        (
            "a job that shall be stopped",
            running && object["spec"]["desiredState"] == "Stopped",
        ),
        ("a gate", running && status.pointer("/rollout/gate").is_some()),
        (
            "a way back",
            !way_back.is_null() && way_back["failure"].is_null() && wants_a_job,
        ),
        ("a request", running && asked),
    ]
    .into_iter()
    .filter(|(_, waits)| *waits)
    .map(|(what, _)| what)
    .collect()
}

/// S45: a spec that cannot be followed brings no content but that of a way back, and nothing to which it was not asked before:
/// neither tags nor a maintenance window.
pub(super) fn a_spec_that_cannot_be_followed_brings_nothing(history: History<'_>) -> Vec<String> {
    let wrong = history.calls().filter(|(at, _, call)| {
        let written = history.written(*at);
        let is_spoiled = said(written, "Synced")
            .is_some_and(|(reason, words)| reason == "InvalidSpec" || words.starts_with("ConfigMap "));
        let goes_back = ["wayBack", "putBack"].iter().any(|way| !written[way].is_null());
        let content = matches!(
            call.operation.as_str(),
            "CreateApplication" | "AddApplicationVpcConfiguration" | "AddApplicationCloudWatchLoggingOption"
        );
        let aside = matches!(
            call.operation.as_str(),
            "TagResource" | "UntagResource" | "UpdateApplicationMaintenanceConfiguration"
        );
        let updates = text(written, "/intent/step") == "Update";
        is_spoiled && !goes_back && (content || aside || updates) && !is_true(written, "Paused")
    });
    wrong
        .map(|(_, entry, call)| {
            format!(
                "{} at {} is sent for a spec that cannot be followed",
                call.operation, entry.at
            )
        })
        .collect()
}

/// The reason and the message of a condition that is false.
fn said<'a>(status: &'a Value, type_: &str) -> Option<(&'a str, &'a str)> {
    let mut conditions = status["conditions"].as_array()?.iter();
    let found = conditions.find(|condition| condition["type"] == type_ && condition["status"] == "False")?;
    Some((text(found, "/reason"), text(found, "/message")))
}
