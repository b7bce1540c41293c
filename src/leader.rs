//! Leadership by a Lease: of several replicas, one acts.
//!
//! A leader believes in itself for a shorter time than its rivals do: its time runs from *before* it sent a renewal
//! and ends a margin early, theirs from after they saw it. A call begun while [`Leadership::holds_for`] its deadline
//! has ended when a rival begins (S15).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{Api, Client, api::PostParams};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::{Clock, monotonic};

mod settings;
mod standby;

use standby::Standby;

pub use settings::{Election, LeaseSettings};

/// The shortest lease that leaves room for a mutating call's deadline between two renewals.
pub const SHORTEST_LEASE: Duration = Duration::from_secs(15);

/// Longer than any process lives.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 30);

/// The claim to lead that a pass asks before it acts; clones share one claim.
#[derive(Debug, Clone)]
pub struct Leadership {
    until: Arc<Mutex<Instant>>,
    lost: CancellationToken,
}

impl Leadership {
    /// A claim that never ends by itself, for a single replica and for tests.
    #[must_use]
    pub fn undisputed() -> Self {
        Self::until(monotonic() + FOREVER)
    }

    fn until(until: Instant) -> Self {
        Self {
            until: Arc::new(Mutex::new(until)),
            lost: CancellationToken::new(),
        }
    }

    /// Will this replica still lead when `time` has passed from this moment, whatever happens?
    ///
    /// Ask with the deadline of the call right before sending it (S15).
    #[must_use]
    pub fn holds_for(&self, time: Duration) -> bool {
        !self.lost.is_cancelled() && monotonic() + time <= self.trusted_until()
    }

