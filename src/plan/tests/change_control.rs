//! A new revision that waits for approval or for a change window, and what goes on meanwhile.

use super::gate::rollout_of;
use super::*;
use crate::api::annotation;
use crate::api::status::{FailedRevision, GateStatus, RolledBack, RolloutStatus, WayBack};
use crate::plan::HeldBack;

const MANUAL: &str = "rollout: {approval: Manual}";
const NEWER: &str = "{parallelism: 2}\nrollout: {approval: Manual}";
const SHUT: &str = "rollout: {changeWindows: [{name: leap, cron: '0 0 29 2 *', duration: 1h}]}";

fn newer() -> String {
    format!("parallelism: {NEWER}")
}

fn held(decision: &Decision) -> HeldBack {
    match &decision.plan {
        Plan::HeldBack(held_back) => held_back.clone(),
        other => panic!("nothing is held back but {other:?}"),
    }
}

fn revision(case: &Case) -> String {
    case.want().unwrap().revision.to_string()
}

/// A proven job, and a newer revision in the spec that waits for approval.
fn waiting() -> Case {
    Case::running(MANUAL).respec(&newer())
}

fn let_through(case: Case) -> Case {
    let revision = revision(&case);
    case.annotate(annotation::APPROVED_REVISION, &revision)
}

#[test]
fn the_first_deployment_waits_too_and_goes_when_it_is_approved() {
    let case = Case::new(MANUAL);
    let told = held(&case.decide());
    assert_eq!(told.reason, Reason::AwaitingApproval);
    assert!(
        told.message.contains(&format!("approved-revision={}", revision(&case))),
        "{told:?}"
    );
    let decision = let_through(case).decide();
    assert_eq!(step(&decision), StepKind::Create);
}

#[test]
fn a_new_revision_waits_for_exactly_its_approval() {
    let case = waiting();
    assert_eq!(held(&case.decide()).reason, Reason::AwaitingApproval);
    let running = case.app.status.clone().unwrap().journal.revisions().running.unwrap();
    let other = waiting().annotate(annotation::APPROVED_REVISION, &running);
    assert_eq!(held(&other.decide()).reason, Reason::AwaitingApproval);
    assert_eq!(step(&let_through(case).decide()), StepKind::TakeSnapshot);
}

#[test]
fn what_was_let_through_stays_so_when_the_annotation_goes_or_the_window_shuts() {
    let case = let_through(waiting());
    let revision = revision(&case);
    let decision = case.decide();
    assert_eq!(
        decision.journal.handled.clone().unwrap().approval,
        Some(revision.clone())
    );
    let mut case = case.recorded().journal(|journal| journal.intent = None);
    case.app.metadata.annotations = None;
    assert_eq!(step(&case.decide()), StepKind::TakeSnapshot);
    let shut = Case::running("").respec(&format!("parallelism: {{parallelism: 2}}\n{SHUT}"));
    assert_eq!(held(&shut.decide()).reason, Reason::OutsideChangeWindow);
    let shut = shut.journal(|journal| journal.handled.as_mut().unwrap().approval = Some(revision));
    assert_eq!(step(&shut.decide()), StepKind::TakeSnapshot);
}

#[test]
fn nothing_is_let_through_while_somebody_only_watches() {
    let case = waiting();
    let target = revision(&case);
    let mut case = case;
    case.app.metadata.annotations = Some(BTreeMap::from([
        (annotation::APPROVED_REVISION.to_owned(), target),
        (annotation::RECONCILE.to_owned(), annotation::PAUSED.to_owned()),
    ]));
    assert_eq!(case.decide().journal.handled.unwrap().approval, None);
}

#[test]
fn a_shut_window_tells_when_the_next_one_opens() {
    let case = Case::running("").respec(&format!("parallelism: {{parallelism: 2}}\n{SHUT}"));
    let told = held(&case.decide());
    let opens: Timestamp = "2028-02-29T00:00:00Z".parse().unwrap();
    assert_eq!((told.reason, told.until), (Reason::OutsideChangeWindow, Some(opens)));
    assert!(
        told.message.contains("leap") && told.message.contains("2028-02-29"),
        "{told:?}"
    );
    let mut open = case;
    open.now = opens;
    assert_eq!(step(&open.decide()), StepKind::TakeSnapshot);
}

#[test]
fn what_the_service_has_already_is_not_held_back() {
    let decision = Case::running(MANUAL).decide();
    assert_eq!(decision.plan, Plan::Rest);
    let revision = revision(&Case::running(MANUAL));
    assert_eq!(decision.journal.handled.unwrap().approval, Some(revision));
}

#[test]
fn a_job_that_ended_comes_up_again_with_what_is_in_place() {
    let case = waiting()
        .world(|app| app.status = ApplicationStatus::Ready)
        .snapshots(vec![snapshot("s", -10, SnapshotStatus::Ready)]);
    let good = case.app.status.clone().unwrap().journal.revisions().good;
    let case = case.recorded().at(15);
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Start);
    assert_eq!(decision.journal.intent.unwrap().revision, good);
    assert_eq!(decision.journal.handled.unwrap().approval, None);
}

