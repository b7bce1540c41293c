//! What a process remembers between passes and may forget without harm.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::api::spec::FlinkApplication;
use crate::fault::FaultKind;
use crate::plan::urgency::Urgency;
use crate::reconcile::backoff::Backoff;

/// The newest write and the failures of each object, by uid.
#[derive(Debug, Default)]
pub(super) struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    versions: HashMap<String, u64>,
    written: HashMap<String, Timestamp>,
    pauses: HashMap<String, Pause>,
    unreadable: HashMap<String, Timestamp>,
    backoff: Backoff,
    passes: u64,
    met: HashSet<String>,
}

/// Until when an object rests after a refusal, and what it looked like then.
#[derive(Debug)]
struct Pause {
    until: Timestamp,
    request: String,
}

impl Memory {
    /// How long an object still rests after a refusal of the moment; an object that asks for something else does not.
    ///
    /// The write of a refusal wakes the object at once, so the pause must be remembered beside the requeue.
    pub(super) fn rests(&self, key: &str, app: &FlinkApplication, now: Timestamp) -> Option<Duration> {
        let mut kept = self.kept();
        let pause = kept.pauses.get(key)?;
        if now < pause.until && pause.request == request(app) {
            return Duration::try_from(pause.until.duration_since(now)).ok();
        }
        kept.pauses.remove(key);
        None
    }

    /// Lets an object rest.
    pub(super) fn rest(&self, key: &str, app: &FlinkApplication, now: Timestamp, pause: Duration) {
        let until = now + SignedDuration::try_from(pause).unwrap_or_default();
        self.kept().pauses.insert(
            key.to_owned(),
            Pause {
                until,
                request: request(app),
            },
        );
    }

    /// Whether this process did not deal with an object before.
    pub(super) fn is_new(&self, key: &str) -> bool {
        !self.kept().met.contains(key)
    }

    /// Notes that this process deals with an object.
    pub(super) fn met(&self, key: &str) {
        self.kept().met.insert(key.to_owned());
    }

    /// Since when an object cannot be read at the service.
    pub(super) fn unreadable_since(&self, key: &str, now: Timestamp) -> Timestamp {
        *self.kept().unreadable.entry(key.to_owned()).or_insert(now)
    }

    /// Notes that an object was read at the service.
    pub(super) fn was_read(&self, key: &str) {
        self.kept().unreadable.remove(key);
    }

    /// Whether an object is older than what this process last wrote of it (S13).
    pub(super) fn is_outdated(&self, key: &str, app: &FlinkApplication) -> bool {
        let kept = self.kept();
        version(app)
            .zip(kept.versions.get(key))
            .is_some_and(|(seen, written)| seen < *written)
    }

    /// Notes a write of this process.
    pub(super) fn wrote(&self, key: &str, written: &FlinkApplication) {
        let mut kept = self.kept();
        let gone = written.metadata.deletion_timestamp.is_some() && written.finalizers().is_empty();
        match version(written) {
            Some(version) if !gone => kept.versions.insert(key.to_owned(), version),
            _ => {
                kept.pauses.remove(key);
                kept.unreadable.remove(key);
                kept.written.remove(key);
                kept.met.remove(key);
                kept.backoff.reset(key);
                kept.versions.remove(key)
            }
        };
    }

    /// Notes when this process last wrote the status of an object.
    pub(super) fn wrote_at(&self, key: &str, now: Timestamp) {
        self.kept().written.insert(key.to_owned(), now);
    }

    /// Whether this process wrote the status of an object after a moment.
    pub(super) fn wrote_since(&self, key: &str, moment: Timestamp) -> bool {
        self.kept().written.get(key).is_some_and(|at| *at > moment)
    }

    /// Notes a pass that came to its end.
    pub(super) fn succeeded(&self, key: &str) {
        self.kept().backoff.reset(key);
    }

    /// The growing pause after a failure.
    pub(super) fn pause(&self, key: &str) -> Duration {
        let mut kept = self.kept();
        kept.passes = kept.passes.wrapping_add(1);
        let seed = kept.passes;
        kept.backoff.next(key, seed)
    }

    /// The pause after a fault: short where only the observation was stale and where the budget paces the calls,
    /// otherwise growing.
    pub(super) fn pause_for(&self, key: &str, kind: FaultKind, urgency: Urgency) -> Duration {
        match (kind, urgency) {
            (FaultKind::Conflict, _) => Duration::from_secs(2),
            (FaultKind::Throttled, Urgency::Rescue) => Duration::from_secs(1),
            (FaultKind::Throttled, Urgency::Look | Urgency::Sweep | Urgency::Change) => Duration::from_secs(5),
            _ => self.pause(key),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a person asks of an object: its spec, its requests, its deletion.
fn request(app: &FlinkApplication) -> String {
    let deleted = app.metadata.deletion_timestamp.is_some();
    format!("{:?} {deleted} {:?}", app.metadata.generation, app.annotations())
}

/// The resource version as the number that it is since Kubernetes 1.35 promises so.
fn version(app: &FlinkApplication) -> Option<u64> {
    app.resource_version()?.parse().ok()
}
