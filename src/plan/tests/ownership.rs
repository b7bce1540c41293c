//! Applications of somebody else: adopted, observed, changed and stopped by others.

use super::*;
use crate::api::status::{HistoryEntry, HistoryResult, Requests};
use crate::plan::HeldBack;
use crate::world::Observed;

const ADOPT: &str = "management: {adoption: Adopt}";
const REPORT: &str = "management: {drift: Report}";

fn reported(decision: &Decision) -> HeldBack {
    match &decision.plan {
        Plan::HeldBack(held_back) => held_back.clone(),
        other => panic!("nothing is reported but {other:?}"),
    }
}

fn untagged(app: &mut Observed) {
    app.tags = BTreeMap::from([("team".to_owned(), "orders".to_owned())]);
}

impl Case {
    /// The decision of a controller that takes applications over in some namespaces.
    fn decide_in(&self, namespaces: &[&str]) -> Decision {
        let want = self.want();
        let rules = Rules {
            adoption_namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
            ..Rules::default()
        };
        plan(&Situation {
            app: &self.app,
            want: want.as_ref(),
            world: &self.world,
            owner: &owner(),
            rules: &rules,
            now: self.now,
        })
    }
}

#[test]
fn an_untagged_application_is_taken_over_by_tags_alone_where_both_sides_let_it() {
    let case = Case::observed(ADOPT, ApplicationStatus::Running).world(untagged);
    for namespaces in [["streaming"], ["*"]] {
        let decision = case.decide_in(&namespaces);
        assert_eq!(decision.plan, Plan::Do(Step::Tag { tags: owner().tags() }));
        assert_eq!(told(&decision), ["Adopted"]);
        assert!(decision.journal.had_state);
    }
    assert_eq!(stalls(&case.decide_in(&["other"])).0, Reason::NotAllowed);
    let unasked = Case::observed("", ApplicationStatus::Running).world(untagged);
    assert_eq!(stalls(&unasked.decide_in(&["*"])).0, Reason::NotOwned);
}

#[test]
fn what_belongs_to_another_resource_or_is_no_streaming_job_is_never_taken_over() {
    let foreign = |app: &mut Observed| {
        app.tags.insert("sluicegate.dev/name".into(), "other".into());
    };
    let case = Case::observed(ADOPT, ApplicationStatus::Running).world(foreign);
    assert_eq!(stalls(&case.decide_in(&["*"])).0, Reason::NotOwned);
    let studio = Case::observed(ADOPT, ApplicationStatus::Running).world(untagged);
    let studio = studio.world(|app| app.streaming = false);
    assert_eq!(stalls(&studio.decide_in(&["*"])).0, Reason::NotOwned);
    let described = Case::observed(ADOPT, ApplicationStatus::Running).world(untagged);
    let described = described.world(|app| app.description = Some("theirs".into()));
    assert_eq!(stalls(&described.decide_in(&["*"])).0, Reason::InvalidSpec);
}

#[test]
fn only_adopt_or_create_creates_what_is_not_there() {
    let (reason, message) = stalls(&Case::new(ADOPT).decide_in(&["*"]));
    assert_eq!(reason, Reason::ReferenceNotFound);
    assert!(message.contains("AdoptOrCreate"), "{message}");
    let either = Case::new("management: {adoption: AdoptOrCreate}");
    assert_eq!(step(&either.decide_in(&["*"])), StepKind::Create);
    assert_eq!(stalls(&either.decide_in(&[])).0, Reason::NotAllowed);
}

#[test]
fn an_adopted_application_that_equals_its_spec_is_proven_as_it_runs() {
    let adopted = Case::observed(ADOPT, ApplicationStatus::Running)
        .sees(healthy_job())
        .at(60);
    let adopted = adopted.snapshots(vec![snapshot("theirs", 1, SnapshotStatus::Ready)]);
    assert_eq!(waits(&adopted.decide_in(&["*"])), Reason::Verifying);
    let good = adopted.recorded().at(60 + 121).decide_in(&["*"]);
    assert_eq!(good.plan, Plan::Rest);
    assert!(good.journal.revisions().good.is_some());
}

