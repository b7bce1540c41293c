//! Jobs that fail after they run: restarts, what is refused meanwhile, and what hangs (facts §4.3, §4.4).

use managed_flink_emulator::Service;
use managed_flink_emulator::Settings;
use managed_flink_emulator::service::ErrorCode;
use serde_json::{Value, json};

use crate::bed::{Bed, REGION, code};

/// A running application whose code is this script.
fn running(script: &str) -> Bed {
    running_on(Bed::new(), script)
}

fn running_on(mut bed: Bed, script: &str) -> Bed {
    bed.put("orders-0.9.yaml", script);
    bed.run("orders-0.9.yaml");
    bed
}

/// How the job stands and how often it was restarted.
fn course(bed: &mut Bed) -> (&'static str, u64) {
    let now = bed.now;
    let job = bed.view().job.unwrap();
    (job.observed(now), job.course(now).restarts)
}

fn refused_for_downtime(bed: &mut Bed, operation: &str, members: &Value) {
    let (code, message) = bed.orders_refused(operation, members);
    assert_eq!(code, ErrorCode::InvalidApplicationConfiguration, "{operation}");
    assert!(
        message.starts_with("Failed to take snapshot for the application orders at this moment."),
        "{message}"
    );
}

#[test]
fn a_job_fails_again_and_again_with_growing_pauses_while_the_application_runs() {
    let mut bed = running("initializing: 2s\nthen: {failsEvery: 10s, after: 30s}");
    let mut seen = Vec::new();
    for second in 0..80 {
        let state = course(&mut bed);
        if seen.last().is_none_or(|(_, last)| *last != state) {
            seen.push((second, state));
        }
        assert_eq!(bed.status(), "RUNNING");
        bed.pass(1);
    }
    let expected = [
        (0, ("INITIALIZING", 0)),
        (2, ("RUNNING", 0)),
        (42, ("RESTARTING", 1)),
        (43, ("INITIALIZING", 1)),
        (45, ("RUNNING", 1)),
        (55, ("RESTARTING", 2)),
        (57, ("INITIALIZING", 2)),
        (59, ("RUNNING", 2)),
        (69, ("RESTARTING", 3)),
        (71, ("INITIALIZING", 3)),
        (73, ("RUNNING", 3)),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn days_of_failures_are_no_events_and_the_pause_stays_at_a_minute() {
    let mut bed = running("then: {failsEvery: 60s}");
    assert_eq!(bed.service.next_event_at(), None);
    bed.pass(86_400);
    let (_, day) = course(&mut bed);
    bed.pass(1200);
    assert_eq!(course(&mut bed).1, day + 10, "a minute of work and a minute of pause");
}

#[test]
fn before_flink_1_19_every_pause_is_a_second() {
    let mut bed = Bed::new();
    bed.put("orders.yaml", "then: {failsEvery: 9s}");
    let mut creation = crate::bed::creation("orders.yaml");
    creation["RuntimeEnvironment"] = json!("FLINK-1_18");
    bed.orders("CreateApplication", &creation);
    bed.start();
    bed.pass(999);
    assert_eq!(course(&mut bed), ("RESTARTING", 100));
}

#[test]
fn one_failure_can_be_the_only_one() {
    let mut bed = running("then: {failsEvery: 5s, times: 1, exception: 'E: boom'}");
    bed.pass(5);
    assert_eq!(course(&mut bed), ("RESTARTING", 1));
    bed.pass(1);
    assert_eq!(course(&mut bed), ("RUNNING", 1));
    bed.pass(100_000);
    assert_eq!(course(&mut bed), ("RUNNING", 1));
    bed.orders("StopApplication", &json!({}));
    bed.pass(30);
    assert_eq!(bed.status(), "READY");
}

#[test]
fn the_speed_divides_the_pauses_too() {
    let settings = Settings {
        speed: 10.0,
        ..Settings::default()
    };
    let bed = Bed::with(settings);
    bed.put("orders.yaml", "then: {failsEvery: 100s}");
    let mut bed = bed;
    bed.create("orders.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.pass(9);
    bed.pass(10);
    assert_eq!(course(&mut bed), ("RESTARTING", 1));
    bed.now += std::time::Duration::from_millis(100);
    assert_eq!(course(&mut bed), ("RUNNING", 1));
}

#[test]
fn while_the_job_is_down_stop_update_and_snapshot_are_refused_and_nothing_changes() {
    for (initializing, seconds) in [("0s", 60), ("60s", 61), ("60s", 59)] {
        let script = format!("initializing: {initializing}\nthen: {{failsEvery: 60s}}");
        let mut bed = running(&script);
        bed.pass(if initializing == "60s" && seconds == 61 {
            121
        } else {
            seconds
        });
        assert_ne!(course(&mut bed).0, "RUNNING");
        refused_for_downtime(&mut bed, "StopApplication", &json!({}));
        refused_for_downtime(
            &mut bed,
            "UpdateApplication",
            &json!({ "CurrentApplicationVersionId": 1, "ApplicationConfigurationUpdate": code("good.yaml") }),
        );
        refused_for_downtime(&mut bed, "CreateApplicationSnapshot", &json!({ "SnapshotName": "a" }));
        let detail = bed.describe();
        assert_eq!(detail["ApplicationStatus"], "RUNNING");
        assert_eq!(detail["ApplicationVersionId"], 1);
        assert!(bed.snapshots().is_empty());
        bed.orders("StopApplication", &json!({ "Force": true }));
        bed.pass(10);
        assert_eq!(bed.status(), "READY");
    }
}

#[test]
fn without_snapshots_a_job_that_is_down_can_be_updated_and_stopped() {
    let mut bed = running("then: {failsEvery: 60s}");
    bed.pass(60);
    let mut update = code("good.yaml");
    update["ApplicationSnapshotConfigurationUpdate"] = json!({ "SnapshotsEnabledUpdate": false });
    bed.update(&update);
    bed.pass(60);
    assert_eq!(course(&mut bed), ("RUNNING", 0));
    assert!(bed.snapshots().is_empty());
    bed.update(&code("orders-0.9.yaml"));
    bed.pass(120);
    assert_eq!(course(&mut bed), ("RESTARTING", 1));
    bed.orders("StopApplication", &json!({}));
    bed.pass(30);
    assert_eq!(bed.status(), "READY");
}

#[test]
fn a_stop_between_two_failures_hangs_when_the_job_fails_before_its_snapshot_is_complete() {
    let mut bed = running("then: {failsEvery: 60s}");
    bed.pass(50);
    let stop = bed.orders("StopApplication", &json!({}))["OperationId"].clone();
    bed.pass(9);
    assert_eq!(bed.snapshots()[0]["SnapshotStatus"], "CREATING");
    bed.pass(1);
    assert_eq!(bed.snapshots()[0]["SnapshotStatus"], "FAILED");
    bed.pass(100_000);
    assert_eq!(bed.status(), "STOPPING");
    let operation = bed.operation(&stop);
    assert_eq!(operation["OperationStatus"], "IN_PROGRESS");
    assert_eq!(bed.service.next_event_at(), None);
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.pass(10);
    assert_eq!(bed.status(), "READY");
    assert_eq!(bed.operation(&stop)["OperationStatus"], "CANCELLED");
}

#[test]
fn an_update_between_two_failures_hangs_with_its_version_until_a_force_stop() {
    let mut bed = running("then: {failsEvery: 60s}");
    bed.pass(50);
    let update = bed.update(&code("good.yaml"))["OperationId"].clone();
    bed.pass(100_000);
    assert_eq!(bed.status(), "UPDATING");
    assert_eq!(bed.operation(&update)["OperationStatus"], "IN_PROGRESS");
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.pass(10);
    let detail = bed.describe();
    assert_eq!(detail["ApplicationStatus"], "READY");
    assert_eq!(detail["ApplicationVersionId"], 2);
    assert_eq!(bed.operation(&update)["OperationStatus"], "CANCELLED");
    bed.start();
    assert_eq!(bed.view().job.unwrap().restored_from, None, "the snapshot failed");
}

#[test]
fn what_has_its_snapshot_before_the_next_failure_goes_on() {
    let mut bed = running("then: {failsEvery: 60s}");
    bed.pass(45);
    bed.update(&code("good.yaml"));
    bed.pass(60);
    assert_eq!(bed.status(), "RUNNING");
    assert_eq!(bed.snapshots()[0]["SnapshotStatus"], "READY");
    assert!(bed.view().job.unwrap().restored_from.is_some());
}

#[test]
fn the_rule_can_end_such_an_operation_instead() {
    for stops in [true, false] {
        let bed = Bed::with_rule("snapshot-of-a-failing-job", "fails");
        let mut bed = running_on(bed, "then: {failsEvery: 60s}");
        let before = bed.view().job.unwrap().id;
        bed.pass(50);
        let answer = if stops {
            bed.orders("StopApplication", &json!({}))
        } else {
            bed.update(&code("good.yaml"))
        };
        bed.pass(10);
        let detail = bed.describe();
        assert_eq!(detail["ApplicationStatus"], "RUNNING");
        assert_eq!(detail["ApplicationVersionId"], if stops { 1 } else { 2 });
        let operation = bed.operation(&answer["OperationId"]);
        assert_eq!(operation["OperationStatus"], "FAILED");
        let text = operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
            .as_str()
            .unwrap();
        assert!(text.starts_with("Failed to take snapshot"), "{text}");
        assert_eq!(bed.view().job.unwrap().id, before, "the old job goes on");
    }
}

#[test]
fn system_rollback_undoes_an_update_that_the_rule_ends() {
    let bed = Bed::with_rule("snapshot-of-a-failing-job", "fails");
    let mut bed = running_on(bed, "then: {failsEvery: 60s}");
    bed.pass(30);
    bed.update(&json!({ "ApplicationSystemRollbackConfigurationUpdate": { "RollbackEnabledUpdate": true } }));
    bed.pass(60);
    bed.pass(50);
    bed.update(&code("good.yaml"));
    bed.pass(10);
    assert_eq!(bed.status(), "ROLLING_BACK");
    bed.pass(60);
    let detail = bed.describe();
    assert_eq!(detail["ApplicationStatus"], "RUNNING");
    assert_eq!(detail["ApplicationVersionId"], 4);
}

#[test]
fn a_snapshot_in_the_making_fails_with_the_job() {
    let mut bed = running("then: {failsEvery: 60s}");
    bed.pass(50);
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "late" }));
    bed.pass(15);
    assert_eq!(bed.snapshots()[0]["SnapshotStatus"], "FAILED");
    assert_eq!(bed.status(), "RUNNING");
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "early" }));
    bed.pass(15);
    assert_eq!(bed.snapshots()[0]["SnapshotStatus"], "READY");
}

