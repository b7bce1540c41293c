//! Requests that are wrong in themselves, faults, and the record of calls.

use managed_flink_emulator::service::{ErrorCode, Faults};
use serde_json::{Value, json};

use crate::bed::{Bed, REGION, ROLE, creation};

#[test]
fn a_bad_member_is_refused_by_its_path() {
    let base = creation("good.yaml");
    let cases: [(&str, Value, ErrorCode, &str); 14] = [
        (
            "/ApplicationName",
            json!("has space"),
            ErrorCode::InvalidArgument,
            "ApplicationName",
        ),
        (
            "/ApplicationName",
            json!("a".repeat(129)),
            ErrorCode::InvalidArgument,
            "1 to 128",
        ),
        (
            "/ApplicationName",
            json!(7),
            ErrorCode::Serialization,
            "ApplicationName must be a string",
        ),
        (
            "/ServiceExecutionRole",
            Value::Null,
            ErrorCode::InvalidArgument,
            "ServiceExecutionRole is required",
        ),
        (
            "/ServiceExecutionRole",
            json!("role"),
            ErrorCode::InvalidArgument,
            "ARN",
        ),
        (
            "/RuntimeEnvironment",
            json!("FLINK-9_9"),
            ErrorCode::InvalidArgument,
            "FLINK-1_20",
        ),
        (
            "/Colour",
            json!("red"),
            ErrorCode::InvalidArgument,
            "Colour is not a member",
        ),
        ("/Tags", json!({}), ErrorCode::Serialization, "Tags must be a list"),
        (
            "/ApplicationConfiguration/FlinkApplicationConfiguration",
            json!({ "ParallelismConfiguration": { "ConfigurationType": "CUSTOM", "Parallelism": 0 } }),
            ErrorCode::InvalidArgument,
            "ApplicationConfiguration.FlinkApplicationConfiguration.ParallelismConfiguration.Parallelism",
        ),
        (
            "/ApplicationConfiguration/FlinkApplicationConfiguration",
            json!({ "ParallelismConfiguration": { "Parallelism": 1 } }),
            ErrorCode::InvalidArgument,
            "ParallelismConfiguration.ConfigurationType is required",
        ),
        (
            "/ApplicationConfiguration/EnvironmentProperties",
            json!({ "PropertyGroups": [{ "PropertyGroupId": "a", "PropertyMap": { "key": "" } }] }),
            ErrorCode::InvalidArgument,
            "PropertyGroups[0].PropertyMap.key",
        ),
        (
            "/ApplicationConfiguration/VpcConfigurations",
            json!([{ "SubnetIds": [], "SecurityGroupIds": ["sg-1"] }]),
            ErrorCode::InvalidArgument,
            "VpcConfigurations[0].SubnetIds",
        ),
        (
            "/ApplicationConfiguration/ApplicationCodeConfiguration/CodeContent",
            json!({ "TextContent": "SELECT 1" }),
            ErrorCode::UnsupportedOperation,
            "TextContent",
        ),
        (
            "/ApplicationConfiguration/ApplicationSnapshotConfiguration",
            json!({ "SnapshotsEnabled": true, "SnapshotMode": "ENHANCED_SNAPSHOTS" }),
            ErrorCode::UnsupportedOperation,
            "Enhanced snapshots",
        ),
    ];
    for (path, value, code, text) in cases {
        let mut bed = Bed::new();
        let mut input = base.clone();
        input["ApplicationName"] = json!("orders");
        let (parent, name) = path.rsplit_once('/').unwrap();
        input.pointer_mut(parent).unwrap()[name] = value;
        let (refused, message) = bed.refused("CreateApplication", &input);
        assert_eq!(refused, code, "{path}: {message}");
        assert!(message.contains(text), "{path}: {message}");
    }
}

#[test]
fn existence_comes_before_the_members() {
    let mut bed = Bed::new();
    assert_eq!(
        bed.orders_refused("UpdateApplication", &json!({ "Colour": 1 })).0,
        ErrorCode::ResourceNotFound
    );
    bed.create("good.yaml");
    assert_eq!(
        bed.orders_refused("UpdateApplication", &json!({ "Colour": 1 })).0,
        ErrorCode::InvalidArgument
    );
}

#[test]
fn operations_that_are_not_served_are_refused_by_name() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    for operation in ["CreateSnapshot", "DiscoverInputSchema"] {
        let (code, message) = bed.orders_refused(operation, &json!({}));
        assert!(
            code == ErrorCode::UnsupportedOperation && message.contains(operation),
            "{message}"
        );
    }
    assert_eq!(
        bed.orders_refused("MakeCoffee", &json!({})).0,
        ErrorCode::UnknownOperation
    );
}