#[test]
fn an_observed_application_is_left_alone_whatever_it_is() {
    let observe = "management: {mode: ObserveOnly}\nparallelism: {parallelism: 4}\ndeletion: {policy: Stop}";
    let cases: [fn(&str) -> Case; 4] = [
        Case::new,
        |more| Case::observed(more, ApplicationStatus::Ready),
        |more| Case::observed("", ApplicationStatus::Running).respec(more),
        |more| Case::running("").respec(more).world(untagged),
    ];
    for case in cases {
        let mut case = case(observe).annotate("sluicegate.dev/force-stop-requested-at", "1");
        assert_eq!(case.decide().plan, Plan::Observe);
        case.app.metadata.finalizers = Some(vec![crate::api::FINALIZER.to_owned()]);
        assert_eq!(case.decide().plan, Plan::Release);
    }
    let stopped = stopped_elsewhere("management: {mode: ObserveOnly, drift: Report}").recorded();
    assert_eq!(told(&stopped.decide()), Vec::<&str>::new());
    let open = Case::observed(observe, ApplicationStatus::Updating).issued(StepKind::Update);
    let decision = open.at(60).decide();
    assert_eq!((&decision.plan, decision.wake), (&Plan::Observe, Some(after(70))));
}

/// A proven job whose parallelism somebody else changed, ten seconds after it was proven.
fn drifted(more: &str) -> Case {
    let case = Case::running(more).recorded().at(10);
    case.world(|app| {
        app.configuration.parallelism.parallelism = 4;
        app.version_id = 4;
        app.token = "token-4".into();
    })
}

#[test]
fn drift_is_undone_and_told_once() {
    let decision = drifted("").decide();
    assert_eq!(step(&decision), StepKind::TakeSnapshot);
    assert_eq!(told(&decision), ["DriftCorrected"]);
    let message = &decision.notes[0].message;
    assert!(
        message.contains("spec.parallelism.parallelism is 1 and the service has 4"),
        "{message}"
    );
    let again = drifted("").recorded().decide();
    assert_eq!(told(&again), Vec::<&str>::new());
}

#[test]
fn a_new_revision_is_no_drift() {
    let decision = Case::running("")
        .recorded()
        .respec("parallelism: {parallelism: 2}")
        .decide();
    assert_eq!(step(&decision), StepKind::TakeSnapshot);
    assert_eq!(told(&decision), Vec::<&str>::new());
    let reported = Case::running(REPORT).recorded();
    let newer = reported.respec("management: {drift: Report}\nparallelism: {parallelism: 2}");
    assert_eq!(step(&newer.decide()), StepKind::TakeSnapshot);
}

#[test]
fn a_stop_and_a_change_in_one_is_a_change_and_no_drift() {
    for management in ["", "management: {drift: Report}"] {
        let both = format!("{management}\ndesiredState: Stopped\nparallelism: {{parallelism: 2}}");
        let case = Case::running(management).recorded().respec(&both);
        let decision = case.decide();
        assert_eq!(step(&decision), StepKind::Stop);
        let handled = decision.journal.handled.unwrap();
        assert_ne!(handled.approval, case.want().ok().map(|want| want.revision.to_string()));
        let stopped = case
            .recorded()
            .journal(|journal| {
                journal.intent = None;
                journal.revisions.as_mut().unwrap().running = None;
            })
            .world(|app| app.status = ApplicationStatus::Ready);
        let decision = stopped.decide();
        assert_eq!(step(&decision), StepKind::Update);
        assert_eq!(told(&decision), [""; 0]);
        let brought = stopped.want().unwrap().configuration;
        let brought = stopped
            .recorded()
            .journal(|journal| journal.intent = None)
            .world(|app| app.configuration = brought)
            .recorded();
        let theirs = brought
            .world(|app| app.configuration.parallelism.parallelism = 7)
            .decide();
        let drifted = ["DriftCorrected", "DriftDetected"]
            .iter()
            .any(|reason| told(&theirs).contains(reason));
        assert!(drifted, "what somebody else changes afterwards is drift: {theirs:?}");
    }
}

