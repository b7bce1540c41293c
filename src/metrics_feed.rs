//! The metrics feed: the restart counters of all running jobs, with one call of CloudWatch for 500 of them a minute.
//!
//! Each reading covers everything that a judgement needs, so that nothing is lost with the process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Sender;
use tracing::{debug, warn};

use crate::api::spec::FlinkApplication;
use crate::aws::Service;
use crate::aws::counters::{Asked, QUERIES};
use crate::clock::Clock;
use crate::desired::{Health, Identity};
use crate::fault::{Fault, FaultKind};
use crate::metrics::{Metrics, Sweep};
use crate::plan::health::{WINDOWS, differs, is_watched};
use crate::world::{Counter, Series};

/// How much more than the windows is read: a point may be late, and one before the first window shows its rise.
const MARGIN: SignedDuration = SignedDuration::from_mins(4);

/// How long a reading counts while newer ones fail for a passing reason.
const STALE: SignedDuration = SignedDuration::from_mins(5);

/// The newest reading of each counter.
#[derive(Debug, Default)]
pub struct Feed {
    known: Mutex<HashMap<Identity, Counter>>,
}

/// An application whose counter is read.
struct Watched {
    app: Arc<FlinkApplication>,
    identity: Identity,
    runtime: String,
}

impl Feed {
    /// What is known of the counter of an application.
    #[must_use]
    pub fn of(&self, identity: &Identity) -> Counter {
        self.known().get(identity).cloned().unwrap_or_default()
    }

    /// Reads the counter of every job that is watched, and gives the resources whose status does not say what was read.
    ///
    /// A call that is denied, and one that fails until the last reading is stale, makes its counters unreadable.
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
                let differing = chunk.iter().filter(|one| differs(&one.app, &self.of(&one.identity)));
                woken.extend(differing.map(|one| Arc::clone(&one.app)));
            }
        }
        woken
    }

    async fn read(&self, service: &Service, metrics: &Metrics, region: &str, chunk: &[Watched], now: Timestamp) {
        let windows = chunk.iter().map(|one| Health::of(&one.app.spec).window);
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
                    known.insert(one.identity.clone(), Counter::Read(series));
                }
            }
            Err(fault) => {
                metrics.feed_sweep(Sweep::Failed);
                warn!(region, %fault, "the restart counters cannot be read; nothing is concluded from it");
                let mut known = self.known();
                for one in chunk {
                    let counter = known.entry(one.identity.clone()).or_default();
                    if !is_fresh(counter, &fault, now) {
                        *counter = Counter::Unreadable(fault.message.clone());
                    }
                }
            }
        }
    }

    /// Drops what is not watched any more.
    fn forget(&self, regions: &BTreeMap<String, Vec<Watched>>) {
        let watched: std::collections::HashSet<&Identity> =
            regions.values().flatten().map(|one| &one.identity).collect();
        self.known().retain(|identity, _| watched.contains(identity));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Identity, Counter>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a reading still counts after a newer one failed.
fn is_fresh(counter: &Counter, fault: &Fault, now: Timestamp) -> bool {
    fault.kind != FaultKind::Denied && matches!(counter, Counter::Read(series) if now < series.until + STALE)
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
        runtime: aws.runtime_environment.clone().unwrap_or_default(),
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
