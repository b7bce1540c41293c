//! The start of a job: from which state, and how long after it ended or did not start.

use jiff::{SignedDuration, Timestamp};

use crate::api::condition::Reason;
use crate::api::status::{HistoryEntry, HistoryResult};
use crate::desired::Desired;
use crate::plan::change::declare_rollout;
use crate::plan::decision::{Plan, Waiting, stall};
use crate::plan::desk::{Desk, restart_wanted};
use crate::plan::step::Step;
use crate::plan::{put_back, requests, restore};
use crate::world::Observed;

/// The ends of a job within an hour after which it is not started again.
const ENDS: usize = 3;

/// How long a job that ended rests before it is started again, by how often it ended within the hour.
const REST: [SignedDuration; 2] = [SignedDuration::from_secs(10), SignedDuration::from_secs(60)];

/// How long a good revision that did not start rests, by how often it failed in a row.
const START_REST: [SignedDuration; 3] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
];

pub(super) fn start(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    if restart_wanted(&desk.journal, want) {
        requests::forgive(desk);
        let request = desk.journal.requests().restart;
        desk.handle_restart(want.restart_nonce, request);
    }
    if let Some(plan) = rest_before_start(desk, want) {
        return plan;
    }
    match restore::of_start(desk, want) {
        Err(plan) => plan,
        Ok(run) => {
            declare_rollout(desk, app, want);
            put_back::admitted(desk, want, Step::Start { run })
        }
    }
}

/// The rest of a job that ended or did not start.
pub(in crate::plan) fn rest_before_start(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    rest_after_end(desk, want).or_else(|| rest_after_failure(desk, want))
}

/// What happened to the revision since somebody last asked for another attempt, newest first.
fn since_retry<'a>(desk: &'a Desk<'_>, want: &'a Desired) -> impl Iterator<Item = &'a HistoryEntry> {
    let entries = desk.journal.history.iter().rev();
    entries
        .take_while(|entry| entry.result != HistoryResult::Retried)
        .filter(|entry| entry.revision.as_deref() == Some(want.revision.as_str()))
}

/// A job that ended is started again at a growing distance, and not after the third end within an hour.
fn rest_after_end(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    let mut ends = since_retry(desk, want)
        .filter(|entry| entry.result == HistoryResult::JobEnded)
        .map(|entry| entry.at);
    let newest = ends.next()?;
    let count = 1 + ends
        .take_while(|at| *at > newest - SignedDuration::from_hours(1))
        .count();
    if count >= ENDS {
        return Some(stall(
            Reason::JobEnded,
            format!(
                "the job ended {ENDS} times within an hour, last at {newest}; it is not started again. Change the spec or spec.restartNonce, or annotate sluicegate.dev/retry-requested-at"
            ),
        ));
    }
    rest(desk, "ended", newest + REST[count - 1])
}

/// A good revision that did not start, or whose restart failed, is tried again at a growing distance.
pub(super) fn rest_after_failure(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    let failures: Vec<_> = since_retry(desk, want)
        .take_while(|entry| entry.result != HistoryResult::Promoted)
        .filter(|entry| entry.result == HistoryResult::StartFailed)
        .map(|entry| entry.at)
        .collect();
    let newest = *failures.first()?;
    let Some(pause) = START_REST.get(failures.len() - 1) else {
        let cause = desk
            .journal
            .last_failure
            .as_ref()
            .map_or("", |failure| failure.cause.as_str());
        return Some(stall(
            Reason::StartFailed,
            format!(
                "the job did not start {} times: {cause}. Change the spec or spec.restartNonce, or annotate sluicegate.dev/retry-requested-at",
                failures.len()
            ),
        ));
    };
    rest(desk, "did not start", newest + *pause)
}

fn rest(desk: &Desk<'_>, what: &str, until: Timestamp) -> Option<Plan> {
    (desk.situation.now < until).then(|| {
        Plan::Wait(Waiting {
            reason: Reason::Pending,
            message: format!("the job {what}; it is started again at {until}"),
            until,
            background: false,
        })
    })
}
