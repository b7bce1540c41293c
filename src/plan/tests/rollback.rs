//! The ways back: each row of the table, and what ends each.

use super::*;
use crate::api::status::{FailedRevision, HistoryResult, UnprovenSpan};
use crate::fault::{Fault, FaultKind};
use crate::plan::needs;
use crate::plan::outcome::{Moment, Outcome};
use crate::world::ObservedVersion;

const GOOD: &str = "";
const BAD: &str = "parallelism: {parallelism: 4}";

/// A failed change from version 3 (good) to version 4, whose job runs and is in trouble. The update took snapshot `own`.
pub(super) fn failed_change(more: &str) -> Case {
    let good = Case::running(GOOD);
    let good_revision = good.want().unwrap().revision.to_string();
    let content = good.want().unwrap().configuration;
    let mut case = Case::observed(&format!("{BAD}\n{more}"), ApplicationStatus::Running).world(|app| {
        app.version_id = 4;
        app.updated_from = Some(3);
    });
    let revision = case.want().unwrap().revision.to_string();
    case.world.versions.insert(
        3,
        ObservedVersion {
            configuration: content,
            code_digest: None,
        },
    );
    case.snapshots(vec![snapshot("own", 5, SnapshotStatus::Ready)])
        .journal(|journal| {
            journal.had_state = true;
            journal.revisions = Some(Revisions {
                target: Some(revision.clone()),
                running: Some(revision.clone()),
                good: Some(good_revision),
                good_version_id: Some(3),
                good_snapshot: None,
                previous: None,
            });
            journal.failed_revisions.push(FailedRevision {
                revision: revision.clone(),
                reason: Reason::RestartLoop,
                at: after(60),
                answered: false,
            });
            journal.unproven.push(UnprovenSpan {
                revision,
                version_id: Some(4),
                from: after(10),
                until: None,
            });
        })
        .at(60)
}

/// The case when the service has the content of the good version again.
pub(super) fn returned(case: Case, status: ApplicationStatus) -> Case {
    let content = case.world.versions[&3].configuration.clone();
    case.world(|app| {
        app.version_id = 5;
        app.status = status;
        app.configuration = content;
    })
}

/// The failed change while its update still goes on, past the deadline and before any verdict.
pub(super) fn overdue_update(more: &str) -> Case {
    failed_change(more)
        .journal(|journal| {
            journal.failed_revisions.clear();
            journal.unproven.clear();
            let revision = journal.revisions().target.unwrap();
            journal.rollout = Some(super::gate::rollout_of(&revision));
        })
        .under_way(StepKind::Update, ApplicationStatus::Updating)
        .at(1801)
}

/// The failed change after the good revision was brought back and proven again.
pub(super) fn rolled_back() -> Case {
    let case = failed_change("").recorded().journal(|journal| journal.intent = None);
    returned(case, ApplicationStatus::Running)
        .sees(healthy_job())
        .at(100)
        .recorded()
        .at(221)
        .recorded()
}

#[test]
fn a_looping_job_is_left_by_a_rollback_to_the_good_version() {
    let decision = failed_change("").decide();
    assert_eq!(decision.plan, Plan::Do(Step::RollBack { version_id: 4 }));
    let intent = decision.journal.intent.unwrap();
    assert_eq!(Some(intent.revision.unwrap()), decision.journal.revisions.unwrap().good);
    assert!(decision.journal.failed_revisions[0].answered);
}

#[test]
fn where_nothing_could_be_started_after_it_the_failed_job_is_left_as_it_is() {
    let only_its_own = |case: Case| case.snapshots(vec![snapshot("on-trial", 30, SnapshotStatus::Ready)]);
    let decision = only_its_own(failed_change("")).decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::NoRestorePoint);
    let good = decision.journal.revisions().good.unwrap();
    assert!(message.contains(&format!("allow-empty-start={good}")), "{message}");
    let asked = failed_change("").journal(|journal| {
        journal.failed_revisions[0].reason = Reason::ForceStopped;
    });
    assert_eq!(step(&only_its_own(asked).decide()), StepKind::ForceStop);
    let consented = failed_change("").annotate("sluicegate.dev/allow-empty-start", &good);
    assert_eq!(step(&only_its_own(consented).decide()), StepKind::ForceStop);
}