#[test]
fn drift_that_is_only_reported_is_left_as_it_is() {
    let decision = drifted(REPORT).decide();
    let held_back = reported(&decision);
    assert_eq!(held_back.reason, Reason::DriftDetected);
    assert!(
        held_back
            .message
            .contains("spec.parallelism.parallelism is 1 and the service has 4"),
        "{held_back:?}"
    );
    assert_eq!(told(&decision), ["DriftDetected"]);
    let newer = drifted(REPORT)
        .recorded()
        .respec("management: {drift: Report}\nparallelism: {parallelism: 2}");
    assert_eq!(step(&newer.decide()), StepKind::TakeSnapshot);
    let stopped = drifted(REPORT)
        .recorded()
        .respec("management: {drift: Report}\ndesiredState: Stopped");
    assert_eq!(step(&stopped.decide()), StepKind::Stop);
}

#[test]
fn a_reported_job_gets_no_endless_first_snapshots() {
    let case = drifted(REPORT).snapshots(Vec::new()).journal(|journal| {
        journal.unproven.push(crate::api::status::UnprovenSpan {
            revision: "version 4".into(),
            version_id: Some(4),
            from: after(5),
            until: None,
        });
    });
    assert_eq!(reported(&case.decide()).reason, Reason::DriftDetected);
}

#[test]
fn drift_of_an_application_that_never_ran_is_drift_too() {
    let drifted = |more: &str| {
        let spec = format!("desiredState: Stopped\n{more}");
        let case = Case::observed(&spec, ApplicationStatus::Ready).recorded();
        case.world(|app| app.configuration.parallelism.parallelism = 4)
    };
    assert_eq!(reported(&drifted(REPORT).decide()).reason, Reason::DriftDetected);
    let corrected = drifted("").decide();
    assert_eq!(step(&corrected), StepKind::Update);
    assert_eq!(told(&corrected), ["DriftCorrected"]);
}

/// A proven job that somebody else stopped.
fn stopped_elsewhere(more: &str) -> Case {
    let stop = operation("op-stop", "StopApplication", OperationStatus::Successful);
    let listed = vec![snapshot("of-the-stop", 1, SnapshotStatus::Ready)];
    let case = Case::running(more)
        .recorded()
        .at(10)
        .operations(vec![stop])
        .snapshots(listed);
    case.world(|app| app.status = ApplicationStatus::Ready)
}

#[test]
fn a_stop_by_somebody_else_is_undone_or_reported_until_somebody_asks() {
    assert_eq!(step(&stopped_elsewhere("").decide()), StepKind::Start);
    let case = stopped_elsewhere(REPORT);
    let decision = case.decide();
    assert_eq!(reported(&decision).reason, Reason::DriftDetected);
    assert_eq!(told(&decision), ["StoppedElsewhere", "DriftDetected"]);
    let still = case.recorded().at(9000);
    assert_eq!(reported(&still.decide()).reason, Reason::DriftDetected);
    let asked = still.journal(|journal| {
        journal.requests = Some(Requests {
            restart: Some("1".into()),
            ..Requests::default()
        });
    });
    assert_eq!(step(&asked.decide()), StepKind::Start);
    let corrected = stopped_elsewhere(REPORT).recorded().respec("");
    assert_eq!(step(&corrected.decide()), StepKind::Start);
    let ended = stopped_elsewhere(REPORT).operations(Vec::new()).journal(|journal| {
        journal.history.push(HistoryEntry {
            at: after(1),
            result: HistoryResult::Promoted,
            revision: None,
            version_id: None,
            snapshot: None,
        });
    });
    assert_eq!(waits(&ended.decide()), Reason::Pending, "a job that ended is no drift");
}

#[test]
fn an_earlier_application_that_hangs_is_not_waited_for_without_end() {
    let mut hanging = operation("op-scaling", "ApplicationAutoScaling", OperationStatus::InProgress);
    hanging.started_at = start_of_time();
    let case = Case::observed("", ApplicationStatus::AutoScaling).operations(vec![hanging]);
    let case = case.world(|app| {
        app.tags.insert("sluicegate.dev/uid".into(), "an earlier one".into());
    });
    assert_eq!(waits(&case.decide()), Reason::Pending);
    assert_eq!(stalls(&case.at(1800).decide()).0, Reason::DeadlineExceeded);
}
