//! A job that was proven and restarts again and again.

use super::*;
use crate::api::status::{FailedRevision, HistoryEntry, HistoryResult, JobStatus, LoopStatus, RolledBack};
use crate::plan::health::differs;
use crate::plan::needs;
use crate::world::{Counter, ObservedVersion, Point, Series, Tail};

const RESTART: &str = "health: {onUnhealthy: Restart}";
const MINUTE: i64 = 60;

/// A job proven at the start of time, whose counter is read for twenty minutes: minutes and values.
fn watched(more: &str, points: &[(i64, i64)]) -> Case {
    let case = Case::running(more).at(20 * MINUTE).journal(|journal| {
        journal.aws = Some(
            serde_json::from_value(serde_json::json!({
                "applicationName": "orders", "region": "eu-west-1", "applicationStatus": "RUNNING"
            }))
            .unwrap(),
        );
        journal.job = Some(JobStatus {
            id: "0a".into(),
            state: "RUNNING".into(),
            subtasks_running: 3,
            subtasks_total: 3,
            restarts: Some(0),
        });
        journal.history = vec![entry(HistoryResult::Promoted, 0)];
    });
    case.reads(points, 20)
}

fn entry(result: HistoryResult, seconds: i64) -> HistoryEntry {
    HistoryEntry {
        at: after(seconds),
        result,
        revision: None,
        version_id: None,
        snapshot: None,
    }
}

impl Case {
    /// The counter up to a minute.
    fn reads(mut self, points: &[(i64, i64)], until: i64) -> Self {
        let points = points.iter().map(|(minute, restarts)| Point {
            at: after(minute * MINUTE),
            restarts: *restarts,
        });
        self.world.restarts.counter = Counter::Read(Series {
            from: after((until - 19) * MINUTE),
            until: after(until * MINUTE),
            points: points.collect(),
        });
        self
    }
}

const LOOP: &[(i64, i64)] = &[(15, 2), (17, 4)];

/// A case whose loop was found and recorded.
fn looping(more: &str) -> Case {
    watched(more, LOOP).sees(failing_job()).recorded()
}

fn failing_job() -> ObservedJob {
    let mut job = healthy_job();
    job.state = "RESTARTING".into();
    job.vertices[0].running = 0;
    job.vertices[0].failed = 1;
    job.root_cause = Some("java.io.IOException: gone".into());
    job
}

fn known(case: &Case) -> Option<LoopStatus> {
    case.app.status.as_ref().unwrap().journal.restart_loop().cloned()
}

fn looked(case: &Case) -> (bool, bool) {
    let want = case.want();
    let observed = case.world.application.as_ref();
    let needs = needs(&case.app, want.as_ref(), observed, &case.world.restarts, case.now);
    (needs.details, needs.job)
}

#[test]
fn a_loop_is_told_with_its_subtasks_and_its_cause_and_stalls_until_somebody_acts() {
    let case = watched("", LOOP).sees(failing_job());
    let decision = case.decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::JobUnhealthy);
    for part in [
        "3 times within 5m",
        "it fails in Source",
        "java.io.IOException: gone",
        "restart-requested-at",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(told(&decision), ["RestartLoop"]);
    let again = case.recorded().decide();
    assert!(!told(&again).contains(&"RestartLoop"), "it is told once");
}

#[test]
fn the_log_names_the_cause_and_the_subtasks_where_flink_does_not() {
    let case = watched("", LOOP);
    let decision = case.decide();
    assert_eq!(decision.cause_since, Some(after(5 * MINUTE)), "three windows back");
    let mut case = case;
    case.world.logged = Some(Logged {
        cause: Some("java.io.IOException: gone".into()),
        failing: vec!["Source (1/1)".into()],
    });
    let decision = case.decide();
    assert!(
        stalls(&decision)
            .1
            .contains("it fails in Source (1/1): java.io.IOException: gone")
    );
    assert_eq!(decision.cause_since, None);
}

