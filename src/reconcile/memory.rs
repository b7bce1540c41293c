//! What a process remembers between passes and may forget without harm.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::api::spec::FlinkApplication;
use crate::api::status::StepKind;
use crate::fault::FaultKind;
use crate::plan::urgency::Urgency;
use crate::reconcile::backoff::Backoff;

/// What a process remembers of every object, by uid.
#[derive(Debug, Default)]
pub(super) struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    objects: HashMap<String, ObjectMemory>,
    /// How many pauses were given; spreads objects that fail together.
    pauses: u64,
}

/// What a process remembers of one object.
#[derive(Debug, Default, PartialEq, Eq)]
struct ObjectMemory {
    /// The newest version that this process wrote.
    version: Option<u64>,
    /// When this process last wrote the status.
    written: Option<Timestamp>,
    /// The pause after a refusal of the moment.
    pause: Option<Pause>,
    /// Since when it cannot be read at the service.
    unreadable: Option<Timestamp>,
    /// The failures since the last success.
    backoff: Backoff,
    /// Whether this process dealt with it.
    met: bool,
    /// The reason of the stall that this process told.
    stalled: Option<String>,
    /// The call that is put off.
    put_off: Option<PutOff>,
}

/// Until when an object rests after a refusal, and what it looked like then.
#[derive(Debug, PartialEq, Eq)]
struct Pause {
    until: Timestamp,
    request: String,
}

/// A call that is put off because others go first: its kind and its revision, and when that was first and last so.
#[derive(Debug, PartialEq, Eq)]
struct PutOff {
    call: (StepKind, Option<String>),
    since: Timestamp,
    last: Timestamp,
}

/// How long nothing may be put off for the next time to belong to those before.
const APART: SignedDuration = SignedDuration::from_mins(10);

impl Memory {
    /// Since when a call of an object is put off.
    pub(super) fn put_off_since(&self, key: &str, call: (StepKind, Option<String>), now: Timestamp) -> Timestamp {
        let mut kept = self.kept();
        let object = kept.of(key);
        let earlier = object
            .put_off
            .as_ref()
            .filter(|earlier| earlier.call == call && now <= earlier.last + APART);
        let since = earlier.map_or(now, |earlier| earlier.since);
        object.put_off = Some(PutOff { call, since, last: now });
        since
    }

    /// How long an object still rests after a refusal of the moment; an object that asks for something else does not.
    ///
    /// The write of a refusal wakes the object at once, so the pause must be remembered beside the requeue.
    pub(super) fn rests(&self, key: &str, app: &FlinkApplication, now: Timestamp) -> Option<Duration> {
        let mut kept = self.kept();
        let pause = kept.objects.get(key)?.pause.as_ref()?;
        if now < pause.until && pause.request == request(app) {
            return Duration::try_from(pause.until.duration_since(now)).ok();
        }
        kept.clear(key, |object| object.pause = None);
        None
    }

    /// Lets an object rest.
    pub(super) fn rest(&self, key: &str, app: &FlinkApplication, now: Timestamp, pause: Duration) {
        let until = now + SignedDuration::try_from(pause).unwrap_or_default();
        self.kept().of(key).pause = Some(Pause {
            until,
            request: request(app),
        });
    }

    /// Whether this process did not deal with an object before.
    pub(super) fn is_new(&self, key: &str) -> bool {
        self.kept().objects.get(key).is_none_or(|object| !object.met)
    }

    /// Notes that this process deals with an object.
    pub(super) fn met(&self, key: &str) {
        self.kept().of(key).met = true;
    }

    /// Notes the reason of the stall of an object, or that it is not stalled; whether the stall was noted before.
    pub(super) fn stalled(&self, key: &str, reason: Option<&String>) -> bool {
        let mut kept = self.kept();
        let Some(reason) = reason else {
            kept.clear(key, |object| object.stalled = None);
            return false;
        };
        let before = kept.of(key).stalled.replace(reason.clone());
        before.as_ref() == Some(reason)
    }

    /// Since when an object cannot be read at the service.
    pub(super) fn unreadable_since(&self, key: &str, now: Timestamp) -> Timestamp {
        *self.kept().of(key).unreadable.get_or_insert(now)
    }

    /// Notes that an object was read at the service.
    pub(super) fn was_read(&self, key: &str) {
        self.kept().clear(key, |object| object.unreadable = None);
    }

    /// Whether an object is older than what this process last wrote of it (S13).
    pub(super) fn is_outdated(&self, key: &str, app: &FlinkApplication) -> bool {
        let kept = self.kept();
        version(app)
            .zip(kept.objects.get(key).and_then(|object| object.version))
            .is_some_and(|(seen, written)| seen < written)
    }

    /// Notes a write of this process.
    pub(super) fn wrote(&self, key: &str, written: &FlinkApplication) {
        let mut kept = self.kept();
        let gone = written.metadata.deletion_timestamp.is_some() && written.finalizers().is_empty();
        match version(written) {
            Some(version) if !gone => kept.of(key).version = Some(version),
            _ => {
                kept.objects.remove(key);
            }
        }
    }

