//! The table of conditions: what each move means for Ready, Reconciling, Stalled and Synced.

use jiff::SignedDuration;

use super::*;
use crate::api::spec::FlinkApplication;
use crate::api::status::{
    NotAccepted, RefusalClass, RefusalStatus, Revisions, SnapshotFailure, SnapshotsStatus, StepKind,
};
use crate::desired::{Desired, References};
use crate::plan::HeldBack;
use crate::plan::ownership::Owner;
use crate::plan::{Rules, Stall, Waiting};
use crate::world::World;

mod snapshots;

const SPEC: &str = "
runtimeEnvironment: FLINK-1_20
serviceExecutionRole: arn:aws:iam::111122223333:role/orders
code: {s3: {bucket: demo, key: orders-1.0.yaml}}
";

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn app() -> FlinkApplication {
    let mut app = FlinkApplication::new("orders", serde_yaml::from_str(SPEC).unwrap());
    app.metadata.generation = Some(2);
    app
}

fn projected(app: &FlinkApplication, journal: &Journal, plan: &Plan, at: Timestamp) -> FlinkApplicationStatus {
    let want = Desired::parse(app, "eu-west-1", &References::new());
    let owner = Owner {
        cluster: "c".into(),
        namespace: "n".into(),
        name: "orders".into(),
        uid: "u".into(),
    };
    let world = World::default();
    let rules = Rules::default();
    project(
        &Situation {
            app,
            want: want.as_ref(),
            world: &world,
            owner: &owner,
            rules: &rules,
            now: at,
        },
        journal,
        plan,
    )
}

/// The conditions as `type=status/reason`.
fn conditions(status: &FlinkApplicationStatus) -> Vec<String> {
    status
        .conditions
        .iter()
        .map(|c| format!("{}={}/{}", c.type_, c.status, c.reason))
        .collect()
}

fn waiting() -> Plan {
    Plan::Wait(Waiting {
        reason: Reason::Starting,
        message: "m".into(),
        until: now(),
        background: false,
    })
}

fn stalled() -> Plan {
    Plan::Stall(Stall {
        reason: Reason::NotOwned,
        message: "m".into(),
        recheck: None,
    })
}

#[test]
fn each_move_has_its_conditions_and_never_reconciling_beside_stalled() {
    for (plan, expected) in [
        (
            Plan::Rest,
            vec![
                "Ready=True/Running",
                "Synced=False/Pending",
                "JobHealthy=Unknown/Stopped",
            ],
        ),
        (
            waiting(),
            vec![
                "Ready=False/Starting",
                "Reconciling=True/Starting",
                "Synced=False/Pending",
                "JobHealthy=Unknown/Stopped",
            ],
        ),
        (
            Plan::Do(Step::Stop),
            vec![
                "Ready=False/Stopping",
                "Reconciling=True/Stopping",
                "Synced=False/Pending",
                "JobHealthy=Unknown/Stopped",
            ],
        ),
        (
            stalled(),
            vec![
                "Ready=False/NotOwned",
                "Stalled=True/NotOwned",
                "Synced=False/Pending",
                "JobHealthy=Unknown/Stopped",
            ],
        ),
    ] {
        assert_eq!(
            conditions(&projected(&app(), &Journal::default(), &plan, now())),
            expected
        );
    }
}

#[test]
fn every_condition_and_the_status_carry_the_generation() {
    let status = projected(&app(), &Journal::default(), &waiting(), now());
    assert_eq!(status.observed_generation, 2);
    assert!(
        status
            .conditions
            .iter()
            .all(|condition| condition.observed_generation == 2)
    );
}

#[test]
fn a_value_that_does_not_pause_is_told_and_a_blank_one_is_none() {
    let said = |value: &str, plan: &Plan| {
        let mut app = app();
        let annotations = [("sluicegate.dev/reconcile".to_owned(), value.to_owned())];
        app.metadata.annotations = Some(annotations.into());
        let status = projected(&app, &Journal::default(), plan, now());
        let mut conditions = status.conditions.into_iter();
        let told = conditions.find(|condition| condition.type_ == "Paused");
        told.map(|told| (told.status, told.message))
    };
    for value in ["Paused", "true", "disabled"] {
        let (status, message) = said(value, &Plan::Rest).unwrap();
        assert_eq!(status, "False", "{value}");
        assert!(
            message.contains(&format!("{value:?}")) && message.contains("\"paused\""),
            "{message}"
        );
    }
    assert_eq!(said(" ", &Plan::Rest), None);
    assert_eq!(said("paused", &Plan::Pause).unwrap().0, "True");
}

