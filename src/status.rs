//! The status that a pass publishes: the only maker of conditions.

mod health;
pub mod news;
mod snapshots;
mod synced;

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::annotation;
use crate::api::condition::{Condition, ConditionType, Reason};
use crate::api::spec::DesiredState;
use crate::api::status::{FlinkApplicationStatus, Journal};
use crate::plan::diff::in_sync;
use crate::plan::not_accepted;
use crate::plan::put_back::is_tried;
use crate::plan::step::Step;
use crate::plan::waiting::{patience, reason_of};
use crate::plan::{Plan, Situation, Stall};
use crate::status::synced::synced;
use crate::world::ApplicationStatus;

/// The longest message of a condition, in bytes.
const MESSAGE_LIMIT: usize = 1024;

/// What a move means for the conditions.
struct Verdict {
    ready: bool,
    reason: Reason,
    message: String,
    reconciling: bool,
    stalled: bool,
}

/// The status after a decision.
///
/// Equal situations give equal statuses: times of conditions move only with their status, and messages carry no time
/// that has passed.
#[must_use]
pub fn project(situation: &Situation<'_>, journal: &Journal, plan: &Plan) -> FlinkApplicationStatus {
    let app = situation.app;
    let before = app.status.as_ref();
    let generation = app.metadata.generation.unwrap_or_default();
    let verdict = verdict(situation, journal, plan);
    let mut painter = Painter {
        before: before.map_or(&[], |before| &before.conditions),
        now: situation.now,
        generation,
        conditions: Vec::new(),
    };
    painter.paint(ConditionType::Ready, verdict.ready, verdict.reason, &verdict.message);
    if verdict.reconciling {
        painter.paint(ConditionType::Reconciling, true, verdict.reason, &verdict.message);
    }
    if verdict.stalled {
        painter.paint(ConditionType::Stalled, true, verdict.reason, &verdict.message);
    }
    let (synced, reason, message) = synced(situation, journal);
    painter.paint(ConditionType::Synced, synced, reason, &message);
    let health = health::health(situation, journal);
    painter.paint_as(ConditionType::JobHealthy, health.0, health.1, &health.2);
    if *plan == Plan::Pause {
        painter.paint(ConditionType::Paused, true, Reason::Annotation, &verdict.message);
    }
    if let (false, Some(value)) = (*plan == Plan::Pause, annotation::meaningless(app)) {
        painter.paint(ConditionType::Paused, false, Reason::Annotation, &not_paused(value));
    }
    if let Some((status, reason, message)) = snapshots::health(situation, journal) {
        painter.paint_as(ConditionType::SnapshotsHealthy, status, reason, &message);
    }
    if let Some((reason, message)) = rolled_back(journal) {
        painter.paint(ConditionType::RolledBack, true, reason, &message);
    }
    FlinkApplicationStatus {
        observed_generation: generation,
        message: Some(bounded(&verdict.message)),
        conditions: painter.conditions,
        parallelism: situation
            .world
            .application
            .as_ref()
            .map(|observed| observed.configuration.parallelism.parallelism)
            .or(before.and_then(|before| before.parallelism)),
        selector: Some(format!(
            "sluicegate.dev/application={}",
            app.name_any().chars().take(63).collect::<String>()
        )),
        journal: journal.clone().without_empty(),
    }
}

/// Whether two statuses differ in nothing but words and the look of the job, so that a write of the second can wait.
#[must_use]
pub fn differs_in_words_only(before: &FlinkApplicationStatus, after: &FlinkApplicationStatus) -> bool {
    let mut reworded = after.clone();
    reworded.message.clone_from(&before.message);
    reworded.journal.job.clone_from(&before.journal.job);
    for condition in &mut reworded.conditions {
        let same = before
            .conditions
            .iter()
            .find(|earlier| earlier.type_ == condition.type_);
        if let Some(earlier) = same {
            condition.message.clone_from(&earlier.message);
        }
    }
    reworded == *before
}

struct Painter<'a> {
    before: &'a [Condition],
    now: Timestamp,
    generation: i64,
    conditions: Vec<Condition>,
}

impl Painter<'_> {
    fn paint(&mut self, type_: ConditionType, status: bool, reason: Reason, message: &str) {
        self.paint_as(type_, if status { "True" } else { "False" }, reason, message);
    }

    fn paint_as(&mut self, type_: ConditionType, status: &str, reason: Reason, message: &str) {
        let before = self
            .before
            .iter()
            .find(|condition| condition.type_ == type_.as_str() && condition.status == status);
        self.conditions.push(Condition {
            type_: type_.as_str().to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message: bounded(message),
            last_transition_time: before.map_or(self.now, |condition| condition.last_transition_time),
            observed_generation: self.generation,
        });
    }
}

