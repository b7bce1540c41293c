//! The health of a job that was proven and runs: a loop of restarts is found by its counter or its log, told with its cause,
//! answered once, and over when the job runs quietly again.
//!
//! What the service does by itself, a point that is missing and a counter that cannot be read are no evidence (S19).

mod rises;

pub use crate::plan::health::rises::WINDOWS;
use jiff::{SignedDuration, Timestamp};

use crate::api::condition::{ConditionType, Reason};
use crate::api::spec::{FlinkApplication, OnUnhealthy, TransitionsMode};
use crate::api::status::{ForceStopped, HistoryResult, Journal, LoopStatus};
use crate::desired::{Desired, Health};
use crate::plan::decision::{Note, Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::gate::is_about_snapshots;
use crate::plan::health::rises::{Assessment, Excused, Proven, assess};
use crate::plan::step::Step;
use crate::plan::{change, hold, restore, waiting};
use crate::world::{ApplicationStatus, Counter, Observed, ObservedJob, ObservedOperation, Restarts, Sight, Tail};

/// The shortest time between two restarts for a loop.
const BETWEEN_RESTARTS: SignedDuration = SignedDuration::from_hours(1);

/// Whether the restart counter of an application is watched: its job was proven, and no change is under way.
#[must_use]
pub fn is_watched(journal: &Journal) -> bool {
    let revisions = journal.revisions();
    let status = journal.aws.as_ref().and_then(|aws| aws.application_status.as_deref());
    revisions.running.is_some()
        && revisions.running == revisions.good
        && journal.rollout.is_none()
        && journal.way_back.is_none()
        && status == Some(ApplicationStatus::Running.as_str())
}

/// Whether the counter or the log says something that the status of a watched application does not, so that a pass is due.
#[must_use]
pub fn differs(app: &FlinkApplication, restarts: &Restarts) -> bool {
    let Some(status) = app.status.as_ref().filter(|status| is_watched(&status.journal)) else {
        return false;
    };
    let mut conditions = status.conditions.iter();
    let told = conditions.find(|condition| condition.type_ == ConditionType::JobHealthy.as_str());
    let blind = told.is_some_and(|told| told.reason == Reason::NoData.as_str());
    if is_news(&status.journal, &Health::standing(app), restarts) {
        return true;
    }
    match (&restarts.counter, &restarts.log) {
        (Counter::Unreadable(_), _) | (_, Tail::Unreadable(_)) => !blind && status.journal.restart_loop().is_none(),
        (Counter::NotRead, _) => false,
        (Counter::Read(_), _) => blind,
    }
}

/// Whether a loop shows that is not known, or no restart any more while one is known.
pub(super) fn is_news(journal: &Journal, terms: &Health, restarts: &Restarts) -> bool {
    let looping = journal.restart_loop().is_some();
    is_watched(journal)
        && match assess(restarts, proven(journal), &[], terms) {
            Assessment::Loop(_) => !looping,
            Assessment::Quiet => looping,
            Assessment::Restless => false,
        }
}

/// Whether a loop is known and not answered yet as the spec asks.
pub(super) fn is_unanswered(journal: &Journal, want: &Desired) -> bool {
    let unanswered = journal.restart_loop().is_some_and(|known| known.answer.is_none());
    unanswered && want.health.on_unhealthy != OnUnhealthy::Report
}

/// Records what counter and log say, as far as the application was looked at closely enough to judge it.
pub(super) fn note(desk: &mut Desk<'_>) {
    follow(desk);
    let world = desk.situation.world;
    let Some(operations) = &world.operations else { return };
    if !is_watched(&desk.journal) || desk.journal.intent.is_some() {
        return;
    }
    let terms = terms(desk);
    let looping = desk.journal.restart_loop().is_some();
    match judge(&desk.journal, &world.restarts, operations, &terms) {
        Assessment::Loop(found) if !looping => begin(desk, found),
        Assessment::Quiet if looping && sight(desk).is_some_and(ObservedJob::is_up) => recover(desk, &terms),
        _ => {}
    }
}

/// When to look again at a loop that seems to be over while its job does not run well.
pub(super) fn wake(desk: &Desk<'_>) -> Option<Timestamp> {
    let terms = terms(desk);
    let over = desk.journal.restart_loop().is_some() && is_news(&desk.journal, &terms, &desk.situation.world.restarts);
    over.then(|| desk.situation.now + terms.window)
}

/// The answer to a loop that is known: the one that the spec asks for, and a stall once it is given.
pub(super) fn answer(desk: &mut Desk<'_>, want: &Desired) -> Option<Plan> {
    let known = desk.journal.restart_loop()?.clone();
    if !is_unanswered(&desk.journal, want) {
        let message = format!("{}. {}", describe(&known), what_helps(&known));
        return Some(stall(Reason::JobUnhealthy, message));
    }
    let no_state = restore::of_start(desk, want).err();
    Some(give(desk, want, no_state))
}

/// The answer to a loop of the good revision that took the place of the wanted one, until it is given.
pub(super) fn answer_of_stand_in(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let stand_in = hold::stand_in(desk, want)?;
    if !is_unanswered(&desk.journal, want) || desk.journal.revisions().running.as_ref() != Some(&stand_in.to) {
        return None;
    }
    let back = change::back_to(want, &stand_in.to, app.configuration.clone());
    let no_state = restore::of_way_back(desk, &back).err();
    desk.serves = Some(stand_in.to);
    let plan = give(desk, want, no_state);
    if !matches!(plan, Plan::Do(_)) {
        desk.serves = None;
    }
    Some(plan)
}

/// Stops the job by force as the spec asks; one that shall be started again only where there is a state to start from.
fn give(desk: &mut Desk<'_>, want: &Desired, no_state: Option<Plan>) -> Plan {
    let step = want.health.on_unhealthy;
    let then = match (step, no_state) {
        (OnUnhealthy::Restart, Some(plan)) => return plan,
        (OnUnhealthy::Restart, None) => "and started again from its newest snapshot",
        _ => "and stays stopped",
    };
    let plan = waiting::admitted(desk, Step::ForceStop);
    if let (Plan::Do(_), Some(health)) = (&plan, &mut desk.journal.health) {
        health.acted_at = Some(desk.situation.now);
        if let Some(known) = &mut health.restart_loop {
            known.answer = Some(step);
            let message = format!("the job is stopped by force {then}, because {}", known.found);
            desk.notes.push(Note::warning("LoopAnswered", message));
        }
    }
    plan
}

/// A job in trouble that its gate found after it was good before: a loop is known from then on. Whether it is news.
pub(super) fn begin_in_gate(desk: &mut Desk<'_>, cause: &str) -> bool {
    let news = desk.journal.restart_loop().is_none();
    if news {
        let known = found(desk, cause.to_owned());
        desk.journal.health.get_or_insert_default().restart_loop = Some(known);
    }
    news
}

/// Whether the job was restarted for a loop within the last hour: one that comes after it shows that it did not help.
pub(super) fn restarted_lately(desk: &Desk<'_>) -> bool {
    let at = desk.journal.health.as_ref().and_then(|health| health.acted_at);
    let lately = at.is_some_and(|at| desk.situation.now < at + BETWEEN_RESTARTS);
    lately && terms(desk).on_unhealthy == OnUnhealthy::Restart
}

/// What is known of a loop, as a sentence without its end.
#[must_use]
pub fn describe(known: &LoopStatus) -> String {
    let mut text = known.found.clone();
    if !known.subtasks.is_empty() {
        text.push_str("; it fails in ");
        text.push_str(&known.subtasks.join(", "));
    }
    if let Some(cause) = &known.cause {
        text.push_str(": ");
        text.push_str(cause);
    }
    text
}

fn what_helps(known: &LoopStatus) -> String {
    let why = match known.answer {
        Some(_) => "The restart did not help and is not repeated",
        None => "spec.health.onUnhealthy is Report",
    };
    format!(
        "{why}. Change the spec, or annotate sluicegate.dev/restart-requested-at or sluicegate.dev/force-stop-requested-at"
    )
}

/// Lets a known loop end with its job, and an answer that never took effect be given again.
fn follow(desk: &mut Desk<'_>) {
    let Some(known) = desk.journal.restart_loop().cloned() else {
        return;
    };
    let now = desk.situation.now;
    let running = desk.journal.revisions().running;
    let proven_since = desk.journal.proven_at().is_some_and(|at| at > known.since);
    let ready = desk
        .situation
        .world
        .application
        .as_ref()
        .is_some_and(|app| app.status == ApplicationStatus::Ready);
    let acted_at = desk.journal.health.as_ref().and_then(|health| health.acted_at);
    let mut stops = desk.journal.history.iter().rev();
    let stop = stops.find(|entry| entry.result == HistoryResult::Stopped);
    let took_effect = stop.is_some_and(|stop| Some(stop.at) >= acted_at);
    let idle = desk.journal.intent.is_none();
    let health = desk.journal.health.get_or_insert_default();
    match running {
        None if ready && known.answer == Some(OnUnhealthy::ForceStop) => {
            health.restart_loop = None;
            desk.journal.force_stopped = Some(ForceStopped {
                revision: known.revision.clone(),
                at: now,
                cause: Some(describe(&known)),
                elsewhere: false,
            });
        }
        None if known.answer == Some(OnUnhealthy::Restart) => {}
        None => health.restart_loop = None,
        Some(running) if running != known.revision || proven_since => health.restart_loop = None,
        Some(_) if idle && !took_effect => {
            if let Some(known) = &mut health.restart_loop {
                known.answer = None;
            }
        }
        Some(_) => {}
    }
}

fn terms(desk: &Desk<'_>) -> Health {
    desk.situation
        .want
        .map_or_else(|_| Health::standing(desk.situation.app), |want| want.health)
}

fn proven(journal: &Journal) -> Option<Proven> {
    let at = journal.proven_at()?;
    let restarts = journal.job.as_ref().and_then(|job| job.restarts);
    Some(Proven { at, restarts })
}

fn judge(journal: &Journal, restarts: &Restarts, operations: &[ObservedOperation], terms: &Health) -> Assessment {
    let proven = proven(journal);
    let since_proven = |ended_at: Timestamp| proven.is_none_or(|proven| ended_at > proven.at);
    let others = operations
        .iter()
        .filter(|operation| !is_about_snapshots(&operation.kind) && operation.ended_at.is_none_or(since_proven));
    let excused: Vec<Excused> = others
        .map(|operation| (operation.started_at, operation.ended_at))
        .collect();
    assess(restarts, proven, &excused, terms)
}

fn sight<'a>(desk: &Desk<'a>) -> Option<&'a ObservedJob> {
    match &desk.situation.world.job {
        Sight::Seen(job) => job.as_ref(),
        _ => None,
    }
}

