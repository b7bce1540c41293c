//! The metrics feed: the restart counters of all running jobs, with one call of CloudWatch for 500 of them a minute; and the
//! logs of those jobs that are to be watched within seconds.
//!
//! The first reading of each covers everything that a judgement needs, so that nothing is lost with the process.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Sender;
use tracing::{debug, warn};

use crate::api::spec::{FlinkApplication, TransitionsMode};
use crate::aws::Service;
use crate::aws::counters::{Asked, QUERIES};
use crate::aws::log::Writer;
use crate::clock::Clock;
use crate::desired::{Health, Identity};
use crate::fault::{Fault, FaultKind};
use crate::metrics::{Metrics, Sweep};
use crate::plan::health::{WINDOWS, differs, is_watched};
use crate::world::{Counter, Restarts, Series, Tail};

/// How much more than the windows is read: a point may be late, and one before the first window shows its rise.
const MARGIN: SignedDuration = SignedDuration::from_mins(4);

/// How long a reading counts, or is waited for, while reading fails for a passing reason.
const STALE: SignedDuration = SignedDuration::from_mins(5);

/// The time between two looks for logs that are to be read.
const TICK: Duration = Duration::from_secs(1);

/// The most logs of a region that are read in a tick: CloudWatch Logs allows five such calls a second.
const LOGS_A_TICK: usize = 3;

/// How much of a log is read again: lines may come late.
const OVERLAP: SignedDuration = SignedDuration::from_secs(30);

/// The newest readings of each job.
#[derive(Debug, Default)]
pub struct Feed {
    known: Mutex<HashMap<Identity, Known>>,
}

/// What is known of a job, when its log was asked for last, and since when what is asked for cannot be read.
#[derive(Clone, Debug, Default)]
struct Known {
    restarts: Restarts,
    asked_at: Option<Timestamp>,
    counter_fails_since: Option<Timestamp>,
    log_fails_since: Option<Timestamp>,
}

/// An application whose restarts are watched.
struct Watched {
    app: Arc<FlinkApplication>,
    identity: Identity,
    arn: String,
    runtime: String,
    version_id: i64,
}

impl Feed {
    /// What is known of the restarts of an application.
    #[must_use]
    pub fn of(&self, identity: &Identity) -> Restarts {
        let known = self.known();
        known
            .get(identity)
            .map(|known| known.restarts.clone())
            .unwrap_or_default()
    }

    /// Reads the counter of every job that is watched, and gives the resources whose status does not say what was read.
    ///
    /// A call that is denied, and one that fails for a while, makes its counters unreadable.
    pub async fn sweep(
        &self,
        service: &Service,
        metrics: &Metrics,
        apps: &[Arc<FlinkApplication>],
        now: Timestamp,
    ) -> Vec<Arc<FlinkApplication>> {
        let mut regions: BTreeMap<String, Vec<Watched>> = BTreeMap::new();
        for watched in apps.iter().filter_map(watched) {
            regions
                .entry(watched.identity.region.clone())
                .or_default()
                .push(watched);
        }
        self.forget(&regions);
        let mut woken = Vec::new();
        for (region, mut watched) in regions {
            watched.sort_by(|one, other| one.identity.cmp(&other.identity));
            for chunk in watched.chunks(QUERIES) {
                self.read(service, metrics, &region, chunk, now).await;
                let differing = chunk.iter().filter(|one| self.is_news(one));
                woken.extend(differing.map(|one| Arc::clone(&one.app)));
            }
        }
        woken
    }

    async fn read(&self, service: &Service, metrics: &Metrics, region: &str, chunk: &[Watched], now: Timestamp) {
        let windows = chunk.iter().map(|one| Health::standing(&one.app).window);
        let longest = windows.max().unwrap_or_default();
        let from = now - longest.saturating_mul(WINDOWS) - MARGIN;
        let asked: Vec<Asked<'_>> = chunk
            .iter()
            .map(|one| Asked {
                application: &one.identity.name,
                runtime: &one.runtime,
            })
            .collect();
        match service.restart_counters(region, &asked, from, now).await {
            Ok(read) => {
                metrics.feed_sweep(Sweep::Complete);
                debug!(region, counters = chunk.len(), "restart counters");
                let mut known = self.known();
                for (one, points) in chunk.iter().zip(read) {
                    let series = Series {
                        from,
                        until: now,
                        points,
                    };
                    let known = known.entry(one.identity.clone()).or_default();
                    known.restarts.counter = Counter::Read(series);
                    known.counter_fails_since = None;
                }
            }
            Err(fault) => {
                metrics.feed_sweep(Sweep::Failed);
                warn!(region, %fault, "the restart counters cannot be read; nothing is concluded from it");
                let mut known = self.known();
                for one in chunk {
                    let known = known.entry(one.identity.clone()).or_default();
                    if lasts(&mut known.counter_fails_since, &fault, now) {
                        known.restarts.counter = Counter::Unreadable(fault.message.clone());
                    }
                }
            }
        }
    }