fn verdict(situation: &Situation<'_>, journal: &Journal, plan: &Plan) -> Verdict {
    let work = |reason: Reason, message: String| Verdict {
        ready: false,
        reason,
        message,
        reconciling: true,
        stalled: false,
    };
    if let Plan::Do(step) = plan
        && let Some(stall) = not_accepted::stall(situation, journal, step.kind())
    {
        return stalled(&stall);
    }
    match plan {
        Plan::Rest => rest(situation, journal),
        Plan::HeldBack(held_back) if held_back.reason == Reason::DriftDetected => {
            as_it_is(situation, held_back.message.clone())
        }
        Plan::HeldBack(held_back) => Verdict {
            ready: false,
            reason: Reason::Pending,
            message: held_back.message.clone(),
            reconciling: false,
            stalled: false,
        },
        Plan::Pause => paused(situation, journal),
        Plan::Observe => observed(situation),
        Plan::Wait(waiting) if waiting.background => {
            beside(situation, journal).unwrap_or_else(|| work(waiting.reason, waiting.message.clone()))
        }
        Plan::Wait(waiting) => work(waiting.reason, waiting.message.clone()),
        Plan::Do(step) if step.kind().is_background() => {
            beside(situation, journal).unwrap_or_else(|| work(step.kind().reason(), describe(step)))
        }
        Plan::Do(step) => refused_before(situation, journal, step).unwrap_or_else(|| {
            let reason = if journal.way_back.is_some() {
                Reason::RollingBack
            } else {
                step.kind().reason()
            };
            work(reason, describe(step))
        }),
        Plan::Stall(stall) => stalled(stall),
        Plan::Hold => work(Reason::Pending, "the finalizer is being taken".to_owned()),
        Plan::Release => work(Reason::Deleting, "the finalizer is being dropped".to_owned()),
    }
}

fn stalled(stall: &Stall) -> Verdict {
    Verdict {
        ready: false,
        reason: stall.reason,
        message: stall.message.clone(),
        reconciling: false,
        stalled: true,
    }
}

/// What is said while something is done that leaves the job alone: what would be said without it. Where that cannot be
/// told from the world, it is what was said before of the same spec.
fn beside(situation: &Situation<'_>, journal: &Journal) -> Option<Verdict> {
    if is_at_rest(journal) && runs_as_asked(situation, journal) {
        return Some(rest(situation, journal));
    }
    let before = situation.app.status.as_ref()?;
    let same_spec = Some(before.observed_generation) == situation.app.metadata.generation;
    let said = |type_: ConditionType| {
        let mut conditions = before.conditions.iter();
        conditions.find(|condition| condition.type_ == type_.as_str())
    };
    let ready = said(ConditionType::Ready).filter(|ready| same_spec && ready.status == "False")?;
    let reason = Reason::ALL.iter().find(|reason| reason.as_str() == ready.reason)?;
    Some(Verdict {
        ready: false,
        reason: *reason,
        message: ready.message.clone(),
        reconciling: said(ConditionType::Reconciling).is_some(),
        stalled: said(ConditionType::Stalled).is_some(),
    })
}

/// Whether no change, way back or forced stop is remembered, and what runs did not fail.
fn is_at_rest(journal: &Journal) -> bool {
    let running = journal.revisions().running;
    journal.rollout.is_none()
        && journal.way_back.is_none()
        && journal.force_stopped.is_none()
        && journal.restart_loop().is_none()
        && running.is_none_or(|running| journal.failure_of(&running).is_none())
}

/// What is said of an application that is left as it is: whether it runs or not decides alone.
fn as_it_is(situation: &Situation<'_>, message: String) -> Verdict {
    let status = situation.world.application.as_ref().map(|app| &app.status);
    let runs = situation.want.is_ok_and(|want| want.state == DesiredState::Running);
    let (ready, reason) = match status {
        None => (false, Reason::Pending),
        Some(ApplicationStatus::Running) => (runs, Reason::Running),
        Some(ApplicationStatus::Ready) => (!runs, Reason::Stopped),
        Some(status) => (false, reason_of(status)),
    };
    Verdict {
        ready,
        reason,
        message,
        reconciling: false,
        stalled: false,
    }
}

