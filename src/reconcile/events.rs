//! Events: one per transition, none repeated within an hour, at most ten an hour for an object, and ten warnings beside
//! them; stalls are always told.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt};
use tracing::{info, warn};

use crate::api::FIELD_MANAGER;
use crate::api::spec::FlinkApplication;
use crate::api::status::Journal;
use crate::plan::Note;

/// The most events of one object within an hour, and the most warnings: what went well silences no warning.
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
    told: Told,
}

/// What was told of each object within the last hour, by its uid.
#[derive(Default)]
struct Told(Mutex<HashMap<String, Vec<Telling>>>);

struct Telling {
    at: Timestamp,
    warning: bool,
    stall: bool,
    text: String,
}

impl Herald {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            told: Told::default(),
        }
    }

    /// Logs notes about an object and publishes them. An event that cannot be published is logged, never a reason to stop.
    pub(super) async fn announce(&self, now: Timestamp, app: &FlinkApplication, journal: &Journal, notes: &[Note]) {
        for note in notes {
            log(app, journal, note);
        }
        let api: Api<Event> = Api::namespaced(self.client.clone(), &app.namespace().unwrap_or_default());
        let uid = app.uid().unwrap_or_default();
        for note in notes.iter().filter(|note| self.told.is_due(now, &uid, note)) {
            let event = event(now, app, note);
            match tokio::time::timeout(DEADLINE, api.create(&PostParams::default(), &event)).await {
                Ok(Ok(_)) => {}
                Ok(Err(kube::Error::Api(status))) if status.code == 409 => {}
                Ok(Err(error)) => {
                    self.told.forget(&uid, note);
                    warn!(object = %app.name_any(), reason = note.reason, %error, "event not published");
                }
                Err(_) => {
                    self.told.forget(&uid, note);
                    warn!(object = %app.name_any(), reason = note.reason, "event not published in time");
                }
            }
        }
    }
}

impl Told {
    /// Whether a note is to be told; then it counts as told.
    fn is_due(&self, now: Timestamp, uid: &str, note: &Note) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, events| {
            events.retain(|event| now.duration_since(event.at) < SignedDuration::from_hours(1));
            !events.is_empty()
        });
        let events = told.entry(uid.to_owned()).or_default();
        let text = text_of(note);
        let alike = events
            .iter()
            .filter(|event| event.warning == note.warning && !event.stall);
        if !note.stall && alike.count() >= MOST || events.iter().any(|event| event.text == text) {
            return false;
        }
        events.push(Telling {
            at: now,
            warning: note.warning,
            stall: note.stall,
            text,
        });
        true
    }

    /// A note was not published after all, so that it may be told again.
    fn forget(&self, uid: &str, note: &Note) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(events) = told.get_mut(uid) {
            let text = text_of(note);
            events.retain(|event| event.text != text);
        }
    }
}

fn text_of(note: &Note) -> String {
    format!("{}: {}", note.reason, note.message)
}

/// Writes a note into the log, whatever becomes of its event, with the revision that the spec asks for and the version in
/// the service.
fn log(app: &FlinkApplication, journal: &Journal, note: &Note) {
    info!(
        namespace = app.namespace(),
        name = app.name_any(),
        revision = journal.revisions().target,
        version = journal.aws.as_ref().and_then(|aws| aws.application_version_id),
        reason = note.reason,
        warning = note.warning,
        "{}",
        note.message
    );
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::api::status::{AwsStatus, Revisions};
    use crate::telemetry::{Colours, LogFormat, subscriber};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_note_is_a_line_of_the_log_that_says_of_what() {
        let spec = "{runtimeEnvironment: FLINK-1_20, serviceExecutionRole: r, code: {s3: {bucket: b, key: k}}}";
        let mut app = FlinkApplication::new("orders", serde_yaml::from_str(spec).unwrap());
        app.metadata.namespace = Some("streaming".into());
        let journal = Journal {
            revisions: Some(Revisions {
                target: Some("r1".into()),
                ..Revisions::default()
            }),
            aws: Some(AwsStatus {
                application_version_id: Some(3),
                ..AwsStatus::default()
            }),
            ..Journal::default()
        };
        let lines = Lines::default();
        let log_of = subscriber(LogFormat::Json, "info", Colours::Never, lines.clone()).unwrap();
        tracing::subscriber::with_default(log_of, || {
            log(&app, &journal, &Note::warning("RolledBack", "it failed"));
        });
        let line: serde_json::Value = serde_json::from_slice(&lines.0.lock().unwrap()).unwrap();
        let said = ["level", "namespace", "name", "revision", "reason", "message"].map(|field| line[field].as_str());
        let expected = ["INFO", "streaming", "orders", "r1", "RolledBack", "it failed"].map(Some);
        assert_eq!(said, expected, "{line}");
        assert_eq!(line["version"], 3);
    }

    #[test]
    fn what_went_well_silences_no_warning_and_both_are_bounded() {
        let told = Told::default();
        let at = |minute: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
        let told_of = |minute: i64, warning: bool| {
            let notes = (0..20).map(|number| Note {
                reason: "Reason",
                warning,
                stall: false,
                message: format!("{minute} {number}"),
            });
            notes.filter(|note| told.is_due(at(minute), "uid", note)).count()
        };
        assert_eq!(told_of(0, false), MOST);
        assert_eq!(told_of(1, true), MOST);
        assert_eq!((told_of(2, false), told_of(2, true)), (0, 0));
        let stall = Note::stall("Rejected", "why");
        let told_twice = [2, 3].map(|minute| told.is_due(at(minute), "uid", &stall));
        assert_eq!(told_twice, [true, false], "a stall is told whatever was told before");
        told.forget("uid", &stall);
        assert!(
            told.is_due(at(4), "uid", &stall),
            "one that was not published is told again"
        );
        assert_eq!((told_of(60, false), told_of(61, true)), (MOST, MOST));
        let note = Note::warning("Reason", "another");
        let first_and_again = [at(122), at(123)].map(|at| told.is_due(at, "uid", &note));
        assert_eq!(first_and_again, [true, false]);
    }
}
