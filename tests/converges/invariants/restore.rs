//! Where the state of a job comes from.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{is_force_asked_for, is_stalled_as};
use crate::history::{History, text};
use crate::script::SWITCHED_OFF;
use crate::trace::{Call, Seen, What};

const RESTORE: &str = "/ApplicationRestoreConfiguration/ApplicationRestoreType";
const SNAPSHOT: &str = "/ApplicationRestoreConfiguration/SnapshotName";
const DROP_STATE: &str = "/FlinkRunConfiguration/AllowNonRestoredState";

/// S1: every start, and every change of a running job, names its restore in full; a change while READY carries none.
/// A start with state names its snapshot; an empty one needs consent, or an application that never had state.
pub(super) fn every_start_names_its_restore_in_full(history: History<'_>) -> Vec<String> {
    let judged = history.calls().filter_map(|(at, entry, call)| {
        let problem = match call.operation.as_str() {
            "StartApplication" => start(history, at, call),
            "UpdateApplication" => update(history, at, call),
            "AddApplicationVpcConfiguration"
            | "DeleteApplicationVpcConfiguration"
            | "AddApplicationCloudWatchLoggingOption"
            | "DeleteApplicationCloudWatchLoggingOption"
                if status(history, at) != "READY" =>
            {
                Some("restarts a running job without naming its restore".to_owned())
            }
            _ => None,
        };
        problem.map(|problem| format!("{} at {} {problem}", call.operation, entry.at))
    });
    judged.collect()
}

fn status(history: History<'_>, at: usize) -> &str {
    let described = history.described(at);
    described.and_then(|read| read.status.as_deref()).unwrap_or_default()
}

fn start(history: History<'_>, at: usize, call: &Call) -> Option<String> {
    let run = &call.input["RunConfiguration"];
    if run.pointer(DROP_STATE).is_none() {
        return Some("does not say whether state may be dropped".to_owned());
    }
    match text(run, RESTORE) {
        "RESTORE_FROM_CUSTOM_SNAPSHOT" => unusable(call.before.as_ref(), text(run, SNAPSHOT)),
        "SKIP_RESTORE_FROM_SNAPSHOT" => (!may_start_empty(history, at, call))
            .then(|| "starts empty although the application had state and nobody consented".to_owned()),
        other => Some(format!("restores {other:?} instead of a named snapshot")),
    }
}

fn unusable(seen: Option<&Seen>, snapshot: &str) -> Option<String> {
    let mut known = seen.into_iter().flat_map(|seen| &seen.snapshots);
    let is_ready = known.any(|(name, status)| name == snapshot && status == "READY");
    (!is_ready).then(|| format!("restores snapshot {snapshot:?}, which is not READY"))
}

fn may_start_empty(history: History<'_>, at: usize, call: &Call) -> bool {
    let object = history.object(at);
    let written = history.written(at);
    let no_snapshot = call.before.as_ref().is_none_or(|seen| seen.snapshots.is_empty());
    let never_had_state = no_snapshot && written["hadState"] != true;
    let consent = object.pointer("/metadata/annotations/sluicegate.dev~1allow-empty-start");
    let consented = consent.is_some_and(|consent| *consent == written["intent"]["revision"]);
    // Content whose snapshots are off was proven under the standing consent to empty starts; a way back to it starts as it
    // always did.
    let content_is_off = call.before.as_ref().is_some_and(|seen| !seen.snapshots_on);
    let by_spec = is_off(object) || text(object, "/spec/restore/onStart") == "None";
    never_had_state || consented || content_is_off || by_spec
}

fn is_off(object: &Value) -> bool {
    object.pointer("/spec/snapshots/enabled") == Some(&Value::Bool(false))
}