fn observed(situation: &Situation<'_>) -> Verdict {
    let message = situation.world.application.as_ref().map_or_else(
        || "there is no application, and spec.management.mode: ObserveOnly creates none".to_owned(),
        |app| {
            format!(
                "the service reports {} as version {}; spec.management.mode is ObserveOnly and nothing is changed",
                app.status.as_str(),
                app.version_id
            )
        },
    );
    as_it_is(situation, message)
}

/// What is said of a value of the annotation that neither pauses nor is absent.
fn not_paused(value: &str) -> String {
    let value: String = value.chars().take(64).collect();
    format!(
        "the annotation {} has the value {value:?}, which means nothing: {:?} makes the controller only watch; correct or remove it",
        annotation::RECONCILE,
        annotation::PAUSED
    )
}

fn paused(situation: &Situation<'_>, journal: &Journal) -> Verdict {
    let message = "the controller only watches; remove the annotation sluicegate.dev/reconcile to go on".to_owned();
    if runs_as_asked(situation, journal) && journal.restart_loop().is_none() {
        return Verdict {
            message,
            ..rest(situation, journal)
        };
    }
    Verdict {
        ready: false,
        reason: Reason::Paused,
        message,
        reconciling: false,
        stalled: false,
    }
}

/// A call that is sent again after a refusal changes nothing about what the refusal means.
fn refused_before(situation: &Situation<'_>, journal: &Journal, step: &Step) -> Option<Verdict> {
    let refusal = journal.refusal_of(step.kind())?;
    let patience = patience(refusal, situation.rules, situation.now);
    let runs = situation.app.spec.desired_state == DesiredState::Running;
    let is_over = patience.is_over && !(runs && is_tried(journal));
    Some(Verdict {
        ready: false,
        reason: if is_over {
            patience.reason
        } else {
            refusal.step.reason()
        },
        message: patience.message,
        reconciling: !is_over,
        stalled: is_over,
    })
}

/// Whether the application is as the spec asks, but for what leaves the job alone.
fn runs_as_asked(situation: &Situation<'_>, journal: &Journal) -> bool {
    let (Ok(want), Some(app)) = (situation.want, &situation.world.application) else {
        return false;
    };
    let runs = match want.state {
        DesiredState::Running => {
            app.status == ApplicationStatus::Running
                && journal.revisions().running.as_deref() == Some(want.revision.as_str())
        }
        DesiredState::Stopped => app.status == ApplicationStatus::Ready,
    };
    runs && in_sync(situation.world, want)
}

fn rest(situation: &Situation<'_>, journal: &Journal) -> Verdict {
    let revision = journal.revisions().target.unwrap_or_default();
    let version = situation
        .world
        .application
        .as_ref()
        .map(|app| app.version_id)
        .unwrap_or_default();
    let stopped = situation.want.is_ok_and(|want| want.state == DesiredState::Stopped);
    let (reason, message) = if stopped {
        (
            Reason::Stopped,
            format!("the application is stopped, as desired, with revision {revision} as version {version}"),
        )
    } else {
        (
            Reason::Running,
            format!("revision {revision} runs as version {version}"),
        )
    };
    Verdict {
        ready: true,
        reason,
        message,
        reconciling: false,
        stalled: false,
    }
}

fn rolled_back(journal: &Journal) -> Option<(Reason, String)> {
    let rolled_back = journal.rolled_back.as_ref()?;
    let why = match rolled_back.reason {
        Reason::Manual | Reason::System => format!("after a rollback from revision {}", rolled_back.from),
        _ => format!("because revision {} failed", rolled_back.from),
    };
    let message = format!(
        "revision {} is in place since {}, {why}",
        rolled_back.to, rolled_back.at
    );
    Some((rolled_back.reason, message))
}

fn describe(step: &Step) -> String {
    let operation = step.kind().operation();
    match step {
        Step::ForceStop => format!("{operation} is called with force"),
        Step::RollBack { version_id } => format!("{operation} is called to leave version {version_id}"),
        Step::Restart { .. } => format!("{operation} is called to restart the job"),
        Step::TakeSnapshot { name } => format!("{operation} is called for snapshot {name} before the change"),
        Step::BackUp { name } | Step::DeleteSnapshot { name, .. } => {
            format!("{operation} is called for snapshot {name}")
        }
        Step::Start { .. } => match step.snapshot() {
            Some(name) => format!("{operation} is called with snapshot {name}"),
            None => format!("{operation} is called without state"),
        },
        _ => format!("{operation} is called"),
    }
}

fn bounded(message: &str) -> String {
    let mut end = message.len().min(MESSAGE_LIMIT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].to_owned()
}

#[cfg(test)]
mod tests;
