//! Events: one per transition, none repeated within an hour, at most ten an hour for an object.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt};
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

/// Publishes notes as events, each with its own text.
///
/// The recorder of kube counts events of the same reason and keeps the text of the first, so that a second failure
/// would be told with the cause of the first.
pub(super) struct Herald {
    client: Client,
    told: Mutex<HashMap<String, Vec<(Timestamp, String)>>>,
}

impl Herald {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            told: Mutex::default(),
        }
    }

    /// Publishes notes about an object. An event that cannot be published is logged, never a reason to stop.
    pub(super) async fn announce(&self, now: Timestamp, app: &FlinkApplication, notes: &[Note]) {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &app.namespace().unwrap_or_default());
        for note in notes.iter().filter(|note| self.is_due(now, app, note)) {
            let event = event(now, app, note);
            match tokio::time::timeout(DEADLINE, api.create(&PostParams::default(), &event)).await {
                Ok(Ok(_)) => {}
                Ok(Err(kube::Error::Api(status))) if status.code == 409 => {}
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

/// The event of a note. Its name derives from what it says, so that the API server refuses what a process that is gone
/// has told already.
fn event(now: Timestamp, app: &FlinkApplication, note: &Note) -> Event {
    let mut digest = DefaultHasher::new();
    (app.uid(), note.reason, &note.message).hash(&mut digest);
    let stem: String = app.name_any().chars().take(230).collect();
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{stem}.{:016x}", digest.finish())),
            namespace: app.namespace(),
            ..ObjectMeta::default()
        },
        type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(note.reason.to_owned()),
        note: Some(bounded(&note.message)),
        action: Some("Reconcile".to_owned()),
        event_time: Some(MicroTime(now)),
        regarding: Some(app.object_ref(&())),
        reporting_controller: Some(FIELD_MANAGER.to_owned()),
        reporting_instance: Some(FIELD_MANAGER.to_owned()),
        ..Event::default()
    }
}

fn bounded(text: &str) -> String {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