#[test]
fn a_rollback_whose_content_was_not_read_or_is_another_is_not_used() {
    let case = failed_change("").world(|app| app.updated_from = Some(2));
    assert_eq!(step(&case.decide()), StepKind::ForceStop, "version 2 was not read");
    let mut case = failed_change("").world(|app| app.updated_from = Some(2));
    let other = Case::new("parallelism: {parallelism: 9}").want().unwrap().configuration;
    case.world.versions.insert(
        2,
        ObservedVersion {
            configuration: other,
            code_digest: None,
        },
    );
    assert_eq!(step(&case.decide()), StepKind::ForceStop, "version 2 is not good");
}

#[test]
fn the_content_of_the_good_version_is_read_before_anything_is_sent() {
    let mut case = failed_change("");
    case.world.versions.clear();
    let decision = case.decide();
    assert_eq!(waits(&decision), Reason::RollingBack);
    let gone = case.recorded().decide();
    let (reason, message) = stalls(&gone);
    assert_eq!(reason, Reason::RollbackFailed);
    assert!(message.contains("version 3"), "{message}");
}

#[test]
fn a_refused_rollback_goes_on_by_force() {
    for kind in [FaultKind::Invalid, FaultKind::Denied, FaultKind::RoleOrLocation] {
        let sent = failed_change("").recorded();
        let refusal = Outcome::Refused(Fault::new(kind, "it has no snapshot that is READY"));
        let moment = Moment {
            now: after(60),
            generation: 1,
            snapshot_required: false,
        };
        let refused = sent.journal(|journal| journal.learn(&refusal, moment));
        assert_eq!(step(&refused.decide()), StepKind::ForceStop, "{kind:?}");
    }
}

#[test]
fn a_stopped_application_gets_the_good_content_and_starts_from_the_snapshot_of_the_good_job() {
    let stopped = failed_change("")
        .recorded()
        .journal(|journal| {
            journal.intent = None;
            journal.unproven[0].until = Some(after(70));
        })
        .world(|app| app.status = ApplicationStatus::Ready)
        .snapshots(vec![
            snapshot("of-the-failed-job", 30, SnapshotStatus::Ready),
            snapshot("own", 5, SnapshotStatus::Ready),
        ])
        .at(80);
    let Plan::Do(Step::Update { run, change, .. }) = stopped.decide().plan else {
        panic!("no update")
    };
    assert_eq!(run, None);
    assert_eq!(change.parallelism.unwrap().parallelism, Some(1));
    let updated = returned(stopped, ApplicationStatus::Ready);
    let decision = updated.decide();
    assert_eq!(restore(&decision), Restore::Named("own".into()));
    assert_eq!(
        decision.journal.intent.unwrap().revision,
        decision.journal.revisions.unwrap().good
    );
}

#[test]
fn code_that_changed_under_the_good_version_is_not_started() {
    let mut case = failed_change("").recorded().journal(|journal| journal.intent = None);
    case.world.versions.get_mut(&3).unwrap().code_digest = Some("a".into());
    let case = returned(case, ApplicationStatus::Ready).world(|app| app.code_digest = Some("b".into()));
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::RollbackFailed);
    assert!(message.contains("code object"), "{message}");
}

#[test]
fn the_good_revision_is_proven_again_and_the_failed_one_held() {
    let case = failed_change("").recorded().journal(|journal| journal.intent = None);
    let case = returned(case, ApplicationStatus::Running).sees(healthy_job()).at(100);
    let decision = case.decide();
    assert_eq!(waits(&decision), Reason::RollingBack);
    let case = case.recorded().at(221);
    let decision = case.decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::RolledBack);
    assert!(message.contains("retry-requested-at"), "{message}");
    let journal = decision.journal;
    assert!(journal.way_back.is_none() && journal.rolled_back.is_some());
    assert_eq!(journal.revisions().running, journal.revisions().good);
    assert_eq!(journal.revisions().good_version_id, Some(5));
    assert!(
        journal
            .history
            .iter()
            .any(|entry| entry.result == HistoryResult::RolledBack)
    );
    let later = case.recorded().at(100_000);
    assert_eq!(stalls(&later.decide()).0, Reason::RolledBack, "it is not sent again");
}

#[test]
fn reverting_the_spec_after_a_rollback_rests_without_a_call() {
    let decision = rolled_back().respec(GOOD).decide();
    assert_eq!(decision.plan, Plan::Rest);
    assert!(decision.journal.rolled_back.is_none());
}

#[test]
fn a_good_revision_in_trouble_after_the_way_back_is_left_to_people() {
    let case = failed_change("").recorded().journal(|journal| journal.intent = None);
    let mut job = healthy_job();
    job.state = "FAILED".into();
    let case = returned(case, ApplicationStatus::Running).sees(job).at(100);
    assert_eq!(stalls(&case.decide()).0, Reason::RollbackFailed);
    let later = case.recorded().at(5000);
    assert_eq!(
        stalls(&later.decide()).0,
        Reason::RollbackFailed,
        "it is not tried again"
    );
}

