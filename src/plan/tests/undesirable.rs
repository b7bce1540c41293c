//! A spec that asks for nothing that can be done, over an application that was brought: what is in place is kept as before.

use super::gate::rollout_of;
use super::rollback::failed_change;
use super::*;
use crate::api::annotation;
use crate::api::status::{GateStatus, HistoryEntry, HistoryResult, RanBefore, RolloutStatus, WayBack};
use crate::world::ObservedVersion;

/// A spec with a tag that no spec may set, and another content.
const INVALID: &str = "parallelism: {parallelism: 2}\ntags: {'aws:team': orders}";
/// A spec whose ConfigMap does not exist.
const MISSING: &str = "propertyGroups: [{id: g, propertiesFrom: [{configMapRef: {name: later}}]}]";

/// The same for a spec that is invalid and for one whose ConfigMap is missing for long.
pub(super) fn either(case: impl Fn() -> Case, more: &str, expect: impl Fn(&Case, &Decision, &str)) {
    for spoiled in [INVALID, MISSING] {
        let case = case().respec(&format!("{spoiled}\n{more}"));
        expect(&case, &case.decide(), spoiled);
    }
}

pub(super) fn good() -> String {
    Case::new("").want().unwrap().revision.to_string()
}

/// A job that was stopped for the change to another revision.
fn stopped_for_a_change() -> Case {
    let content = Case::running("").world.application.unwrap().configuration;
    let mut case = Case::running("").world(|app| app.status = ApplicationStatus::Ready);
    let version = ObservedVersion {
        configuration: content,
        code_digest: None,
    };
    case.world.versions.insert(3, version);
    case.journal(|journal| {
        journal.revisions.as_mut().unwrap().running = None;
        journal.rollout = Some(RolloutStatus {
            stopped_for_it: true,
            ran_before: Some(RanBefore {
                revision: good(),
                version_id: 3,
                refused_since: None,
            }),
            ..rollout_of("newer")
        });
    })
}

#[test]
fn what_was_stopped_for_a_change_runs_again() {
    either(stopped_for_a_change, "", |case, decision, spoiled| {
        let put_back = decision.journal.put_back.clone();
        assert_eq!(
            put_back.map(|put_back| put_back.to),
            Some(good()),
            "{spoiled}: {decision:?}"
        );
        let next = stopped_for_a_change()
            .respec(spoiled)
            .journal(|journal| *journal = decision.journal.clone())
            .at(2);
        let next = next.decide();
        assert_eq!(step(&next), StepKind::Start, "{spoiled}");
        assert_eq!(next.journal.intent.unwrap().revision, Some(good()));
        assert_eq!(case.app.spec.desired_state, crate::api::spec::DesiredState::Running);
    });
    either(stopped_for_a_change, "desiredState: Stopped", |_, decision, spoiled| {
        assert_eq!(decision.journal.put_back, None, "{spoiled}");
        assert_ne!(decision.plan.as_str(), "do", "{spoiled}");
    });
}

#[test]
fn a_job_that_ended_comes_up_again() {
    let ended = || {
        Case::running("")
            .world(|app| app.status = ApplicationStatus::Ready)
            .recorded()
            .at(15)
    };
    either(ended, "", |_, decision, spoiled| {
        assert_eq!(step(decision), StepKind::Start, "{spoiled}");
        assert_eq!(decision.journal.intent.clone().unwrap().revision, Some(good()));
    });
}

#[test]
fn a_stop_is_made_and_a_stopped_application_stays_so() {
    either(
        || Case::running(""),
        "desiredState: Stopped",
        |_, decision, spoiled| {
            assert_eq!(step(decision), StepKind::Stop, "{spoiled}");
        },
    );
    let stopped = || {
        Case::observed("", ApplicationStatus::Ready).journal(|journal| {
            journal.had_state = true;
            journal.handled = Some(Handled {
                approval: Some(good()),
                ..Handled::default()
            });
        })
    };
    either(stopped, "desiredState: Stopped", |_, decision, spoiled| {
        assert!(
            ["stall", "wait"].contains(&decision.plan.as_str()),
            "{spoiled}: {decision:?}"
        );
    });
}

