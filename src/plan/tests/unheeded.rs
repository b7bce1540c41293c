//! What the service accepts and does not carry out, and the key that an alias names.

use super::gate::{after_looks, job};
use super::*;
use crate::plan::outcome::{Moment, Outcome};

/// An update of the wanted revision that was carried out, at the first look after it.
fn after_the_update(case: Case, edit: impl FnOnce(&mut Observed)) -> Case {
    let mut case = case
        .recorded()
        .journal(|journal| journal.intent = None)
        .issued(StepKind::Update)
        .operations(vec![operation(
            "op-new",
            "UpdateApplication",
            OperationStatus::Successful,
        )])
        .world(|app| (app.version_id, app.token) = (4, "token-4".into()));
    edit(case.world.application.as_mut().unwrap());
    case.at(10)
}

#[test]
fn the_key_that_the_service_answers_with_is_the_one_that_the_alias_names() {
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1";
    let case = Case::running("").respec("encryption: {kmsKeyId: alias/orders}");
    let case = after_the_update(case, |app| app.configuration.kms_key_id = Some(key.into()));
    let decision = case.decide();
    assert_eq!(waits(&decision), Reason::Verifying);
    assert_eq!(decision.journal.resolved_key.as_ref().unwrap().key, key);
    let later = case.recorded().journal(|journal| journal.rollout = None);
    assert_eq!(waits(&later.decide()), Reason::Verifying);
    let other = later.world(|app| app.configuration.kms_key_id = Some("arn:aws:kms:eu-west-1:1:key/2".into()));
    assert!(
        matches!(other.decide().plan, Plan::Do(_)),
        "another key is a difference"
    );
}

#[test]
fn the_content_in_place_is_known_whether_the_spec_names_the_key_by_alias_or_by_id() {
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1";
    for named in ["alias/orders", "'1'"] {
        let case = Case::running("").respec(&format!("encryption: {{kmsKeyId: {named}}}\nrestartNonce: 1"));
        let bad = case.want().unwrap().revision.to_string();
        let case = after_the_update(case, |app| app.configuration.kms_key_id = Some(key.into()));
        // Left by somebody else's rollback to the version before, then found in place again: it is no other content.
        let case = case.recorded().world(|app| app.rolled_back_from = Some(4));
        let decision = case.decide();
        assert!(!told(&decision).contains(&"RolledBackElsewhere"), "{named}");
        assert_eq!(decision.journal.revisions().running, Some(bad), "{named}");
    }
}

/// The parallelism was ignored by an update that brought everything else.
fn ignored() -> Case {
    after_the_update(Case::running("").respec("parallelism: {parallelism: 4}"), |_| ())
}

/// Looks that prove a job.
fn good_looks() -> Vec<(i64, ObservedJob)> {
    vec![(20, healthy_job()), (145, healthy_job())]
}

#[test]
fn what_is_left_after_its_own_update_is_told_when_the_job_is_proven_and_not_sent_again() {
    let case = ignored();
    assert_eq!(waits(&case.decide()), Reason::Verifying);
    let decision = after_looks(ignored(), good_looks());
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::Rejected);
    assert!(message.contains("spec.parallelism.parallelism is 4"), "{message}");
    let revisions = decision.journal.revisions();
    assert_eq!(revisions.good, revisions.target, "what runs is watched like any other");
    let proven = case.journal(|journal| *journal = decision.journal).at(200);
    let moved = proven.world(|app| (app.version_id, app.token) = (5, "token-5".into()));
    assert_eq!(stalls(&moved.decide()).0, Reason::Rejected);
    let retried = moved.annotate("sluicegate.dev/retry-requested-at", "1");
    assert!(matches!(retried.decide().plan, Plan::Do(_)));
}

#[test]
fn a_job_that_an_update_brought_in_part_fails_its_gate_like_any_other() {
    let looping = job(|job| job.restarts = Some(9));
    let decision = after_looks(ignored(), vec![(20, looping)]);
    assert_eq!(waits(&decision), Reason::RollingBack);
    assert_eq!(decision.journal.failed_revisions.len(), 1);
}

