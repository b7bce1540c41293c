//! Requests of people, taken over at first sight.

use kube::ResourceExt;

use crate::api::annotation;
use crate::api::status::{HistoryEntry, HistoryResult};
use crate::plan::{Desk, Note};

/// Takes over the requests of the resource.
///
/// On a resource without a journal, for instance one restored from a backup, they are recorded and not acted on.
pub(super) fn take_over(desk: &mut Desk<'_>) {
    let app = desk.situation.app;
    let fresh = desk.journal.handled.is_none();
    let mut handled = desk.journal.handled.clone().unwrap_or_default();
    if fresh {
        handled.restart_nonce = app.spec.restart_nonce;
    }
    handled.reconcile = app
        .annotations()
        .get(annotation::RECONCILE_REQUESTED_AT)
        .cloned()
        .or(handled.reconcile);
    let retry = app.annotations().get(annotation::RETRY_REQUESTED_AT).cloned();
    let wanted = !fresh && retry.is_some() && retry != handled.retry;
    handled.retry = retry.or(handled.retry);
    desk.journal.handled = Some(handled);
    if wanted {
        forgive(desk);
    }
}

/// Forgets the failure of the target revision, what was refused, and how often the job ended.
pub(super) fn forgive(desk: &mut Desk<'_>) {
    let target = desk.target();
    desk.journal
        .failed_revisions
        .retain(|failed| Some(&failed.revision) != target.as_ref());
    desk.journal.refusal = None;
    if let Some(rollout) = &mut desk.journal.rollout {
        rollout.pre_change = None;
        rollout.updated_version_id = None;
    }
    let at = desk.situation.now;
    desk.journal.remember(HistoryEntry {
        at,
        result: HistoryResult::Retried,
        revision: target,
        version_id: None,
        snapshot: None,
    });
    desk.notes.push(Note::normal(
        "RetryRequested",
        "the failure of the target revision is forgotten on request",
    ));
}

impl Desk<'_> {
    /// The revision that the spec asks for, or asked for last while it asks for nothing valid.
    pub(super) fn target(&self) -> Option<String> {
        match self.situation.want {
            Ok(want) => Some(want.revision.to_string()),
            Err(_) => self.journal.revisions().target,
        }
    }
}
