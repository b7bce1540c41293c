//! What a process remembers between passes and may forget without harm.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::ResourceExt;

use crate::api::spec::FlinkApplication;
use crate::fault::FaultKind;
use crate::reconcile::backoff::Backoff;

/// The newest write and the failures of each object, by uid.
#[derive(Debug, Default)]
pub(super) struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    versions: HashMap<String, u64>,
    backoff: Backoff,
    passes: u64,
}

impl Memory {
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
            _ => kept.versions.remove(key),
        };
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

    /// The pause after a refusal: short where only the observation was stale.
    pub(super) fn pause_for(&self, key: &str, kind: FaultKind) -> Duration {
        if kind == FaultKind::Conflict {
            Duration::from_secs(2)
        } else {
            self.pause(key)
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The resource version as the number that it is since Kubernetes 1.35 promises so.
fn version(app: &FlinkApplication) -> Option<u64> {
    app.resource_version()?.parse().ok()
}
