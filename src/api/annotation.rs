//! Requests that a person makes by annotation; each value is a timestamp or a nonce that is acted on once.

use kube::ResourceExt;

use crate::api::spec::FlinkApplication;

/// Look at the application at once.
pub const RECONCILE_REQUESTED_AT: &str = "sluicegate.dev/reconcile-requested-at";

/// Forget the failure of the target revision once.
pub const RETRY_REQUESTED_AT: &str = "sluicegate.dev/retry-requested-at";

/// Consent to one start without state of the revision that is the value.
pub const ALLOW_EMPTY_START: &str = "sluicegate.dev/allow-empty-start";

/// Restart the job with its state.
pub const RESTART_REQUESTED_AT: &str = "sluicegate.dev/restart-requested-at";

/// Go back to the newest good revision other than the one that runs.
pub const ROLLBACK_REQUESTED_AT: &str = "sluicegate.dev/rollback-requested-at";

/// Stop the job by force, without a snapshot; in a rollout, take the way back by force at once.
pub const FORCE_STOP_REQUESTED_AT: &str = "sluicegate.dev/force-stop-requested-at";

/// Take a snapshot of the running job.
pub const SNAPSHOT_REQUESTED_AT: &str = "sluicegate.dev/snapshot-requested-at";

/// Let the revision that is the value through, under `spec.rollout.approval: Manual`.
pub const APPROVED_REVISION: &str = "sluicegate.dev/approved-revision";

/// With the value [`PAUSED`] nothing is changed; the application is only watched.
pub const RECONCILE: &str = "sluicegate.dev/reconcile";

/// The value of [`RECONCILE`] that pauses.
pub const PAUSED: &str = "paused";

/// The value of an annotation, without the blanks around it. One that is blank, as a template writes one that is not set, is
/// absent.
#[must_use]
pub fn value<'a>(app: &'a FlinkApplication, key: &str) -> Option<&'a str> {
    let value = app.annotations().get(key)?.trim();
    (!value.is_empty()).then_some(value)
}

/// Whether [`RECONCILE`] asks to watch only.
#[must_use]
pub fn is_paused(app: &FlinkApplication) -> bool {
    value(app, RECONCILE).is_some_and(|value| value == PAUSED)
}

/// The value of [`RECONCILE`] where it is one that means nothing.
#[must_use]
pub fn meaningless(app: &FlinkApplication) -> Option<&str> {
    value(app, RECONCILE).filter(|value| *value != PAUSED)
}
