//! The condition `SnapshotsHealthy`.

use super::*;

/// The condition about snapshots as `status/reason: message`.
fn snapshots_healthy(more: &str, known: Option<SnapshotsStatus>) -> Option<String> {
    let mut app = app();
    app.spec = serde_yaml::from_str(&format!("{SPEC}{more}")).unwrap();
    let journal = Journal {
        snapshots: known,
        ..Journal::default()
    };
    let status = projected(&app, &journal, &Plan::Rest, now());
    let told = status.conditions.iter().find(|c| c.type_ == "SnapshotsHealthy")?;
    Some(format!("{}/{}: {}", told.status, told.reason, told.message))
}

#[test]
fn snapshots_are_healthy_while_the_newest_good_one_is_young_enough_and_there_is_room() {
    let hours = |hours| Some(now() - SignedDuration::from_hours(hours));
    let known = |latest_at: Option<Timestamp>| SnapshotsStatus {
        latest: latest_at.map(|_| "s1".to_owned()),
        latest_at,
        count: 5,
        ..SnapshotsStatus::default()
    };
    let failed = |class| SnapshotFailure::after(None, now(), class, "it broke".into());
    let failing = SnapshotsStatus {
        failure: Some(failed(None)),
        ..known(None)
    };
    let refused = SnapshotsStatus {
        failure: Some(failed(Some(RefusalClass::QuotaExceeded))),
        ..known(hours(1))
    };
    let many = SnapshotsStatus {
        count: 900,
        ..known(hours(1))
    };
    let stale = "snapshots: {staleAfter: 12h}";
    let stopped = "desiredState: Stopped\nsnapshots: {staleAfter: 12h}";
    let off = "snapshots: {enabled: false}
restore: {onStart: None, onUpdate: None}
rollout: {preChangeSnapshot: Never}";
    for (more, known, expected) in [
        ("", Some(known(hours(99))), "True/Fresh: "),
        (stale, Some(known(hours(11))), "True/Fresh: "),
        (
            stale,
            Some(known(hours(12))),
            "False/Stale: the newest snapshot of a good revision is s1 of",
        ),
        (stopped, Some(known(hours(99))), "True/Fresh: "),
        (stale, Some(known(None)), "Unknown/NoData: "),
        (
            stale,
            Some(failing),
            "False/Stale: no job of a good revision was snapshotted. The last attempt",
        ),
        (
            "",
            Some(refused),
            "False/LimitReached: the service takes no more snapshots at 5 of them: it broke",
        ),
        (
            "",
            Some(many),
            "False/LimitReached: there are 900 snapshots and the service keeps 1000",
        ),
        (off, None, "Unknown/Disabled: "),
    ] {
        let told = snapshots_healthy(more, known).unwrap();
        assert!(told.starts_with(expected), "{told}");
    }
    assert_eq!(snapshots_healthy("", None), None);
}
