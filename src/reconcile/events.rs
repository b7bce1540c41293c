//! Events: one per transition, none repeated within an hour, at most ten an hour for an object.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource, ResourceExt};
use tracing::warn;

use crate::api::FIELD_MANAGER;
use crate::api::spec::FlinkApplication;
use crate::plan::Note;

/// The most events of one object within an hour.
const MOST: usize = 10;

/// How long publishing one event may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// The longest text of an event, in bytes; the API server takes 1 KiB.
const TEXT_LIMIT: usize = 1000;

/// Publishes notes as events.
pub(super) struct Herald {
    recorder: Recorder,
    told: Mutex<HashMap<String, Vec<(Timestamp, String)>>>,
}

impl Herald {
    pub(super) fn new(client: Client) -> Self {
        let reporter = Reporter {
            controller: FIELD_MANAGER.to_owned(),
            instance: None,
        };
        Self {
            recorder: Recorder::new(client, reporter),
            told: Mutex::default(),
        }
    }

    /// Publishes notes about an object. An event that cannot be published is logged, never a reason to stop.
    pub(super) async fn announce(&self, now: Timestamp, app: &FlinkApplication, notes: &[Note]) {
        for note in notes.iter().filter(|note| self.is_due(now, app, note)) {
            let event = Event {
                type_: if note.warning {
                    EventType::Warning
                } else {
                    EventType::Normal
                },
                reason: note.reason.to_owned(),
                note: Some(bounded(&note.message)),
                action: "Reconcile".to_owned(),
                secondary: None,
            };
            let reference = app.object_ref(&());
            match tokio::time::timeout(DEADLINE, self.recorder.publish(&event, &reference)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!(object = %app.name_any(), reason = note.reason, %error, "event not published"),
                Err(_) => warn!(object = %app.name_any(), reason = note.reason, "event not published in time"),
            }
        }
    }

    fn is_due(&self, now: Timestamp, app: &FlinkApplication, note: &Note) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, events| {
            events.retain(|(at, _)| now.duration_since(*at) < SignedDuration::from_hours(1));
            !events.is_empty()
        });
        let events = told.entry(app.uid().unwrap_or_default()).or_default();
        let text = format!("{}: {}", note.reason, note.message);
        if events.len() >= MOST || events.iter().any(|(_, earlier)| *earlier == text) {
            return false;
        }
        events.push((now, text));
        true
    }
}

fn bounded(text: &str) -> String {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
