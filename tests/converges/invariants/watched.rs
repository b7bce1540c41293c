//! What runs is answered and snapshotted, however its rollout ended.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{failed_revisions, is_restart_left, is_stalled_as, stalled_for};
use crate::history::{History, text};
use crate::trace::What;

/// How late a run of the schedule may be made.
const LATE: SignedDuration = SignedDuration::from_mins(4);

/// S46: a restart that is asked for of a revision that failed and is left in place is made: no status says that nothing
/// happens while the request is open and the job runs.
pub(super) fn what_failed_and_is_left_is_restarted_when_it_is_asked_for(history: History<'_>) -> Vec<String> {
    let put_off = history.writes().filter(|(_, _, write)| {
        let Some(after) = &write.after else { return false };
        let status = &after["status"];
        let in_place = text(status, "/revisions/running");
        let failed = failed_revisions(status).contains(in_place) && status["wayBack"].is_null();
        let spoiled = ["InvalidSpec", "ReferenceNotFound"];
        let told =
            stalled_for(status).is_some_and(|(reason, _)| reason != "NoRestorePoint" && !spoiled.contains(&reason));
        is_restart_left(after) && failed && told
    });
    put_off
        .map(|(_, entry, _)| format!("a restart of what failed and is in place is put off at {}", entry.at))
        .collect()
}

/// S47: a job that runs and could not be verified gets the snapshots that are due: of two looks at it in a row, the first
/// has not left the same one open.
pub(super) fn what_is_not_verified_gets_its_snapshots(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut before: Option<(u32, Vec<String>)> = None;
    for entry in history.0 {
        let What::Pass(object) = &entry.what else { continue };
        let open = open(object, entry.at);
        if let Some((process, earlier)) = &before
            && *process == entry.process
            && let Some(what) = open.iter().find(|what| earlier.contains(*what))
        {
            found.push(format!(
                "{what} of a job that could not be verified is left at {}",
                entry.at
            ));
        }
        before = Some((entry.process, open));
    }
    found
}

/// The snapshots that are due of a job that could not be verified.
fn open(object: &Value, now: Timestamp) -> Vec<String> {
    let status = &object["status"];
    let rests = is_stalled_as(status, "Unverified") && status["intent"].is_null();
    let running = text(status, "/aws/applicationStatus") == "RUNNING";
    if !rests || !running || !status["snapshots"]["failure"].is_null() {
        return Vec::new();
    }
    let request = status["requests"]["snapshot"].as_str();
    let request = request.map(|value| format!("the snapshot of request {value}"));
    let run = status["snapshots"]["nextAt"].as_str();
    let run = run.filter(|at| at.parse::<Timestamp>().is_ok_and(|at| at + LATE < now));
    let run = run.map(|at| format!("the snapshot of {at}"));
    request.into_iter().chain(run).collect()
}