#[test]
fn restarts_that_are_no_loop_and_a_counter_that_cannot_be_read_change_nothing() {
    for points in [&[(16, 2)][..], &[(1, 40), (18, 40)], &[]] {
        let case = watched("", points);
        assert_eq!(case.decide().plan, Plan::Rest, "{points:?}");
    }
    let mut case = watched("", &[]);
    case.world.restarts.counter = Counter::Unreadable("denied".into());
    assert_eq!(case.decide().plan, Plan::Rest);
}

#[test]
fn restarts_in_a_maintenance_are_no_evidence_and_a_snapshot_excuses_nothing() {
    let during = |kind: &str| {
        let mut during = operation("op", kind, OperationStatus::Successful);
        during.started_at = after(14 * MINUTE);
        during.ended_at = Some(after(16 * MINUTE));
        watched("", LOOP).operations(vec![during]).decide().plan
    };
    assert_eq!(during("ApplicationMaintenance"), Plan::Rest);
    let mut start = operation("op", "StartApplication", OperationStatus::Successful);
    start.ended_at = Some(after(14 * MINUTE));
    let case = watched("", LOOP).operations(vec![start]);
    let case = case.journal(|journal| journal.history = vec![entry(HistoryResult::Promoted, 14 * MINUTE + 10)]);
    assert!(
        matches!(case.decide().plan, Plan::Stall(_)),
        "the start of the job that was proven after it"
    );
    assert!(matches!(during("CreateApplicationSnapshot"), Plan::Stall(_)));
}

#[test]
fn the_close_look_is_taken_once_for_a_loop_that_is_not_known() {
    let mut case = watched("", LOOP);
    case.app.status.as_mut().unwrap().observed_generation = 1;
    assert_eq!(looked(&case), (true, true));
    assert!(differs(&case.app, &case.world.restarts));
    let case = case.sees(failing_job()).recorded();
    assert!(!looked(&case).1, "the job is left alone once the loop is known");
    assert!(!differs(&case.app, &case.world.restarts));
}

#[test]
fn a_loop_is_over_after_two_quiet_windows_and_a_look_that_shows_every_subtask_up() {
    let quiet = |case: Case| case.at(30 * MINUTE).reads(&[(15, 2), (17, 4), (28, 4)], 30);
    let case = quiet(looping(""));
    assert!(differs(&case.app, &case.world.restarts));
    assert!(looked(&case).1);
    let still = case.sees(failing_job());
    let decision = still.decide();
    assert_eq!(stalls(&decision).0, Reason::JobUnhealthy, "the job does not run");
    assert_eq!(decision.wake, Some(after(35 * MINUTE)));
    let decision = quiet(looping("")).sees(healthy_job()).decide();
    assert_eq!(decision.plan, Plan::Rest);
    assert_eq!(told(&decision), ["Recovered"]);
    assert!(decision.journal.restart_loop().is_none());
    let early = looping("").at(25 * MINUTE).reads(&[(15, 2), (17, 4), (23, 4)], 25);
    assert!(matches!(early.sees(healthy_job()).decide().plan, Plan::Stall(_)));
}

#[test]
fn a_forced_stop_answers_a_loop_and_holds() {
    let case = watched("health: {onUnhealthy: ForceStop}", LOOP).sees(failing_job());
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    assert_eq!(told(&decision), ["RestartLoop", "LoopAnswered"]);
    let case = stopped(case.recorded());
    let decision = case.decide();
    let (reason, message) = stalls(&decision);
    assert_eq!(reason, Reason::ForceStopped);
    assert!(message.contains("because the job restarted 3 times"), "{message}");
    let decision = case.recorded().decide();
    assert_eq!(stalls(&decision).0, Reason::ForceStopped);
}

