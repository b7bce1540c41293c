//! The pass: hold, observe, plan, record, perform, record. At most one mutating call, and its intent is written first.

mod act;
pub mod backoff;
mod decide;
mod events;
mod memory;
mod put_off;
pub mod record;
mod stalls;
mod unseen;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::{Client, ResourceExt};
use tracing::debug;

use crate::api::spec::FlinkApplication;
use crate::api::status::FlinkApplicationStatus;
use crate::aws::Service;
use crate::census::Census;
use crate::clock::{Clock, monotonic};
use crate::desired::{Desired, Undesirable, identity};
use crate::fault::Fault;
use crate::flink_rest::FlinkRest;
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::metrics_feed::Feed;
use crate::plan::Measure;
use crate::plan::ownership::Owner;
use crate::plan::urgency::urgency;
use crate::plan::{Decision, Note, Plan, Rules, Situation, is_retained};
use crate::reconcile::act::act;
use crate::reconcile::backoff::jittered;
use crate::reconcile::decide::decide;
use crate::reconcile::events::Herald;
use crate::reconcile::memory::Memory;
use crate::reconcile::record::{Kubernetes, RecordError, Statuses};
use crate::status::{differs_in_words_only, project};
use crate::world::World;

/// The shortest time between two writes of an object in flight that differ in words only.
const BETWEEN_WORDS: SignedDuration = SignedDuration::from_secs(10);

/// What every pass works with.
pub struct Context {
    kubernetes: Kubernetes,
    service: Service,
    flink: FlinkRest,
    herald: Herald,
    clock: Arc<dyn Clock>,
    leadership: Leadership,
    metrics: Arc<Metrics>,
    memory: Memory,
    feed: Arc<Feed>,
    census: Arc<Census>,
    settings: Settings,
}

/// Settings of the passes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region of applications that name none.
    pub region: String,
    /// The name of this cluster in ownership tags.
    pub cluster: String,
    /// The patience of the planner.
    pub rules: Rules,
    /// The longest time between two looks at a settled application.
    pub resync: Duration,
}

/// Why a pass did not come to its end; the object is looked at again after a growing pause.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The API server failed or refused.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The service failed.
    #[error("the service failed: {0}")]
    Service(#[from] Fault),
}

impl Context {
    /// A context for passes of one process.
    #[must_use]
    pub fn new(
        client: Client,
        service: Service,
        flink: FlinkRest,
        clock: Arc<dyn Clock>,
        leadership: Leadership,
        metrics: Arc<Metrics>,
        settings: Settings,
    ) -> Self {
        Self {
            herald: Herald::new(client.clone()),
            kubernetes: Kubernetes::new(client),
            service,
            flink,
            clock,
            leadership,
            metrics,
            memory: Memory::default(),
            feed: Arc::default(),
            census: Arc::default(),
            settings,
        }
    }

