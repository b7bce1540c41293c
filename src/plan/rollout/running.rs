//! A running job: stopped, changed, restarted or promoted.

use crate::api::condition::Reason;
use crate::api::spec::{DesiredState, PreChangeSnapshot};
use crate::api::status::{PreChange, RefusalClass, RefusalStatus, StepKind};
use crate::desired::Desired;
use crate::plan::change::{declare_rollout, without_effect};
use crate::plan::decision::{Plan, stall};
use crate::plan::desk::{Desk, restart_wanted};
use crate::plan::diff::{Difference, difference};
use crate::plan::hold::held;
use crate::plan::rollout::background::{aside, background, beside};
use crate::plan::rollout::restart::{by_force, out_of_the_way, restart, without_restore_point};
use crate::plan::rollout::start::rest_after_failure;
use crate::plan::rollout::verify::{is_proven, verify};
use crate::plan::snapshots::name::{self, Purpose};
use crate::plan::step::{Fence, Step};
use crate::plan::{health, restore, rollback, switched_off, waiting};
use crate::world::{Observed, Sight, SnapshotStatus};

pub(in crate::plan) fn running(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    if want.state == DesiredState::Stopped {
        desk.journal.rollout = None;
        return switched_off::keeps_from_stop(desk, want).unwrap_or_else(|| waiting::admitted(desk, Step::Stop));
    }
    let difference = difference(app, &want.configuration);
    if !difference.is_empty() {
        return match held(desk, want, &difference) {
            Some(plan) => match answer_in_place(desk, app, want).unwrap_or(plan) {
                Plan::Stall(stall) => beside(aside(desk, app, want), Plan::Stall(stall)),
                plan => plan,
            },
            None => change_while_running(desk, app, want, &difference),
        };
    }
    if let Some(plan) = held(desk, want, &difference) {
        if restart_wanted(&desk.journal, want) {
            return restart(desk, app, want);
        }
        return beside(aside(desk, app, want), plan);
    }
    if !is_proven(desk, want) {
        match verify(desk, app, want) {
            Some(plan) if restart_wanted(&desk.journal, want) && matches!(plan, Plan::Stall(_)) => {
                return restart(desk, app, want);
            }
            Some(plan) => return plan,
            None => {}
        }
    }
    desk.outlive_rollback(want.revision.as_str());
    if restart_wanted(&desk.journal, want) {
        return restart(desk, app, want);
    }
    match health::answer(desk, want) {
        Some(Plan::Stall(stall)) => beside(background(desk, app, want), Plan::Stall(stall)),
        Some(plan) => plan,
        None => aside(desk, app, want).unwrap_or(Plan::Rest),
    }
}

/// What is asked of the job in place of the held revision, or answers a loop of it.
fn answer_in_place(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let restart = rollback::in_place::restart(desk, app, want);
    restart.or_else(|| health::answer_of_stand_in(desk, app, want))
}

/// One update where one update brings it all; otherwise a graceful stop, so that a running job is restarted once and
/// its restore is named in full: the VPC and logging calls carry none.
fn change_while_running(desk: &mut Desk<'_>, app: &Observed, want: &Desired, difference: &Difference) -> Plan {
    if let Some(plan) = rest_after_failure(desk, want) {
        return plan;
    }
    declare_rollout(desk, app, want);
    if let Some(plan) = without_effect(desk, app, want, difference) {
        return plan;
    }
    if is_condemned(desk) {
        return by_force(desk, want);
    }
    if !difference.is_one_update() {
        if let Some(plan) = switched_off::keeps_from_restart(desk, want) {
            return plan;
        }
        if let Some(rollout) = &mut desk.journal.rollout {
            rollout.stopped_for_it = true;
        }
        return out_of_the_way(desk, want).unwrap_or_else(|| waiting::admitted(desk, Step::Stop));
    }
    if let Some(plan) = pre_change_snapshot(desk, app, want) {
        return plan;
    }
    if let Some(plan) = out_of_the_way(desk, want) {
        return plan;
    }
    let run = match restore::of_update(desk, app, want) {
        Ok(run) => run,
        Err(plan) => return plan,
    };
    let step = Step::Update {
        change: Box::new(difference.change.clone()),
        run: Some(run),
        fence: Fence {
            token: app.token.clone(),
        },
    };
    waiting::admitted(desk, step)
}

/// Whether the job in place is of a revision that failed. Its state is no state to go on from, and a change that the
/// service accepts between two of its failures may never end (facts §4.3).
fn is_condemned(desk: &Desk<'_>) -> bool {
    let running = desk.journal.revisions().running;
    running.is_some_and(|running| desk.journal.failure_of(&running).is_some())
}

