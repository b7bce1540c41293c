//! What a failure of a change may lead to, and what a change must show before it counts as good.

use serde_json::Value;

use super::calls::retried;
use super::{failed_revisions, is_force_asked_for};
use crate::history::{History, text};
use crate::trace::{Call, Entry, What};

const RESTORE: &str = "/ApplicationRestoreConfiguration/ApplicationRestoreType";

/// S2: no start restores a snapshot of a newer runtime, and a start of the way back restores one that a job of a good
/// revision made.
pub(super) fn a_way_back_restores_the_state_of_a_good_job(history: History<'_>) -> Vec<String> {
    let judged = history.calls().filter_map(|(at, entry, call)| {
        let written = history.written(at);
        let on_the_way = written.get("wayBack").is_some()
            && text(written, "/intent/revision") == text(written, "/wayBack/to")
            && call.operation == "StartApplication";
        // Of a resource that came back without its status, every snapshot is as good as another.
        let is_restored = |entry: &Entry| matches!(entry.what, What::Elsewhere("restored from a backup"));
        let was_lost = history.0[..at].iter().any(is_restored);
        let problem = if call.origin.newer_runtime {
            "restores a snapshot of a newer runtime"
        } else if on_the_way && !was_lost && call.origin.snapshot_of_good == Some(false) {
            "goes back to the state of a job that was never good"
        } else {
            return None;
        };
        Some(format!("{} at {} {problem}", call.operation, entry.at))
    });
    judged.collect()
}

/// Whether the user had the application stopped in between, which puts a way back off, and started again.
fn started_again(between: &[Entry]) -> bool {
    between.iter().any(|entry| matches!(entry.what, What::User("start")))
}

/// S10: one way back per revision until a retry, beside those that the spec asks for by its return to the good revision;
/// only to a good revision, and no rollback to anything else.
pub(super) fn a_revision_is_rolled_back_once_and_only_to_what_was_good(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut begun: Vec<(usize, &str, &str)> = Vec::new();
    for (at, entry, write) in history.writes() {
        let Some(after) = &write.after else { continue };
        let way = &after["status"]["wayBack"];
        let (from, to, uid) = (text(way, "/from"), text(way, "/to"), text(after, "/metadata/uid"));
        let before = write.before.as_ref().map_or(&Value::Null, |before| &before["status"]);
        let restarts_the_good_one = text(before, "/rolledBack/from") == from;
        let is_theirs = way["elsewhere"] == true;
        if way.is_null() || is_theirs || text(before, "/wayBack/from") == from || restarts_the_good_one {
            continue;
        }
        let mut earlier = begun.iter().filter(|(_, of, whose)| *of == from && *whose == uid);
        let is_asked_for = text(way, "/reason") == "Reverted";
        let excused = |between: &[Entry]| is_asked_for || retried(between) || started_again(between);
        if earlier.any(|(began, _, _)| !excused(&history.0[*began..at])) {
            found.push(format!("revision {from} is rolled back again at {}", entry.at));
        }
        let status = &after["status"];
        // Somebody may ask to go back behind the newest good revision.
        let is_older = text(way, "/reason") == "Manual" && text(status, "/revisions/previous/revision") == to;
        let is_good = text(status, "/revisions/good") == to || is_older;
        if !is_good || failed_revisions(status).contains(to) {
            found.push(format!("the way back of {} leads to {to}, which is not good", entry.at));
        }
        if !is_asked_for {
            begun.push((at, from, uid));
        }
    }
    let astray = history
        .calls()
        .filter(|(_, _, call)| call.origin.returns_to_good == Some(false))
        .filter(|(at, _, _)| text(history.written(*at), "/wayBack/reason") != "Manual");
    found.extend(astray.map(|(_, entry, _)| format!("RollbackApplication at {} leads to what is not good", entry.at)));
    found
}