    /// Cancelled when leadership is lost or given up.
    #[must_use]
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    fn trusted_until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn extend(&self, until: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

/// One stretch of leadership; it is renewed in the background.
///
/// Dropping it ends the leadership without releasing the lease: rivals wait until it runs out.
#[derive(Debug)]
pub struct Term {
    leadership: Leadership,
    resign: CancellationToken,
    renewal: Option<JoinHandle<()>>,
}

impl Term {
    /// The claim to hand to those who act.
    #[must_use]
    pub fn leadership(&self) -> Leadership {
        self.leadership.clone()
    }

    /// Gives the lease back, so that a rival can take it at once; call it when no work is under way any more.
    ///
    /// Ends within seconds also if the API server does not answer; the lease then runs out.
    pub async fn release(mut self) {
        self.leadership.lost.cancel();
        self.resign.cancel();
        if let Some(renewal) = self.renewal.take()
            && let Err(error) = renewal.await
        {
            warn!(%error, "the lease could not be released");
        }
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        self.leadership.lost.cancel();
        if let Some(renewal) = &self.renewal {
            renewal.abort();
        }
    }
}

/// Stands by until this replica leads, or returns `None` when `shutdown` is cancelled first.
///
/// Failing requests are tried again without end. `clock` only fills the times of the record that people read.
pub async fn lead(
    client: Client,
    settings: LeaseSettings,
    clock: Arc<dyn Clock>,
    shutdown: &CancellationToken,
) -> Option<Term> {
    if settings.election == Election::Alone {
        return Some(Term {
            leadership: Leadership::undisputed(),
            resign: CancellationToken::new(),
            renewal: None,
        });
    }
    let candidate = Candidate {
        api: Api::namespaced(client, &settings.namespace),
        settings,
        clock,
    };
    info!(
        identity = candidate.settings.identity,
        lease = candidate.settings.name,
        "standing by for leadership"
    );
    let (record, since) = shutdown.run_until_cancelled(candidate.stand_by()).await?;
    info!(
        identity = candidate.settings.identity,
        lease = candidate.settings.name,
        "leading"
    );
    let leadership = Leadership::until(since + candidate.settings.trusted());
    let resign = CancellationToken::new();
    let renewal = tokio::spawn(candidate.serve(record, leadership.clone(), resign.clone()));
    Some(Term {
        leadership,
        resign,
        renewal: Some(renewal),
    })
}

/// Why a request for the lease brought nothing.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("the API server did not answer in time")]
    Late,
    #[error(transparent)]
    Refused(#[from] kube::Error),
}

impl LeaseError {
    fn is_status(&self, code: u16) -> bool {
        matches!(self, Self::Refused(kube::Error::Api(status)) if status.code == code)
    }
}

/// How an attempt to renew ended.
enum Renewal {
    /// The record is ours, freshly written by a request that began at this moment.
    Done(Box<Lease>, Instant),
    /// The record is somebody else's, or gone.
    Lost,
}

struct Candidate {
    api: Api<Lease>,
    settings: LeaseSettings,
    clock: Arc<dyn Clock>,
}

impl Candidate {
    /// Waits for the lease; returns the record of our term and the moment before it was written.
    async fn stand_by(&self) -> (Lease, Instant) {
        let mut standby = Standby::default();
        let mut claimed = None;
        loop {
            match self.look(&mut standby, &mut claimed).await {
                Ok(Some(term)) => return term,
                Ok(None) => {}
                Err(error) if error.is_status(409) => {}
                Err(error) => warn!(%error, lease = self.settings.name, "the lease cannot be read or claimed"),
            }
            sleep(self.settings.pause()).await;
        }
    }

    /// One look at the lease, and a claim if it may be claimed.
    ///
    /// `claimed` keeps the last claim: one that got through although its answer was lost is found again.
    async fn look(
        &self,
        standby: &mut Standby,
        claimed: &mut Option<LeaseSpec>,
    ) -> Result<Option<(Lease, Instant)>, LeaseError> {
        let Some(found) = self.read().await? else {
            let began = monotonic();
            let record = claimed.insert(self.claim(&LeaseSpec::default())).clone();
            return Ok(Some((self.create(record).await?, began)));
        };
        let seen = found.spec.clone().unwrap_or_default();
        let is_mine = claimed.as_ref().is_some_and(|claim| is_same_term(claim, &seen));
        let due = standby.observe(&seen, monotonic(), self.settings.duration);
        if !is_mine && monotonic() < due {
            return Ok(None);
        }
        let began = monotonic();
        let record = claimed.insert(self.claim(&seen)).clone();
        Ok(Some((self.replace(found, record).await?, began)))
    }

    /// Renews until the lease is lost or `resign` is cancelled.
    async fn serve(self, mut record: Lease, leadership: Leadership, resign: CancellationToken) {
        loop {
            let renewal = async {
                sleep(self.settings.pause()).await;
                self.renew(&record).await
            };
            let until = leadership.trusted_until();
            let renewed = tokio::select! {
                biased;
                () = resign.cancelled() => {
                    self.release(&record).await;
                    return;
                }
                () = tokio::time::sleep_until(until) => break,
                renewed = renewal => renewed,
            };
            match renewed {
                Ok(Renewal::Done(fresh, began)) => {
                    record = *fresh;
                    leadership.extend(began + self.settings.trusted());
                }
                Ok(Renewal::Lost) => break,
                Err(error) => warn!(%error, lease = self.settings.name, "the lease was not renewed"),
            }
        }
        warn!(lease = self.settings.name, "leadership is lost");
        leadership.lost.cancel();
    }

    /// Writes a fresh renewal over our record.
    ///
    /// A conflict alone is no loss: an earlier renewal may have got through although its answer was lost, and others
    /// may touch the object's metadata.
    async fn renew(&self, record: &Lease) -> Result<Renewal, LeaseError> {
        let mine = record.spec.clone().unwrap_or_default();
        let mut current = record.clone();
        for _ in 0..2 {
            let began = monotonic();
            let renewed = LeaseSpec {
                renew_time: Some(self.time()),
                ..mine.clone()
            };
            match self.replace(current, renewed).await {
                Ok(fresh) => return Ok(Renewal::Done(Box::new(fresh), began)),
                Err(error) if error.is_status(404) => return Ok(Renewal::Lost),
                Err(error) if !error.is_status(409) => return Err(error),
                Err(_) => {}
            }
            match self.read().await? {
                Some(found) if found.spec.as_ref().is_some_and(|spec| is_same_term(&mine, spec)) => current = found,
                _ => return Ok(Renewal::Lost),
            }
        }
        Err(LeaseError::Late)
    }

    /// Empties the record if it is still of our term.
    async fn release(&self, record: &Lease) {
        let mine = record.spec.clone().unwrap_or_default();
        for _ in 0..2 {
            let released = match self.read().await {
                Ok(Some(found)) if found.spec.as_ref().is_some_and(|spec| is_same_term(&mine, spec)) => {
                    let empty = LeaseSpec {
                        lease_duration_seconds: Some(1),
                        lease_transitions: mine.lease_transitions,
                        ..LeaseSpec::default()
                    };
                    self.replace(found, empty).await.map(|_| ())
                }
                Ok(_) => return,
                Err(error) => Err(error),
            };
            match released {
                Ok(()) => {
                    info!(lease = self.settings.name, "leadership is given up");
                    return;
                }
                Err(error) => warn!(%error, lease = self.settings.name, "the lease is not released"),
            }
        }
    }

    /// The record of a new term that follows `before`.
    fn claim(&self, before: &LeaseSpec) -> LeaseSpec {
        let time = self.time();
        LeaseSpec {
            acquire_time: Some(time.clone()),
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: i32::try_from(self.settings.duration.as_secs()).ok(),
            lease_transitions: Some(before.lease_transitions.unwrap_or(0).saturating_add(1)),
            renew_time: Some(time),
            ..LeaseSpec::default()
        }
    }

    /// The time of day, in the whole microseconds that a record can hold.
    fn time(&self) -> MicroTime {
        let now = self.clock.now();
        MicroTime(Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now))
    }

    async fn read(&self) -> Result<Option<Lease>, LeaseError> {
        self.in_time(self.api.get_opt(&self.settings.name)).await
    }

    async fn create(&self, record: LeaseSpec) -> Result<Lease, LeaseError> {
        let mut lease = Lease {
            spec: Some(record),
            ..Lease::default()
        };
        lease.metadata.name = Some(self.settings.name.clone());
        self.in_time(self.api.create(&PostParams::default(), &lease)).await
    }

    /// Replaces the record of a lease as it was read; a lease changed since is a conflict.
    async fn replace(&self, found: Lease, record: LeaseSpec) -> Result<Lease, LeaseError> {
        let lease = Lease {
            spec: Some(record),
            ..found
        };
        self.in_time(self.api.replace(&self.settings.name, &PostParams::default(), &lease))
            .await
    }

    async fn in_time<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, LeaseError> {
        let answer = timeout(self.settings.request_deadline(), request)
            .await
            .map_err(|_| LeaseError::Late)?;
        Ok(answer?)
    }
}

/// Are both records of one term: the same holder since the same moment?
fn is_same_term(one: &LeaseSpec, other: &LeaseSpec) -> bool {
    one.holder_identity == other.holder_identity && one.acquire_time == other.acquire_time
}

#[cfg(test)]
mod tests;
