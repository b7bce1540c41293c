//! What must never happen, as functions over the trace of a run (`docs/architecture.md`, Invariants).
//!
//! Each function judges every entry by what came before it, so that a violation at any step is found in the whole
//! trace too.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::Value;

use crate::history::{History, text, version};
use crate::trace::{Call, What, Write};

#[path = "invariants/calls.rs"]
mod calls;
#[path = "invariants/change_control.rs"]
mod change_control;
#[path = "invariants/deadlines.rs"]
mod deadlines;
#[path = "invariants/drift.rs"]
mod drift;
#[path = "invariants/elsewhere.rs"]
mod elsewhere;
#[path = "invariants/good.rs"]
mod good;
#[path = "invariants/refusals.rs"]
mod refusals;
#[path = "invariants/restore.rs"]
mod restore;
#[path = "invariants/reverts.rs"]
mod reverts;
#[path = "invariants/rollouts.rs"]
mod rollouts;
#[path = "invariants/snapshots.rs"]
mod snapshots;
#[path = "invariants/tale.rs"]
mod tale;
#[path = "invariants/tests.rs"]
mod tests;
#[path = "invariants/undesirable.rs"]
mod undesirable;
#[path = "invariants/waits.rs"]
mod waits;
#[path = "invariants/watched.rs"]
mod watched;
#[path = "invariants/without_effect.rs"]
mod without_effect;

pub use change_control::is_held_back;

/// A law: its name and the function that finds its violations.
pub type Law = (&'static str, fn(History<'_>) -> Vec<String>);

/// Every law.
pub const LAWS: &[Law] = &[
    ("S1", restore::every_start_names_its_restore_in_full),
    ("S2", rollouts::a_way_back_restores_the_state_of_a_good_job),
    ("S3", restore::state_is_dropped_only_if_the_spec_says_so),
    ("S4", calls::nothing_is_sent_while_an_operation_is_in_flight),
    ("S5", calls::nothing_is_sent_before_an_unknown_outcome_is_settled),
    ("S6", calls::starts_and_stops_of_unknown_outcome_are_quarantined),
    ("S7", snapshots::no_protected_snapshot_is_deleted),
    ("S9", calls::a_failed_revision_is_not_sent_again),
    (
        "S10",
        rollouts::a_revision_is_rolled_back_once_and_only_to_what_was_good,
    ),
    ("S11", calls::only_our_own_application_is_changed),
    ("S12", calls::only_the_live_incarnation_acts),
    ("S13", no_pass_acts_on_an_object_older_than_the_last_write),
    ("S14", calls::fences_come_from_the_observation_of_the_pass),
    ("S17", calls::deletion_does_what_its_policy_says),
    ("S18", no_equal_status_is_written),
    ("S18", no_event_is_repeated_within_an_hour),
    ("S19", rollouts::nothing_is_undone_without_evidence),
    ("S20", status_and_events_are_bounded),
    ("S21", rollouts::no_secret_is_told),
    ("S22", rollouts::nothing_becomes_good_without_the_state_it_asked_for),
    ("S23", change_control::only_what_was_let_through_is_brought),
    ("S24", snapshots::a_run_takes_one_snapshot_of_an_undisturbed_job),
    ("S25", calls::what_was_stopped_by_force_stays_so),
    ("S26", reverts::a_return_to_the_good_revision_leaves_the_state_on_trial),
    ("S27", reverts::no_update_follows_a_snapshot_that_the_job_could_not_give),
    ("S28", restore::what_somebody_else_switched_off_is_no_consent),
    ("S29", refusals::no_refusal_keeps_stopped_what_ran),
    ("S29", refusals::a_change_stops_a_job_once),
    ("S30", drift::nothing_of_ours_is_told_as_somebody_elses),
    ("S31", deadlines::no_revision_is_condemned_by_the_clock_alone),
    ("S32", elsewhere::what_was_found_is_left_alone),
    ("S32", elsewhere::what_somebody_else_brought_is_not_judged),
    ("S33", elsewhere::what_a_foreign_rollback_left_is_not_sent_again),
    ("S34", without_effect::an_alias_is_the_key_that_it_names),
    ("S34", without_effect::what_had_no_effect_is_not_sent_again),
    ("S35", restore::a_start_after_a_graceful_stop_awaits_its_snapshot),
    ("S36", refusals::what_is_not_accepted_for_long_is_told),
    ("S33", elsewhere::no_rollback_of_a_person_is_told_as_one_of_the_service),
    ("S37", elsewhere::what_is_in_place_is_restarted_when_it_is_asked_for),
    ("S38", elsewhere::only_what_is_ours_is_ended_by_force),
    ("S39", restore::no_force_leaves_a_job_down_for_want_of_state),
    ("S40", refusals::what_is_refused_is_sent_again_at_a_distance),
    ("S41", elsewhere::what_is_stopped_in_its_gate_stays_stopped),
    ("S45", undesirable::a_spec_that_cannot_be_followed_keeps_nothing_waiting),
    ("S45", undesirable::a_spec_that_cannot_be_followed_brings_nothing),
    (
        "S46",
        watched::what_failed_and_is_left_is_restarted_when_it_is_asked_for,
    ),
    ("S47", watched::what_is_not_verified_gets_its_snapshots),
    ("S42", waits::nothing_is_awaited_without_an_end),
    ("S43", waits::no_call_without_an_end_keeps_stopped_what_ran),
    ("S44", good::what_comes_up_without_its_state_is_stopped_once),
    ("S48", good::no_gate_stops_the_good_revision),
    ("S49", good::what_was_good_earlier_is_judged),
    ("conditions", reconciling_and_stalled_exclude_each_other),
];