pub(super) fn in_gate() -> Case {
    Case::running("").journal(|journal| {
        let revisions = journal.revisions.as_mut().unwrap();
        revisions.good = Some("older".into());
        revisions.good_version_id = Some(2);
        journal.rollout = Some(RolloutStatus {
            gate: Some(GateStatus {
                operation_id: Some("op-new".into()),
                ..GateStatus::since(start_of_time())
            }),
            ..rollout_of(&good())
        });
    })
}

#[test]
fn a_gate_goes_on_to_its_verdict() {
    let well = || in_gate().sees(healthy_job()).at(10);
    either(well, "", |_, decision, spoiled| {
        assert_eq!(waits(decision), Reason::Verifying, "{spoiled}");
    });
    let passed = || in_gate().sees(healthy_job()).at(10).recorded().at(200);
    either(passed, "", |_, decision, spoiled| {
        assert_eq!(decision.journal.revisions().good, Some(good()), "{spoiled}");
    });
    let looping = || {
        let mut job = healthy_job();
        job.restarts = Some(5);
        in_gate().sees(job).at(10)
    };
    either(looping, "", |_, decision, spoiled| {
        let way_back = decision.journal.way_back.clone();
        assert_eq!(way_back.map(|way| way.to), Some("older".into()), "{spoiled}");
    });
    either(looping, "rollout: {onFailure: ForceStop}", |_, decision, spoiled| {
        assert_eq!(step(decision), StepKind::ForceStop, "{spoiled}");
    });
}

#[test]
fn a_way_back_goes_on() {
    let back = || {
        let case = failed_change("").recorded().journal(|journal| journal.intent = None);
        assert!(case.app.status.as_ref().unwrap().journal.way_back.is_some());
        case
    };
    either(
        || failed_change(""),
        "",
        |_, decision, spoiled| {
            assert!(decision.journal.way_back.is_some(), "{spoiled}");
        },
    );
    let before = step(&back().decide());
    either(back, "", |_, decision, spoiled| {
        assert_eq!(step(decision), before, "{spoiled}");
    });
}

#[test]
fn requests_are_answered() {
    for (key, expected) in [
        (annotation::RESTART_REQUESTED_AT, StepKind::Restart),
        (annotation::FORCE_STOP_REQUESTED_AT, StepKind::ForceStop),
        (annotation::SNAPSHOT_REQUESTED_AT, StepKind::BackUp),
    ] {
        let asked = || Case::running("").annotate(key, "1");
        either(asked, "", |_, decision, spoiled| {
            assert_eq!(step(decision), expected, "{spoiled}");
        });
    }
    let rollback = || {
        Case::running("")
            .annotate(annotation::ROLLBACK_REQUESTED_AT, "1")
            .journal(|journal| {
                journal.revisions.as_mut().unwrap().previous = Some(crate::api::status::PreviousRevision {
                    revision: "older".into(),
                    version_id: 2,
                    snapshot: None,
                });
            })
    };
    either(rollback, "", |_, decision, spoiled| {
        let way_back = decision.journal.way_back.clone();
        assert_eq!(way_back.map(|way| way.to), Some("older".into()), "{spoiled}");
    });
}

#[test]
fn a_forced_stop_holds() {
    let stopped = || {
        Case::running("")
            .annotate(annotation::FORCE_STOP_REQUESTED_AT, "1")
            .recorded()
            .world(|app| app.status = ApplicationStatus::Ready)
            .journal(|journal| {
                journal.intent = None;
                journal.revisions.as_mut().unwrap().running = None;
            })
            .recorded()
    };
    either(stopped, "", |_, decision, spoiled| {
        assert_eq!(stalls(decision).0, Reason::ForceStopped, "{spoiled}");
    });
}