#[test]
fn the_job_in_place_drops_state_only_if_its_own_revision_allows_it_too() {
    let drops = "restore: {allowNonRestoredState: true}";
    let starts = |before: &str, now: &str| {
        let case = Case::running(&format!("{MANUAL}\n{before}"))
            .respec(&format!("{}\n{now}", newer()))
            .world(|app| app.status = ApplicationStatus::Ready)
            .snapshots(vec![snapshot("s", -10, SnapshotStatus::Ready)]);
        let decision = case.recorded().at(15).decide();
        let Plan::Do(Step::Start { run }) = decision.plan else {
            panic!("nothing is started but {:?}", decision.plan);
        };
        run.allow_non_restored_state
    };
    assert!(!starts("", drops), "the revision that waits allows it");
    assert!(!starts(drops, ""), "the spec does not allow it any more");
    assert!(starts(drops, drops));
}

#[test]
fn a_stop_a_restart_and_tags_do_not_wait() {
    let stop = Case::running(MANUAL).respec(&format!("{}\ndesiredState: Stopped", newer()));
    assert_eq!(step(&stop.decide()), StepKind::Stop);
    let restart = Case::running(MANUAL).respec(&format!("{}\nrestartNonce: 7", newer()));
    let decision = restart.decide();
    assert_eq!(step(&decision), StepKind::Restart);
    let tags = Case::running(MANUAL).respec(&format!("{}\ntags: {{team: orders}}", newer()));
    let decision = tags.decide();
    assert_eq!(step(&decision), StepKind::Tag);
    assert_eq!(decision.journal.handled.unwrap().approval, None);
}

#[test]
fn a_stopped_application_keeps_its_content() {
    let case = Case::observed(MANUAL, ApplicationStatus::Ready).respec(&format!("{}\ndesiredState: Stopped", newer()));
    assert_eq!(held(&case.decide()).reason, Reason::AwaitingApproval);
}

#[test]
fn an_application_of_unknown_content_is_not_started() {
    let case = Case::observed(MANUAL, ApplicationStatus::Ready).respec(&newer());
    assert_eq!(held(&case.decide()).reason, Reason::AwaitingApproval);
    let earlier = revision(&Case::new(MANUAL));
    let case = case.journal(|journal| journal.handled.as_mut().unwrap().approval = Some(earlier.clone()));
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Start);
    assert_eq!(decision.journal.intent.unwrap().revision, Some(earlier));
}

fn in_gate() -> Case {
    let case = waiting();
    let gated = revision(&Case::new(MANUAL));
    case.journal(|journal| {
        let revisions = journal.revisions.as_mut().unwrap();
        revisions.good = Some("older".into());
        revisions.good_version_id = Some(2);
        journal.rollout = Some(RolloutStatus {
            gate: Some(GateStatus {
                operation_id: Some("op-new".into()),
                ..GateStatus::since(start_of_time())
            }),
            ..rollout_of(&gated)
        });
    })
}

#[test]
fn a_rollout_in_its_gate_is_verified_to_its_end() {
    let case = in_gate().sees(healthy_job()).at(10);
    assert_eq!(waits(&case.decide()), Reason::Verifying);
    let gated = revision(&Case::new(MANUAL));
    let decision = case.recorded().at(200).decide();
    assert_eq!(held(&decision).reason, Reason::AwaitingApproval);
    assert_eq!(decision.journal.revisions().good, Some(gated));
}

#[test]
fn a_rollout_that_fails_in_its_gate_is_rolled_back() {
    let mut job = healthy_job();
    job.restarts = Some(5);
    let decision = in_gate().sees(job).at(10).decide();
    assert_eq!(decision.journal.way_back.unwrap().to, "older");
}

#[test]
fn a_way_back_goes_on_and_leads_to_its_end() {
    let case = waiting();
    let good = revision(&Case::new(MANUAL));
    let to = good.clone();
    let case = case.journal(|journal| {
        journal.revisions.as_mut().unwrap().running = Some("broken".into());
        journal.way_back = Some(WayBack::new(
            "broken".into(),
            to,
            3,
            Reason::GateFailed,
            start_of_time(),
        ));
    });
    let decision = case.decide();
    assert_eq!(decision.journal.way_back.unwrap().to, good);
    assert_ne!(decision.plan.as_str(), "held-back");
}

#[test]
fn what_a_rollback_led_to_is_told_until_another_revision_is_let_through() {
    let good = revision(&Case::new(MANUAL));
    let case = waiting().journal(|journal| {
        journal.rolled_back = Some(RolledBack {
            from: "broken".into(),
            to: good,
            reason: Reason::GateFailed,
            at: start_of_time(),
        });
    });
    let decision = case.decide();
    assert_eq!(held(&decision).reason, Reason::AwaitingApproval);
    assert!(decision.journal.rolled_back.is_some());
}

#[test]
fn a_revision_that_failed_in_place_does_not_speak_for_the_one_that_waits() {
    let failed = revision(&Case::new(MANUAL));
    let case = waiting()
        .world(|app| app.status = ApplicationStatus::Ready)
        .journal(|journal| {
            journal.revisions = None;
            journal.handled.as_mut().unwrap().approval = Some(failed.clone());
            journal.failed_revisions.push(FailedRevision {
                revision: failed.clone(),
                reason: Reason::StartFailed,
                at: start_of_time(),
                answered: true,
            });
        });
    assert_eq!(held(&case.decide()).reason, Reason::AwaitingApproval);
}

#[test]
fn a_create_in_flight_is_awaited() {
    let case = Case::new(MANUAL)
        .journal(|journal| journal.handled = Some(Handled::default()))
        .intent(StepKind::Create, Phase::Declared)
        .respec(&newer());
    assert_eq!(waits(&case.decide()), Reason::Creating);
}
