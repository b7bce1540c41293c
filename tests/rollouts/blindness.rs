//! What the controller cannot see is no evidence against a revision.

use std::thread;

use serde_json::{Value, json};

use crate::release::{stage_with_a_good_release, with};

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
    let mut stage = stage_with_a_good_release(namespace);
    stage.emulator.faults(faults);
    // Another controller has no session that would still open.
    stage.replace_controller();
    let mark = stage.mark();
    stage.apply("orders", &with("healthy-2.yaml", &json!({"progressDeadline": "1m"})));
    let message = stage.stalled("orders", "Unverified");
    assert!(message.contains(told), "{message}");
    stage.look("orders");
    stage.stalled("orders", "Unverified");
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
    let app = stage.app("orders");
    assert_eq!(app["status"]["failedRevisions"], Value::Null);

    stage.emulator.faults(&json!({}));
    stage.annotate("orders", "reconcile-requested-at", "again");
    let app = stage.ready("orders");
    assert_eq!(app["status"]["revisions"]["good"], app["status"]["revisions"]["target"]);
    assert_eq!(stage.changes_since(mark), ["UpdateApplication"]);
}