/// The violations of every law.
pub fn violations(history: History<'_>) -> Vec<String> {
    let found = LAWS.iter().flat_map(|(name, law)| {
        let found = law(history);
        found.into_iter().map(move |violation| format!("{name}: {violation}"))
    });
    found.collect()
}

/// S13: a process that wrote a newer version of the object does not call the service for an older one.
fn no_pass_acts_on_an_object_older_than_the_last_write(history: History<'_>) -> Vec<String> {
    let mut newest: BTreeMap<(u32, String), (u64, u32)> = BTreeMap::new();
    let mut found = Vec::new();
    for (at, entry) in history.0.iter().enumerate() {
        let object = history.object(at);
        let key = (entry.process, text(object, "/metadata/uid").to_owned());
        match &entry.what {
            What::Write(Write { after: Some(after), .. }) => {
                newest.insert(key, (version(after), entry.pass));
            }
            What::Call(call) => {
                let earlier = newest.get(&key).filter(|(_, pass)| *pass < entry.pass);
                let given = version(object);
                if let Some((written, _)) = earlier.filter(|(written, _)| given < *written) {
                    found.push(format!(
                        "{} is sent for version {given} after version {written} was written",
                        call.operation
                    ));
                }
            }
            _ => {}
        }
    }
    found
}

/// S18: a status is written only when it differs.
fn no_equal_status_is_written(history: History<'_>) -> Vec<String> {
    let equal = history.writes().filter(|(_, _, write)| {
        let (Some(before), Some(after)) = (&write.before, &write.after) else {
            return false;
        };
        write.status && before["status"] == after["status"]
    });
    equal
        .map(|(_, entry, _)| format!("an equal status is written at {}", entry.at))
        .collect()
}

/// S18: the same event of the same object comes once an hour at most from one process; another process may tell of
/// another occurrence in the same words.
fn no_event_is_repeated_within_an_hour(history: History<'_>) -> Vec<String> {
    let mut told = BTreeMap::new();
    let mut found = Vec::new();
    for (at, entry) in history.0.iter().enumerate() {
        let What::Event { reason, note, .. } = &entry.what else {
            continue;
        };
        let key = (entry.process, text(history.object(at), "/metadata/uid"), reason, note);
        let before = told.insert(key, entry.at);
        // The controller counts whole seconds.
        let hour = SignedDuration::from_secs(3599);
        if before.is_some_and(|before| entry.at.duration_since(before) < hour) {
            found.push(format!("event {reason} is repeated at {}: {note}", entry.at));
        }
    }
    found
}

