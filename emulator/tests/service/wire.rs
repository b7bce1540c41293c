//! The JSON 1.1 protocol.

use managed_flink_emulator::service::Faults;
use managed_flink_emulator::wire::{Request, Response, respond};
use serde_json::{Value, json};

use crate::bed::{ARN, Bed, creation};

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIA/20260301/eu-west-1/kinesisanalytics/aws4_request, \
                             SignedHeaders=host, Signature=00";

fn send(bed: &mut Bed, target: &str, authorization: Option<&str>, body: &[u8]) -> (Response, Value) {
    let target = Some(target);
    let response = respond(
        &mut bed.service,
        bed.now,
        Request {
            path: "/",
            target,
            authorization,
            host: None,
            body,
        },
    );
    let body = serde_json::from_slice(&response.body).unwrap();
    (response, body)
}

fn header(response: &Response, name: &str) -> Option<String> {
    response
        .headers
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.clone())
}

#[test]
fn the_region_comes_from_the_credential_scope() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let list = "KinesisAnalytics_20180523.ListApplications";
    let (response, body) = send(&mut bed, list, Some(AUTHORIZATION), b"{}");
    assert_eq!(response.status, 200);
    assert_eq!(body["ApplicationSummaries"][0]["ApplicationName"], "orders");
    assert_eq!(header(&response, "content-type").unwrap(), "application/x-amz-json-1.1");
    assert_eq!(header(&response, "x-amzn-requestid").unwrap().len(), 36);
    let elsewhere = AUTHORIZATION.replace("eu-west-1", "us-east-1");
    let (_, body) = send(&mut bed, list, Some(&elsewhere), b"");
    assert_eq!(body["ApplicationSummaries"], json!([]));
}

#[test]
fn errors_carry_their_type_and_text_where_clients_look() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let many: Vec<Value> = (0..51)
        .map(|number| json!({ "Key": format!("key-{number}") }))
        .collect();
    let tags = json!({ "ResourceARN": ARN, "Tags": many }).to_string();
    let new = "KinesisAnalytics_20180523";
    for (target, authorization, body, status, name, member) in [
        (
            format!("{new}.TagResource"),
            Some(AUTHORIZATION),
            tags.as_str(),
            400,
            "TooManyTagsException",
            "message",
        ),
        (
            format!("{new}.ListApplications"),
            Some(AUTHORIZATION),
            "{",
            400,
            "SerializationException",
            "Message",
        ),
        (
            format!("{new}.ListApplications"),
            Some(AUTHORIZATION),
            "[]",
            400,
            "SerializationException",
            "Message",
        ),
        (
            format!("{new}.Nothing"),
            Some(AUTHORIZATION),
            "{}",
            400,
            "UnknownOperationException",
            "Message",
        ),
        (
            "Other.ListApplications".to_owned(),
            Some(AUTHORIZATION),
            "{}",
            400,
            "UnknownOperationException",
            "Message",
        ),
        (
            format!("{new}.ListApplications"),
            None,
            "{}",
            403,
            "MissingAuthenticationTokenException",
            "Message",
        ),
        (
            "KinesisAnalytics_20150814.DescribeApplication".to_owned(),
            Some(AUTHORIZATION),
            "{}",
            400,
            "UnsupportedOperationException",
            "Message",
        ),
    ] {
        let (response, answer) = send(&mut bed, &target, authorization, body.as_bytes());
        assert_eq!(response.status, status, "{target}");
        assert_eq!(answer["__type"], name, "{target}");
        assert_eq!(header(&response, "x-amzn-errortype").as_deref(), Some(name));
        assert!(!answer[member].as_str().unwrap().is_empty(), "{target}");
    }
}

#[test]
fn a_dropped_reply_belongs_to_a_call_that_took_effect() {
    let mut bed = Bed::new();
    bed.service.set_faults(Faults {
        drop_replies: [("CreateApplication".to_owned(), 1)].into(),
        ..Faults::default()
    });
    let mut input = creation("good.yaml");
    input["ApplicationName"] = json!("orders");
    let create = "KinesisAnalytics_20180523.CreateApplication";
    let (response, _) = send(&mut bed, create, Some(AUTHORIZATION), input.to_string().as_bytes());
    assert!(response.dropped);
    assert_eq!(bed.status(), "READY");
    let (response, _) = send(&mut bed, create, Some(AUTHORIZATION), input.to_string().as_bytes());
    assert!(!response.dropped, "only as many as were asked for");
}