/// The snapshot before a change: by policy, and always before snapshots are switched off.
fn pre_change_snapshot(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let switched_off = !want.configuration.snapshots_enabled;
    let asked = want.pre_change_snapshot != PreChangeSnapshot::Never || switched_off;
    if !asked || !app.configuration.snapshots_enabled {
        return None;
    }
    let (name, exists) = snapshot_name(desk, app, want);
    let down = after_refusals(desk);
    let rollout = desk.journal.rollout.as_mut()?;
    if exists && rollout.pre_change.is_none() {
        rollout.pre_change = Some(PreChange::Taken);
        rollout.pre_change_snapshot = Some(name);
        return None;
    }
    let required = want.pre_change_snapshot == PreChangeSnapshot::Required;
    match (rollout.pre_change, down) {
        (None, None) => return Some(take_snapshot(desk, want, name)),
        (None, Some(Down::Seen)) if !required => return Some(stop_for_it(desk, want)),
        (None, Some(_)) => rollout.pre_change = Some(PreChange::NotTaken),
        (Some(_), _) => {}
    }
    let is_missing = required && rollout.pre_change == Some(PreChange::NotTaken);
    is_missing.then(|| not_taken(desk))
}

/// The snapshot before the change, or what is said until it is asked for again.
fn take_snapshot(desk: &mut Desk<'_>, want: &Desired, name: String) -> Plan {
    stuck_without_snapshot(desk, want).unwrap_or_else(|| waiting::admitted(desk, Step::TakeSnapshot { name }))
}

/// The forced stop of the job that gives no snapshot, or why there is none.
fn stop_for_it(desk: &mut Desk<'_>, want: &Desired) -> Plan {
    stuck_without_snapshot(desk, want).unwrap_or_else(|| by_force(desk, want))
}

fn stuck_without_snapshot(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    let refusal = desk.journal.refusal.as_ref();
    let refusal = refusal.filter(|refusal| is_of_snapshot(desk, refusal))?;
    without_restore_point(desk, want, refusal)
}

/// Whether a refusal is of the snapshot before this change because the job is down.
fn is_of_snapshot(desk: &Desk<'_>, refusal: &RefusalStatus) -> bool {
    let of_this = refusal.step == StepKind::TakeSnapshot && refusal.revision == desk.target();
    of_this && refusal.class == RefusalClass::JobDown
}

/// Whether a job of which the service takes no snapshot is down.
enum Down {
    /// A look shows it.
    Seen,
    /// A look shows that it is up, or nobody can look.
    NotSeen,
}

/// What is known of the job when the service took no snapshot before the change for as long as it may, and just refused
/// another.
fn after_refusals(desk: &Desk<'_>) -> Option<Down> {
    let refusal = desk.journal.refusal.as_ref()?;
    if !is_of_snapshot(desk, refusal) || !waiting::is_refused_at_last(refusal, desk.situation.now) {
        return None;
    }
    let is_down = match &desk.situation.world.job {
        Sight::Seen(job) => job.as_ref().is_none_or(|job| !job.is_up()),
        Sight::Blind(_) | Sight::NotLooked => false,
    };
    Some(if is_down { Down::Seen } else { Down::NotSeen })
}

fn not_taken(desk: &Desk<'_>) -> Plan {
    let refusal = desk.journal.refusal.as_ref();
    let refusal = refusal.filter(|refusal| refusal.step == StepKind::TakeSnapshot);
    let cause = refusal.map_or(String::new(), |refusal| format!(" ({})", refusal.message));
    stall(
        Reason::NoRestorePoint,
        format!(
            "the snapshot before the change was not taken{cause} and spec.rollout.preChangeSnapshot is Required; annotate sluicegate.dev/retry-requested-at to try again"
        ),
    )
}

/// The name of the snapshot before a change, derived so that it is recognised after a crash, and whether it is READY. A
/// name of a snapshot that failed or was given up is passed over.
fn snapshot_name(desk: &Desk<'_>, app: &Observed, want: &Desired) -> (String, bool) {
    let stem = name::stem(desk, want.revision.as_str(), Purpose::Change, &app.version_id);
    let status_of = |name: &str| {
        let snapshots = desk.situation.world.snapshots().iter();
        snapshots
            .filter(|snapshot| snapshot.name == name)
            .map(|snapshot| snapshot.status)
            .next()
    };
    let mut name = stem.clone();
    for number in 2..=desk.situation.world.snapshots().len() + 2 {
        match status_of(&name) {
            Some(SnapshotStatus::Ready) | None => break,
            Some(_) => name = format!("{stem}-{number}"),
        }
    }
    let exists = status_of(&name) == Some(SnapshotStatus::Ready);
    (name, exists)
}
