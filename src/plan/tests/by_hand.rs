//! What people do by hand: forced stops, rollbacks, restarts, and rollbacks in the console.

use super::gate::rollout_of;
use super::rollback::rolled_back;
use super::*;
use crate::api::status::{GateStatus, HistoryEntry, HistoryResult, PreviousRevision, RolloutStatus};
use crate::world::ObservedVersion;

const FORCE: &str = "sluicegate.dev/force-stop-requested-at";
const ROLLBACK: &str = "sluicegate.dev/rollback-requested-at";
const RESTART: &str = "sluicegate.dev/restart-requested-at";

/// A good revision that runs as version 3 and has a good one before it, version 2, whose content was read.
fn with_previous() -> Case {
    let previous = Case::new("parallelism: {parallelism: 9}").want().unwrap();
    let mut case = Case::running("").journal(|journal| {
        journal.revisions.as_mut().unwrap().previous = Some(PreviousRevision {
            revision: previous.revision.to_string(),
            version_id: 2,
            snapshot: None,
        });
    });
    case.world.versions.insert(
        2,
        ObservedVersion {
            configuration: previous.configuration,
            code_digest: None,
        },
    );
    case.snapshots(vec![snapshot("own", 5, SnapshotStatus::Ready)])
}

#[test]
fn a_running_application_is_stopped_by_force_on_request_and_stays_so_until_asked_again() {
    let case = Case::running("").annotate(FORCE, "1");
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    let case = case
        .recorded()
        .journal(|journal| journal.intent = None)
        .world(|app| app.status = ApplicationStatus::Ready)
        .snapshots(vec![snapshot("own", 5, SnapshotStatus::Ready)]);
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::ForceStopped);
    assert!(message.contains("restart-requested-at"), "{message}");
    let case = case.recorded();
    assert_eq!(stalls(&case.decide()).0, Reason::ForceStopped);
    assert!(case.decide().journal.requests.is_none());
    let edited = case.respec("parallelism: {parallelism: 4}");
    assert_eq!(step(&edited.decide()), StepKind::Update);
}

#[test]
fn a_first_deployment_that_starts_is_stopped_by_force_on_request() {
    let case = Case::observed("", ApplicationStatus::Starting)
        .issued(StepKind::Start)
        .operations(vec![operation(
            "op-new",
            "StartApplication",
            OperationStatus::InProgress,
        )])
        .journal(|journal| {
            let revision = journal.intent.as_ref().unwrap().revision.clone();
            journal.rollout = Some(super::gate::rollout_of(&revision.unwrap()));
        })
        .annotate(FORCE, "1")
        .at(10);
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    assert_eq!(decision.journal.failed_revisions[0].reason, Reason::ForceStopped);
}

#[test]
fn a_retry_or_a_restart_lifts_a_forced_stop() {
    for key in ["sluicegate.dev/retry-requested-at", RESTART] {
        let case = Case::observed("", ApplicationStatus::Ready)
            .annotate(FORCE, "1")
            .snapshots(vec![snapshot("own", 5, SnapshotStatus::Ready)])
            .recorded();
        assert_eq!(stalls(&case.decide()).0, Reason::ForceStopped);
        let decision = case.annotate(key, "2").decide();
        assert_eq!(step(&decision), StepKind::Start, "{key}");
    }
}

#[test]
fn a_request_that_an_old_backup_carries_is_not_acted_on() {
    let case = Case::running("")
        .journal(|journal| journal.handled = None)
        .annotate(FORCE, "1");
    let decision = case.decide();
    assert_eq!(decision.plan, Plan::Rest);
    assert_eq!(decision.journal.handled.unwrap().force_stop.as_deref(), Some("1"));
}

#[test]
fn the_first_request_of_all_is_acted_on() {
    let case = Case::running("").recorded();
    let case = case.journal(|journal| journal.handled = None).annotate(FORCE, "1");
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
}

#[test]
fn a_forced_stop_is_never_sent_while_the_outcome_of_another_call_is_unknown() {
    let case = Case::running("")
        .intent(StepKind::Update, Phase::Unknown)
        .annotate(FORCE, "1")
        .at(10);
    assert!(matches!(case.decide().plan, Plan::Wait(_)));
}

#[test]
fn a_restart_is_made_once_for_each_value_of_the_annotation() {
    let case = Case::running("").annotate(RESTART, "1");
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Restart);
    assert_eq!(decision.journal.intent.unwrap().restart_request.as_deref(), Some("1"));
    let done = case
        .recorded()
        .journal(|journal| {
            let intent = journal.intent.as_mut().unwrap();
            intent.phase = Phase::Issued;
            intent.operation_id = Some("op-new".into());
        })
        .world(|app| app.token = "token-4".into())
        .operations(vec![operation(
            "op-new",
            "UpdateApplication",
            OperationStatus::Successful,
        )])
        .at(60);
    let decision = done.decide();
    assert_eq!(waits(&decision), Reason::Verifying);
    assert_eq!(decision.journal.handled.as_ref().unwrap().restart.as_deref(), Some("1"));
    assert!(decision.journal.requests.is_none());
}

