//! The first sight of an object by a process: most need no look at their application.

use std::time::Duration;

use jiff::SignedDuration;
use tracing::debug;

use crate::api::spec::FlinkApplication;
use crate::census::Word;
use crate::clock::monotonic;
use crate::desired::{Desired, Undesirable};
use crate::plan::at_rest;
use crate::reconcile::backoff::{jittered, spread};
use crate::reconcile::{Context, key};

/// The pause of a pass that waits for the first sweep of the census.
const CENSUS_PAUSE: Duration = Duration::from_secs(2);

/// The rest of an object that this process meets for the first time, without a look at its application: its status says
/// that nothing is due, and the census that the application is as it was.
pub(super) fn rest(
    context: &Context,
    app: &FlinkApplication,
    want: Result<&Desired, &Undesirable>,
) -> Option<Duration> {
    let began = monotonic();
    let key = key(app);
    if !context.memory.is_new(&key) {
        return None;
    }
    let aws = app.status.as_ref().and_then(|status| status.journal.aws.as_ref());
    let at_rest = at_rest(app, want, context.now()).zip(aws);
    let word = at_rest.map(|(_, aws)| context.census.word(aws));
    if word == Some(Word::Awaited) {
        return Some(jittered(CENSUS_PAUSE, &key, 0));
    }
    context.memory.met(&key);
    let (at_rest, _) = at_rest.filter(|_| word == Some(Word::Same))?;
    debug!(object = %key, "the census vouches for it");
    context.metrics.pass("vouched", began.elapsed());
    let look = spread(context.settings.resync, &key);
    let due = at_rest
        .wake
        .map(|at| at.duration_since(context.now()).max(SignedDuration::from_secs(1)));
    Some(
        due.and_then(|due| Duration::try_from(due).ok())
            .map_or(look, |due| due.min(look)),
    )
}
