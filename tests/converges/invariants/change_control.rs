//! What waits for a person or for a change window.

use serde_json::Value;

use super::is_true;
use crate::history::{History, text};

/// S23: a call brings the content only of a revision that was let through, of the one that a way back leads to, or of the one
/// that is put back; and a revision is let through only when the spec lets it go, when the service had it already, or when it
/// is the good one that the spec returns to.
pub(super) fn only_what_was_let_through_is_brought(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, entry, call) in history.calls() {
        let written = history.written(at);
        let revision = text(written, "/intent/revision");
        let on_the_way_back = text(written, "/wayBack/to") == revision;
        let is_put_back = text(written, "/putBack/to") == revision;
        let let_through = text(written, "/handled/approval") == revision;
        if is_content(text(written, "/intent/step")) && !on_the_way_back && !is_put_back && !let_through {
            found.push(format!(
                "{} at {} brings revision {revision}, which was not let through",
                call.operation, entry.at
            ));
        }
    }
    for (at, entry, write) in history.writes() {
        let approval = |object: &Value| text(object, "/status/handled/approval").to_owned();
        let Some(after) = &write.after else { continue };
        let revision = approval(after);
        let before = write.before.as_ref().map(|before| approval(before)).unwrap_or_default();
        let in_service = is_true(&after["status"], "Synced");
        let returns = text(after, "/status/wayBack/to") == revision;
        if revision != before && !returns && !in_service && !lets_go(history.object(at), &revision) {
            found.push(format!("revision {revision} is let through at {}", entry.at));
        }
    }
    found
}

fn is_content(step: &str) -> bool {
    matches!(
        step,
        "Create" | "Update" | "AddVpc" | "RemoveVpc" | "AddLogging" | "RemoveLogging"
    )
}

/// Whether the spec and the annotations of a resource let a revision go; of the windows of the stories, one is always
/// shut.
fn lets_go(object: &Value, revision: &str) -> bool {
    let rollout = &object["spec"]["rollout"];
    let approved = text(object, "/metadata/annotations/sluicegate.dev~1approved-revision") == revision;
    let windows = rollout["changeWindows"].as_array();
    let open = windows.is_none_or(|windows| windows.iter().any(|window| window["name"] != "shut"));
    (rollout["approval"] != "Manual" || approved) && open
}

/// Whether a status says that a revision is held back and that nothing else is to be done.
pub fn is_held_back(status: &Value) -> bool {
    let conditions = status["conditions"].as_array();
    let waits = conditions.into_iter().flatten().any(|condition| {
        condition["type"] == "Synced"
            && matches!(
                condition["reason"].as_str(),
                Some("AwaitingApproval" | "OutsideChangeWindow" | "DriftDetected" | "ObserveOnly")
            )
    });
    waits && !is_true(status, "Reconciling")
}
