//! The one call of a pass, and what its answer teaches.

use std::time::Duration;

use tracing::{info, warn};

use crate::api::spec::{FlinkApplication, PreChangeSnapshot};
use crate::aws::clients::MUTATION_DEADLINE;
use crate::desired::identity;
use crate::plan::outcome::{Moment, Outcome, answered, is_failed_snapshot};
use crate::plan::step::Step;
use crate::plan::urgency::{urgency, urgency_of_step};
use crate::plan::{Decision, Note, Situation, not_accepted};
use crate::reconcile::{Context, PassError, key, record, stalls};
use crate::status::project;

/// Performs the step whose intent was recorded in `written`, and records what the answer taught.
pub(super) async fn act(
    context: &Context,
    written: &FlinkApplication,
    situation: &Situation<'_>,
    decision: &Decision,
    step: &Step,
) -> Result<Duration, PassError> {
    let key = key(written);
    if !context.leadership.holds_for(MUTATION_DEADLINE) {
        warn!(object = %key, "not performed: leadership does not outlast the call");
        return Ok(Duration::from_secs(5));
    }
    let identity = identity(written, &context.settings.region);
    let arn = situation.world.application.as_ref().map(|app| app.arn.as_str());
    let outcome = context.service.perform(&identity, arn, step).await;
    let now = context.now();
    match &outcome {
        Outcome::Accepted { .. } => info!(object = %key, call = step.kind().operation(), "accepted"),
        Outcome::Refused(fault) => warn!(object = %key, call = step.kind().operation(), %fault, "refused"),
        Outcome::Unknown(fault) => warn!(object = %key, call = step.kind().operation(), %fault, "outcome unknown"),
    }
    let mut journal = decision.journal.clone();
    journal.learn(
        &outcome,
        Moment {
            now,
            generation: written.metadata.generation.unwrap_or_default(),
            snapshot_required: situation
                .want
                .is_ok_and(|want| want.pre_change_snapshot == PreChangeSnapshot::Required),
        },
    );
    let after = Situation {
        app: written,
        now,
        ..*situation
    };
    let mut status = project(&after, &journal, &decision.plan);
    let told = not_accepted::stall(&after, &journal, step.kind()).is_some();
    if let (Outcome::Refused(fault), None) = (&outcome, journal.refusal_of(step.kind()))
        && !step.kind().is_about_snapshots_kept()
        && !told
    {
        let message = format!("the service refused {}: {}", step.kind().operation(), fault.message);
        status.message = Some(message);
    }
    record(context, written, &status).await?;
    let note = answered(step.kind(), &outcome);
    let stall = stalls::to_tell(context, now, written, &status);
    let notes: Vec<Note> = note.into_iter().chain(stall).collect();
    context.herald.announce(now, written, &status.journal, &notes).await;
    match outcome {
        Outcome::Refused(fault) => {
            let urgency = urgency_of_step(step, urgency(written));
            let pause = context.memory.pause_for(&key, fault.kind, urgency);
            let known = journal.not_accepted.as_ref();
            let of_the_moment = known.filter(|known| known.step == step.kind() && known.last_at == now);
            let pause = of_the_moment.map_or(pause, |known| {
                known.pause(pause, situation.rules.refusal_recheck, situation.progress_deadline())
            });
            let is_remembered = journal.refusal_of(step.kind()).is_some() || is_failed_snapshot(step.kind(), &fault);
            if of_the_moment.is_some() || !is_remembered {
                context.memory.rest(&key, written, now, pause);
            }
            Ok(pause)
        }
        Outcome::Accepted { .. } | Outcome::Unknown(_) => {
            context.memory.succeeded(&key);
            Ok(Duration::from_secs(2))
        }
    }
}