#[test]
fn what_an_update_brought_in_part_is_restarted_on_request_and_started_again() {
    let decision = after_looks(ignored(), good_looks());
    let proven = ignored().journal(|journal| *journal = decision.journal).at(200);
    let restarted = proven.annotate("sluicegate.dev/restart-requested-at", "1");
    assert_eq!(step(&restarted.decide()), StepKind::Restart);
    let ended = restarted.world(|app| app.status = ApplicationStatus::Ready);
    assert_eq!(step(&ended.recorded().at(300).decide()), StepKind::Start);
}

/// The case after the planned step was accepted.
fn accepted(case: Case) -> Case {
    let now = case.now;
    assert!(matches!(case.decide().plan, Plan::Do(_)), "{:?}", case.decide().plan);
    case.recorded().journal(|journal| {
        let outcome = Outcome::Accepted {
            operation_id: None,
            version_id: None,
        };
        journal.learn(
            &outcome,
            Moment {
                now,
                generation: 2,
                snapshot_required: false,
            },
        );
    })
}

#[test]
fn tags_that_are_not_set_are_told_and_not_sent_again_and_keep_nothing_else_waiting() {
    let case = Case::running("").respec("tags: {a: '1', b: '2'}\nmaintenanceWindow: {startTime: '03:00'}");
    let case = accepted(case).world(|app| {
        app.tags.insert("a".into(), "1".into());
    });
    assert_eq!(step(&case.decide()), StepKind::SetMaintenanceWindow);
    let case = accepted(case).at(60);
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::Rejected);
    assert!(message.contains("spec.tags: b not set"), "{message}");
    let asked = case.annotate("sluicegate.dev/snapshot-requested-at", "1");
    assert_eq!(step(&asked.decide()), StepKind::BackUp);
    let other = asked.recorded().journal(|journal| journal.intent = None);
    let other = other.respec("tags: {a: '1', b: '3'}\nmaintenanceWindow: {startTime: '03:00'}");
    let tags = BTreeMap::from([("b".to_owned(), "3".to_owned())]);
    assert_eq!(
        other.decide().plan,
        Plan::Do(Step::Tag {
            tags: tags.into_iter().collect()
        })
    );
    let retried = case_with_retry();
    assert_eq!(step(&retried.decide()), StepKind::Tag);
}

fn case_with_retry() -> Case {
    let case = accepted(Case::running("").respec("tags: {a: '1'}")).at(60);
    assert_eq!(stalls(&case.decide()).0, Reason::Rejected);
    case.annotate("sluicegate.dev/retry-requested-at", "1")
}

#[test]
fn a_tag_that_was_set_and_is_taken_away_later_is_set_again() {
    let case = accepted(Case::running("").respec("tags: {a: '1'}")).at(60);
    let seen = case.world(|app| {
        app.tags.insert("a".into(), "1".into());
    });
    let taken = seen.recorded().world(|app| {
        app.tags.remove("a");
    });
    assert_eq!(step(&taken.decide()), StepKind::Tag);
}

#[test]
fn a_vpc_that_is_not_joined_is_not_asked_for_again() {
    let vpc = "vpc: {subnetIds: [subnet-1], securityGroupIds: [sg-1]}";
    let case = Case::observed("desiredState: Stopped", ApplicationStatus::Ready);
    let case = case.respec(&format!("desiredState: Stopped\n{vpc}"));
    assert_eq!(step(&case.decide()), StepKind::AddVpc);
    let done = accepted(case)
        .journal(|journal| journal.intent.as_mut().unwrap().operation_id = Some("op-new".into()))
        .operations(vec![operation(
            "op-new",
            "AddApplicationVpcConfiguration",
            OperationStatus::Successful,
        )])
        .world(|app| (app.version_id, app.token) = (4, "token-4".into()))
        .at(10);
    let (reason, message) = stalls(&done.decide());
    assert_eq!(reason, Reason::Rejected);
    assert!(message.contains("spec.vpc"), "{message}");
    assert_eq!(stalls(&done.recorded().at(100_000).decide()).0, Reason::Rejected);
}
