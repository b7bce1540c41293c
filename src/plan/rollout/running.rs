//! A running job: stopped, changed, restarted or promoted.

use crate::api::condition::Reason;
use crate::api::spec::{DesiredState, PreChangeSnapshot};
use crate::api::status::{PreChange, StepKind};
use crate::desired::Desired;
use crate::plan::diff::{Difference, difference};
use crate::plan::rollout::background::background;
use crate::plan::rollout::start::rest_after_failure;
use crate::plan::rollout::{declare_rollout, held, promote, without_effect};
use crate::plan::step::{Fence, Step};
use crate::plan::{Desk, Plan, restart_wanted, restore, stall, waiting};
use crate::world::{Observed, OperationStatus, SnapshotStatus};

pub(super) fn running(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    if want.state == DesiredState::Stopped {
        desk.journal.rollout = None;
        return waiting::admitted(desk, Step::Stop);
    }
    let difference = difference(app, &want.configuration);
    if !difference.is_empty() {
        return match held(desk, want, &difference) {
            Some(plan) => background(desk, app, want).unwrap_or(plan),
            None => change_while_running(desk, app, want, &difference),
        };
    }
    if is_disproved(desk, want) {
        return match held(desk, want, &difference) {
            Some(plan) => background(desk, app, want).unwrap_or(plan),
            None => restart(desk, app, want),
        };
    }
    promote(desk, app, want);
    if restart_wanted(&desk.journal, want) {
        return restart(desk, app, want);
    }
    background(desk, app, want).unwrap_or(Plan::Rest)
}

/// Whether the last word on the revision is a failure although the service reports RUNNING with it: after a failed
/// update that may be a job that does nothing (facts §2.3).
fn is_disproved(desk: &Desk<'_>, want: &Desired) -> bool {
    let running = desk.journal.revisions().running;
    let another_ran = running.is_some_and(|running| running != want.revision.as_str());
    let kinds = [StepKind::Update.operation(), StepKind::Start.operation()];
    let operations = desk.situation.world.operations();
    let newest = operations
        .iter()
        .find(|operation| kinds.contains(&operation.kind.as_str()));
    another_ran && newest.is_some_and(|operation| operation.status == OperationStatus::Failed)
}

fn restart(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    let run = restore::of_update(app, want);
    let fence = Fence {
        token: app.token.clone(),
    };
    waiting::admitted(desk, Step::Restart { run, fence })
}

/// One update where one update brings it all; otherwise a graceful stop, so that a running job is restarted once and
/// its restore is named in full: the VPC and logging calls carry none.
fn change_while_running(desk: &mut Desk<'_>, app: &Observed, want: &Desired, difference: &Difference) -> Plan {
    if let Some(plan) = rest_after_failure(desk, want) {
        return plan;
    }
    declare_rollout(desk, app, want);
    if let Some(plan) = without_effect(desk, app, want) {
        return plan;
    }
    if !difference.is_one_update() {
        if let Some(rollout) = &mut desk.journal.rollout {
            rollout.stopped_for_it = true;
        }
        return waiting::admitted(desk, Step::Stop);
    }
    if let Some(plan) = pre_change_snapshot(desk, app, want) {
        return plan;
    }
    let step = Step::Update {
        change: Box::new(difference.change.clone()),
        run: Some(restore::of_update(app, want)),
        fence: Fence {
            token: app.token.clone(),
        },
    };
    waiting::admitted(desk, step)
}

/// The snapshot before a change: by policy, and always before snapshots are switched off.
fn pre_change_snapshot(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let switched_off = !want.configuration.snapshots_enabled;
    let asked = want.pre_change_snapshot != PreChangeSnapshot::Never || switched_off;
    if !asked || !app.configuration.snapshots_enabled {
        return None;
    }
    let (name, exists) = snapshot_name(desk, app, want);
    let rollout = desk.journal.rollout.as_mut()?;
    if exists && rollout.pre_change.is_none() {
        rollout.pre_change = Some(PreChange::Taken);
        rollout.pre_change_snapshot = Some(name);
        return None;
    }
    match rollout.pre_change {
        Some(PreChange::NotTaken) if want.pre_change_snapshot == PreChangeSnapshot::Required => Some(stall(
            Reason::NoRestorePoint,
            "the snapshot before the change was not taken and spec.rollout.preChangeSnapshot is Required; annotate sluicegate.dev/retry-requested-at to try again",
        )),
        Some(PreChange::Taken | PreChange::NotTaken) => None,
        None => Some(waiting::admitted(desk, Step::TakeSnapshot { name })),
    }
}

/// The name of the snapshot before a change, derived so that it is recognised after a crash, and whether it is READY. A
/// name that a failed snapshot holds is passed over.
fn snapshot_name(desk: &Desk<'_>, app: &Observed, want: &Desired) -> (String, bool) {
    let uid: String = desk
        .situation
        .owner
        .uid
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    let stem = format!("sluicegate-{uid}-{}-pre-{}", want.revision, app.version_id);
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
            Some(SnapshotStatus::Failed | SnapshotStatus::Deleting) => name = format!("{stem}-{number}"),
            _ => break,
        }
    }
    let exists = status_of(&name) == Some(SnapshotStatus::Ready);
    (name, exists)
}
