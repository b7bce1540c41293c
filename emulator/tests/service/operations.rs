//! The operation log and the version history.

use managed_flink_emulator::service::{ErrorCode, Faults};
use serde_json::{Value, json};

use crate::bed::{Bed, code};

#[test]
fn an_operation_in_progress_has_no_end_and_a_start_no_version_change() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let id = bed.orders("StartApplication", &json!({}))["OperationId"].clone();
    assert_eq!(id.as_str().unwrap().len(), 12);
    let started = bed.now.as_second();
    assert_eq!(
        bed.operation(&id),
        json!({ "Operation": "StartApplication", "StartTime": started, "OperationStatus": "IN_PROGRESS" })
    );
    bed.pass(200);
    assert_eq!(
        bed.operation(&id),
        json!({
            "Operation": "StartApplication", "StartTime": started, "EndTime": started + 90,
            "OperationStatus": "SUCCESSFUL",
        }),
        "it ended when it was due, not when it was looked at"
    );
}

#[test]
fn operations_are_listed_newest_first_and_can_be_filtered() {
    let mut bed = Bed::new();
    bed.create("throws.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.pass(90);
    bed.update(&code("good.yaml"));
    bed.pass(3);
    bed.start();
    let names = |bed: &mut Bed, filter: &Value| -> Vec<String> {
        let list = bed.orders("ListApplicationOperations", filter);
        let entries = list["ApplicationOperationInfoList"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["Operation"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&mut bed, &json!({})),
        ["StartApplication", "UpdateApplication", "StartApplication"]
    );
    assert_eq!(
        names(&mut bed, &json!({ "Operation": "UpdateApplication" })),
        ["UpdateApplication"]
    );
    assert_eq!(
        names(&mut bed, &json!({ "OperationStatus": "FAILED" })),
        ["StartApplication"]
    );
    assert_eq!(names(&mut bed, &json!({ "OperationStatus": "IN_PROGRESS" })), [""; 0]);
}

#[test]
fn a_long_error_is_cut_to_512_characters() {
    let mut bed = Bed::new();
    bed.put("long.yaml", &format!("main: {{throws: '{}'}}", "é".repeat(2000)));
    bed.create("long.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.pass(90);
    let error = bed.newest_operation()["OperationFailureDetails"]["ErrorInfo"]["ErrorString"].clone();
    assert_eq!(error.as_str().unwrap().chars().count(), 512);
}

#[test]
fn every_version_can_be_described_with_the_configuration_it_had() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.update(&code("better.yaml"));
    bed.pass(3);
    let list = bed.orders("ListApplicationVersions", &json!({}));
    let ids: Vec<&Value> = list["ApplicationVersionSummaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["ApplicationVersionId"])
        .collect();
    assert_eq!(ids, [&json!(2), &json!(1)]);
    for (id, key) in [(1, "good.yaml"), (2, "better.yaml")] {
        let answer = bed.orders("DescribeApplicationVersion", &json!({ "ApplicationVersionId": id }));
        let detail = &answer["ApplicationVersionDetail"];
        assert_eq!(detail["ApplicationVersionId"], id);
        let code = &detail["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"];
        assert_eq!(
            code["CodeContentDescription"]["S3ApplicationCodeLocationDescription"]["FileKey"],
            key
        );
    }
    for (operation, members) in [
        ("DescribeApplicationVersion", json!({ "ApplicationVersionId": 3 })),
        ("DescribeApplicationOperation", json!({ "OperationId": "none" })),
    ] {
        assert_eq!(bed.orders_refused(operation, &members).0, ErrorCode::ResourceNotFound);
    }
}

#[test]
fn what_hangs_comes_to_no_end_before_a_forced_stop() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.service.set_faults(Faults {
        hang: ["StartApplication".to_owned(), "StopApplication".to_owned()].into(),
        ..Faults::default()
    });
    bed.orders("StartApplication", &json!({ "RunConfiguration": {} }));
    bed.pass(100_000);
    assert_eq!(bed.describe()["ApplicationStatus"], "STARTING");
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.pass(1000);
    assert_eq!(bed.describe()["ApplicationStatus"], "READY");
    let operations = bed.orders("ListApplicationOperations", &json!({}));
    assert_eq!(
        operations["ApplicationOperationInfoList"][1]["OperationStatus"],
        "CANCELLED"
    );
}

#[test]
fn what_lingers_is_listed_in_progress_until_the_fault_ends() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let lingering = Faults {
        linger: ["StartApplication".to_owned(), "Maintenance".to_owned()].into(),
        ..Faults::default()
    };
    bed.service.set_faults(lingering);
    bed.orders("StartApplication", &json!({ "RunConfiguration": {} }));
    bed.pass(1000);
    assert_eq!(bed.describe()["ApplicationStatus"], "RUNNING");
    let listed = |bed: &mut Bed| {
        let operations = bed.orders("ListApplicationOperations", &json!({}));
        operations["ApplicationOperationInfoList"][0].clone()
    };
    assert_eq!(listed(&mut bed)["OperationStatus"], "IN_PROGRESS");
    assert_eq!(listed(&mut bed).get("EndTime"), None);
    bed.service.set_faults(Faults::default());
    assert_eq!(listed(&mut bed)["OperationStatus"], "SUCCESSFUL");
    assert_ne!(listed(&mut bed).get("EndTime"), None);
}
