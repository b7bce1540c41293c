//! Descriptions that are behind the calls that were accepted.

use managed_flink_emulator::Settings;
use managed_flink_emulator::service::{ErrorCode, Faults};
use serde_json::{Value, json};

use crate::bed::{Bed, code};

fn behind(mut bed: Bed, seconds: u64) -> Bed {
    bed.service.set_faults(Faults {
        describe_lag: seconds,
        ..Faults::default()
    });
    bed
}

fn seen(bed: &mut Bed) -> (Value, Value) {
    let detail = bed.describe();
    (
        detail["ApplicationStatus"].clone(),
        detail["ApplicationVersionId"].clone(),
    )
}

fn listed(bed: &mut Bed) -> (Value, Value) {
    let list = bed.ok("ListApplications", &json!({}));
    let entry = &list["ApplicationSummaries"][0];
    (
        entry["ApplicationStatus"].clone(),
        entry["ApplicationVersionId"].clone(),
    )
}

fn pair(status: &str, version: u64) -> (Value, Value) {
    (json!(status), json!(version))
}

#[test]
fn a_description_shows_an_accepted_call_only_after_the_lag() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let mut bed = behind(bed, 30);
    let before = bed.describe();
    let guard = json!({ "CurrentApplicationVersionId": 1, "ApplicationConfigurationUpdate": code("better.yaml") });
    let answer = bed.orders("UpdateApplication", &guard);
    assert_eq!(
        answer["ApplicationDetail"]["ApplicationVersionId"], 2,
        "the answer of the call itself is the truth"
    );
    bed.pass(29);
    assert_eq!(bed.describe(), before);
    assert_eq!(listed(&mut bed), pair("RUNNING", 1));
    assert_eq!(
        bed.orders_refused("UpdateApplication", &guard).0,
        ErrorCode::ConcurrentModification,
        "a change sees the truth"
    );
    let operations = bed.orders("ListApplicationOperations", &json!({}));
    assert_eq!(
        operations["ApplicationOperationInfoList"][0]["OperationId"], answer["OperationId"],
        "the operation list sees the truth"
    );
    bed.pass(1);
    assert_eq!(seen(&mut bed), pair("UPDATING", 2));
    assert_eq!(listed(&mut bed), pair("UPDATING", 2));
}

#[test]
fn a_lag_longer_than_an_update_jumps_over_it() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let mut bed = behind(bed, 60);
    bed.update(&code("throws.yaml"));
    bed.pass(59);
    assert_eq!(seen(&mut bed), pair("RUNNING", 1));
    bed.pass(1);
    assert_eq!(seen(&mut bed), pair("READY", 2));
}

#[test]
fn after_two_calls_the_state_between_them_is_seen() {
    let mut bed = behind(Bed::new(), 10);
    bed.create("good.yaml");
    assert_eq!(seen(&mut bed), pair("READY", 1), "a creation is seen at once");
    bed.orders("UpdateApplication", &json!({ "CurrentApplicationVersionId": 1 }));
    bed.pass(4);
    bed.orders("StartApplication", &json!({}));
    bed.pass(5);
    assert_eq!(seen(&mut bed), pair("READY", 1));
    bed.pass(1);
    assert_eq!(seen(&mut bed), pair("READY", 2));
    bed.pass(4);
    assert_eq!(seen(&mut bed), pair("STARTING", 2));
}

#[test]
fn refused_calls_and_reads_leave_no_lag() {
    let mut bed = behind(Bed::new(), 10);
    bed.create("good.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.pass(89);
    assert_eq!(seen(&mut bed), pair("STARTING", 1));
    bed.orders_refused("StopApplication", &json!({}));
    bed.orders("ListApplicationOperations", &json!({}));
    bed.pass(1);
    assert_eq!(
        seen(&mut bed),
        pair("RUNNING", 1),
        "what the service does by itself is seen at once"
    );
}

#[test]
fn ending_the_fault_shows_the_truth() {
    let mut bed = behind(Bed::new(), 60);
    bed.create("good.yaml");
    bed.orders("StartApplication", &json!({}));
    assert_eq!(seen(&mut bed), pair("READY", 1));
    bed.service.set_faults(Faults::default());
    assert_eq!(seen(&mut bed), pair("STARTING", 1));
}

#[test]
fn the_plan_of_a_job_is_shown_only_on_demand_while_behind() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let mut bed = behind(bed, 30);
    bed.orders("StopApplication", &json!({}));
    let plan = |detail: &Value| {
        let flink = &detail["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"];
        flink.get("JobPlanDescription").is_some()
    };
    assert!(!plan(&bed.describe()));
    let full = bed.orders("DescribeApplication", &json!({ "IncludeAdditionalDetails": true }));
    assert!(plan(&full["ApplicationDetail"]));
}

#[test]
fn the_lag_is_of_the_time_of_the_service() {
    let settings = Settings {
        speed: 10.0,
        ..Settings::default()
    };
    let mut bed = behind(Bed::with(settings), 60);
    bed.create("good.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.pass(5);
    assert_eq!(seen(&mut bed), pair("READY", 1));
    bed.pass(1);
    assert_eq!(seen(&mut bed), pair("STARTING", 1));
}

#[test]
fn the_lag_is_a_fault_of_the_test_bed() {
    let faults: Faults = serde_json::from_value(json!({ "describeLag": 45 })).unwrap();
    assert_eq!(faults.describe_lag, 45);
    assert_eq!(Faults::default().describe_lag, 0);
}

#[test]
fn the_list_of_snapshots_shows_each_of_them_only_after_its_lag() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    bed.service.set_faults(Faults {
        snapshot_list_lag: 60,
        ..Faults::default()
    });
    let listed = |bed: &mut Bed| bed.orders("ListApplicationSnapshots", &json!({}))["SnapshotSummaries"].clone();
    bed.orders("StopApplication", &json!({}));
    bed.pass(59);
    assert_eq!(seen(&mut bed).0, "READY");
    assert_eq!(listed(&mut bed), json!([]));
    bed.pass(1);
    assert_eq!(listed(&mut bed)[0]["SnapshotStatus"], "CREATING");
    bed.pass(14);
    assert_eq!(listed(&mut bed)[0]["SnapshotStatus"], "CREATING");
    bed.pass(1);
    let shown = listed(&mut bed);
    assert_eq!(shown[0]["SnapshotStatus"], "READY");
    bed.service.set_faults(Faults::default());
    assert_eq!(listed(&mut bed), shown);
}
