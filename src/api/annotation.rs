//! Requests that a person makes by annotation; each value is a timestamp or a nonce that is acted on once.

/// Look at the application at once.
pub const RECONCILE_REQUESTED_AT: &str = "sluicegate.dev/reconcile-requested-at";

/// Forget the failure of the target revision once.
pub const RETRY_REQUESTED_AT: &str = "sluicegate.dev/retry-requested-at";

/// Consent to one start without state of the revision that is the value.
pub const ALLOW_EMPTY_START: &str = "sluicegate.dev/allow-empty-start";
