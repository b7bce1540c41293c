//! Whether the resource must carry the finalizer.

use kube::ResourceExt;

use crate::api::FINALIZER;
use crate::api::spec::{DeletionPolicy, FlinkApplication};
use crate::desired::{DeletionRules, deletion_rules};
use crate::plan::decision::Plan;
use crate::plan::desk::Desk;

/// Takes or drops the finalizer before anything is done.
pub(super) fn decide(desk: &mut Desk<'_>) -> Option<Plan> {
    let app = desk.situation.app;
    finalizer(app, &deletion_rules(&app.spec))
}

/// The change of the finalizer that the policy of the deletion asks for.
pub(super) fn finalizer(app: &FlinkApplication, rules: &DeletionRules) -> Option<Plan> {
    let held = app.finalizers().iter().any(|name| name == FINALIZER);
    match (rules.policy, held) {
        (DeletionPolicy::Retain, true) => Some(Plan::Release),
        (DeletionPolicy::Stop | DeletionPolicy::Delete, false) => Some(Plan::Hold),
        _ => None,
    }
}
