//! Calls that are not sent yet because their operation is throttled and others go first. Nothing is recorded of them, until
//! that lasts.

use std::time::Duration;

use jiff::SignedDuration;

use crate::api::spec::FlinkApplication;
use crate::api::status::NotAccepted;
use crate::desired::identity;
use crate::plan::not_accepted::stall;
use crate::plan::step::Step;
use crate::plan::urgency::{urgency, urgency_of_step};
use crate::plan::{Decision, Plan, Situation};
use crate::reconcile::{Context, PassError, key, record, stalls};
use crate::status::project;

/// How long a call may be put off before that is written down.
const UNTOLD: SignedDuration = SignedDuration::from_mins(1);

/// How long a step is to be put off, before anything of it is recorded, because its operation is throttled.
pub(super) fn put_off(context: &Context, app: &FlinkApplication, step: &Step) -> Option<Duration> {
    let region = identity(app, &context.settings.region).region;
    let urgency = urgency_of_step(step, urgency(app));
    let operation = step.kind().operation();
    let pause = context.service.put_off_call(&region, operation, &key(app), urgency)?;
    context.metrics.call_held_back(operation);
    Some(pause)
}

/// Writes down that a step is put off where that lasts, at most once in the time between two attempts and when it becomes a
/// stall.
pub(super) async fn note(
    context: &Context,
    app: &FlinkApplication,
    situation: &Situation<'_>,
    decision: &Decision,
    step: &Step,
) -> Result<(), PassError> {
    let kind = step.kind();
    if kind.is_about_snapshots_kept() {
        return Ok(());
    }
    let now = situation.now;
    let declared = decision.journal.intent.as_ref();
    let revision = declared.and_then(|intent| intent.revision.clone());
    let since = context.memory.put_off_since(&key(app), (kind, revision.clone()), now);
    let mut journal = app
        .status
        .as_ref()
        .map(|status| status.journal.clone())
        .unwrap_or_default();
    let known = journal.not_accepted.take();
    let known = known.filter(|known| known.goes_on(kind, revision.as_ref(), now));
    let first_at = known.as_ref().map_or(since, |known| known.first_at);
    let over_at = first_at + situation.progress_deadline();
    let is_due = known.as_ref().map_or(now >= since + UNTOLD, |known| {
        now >= known.last_at + situation.rules.refusal_recheck || now >= over_at && known.last_at < over_at
    });
    if !is_due {
        return Ok(());
    }
    journal.not_accepted = Some(NotAccepted {
        step: kind,
        revision,
        message: known.map_or("it throttles such calls, and others go first".to_owned(), |known| {
            known.message
        }),
        first_at,
        last_at: now,
    });
    let told = stall(situation, &journal, kind);
    let before = app.status.as_ref();
    let status = match (told, before) {
        (Some(stall), _) => project(situation, &journal, &Plan::Stall(stall)),
        (None, Some(before)) => {
            let mut status = before.clone();
            status.journal = journal;
            status
        }
        (None, None) => return Ok(()),
    };
    record(context, app, &status).await?;
    let notes: Vec<_> = stalls::to_tell(context, now, app, &status).into_iter().collect();
    context.herald.announce(now, app, &status.journal, &notes).await;
    Ok(())
}
