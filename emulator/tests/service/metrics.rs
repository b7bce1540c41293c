//! The restart counters in CloudWatch.

use managed_flink_emulator::service::{ErrorCode, Faults};
use managed_flink_emulator::wire::{Request, respond};
use serde_json::{Value, json};

use crate::bed::{Bed, REGION};

/// Fails first after 120 s and 30 s later again, twice in all.
const TWICE: &str = "main: ok\nthen: {failsEvery: 30s, after: 90s, times: 2, exception: 'E: gone'}";

fn query(metric: &str) -> Value {
    let metric = json!({"Namespace": "AWS/KinesisAnalytics", "MetricName": metric,
        "Dimensions": [{"Name": "Application", "Value": "orders"}]});
    json!({"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}})
}

fn request(bed: &Bed, queries: &[Value]) -> Value {
    json!({"MetricDataQueries": queries, "ScanBy": "TimestampAscending",
        "StartTime": bed.now.as_second() - 1800, "EndTime": bed.now.as_second()})
}

fn ask(bed: &mut Bed, input: &Value) -> Value {
    bed.service
        .handle_metrics(bed.now, REGION, "GetMetricData", input)
        .unwrap()
}

fn values(bed: &mut Bed, metric: &str) -> Vec<f64> {
    let input = request(bed, &[query(metric)]);
    let answer = ask(bed, &input);
    let result = &answer["MetricDataResults"][0];
    assert_eq!(
        result["Timestamps"].as_array().unwrap().len(),
        result["Values"].as_array().unwrap().len()
    );
    result["Values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

fn twice() -> Bed {
    let mut bed = Bed::new();
    bed.put("twice.yaml", TWICE);
    bed.run("twice.yaml");
    bed
}

#[test]
fn a_counter_has_a_point_per_minute_and_none_while_it_is_zero() {
    let mut bed = twice();
    bed.pass(60);
    assert_eq!(values(&mut bed, "fullRestarts"), [] as [f64; 0]);
    bed.pass(480);
    let seen = values(&mut bed, "fullRestarts");
    assert!(seen.len() >= 4, "{seen:?}");
    assert!(seen.is_sorted() && seen.last() == Some(&2.0), "{seen:?}");
    assert_eq!(
        values(&mut bed, "numRestarts"),
        [] as [f64; 0],
        "another generation of Flink has it"
    );
    assert_eq!(values(&mut bed, "downtime"), [] as [f64; 0]);
}

#[test]
fn a_point_appears_a_minute_after_its_own() {
    let mut bed = Bed::new();
    bed.put("often.yaml", "main: ok\nthen: {failsEvery: 1s, exception: 'E: gone'}");
    bed.run("often.yaml");
    bed.pass(600);
    let input = request(&bed, &[query("fullRestarts")]);
    let answer = ask(&mut bed, &input);
    let newest = answer["MetricDataResults"][0]["Timestamps"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .as_i64()
        .unwrap();
    let age = bed.now.as_second() - newest;
    assert!(
        (120..180).contains(&age),
        "the minute, and the minute until it is shown: {age} s"
    );
}

#[test]
fn from_flink_2_2_on_the_counter_is_another() {
    let mut bed = twice();
    bed.orders(
        "UpdateApplication",
        &json!({"RuntimeEnvironmentUpdate": "FLINK-2_2", "CurrentApplicationVersionId": 1}),
    );
    bed.pass(600);
    assert_eq!(values(&mut bed, "numRestarts").last(), Some(&2.0));
}

#[test]
fn a_stopped_application_has_no_points() {
    let mut bed = twice();
    bed.pass(300);
    bed.orders("StopApplication", &json!({"Force": true}));
    bed.pass(120);
    let before = values(&mut bed, "fullRestarts").len();
    bed.pass(600);
    let after = values(&mut bed, "fullRestarts").len();
    assert!(before > 0 && after <= before + 1, "{before} points, then {after}");
}

#[test]
fn an_answer_has_a_limit_and_goes_on_with_its_token() {
    let mut bed = twice();
    bed.pass(900);
    let mut second = query("fullRestarts");
    second["Id"] = json!("b");
    let mut input = request(&bed, &[query("fullRestarts"), second]);
    input["MaxDatapoints"] = json!(1);
    let first = ask(&mut bed, &input);
    assert_eq!(first["MetricDataResults"].as_array().unwrap().len(), 1);
    input["NextToken"] = first["NextToken"].clone();
    let rest = ask(&mut bed, &input);
    assert_eq!(
        (&rest["MetricDataResults"][0]["Id"], &rest["NextToken"]),
        (&json!("b"), &Value::Null)
    );
}

#[test]
fn what_cloudwatch_does_not_take_is_refused_by_name() {
    let mut bed = twice();
    let mut refusal = |change: &dyn Fn(&mut Value)| {
        let mut input = request(&bed, &[query("fullRestarts")]);
        change(&mut input);
        bed.service
            .handle_metrics(bed.now, REGION, "GetMetricData", &input)
            .unwrap_err()
    };
    let stat =
        |input: &mut Value, member: &str, value: Value| input["MetricDataQueries"][0]["MetricStat"][member] = value;
    let error = refusal(&|input| stat(input, "Period", json!(90)));
    assert_eq!(error.code, ErrorCode::Validation);
    assert!(error.message.contains("multiple of 60"), "{error}");
    assert_eq!(
        refusal(&|input| stat(input, "Stat", json!("Sum"))).code,
        ErrorCode::UnsupportedOperation
    );
    assert_eq!(
        refusal(&|input| input["StartTime"] = input["EndTime"].clone()).code,
        ErrorCode::Validation
    );
    assert_eq!(
        refusal(&|input| input["NextToken"] = json!("x")).code,
        ErrorCode::InvalidNextToken
    );
    let many: Vec<Value> = (0..501).map(|_| query("fullRestarts")).collect();
    let error = refusal(&|input| input["MetricDataQueries"] = json!(many));
    assert!(
        error.code == ErrorCode::Validation && error.message.contains("MetricDataQueries"),
        "{error}"
    );
}

#[test]
fn metrics_can_be_denied_and_every_call_is_counted() {
    let mut bed = twice();
    bed.service.set_faults(Faults {
        deny: ["GetMetricData".to_owned()].into(),
        ..Faults::default()
    });
    let input = request(&bed, &[query("fullRestarts")]);
    let error = bed
        .service
        .handle_metrics(bed.now, REGION, "GetMetricData", &input)
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::AccessDenied);
    assert!(error.message.contains("cloudwatch:GetMetricData"), "{error}");
    assert_eq!(bed.service.calls().counts.get("GetMetricData"), Some(&1));
}

#[test]
fn over_the_wire_cloudwatch_speaks_json_and_refuses_what_is_no_cbor() {
    let mut bed = twice();
    bed.pass(600);
    let body = request(&bed, &[query("fullRestarts")]).to_string();
    let authorization =
        "AWS4-HMAC-SHA256 Credential=AKIA/20260301/eu-west-1/monitoring/aws4_request, SignedHeaders=host";
    let mut send = |path: &str, target: Option<&str>, body: &[u8]| {
        let request = Request {
            path,
            target,
            authorization: Some(authorization),
            host: None,
            body,
        };
        respond(&mut bed.service, bed.now, request)
    };
    let answer = send(
        "/",
        Some("GraniteServiceVersion20100801.GetMetricData"),
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200);
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["MetricDataResults"][0]["StatusCode"], "Complete");
    let answer = send("/", Some("GraniteServiceVersion20100801.PutMetricData"), b"{}");
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["__type"], "UnknownOperationException");
    let path = "/service/GraniteServiceVersion20100801/operation/GetMetricData";
    let answer = send(path, None, &[0xff]);
    assert_eq!(answer.status, 400);
    let kind = answer.headers.iter().find(|(name, _)| *name == "x-amzn-errortype");
    assert_eq!(kind.map(|(_, kind)| kind.as_str()), Some("SerializationException"));
}