#[test]
fn a_rollback_on_request_goes_to_the_good_revision_before_and_holds_the_one_it_left() {
    let case = with_previous().annotate(ROLLBACK, "1");
    let decision = case.decide();
    assert_eq!(decision.plan, Plan::Do(Step::RollBack { version_id: 3 }));
    assert_eq!(decision.journal.failed_revisions[0].reason, Reason::Manual);
    let way = decision.journal.way_back.as_ref().unwrap();
    assert_eq!((way.version_id, way.reason), (2, Reason::Manual));
}

#[test]
fn a_healthy_job_is_rolled_back_by_an_update_with_a_named_snapshot_where_rollback_does_not_fit() {
    let case = with_previous()
        .annotate(ROLLBACK, "1")
        .world(|app| app.updated_from = Some(1));
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Update);
    assert_eq!(restore(&decision), Restore::Named("own".into()));
}

#[test]
fn a_rollback_without_another_good_revision_is_refused_and_said() {
    let decision = Case::running("").annotate(ROLLBACK, "1").decide();
    assert_eq!(decision.plan, Plan::Rest);
    assert!(decision.notes.iter().any(|note| note.reason == "RollbackRefused"));
    assert_eq!(decision.journal.handled.unwrap().rollback.as_deref(), Some("1"));
}

#[test]
fn a_rollback_in_the_console_is_recorded_and_never_undone() {
    let case = with_previous();
    let content = case.world.versions[&2].configuration.clone();
    let case = case.world(|app| {
        app.version_id = 4;
        app.rolled_back_from = Some(3);
        app.configuration = content;
    });
    let decision = case.decide();
    assert_eq!(stalls(&decision).0, Reason::RolledBack);
    assert_eq!(decision.journal.rolled_back.unwrap().reason, Reason::Manual);
    let later = case.recorded().at(90_000);
    assert_eq!(stalls(&later.decide()).0, Reason::RolledBack);
}

#[test]
fn a_rolled_back_application_that_came_to_rest_is_started_again_with_the_good_revision() {
    let case = with_previous();
    let content = case.world.versions[&2].configuration.clone();
    let rolled_back = case
        .world(|app| {
            app.version_id = 4;
            app.rolled_back_from = Some(3);
            app.configuration = content;
        })
        .recorded()
        .journal(|journal| {
            let to = journal.rolled_back.as_ref().unwrap().to.clone();
            let revisions = journal.revisions.as_mut().unwrap();
            revisions.good = Some(to);
            revisions.good_version_id = Some(2);
            revisions.running = None;
        })
        .world(|app| app.status = ApplicationStatus::Ready);
    assert_eq!(step(&rolled_back.decide()), StepKind::Start);
}

#[test]
fn an_application_that_is_gone_takes_its_versions_with_it() {
    let mut case = with_previous();
    case.world.application = None;
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Create);
    let revisions = decision.journal.revisions();
    assert!(revisions.good_version_id.is_none() && revisions.previous.is_none());
}

#[test]
fn a_paused_resource_is_watched_and_nothing_is_sent() {
    let cases: [(fn() -> Case, bool); 4] = [
        (|| Case::new(""), false),
        (|| Case::observed("", ApplicationStatus::Ready), false),
        (|| Case::running("").respec("parallelism: {parallelism: 4}"), false),
        (|| Case::running("").annotate(FORCE, "1"), true),
    ];
    for (case, expected) in cases {
        let mut case = case();
        let annotations = case.app.metadata.annotations.get_or_insert_default();
        annotations.insert("sluicegate.dev/reconcile".into(), "paused".into());
        let decision = case.decide();
        assert_eq!(decision.plan, Plan::Pause);
        assert!(decision.journal.intent.is_none());
        assert_eq!(
            decision.journal.requests.is_some(),
            expected,
            "requests are kept for later"
        );
    }
}

#[test]
fn a_forced_stop_on_request_after_a_rollback_holds_until_a_restart_is_asked_for() {
    let case = rolled_back().annotate(FORCE, "1");
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
    let mut case = case
        .recorded()
        .journal(|journal| {
            journal.intent = None;
            journal.revisions.as_mut().unwrap().running = None;
        })
        .world(|app| app.status = ApplicationStatus::Ready);
    let good = case.world.versions[&3].clone();
    case.world.versions.insert(5, good);
    assert_eq!(stalls(&case.decide()).0, Reason::ForceStopped);
    let case = case.recorded();
    assert_eq!(stalls(&case.decide()).0, Reason::ForceStopped, "nobody asked for more");
    let decision = case.annotate(RESTART, "1").decide();
    assert_eq!(step(&decision), StepKind::Start);
    let revisions = decision.journal.revisions();
    assert_eq!(decision.journal.intent.unwrap().revision, revisions.good);
}

