//! What leaves the job alone: tags, the maintenance window and snapshots.

use crate::api::status::Tags;
use crate::desired::Desired;
use crate::plan::step::Step;
use crate::plan::{Desk, Plan, snapshots, waiting};
use crate::world::Observed;

/// Tags and the maintenance window, which leave the job alone.
pub(super) fn background(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let missing: Tags = want
        .tags
        .iter()
        .filter(|(key, value)| app.tags.get(*key) != Some(value))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let surplus: Vec<String> = desk
        .journal
        .aws
        .iter()
        .flat_map(|aws| &aws.tag_keys)
        .filter(|key| !want.tags.contains_key(*key) && app.tags.contains_key(*key))
        .cloned()
        .collect();
    if !surplus.is_empty() {
        return Some(waiting::admitted(desk, Step::Untag { keys: surplus }));
    }
    if !missing.is_empty() {
        return Some(waiting::admitted(desk, Step::Tag { tags: missing }));
    }
    let start = want
        .maintenance_start
        .clone()
        .filter(|start| app.maintenance_start.as_ref() != Some(start))?;
    Some(waiting::admitted(desk, Step::SetMaintenanceWindow { start }))
}

/// What is done beside a job that is left alone: tags, the maintenance window, snapshots.
pub(super) fn aside(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    background(desk, app, want).or_else(|| snapshots::plan(desk, app, want))
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