    /// Reads the logs that are to be watched and were not read for their interval, those that wait longest first and only
    /// a few of each region, and gives the resources whose status does not say what was read.
    pub async fn tail(
        &self,
        service: &Service,
        apps: &[Arc<FlinkApplication>],
        now: Timestamp,
    ) -> Vec<Arc<FlinkApplication>> {
        let mut due: BTreeMap<String, Vec<(Option<Timestamp>, Watched)>> = BTreeMap::new();
        for one in apps.iter().filter_map(watched) {
            let interval = Health::standing(&one.app).interval;
            let asked_at = self.known().get(&one.identity).and_then(|known| known.asked_at);
            if is_tailed(&one.app) && asked_at.is_none_or(|at| at + interval <= now) {
                due.entry(one.identity.region.clone())
                    .or_default()
                    .push((asked_at, one));
            }
        }
        let mut woken = Vec::new();
        for (_, mut waiting) in due {
            waiting
                .sort_by(|(one_at, one), (other_at, other)| (one_at, &one.identity).cmp(&(other_at, &other.identity)));
            for (_, one) in waiting.into_iter().take(LOGS_A_TICK) {
                self.read_log(service, &one, now).await;
                if self.is_news(&one) {
                    woken.push(one.app);
                }
            }
        }
        woken
    }

    async fn read_log(&self, service: &Service, one: &Watched, now: Timestamp) {
        let kept = Health::standing(&one.app).window.saturating_mul(2);
        let before = match self.of(&one.identity).log {
            Tail::Read { until, restarts } => Some((until, restarts)),
            Tail::NotWatched | Tail::Unreadable(_) => None,
        };
        let since = before.as_ref().map_or(now - kept, |(until, _)| *until - OVERLAP);
        let stream = one
            .app
            .spec
            .logging
            .as_ref()
            .map(|logging| logging.log_stream_arn.as_str());
        let writer = Writer {
            application_arn: &one.arn,
            version_id: one.version_id,
        };
        let read = service
            .restarts_logged(stream.unwrap_or_default(), &writer, since)
            .await;
        let mut known = self.known();
        let known = known.entry(one.identity.clone()).or_default();
        known.asked_at = Some(now);
        match read {
            Ok(read) => {
                let earlier = before.map(|(_, restarts)| restarts).unwrap_or_default();
                let all: BTreeSet<Timestamp> = earlier.into_iter().chain(read).filter(|at| *at > now - kept).collect();
                known.log_fails_since = None;
                known.restarts.log = Tail::Read {
                    until: now,
                    restarts: all.into_iter().collect(),
                };
            }
            Err(fault) if lasts(&mut known.log_fails_since, &fault, now) => {
                known.restarts.log = Tail::Unreadable(fault.message);
            }
            Err(_) => {}
        }
    }

    /// Whether what was read of a job is not what its status says.
    fn is_news(&self, one: &Watched) -> bool {
        let known = self.known();
        known
            .get(&one.identity)
            .is_some_and(|known| differs(&one.app, &known.restarts))
    }

    /// Drops what is not watched any more.
    fn forget(&self, regions: &BTreeMap<String, Vec<Watched>>) {
        let watched: HashSet<&Identity> = regions.values().flatten().map(|one| &one.identity).collect();
        self.known().retain(|identity, _| watched.contains(identity));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Identity, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a failure is more than a passing one: a denial is at once, any other when nothing was read for a while.
fn lasts(since: &mut Option<Timestamp>, fault: &Fault, now: Timestamp) -> bool {
    let since = *since.get_or_insert(now);
    fault.kind == FaultKind::Denied || now >= since + STALE
}

/// Whether the log of an application is to be watched.
#[must_use]
pub fn is_tailed(app: &FlinkApplication) -> bool {
    let transitions = app.spec.health.as_ref().and_then(|health| health.transitions.as_ref());
    transitions.and_then(|transitions| transitions.mode) == Some(TransitionsMode::Watch)
}

fn watched(app: &Arc<FlinkApplication>) -> Option<Watched> {
    let journal = app.status.as_ref().map(|status| &status.journal)?;
    let aws = journal.aws.as_ref().filter(|_| is_watched(journal))?;
    Some(Watched {
        app: Arc::clone(app),
        identity: Identity {
            name: aws.application_name.clone(),
            region: aws.region.clone(),
        },
        arn: aws.application_arn.clone().unwrap_or_default(),
        runtime: aws.runtime_environment.clone().unwrap_or_default(),
        version_id: aws.application_version_id.unwrap_or_default(),
    })
}

/// Sweeps until the receiver of the wake-ups is gone, first at once.
pub async fn take(
    feed: Arc<Feed>,
    service: Service,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    interval: Duration,
    applications: impl Fn() -> Vec<Arc<FlinkApplication>> + Send,
    wake: Sender<Arc<FlinkApplication>>,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for app in feed.sweep(&service, &metrics, &applications(), clock.now()).await {
            if wake.send(app).await.is_err() {
                return;
            }
        }
    }
}

/// Reads logs until the receiver of the wake-ups is gone.
///
/// `applications` gives the resources that [`is_tailed`] is true of.
pub async fn tail(
    feed: Arc<Feed>,
    service: Service,
    clock: Arc<dyn Clock>,
    applications: impl Fn() -> Vec<Arc<FlinkApplication>> + Send,
    wake: Sender<Arc<FlinkApplication>>,
) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for app in feed.tail(&service, &applications(), clock.now()).await {
            if wake.send(app).await.is_err() {
                return;
            }
        }
    }
}
