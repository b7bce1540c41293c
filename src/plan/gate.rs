//! The gate between "the change is made" and "the change is good": RUNNING proves nothing.
//!
//! A job in a loop shows RUNNING between two failures, so that one good look is never enough; and a look that shows
//! nothing is no evidence against a revision (S19).

mod opening;
mod others;

use jiff::{SignedDuration, Timestamp};

use crate::api::condition::Reason;
use crate::api::status::{GateStatus, JobStatus, RolloutStatus};
use crate::desired::{Desired, Gate};
use crate::plan::decision::{Stall, Waiting};
use crate::plan::desk::Desk;
use crate::plan::gate::others::{is_brought_anew, length, other_operation};
use crate::plan::ledger::{Failure, Source};
use crate::plan::{measure, waiting};
use crate::world::{ObservedJob, OperationStatus, Restored, Sight};

pub(super) use opening::{brought_version, ended_at, open, open_for_found, open_for_rollback};
pub(super) use others::{is_about_snapshots, is_brought_since, is_of_ours};

/// The time between two looks at a job that is verified.
const NEXT_LOOK: SignedDuration = SignedDuration::from_secs(3);

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is too early to say.
    NotYet(Waiting),
    /// Somebody else's operation goes on beside it for longer than a change may take; it is judged after that.
    Disturbed(Stall),
    /// The job is proven.
    Good,
    /// The job is disproved.
    Trouble(Trouble),
    /// The time is over and nothing speaks for or against the job.
    Unverified(String),
}

/// What speaks against a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Why, as one word.
    pub(super) reason: Reason,
    /// The first cause.
    pub(super) cause: String,
}

impl Trouble {
    /// The failure of a revision that it is.
    pub(super) fn failure_of(&self, revision: &str) -> Failure {
        Failure {
            revision: Some(revision.to_owned()),
            reason: self.reason,
            cause: self.cause.clone(),
            source: Source::FlinkRest,
        }
    }
}

/// What a gate asks for.
#[derive(Clone, Copy)]
struct Terms {
    gate: Gate,
    /// How long a job has until it must be up.
    patience: SignedDuration,
    /// How long a job that is up needs to show the rest.
    needed: SignedDuration,
}

impl Terms {
    fn of(want: &Desired, gate: &GateStatus, looping: bool) -> Self {
        let mut terms = want.gate;
        if looping && gate.restarts > 0 {
            terms.stable_for = terms.stable_for.max(want.health.window * 2);
        }
        let interval = SignedDuration::from_millis(want.configuration.checkpoint.interval_ms);
        // One more: the first checkpoint may have begun before the job was up.
        let checkpoints = i32::try_from(want.gate.min_completed_checkpoints).map_or(i32::MAX, |count| count + 1);
        Self {
            gate: terms,
            patience: want.progress_deadline,
            needed: terms.stable_for + interval.saturating_mul(checkpoints),
        }
    }
}