#[test]
fn a_paused_resource_that_is_deleted_is_released() {
    let mut case = Case::running("deletion: {policy: Stop}").annotate("sluicegate.dev/reconcile", "paused");
    case.app.metadata.finalizers = Some(vec!["sluicegate.dev/application".into()]);
    let time = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(start_of_time());
    case.app.metadata.deletion_timestamp = Some(time);
    assert_eq!(case.decide().plan, Plan::Release);
}

#[test]
fn the_next_update_or_start_restores_the_snapshot_that_is_named_once() {
    let once = "restore: {once: {nonce: 1, snapshotName: chosen}}";
    let change = format!("parallelism: {{parallelism: 4}}\nrollout: {{preChangeSnapshot: Never}}\n{once}");
    let snapshots = || {
        vec![
            snapshot("newest", 70, SnapshotStatus::Ready),
            snapshot("chosen", 60, SnapshotStatus::Ready),
        ]
    };
    assert_eq!(
        Case::running("").respec(once).decide().plan,
        Plan::Rest,
        "it causes nothing"
    );
    let update = Case::running("").respec(&change).snapshots(snapshots());
    assert_eq!(restore(&update.decide()), Restore::Named("chosen".into()));
    assert_eq!(update.decide().journal.intent.unwrap().restore_once, Some(1));
    let missing = Case::running("").respec(&change).snapshots(Vec::new());
    assert_eq!(stalls(&missing.decide()).0, Reason::NoRestorePoint);
    let start = Case::observed(once, ApplicationStatus::Ready).snapshots(snapshots());
    assert_eq!(restore(&start.decide()), Restore::Named("chosen".into()));
    let handled = start.journal(|journal| journal.handled.as_mut().unwrap().restore_once = Some(1));
    assert_eq!(restore(&handled.decide()), Restore::Named("newest".into()));
}

#[test]
fn the_job_of_an_update_in_the_console_is_unproven_in_the_gate_too() {
    let updated = |id: &str, from: i64| ObservedOperation {
        started_at: after(from),
        ended_at: Some(after(from + 5)),
        ..operation(id, "UpdateApplication", OperationStatus::Successful)
    };
    let case = Case::running("")
        .sees(healthy_job())
        .world(|app| app.version_id = 4)
        .journal(|journal| {
            journal.rollout = Some(RolloutStatus {
                gate: Some(GateStatus {
                    operation_id: Some("op-ours".into()),
                    ..GateStatus::since(start_of_time())
                }),
                ..rollout_of(&journal.revisions().good.unwrap())
            });
        })
        .at(60);
    let ours = case.operations(vec![updated("op-ours", 0)]);
    assert_eq!(ours.decide().journal.unproven, []);
    let theirs = ours.operations(vec![updated("op-theirs", 40), updated("op-ours", 0)]);
    let [span] = &theirs.decide().journal.unproven[..] else {
        panic!("one span is noted");
    };
    assert_eq!(
        (span.revision.as_str(), span.from, span.until),
        ("version 4", after(45), None)
    );
    let again = theirs.recorded().operations(vec![
        updated("op-return", 50),
        updated("op-theirs", 40),
        updated("op-ours", 0),
    ]);
    let again = again.world(|app| app.version_id = 5).at(61).recorded();
    let proven = again.at(64).recorded().at(200).decide();
    assert_eq!(proven.plan, Plan::Rest);
    let spans = proven.journal.unproven;
    let [theirs, returned] = &spans[..] else {
        panic!("two spans are noted: {spans:?}");
    };
    assert_eq!((theirs.from, theirs.until), (after(45), Some(after(55))));
    assert!(
        !returned.holds(after(100)),
        "what returned and proved good is good: {returned:?}"
    );
}

#[test]
fn the_job_of_an_update_in_the_console_is_unproven_while_a_change_begins() {
    let case = Case::running("")
        .journal(|journal| {
            let good = journal.revisions().good;
            journal.remember(HistoryEntry {
                at: start_of_time(),
                result: HistoryResult::Promoted,
                revision: good,
                version_id: Some(3),
                snapshot: None,
            });
        })
        .respec("parallelism: {parallelism: 4}")
        .recorded()
        .journal(|journal| journal.intent = None)
        .world(|app| app.version_id = 4)
        .operations(vec![operation(
            "op-theirs",
            "UpdateApplication",
            OperationStatus::Successful,
        )]);
    let decision = case.decide();
    assert!(decision.journal.rollout.is_some_and(|rollout| rollout.gate.is_none()));
    assert_eq!(decision.journal.unproven[0].revision, "version 4");
    let name = "of-the-job-before";
    let taken = case
        .issued(StepKind::TakeSnapshot)
        .journal(|journal| journal.intent.as_mut().unwrap().snapshot = Some(name.into()))
        .snapshots(vec![snapshot(name, 0, SnapshotStatus::Ready)]);
    let decision = taken.decide();
    assert_eq!(step(&decision), StepKind::Update);
    assert_eq!(decision.journal.unproven[0].revision, "version 4");
}
