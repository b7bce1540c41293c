//! The binary: its flags, its state file and the routes of the test bed.

use std::sync::OnceLock;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

use crate::emulator::{Emulator, command, folder};

const ROLE: &str = "arn:aws:iam::111122223333:role/msf-exec-orders";

/// Sends one request and returns the status and the body; they are 0 and empty when the connection breaks off.
fn http(emulator: &Emulator, method: &str, path: &str, target: &str, body: &str) -> (u16, String) {
    let scope = "AWS4-HMAC-SHA256 Credential=AKIA/20260301/eu-west-1/kinesisanalytics/aws4_request, Signature=0";
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", emulator.endpoint))
        .header("X-Amz-Target", target)
        .header("Authorization", scope);
    let answer = if body.is_empty() {
        agent().run(request.body(()).unwrap())
    } else {
        agent().run(request.body(body).unwrap())
    };
    let Ok(mut answer) = answer else {
        return (0, String::new());
    };
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let settings = Agent::config_builder().http_status_as_error(false).proxy(None);
        settings.build().new_agent()
    })
}

fn call(emulator: &Emulator, operation: &str, input: &Value) -> (u16, Value) {
    let target = format!("KinesisAnalytics_20180523.{operation}");
    let (status, body) = http(emulator, "POST", "/", &target, &input.to_string());
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn create(emulator: &Emulator, name: &str) -> (u16, Value) {
    let code = json!({
        "CodeContentType": "ZIPFILE",
        "CodeContent": { "S3ContentLocation": { "BucketARN": "arn:aws:s3:::demo", "FileKey": "good.yaml" } },
    });
    let input = json!({
        "ApplicationName": name, "RuntimeEnvironment": "FLINK-1_20", "ServiceExecutionRole": ROLE,
        "ApplicationConfiguration": { "ApplicationCodeConfiguration": code },
    });
    call(emulator, "CreateApplication", &input)
}

#[test]
fn the_state_survives_a_restart() {
    let folder = folder("state");
    std::fs::write(folder.join("good.yaml"), "main: ok").unwrap();
    let bucket = format!("demo={}", folder.display());
    let state = folder.join("state.json");
    let arguments = ["--bucket", &bucket, "--state", state.to_str().unwrap()];
    let named = json!({ "ApplicationName": "orders" });

    let emulator = Emulator::start(&arguments);
    create(&emulator, "orders");
    call(&emulator, "StartApplication", &named);
    let (_, before) = call(&emulator, "DescribeApplication", &named);
    emulator.terminate();

    let emulator = Emulator::start(&arguments);
    let (status, after) = call(&emulator, "DescribeApplication", &named);
    assert_eq!((status, after), (200, before));
    drop(emulator);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_wrong_setting_ends_the_emulator_with_its_name() {
    for (arguments, named) in [
        (&["--rule", "failed-update=maybe"][..], "failed-update"),
        (&["--rule", "colour=red"], "colour"),
        (&["--rule", "nothing"], "--rule"),
        (&["--bucket", "demo=/does/not/exist"], "/does/not/exist"),
        (&["--speed", "0"], "--speed"),
        (&["--account", "12"], "--account"),
        (&["--listen", "nowhere"], "--listen"),
        (&["--state", "/"], "--state"),
        (&["--public-url", "emulator.test"], "--public-url"),
    ] {
        let output = command(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(named), "{arguments:?}: {error}");
    }
}

#[test]
fn the_environment_sets_what_a_flag_sets() {
    let output = command(&[])
        .env("EMULATOR_RULE", "failed-update=running,colour=red")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("colour"));
}

#[test]
fn a_dropped_reply_breaks_the_connection_and_the_call_counts() {
    let folder = folder("drop");
    std::fs::write(folder.join("good.yaml"), "main: ok").unwrap();
    let emulator = Emulator::start(&["--bucket", &format!("demo={}", folder.display())]);
    let faults = json!({ "dropReplies": { "CreateApplication": 1 } }).to_string();
    assert_eq!(http(&emulator, "POST", "/_emulator/faults", "", &faults).0, 204);
    assert_eq!(create(&emulator, "orders").0, 0, "nothing comes back");
    assert!(create(&emulator, "orders").1["__type"] == "ResourceInUseException");
    let (_, calls) = http(&emulator, "GET", "/_emulator/calls?since=1", "", "");
    let calls: Value = serde_json::from_str(&calls).unwrap();
    assert_eq!(calls["counts"], json!({ "CreateApplication": 2 }));
    assert_eq!(calls["calls"].as_array().unwrap().len(), 1);
    assert_eq!(calls["calls"][0]["outcome"], "ResourceInUseException");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_pre_signed_url_leads_to_flink_and_flink_is_read_only() {
    let folder = folder("flink");
    std::fs::write(folder.join("good.yaml"), "main: ok").unwrap();
    let emulator = Emulator::start(&["--bucket", &format!("demo={}", folder.display()), "--speed", "200"]);
    create(&emulator, "orders");
    call(&emulator, "StartApplication", &json!({ "ApplicationName": "orders" }));
    let asked = json!({ "ApplicationName": "orders", "UrlType": "FLINK_DASHBOARD_URL" });
    let jobs = || -> Option<(String, String)> {
        let url = call(&emulator, "CreateApplicationPresignedUrl", &asked).1["AuthorizedUrl"].clone();
        let (base, token) = url.as_str()?.strip_prefix(&emulator.endpoint)?.split_once('?')?;
        let path = format!("{base}/jobs?{token}");
        let (status, body) = http(&emulator, "GET", &path, "", "");
        (status == 200 && body.contains("RUNNING")).then_some((path, body))
    };
    let (path, body) = sooner_or_later(jobs).expect("the job runs");
    assert!(serde_json::from_str::<Value>(&body).unwrap()["jobs"][0]["id"].is_string());
    for method in ["POST", "PATCH", "DELETE"] {
        assert_eq!(http(&emulator, method, &path, "", "").0, 405);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Asks again and again, for far longer than anything here takes.
fn sooner_or_later<T>(ask: impl Fn() -> Option<T>) -> Option<T> {
    let pause = std::time::Duration::from_millis(10);
    (0..6_000).find_map(|_| {
        ask().or_else(|| {
            std::thread::sleep(pause);
            None
        })
    })
}

/// Waits until the application runs.
fn runs(shown: &dyn Fn() -> Value) {
    let runs = sooner_or_later(|| (shown()["status"] == "RUNNING").then_some(()));
    assert!(runs.is_some(), "{}", shown());
}

#[test]
fn the_test_bed_lets_the_service_act_and_shows_what_runs() {
    let folder = folder("bed");
    std::fs::write(folder.join("good.yaml"), "main: ok").unwrap();
    let emulator = Emulator::start(&["--bucket", &format!("demo={}", folder.display()), "--speed", "1000000"]);
    create(&emulator, "orders");
    let act = |action: &str| {
        http(
            &emulator,
            "POST",
            &format!("/_emulator/applications/orders/{action}"),
            "",
            "",
        )
        .0
    };
    assert_eq!(act("maintenance"), 409, "it does not run yet");
    call(&emulator, "StartApplication", &json!({ "ApplicationName": "orders" }));
    let shown = || -> Value {
        let (_, body) = http(
            &emulator,
            "GET",
            "/_emulator/applications/orders?region=eu-west-1",
            "",
            "",
        );
        serde_json::from_str(&body).unwrap()
    };
    runs(&shown);
    assert_eq!(shown()["job"]["state"], "RUNNING");
    assert_eq!(act("maintenance"), 202);
    runs(&shown);
    assert_eq!(act("autoscaling"), 202);
    runs(&shown);
    assert_eq!(shown()["jobs"].as_array().unwrap().len(), 2);
    assert_eq!(act("coffee"), 404);
    let elsewhere = http(
        &emulator,
        "GET",
        "/_emulator/applications/orders?region=us-east-1",
        "",
        "",
    );
    assert_eq!(elsewhere.0, 404);
    let wrong = http(&emulator, "POST", "/_emulator/faults", "", "{\"denied\": []}");
    assert!(wrong.0 == 400 && wrong.1.contains("denied"), "{wrong:?}");
    let (_, page) = http(&emulator, "GET", "/_emulator/", "", "");
    assert!(
        page.contains("<h2>orders</h2>") && page.contains("ApplicationMaintenance"),
        "{page}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}
