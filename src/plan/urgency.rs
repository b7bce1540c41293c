//! Who goes first where calls of the service are scarce.

use crate::api::spec::{FlinkApplication, OnUnhealthy};
use crate::api::status::Requests;
use crate::desired::Health;
use crate::plan::requests;
use crate::plan::step::Step;

/// How urgent a call is, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// A look at an application at which nothing is due.
    Look,
    /// A reading of all applications, or one by hand: it takes the time that it takes.
    Sweep,
    /// Somebody waits for a change, or a call is in flight.
    Change,
    /// A job is in trouble, and what undoes it is under way.
    Rescue,
}

impl Urgency {
    /// Every urgency, in the order of declaration.
    pub const ALL: [Self; 4] = [Self::Look, Self::Sweep, Self::Change, Self::Rescue];
}

/// How urgent a pass over a resource is, by what the resource alone shows.
///
/// A job between a change and its verdict counts as a change, and from the first restart that was seen of it as a rescue.
#[must_use]
pub fn urgency(app: &FlinkApplication) -> Urgency {
    let Some(status) = &app.status else {
        return Urgency::Change;
    };
    let journal = &status.journal;
    let open = requests::open(app, journal);
    let gate = journal.rollout.as_ref().and_then(|rollout| rollout.gate.as_ref());
    let answered = Health::standing(app).on_unhealthy == OnUnhealthy::Report;
    let rescue = open.rollback.is_some()
        || open.force_stop.is_some()
        || journal.way_back.as_ref().is_some_and(|way| way.failure.is_none())
        || gate.is_some_and(|gate| gate.restarts > gate.excused)
        || (!answered && journal.restart_loop().is_some_and(|found| found.answer.is_none()));
    let change = app.metadata.generation != Some(status.observed_generation)
        || app.metadata.deletion_timestamp.is_some()
        || journal.intent.is_some()
        || journal.rollout.is_some()
        || open != Requests::default();
    match (rescue, change) {
        (true, _) => Urgency::Rescue,
        (false, true) => Urgency::Change,
        (false, false) => Urgency::Look,
    }
}

/// How urgent a step of a pass is: what undoes a change or ends a job by force never waits.
#[must_use]
pub fn urgency_of_step(step: &Step, pass: Urgency) -> Urgency {
    match step {
        Step::RollBack { .. } | Step::ForceStop => Urgency::Rescue,
        _ => pass,
    }
}