#[test]
fn every_stall_is_told_when_it_begins_and_when_its_reason_changes() {
    let mut app = app();
    let refused = Journal {
        refusal: Some(RefusalStatus {
            step: StepKind::Stop,
            revision: None,
            generation: 2,
            class: RefusalClass::AccessDenied,
            message: "no".into(),
            first_at: now(),
            last_at: now(),
        }),
        ..Journal::default()
    };
    let stall = |reason| {
        Plan::Stall(Stall {
            reason,
            message: "why".into(),
            recheck: None,
        })
    };
    let again = Plan::Do(Step::Stop);
    let moves = [
        (Journal::default(), stall(Reason::NotOwned), Some("NotOwned")),
        (Journal::default(), stall(Reason::NotOwned), None),
        (refused, again, Some("AccessDenied")),
        (Journal::default(), Plan::Rest, None),
        (Journal::default(), stall(Reason::NotOwned), Some("NotOwned")),
    ];
    for (journal, plan, told) in moves {
        let status = projected(&app, &journal, &plan, now() + SignedDuration::from_mins(11));
        let note = news::stall(app.status.as_ref(), &status);
        assert_eq!(note.as_ref().map(|note| note.reason), told, "{plan:?}");
        assert!(note.is_none_or(|note| note.warning && note.stall));
        app.status = Some(status);
    }
    app.metadata.generation = app.metadata.generation.map(|generation| generation + 1);
    let status = projected(&app, &Journal::default(), &stall(Reason::NotOwned), now());
    let note = news::stall(app.status.as_ref(), &status);
    assert_eq!(note.unwrap().reason, "NotOwned", "another spec has it too");
}

#[test]
fn the_time_of_a_transition_moves_with_the_status_alone() {
    let mut app = app();
    app.status = Some(projected(&app, &Journal::default(), &waiting(), now()));
    let later = now() + SignedDuration::from_secs(60);
    let time = |status: &FlinkApplicationStatus| status.conditions[0].last_transition_time;
    assert_eq!(time(&projected(&app, &Journal::default(), &stalled(), later)), now());
    assert_eq!(time(&projected(&app, &Journal::default(), &Plan::Rest, later)), later);
}

#[test]
fn equal_situations_give_equal_statuses() {
    let mut app = app();
    let first = projected(&app, &Journal::default(), &waiting(), now());
    app.status = Some(first.clone());
    assert_eq!(
        projected(
            &app,
            &Journal::default(),
            &waiting(),
            now() + SignedDuration::from_secs(9)
        ),
        first
    );
}

#[test]
fn a_call_that_is_sent_again_after_its_grace_stays_a_stall() {
    let journal = Journal {
        refusal: Some(crate::api::status::RefusalStatus {
            step: StepKind::Create,
            revision: None,
            generation: 2,
            class: crate::api::status::RefusalClass::QuotaExceeded,
            message: "100 applications".into(),
            first_at: now(),
            last_at: now(),
        }),
        revisions: Some(Revisions::default()),
        ..Journal::default()
    };
    let want = Desired::parse(&app(), "eu-west-1", &References::new()).unwrap();
    let create = crate::plan::step::Create {
        description: None,
        configuration: want.configuration,
        tags: [].into(),
    };
    let plan = Plan::Do(Step::Create(Box::new(create)));
    let early = projected(&app(), &journal, &plan, now() + SignedDuration::from_mins(9));
    assert!(
        conditions(&early).contains(&"Reconciling=True/Creating".to_owned()),
        "{early:?}"
    );
    let late = projected(&app(), &journal, &plan, now() + SignedDuration::from_mins(10));
    assert!(
        conditions(&late).contains(&"Stalled=True/QuotaExceeded".to_owned()),
        "{late:?}"
    );
}

