//! Which snapshots are taken beside a running job, and which are deleted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::history::{History, text};
use crate::trace::Call;

/// S7: only the retention deletes a snapshot, never one that somebody may go back to, and nothing while a change or a way
/// back is under way.
pub(super) fn no_protected_snapshot_is_deleted(history: History<'_>) -> Vec<String> {
    let deletions = history
        .calls()
        .filter(|(_, _, call)| call.operation == "DeleteApplicationSnapshot");
    let wrong = deletions.filter_map(|(at, entry, call)| {
        let written = history.written(at);
        let spec = &history.object(at)["spec"];
        let name = call.input["SnapshotName"].as_str().unwrap_or_default();
        let retention = &spec["snapshots"]["retention"];
        let foreign = !name.starts_with("sluicegate-") && retention["scope"] != "All";
        let busy = !written["rollout"].is_null() || !written["wayBack"].is_null();
        let why = if retention.is_null() {
            "no retention asks for it"
        } else if foreign {
            "it is not ours"
        } else if busy {
            "a change is under way"
        } else if protected(written, spec, call).contains(&name) {
            "it is protected"
        } else {
            return None;
        };
        Some(format!("snapshot {name} is deleted at {}, and {why}", entry.at))
    });
    wrong.collect()
}

/// What the status and the spec name, and the newest one that can be restored.
fn protected<'a>(status: &'a Value, spec: &'a Value, call: &'a Call) -> Vec<&'a str> {
    let seen = call.before.iter().flat_map(|seen| seen.snapshots.iter().rev());
    let mut ready = seen.filter(|(_, status)| status == "READY");
    let newest = ready.next().map_or("", |(name, _)| name.as_str());
    vec![
        newest,
        text(status, "/snapshots/latest"),
        text(status, "/revisions/goodSnapshot"),
        text(status, "/revisions/previous/snapshot"),
        text(spec, "/restore/once/snapshotName"),
        text(spec, "/restore/initial/snapshotName"),
    ]
}

/// S24: beside a change, only the job of a good revision is snapshotted, or one that could not be verified in its time, while
/// it runs undisturbed, and once for each run of the schedule.
pub(super) fn a_run_takes_one_snapshot_of_an_undisturbed_job(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut runs: BTreeMap<String, usize> = BTreeMap::new();
    for (at, entry, call) in history.calls() {
        let written = history.written(at);
        if text(written, "/intent/step") != "BackUp" {
            continue;
        }
        let name = call.input["SnapshotName"].as_str().unwrap_or_default();
        let revisions = &written["revisions"];
        let running = &revisions["running"];
        let good = [&revisions["good"], &revisions["previous"]["revision"]];
        let busy = !written["rollout"].is_null() || !written["wayBack"].is_null();
        let deadline = text(written, "/rollout/deadline").parse::<Timestamp>();
        let gate_is_over = written.pointer("/rollout/gate").is_some() && deadline.is_ok_and(|at| at <= entry.at);
        if running.is_null() || !gate_is_over && (busy || !good.contains(&running)) {
            found.push(format!("{name} is taken at {} of a job that is not proven", entry.at));
        }
        let Some((_, moment)) = name.split_once("-schedule-") else {
            continue;
        };
        let moment = moment.split('-').next().unwrap_or_default().to_owned();
        let earlier = runs.insert(moment.clone(), at);
        let twice = earlier.is_some_and(|earlier| history.effect_of(earlier).is_some() && !is_failed(call, &moment));
        if twice {
            found.push(format!("the run of {moment} takes a second snapshot at {}", entry.at));
        }
    }
    found
}

/// Whether the list shows that a snapshot of a run failed.
fn is_failed(call: &Call, moment: &str) -> bool {
    let mut seen = call.before.iter().flat_map(|seen| &seen.snapshots);
    seen.any(|(name, status)| name.contains(moment) && status == "FAILED")
}