/// Holds what was seen against the terms of the gate, and remembers in the gate what a later look needs.
pub(super) fn evaluate(desk: &mut Desk<'_>, rollout: &mut RolloutStatus, want: &Desired) -> Verdict {
    let situation = desk.situation;
    let now = situation.now;
    let looping = desk.journal.restart_loop().is_some();
    let gate = rollout.gate.get_or_insert_with(|| GateStatus::since(now));
    let terms = Terms::of(want, gate, looping);
    let opened_at = *gate.opened_at.get_or_insert(rollout.deadline - terms.patience);
    rollout.deadline = opened_at + terms.patience;
    if let Some(other) = other_operation(gate, situation.world.operations()) {
        gate.stable_since = None;
        if other.status == OperationStatus::InProgress {
            gate.down_since = None;
            if now >= other.started_at + terms.patience {
                return Verdict::Disturbed(waiting::outlasting(desk, other, "the job is verified after it"));
            }
            let message = format!(
                "operation {} ({}) goes on; the job is verified after it",
                other.id, other.kind
            );
            return not_yet(now, message);
        }
    }
    let deadline = rollout.deadline;
    let job = match &situation.world.job {
        Sight::NotLooked => return not_yet(now, "the job runs; it is looked at next".to_owned()),
        Sight::Blind(why) => {
            gate.blind |= now >= deadline;
            return blind(now, deadline, why);
        }
        Sight::Seen(job) => job.as_ref().filter(|job| job.started_at >= gate.since),
    };
    if std::mem::take(&mut gate.blind) {
        gate.opened_at = Some(now);
        rollout.deadline = now + terms.patience;
    }
    let deadline = rollout.deadline;
    let Some(job) = job else {
        return late(gate, now, deadline, terms.gate, "the job of the change is not there");
    };
    desk.journal.job = Some(report(job));
    let fresh_restarts = note(gate, job);
    if let Some(other) = other_operation(gate, situation.world.operations()) {
        gate.down_since = None;
        if is_brought_anew(gate, situation.world.operations()) {
            gate.found_at.get_or_insert(now);
            gate.state_expected = false;
        }
        gate.excused = gate.restarts;
        gate.excused_operation_id = Some(other.id.clone());
        gate.opened_at = Some(opened_at + length(other));
        rollout.deadline += length(other);
        return not_yet(
            now,
            format!(
                "operation {} ({}) is over; the job is verified after it",
                other.id, other.kind
            ),
        );
    }
    if let Some(trouble) = trouble(gate, job, terms.gate) {
        return Verdict::Trouble(trouble);
    }
    if !job.is_up() {
        return late(gate, now, deadline, terms.gate, &told(job));
    }
    gate.down_since = None;
    if fresh_restarts {
        gate.stable_since = None;
    }
    let since = *gate.stable_since.get_or_insert(now);
    let gate = gate.clone();
    measure::downtime(desk, rollout);
    prove(&gate, job, terms, since, now, deadline)
}

/// What a job that is up still has to show. It has the time for that from when it was first seen up, whatever the clock
/// says: nobody may have looked before.
fn prove(
    gate: &GateStatus,
    job: &ObservedJob,
    terms: Terms,
    since: Timestamp,
    now: Timestamp,
    deadline: Timestamp,
) -> Verdict {
    let deadline = deadline.max(since + terms.needed);
    let terms = terms.gate;
    let stable = lasts(terms.stable_for, since, now);
    let completed = job.checkpoints.map(|checkpoints| checkpoints.completed);
    let enough = terms.min_completed_checkpoints == 0
        || completed.is_some_and(|completed| completed >= terms.min_completed_checkpoints);
    let stateful = !gate.state_expected || gate.state_restored;
    let counted = job.restarts.is_some();
    if stable && enough && stateful && counted {
        return Verdict::Good;
    }
    let (well, all) = job.subtasks();
    if now < deadline || !stable {
        let waits_for = if !stable {
            format!("it must run without interruption until {}", since + terms.stable_for)
        } else if !enough {
            format!("{} completed checkpoints are awaited", terms.min_completed_checkpoints)
        } else if !stateful {
            "it must show that it restored its state".to_owned()
        } else {
            "its restart counter must be readable".to_owned()
        };
        return not_yet(
            now,
            format!("{well}/{all} subtasks run since {since}; {waits_for}, by {deadline}"),
        );
    }
    let failed = job.checkpoints.is_some_and(|checkpoints| checkpoints.failed > 0);
    if !enough && failed {
        return Verdict::Trouble(Trouble {
            reason: Reason::DeadlineExceeded,
            cause: cause(job, "no checkpoint was completed and some failed"),
        });
    }
    let missing = if !counted {
        "the restart counter of the job cannot be read"
    } else if !enough {
        "the job runs and completed no checkpoint"
    } else {
        "the job runs and does not show whether it restored its state"
    };
    Verdict::Unverified(missing.to_owned())
}

/// Whether a time has passed for certain between two moments. They are whole seconds, cut down: ten of them between two
/// moments may be little more than nine.
fn lasts(time: SignedDuration, since: Timestamp, now: Timestamp) -> bool {
    time.is_zero() || now > since + time
}