    /// Notes when this process last wrote the status of an object.
    pub(super) fn wrote_at(&self, key: &str, now: Timestamp) {
        self.kept().of(key).written = Some(now);
    }

    /// Whether this process wrote the status of an object after a moment.
    pub(super) fn wrote_since(&self, key: &str, moment: Timestamp) -> bool {
        let kept = self.kept();
        let written = kept.objects.get(key).and_then(|object| object.written);
        written.is_some_and(|at| at > moment)
    }

    /// Notes a pass that came to its end.
    pub(super) fn succeeded(&self, key: &str) {
        self.kept().clear(key, |object| {
            object.backoff.reset();
            object.put_off = None;
        });
    }

    /// The growing pause after a failure.
    pub(super) fn pause(&self, key: &str) -> Duration {
        let mut kept = self.kept();
        kept.pauses = kept.pauses.wrapping_add(1);
        let seed = kept.pauses;
        kept.of(key).backoff.next(key, seed)
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

impl Kept {
    /// What is remembered of an object, to add to it.
    fn of(&mut self, key: &str) -> &mut ObjectMemory {
        self.objects.entry(key.to_owned()).or_default()
    }

    /// Takes something out of what is remembered of an object; where nothing is left the object takes no room.
    fn clear(&mut self, key: &str, take: impl FnOnce(&mut ObjectMemory)) {
        let Some(object) = self.objects.get_mut(key) else {
            return;
        };
        take(object);
        if *object == ObjectMemory::default() {
            self.objects.remove(key);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "uid-1";

    fn app(version: &str) -> FlinkApplication {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "sluicegate.dev/v1alpha1",
            "kind": "FlinkApplication",
            "metadata": { "name": "orders", "resourceVersion": version, "generation": 1 },
            "spec": {
                "runtimeEnvironment": "FLINK-1_20",
                "serviceExecutionRole": "arn:aws:iam::111122223333:role/orders",
                "code": { "s3": { "bucket": "demo", "key": "orders-1.0.yaml" } },
            },
        }))
        .unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn is_empty(memory: &Memory) -> bool {
        memory.kept().objects.is_empty()
    }

    #[test]
    fn failures_are_counted_for_each_object_alone() {
        let memory = Memory::default();
        for _ in 0..4 {
            memory.pause("healed");
            memory.pause("failing");
        }
        memory.succeeded("healed");
        assert!(memory.pause("healed") < Duration::from_secs(6));
        assert!(memory.pause("failing") > Duration::from_secs(70));
    }

    #[test]
    fn a_stall_is_new_until_it_was_noted_and_again_after_its_end() {
        let memory = Memory::default();
        let (rejected, failed) = ("Rejected".to_owned(), "StartFailed".to_owned());
        assert!(!memory.stalled(KEY, Some(&rejected)));
        assert!(memory.stalled(KEY, Some(&rejected)));
        assert!(!memory.stalled(KEY, Some(&failed)));
        assert!(!memory.stalled(KEY, None));
        assert!(is_empty(&memory));
        assert!(!memory.stalled(KEY, Some(&failed)));
    }

    #[test]
    fn what_came_to_its_end_takes_no_room() {
        let memory = Memory::default();
        memory.pause(KEY);
        memory.succeeded(KEY);
        assert!(is_empty(&memory));
        memory.unreadable_since(KEY, at(0));
        memory.was_read(KEY);
        assert!(is_empty(&memory));
        memory.rest(KEY, &app("1"), at(0), Duration::from_secs(9));
        assert_eq!(memory.rests(KEY, &app("1"), at(4)), Some(Duration::from_secs(5)));
        assert_eq!(memory.rests(KEY, &app("1"), at(9)), None);
        assert!(is_empty(&memory));
    }

    #[test]
    fn one_thing_that_ends_leaves_the_others() {
        let memory = Memory::default();
        memory.met(KEY);
        memory.wrote(KEY, &app("7"));
        memory.wrote_at(KEY, at(3));
        assert_eq!(memory.unreadable_since(KEY, at(1)), at(1));
        assert_eq!(memory.unreadable_since(KEY, at(2)), at(1));
        memory.succeeded(KEY);
        memory.was_read(KEY);
        assert_eq!(memory.unreadable_since(KEY, at(5)), at(5));
        assert!(!memory.is_new(KEY));
        assert!(memory.is_outdated(KEY, &app("6")) && !memory.is_outdated(KEY, &app("7")));
        assert!(memory.wrote_since(KEY, at(2)) && !memory.wrote_since(KEY, at(3)));
    }

    #[test]
    fn an_object_that_is_gone_is_forgotten_whole() {
        let memory = Memory::default();
        memory.met(KEY);
        memory.wrote(KEY, &app("7"));
        memory.wrote_at(KEY, at(3));
        memory.unreadable_since(KEY, at(1));
        memory.rest(KEY, &app("7"), at(0), Duration::from_secs(9));
        memory.pause(KEY);
        let mut gone = app("8");
        gone.metadata.deletion_timestamp = serde_json::from_value(serde_json::json!("2026-01-01T00:00:00Z")).unwrap();
        memory.wrote(KEY, &gone);
        assert!(is_empty(&memory));
        assert!(memory.is_new(KEY));
    }
}