    /// The metrics of the process.
    #[must_use]
    pub fn metrics_handle(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// The same context with a census that vouches for what is as it was.
    #[must_use]
    pub fn with_census(self, census: Census) -> Self {
        Self {
            census: Arc::new(census),
            ..self
        }
    }

    /// The same context whose statuses are written by something that stands before the Kubernetes client.
    #[must_use]
    pub fn with_statuses(self, statuses: Arc<dyn Statuses>) -> Self {
        Self {
            kubernetes: self.kubernetes.with_statuses(statuses),
            ..self
        }
    }

    /// The census that vouches for what is as it was.
    #[must_use]
    pub fn census(&self) -> Arc<Census> {
        Arc::clone(&self.census)
    }

    /// The clock of the passes.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The restart counters that the passes judge by.
    #[must_use]
    pub fn feed(&self) -> Arc<Feed> {
        Arc::clone(&self.feed)
    }

    /// The pause after a pass of an object that failed: it grows, but where calls are scarce the budget paces the passes.
    #[must_use]
    pub fn pause(&self, app: &FlinkApplication, error: &PassError) -> Duration {
        match error {
            PassError::Service(fault) => self.memory.pause_for(&key(app), fault.kind, urgency(app)),
            PassError::Record(_) => self.memory.pause(&key(app)),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.now().as_second()).unwrap_or_default()
    }
}

/// One pass over one resource; the result is when to look again at the latest.
///
/// # Errors
/// What kept the pass from its end. Nothing is lost by it: the next pass observes again.
pub async fn pass(context: &Context, app: &FlinkApplication) -> Result<Duration, PassError> {
    let began = monotonic();
    let key = key(app);
    if context.memory.is_outdated(&key, app) {
        debug!(object = %key, "the cache is older than the last write of this process");
        return Ok(Duration::from_secs(1));
    }
    if is_retained(app) {
        return Ok(finalizer(context, app, &Plan::Release)
            .await?
            .unwrap_or(context.settings.resync));
    }
    if let Some(rest) = context.memory.rests(&key, app, context.now()) {
        return Ok(rest);
    }
    let references = context.kubernetes.references(app).await?;
    let want = Desired::parse(app, &context.settings.region, &references);
    if let Some(rest) = unseen::rest(context, app, want.as_ref()) {
        return Ok(rest);
    }
    let urgency = urgency(app);
    let service = context.service.with_urgency(urgency);
    if let Some(pause) = service.put_off(&identity(app, &context.settings.region).region, &key) {
        context.metrics.pass_put_off();
        return Ok(pause);
    }
    let (world, decision, now) = decide(context, &service, app, want.as_ref()).await?;
    let next = Box::pin(carry_out(context, app, want.as_ref(), &world, &decision, now)).await;
    context.metrics.decided(decision.stage);
    context.metrics.pass(decision.plan.as_str(), began.elapsed());
    next
}

/// Records the decision and performs its step.
async fn carry_out(
    context: &Context,
    app: &FlinkApplication,
    want: Result<&Desired, &Undesirable>,
    world: &World,
    decision: &Decision,
    now: Timestamp,
) -> Result<Duration, PassError> {
    let key = key(app);
    debug!(object = %key, stage = decision.stage, plan = decision.plan.as_str(), "planned");
    if let Some(next) = finalizer(context, app, &decision.plan).await? {
        let notes = &decision.notes;
        context
            .herald
            .announce(context.now(), app, &decision.journal, notes)
            .await;
        return Ok(next);
    }
    let owner = owner(context, app);
    let situation = situation(context, app, want, world, &owner, now);
    if let Plan::Do(step) = &decision.plan
        && let Some(pause) = put_off::put_off(context, app, step)
    {
        put_off::note(context, app, &situation, decision, step).await?;
        return Ok(pause);
    }
    let status = project(&situation, &decision.journal, &decision.plan);
    let before = app.status.as_ref();
    let in_flight = matches!(decision.plan, Plan::Wait(_));
    let words = in_flight && before.is_some_and(|before| differs_in_words_only(before, &status));
    let written = if words && context.memory.wrote_since(&key, now - BETWEEN_WORDS) {
        Cow::Borrowed(app)
    } else {
        record(context, app, &status).await?
    };
    measure(&context.metrics, &decision.measures);
    let next = if let Plan::Do(step) = &decision.plan {
        act(context, &written, &situation, decision, step).await
    } else {
        context.memory.succeeded(&key);
        Ok(next_look(context, &key, decision, now))
    };
    // What a call changes of a stall is told with its answer.
    let is_call = matches!(decision.plan, Plan::Do(_));
    let stall = (!is_call)
        .then(|| stalls::to_tell(context, now, app, &status))
        .flatten();
    let notes: Vec<Note> = decision.notes.iter().cloned().chain(stall).collect();
    context.herald.announce(now, app, &status.journal, &notes).await;
    next
}

fn measure(metrics: &Metrics, measures: &[Measure]) {
    for measure in measures {
        match *measure {
            Measure::Operation {
                operation,
                succeeded,
                took,
            } => metrics.operation(operation, succeeded, took.unsigned_abs()),
            Measure::Downtime(down) => metrics.job_downtime(down.unsigned_abs()),
        }
    }
}

async fn finalizer(context: &Context, app: &FlinkApplication, plan: &Plan) -> Result<Option<Duration>, PassError> {
    let written = match plan {
        Plan::Hold => context.kubernetes.hold(app).await?,
        Plan::Release => context.kubernetes.release(app).await?,
        _ => return Ok(None),
    };
    let Some(written) = written else {
        return Ok(Some(context.settings.resync));
    };
    context.memory.wrote(&key(app), &written);
    Ok(Some(Duration::from_secs(5)))
}

/// Writes the status if it differs, under the resource version of the object that it was planned from.
async fn record<'a>(
    context: &Context,
    app: &'a FlinkApplication,
    status: &FlinkApplicationStatus,
) -> Result<Cow<'a, FlinkApplication>, PassError> {
    if app.status.as_ref() == Some(status) {
        return Ok(Cow::Borrowed(app));
    }
    let written = match context.kubernetes.record(app, status).await {
        Err(RecordError::Rejected(problem)) => {
            context.metrics.status_rejected();
            let message = format!("the API server refuses the status, so that nothing is done any more: {problem}");
            let note = Note::warning("StatusRejected", message);
            let journal = &status.journal;
            context.herald.announce(context.now(), app, journal, &[note]).await;
            return Err(RecordError::Rejected(problem).into());
        }
        written => written?,
    };
    context.metrics.status_write();
    context.memory.wrote(&key(app), &written);
    context.memory.wrote_at(&key(app), context.now());
    Ok(Cow::Owned(written))
}

fn next_look(context: &Context, key: &str, decision: &Decision, now: Timestamp) -> Duration {
    let resync = jittered(context.settings.resync, key, now.as_second().unsigned_abs());
    let until = match &decision.plan {
        Plan::Wait(waiting) => Some(waiting.until),
        Plan::Stall(stall) => stall.recheck,
        Plan::HeldBack(held_back) => held_back.until,
        _ => None,
    };
    let Some(until) = until.into_iter().chain(decision.wake).min() else {
        return resync;
    };
    let wait = until.duration_since(now).max(SignedDuration::from_secs(1));
    Duration::try_from(wait).unwrap_or(resync).min(resync)
}

fn owner(context: &Context, app: &FlinkApplication) -> Owner {
    Owner {
        cluster: context.settings.cluster.clone(),
        namespace: app.namespace().unwrap_or_default(),
        name: app.name_any(),
        uid: app.uid().unwrap_or_default(),
    }
}

fn situation<'a>(
    context: &'a Context,
    app: &'a FlinkApplication,
    want: Result<&'a Desired, &'a Undesirable>,
    world: &'a World,
    owner: &'a Owner,
    now: Timestamp,
) -> Situation<'a> {
    Situation {
        app,
        want,
        world,
        owner,
        rules: &context.settings.rules,
        now,
    }
}

fn key(app: &FlinkApplication) -> String {
    app.uid().unwrap_or_default()
}
