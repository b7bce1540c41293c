//! Which stalls are still to be told.

use jiff::{SignedDuration, Timestamp};

use crate::api::spec::FlinkApplication;
use crate::api::status::FlinkApplicationStatus;
use crate::plan::Note;
use crate::reconcile::{Context, key};
use crate::status::news;

/// How long after its begin a stall is told that this process did not tell.
const RECENT: SignedDuration = SignedDuration::from_hours(1);

/// The note of the stall that begins with a status, or whose reason changes with it.
///
/// One that began within the hour and that this process did not tell is told too: the process that wrote it may have died,
/// or the answer to its write was lost. The API server refuses what was told already.
pub(super) fn to_tell(
    context: &Context,
    now: Timestamp,
    app: &FlinkApplication,
    after: &FlinkApplicationStatus,
) -> Option<Note> {
    let stalled = news::stalled(after);
    let is_told = context
        .memory
        .stalled(&key(app), stalled.map(|stalled| &stalled.reason));
    let is_recent = now.duration_since(stalled?.last_transition_time) < RECENT;
    let before = app.status.as_ref().filter(|_| is_told || !is_recent);
    news::stall(before, after)
}
