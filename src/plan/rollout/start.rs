//! The start of a job: from which state, and how long after it ended or did not start.

use jiff::SignedDuration;

use crate::api::condition::Reason;
use crate::api::status::HistoryResult;
use crate::desired::Desired;
use crate::plan::rollout::declare_rollout;
use crate::plan::step::Step;
use crate::plan::{Desk, Plan, Waiting, requests, restore, stall, waiting};
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
    let nonce = desk.journal.handled.as_ref().and_then(|handled| handled.restart_nonce);
    if nonce != want.restart_nonce {
        requests::forgive(desk);
        desk.handle_nonce_of(want);
    }
    if let Some(plan) = rest_before_start(desk, want) {
        return plan;
    }
    match restore::of_start(desk, want) {
        Err(plan) => plan,
        Ok(run) => {
            declare_rollout(desk, app, want);
            waiting::admitted(desk, Step::Start { run })
        }
    }
}

/// A job that ended, or a good revision that did not start, is started again at a growing distance.
fn rest_before_start(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    let now = desk.situation.now;
    let hour_ago = now - SignedDuration::from_hours(1);
    let since_retry = || {
        let entries = desk.journal.history.iter().rev();
        entries
            .take_while(|entry| entry.result != HistoryResult::Retried)
            .filter(|entry| entry.revision.as_deref() == Some(want.revision.as_str()))
    };
    let ends: Vec<_> = since_retry()
        .filter(|entry| entry.result == HistoryResult::JobEnded && entry.at > hour_ago)
        .collect();
    if ends.len() >= ENDS {
        return Some(stall(
            Reason::JobEnded,
            format!(
                "the job ended {ENDS} times within an hour, last at {}; it is not started again. Change the spec or spec.restartNonce, or annotate sluicegate.dev/retry-requested-at",
                ends[0].at
            ),
        ));
    }
    let failures = since_retry()
        .take_while(|entry| entry.result != HistoryResult::Promoted)
        .filter(|entry| entry.result == HistoryResult::StartFailed)
        .collect::<Vec<_>>();
    if failures.len() > START_REST.len() {
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
    }
    let after_end = ends.first().map(|entry| entry.at + REST[ends.len() - 1]);
    let after_failure = failures.first().map(|entry| entry.at + START_REST[failures.len() - 1]);
    let until = after_end.max(after_failure).filter(|until| now < *until)?;
    let what = if after_failure == Some(until) {
        "did not start"
    } else {
        "ended"
    };
    Some(Plan::Wait(Waiting {
        reason: Reason::Pending,
        message: format!("the job {what}; it is started again at {until}"),
        until,
    }))
}

impl Desk<'_> {
    fn handle_nonce_of(&mut self, want: &Desired) {
        let mut handled = self.journal.handled.clone().unwrap_or_default();
        handled.restart_nonce = want.restart_nonce;
        self.journal.handled = Some(handled);
    }
}