fn begin(desk: &mut Desk<'_>, what: String) {
    let known = found(desk, what);
    if desk.situation.world.logged.is_none() && terms(desk).transitions != TransitionsMode::Never {
        desk.cause_since = Some(desk.situation.now - terms(desk).window.saturating_mul(WINDOWS));
    }
    desk.notes
        .push(Note::warning(Reason::RestartLoop.as_str(), describe(&known)));
    desk.journal.health.get_or_insert_default().restart_loop = Some(known);
}

fn found(desk: &Desk<'_>, what: String) -> LoopStatus {
    let job = sight(desk);
    let logged = desk.situation.world.logged.as_ref();
    let named = logged
        .map(|logged| logged.failing.clone())
        .filter(|failing| !failing.is_empty());
    let seen = || {
        let failing = job.map(ObservedJob::failing).unwrap_or_default();
        failing.into_iter().map(str::to_owned).collect()
    };
    let bounded = |text: String, limit: usize| text.chars().take(limit).collect::<String>();
    let subtasks: Vec<String> = named.unwrap_or_else(seen);
    let cause = job
        .and_then(|job| job.root_cause.clone())
        .or_else(|| logged.and_then(|logged| logged.cause.clone()));
    LoopStatus {
        revision: desk.journal.revisions().running.unwrap_or_default(),
        since: desk.situation.now,
        found: bounded(what, 200),
        subtasks: subtasks.into_iter().take(3).map(|name| bounded(name, 100)).collect(),
        cause: cause.map(|cause| bounded(cause, 400)),
        answer: restarted_lately(desk).then_some(OnUnhealthy::Restart),
    }
}

fn recover(desk: &mut Desk<'_>, terms: &Health) {
    desk.journal.health.get_or_insert_default().restart_loop = None;
    let message = format!(
        "the job did not restart for two windows of {:#}, and all of its subtasks run",
        terms.window
    );
    desk.notes.push(Note::normal("Recovered", message));
}

impl Journal {
    /// The loop that the running job is known to be in.
    #[must_use]
    pub fn restart_loop(&self) -> Option<&LoopStatus> {
        self.health.as_ref()?.restart_loop.as_ref()
    }
}