/// S19: a running job is rolled back or stopped by force only after it was seen since the last change, an operation
/// failed, the service itself says that it is down, the spec returned to the good revision, or somebody asks.
pub(super) fn nothing_is_undone_without_evidence(history: History<'_>) -> Vec<String> {
    let undone = history.calls().filter(|(at, _, call)| {
        let undoes = call.operation == "RollbackApplication" || call.forces();
        let deleting = !history.object(*at)["metadata"]["deletionTimestamp"].is_null();
        let running = history.described(*at).and_then(|read| read.status.as_deref()) == Some("RUNNING");
        undoes && running && !deleting && !is_evident(history, *at, call)
    });
    undone
        .map(|(_, entry, call)| format!("{} at {} has no evidence", call.operation, entry.at))
        .collect()
}

fn is_evident(history: History<'_>, at: usize, call: &Call) -> bool {
    let written = history.written(at);
    let is_asked_for = text(written, "/revisions/target") == text(written, "/revisions/good")
        && text(written, "/wayBack/reason") == "Reverted";
    if is_asked_for {
        return true;
    }
    let mut operations = call.before.iter().flat_map(|seen| &seen.operations);
    let changed = history
        .calls()
        .filter(|(place, _, call)| *place < at && launches(history, *place, call));
    let Some((changed, _, _)) = changed.last() else {
        return is_force_asked_for(history, at)
            || text(written, "/wayBack/reason") == "Manual"
            || !failed_revisions(written).is_empty()
            || text(written, "/refusal/class") == "JobDown"
            || written.pointer("/health/restartLoop").is_some();
    };
    let seen = history.0[changed..at].iter().any(|entry| {
        let What::Read(read) = &entry.what else { return false };
        read.operation == "FlinkRest" && read.status.as_deref() == Some("200")
    });
    seen || operations.any(|(_, _, status)| status == "FAILED") || text(written, "/refusal/class") == "JobDown"
}

/// Whether a call brought another job.
pub(super) fn launches(history: History<'_>, at: usize, call: &Call) -> bool {
    let brings = matches!(
        call.operation.as_str(),
        "StartApplication" | "UpdateApplication" | "RollbackApplication"
    );
    brings && history.effect_of(at).is_some()
}

/// S21: what opens the job is in no status and no event.
pub(super) fn no_secret_is_told(history: History<'_>) -> Vec<String> {
    let mut secrets = vec!["authToken"];
    let mut found = Vec::new();
    for entry in history.0 {
        let told = match &entry.what {
            What::Read(read) => {
                secrets.extend(read.secret.as_deref().filter(|secret| !secrets.contains(secret)));
                continue;
            }
            What::Write(write) => {
                let after = write.after.as_ref();
                after.and_then(|after| serde_json::to_string(&after["status"]).ok())
            }
            What::Event { note, .. } => Some(note.clone()),
            _ => continue,
        };
        let told = told.unwrap_or_default();
        if secrets.iter().any(|secret| told.contains(secret)) {
            found.push(format!("a secret is told at {}", entry.at));
        }
    }
    found
}

/// S22: what asked for state and came up without it does not become good. What others start in between is not judged.
pub(super) fn nothing_becomes_good_without_the_state_it_asked_for(history: History<'_>) -> Vec<String> {
    let judged = history.writes().filter_map(|(at, entry, write)| {
        let good = |object: &Value| object["status"]["revisions"]["goodVersionId"].clone();
        let after = write.after.as_ref()?;
        let before = write.before.as_ref().map_or(Value::Null, |before| good(before));
        if good(after) == before || good(after).is_null() || write.restored.is_some() {
            return None;
        }
        let (changed, _, call) = history
            .calls()
            .filter(|(place, _, call)| *place < at && launches(history, *place, call))
            .last()?;
        let elsewhere = history.0[changed..at]
            .iter()
            .any(|entry| matches!(entry.what, What::Elsewhere(_)));
        let run = if call.operation == "StartApplication" {
            &call.input["RunConfiguration"]
        } else {
            &call.input["RunConfigurationUpdate"]
        };
        let asked = text(run, RESTORE).starts_with("RESTORE_");
        (asked && !elsewhere && history.effect_of(changed).is_some()).then(|| {
            format!(
                "revision {} becomes good at {} without its state",
                text(after, "/status/revisions/good"),
                entry.at
            )
        })
    });
    judged.collect()
}
