//! What a change does to a job that may be sick.

use jiff::SignedDuration;
use serde_json::Value;

use crate::history::{History, text};
use crate::trace::{Call, Entry, What};

/// For how long a job that gives no snapshot is asked again before it is changed without one, less the time of a call.
const WINDOW: SignedDuration = SignedDuration::from_secs(290);

/// S26: on the return to the good revision out of the gate of another, nothing of the job on trial is kept: no snapshot is
/// taken of it first, and the update names a state of a good job. One that could not be proven in its time is left like any
/// other job.
pub(super) fn a_return_to_the_good_revision_leaves_the_state_on_trial(history: History<'_>) -> Vec<String> {
    let judged = history.calls().filter_map(|(at, entry, call)| {
        let written = history.written(at);
        if !leaves_a_job_on_trial(history, at, written) {
            return None;
        }
        let step = text(written, "/intent/step");
        let restores = text(
            &call.input,
            "/RunConfigurationUpdate/ApplicationRestoreConfiguration/ApplicationRestoreType",
        );
        let problem = match step {
            "TakeSnapshot" => "takes a snapshot of the job that goes",
            "Update" if restores == "RESTORE_FROM_LATEST_SNAPSHOT" => "keeps the state of the job that goes",
            "Update" if call.origin.snapshot_of_good == Some(false) => {
                "restores the state of a job that was never good"
            }
            _ => return None,
        };
        Some(format!("{} at {} {problem}", call.operation, entry.at))
    });
    judged.collect()
}

/// Whether a call serves the good revision while the job of another runs that was neither proven nor could not be.
fn leaves_a_job_on_trial(history: History<'_>, at: usize, written: &Value) -> bool {
    let revisions = &written["revisions"];
    let (good, running) = (text(revisions, "/good"), text(revisions, "/running"));
    let is_running = history.described(at).and_then(|read| read.status.as_deref()) == Some("RUNNING");
    // What was good earlier and comes again is on trial too.
    let is_left = text(written, "/wayBack/reason") == "Reverted" || running != text(revisions, "/previous/revision");
    let is_another = !running.is_empty() && running != good && is_left;
    // The revision of somebody else's content has no digest.
    let is_ours = !running.starts_with("version ");
    is_running
        && !good.is_empty()
        && text(written, "/intent/revision") == good
        && is_another
        && is_ours
        && !was_unverified(history, at, running)
}

/// Whether a status said since the running job came that it could not be proven in its time.
fn was_unverified(history: History<'_>, at: usize, running: &str) -> bool {
    let statuses = history.0[..at].iter().rev().filter_map(|entry| match &entry.what {
        What::Pass(object) => Some(&object["status"]),
        _ => None,
    });
    let mut of_this_job = statuses.take_while(|status| text(status, "/revisions/running") == running);
    of_this_job.any(|status| {
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        conditions.any(|condition| condition["reason"] == "Unverified")
    })
}

/// S27: while the service takes no snapshot of a job because it is down, no update of that change is sent before the window
/// is over in which it may come up.
pub(super) fn no_update_follows_a_snapshot_that_the_job_could_not_give(history: History<'_>) -> Vec<String> {
    let mut first: Option<(String, &Entry)> = None;
    let mut found = Vec::new();
    for (at, entry, call) in history.calls() {
        let written = history.written(at);
        let revision = text(written, "/intent/revision");
        match text(written, "/intent/step") {
            // One that is accepted and followed by an update without it has failed.
            "TakeSnapshot" if call.job_is_down || call.took_effect => {
                let begun = first.take().filter(|(of, _)| of == revision);
                first = Some(begun.unwrap_or_else(|| (revision.to_owned(), entry)));
            }
            // Where snapshots are off there is none to be had.
            "Update" if call.before.as_ref().is_some_and(|seen| !seen.snapshots_on) => {}
            "Update" if text(written, "/rollout/preChangeSnapshot").is_empty() => {
                let since = first.as_ref().filter(|(of, _)| of == revision);
                if since.is_some_and(|(_, since)| entry.at < since.at + WINDOW) && on_running(history, at, call) {
                    found.push(format!(
                        "UpdateApplication at {} follows a snapshot that the job could not give",
                        entry.at
                    ));
                }
            }
            "Tag" | "Untag" | "SetMaintenanceWindow" | "BackUp" => {}
            _ if !call.answered => {}
            _ => first = None,
        }
    }
    found
}

fn on_running(history: History<'_>, at: usize, call: &Call) -> bool {
    let status = history.described(at).and_then(|read| read.status.as_deref());
    call.operation == "UpdateApplication" && status == Some("RUNNING")
}
