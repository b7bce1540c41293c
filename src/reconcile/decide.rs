//! From the resource and a look at the application to the decision of a pass.

use jiff::{SignedDuration, Timestamp};

use crate::api::spec::FlinkApplication;
use crate::aws::Service;
use crate::aws::log::Writer;
use crate::desired::{Desired, Undesirable, identity};
use crate::plan::{Decision, needs, plan, unreadable};
use crate::reconcile::{Context, PassError, key, owner, situation};
use crate::world::{Logged, Observed, World};

/// The time to the next attempt to read an application that was never read.
const UNREAD: SignedDuration = SignedDuration::from_secs(10);

/// Looks at the application, judges what is seen, and once more where the log tells of the failure that is judged.
///
/// The moment is that of the judgement.
///
/// # Errors
/// The fault of the service, while it is too new to be told.
pub(super) async fn decide(
    context: &Context,
    service: &Service,
    app: &FlinkApplication,
    want: Result<&Desired, &Undesirable>,
) -> Result<(World, Decision, Timestamp), PassError> {
    let identity = identity(app, &context.settings.region);
    let restarts = context.feed.of(&identity);
    let mut looks = false;
    let seen = service
        .observe(&identity, |observed| {
            let needs = needs(app, want, observed, &restarts, context.now());
            looks = needs.job;
            needs
        })
        .await;
    let seen = match seen {
        Ok(mut world) if looks => {
            world.job = context.flink.look(service, &identity).await;
            Ok(world)
        }
        seen => seen,
    };
    let now = context.now();
    let mut world = match seen {
        Ok(world) => {
            context.memory.was_read(&key(app));
            world
        }
        Err(fault) => {
            let since = context.memory.unreadable_since(&key(app), now);
            let lasting = now >= since + context.settings.rules.refusal_grace;
            let told = app.status.as_ref().is_some_and(|status| !status.conditions.is_empty());
            if told && !lasting {
                return Err(fault.into());
            }
            let next = now
                + if lasting {
                    context.settings.rules.refusal_recheck
                } else {
                    UNREAD
                };
            return Ok((World::default(), unreadable(app, &fault, lasting, next), now));
        }
    };
    world.restarts = restarts;
    let owner = owner(context, app);
    let judge = |world: &World| plan(&situation(context, app, want, world, &owner, now));
    let decision = judge(&world);
    if let (Some(observed), Some(since)) = (&world.application, decision.cause_since) {
        world.logged = logged(service, observed, since).await;
    }
    if world.logged.is_none() {
        return Ok((world, decision, now));
    }
    let decision = judge(&world);
    Ok((world, decision, now))
}

/// What the log of an application tells of its failure, where it has one.
async fn logged(service: &Service, observed: &Observed, since: Timestamp) -> Option<Logged> {
    let stream = observed.log_streams.values().next()?;
    let writer = Writer {
        application_arn: &observed.arn,
        version_id: observed.version_id,
    };
    service.logged(stream, &writer, since).await
}
