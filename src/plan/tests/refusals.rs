//! What a refusal leads to.

use super::*;
use crate::api::status::RefusalClass;
use crate::fault::{Fault, FaultKind};
use crate::plan::outcome::{Moment, Outcome};

/// The case after the planned step was refused.
pub(super) fn refused(case: Case, kind: FaultKind) -> Case {
    let now = case.now;
    let generation = case.app.metadata.generation.unwrap();
    case.recorded().journal(|journal| {
        let outcome = Outcome::Refused(Fault::new(kind, "no"));
        journal.learn(
            &outcome,
            Moment {
                now,
                generation,
                snapshot_required: false,
            },
        );
    })
}

#[test]
fn an_invalid_configuration_is_not_sent_again_before_the_spec_changes() {
    let case = refused(Case::new(""), FaultKind::Invalid).at(100_000);
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::Rejected);
    assert!(message.contains("CreateApplication: no"), "{message}");
    assert_eq!(
        step(&case.respec("parallelism: {parallelism: 2}").decide()),
        StepKind::Create
    );
}

#[test]
fn a_retry_request_sends_a_rejected_configuration_again() {
    let case = refused(Case::new(""), FaultKind::Invalid).at(60);
    assert_eq!(
        step(&case.annotate("sluicegate.dev/retry-requested-at", "now").decide()),
        StepKind::Create
    );
}

#[test]
fn what_may_heal_by_itself_is_sent_again_first_soon_and_then_every_five_minutes() {
    for (kind, reason) in [
        (FaultKind::Denied, Reason::AccessDenied),
        (FaultKind::Quota, Reason::QuotaExceeded),
        (FaultKind::RoleOrLocation, Reason::Rejected),
    ] {
        let case = refused(Case::new(""), kind);
        assert_eq!(waits(&case.decide()), Reason::Creating);
        let case = case.at(5);
        assert_eq!(step(&case.decide()), StepKind::Create);
        let mut case = refused(case, kind);
        for seconds in [10, 20, 40, 80, 160, 320, 620] {
            case = refused(case.at(seconds), kind);
        }
        let (stalled, message) = stalls(&case.decide());
        assert_eq!(stalled, reason);
        assert!(message.contains("every 5m"), "{message}");
        assert_eq!(stalls(&case.at(620 + 299).decide()).0, reason);
        let case = refused(Case::new(""), kind).at(620 + 300);
        assert_eq!(step(&case.decide()), StepKind::Create);
    }
}

#[test]
fn lingering_tags_are_waited_out_for_as_long_as_they_linger() {
    let mut case = refused(Case::new(""), FaultKind::TagsLingering);
    for seconds in [5, 10, 20, 40, 80, 160, 320, 620, 920] {
        case = refused(case.at(seconds), FaultKind::TagsLingering);
        assert_eq!(waits(&case.decide()), Reason::Creating);
    }
}

#[test]
fn a_refusal_of_the_moment_leaves_no_trace() {
    for kind in [
        FaultKind::Busy,
        FaultKind::Conflict,
        FaultKind::Throttled,
        FaultKind::Unavailable,
    ] {
        let case = refused(Case::new(""), kind);
        assert_eq!(step(&case.decide()), StepKind::Create);
    }
}

#[test]
fn an_unknown_outcome_keeps_the_intent_open() {
    let case = Case::observed("", ApplicationStatus::Ready)
        .recorded()
        .journal(|journal| {
            let outcome = Outcome::Unknown(Fault::new(FaultKind::Unknown, "timed out"));
            journal.learn(
                &outcome,
                Moment {
                    now: start_of_time(),
                    generation: 1,
                    snapshot_required: false,
                },
            );
        });
    assert_eq!(
        case.app.status.as_ref().unwrap().journal.intent.as_ref().unwrap().phase,
        Phase::Unknown
    );
    assert_eq!(waits(&case.decide()), Reason::Starting);
}

#[test]
fn a_snapshot_that_is_not_allowed_does_not_hold_a_change_up_unless_it_is_required() {
    let change = || Case::running("").respec("parallelism: {parallelism: 4}");
    for kind in [FaultKind::Denied, FaultKind::Quota, FaultKind::Invalid] {
        assert_eq!(step(&refused(change(), kind).decide()), StepKind::Update, "{kind:?}");
    }
    let required = change().respec("parallelism: {parallelism: 4}\nrollout: {preChangeSnapshot: Required}");
    let case = refused_a_required_snapshot(required);
    assert_eq!(waits(&case.decide()), Reason::Updating);
}

fn refused_a_required_snapshot(case: Case) -> Case {
    case.recorded().journal(|journal| {
        let outcome = Outcome::Refused(Fault::new(FaultKind::Denied, "not authorized"));
        let moment = Moment {
            now: start_of_time(),
            generation: 2,
            snapshot_required: true,
        };
        journal.learn(&outcome, moment);
        assert_eq!(journal.refusal.as_ref().unwrap().class, RefusalClass::AccessDenied);
    })
}