fn trouble(gate: &GateStatus, job: &ObservedJob, terms: Gate) -> Option<Trouble> {
    if job.has_failed() {
        return Some(Trouble {
            reason: Reason::SubtasksFailed,
            cause: cause(job, "the job failed for good"),
        });
    }
    let restarts = gate.restarts - gate.excused;
    if restarts > terms.max_restarts {
        let failing = job.failing();
        let of = if failing.is_empty() {
            String::new()
        } else {
            format!(" ({})", failing.join(", "))
        };
        let why = format!("the job restarted {restarts} times since it was submitted{of}");
        return Some(Trouble {
            reason: Reason::RestartLoop,
            cause: cause(job, &why),
        });
    }
    let empty = job.checkpoints.map(|checkpoints| checkpoints.restored) == Some(Restored::Nothing);
    (job.is_up() && gate.state_expected && !gate.state_restored && empty).then(|| Trouble {
        reason: Reason::StateNotRestored,
        cause: "the job was started from a snapshot and came up without its state".to_owned(),
    })
}

fn cause(job: &ObservedJob, why: &str) -> String {
    match &job.root_cause {
        Some(cause) => format!("{cause} ({why})"),
        None => why.to_owned(),
    }
}

/// Remembers what this look shows; true when the job restarted since the last one.
fn note(gate: &mut GateStatus, job: &ObservedJob) -> bool {
    if gate.job_id.as_deref() != Some(&job.id) {
        gate.job_id = Some(job.id.clone());
        gate.restarts = 0;
        gate.stable_since = None;
        let found = gate.operation_id.is_none();
        gate.excused = if found { job.restarts.unwrap_or(0) } else { 0 };
    }
    let restored = job.checkpoints.map(|checkpoints| checkpoints.restored);
    gate.state_restored |= restored == Some(Restored::Snapshot);
    let before = gate.restarts;
    gate.restarts = job.restarts.unwrap_or(before).max(before);
    gate.restarts > before
}

fn not_yet(now: Timestamp, message: String) -> Verdict {
    Verdict::NotYet(Waiting {
        reason: Reason::Verifying,
        message,
        until: now + NEXT_LOOK,
        background: false,
    })
}

/// A job that is not up: after the deadline it is condemned only by looks that go on for as long as a job must be up to be
/// good, because nobody may have looked before.
fn late(gate: &mut GateStatus, now: Timestamp, deadline: Timestamp, terms: Gate, what: &str) -> Verdict {
    gate.stable_since = None;
    if now < deadline {
        gate.down_since = None;
        return not_yet(now, format!("{what}; it must be up by {deadline}"));
    }
    let since = *gate.down_since.get_or_insert(now);
    if now == since || !lasts(terms.stable_for, since, now) {
        let until = since + terms.stable_for;
        return not_yet(
            now,
            format!("{what}; it was to be up by {deadline} and is looked at until {until}"),
        );
    }
    Verdict::Trouble(Trouble {
        reason: Reason::DeadlineExceeded,
        cause: format!("the time of the change was over at {deadline}: {what}"),
    })
}

fn blind(now: Timestamp, deadline: Timestamp, why: &str) -> Verdict {
    if now < deadline {
        not_yet(
            now,
            format!("the job cannot be looked at: {why}; it is tried until {deadline}"),
        )
    } else {
        Verdict::Unverified(format!("the job cannot be looked at: {why}"))
    }
}

fn told(job: &ObservedJob) -> String {
    let (well, all) = job.subtasks();
    let mut text = format!("the job is {} with {well} of {all} subtasks running", job.state);
    if let Some(cause) = &job.root_cause {
        text.push_str(": ");
        text.push_str(cause);
    }
    text
}

fn report(job: &ObservedJob) -> JobStatus {
    let (subtasks_running, subtasks_total) = job.subtasks();
    JobStatus {
        id: job.id.clone(),
        state: job.state.clone(),
        subtasks_running,
        subtasks_total,
        restarts: job.restarts,
    }
}
