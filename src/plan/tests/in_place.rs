//! What is asked for while the revision of the spec is held: it is done with what is in place.

use super::elsewhere::{BAD, good, in_the_gate, left, rolled_back};
use super::gate::job;
use super::*;
use crate::api::status::{RefusalClass, RefusalStatus};

const RESTART: &str = "sluicegate.dev/restart-requested-at";

fn back() -> ObservedJob {
    job(|job| job.started_at = after(51))
}

/// Somebody else's rollback, whose job is verified.
fn in_its_gate() -> Case {
    rolled_back(in_the_gate(), &good()).sees(back()).recorded().at(70)
}

/// The same after its job was proven.
fn after_its_gate() -> Case {
    let mut case = in_its_gate();
    for second in [73, 200, 330] {
        case = case.at(second).recorded();
    }
    let journal = &case.app.status.as_ref().unwrap().journal;
    assert!(journal.way_back.is_none() && journal.rollout.is_none(), "{journal:?}");
    case
}

/// The same where its job is in trouble.
fn in_trouble() -> Case {
    let looping = job(|job| {
        job.started_at = after(51);
        job.restarts = Some(5);
    });
    let case = rolled_back(in_the_gate(), &good()).sees(looping).recorded().at(63);
    let case = case.recorded().at(70);
    assert_eq!(stalls(&case.decide()).0, Reason::RollbackFailed);
    case
}

/// The job that runs again after a rollback of ours, proven.
fn after_ours() -> Case {
    super::rollback::rolled_back().at(300)
}

fn is_restart_in_place(case: &Case) {
    let held = case.app.status.as_ref().unwrap().journal.failed_revisions.clone();
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Restart);
    assert_eq!(restore(&decision), Restore::Latest);
    let intent = decision.journal.intent.unwrap();
    assert_eq!(intent.revision, Some(good().revision.to_string()));
    assert_eq!(decision.journal.failed_revisions, held, "it is still held");
}

/// The restart was carried out, as version 6.
fn restarted(case: Case, at: i64) -> Case {
    let done = ObservedOperation {
        started_at: after(at + 1),
        ended_at: Some(after(at + 5)),
        ..operation("op-restart", "UpdateApplication", OperationStatus::Successful)
    };
    let content = case.world.application.as_ref().unwrap().configuration.clone();
    let mut case = case.at(at).recorded().journal(|journal| {
        let intent = journal.intent.as_mut().unwrap();
        intent.phase = Phase::Issued;
        intent.operation_id = Some("op-restart".into());
        intent.to_version_id = Some(6);
    });
    case.world.versions.insert(
        case.world.application.as_ref().unwrap().version_id,
        crate::world::ObservedVersion {
            configuration: content.clone(),
            code_digest: None,
        },
    );
    let mut listed = case.world.operations.clone().unwrap_or_default();
    listed.insert(0, done);
    case.world(|app| {
        app.version_id = 6;
        app.updated_from = Some(5);
        app.rolled_back_from = None;
        app.token = "token-6".into();
    })
    .operations(listed)
    .sees(job(|job| job.started_at = after(at + 3)))
    .at(at + 10)
}

#[test]
fn a_restart_while_a_revision_is_held_restarts_what_is_in_place() {
    for case in [in_its_gate, after_its_gate, in_trouble, after_ours] {
        is_restart_in_place(&case().annotate(RESTART, "1"));
        let spec = format!("{BAD}\nrestartNonce: 1");
        is_restart_in_place(&case().respec(&spec));
    }
}