/// The case after its forced stop came to its end.
fn stopped(case: Case) -> Case {
    let mut stop = operation("op-new", "StopApplication", OperationStatus::Successful);
    stop.started_at = after(20 * MINUTE + 1);
    stop.ended_at = Some(after(20 * MINUTE + 5));
    let mut case = case
        .journal(|journal| {
            let intent = journal.intent.as_mut().unwrap();
            intent.phase = Phase::Issued;
            intent.operation_id = Some("op-new".into());
        })
        .world(|app| app.status = ApplicationStatus::Ready)
        .operations(vec![stop])
        .at(20 * MINUTE + 30);
    case.world.job = Sight::NotLooked;
    case
}

#[test]
fn a_restart_answers_a_loop_from_the_newest_snapshot_and_is_given_once_an_hour() {
    let case = watched(RESTART, LOOP).sees(failing_job());
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
    let case = stopped(case.recorded());
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::Start);
    assert_eq!(restore(&decision), Restore::Named("kept".into()));

    let acted = |minutes: i64| {
        watched(RESTART, LOOP).sees(failing_job()).journal(|journal| {
            journal.health.get_or_insert_default().acted_at = Some(after((20 - minutes) * MINUTE));
            journal
                .history
                .insert(0, entry(HistoryResult::Stopped, (20 - minutes) * MINUTE + 10));
        })
    };
    let (reason, message) = stalls(&acted(59).decide());
    assert_eq!(reason, Reason::JobUnhealthy);
    assert!(message.contains("did not help"), "{message}");
    let kept = acted(59).recorded().at(25 * MINUTE);
    assert_eq!(
        stalls(&kept.decide()).0,
        Reason::JobUnhealthy,
        "not repeated when the hour is over"
    );
    assert_eq!(step(&acted(60).decide()), StepKind::ForceStop);
}

#[test]
fn a_forced_stop_answers_every_loop_however_soon_it_comes() {
    let case = watched("health: {onUnhealthy: ForceStop}", LOOP)
        .sees(failing_job())
        .journal(|journal| {
            journal.health.get_or_insert_default().acted_at = Some(after(5 * MINUTE));
            journal
                .history
                .insert(0, entry(HistoryResult::Stopped, 5 * MINUTE + 10));
        });
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
}

#[test]
fn an_answer_that_never_took_effect_is_given_again_and_one_that_did_not_help_is_not() {
    let given = || {
        watched(RESTART, LOOP)
            .sees(failing_job())
            .recorded()
            .journal(|journal| journal.intent = None)
    };
    assert!(known(&given()).unwrap().answer.is_some());
    let later = 20 * MINUTE + 90;
    assert_eq!(step(&given().at(later).decide()), StepKind::ForceStop);
    let took_effect = given().journal(|journal| journal.history.push(entry(HistoryResult::Stopped, later - 60)));
    let (reason, message) = stalls(&took_effect.at(later).decide());
    assert_eq!(reason, Reason::JobUnhealthy);
    assert!(message.contains("did not help"), "{message}");
}

#[test]
fn a_loop_ends_with_its_job() {
    let proven = looping("").journal(|journal| journal.history.push(entry(HistoryResult::Promoted, 21 * MINUTE)));
    let decision = proven.at(22 * MINUTE).reads(&[(15, 2), (17, 4)], 22).decide();
    assert_eq!(decision.plan, Plan::Rest);
    let other = looping("").journal(|journal| {
        let revisions = journal.revisions.as_mut().unwrap();
        revisions.running = Some("other".into());
    });
    assert!(other.decide().journal.restart_loop().is_none());
}

#[test]
fn no_snapshot_is_taken_of_a_job_in_a_loop() {
    let case = looping("snapshots: {schedule: {cron: '0 * * * *'}}").at(3601);
    let case = case.reads(&[(56, 20), (57, 24), (58, 26)], 60);
    assert_eq!(stalls(&case.decide()).0, Reason::JobUnhealthy);
}

#[test]
fn a_request_to_restart_wins_over_the_loop() {
    let case = looping("").annotate("sluicegate.dev/restart-requested-at", "now");
    assert_eq!(step(&case.decide()), StepKind::Restart);
}

