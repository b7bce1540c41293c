//! Pre-signed URLs and what they open (facts §1.12).

use managed_flink_emulator::service::{ErrorCode, Faults};
use managed_flink_emulator::wire::{Request, respond, respond_flink};
use managed_flink_emulator::{Service, Settings};
use serde_json::{Value, json};

use crate::bed::{Bed, REGION, code, creation};

/// The path and the token of a new URL for `orders`, taken apart as any client would.
fn url(bed: &mut Bed) -> (String, String) {
    parts(&bed.orders(
        "CreateApplicationPresignedUrl",
        &json!({ "UrlType": "FLINK_DASHBOARD_URL" }),
    ))
}

fn parts(answer: &Value) -> (String, String) {
    let url = answer["AuthorizedUrl"].as_str().unwrap();
    let (base, query) = url.split_once('?').unwrap();
    let path = base.strip_prefix("http://localhost").unwrap();
    (path.to_owned(), query.strip_prefix("authToken=").unwrap().to_owned())
}

fn status(bed: &mut Bed, url: &(String, String)) -> u16 {
    let (base, token) = url;
    bed.service
        .flink_rest(bed.now, &format!("{base}/jobs"), &format!("authToken={token}"))
        .0
}

#[test]
fn a_url_opens_flink_and_every_url_has_its_own_token() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let (one, other) = (url(&mut bed), url(&mut bed));
    assert_ne!(one.1, other.1);
    assert_eq!((status(&mut bed, &one), status(&mut bed, &other)), (200, 200));
    let calls = &bed.service.calls().counts;
    assert_eq!(calls["FlinkRest"], 2);
    let read = bed.service.calls().calls.back().unwrap();
    assert_eq!(
        (read.application.as_deref(), read.outcome.as_str()),
        (Some("orders"), "ok")
    );
}

#[test]
fn a_url_is_given_only_while_the_application_runs_and_only_for_flink() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    let flink = json!({ "UrlType": "FLINK_DASHBOARD_URL" });
    let asked = "CreateApplicationPresignedUrl";
    assert_eq!(bed.orders_refused(asked, &flink).0, ErrorCode::ResourceInUse);
    bed.start();
    for wrong in [
        json!({}),
        json!({ "UrlType": "ZEPPELIN_UI_URL" }),
        json!({ "UrlType": "FLINK_DASHBOARD_URL", "SessionExpirationDurationInSeconds": 1799 }),
        json!({ "UrlType": "FLINK_DASHBOARD_URL", "SessionExpirationDurationInSeconds": 43_201 }),
    ] {
        assert_eq!(
            bed.orders_refused(asked, &wrong).0,
            ErrorCode::InvalidArgument,
            "{wrong}"
        );
    }
    let unknown = json!({ "ApplicationName": "absent", "UrlType": "FLINK_DASHBOARD_URL" });
    assert_eq!(bed.refused(asked, &unknown).0, ErrorCode::ResourceNotFound);
    bed.update(&json!({}));
    assert_eq!(
        bed.orders_refused(asked, &flink).0,
        ErrorCode::ResourceInUse,
        "while UPDATING"
    );
}

#[test]
fn a_url_must_be_used_within_three_minutes_and_then_lasts_for_its_session() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let (used, unused) = (url(&mut bed), url(&mut bed));
    let short = json!({ "UrlType": "FLINK_DASHBOARD_URL", "SessionExpirationDurationInSeconds": 1800 });
    let short = parts(&bed.orders("CreateApplicationPresignedUrl", &short));
    bed.pass(180);
    assert_eq!((status(&mut bed, &used), status(&mut bed, &short)), (200, 200));
    bed.pass(1);
    assert_eq!((status(&mut bed, &used), status(&mut bed, &unused)), (200, 403));
    bed.pass(1800 - 182);
    assert_eq!(status(&mut bed, &short), 200);
    bed.pass(1);
    assert_eq!((status(&mut bed, &used), status(&mut bed, &short)), (200, 403));
    bed.pass(43_200 - 1800);
    assert_eq!(status(&mut bed, &used), 403);
}

#[test]
fn the_speed_divides_the_time_of_a_url() {
    let mut bed = Bed::with(Settings {
        speed: 90.0,
        ..Settings::default()
    });
    bed.create("good.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.pass(1);
    let (used, unused) = (url(&mut bed), url(&mut bed));
    bed.pass(2);
    assert_eq!(status(&mut bed, &used), 200);
    bed.pass(1);
    assert_eq!(status(&mut bed, &unused), 403);
}

#[test]
fn a_url_opens_nothing_unless_the_application_runs() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let url = url(&mut bed);
    assert_eq!(status(&mut bed, &url), 200);
    bed.update(&code("better.yaml"));
    assert_eq!(status(&mut bed, &url), 404, "while UPDATING");
    bed.pass(60);
    assert_eq!(status(&mut bed, &url), 200);
    bed.orders("StopApplication", &json!({ "Force": true }));
    assert_eq!(status(&mut bed, &url), 404);
    bed.pass(10);
    assert_eq!(status(&mut bed, &url), 404);
}