#[test]
fn a_restart_of_what_is_in_place_is_made_once_and_verified() {
    let cases: [(fn() -> Case, i64); 4] = [
        (in_its_gate, 70),
        (after_its_gate, 400),
        (in_trouble, 70),
        (after_ours, 300),
    ];
    for (case, at) in cases {
        let case = case();
        let from = left(&case);
        let mut case = restarted(case.annotate(RESTART, "1"), at);
        let decision = case.decide();
        let handled = decision.journal.handled.clone().unwrap();
        assert_eq!(handled.restart.as_deref(), Some("1"));
        assert_eq!(stalls(&decision).0, Reason::RolledBack);
        assert!(decision.journal.rollout.is_some(), "the job is verified");
        for second in [at + 13, at + 140, at + 270] {
            case = case.recorded().at(second);
            assert_eq!(stalls(&case.decide()).0, Reason::RolledBack);
        }
        let journal = case.decide().journal;
        assert!(journal.way_back.is_none() && journal.rollout.is_none(), "{journal:?}");
        assert_eq!(journal.revisions().good, Some(good().revision.to_string()));
        assert_eq!(journal.revisions().good_version_id, Some(6));
        let rolled_back = journal.rolled_back.unwrap();
        assert_eq!(rolled_back.from, from);
        assert!(journal.failed_revisions.iter().any(|failed| failed.revision == from));
    }
}

#[test]
fn a_restart_of_what_is_in_place_and_stopped_starts_it() {
    let ready = || rolled_back(in_the_gate(), &good()).world(|app| app.status = ApplicationStatus::Ready);
    let case = ready().recorded().journal(|journal| {
        journal.intent = None;
        journal.way_back.as_mut().unwrap().failure = Some("it did not start".into());
    });
    assert_eq!(stalls(&case.decide()).0, Reason::RollbackFailed);
    let decision = case.annotate(RESTART, "1").decide();
    assert_eq!(step(&decision), StepKind::Start);
    let journal = decision.journal;
    assert_eq!(journal.intent.unwrap().revision, Some(good().revision.to_string()));
    assert_eq!(journal.failed_revisions.len(), 1, "it is still held");
}

#[test]
fn a_restart_in_place_that_is_refused_because_the_job_is_down_is_made_by_force() {
    for case in [in_its_gate, after_its_gate, after_ours] {
        let mut case = case().annotate(RESTART, "1").at(1000);
        case.world.job = Sight::Seen(Some(job(|job| job.vertices[1].running = 0)));
        let case = case.journal(|journal| {
            journal.refusal = Some(RefusalStatus {
                step: StepKind::Restart,
                class: RefusalClass::JobDown,
                message: "experiencing downtime".into(),
                generation: 1,
                revision: Some(good().revision.to_string()),
                first_at: after(690),
                last_at: after(995),
            });
        });
        let decision = case.decide();
        assert_eq!(step(&decision), StepKind::ForceStop);
        assert_eq!(
            decision.journal.intent.unwrap().revision,
            Some(good().revision.to_string())
        );
    }
}

#[test]
fn a_snapshot_is_taken_of_what_is_in_place_once_it_is_proven() {
    for case in [after_its_gate, after_ours] {
        let asked = case().annotate("sluicegate.dev/snapshot-requested-at", "1").decide();
        assert_eq!(step(&asked), StepKind::BackUp);
        let due = case().respec(&format!("{BAD}\nsnapshots: {{schedule: {{cron: '* * * * *'}}}}"));
        let due = due.recorded().at(1200);
        assert_eq!(step(&due.decide()), StepKind::BackUp);
    }
}

#[test]
fn a_request_for_a_snapshot_of_a_job_in_trouble_is_told_that_there_is_none() {
    let asked = in_trouble()
        .annotate("sluicegate.dev/snapshot-requested-at", "1")
        .decide();
    assert_eq!(told(&asked), ["SnapshotRefused"]);
    assert_eq!(asked.journal.handled.unwrap().snapshot.as_deref(), Some("1"));
    assert_eq!(asked.journal.requests, None);
}

#[test]
fn a_snapshot_that_the_next_start_is_to_restore_waits_for_a_start_of_the_spec() {
    let spec = format!("{BAD}\nrestore: {{once: {{nonce: 1, snapshotName: kept}}}}");
    let decision = after_its_gate().respec(&spec).annotate(RESTART, "1").decide();
    assert_eq!(restore(&decision), Restore::Latest);
    assert_eq!(decision.journal.intent.unwrap().restore_once, None);
}
