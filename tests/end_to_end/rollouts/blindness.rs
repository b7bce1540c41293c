//! What the controller cannot see is no evidence against a revision.

use std::thread;

use serde_json::{Value, json};

use super::release::{scene_with_a_good_release, with};

#[test]
fn a_job_that_cannot_be_looked_at_is_not_rolled_back_and_is_proven_when_it_can_be_seen() {
    thread::scope(|scope| {
        let silent = scope.spawn(|| blind("rest-is-down", &json!({"flinkRest": {"orders": 503}}), "503"));
        let denied = scope.spawn(|| {
            blind(
                "url-is-denied",
                &json!({"deny": ["CreateApplicationPresignedUrl"]}),
                "may not call CreateApplicationPresignedUrl",
            );
        });
        silent.join().unwrap();
        denied.join().unwrap();
    });
}

/// Ships a good release while nothing can be seen, until the deadline and beyond it.
fn blind(namespace: &str, faults: &Value, told: &str) {
    let mut scene = scene_with_a_good_release(namespace);
    scene.emulator.faults(faults);
    // Another controller has no session that would still open.
    scene.replace_controller();
    let mark = scene.mark();
    scene.apply("orders", &with("healthy-2.yaml", &json!({"progressDeadline": "1m"})));
    let message = scene.stalled("orders", "Unverified");
    assert!(message.contains(told), "{message}");
    scene.look("orders");
    scene.stalled("orders", "Unverified");
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
    let app = scene.app("orders");
    assert_eq!(app["status"]["failedRevisions"], Value::Null);

    scene.emulator.faults(&json!({}));
    scene.annotate("orders", "reconcile-requested-at", "again");
    let app = scene.ready("orders");
    assert_eq!(app["status"]["revisions"]["good"], app["status"]["revisions"]["target"]);
    assert_eq!(scene.changes_since(mark), ["UpdateApplication"]);
}