#[test]
fn applications_are_listed_in_pages_of_their_region() {
    let mut bed = Bed::new();
    for number in 0..5 {
        let input = json!({
            "ApplicationName": format!("app-{number}"), "RuntimeEnvironment": "FLINK-1_20", "ServiceExecutionRole": ROLE,
        });
        bed.ok("CreateApplication", &input);
    }
    let mut names = Vec::new();
    let mut input = json!({ "Limit": 2 });
    loop {
        let answer = bed.ok("ListApplications", &input);
        names.extend(
            answer["ApplicationSummaries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["ApplicationName"].clone()),
        );
        match answer.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(json!(names), json!(["app-0", "app-1", "app-2", "app-3", "app-4"]));
    assert_eq!(
        bed.refused("ListApplications", &json!({ "Limit": 51 })).0,
        ErrorCode::InvalidRequest
    );
    let elsewhere = bed
        .service
        .handle(bed.now, "us-east-1", "ListApplications", &json!({}))
        .unwrap();
    assert_eq!(elsewhere["ApplicationSummaries"], json!([]));
}

#[test]
fn faults_deny_and_throttle_and_calls_are_recorded() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.service.set_faults(Faults {
        deny: ["StartApplication".to_owned()].into(),
        throttle: [("DescribeApplication".to_owned(), 2)].into(),
        ..Faults::default()
    });
    let (code, message) = bed.orders_refused("StartApplication", &json!({}));
    assert_eq!(code, ErrorCode::AccessDenied);
    assert!(message.contains("kinesisanalytics:StartApplication"), "{message}");
    for _ in 0..2 {
        assert_eq!(
            bed.orders_refused("DescribeApplication", &json!({})).0,
            ErrorCode::Throttling
        );
    }
    assert_eq!(bed.status(), "READY");
    bed.service.set_faults(Faults::default());
    bed.orders("StartApplication", &json!({}));
    let calls = bed.service.calls();
    let seen: Vec<(&str, &str)> = calls
        .calls
        .iter()
        .map(|call| (call.operation.as_str(), call.outcome.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("CreateApplication", "ok"),
            ("StartApplication", "AccessDeniedException"),
            ("DescribeApplication", "ThrottlingException"),
            ("DescribeApplication", "ThrottlingException"),
            ("DescribeApplication", "ok"),
            ("StartApplication", "ok"),
        ]
    );
    assert!(
        calls
            .calls
            .iter()
            .all(|call| call.application.as_deref() == Some("orders"))
    );
    assert_eq!(calls.counts["DescribeApplication"], 3);
}

#[test]
fn an_unknown_fault_is_refused() {
    assert!(serde_json::from_value::<Faults>(json!({ "denied": ["StartApplication"] })).is_err());
    let faults: Faults = serde_json::from_value(json!({ "dropReplies": { "StopApplication": 1 } })).unwrap();
    assert_eq!(faults.drop_replies["StopApplication"], 1);
}

#[test]
fn a_rate_takes_so_many_calls_of_each_operation_a_second() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.service.set_faults(Faults {
        rate: [("*".to_owned(), 2), ("ListApplications".to_owned(), 1)].into(),
        ..Faults::default()
    });
    bed.pass(2);
    let taken = |bed: &mut Bed, operation: &str, input: &Value| {
        let answers = (0..4).map(|_| bed.service.handle(bed.now, REGION, operation, input).is_ok());
        answers.filter(|taken| *taken).count()
    };
    let named = json!({"ApplicationName": "orders"});
    for _ in 0..2 {
        assert_eq!(taken(&mut bed, "DescribeApplication", &named), 2);
        assert_eq!(taken(&mut bed, "ListApplicationSnapshots", &named), 2);
        assert_eq!(taken(&mut bed, "ListApplications", &json!({})), 1);
        bed.pass(1);
    }
    let refused = bed.service.calls().calls.iter().map(|call| call.outcome.as_str());
    assert!(refused.clone().any(|outcome| outcome == "ThrottlingException"));
}

#[test]
fn an_operation_is_refused_so_many_times_or_for_ever() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let refuse = |times: Value| {
        let refusal = json!({"code": "LimitExceeded", "message": "no KPUs are left", "times": times});
        serde_json::from_value::<Faults>(json!({"refuse": {"StartApplication": refusal}})).unwrap()
    };
    bed.service.set_faults(refuse(json!(2)));
    for _ in 0..2 {
        let refused = bed.orders_refused("StartApplication", &json!({}));
        assert_eq!(refused, (ErrorCode::LimitExceeded, "no KPUs are left".to_owned()));
    }
    bed.orders("StartApplication", &json!({}));
    bed.pass(120);
    bed.service.set_faults(refuse(Value::Null));
    bed.orders("StopApplication", &json!({}));
    bed.pass(120);
    for _ in 0..9 {
        bed.orders_refused("StartApplication", &json!({}));
    }
}
