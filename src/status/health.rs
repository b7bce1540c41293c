//! Whether the job does useful work: what the gate proved stands until the restart counter says otherwise or another job
//! takes its place.

use crate::api::condition::{ConditionType, Reason};
use crate::api::spec::LogLevel;
use crate::api::status::Journal;
use crate::plan::Situation;
use crate::plan::health::describe;
use crate::world::{ApplicationStatus, Counter, Tail};

/// What is said of a counter and of a log that cannot be read.
const UNREADABLE: [&str; 2] = ["the restart counter cannot be read", "the log to watch cannot be read"];

/// The condition: its status, its reason and its message.
pub(super) type Health = (&'static str, Reason, String);

/// What is known about the job.
pub(super) fn health(situation: &Situation<'_>, journal: &Journal) -> Health {
    let app = situation.world.application.as_ref();
    let status = app.map(|app| &app.status);
    let revisions = journal.revisions();
    let running = revisions.running.as_deref();
    let unknown = ("Unknown", Reason::NoData, "the job was not looked at".to_owned());
    if running.is_none() && status == Some(&ApplicationStatus::Running) {
        return unknown;
    }
    if running.is_none() || status.is_none_or(|status| *status == ApplicationStatus::Ready) {
        return ("Unknown", Reason::Stopped, "no job runs".to_owned());
    }
    let failed = running.and_then(|running| journal.failure_of(running));
    if let Some(failed) = failed.filter(|_| journal.rollout.is_none()) {
        let message = format!(
            "the job of revision {} was found in trouble at {}",
            failed.revision, failed.at
        );
        return ("False", failed.reason, message);
    }
    if is_left_running(journal, running) {
        return proven(situation, journal, running.unwrap_or_default());
    }
    if journal.rollout.is_some() || journal.way_back.is_some() {
        return (
            "Unknown",
            Reason::Verifying,
            "the job is being changed or verified".to_owned(),
        );
    }
    if running == revisions.good.as_deref() {
        return proven(situation, journal, running.unwrap_or_default());
    }
    unknown
}

/// Whether the job of a good revision that its gate found in trouble is left running.
fn is_left_running(journal: &Journal, running: Option<&str>) -> bool {
    let known = journal.restart_loop().filter(|known| known.answer.is_none());
    let verified = journal.rollout.as_ref().filter(|rollout| rollout.gate.is_some());
    let of_it = |revision: &str| running == Some(revision);
    known.is_some_and(|known| of_it(&known.revision)) && verified.is_some_and(|rollout| of_it(&rollout.revision))
}

fn proven(situation: &Situation<'_>, journal: &Journal, running: &str) -> Health {
    if let Some(known) = journal.restart_loop() {
        let mut message = describe(known);
        if known.subtasks.is_empty()
            && let Some(why) = silence_of_the_log(situation)
        {
            message.push_str(why);
        }
        return ("False", Reason::RestartLoop, message);
    }
    let restarts = &situation.world.restarts;
    if let Counter::Unreadable(why) = &restarts.counter {
        let message = format!("{}: {why}", UNREADABLE[0]);
        return ("Unknown", Reason::NoData, message);
    }
    if let Tail::Unreadable(why) = &restarts.log {
        let message = format!("{}: {why}", UNREADABLE[1]);
        return ("Unknown", Reason::NoData, message);
    }
    if restarts.counter == Counter::NotRead
        && let Some(message) = blind_before(situation)
    {
        return ("Unknown", Reason::NoData, message);
    }
    let subtasks = journal.job.as_ref().map_or(String::new(), |job| {
        format!("{}/{} subtasks ran when ", job.subtasks_running, job.subtasks_total)
    });
    let message = format!("{subtasks}revision {running} was proven good");
    ("True", Reason::AllSubtasksRunning, message)
}

/// What was said of a counter that could not be read, as long as nobody tried again.
fn blind_before(situation: &Situation<'_>) -> Option<String> {
    let status = situation.app.status.as_ref()?;
    let mut conditions = status.conditions.iter();
    let told = conditions.find(|condition| condition.type_ == ConditionType::JobHealthy.as_str())?;
    (told.reason == Reason::NoData.as_str() && UNREADABLE.iter().any(|of| told.message.starts_with(of)))
        .then(|| told.message.clone())
}

/// Why the log names no subtask that fails.
fn silence_of_the_log(situation: &Situation<'_>) -> Option<&'static str> {
    let app = situation.world.application.as_ref()?;
    if app.log_streams.is_empty() {
        return Some("; without spec.logging no log names the subtasks that fail");
    }
    let level = situation.app.spec.monitoring.as_ref()?.log_level?;
    matches!(level, LogLevel::Warn | LogLevel::Error)
        .then_some("; spec.monitoring.logLevel must be INFO for the log to name the subtasks that fail")
}