/// S20: 32 KiB of status, ten entries of history, ten events and, stalls aside, ten warnings an hour of one object from one
/// process.
fn status_and_events_are_bounded(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (_, entry, write) in history.writes() {
        let Some(after) = &write.after else { continue };
        let size = serde_json::to_vec(&after["status"]).map_or(0, |status| status.len());
        let entries = after["status"]["history"].as_array().map_or(0, Vec::len);
        if size > 32 * 1024 || entries > 10 {
            found.push(format!(
                "a status of {size} bytes with {entries} entries of history is written at {}",
                entry.at
            ));
        }
    }
    let events: Vec<_> = history
        .0
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| match &entry.what {
            What::Event { reason, warning, .. } => {
                let is_stall = stalled_for(history.written(at)).is_some_and(|(stalled, _)| stalled == reason);
                let uid = text(history.object(at), "/metadata/uid");
                (!is_stall).then_some((entry, (*warning, uid)))
            }
            _ => None,
        })
        .collect();
    for (place, (last, alike)) in events.iter().enumerate() {
        let same_hour = events[..=place].iter().filter(|(event, kind)| {
            let recent = last.at.duration_since(event.at) < SignedDuration::from_hours(1);
            event.process == last.process && kind == alike && recent
        });
        if same_hour.count() > 10 {
            let kind = if alike.0 { "warnings" } else { "events" };
            found.push(format!("more than ten {kind} in the hour before {}", last.at));
        }
    }
    found
}

/// Work in flight and nothing to be done are never claimed together.
fn reconciling_and_stalled_exclude_each_other(history: History<'_>) -> Vec<String> {
    let both = history.writes().filter(|(_, _, write)| {
        let status = write.after.as_ref().map_or(&Value::Null, |after| &after["status"]);
        is_true(status, "Reconciling") && is_true(status, "Stalled")
    });
    both.map(|(_, entry, _)| format!("Reconciling and Stalled are both true at {}", entry.at))
        .collect()
}

/// Whether a condition is true in a status.
pub fn is_true(status: &Value, type_: &str) -> bool {
    let conditions = status["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == type_ && condition["status"] == "True")
}

/// The reason and the message of a stall.
pub fn stalled_for(status: &Value) -> Option<(&str, &str)> {
    let mut conditions = status["conditions"].as_array()?.iter();
    let stalled = conditions.find(|condition| condition["type"] == "Stalled" && condition["status"] == "True")?;
    Some((text(stalled, "/reason"), text(stalled, "/message")))
}

/// Whether a status is stalled for a reason.
pub fn is_stalled_as(status: &Value, reason: &str) -> bool {
    stalled_for(status).is_some_and(|(stalled, _)| stalled == reason)
}

/// Whether somebody asked for a forced stop, by a request or a deletion.
fn is_force_asked_for(history: History<'_>, at: usize) -> bool {
    let written = history.written(at);
    let mut failed = written["failedRevisions"].as_array().into_iter().flatten();
    !written["requests"]["forceStop"].is_null()
        || failed.any(|failed| failed["reason"] == "ForceStopped")
        || !history.object(at)["metadata"]["deletionTimestamp"].is_null()
}

/// Whether nothing happens although the object asks for a restart of a job that runs.
fn is_restart_left(object: &Value) -> bool {
    let status = &object["status"];
    let (asked, handled) = (&object["spec"]["restartNonce"], &status["handled"]["restartNonce"]);
    let is_open = !status["requests"]["restart"].is_null() || !asked.is_null() && asked != handled;
    let is_idle = status["intent"].is_null() && status["refusal"].is_null();
    let runs = text(status, "/aws/applicationStatus") == "RUNNING";
    is_open && is_idle && runs && status["observedGeneration"] == object["metadata"]["generation"]
}

/// The revisions that a status calls failed.
fn failed_revisions(status: &Value) -> BTreeSet<&str> {
    let failed = status["failedRevisions"].as_array();
    failed
        .into_iter()
        .flatten()
        .map(|failed| text(failed, "/revision"))
        .collect()
}

/// Whether a call brings or starts a revision.
fn brings_revision(call: &Call) -> bool {
    !call.tags_only()
        && !matches!(
            call.operation.as_str(),
            "StopApplication"
                | "DeleteApplication"
                | "CreateApplicationSnapshot"
                | "DeleteApplicationSnapshot"
                | "UpdateApplicationMaintenanceConfiguration"
        )
}