#[test]
fn a_forced_stop_of_another_revision_than_that_in_place_holds_too() {
    let stopped = || {
        let case = Case::running("").world(|app| app.status = ApplicationStatus::Ready);
        case.journal(|journal| {
            journal.revisions.as_mut().unwrap().running = None;
            journal.force_stopped = Some(crate::api::status::ForceStopped {
                revision: "held".into(),
                at: start_of_time(),
                cause: None,
                elsewhere: false,
            });
        })
    };
    either(stopped, "", |_, decision, spoiled| {
        assert_eq!(stalls(decision).0, Reason::ForceStopped, "{spoiled}");
    });
}

#[test]
fn the_spec_is_told_when_there_is_nothing_else_to_do() {
    let decision = Case::running("").recorded().respec(INVALID).decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::InvalidSpec);
    assert!(message.contains("spec.tags"), "{message}");
    let case = Case::running("").recorded().respec(MISSING);
    assert_eq!(waits(&case.decide()), Reason::Pending);
    let (reason, message) = stalls(&case.recorded().at(120).decide());
    assert_eq!(reason, Reason::ReferenceNotFound);
    assert!(message.contains("later"), "{message}");
}

#[test]
fn what_is_not_ours_or_only_observed_is_left_alone() {
    let untagged = || Case::observed("", ApplicationStatus::Ready).world(|app| app.tags.clear());
    let adopts = "management: {adoption: Adopt}";
    either(untagged, adopts, |_, decision, spoiled| {
        assert!(
            ["stall", "wait"].contains(&decision.plan.as_str()),
            "{spoiled}: {decision:?}"
        );
    });
    let observed = || stopped_for_a_change();
    either(observed, "management: {mode: ObserveOnly}", |_, decision, spoiled| {
        assert_eq!(decision.journal.put_back, None, "{spoiled}");
        assert_ne!(decision.plan.as_str(), "do", "{spoiled}");
    });
}

#[test]
fn a_change_that_was_not_sent_is_forgotten_and_its_job_not_judged_again() {
    let declared = || {
        let mut job = healthy_job();
        job.restarts = Some(5);
        Case::running("")
            .sees(job)
            .journal(|journal| journal.rollout = Some(rollout_of("newer")))
    };
    either(declared, "", |_, decision, spoiled| {
        assert!(!matches!(decision.plan, Plan::Do(_)), "{spoiled}: {decision:?}");
        assert_eq!(decision.journal.rollout, None, "{spoiled}");
    });
}

#[test]
fn a_stop_by_somebody_else_that_is_only_reported_stays() {
    let report = "management: {drift: Report}";
    let stopped = || {
        Case::running(report)
            .recorded()
            .world(|app| app.status = ApplicationStatus::Ready)
            .journal(|journal| {
                journal.revisions.as_mut().unwrap().running = None;
                journal.remember(HistoryEntry {
                    at: start_of_time(),
                    result: HistoryResult::StoppedElsewhere,
                    revision: Some(good()),
                    version_id: Some(3),
                    snapshot: None,
                });
            })
            .at(300)
    };
    either(stopped, report, |_, decision, spoiled| {
        assert!(!matches!(decision.plan, Plan::Do(_)), "{spoiled}: {decision:?}");
    });
}

#[test]
fn what_only_the_service_cannot_do_keeps_nothing_waiting_either() {
    let described = stopped_for_a_change().respec("description: another");
    let decision = described.decide();
    assert_eq!(decision.journal.put_back.map(|put_back| put_back.to), Some(good()));
    let versioned = || {
        in_gate().world(|app| {
            app.configuration.code.as_mut().unwrap().object_version = Some("v7".into());
        })
    };
    let decision = versioned().sees(healthy_job()).at(10).decide();
    assert_eq!(waits(&decision), Reason::Verifying);
}

#[test]
fn a_way_back_that_failed_is_told_with_the_spec() {
    let failed = || {
        Case::running("").journal(|journal| {
            journal.way_back = Some(WayBack {
                failure: Some("it does not come up".into()),
                ..WayBack::new("newer".into(), good(), 3, Reason::GateFailed, start_of_time())
            });
        })
    };
    let (reason, message) = stalls(&failed().respec(INVALID).decide());
    assert_eq!(reason, Reason::RollbackFailed);
    assert!(message.contains("spec.tags"), "{message}");
}
