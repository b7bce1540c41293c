//! What is left alone because somebody else brought it.

use super::rollouts::launches;
use super::{brings_revision, failed_revisions};
use crate::history::{History, text};
use crate::trace::{Entry, What};

/// S32: a job that was found running is neither stopped by force nor rolled back, and no revision fails, before the
/// controller brought another or somebody asked for something.
pub(super) fn what_was_found_is_left_alone(history: History<'_>) -> Vec<String> {
    let finds = |entry: &Entry| {
        matches!(
            entry.what,
            What::Elsewhere("console: an application" | "restored from a backup")
        )
    };
    let Some(found) = history.0.iter().rposition(finds) else {
        return Vec::new();
    };
    let is_touch = |(at, entry): (usize, &Entry)| match &entry.what {
        What::User(name) => *name != "create",
        What::Elsewhere(_) => true,
        What::Call(call) => launches(history, at, call),
        _ => false,
    };
    let later = history.0.iter().enumerate().skip(found + 1);
    let touched = later.clone().find(|entry| is_touch(*entry)).map(|(at, _)| at);
    let judged = later.take_while(|(at, _)| touched.is_none_or(|touched| *at < touched));
    let broken = judged.filter(|(at, entry)| match &entry.what {
        What::Call(call) => {
            let undoes = call.operation == "RollbackApplication" || call.forces();
            let running = history.described(*at).and_then(|read| read.status.as_deref()) == Some("RUNNING");
            let asked = matches!(
                text(history.object(*at), "/spec/health/onUnhealthy"),
                "ForceStop" | "Restart"
            ) || text(history.written(*at), "/refusal/class") == "JobDown"
                || !history.object(*at)["metadata"]["deletionTimestamp"].is_null();
            undoes && running && !asked
        }
        What::Write(write) => {
            let after = write.after.as_ref();
            after.is_some_and(|after| !failed_revisions(&after["status"]).is_empty())
        }
        _ => false,
    });
    broken
        .map(|(_, entry)| format!("a job that was found running is held to account at {}", entry.at))
        .collect()
}

/// S33: content that a rollback of somebody else left is not sent again before a retry, or before the spec asked for
/// another revision in between.
pub(super) fn what_a_foreign_rollback_left_is_not_sent_again(history: History<'_>) -> Vec<String> {
    let left = history
        .0
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| match &entry.what {
            What::Left(content) => Some((at, content)),
            _ => None,
        });
    let left: Vec<_> = left.collect();
    let mut found = Vec::new();
    for (place, (left_at, content)) in left.iter().copied().enumerate() {
        // The next rollback may lead back to it.
        let until = left.get(place + 1).map_or(history.0.len(), |(at, _)| *at);
        let sent = history.calls().find(|(at, _, call)| {
            (left_at..until).contains(at)
                && brings_revision(call)
                && call.origin.brought.as_ref() == Some(content)
                && !is_asked_for(history, left_at, *at)
        });
        if let Some((_, entry, call)) = sent {
            found.push(format!(
                "{} at {} brings what somebody else's rollback of {} left",
                call.operation, entry.at, history.0[left_at].at
            ));
        }
    }
    found
}

/// Whether somebody asked for the revision of a call beside the one that a moment left: by a retry, after another revision,
/// or in another incarnation of the resource; a revision that was asked for then and was not brought yet is another one.
fn is_asked_for(history: History<'_>, since: usize, at: usize) -> bool {
    let between = &history.0[since..at];
    let revision = text(history.written(at), "/intent/revision");
    let uid = text(history.object(at), "/metadata/uid");
    let then = history.written(since);
    let is_brought = ["/rollout/gate", "/rollout/updatedVersionId", "/intent/fence"];
    let is_brought = is_brought.iter().any(|member| then.pointer(member).is_some());
    let was_waiting = text(then, "/rollout/revision") == revision && !is_brought;
    was_waiting
        || between.iter().any(|entry| match &entry.what {
            What::User("sluicegate.dev/retry-requested-at") => true,
            What::Write(write) => write.after.as_ref().is_some_and(|after| {
                text(after, "/metadata/uid") != uid || text(after, "/status/revisions/target") != revision
            }),
            What::Pass(object) => text(object, "/metadata/uid") != uid,
            _ => false,
        })
}
