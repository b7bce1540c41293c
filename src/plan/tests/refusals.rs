//! What a refusal leads to.

use super::*;
use crate::api::status::{NotAccepted, RefusalClass};
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
fn a_refusal_of_the_moment_keeps_no_call_back_and_condemns_nothing() {
    for kind in [
        FaultKind::Busy,
        FaultKind::Conflict,
        FaultKind::Throttled,
        FaultKind::Unavailable,
    ] {
        let case = refused(Case::new(""), kind);
        let journal = &case.app.status.as_ref().unwrap().journal;
        assert_eq!((&journal.refusal, journal.failed_revisions.len()), (&None, 0));
        assert_eq!(step(&case.decide()), StepKind::Create);
    }
}

fn not_accepted(case: &Case) -> Option<NotAccepted> {
    case.app.status.as_ref().unwrap().journal.not_accepted.clone()
}

#[test]
fn refusals_of_the_moment_of_one_call_are_remembered_from_the_first_to_the_last() {
    let change = || Case::running("").respec("parallelism: {parallelism: 4}\nrollout: {preChangeSnapshot: Never}");
    let mut case = change();
    for (seconds, kind) in [
        (0, FaultKind::Throttled),
        (400, FaultKind::Busy),
        (900, FaultKind::Conflict),
        (1400, FaultKind::Unavailable),
    ] {
        case = refused(case.at(seconds), kind);
    }
    let known = not_accepted(&case).unwrap();
    assert_eq!(
        (known.step, known.first_at, known.last_at),
        (StepKind::Update, after(0), after(1400))
    );
    assert_eq!(known.message, "no");
    let later = refused(case.at(1400 + 1801), FaultKind::Throttled);
    assert_eq!(
        not_accepted(&later).unwrap().first_at,
        after(3201),
        "nobody tried for long"
    );
    let newer = later
        .respec("parallelism: {parallelism: 5}\nrollout: {preChangeSnapshot: Never}")
        .at(2100);
    let newer = refused(newer, FaultKind::Throttled);
    assert_eq!(not_accepted(&newer).unwrap().first_at, after(2100), "another revision");
    let denied = refused(newer.at(2110), FaultKind::Denied);
    assert_eq!(not_accepted(&denied), None, "another answer");
}

#[test]
fn what_is_accepted_and_what_is_not_wanted_any_more_ends_the_refusals_of_the_moment() {
    let refused = || refused(Case::new(""), FaultKind::Throttled);
    let moment = Moment {
        now: after(5),
        generation: 1,
        snapshot_required: false,
    };
    let answered = |outcome: &Outcome| {
        let case = refused().at(5).recorded();
        case.journal(|journal| journal.learn(outcome, moment))
    };
    let accepted = Outcome::Accepted {
        operation_id: None,
        version_id: Some(1),
    };
    assert_eq!(not_accepted(&answered(&accepted)), None);
    let unknown = Outcome::Unknown(Fault::new(FaultKind::Unknown, "timed out"));
    assert_eq!(
        not_accepted(&answered(&unknown)).unwrap().last_at,
        after(0),
        "no refusal"
    );
    let retried = refused().annotate("sluicegate.dev/retry-requested-at", "now");
    assert_eq!(retried.decide().journal.not_accepted, None);
}

#[test]
fn a_call_that_is_not_accepted_is_sent_again_the_more_seldom_the_longer_that_lasts() {
    let known = |minutes: i64| NotAccepted {
        step: StepKind::Update,
        revision: None,
        message: "no".into(),
        first_at: start_of_time(),
        last_at: after(60 * minutes),
    };
    let recheck = SignedDuration::from_mins(5);
    for (minutes, asked, seconds) in [
        (0, 2, 2),
        (2, 2, 30),
        (2, 200, 200),
        (25, 5, 300),
        (28, 5, 120),
        (30, 5, 300),
        (600, 330, 300),
    ] {
        let patience = SignedDuration::from_mins(30);
        let pause = known(minutes).pause(std::time::Duration::from_secs(asked), recheck, patience);
        assert_eq!(pause.as_secs(), seconds, "{minutes} min");
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

#[test]
fn what_is_refused_beside_the_job_hides_no_other_refusal() {
    let mut journal = Journal::default();
    let refused = |journal: &mut Journal, kind: StepKind, second: i64| {
        let case = Case::running("").issued(kind);
        journal.intent = case.app.status.unwrap().journal.intent;
        let fault = Fault::new(FaultKind::Denied, "no");
        let moment = Moment {
            now: after(second),
            generation: 1,
            snapshot_required: false,
        };
        journal.learn(&Outcome::Refused(fault), moment);
    };
    for (second, kind) in [
        (0, StepKind::Start),
        (1, StepKind::Untag),
        (2, StepKind::Tag),
        (3, StepKind::Untag),
    ] {
        refused(&mut journal, kind, second);
    }
    let known = |kind| {
        journal
            .refusal_of(kind)
            .map(|refusal| (refusal.first_at, refusal.last_at))
    };
    assert_eq!(known(StepKind::Start), Some((after(0), after(0))));
    assert_eq!(known(StepKind::Untag), Some((after(1), after(3))));
    assert_eq!(known(StepKind::Tag), Some((after(2), after(2))));
}