#[test]
fn no_log_is_searched_where_the_spec_says_off() {
    let searched = |mode: &str| {
        watched(&format!("health: {{transitions: {{mode: {mode}}}}}"), LOOP)
            .decide()
            .cause_since
    };
    assert!(searched("OnSuspicion").is_some());
    assert_eq!(searched("Never"), None);
}

#[test]
fn a_loop_that_the_log_tells_of_is_found_without_the_counter() {
    let mut case = watched("", &[]);
    case.world.restarts.log = Tail::Read {
        until: case.now,
        restarts: [-30, -20, -10]
            .map(|seconds| case.now + SignedDuration::from_secs(seconds))
            .into(),
    };
    assert!(differs(&case.app, &case.world.restarts));
    assert_eq!(stalls(&case.decide()).0, Reason::JobUnhealthy);
    let case = case.recorded();
    assert!(!differs(&case.app, &case.world.restarts));
}

#[test]
fn a_log_that_cannot_be_read_is_told_and_changes_nothing() {
    let mut case = watched("", &[]);
    case.world.restarts.log = Tail::Unreadable("denied".into());
    assert!(differs(&case.app, &case.world.restarts));
    assert_eq!(case.decide().plan, Plan::Rest);
}

/// The job of a case in the place of a newer revision that failed and is held.
fn in_place_of_a_failed_one(more: &str) -> Case {
    let case = watched(more, LOOP).sees(failing_job());
    let good = case.want().unwrap();
    let mut case = case.respec(&format!("parallelism: {{parallelism: 4}}\n{more}"));
    let from = case.want().unwrap().revision.to_string();
    let content = ObservedVersion {
        configuration: good.configuration,
        code_digest: None,
    };
    case.world.versions.insert(3, content);
    case.journal(|journal| {
        journal.revisions.as_mut().unwrap().target = Some(from.clone());
        journal.failed_revisions.push(FailedRevision {
            revision: from.clone(),
            reason: Reason::RestartLoop,
            at: start_of_time(),
            answered: true,
        });
        journal.rolled_back = Some(RolledBack {
            from,
            to: good.revision.to_string(),
            reason: Reason::GateFailed,
            at: start_of_time(),
        });
    })
}

#[test]
fn a_loop_of_the_revision_that_a_rollback_brought_back_is_told_and_answered_too() {
    let told_only = in_place_of_a_failed_one("");
    assert_eq!(stalls(&told_only.decide()).0, Reason::RolledBack);
    assert!(known(&told_only.recorded()).is_some());

    let case = in_place_of_a_failed_one("health: {onUnhealthy: ForceStop}");
    let decision = case.decide();
    assert_eq!(step(&decision), StepKind::ForceStop);
    let revisions = decision.journal.revisions();
    assert_eq!(decision.journal.intent.unwrap().revision, revisions.good);
    let case = stopped(case.recorded());
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::ForceStopped);
    assert!(message.contains("because the job restarted 3 times"), "{message}");
    assert_eq!(stalls(&case.recorded().decide()).0, Reason::ForceStopped);

    let case = in_place_of_a_failed_one(RESTART);
    assert_eq!(step(&case.decide()), StepKind::ForceStop);
    let case = stopped(case.recorded());
    let decision = case.decide();
    assert_eq!(restore(&decision), Restore::Named("kept".into()));
    assert_eq!(decision.journal.intent.unwrap().revision, revisions.good);
}

#[test]
fn a_revision_that_a_rollback_brought_back_is_not_stopped_for_its_loop_where_it_could_not_be_started_again() {
    let case = in_place_of_a_failed_one(RESTART).snapshots(Vec::new());
    let decision = case.decide();
    assert_eq!(stalls(&decision).0, Reason::NoRestorePoint);
    assert_eq!(case.recorded().decide().plan, decision.plan);
}