#[test]
fn state_that_the_new_code_cannot_read_makes_it_loop_although_the_update_succeeds() {
    let mut bed = running("main: ok");
    bed.put(
        "orders-1.0.yaml",
        "initializing: 10s\nstate: {incompatibleWith: ['orders-0.*']}",
    );
    let update = bed.update(&code("orders-1.0.yaml"))["OperationId"].clone();
    bed.pass(60);
    assert_eq!(bed.status(), "RUNNING");
    assert_eq!(bed.operation(&update)["OperationStatus"], "SUCCESSFUL");
    for second in 0..600 {
        let (state, restarts) = course(&mut bed);
        assert_ne!(state, "RUNNING", "after {second} s");
        assert_eq!(restarts > 0, second >= 10, "after {second} s");
        bed.pass(1);
    }
    let trouble = bed.view().job.unwrap().trouble.unwrap();
    assert!(
        trouble.exception.contains("StateMigrationException"),
        "{}",
        trouble.exception
    );
    assert!(trouble.exception.contains("orders-0.9.yaml"), "{}", trouble.exception);
    refused_for_downtime(&mut bed, "StopApplication", &json!({}));
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.pass(10);
    let skip = json!({ "RunConfiguration": { "ApplicationRestoreConfiguration": {
        "ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT",
    } } });
    bed.orders("StartApplication", &skip);
    bed.pass(100);
    assert_eq!(course(&mut bed), ("RUNNING", 0), "without the state it runs");
    bed.orders("StopApplication", &json!({}));
    bed.pass(30);
    bed.start();
    bed.pass(10);
    assert_eq!(course(&mut bed), ("RUNNING", 0), "it reads what it wrote itself");
}

