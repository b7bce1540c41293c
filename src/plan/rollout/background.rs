//! What leaves the job alone: tags, the maintenance window and snapshots.

use crate::api::status::{RefusalStatus, Tags};
use crate::desired::Desired;
use crate::plan::decision::{Plan, Stall};
use crate::plan::desk::Desk;
use crate::plan::step::Step;
use crate::plan::{snapshots, unheeded, waiting};
use crate::world::Observed;

/// Tags and the maintenance window, which leave the job alone. One that is refused keeps none of the others waiting.
pub(super) fn background(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let mut first = None;
    let due = due(desk, app, want);
    let is_due = |refusal: &RefusalStatus| due.iter().any(|step| step.kind() == refusal.step);
    desk.journal.refused_beside.retain(is_due);
    for step in due {
        let step = unheeded::fresh(&desk.journal, step);
        match waiting::admitted(desk, step) {
            Plan::Do(step) => return Some(Plan::Do(step)),
            plan => first = first.or(Some(plan)),
        }
    }
    first
}

/// The calls that bring the tags and the maintenance window of the spec.
fn due(desk: &Desk<'_>, app: &Observed, want: &Desired) -> Vec<Step> {
    let tags = want.tags.iter();
    let missing: Tags = tags
        .filter(|(key, value)| app.tags.get(*key) != Some(value))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let ours = desk.journal.aws.iter().flat_map(|aws| &aws.tag_keys);
    let surplus: Vec<String> = ours
        .filter(|key| !want.tags.contains_key(*key) && app.tags.contains_key(*key))
        .cloned()
        .collect();
    let start = want.maintenance_start.clone();
    let start = start.filter(|start| app.maintenance_start.as_ref() != Some(start));
    let untag = (!surplus.is_empty()).then_some(Step::Untag { keys: surplus });
    let tag = (!missing.is_empty()).then_some(Step::Tag { tags: missing });
    let window = start.map(|start| Step::SetMaintenanceWindow { start });
    [untag, tag, window].into_iter().flatten().collect()
}

/// What is done beside a job that is left alone: tags, the maintenance window, snapshots.
pub(super) fn aside(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let background = background(desk, app, want);
    if matches!(background, Some(Plan::Do(_))) {
        return background;
    }
    match snapshots::plan(desk, app, want) {
        Some(Plan::Do(step)) => Some(Plan::Do(step)),
        plan => background.or(plan),
    }
}

/// What is done beside a job that could not be verified.
pub(super) fn beside_unverified(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    match background(desk, app, want) {
        Some(Plan::Do(step)) => Some(Plan::Do(step)),
        plan => snapshots::of_unverified(desk, app, want).or(plan),
    }
}

/// A plan with what is done beside it: a call goes first; what is refused beside a stall is only tried again in time.
pub(in crate::plan) fn beside(found: Option<Plan>, plan: Plan) -> Plan {
    let again = match &found {
        Some(Plan::Wait(waiting)) => Some(waiting.until),
        Some(Plan::Stall(stall)) => stall.recheck,
        _ => None,
    };
    match (found, plan) {
        (Some(Plan::Do(step)), _) => Plan::Do(step),
        (_, Plan::Stall(stall)) => Plan::Stall(Stall {
            recheck: stall.recheck.into_iter().chain(again).min(),
            ..stall
        }),
        (_, plan) => plan,
    }
}

/// Remembers which tags are ours to remove: what the spec sets, and what it set before as long as it is still there.
pub(super) fn note_tag_keys(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let before = desk
        .journal
        .aws
        .as_ref()
        .map(|aws| aws.tag_keys.clone())
        .unwrap_or_default();
    let mut keys: Vec<String> = want.tags.keys().cloned().collect();
    keys.extend(before.into_iter().filter(|key| app.tags.contains_key(key)));
    keys.sort();
    keys.dedup();
    remember_tag_keys(desk, keys);
}

pub(super) fn remember_tag_keys(desk: &mut Desk<'_>, keys: Vec<String>) {
    if let Some(aws) = &mut desk.journal.aws {
        aws.tag_keys = keys;
    }
}