#[test]
fn the_service_s_own_rollback_is_recognised_and_needs_no_call() {
    let case = failed_change("").journal(|journal| journal.failed_revisions[0].reason = Reason::StartFailed);
    let case = returned(case, ApplicationStatus::Running)
        .world(|app| app.rolled_back_from = Some(4))
        .sees(healthy_job())
        .at(100);
    assert_eq!(waits(&case.decide()), Reason::RollingBack);
    let decision = case.recorded().at(221).decide();
    assert_eq!(stalls(&decision).0, Reason::RolledBack);
    assert_eq!(decision.journal.rolled_back.unwrap().reason, Reason::System);
}

#[test]
fn the_policy_decides_what_follows_a_failure() {
    let stop = failed_change("rollout: {onFailure: ForceStop}");
    assert_eq!(step(&stop.decide()), StepKind::ForceStop);
    let hold = failed_change("rollout: {onFailure: Hold}");
    assert_eq!(stalls(&hold.decide()).0, Reason::RestartLoop);
    assert_eq!(stalls(&hold.recorded().decide()).0, Reason::RestartLoop);
    let first = failed_change("").journal(|journal| {
        let revisions = journal.revisions.as_mut().unwrap();
        revisions.good = None;
        revisions.good_version_id = None;
    });
    assert_eq!(
        step(&first.decide()),
        StepKind::ForceStop,
        "nothing good yet: it is stopped"
    );
}

#[test]
fn a_failed_start_lands_ready_and_the_good_version_is_started_again() {
    let case = failed_change("")
        .journal(|journal| {
            journal.failed_revisions[0].reason = Reason::StartFailed;
            journal.revisions.as_mut().unwrap().running = None;
            journal.unproven.clear();
        })
        .world(|app| app.status = ApplicationStatus::Ready);
    assert_eq!(step(&case.decide()), StepKind::Update);
}

#[test]
fn an_update_that_outlasts_the_deadline_is_left_by_a_rollback() {
    let decision = overdue_update("").decide();
    assert_eq!(decision.plan, Plan::Do(Step::RollBack { version_id: 4 }));
    assert_eq!(decision.journal.failed_revisions[0].reason, Reason::DeadlineExceeded);
}

#[test]
fn a_rollback_or_a_forced_stop_of_an_overdue_update_that_was_never_sent_is_sent_again() {
    for kind in [StepKind::RollBack, StepKind::ForceStop] {
        let declared = failed_change("")
            .world(|app| app.status = ApplicationStatus::Updating)
            .operations(vec![operation(
                "op-old",
                "UpdateApplication",
                OperationStatus::InProgress,
            )])
            .at(1801)
            .recorded()
            .journal(|journal| {
                let intent = journal.intent.as_mut().unwrap();
                intent.step = kind;
                intent.operation_id = None;
            });
        let early = declared.at(1801 + 30);
        assert!(
            matches!(early.decide().plan, Plan::Wait(_)),
            "{kind:?} may still arrive"
        );
        let decision = early.at(1801 + 60).decide();
        assert!(matches!(decision.plan, Plan::Do(_)), "{kind:?}: {:?}", decision.plan);
    }
}

#[test]
fn an_application_that_is_stopped_after_a_rollback_says_that_it_is_stopped() {
    let stopped = rolled_back()
        .respec(&format!("{BAD}\ndesiredState: Stopped"))
        .world(|app| app.status = ApplicationStatus::Ready)
        .journal(|journal| journal.revisions.as_mut().unwrap().running = None);
    let (reason, message) = stalls(&stopped.decide());
    assert_eq!(reason, Reason::RolledBack);
    assert!(
        message.contains("is stopped") && !message.contains("runs again"),
        "{message}"
    );
}

#[test]
fn a_way_back_that_failed_reads_no_versions() {
    let case = failed_change("").recorded();
    let needs = |case: &Case| {
        needs(
            &case.app,
            case.want().as_ref(),
            case.world.application.as_ref(),
            &case.world.restarts,
            case.now,
        )
    };
    assert_eq!(needs(&case).versions, [3]);
    let failed = case.journal(|journal| journal.way_back.as_mut().unwrap().failure = Some("it failed".into()));
    assert!(needs(&failed).versions.is_empty());
}