fn update(history: History<'_>, at: usize, call: &Call) -> Option<String> {
    let run = &call.input["RunConfigurationUpdate"];
    if status(history, at) == "READY" {
        return (!run.is_null()).then(|| "carries a run configuration while READY".to_owned());
    }
    if run.pointer(DROP_STATE).is_none() {
        return Some("does not say whether state may be dropped".to_owned());
    }
    let object = history.object(at);
    match text(run, RESTORE) {
        "RESTORE_FROM_LATEST_SNAPSHOT" => call
            .before
            .as_ref()
            .is_some_and(|seen| !seen.snapshots_on)
            .then(|| "restores the latest snapshot although snapshots are off".to_owned()),
        "RESTORE_FROM_CUSTOM_SNAPSHOT" => unusable(call.before.as_ref(), text(run, SNAPSHOT)),
        "SKIP_RESTORE_FROM_SNAPSHOT" => {
            let consented = is_off(object)
                || text(object, "/spec/restore/onUpdate") == "None"
                || call.before.as_ref().is_some_and(|seen| !seen.snapshots_on);
            (!consented).then(|| "skips the restore although nobody consented".to_owned())
        }
        other => Some(format!("restores {other:?}")),
    }
}

/// S3: `AllowNonRestoredState` is true only if the spec says so.
pub(super) fn state_is_dropped_only_if_the_spec_says_so(history: History<'_>) -> Vec<String> {
    let dropped = history.calls().filter(|(at, _, call)| {
        let runs = [&call.input["RunConfiguration"], &call.input["RunConfigurationUpdate"]];
        let allows = runs
            .iter()
            .any(|run| run.pointer(DROP_STATE) == Some(&Value::Bool(true)));
        let asked = history.object(*at).pointer("/spec/restore/allowNonRestoredState");
        allows && asked != Some(&Value::Bool(true))
    });
    dropped
        .map(|(_, entry, call)| format!("{} at {} lets state be dropped", call.operation, entry.at))
        .collect()
}

/// S28: while snapshots are off because somebody else switched them off, a running job is neither changed, restarted nor
/// stopped at the cost of its state, unless the spec or an annotation consents.
pub(super) fn what_somebody_else_switched_off_is_no_consent(history: History<'_>) -> Vec<String> {
    let judged = history.calls().filter(|(at, _, call)| {
        let object = history.object(*at);
        let was_switched_off = history.0[..*at].iter().rev().find_map(|entry| match &entry.what {
            What::Elsewhere(SWITCHED_OFF) => Some(true),
            What::Call(call) if brings_snapshots(call) => Some(false),
            _ => None,
        });
        let is_off_now = call.before.as_ref().is_some_and(|seen| !seen.snapshots_on);
        let elsewhere = is_off_now && was_switched_off == Some(true) && !is_off(object);
        let restores = text(&call.input["RunConfigurationUpdate"], RESTORE);
        let loses = match call.operation.as_str() {
            "UpdateApplication" => status(history, *at) == "RUNNING" && !restores.contains("CUSTOM"),
            "StopApplication" => {
                let stops = !call.forces() && object["metadata"]["deletionTimestamp"].is_null();
                stops && text(object, "/spec/restore/onStart") != "None"
            }
            _ => false,
        };
        let consent = object.pointer("/metadata/annotations/sluicegate.dev~1allow-empty-start");
        let consented = consent.is_some() || text(object, "/spec/restore/onUpdate") == "None";
        elsewhere && loses && !consented
    });
    judged
        .map(|(_, entry, call)| format!("{} at {} loses the state that nobody gave up", call.operation, entry.at))
        .collect()
}

/// Whether a call of the controller says whether snapshots are taken.
fn brings_snapshots(call: &Call) -> bool {
    let member = "/ApplicationConfigurationUpdate/ApplicationSnapshotConfigurationUpdate";
    call.took_effect && call.input.pointer(member).is_some()
}

/// How long after a graceful stop no start goes on from an older snapshot.
const AWAITED: SignedDuration = SignedDuration::from_mins(2);

