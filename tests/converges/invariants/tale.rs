//! Traces that are written by hand, to hold the laws themselves to account.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::LAWS;
use crate::history::History;
use crate::trace::{Call, Entry, Origin, Read, Seen, What, Write};

/// A trace that is written by hand.
pub(super) struct Tale {
    entries: Vec<Entry>,
    object: Value,
    pub(super) seen: Seen,
    pub(super) origin: Origin,
}

pub(super) fn object() -> Value {
    json!({
        "metadata": {"name": "orders", "namespace": "streaming", "uid": "u1", "resourceVersion": "5", "annotations": {}},
        "spec": {},
        "status": {"hadState": true, "intent": {"revision": "r1"}},
    })
}

pub(super) fn restore(kind: &str, snapshot: Option<&str>) -> Value {
    json!({
        "ApplicationRestoreConfiguration": {"ApplicationRestoreType": kind, "SnapshotName": snapshot},
        "FlinkRunConfiguration": {"AllowNonRestoredState": false},
    })
}

impl Tale {
    /// An application of ours with one snapshot.
    pub(super) fn new() -> Self {
        let tags = [
            ("cluster", "simulated"),
            ("namespace", "streaming"),
            ("name", "orders"),
            ("uid", "u1"),
        ];
        Self {
            entries: Vec::new(),
            object: object(),
            seen: Seen {
                tags: tags
                    .map(|(key, value)| (format!("sluicegate.dev/{key}"), value.to_owned()))
                    .into(),
                operations: Vec::new(),
                snapshots: vec![("s1".to_owned(), "READY".to_owned())],
                snapshots_on: true,
            },
            origin: Origin::default(),
        }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Value, &mut Seen)) -> Self {
        change(&mut self.object, &mut self.seen);
        self
    }

    pub(super) fn add(mut self, second: i64, what: What) -> Self {
        let passes = self.entries.iter().filter(|entry| matches!(entry.what, What::Pass(_)));
        let pass = u32::try_from(passes.count()).unwrap() + u32::from(matches!(what, What::Pass(_)));
        self.entries.push(Entry {
            at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second),
            pass,
            process: 1,
            what,
        });
        self
    }

    /// A pass that describes the application in a status.
    pub(super) fn pass(self, second: i64, status: Option<&str>) -> Self {
        let object = Arc::new(self.object.clone());
        let read = Read {
            operation: "DescribeApplication".to_owned(),
            status: status.map(str::to_owned),
            token: status.map(|_| "t1".to_owned()),
            secret: None,
            up: None,
        };
        self.add(second, What::Pass(object)).add(second, What::Read(read))
    }

    pub(super) fn call(self, second: i64, operation: &str, input: Value) -> Self {
        self.sent(second, operation, input, true)
    }

    pub(super) fn sent(self, second: i64, operation: &str, input: Value, answered: bool) -> Self {
        let call = Call {
            operation: operation.to_owned(),
            input: Arc::new(input),
            before: Some(self.seen.clone()),
            live_uid: Some("u1".to_owned()),
            took_effect: answered,
            answered,
            job_is_down: false,
            operation_id: Some("o1".to_owned()),
            origin: self.origin.clone(),
        };
        self.add(second, What::Call(call))
    }

    /// What happened so far, to be changed.
    pub(super) fn entries_mut(&mut self) -> &mut Vec<Entry> {
        &mut self.entries
    }

    pub(super) fn wrote(self, second: i64, before: Value, after: Value) -> Self {
        let write = Write {
            status: true,
            before: Some(Arc::new(before)),
            after: Some(Arc::new(after)),
            restored: None,
        };
        self.add(second, What::Write(write))
    }

    pub(super) fn event(self, second: i64, note: &str) -> Self {
        self.tells(second, false, note)
    }

    pub(super) fn tells(self, second: i64, warning: bool, note: &str) -> Self {
        let (reason, note) = ("Started".to_owned(), note.to_owned());
        self.add(second, What::Event { reason, warning, note })
    }

    /// The laws that the trace breaks, each once.
    pub(super) fn breaks(&self) -> Vec<&'static str> {
        let history = History(&self.entries);
        let broken = LAWS.iter().filter(|(_, law)| !law(history).is_empty());
        let mut names: Vec<_> = broken.map(|(name, _)| *name).collect();
        names.dedup();
        names
    }
}
