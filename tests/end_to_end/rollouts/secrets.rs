//! What opens the Flink REST API, and what property groups hold, is told to nobody.

use serde_json::{Value, json};

use super::release::{CAUSE, LOOPS, assert_rolled_back, release};
use crate::scene::Scene;
use crate::testbed::EVENT;

/// The value of a property; nothing else in the test contains it.
const CANARY: &str = "canary-5e1f0a7c";

#[test]
fn no_pre_signed_url_token_or_property_value_is_in_a_log_at_trace_an_event_or_the_status() {
    let mut scene = Scene::open("secrets");
    scene.start_controller_with(&["--log-level=trace"]);
    scene.object("loops.yaml", LOOPS);
    let with_canary = |key: &str| {
        let mut spec = release(key);
        spec["propertyGroups"] = json!([{"id": "sink", "properties": {"endpoint": CANARY}}]);
        spec
    };
    scene.apply("orders", &with_canary("healthy-1.yaml"));
    scene.ready("orders");
    scene.apply("orders", &with_canary("loops.yaml"));
    let app = assert_rolled_back(&scene, "GateFailed", CAUSE);
    assert!(scene.emulator.count("FlinkRest") > 0 && scene.emulator.count("CreateApplicationPresignedUrl") > 0);

    let url = scene.call(
        "CreateApplicationPresignedUrl",
        &json!({"ApplicationName": "orders", "UrlType": "FLINK_DASHBOARD_URL"}),
    );
    let url = url["AuthorizedUrl"].as_str().unwrap();
    let (base, _) = url.split_once('?').unwrap();
    let (_, path) = base.split_once("://").unwrap();
    let (_, path) = path.split_once('/').unwrap();
    assert!(url.contains("authToken="), "this is what to look for: {base}");

    let log = scene.controller_log();
    assert!(log.contains("DEBUG"), "the log is a fine one");
    let events = format!("{:#}", Value::from(scene.objects(EVENT).list()));
    assert!(events.contains(CAUSE), "the events tell of the failure");
    let status = app["status"].to_string();
    for (place, text) in [("log", &log), ("events", &events), ("status", &status)] {
        for secret in ["authToken", path, CANARY] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is in the {place}");
        }
    }
}