#[test]
fn a_token_opens_one_application_in_one_region() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let (base, token) = url(&mut bed);
    for (region, name) in [(REGION, "other"), ("us-east-1", "orders")] {
        let mut input = creation("good.yaml");
        input["ApplicationName"] = json!(name);
        bed.service
            .handle(bed.now, region, "CreateApplication", &input)
            .unwrap();
        let name = json!({ "ApplicationName": name });
        bed.service.handle(bed.now, region, "StartApplication", &name).unwrap();
    }
    bed.pass(90);
    for path in [
        "/flinkdashboard/eu-west-1/other",
        "/flinkdashboard/us-east-1/orders",
        "/flinkdashboard/eu-west-1/absent",
    ] {
        assert_eq!(status(&mut bed, &(path.to_owned(), token.clone())), 403, "{path}");
    }
    let answer = bed.service.flink_rest(bed.now, &format!("{base}/jobs"), "");
    assert_eq!(answer.0, 403, "without a token");
    assert_eq!(status(&mut bed, &(base.clone(), String::new())), 403);
    assert_eq!(status(&mut bed, &(base, token)), 200);
}

#[test]
fn a_used_url_lives_on_in_a_saved_state() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let url = url(&mut bed);
    assert_eq!(status(&mut bed, &url), 200);
    let saved = serde_json::to_string(bed.service.state()).unwrap();
    let state = serde_json::from_str(&saved).unwrap();
    bed.service = Service::with_state(Settings::default(), Box::new(NoObjects), state);
    bed.pass(600);
    assert_eq!(status(&mut bed, &url), 200);
}

struct NoObjects;

impl managed_flink_emulator::Objects for NoObjects {
    fn read(&self, _: &str, _: &str, _: Option<&str>) -> Option<Vec<u8>> {
        None
    }
}

#[test]
fn the_url_names_the_host_that_was_called_or_the_one_of_the_settings() {
    for (public_url, expected) in [
        (
            None,
            "http://emulator.test:4566/flinkdashboard/eu-west-1/orders?authToken=",
        ),
        (
            Some("https://flink.test/".to_owned()),
            "https://flink.test/flinkdashboard/eu-west-1/orders?authToken=",
        ),
    ] {
        let mut bed = Bed::with(Settings {
            public_url,
            ..Settings::default()
        });
        bed.run("good.yaml");
        let request = Request {
            path: "/",
            target: Some("KinesisAnalytics_20180523.CreateApplicationPresignedUrl"),
            authorization: Some("AWS4-HMAC-SHA256 Credential=A/20260301/eu-west-1/kinesisanalytics/aws4_request"),
            host: Some("emulator.test:4566"),
            body: br#"{"ApplicationName": "orders", "UrlType": "FLINK_DASHBOARD_URL"}"#,
        };
        let response = respond(&mut bed.service, bed.now, request);
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        let url = answer["AuthorizedUrl"].as_str().unwrap();
        assert!(url.starts_with(expected), "{url}");
    }
}

#[test]
fn over_the_wire_flink_answers_json_and_refuses_every_other_method() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let (base, token) = url(&mut bed);
    let target = format!("{base}/jobs?authToken={token}");
    let response = respond_flink(&mut bed.service, bed.now, "GET", &target);
    assert_eq!(response.status, 200);
    assert_eq!(
        response.headers[0],
        ("content-type", "application/json; charset=UTF-8".to_owned())
    );
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["jobs"][0]["status"], "RUNNING");
    for method in ["POST", "PATCH", "DELETE", "PUT"] {
        let response = respond_flink(&mut bed.service, bed.now, method, &target);
        assert_eq!(response.status, 405, "{method}");
        assert!(response.headers.contains(&("allow", "GET".to_owned())));
    }
    let nowhere = respond_flink(&mut bed.service, bed.now, "GET", "/flinkdashboard/eu-west-1");
    assert_eq!(nowhere.status, 404);
}

#[test]
fn the_rest_api_of_one_application_can_be_out_of_order() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let url = url(&mut bed);
    let faults: Faults = serde_json::from_value(json!({ "flinkRest": { "orders": 503 } })).unwrap();
    bed.service.set_faults(faults);
    assert_eq!(status(&mut bed, &url), 503);
    assert_eq!(bed.status(), "RUNNING", "the service itself answers");
    bed.service.set_faults(Faults::default());
    assert_eq!(status(&mut bed, &url), 200);
}

#[test]
fn one_resource_of_the_rest_api_can_be_out_of_order() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let url = url(&mut bed);
    let faults: Faults = serde_json::from_value(json!({ "flinkRestResources": { "overview": 503 } })).unwrap();
    bed.service.set_faults(faults);
    assert_eq!(status(&mut bed, &url), 200, "the jobs");
    let (base, token) = url;
    let (path, query) = (format!("{base}/jobs/overview"), format!("authToken={token}"));
    assert_eq!(bed.service.flink_rest(bed.now, &path, &query).0, 503);
}