/// S35: a start within two minutes of a graceful stop does not go on from an older snapshot than the stop's own, unless that
/// one failed, the spec or an annotation chose, or the state of the job that was stopped is not to be kept.
pub(super) fn a_start_after_a_graceful_stop_awaits_its_snapshot(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, entry, call) in history.calls() {
        let run = &call.input["RunConfiguration"];
        if call.operation != "StartApplication" || text(run, RESTORE).starts_with("SKIP") && was_chosen(history, at) {
            continue;
        }
        let Some(stopped_at) = graceful_stop_before(history, at) else {
            continue;
        };
        let seen = call.before.iter().flat_map(|seen| &seen.snapshots);
        let newest = seen
            .last()
            .filter(|(_, status)| ["READY", "CREATING"].contains(&status.as_str()));
        let older = newest.is_some_and(|(name, _)| *name != text(run, SNAPSHOT));
        let is_awaited = entry.at < stopped_at + AWAITED && !has_a_twin(history, stopped_at);
        if older && is_awaited && !was_chosen(history, at) && !is_left_behind(history, at) {
            found.push(format!(
                "the start at {} goes on from {:?}, which is older than the snapshot of the stop before it",
                entry.at,
                text(run, SNAPSHOT)
            ));
        }
    }
    found
}

/// When the last stop took effect that no start followed, where it took a snapshot.
fn graceful_stop_before(history: History<'_>, at: usize) -> Option<Timestamp> {
    let mut before = history.0[..at].iter().enumerate().rev();
    before.find_map(|(place, entry)| match &entry.what {
        What::Call(call) if call.operation == "StartApplication" => history.effect_of(place).map(|_| None),
        What::Call(call) if call.operation == "StopApplication" => history.effect_of(place).map(|effect| {
            let keeps = call.before.as_ref().is_some_and(|seen| seen.snapshots_on);
            Some(effect).filter(|_| keeps && !call.forces())
        }),
        What::Elsewhere("console stop") => Some(Some(entry.at)),
        What::Elsewhere(who) if who.starts_with("console") && !who.contains("snapshot") => Some(None),
        _ => None,
    })?
}

/// Whether somebody took a snapshot in the second of a stop: the times of the service do not tell the two apart.
fn has_a_twin(history: History<'_>, stopped_at: Timestamp) -> bool {
    history.0.iter().any(|entry| {
        let apart = stopped_at.duration_since(entry.at).abs();
        matches!(entry.what, What::Elsewhere("console snapshot")) && apart < SignedDuration::from_secs(1)
    })
}

/// Whether the spec or an annotation says where the job goes on.
fn was_chosen(history: History<'_>, at: usize) -> bool {
    let object = history.object(at);
    let restore = &object["spec"]["restore"];
    let consent = object.pointer("/metadata/annotations/sluicegate.dev~1allow-empty-start");
    is_off(object) || !restore.is_null() || consent.is_some()
}

/// Whether the job that was stopped was of a revision that is left, or was never proven while an older one comes back.
fn is_left_behind(history: History<'_>, at: usize) -> bool {
    let written = history.written(at);
    let spans = written["unproven"].as_array();
    let unproven = spans.is_some_and(|spans| !spans.is_empty());
    unproven && (!written["wayBack"].is_null() || !written["failedRevisions"].is_null())
}

/// S39: no forced stop leaves a job down for want of a state to start from, unless a person, a deletion or a policy asks for
/// the stop, or somebody does something after it.
pub(super) fn no_force_leaves_a_job_down_for_want_of_state(history: History<'_>) -> Vec<String> {
    let forced = history.calls().filter(|(at, _, call)| {
        let spec = &history.object(*at)["spec"];
        let policies = ["/rollout/onFailure", "/health/onUnhealthy"];
        let by_policy = policies.iter().any(|policy| text(spec, policy) == "ForceStop");
        call.forces() && call.took_effect && !by_policy && !is_force_asked_for(history, *at)
    });
    let left_down = forced.filter(|(at, _, _)| {
        let since = history.0[at + 1..].iter().take_while(|entry| match &entry.what {
            What::User(_) | What::Elsewhere(_) => false,
            What::Call(call) => call.operation != "StartApplication",
            _ => true,
        });
        let mut written = since.filter_map(|entry| match &entry.what {
            What::Write(write) => Some(&write.after.as_ref()?["status"]),
            _ => None,
        });
        written
            .any(|status| text(status, "/aws/applicationStatus") == "READY" && is_stalled_as(status, "NoRestorePoint"))
    });
    left_down
        .map(|(_, entry, _)| format!("the forced stop at {} leaves nothing to start from", entry.at))
        .collect()
}
