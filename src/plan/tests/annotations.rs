//! Annotations that ask for nothing.

use super::*;

#[test]
fn a_request_or_a_consent_that_is_blank_is_none() {
    for key in [
        "sluicegate.dev/force-stop-requested-at",
        "sluicegate.dev/rollback-requested-at",
        "sluicegate.dev/restart-requested-at",
        "sluicegate.dev/snapshot-requested-at",
        "sluicegate.dev/retry-requested-at",
        "sluicegate.dev/reconcile-requested-at",
        "sluicegate.dev/reconcile",
        "sluicegate.dev/approved-revision",
        "sluicegate.dev/allow-empty-start",
    ] {
        for blank in ["", "  ", "\n"] {
            let plain = Case::running("").recorded().decide();
            let decision = Case::running("").recorded().annotate(key, blank).decide();
            assert_eq!(decision, plain, "{key}: {blank:?}");
            let want = Case::running("").annotate(key, blank).want().unwrap();
            assert_eq!(
                (want.approved_revision, want.empty_start_consent),
                (None, None),
                "{key}"
            );
        }
    }
}