#[test]
fn a_job_can_ignore_the_state_that_was_named() {
    let mut bed = running("main: ok");
    bed.put("better.yaml", "state: {ignored: true, incompatibleWith: ['*']}");
    bed.update(&code("better.yaml"));
    bed.pass(60);
    assert_eq!(course(&mut bed), ("RUNNING", 0));
    assert_eq!(bed.view().job.unwrap().restored_from, None);
    assert_eq!(bed.snapshots().len(), 1);
}

#[test]
fn a_failing_job_goes_on_from_a_saved_state() {
    let mut bed = running("initializing: 3s\nthen: {failsEvery: 10s}\ncheckpoints: {every: 2s}");
    bed.pass(1000);
    let saved = serde_json::to_string(bed.service.state()).unwrap();
    let before = (course(&mut bed), bed.view().job);
    let state = serde_json::from_str(&saved).unwrap();
    bed.service = Service::with_state(Settings::default(), Box::new(NoObjects), state);
    assert_eq!((course(&mut bed), bed.view().job), before);
    assert!(bed.service.application_view(REGION, "orders").is_some());
}

struct NoObjects;

impl managed_flink_emulator::Objects for NoObjects {
    fn read(&self, _: &str, _: &str, _: Option<&str>) -> Option<Vec<u8>> {
        None
    }
}