#[test]
fn messages_fit_the_schema_whatever_they_quote() {
    let long = Plan::Stall(Stall {
        reason: Reason::Rejected,
        message: "é".repeat(3000),
        recheck: None,
    });
    let status = projected(&app(), &Journal::default(), &long, now());
    assert!(
        status
            .conditions
            .iter()
            .all(|condition| condition.message.len() <= 1024)
    );
    assert!(status.message.is_some_and(|message| message.len() <= 1024));
}

#[test]
fn statuses_that_differ_in_words_only_are_told_from_those_that_say_something_else() {
    let before = projected(&app(), &Journal::default(), &waiting(), now());
    let mut reworded = before.clone();
    reworded.message = Some("other words".into());
    reworded.conditions[0].message = "other words".into();
    assert!(differs_in_words_only(&before, &reworded));
    let mut reasoned = before.clone();
    reasoned.conditions[0].reason = "Other".into();
    assert!(!differs_in_words_only(&before, &reasoned));
    let mut journalled = before.clone();
    journalled.journal.had_state = true;
    assert!(!differs_in_words_only(&before, &journalled));
}

#[test]
fn a_revision_that_is_held_back_is_pending_and_nothing_is_in_flight() {
    let mut app = app();
    app.spec = serde_yaml::from_str(&format!("{SPEC}rollout: {{approval: Manual}}")).unwrap();
    let held_back = HeldBack {
        reason: Reason::AwaitingApproval,
        message: "m".into(),
        until: None,
    };
    let status = projected(&app, &Journal::default(), &Plan::HeldBack(held_back), now());
    assert_eq!(
        conditions(&status),
        [
            "Ready=False/Pending",
            "Synced=False/AwaitingApproval",
            "JobHealthy=Unknown/Stopped"
        ]
    );
    let synced = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "Synced")
        .unwrap();
    assert!(synced.message.contains("approved-revision="), "{}", synced.message);
}

#[test]
fn what_leaves_the_job_alone_changes_nothing_that_was_said_of_the_same_spec() {
    let mut app = app();
    let journal = Journal::default();
    app.status = Some(projected(&app, &journal, &stalled(), now()));
    let aside = Plan::Do(Step::BackUp { name: "s".into() });
    let beside = projected(&app, &journal, &aside, now());
    assert_eq!(
        conditions(&beside)[..2],
        ["Ready=False/NotOwned", "Stalled=True/NotOwned"]
    );
    app.status = Some(projected(&app, &journal, &waiting(), now()));
    let beside = projected(&app, &journal, &aside, now());
    assert_eq!(
        conditions(&beside)[..2],
        ["Ready=False/Starting", "Reconciling=True/Starting"]
    );
    app.metadata.generation = Some(3);
    let anew = projected(&app, &journal, &aside, now());
    assert_eq!(
        conditions(&anew)[..2],
        ["Ready=False/Pending", "Reconciling=True/Pending"]
    );
}

#[test]
fn a_call_that_is_not_accepted_is_told_when_a_change_may_take_no_longer() {
    let told = |minutes: i64, step: Step| {
        let journal = Journal {
            not_accepted: Some(NotAccepted {
                step: StepKind::Stop,
                revision: None,
                message: "Rate exceeded.".into(),
                first_at: now(),
                last_at: now() + SignedDuration::from_mins(minutes),
            }),
            ..Journal::default()
        };
        let at = now() + SignedDuration::from_mins(minutes);
        projected(&app(), &journal, &Plan::Do(step), at)
    };
    assert_eq!(conditions(&told(29, Step::Stop))[1], "Reconciling=True/Stopping");
    let stalled = told(30, Step::Stop);
    assert_eq!(
        conditions(&stalled)[..2],
        ["Ready=False/NotAccepted", "Stalled=True/NotAccepted"]
    );
    let message = &stalled.conditions[0].message;
    let part = "StopApplication since 2026-01-01T00:00:00Z: Rate exceeded. It is tried on";
    assert!(message.contains(part), "{message}");
    assert_eq!(conditions(&told(30, Step::ForceStop))[1], "Reconciling=True/Stopping");
}
