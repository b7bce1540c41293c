//! Why a revision, or a job that was stopped, is left as it is until somebody asks.

use crate::api::condition::Reason;
use crate::api::spec::DesiredState;
use crate::api::status::{ForceStopped, RolledBack};
use crate::desired::Desired;
use crate::plan::decision::{Plan, stall};
use crate::plan::desk::{Desk, restart_wanted};
use crate::plan::diff::Difference;
use crate::plan::undesirable;

/// The forced stop on request, or in answer to a loop, since which nobody asked for something else.
pub(super) fn forced_stop_that_holds(desk: &Desk<'_>, want: &Desired) -> Option<ForceStopped> {
    let stopped = desk.journal.force_stopped.clone()?;
    let stand_in = stand_in(desk, want);
    // A spec that cannot be followed asks for nothing else.
    let is_unusable = desk.held_back.as_ref().is_some_and(undesirable::is_why);
    let of_this = is_unusable
        || stopped.revision == want.revision.as_str()
        || stand_in.is_some_and(|stand_in| stand_in.to == stopped.revision);
    let holds = of_this && want.state == DesiredState::Running && !restart_wanted(&desk.journal, want);
    holds.then_some(stopped)
}

/// An application that was stopped by force stays stopped until somebody asks for something else.
pub(super) fn stopped_by_force(desk: &mut Desk<'_>, want: &Desired) -> Option<Plan> {
    let Some(stopped) = forced_stop_that_holds(desk, want) else {
        desk.journal.force_stopped = None;
        return None;
    };
    Some(stays_stopped(&stopped))
}

/// The stall over a job that was stopped and is started only when somebody asks.
pub(super) fn stays_stopped(stopped: &ForceStopped) -> Plan {
    let at = stopped.at;
    let (reason, what) = match &stopped.cause {
        _ if stopped.elsewhere => (
            Reason::StoppedElsewhere,
            format!("somebody else stopped the job at {at} while it was verified"),
        ),
        Some(cause) => (
            Reason::ForceStopped,
            format!("the job was stopped by force at {at} because {cause}"),
        ),
        None => (
            Reason::ForceStopped,
            format!("the job was stopped by force at {at} on request"),
        ),
    };
    stall(
        reason,
        format!(
            "{what}; change the spec, or annotate sluicegate.dev/restart-requested-at or sluicegate.dev/retry-requested-at to start it"
        ),
    )
}

/// A failed revision is neither sent nor started; a stopped application that has it already may rest.
pub(super) fn held(desk: &Desk<'_>, want: &Desired, difference: &Difference) -> Option<Plan> {
    let failed = desk.journal.failure_of(want.revision.as_str())?;
    if want.state == DesiredState::Stopped && difference.is_empty() {
        return None;
    }
    let last = desk
        .journal
        .last_failure
        .as_ref()
        .filter(|last| last.revision.as_deref() == Some(&failed.revision));
    let cause = last.map_or(String::new(), |last| format!(": {}", last.cause));
    if let Some(rolled_back) = desk
        .journal
        .rolled_back
        .as_ref()
        .filter(|rolled_back| rolled_back.from == failed.revision)
    {
        let then = match want.state {
            DesiredState::Running => format!("runs again since {}", rolled_back.at),
            DesiredState::Stopped => "took its place and is stopped, as the spec asks".to_owned(),
        };
        let how = match failed.reason {
            Reason::Manual => "was left by a rollback",
            Reason::System => "was left by a rollback of the service",
            _ => "failed",
        };
        return Some(stall(
            Reason::RolledBack,
            format!(
                "revision {} {how} at {}{cause}. Revision {} {then}; revision {} is not tried again. Change the spec, or annotate sluicegate.dev/retry-requested-at",
                failed.revision, failed.at, rolled_back.to, failed.revision
            ),
        ));
    }
    Some(stall(
        failed.reason,
        format!(
            "revision {} failed at {} and is not tried again{cause}. Change the spec, or annotate sluicegate.dev/retry-requested-at",
            failed.revision, failed.at
        ),
    ))
}

/// The good revision that took the place of the wanted one, which failed and is held.
pub(super) fn stand_in(desk: &Desk<'_>, want: &Desired) -> Option<RolledBack> {
    let rolled_back = desk.journal.rolled_back.clone()?;
    let in_place =
        rolled_back.from == want.revision.as_str() && desk.journal.revisions().good.as_ref() == Some(&rolled_back.to);
    (in_place && desk.journal.failure_of(&rolled_back.from).is_some()).then_some(rolled_back)
}
