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

#[test]
fn blanks_around_a_value_are_no_part_of_it() {
    let revision = Case::running("").want().unwrap().revision.to_string();
    for key in ["sluicegate.dev/approved-revision", "sluicegate.dev/allow-empty-start"] {
        let want = Case::running("")
            .annotate(key, &format!(" {revision}\n"))
            .want()
            .unwrap();
        let value = want.approved_revision.or(want.empty_start_consent);
        assert_eq!(value.as_ref(), Some(&revision), "{key}");
    }
}
