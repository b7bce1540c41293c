//! What opens the Flink REST API, and what property groups hold, is told to nobody.

use serde_json::json;

use crate::release::{CAUSE, LOOPS, assert_rolled_back, release};
use crate::stage::Stage;

/// The value of a property; nothing else in the test contains it.
const CANARY: &str = "canary-5e1f0a7c";

#[test]
fn no_pre_signed_url_token_or_property_value_is_in_a_log_at_trace_an_event_or_the_status() {
    let mut stage = Stage::without_controller("secrets");
    stage.start_controller_with(&["--log-level=trace"]);
    stage.object("loops.yaml", LOOPS);
    let with_canary = |key: &str| {
        let mut spec = release(key);
        spec["propertyGroups"] = json!([{"id": "sink", "properties": {"endpoint": CANARY}}]);
        spec
    };
    stage.apply("orders", &with_canary("healthy-1.yaml"));
    stage.ready("orders");
    stage.apply("orders", &with_canary("loops.yaml"));
    let app = assert_rolled_back(&stage, "GateFailed", CAUSE);
    assert!(stage.emulator.count("FlinkRest") > 0 && stage.emulator.count("CreateApplicationPresignedUrl") > 0);

    let url = stage.call(
        "CreateApplicationPresignedUrl",
        &json!({"ApplicationName": "orders", "UrlType": "FLINK_DASHBOARD_URL"}),
    );
    let url = url["AuthorizedUrl"].as_str().unwrap();
    let (base, _) = url.split_once('?').unwrap();
    let (_, path) = base.split_once("://").unwrap();
    let (_, path) = path.split_once('/').unwrap();
    assert!(url.contains("authToken="), "this is what to look for: {base}");

    let log = stage.controller_log();
    assert!(log.contains("DEBUG"), "the log is a fine one");
    let events = stage.kubectl(&["get", "events", "-o", "yaml"]);
    assert!(events.contains(CAUSE), "the events tell of the failure");
    let status = app["status"].to_string();
    for (place, text) in [("log", &log), ("events", &events), ("status", &status)] {
        for secret in ["authToken", path, CANARY] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is in the {place}");
        }
    }
}