#[test]
fn a_failed_snapshot_of_a_person_does_not_hang_an_update_that_needs_none() {
    let mut bed = running("then: {failsEvery: 60s}");
    bed.pass(50);
    bed.orders("CreateApplicationSnapshot", &json!({ "SnapshotName": "late" }));
    bed.update(&json!({ "ApplicationSnapshotConfigurationUpdate": { "SnapshotsEnabledUpdate": false } }));
    bed.pass(60);
    assert_eq!(bed.snapshots()[0]["SnapshotStatus"], "FAILED");
    assert_eq!(bed.status(), "RUNNING");
}

#[test]
fn a_restore_that_fails_takes_a_second_at_least() {
    let mut bed = running("main: ok");
    bed.put("orders-1.0.yaml", "state: {incompatibleWith: ['*']}");
    bed.update(&code("orders-1.0.yaml"));
    bed.pass(60);
    assert_eq!(course(&mut bed), ("INITIALIZING", 0));
    bed.pass(1);
    assert_eq!(course(&mut bed), ("RESTARTING", 1));
    bed.pass(1);
    assert_eq!(course(&mut bed), ("INITIALIZING", 1));
    bed.pass(1);
    assert_eq!(course(&mut bed), ("RESTARTING", 2));
}

#[test]
fn after_an_hour_without_a_failure_the_first_pause_comes_again() {
    let mut bed = running("then: {failsEvery: 1h}");
    bed.pass(100 * 3600 + 99);
    assert_eq!(course(&mut bed), ("RESTARTING", 100));
    bed.pass(1);
    assert_eq!(course(&mut bed), ("RUNNING", 100));
}
