//! What the gate may do to a good revision, and what counts as one.

use serde_json::{Value, json};

use super::tale::{Tale, object};
use super::{failed_revisions, is_force_asked_for};
use crate::history::{History, text};
use crate::trace::{Entry, What, Write};

/// S48: no job of the newest good revision is stopped by force for what its gate found, but one that came up without its
/// state: the service refused a call because it is down, `onUnhealthy` answers, somebody asked, another comes, or a change
/// failed under `onFailure: ForceStop`.
pub(super) fn no_gate_stops_the_good_revision(history: History<'_>) -> Vec<String> {
    let forced = history.calls().filter(|(at, _, call)| {
        let written = history.written(*at);
        let good = text(written, "/revisions/good");
        let is_running = history.described(*at).and_then(|read| read.status.as_deref()) == Some("RUNNING");
        let is_in_place = is_running && !good.is_empty() && text(written, "/revisions/running") == good;
        let target = text(written, "/revisions/target");
        let by_policy = text(&history.object(*at)["spec"], "/rollout/onFailure") == "ForceStop";
        let another_failed = by_policy && target != good && failed_revisions(written).contains(target);
        let is_excused = another_failed || is_force_asked_for(history, *at) || has_a_reason(written, good);
        call.forces() && is_in_place && !is_excused
    });
    forced
        .map(|(_, entry, _)| format!("the forced stop at {} ends a job of the good revision", entry.at))
        .collect()
}

/// Whether a status tells why a job of the good revision is stopped by force.
fn has_a_reason(status: &Value, good: &str) -> bool {
    let failure = &status["lastFailure"];
    let is_stateless = text(failure, "/reason") == "StateNotRestored" && text(failure, "/revision") == good;
    text(status, "/refusal/class") == "JobDown"
        || status.pointer("/health/restartLoop/answer").is_some()
        || !status["wayBack"].is_null()
        || is_stateless
}

/// S44: a job of the newest good revision that came up without its state is stopped by force once, and not again before
/// somebody does something.
pub(super) fn what_comes_up_without_its_state_is_stopped_once(history: History<'_>) -> Vec<String> {
    let mut stopped: Option<usize> = None;
    let mut found = Vec::new();
    for (at, entry, call) in history.calls() {
        let written = history.written(at);
        let good = text(written, "/revisions/good");
        let failure = &written["lastFailure"];
        let is_stateless = text(failure, "/reason") == "StateNotRestored" && text(failure, "/revision") == good;
        let is_in_place = text(written, "/revisions/running") == good && written["wayBack"].is_null();
        let is_down = text(written, "/refusal/class") == "JobDown";
        if !call.forces() || !call.took_effect || !is_stateless || !is_in_place || is_down {
            continue;
        }
        if is_force_asked_for(history, at) || written.pointer("/health/restartLoop/answer").is_some() {
            continue;
        }
        let since = stopped.map(|since| &history.0[since..at]);
        let is_left = |entry: &Entry| matches!(entry.what, What::User(_) | What::Elsewhere(_));
        if since.is_some_and(|since| !since.iter().any(is_left)) {
            found.push(format!(
                "a job without its state is stopped by force again at {}",
                entry.at
            ));
        }
        // The start that follows is the restart that is asked for, and another attempt.
        let nonce = &history.object(at)["spec"]["restartNonce"];
        let is_asked_for = !written["requests"]["restart"].is_null() || *nonce != written["handled"]["restartNonce"];
        stopped = (!is_asked_for).then_some(at);
    }
    found
}

/// S49: only the start of the newest good revision, or of the one that a way back leads to, fails without its revision; every
/// other is judged like one that never was good.
pub(super) fn what_was_good_earlier_is_judged(history: History<'_>) -> Vec<String> {
    let spared = history.writes().filter_map(|(_, entry, write)| {
        let Write {
            before: Some(before),
            after: Some(after),
            ..
        } = write
        else {
            return None;
        };
        let (before, after) = (&before["status"], &after["status"]);
        let failed = newest(after)
            .filter(|newest| text(newest, "/result") == "StartFailed" && newest_at(before) != text(newest, "/at"))?;
        let revision = text(failed, "/revision");
        let is_spared = [before, after]
            .iter()
            .any(|status| text(status, "/revisions/good") == revision || text(status, "/wayBack/to") == revision);
        (!is_spared).then(|| format!("revision {revision} is not called failed at {}", entry.at))
    });
    spared.collect()
}

fn newest(status: &Value) -> Option<&Value> {
    status["history"].as_array()?.last()
}

fn newest_at(status: &Value) -> &str {
    newest(status).map_or("", |newest| text(newest, "/at"))
}

#[test]
fn a_forced_stop_of_the_good_revision_breaks_s48() {
    let forced = |change: &dyn Fn(&mut Value)| {
        let good = json!({"good": "r1", "running": "r1"});
        let tale = Tale::new().with(|object, _| {
            object["status"]["revisions"] = good;
            change(object);
        });
        let tale = tale.pass(0, Some("RUNNING"));
        let tale = tale.call(0, "StopApplication", json!({"Force": true}));
        tale.breaks().contains(&"S48")
    };
    assert!(forced(&|_| {}));
    assert!(!forced(&|object| object["status"]["revisions"]["running"] = json!("r2")));
    assert!(!forced(
        &|object| object["status"]["requests"] = json!({"forceStop": "1"})
    ));
    assert!(!forced(
        &|object| object["status"]["refusal"] = json!({"class": "JobDown"})
    ));
    let stateless = json!({"reason": "StateNotRestored", "revision": "r1"});
    assert!(!forced(&|object| object["status"]["lastFailure"] = stateless.clone()));
    let answered = json!({"restartLoop": {"answer": "Restart"}});
    assert!(!forced(&|object| object["status"]["health"] = answered.clone()));
    let failed = |object: &mut Value| {
        object["status"]["revisions"]["target"] = json!("r2");
        object["status"]["failedRevisions"] = json!([{"revision": "r2"}]);
    };
    assert!(forced(&failed));
    assert!(!forced(&|object| {
        failed(object);
        object["spec"]["rollout"] = json!({"onFailure": "ForceStop"});
    }));
}

#[test]
fn a_job_without_its_state_that_is_stopped_by_force_twice_breaks_s44() {
    let stopped = |between: What| {
        let tale = Tale::new().with(|object, _| {
            object["status"]["revisions"] = json!({"good": "r1", "running": "r1"});
            object["status"]["lastFailure"] = json!({"reason": "StateNotRestored", "revision": "r1"});
        });
        let force = || json!({"Force": true});
        let tale = tale.pass(0, Some("RUNNING")).call(0, "StopApplication", force());
        let tale = tale.add(60, between).pass(90, Some("RUNNING"));
        tale.call(90, "StopApplication", force()).breaks().contains(&"S44")
    };
    assert!(stopped(What::Crash));
    assert!(!stopped(What::User("sluicegate.dev/retry-requested-at")));
}

#[test]
fn a_revision_that_was_good_earlier_and_only_does_not_start_breaks_s49() {
    let failed = |revisions: Value| {
        let mut after = object();
        after["status"]["revisions"] = revisions;
        let entry = json!({"at": "1970-01-01T00:00:05Z", "result": "StartFailed", "revision": "r1"});
        after["status"]["history"] = json!([entry]);
        Tale::new().wrote(5, object(), after).breaks().contains(&"S49")
    };
    assert!(failed(json!({"good": "r2", "previous": {"revision": "r1"}})));
    assert!(!failed(json!({"good": "r1"})));
}
