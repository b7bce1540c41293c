//! The audit log of the API server: who asked for what.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::Controller;

/// The audit log of one API server (`audit.k8s.io/v1` events, one a line).
#[derive(Debug)]
pub(crate) struct AuditLog {
    path: PathBuf,
    judged: Mutex<Judged>,
}

/// A place in an audit log: what is before it is older.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AuditMark(u64);

/// What is known of the controller's requests up to a place. No part of the log is read twice for it, although every test
/// asks.
#[derive(Debug, Default)]
struct Judged {
    until: AuditMark,
    requests: usize,
    unauthorised: Vec<String>,
}

impl AuditLog {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            path: dir.join(super::control_plane::AUDIT_LOG),
            judged: Mutex::default(),
        }
    }

    /// The end of the log at this moment.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[track_caller]
    pub(crate) fn mark(&self) -> AuditMark {
        let length = self.path.metadata().map(|metadata| metadata.len());
        AuditMark(length.unwrap_or_else(|error| panic!("read {}: {error}", self.path.display())))
    }

    /// The requests that the API server has answered after a place, oldest first.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[track_caller]
    pub(crate) fn since(&self, mark: AuditMark) -> Vec<Value> {
        self.read(mark).0
    }

    /// The requests of the controller after a place, oldest first.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[track_caller]
    pub(crate) fn of_the_controller_since(&self, mark: AuditMark) -> Vec<Value> {
        let mut events = self.since(mark);
        events.retain(is_of_the_controller);
        events
    }

    /// Holds that no request of any controller lacked a right so far, and that there were some.
    ///
    /// A request may still be refused by admission, as every create in a namespace that is being deleted.
    ///
    /// # Panics
    /// When one lacked a right, and when the log cannot be read.
    #[track_caller]
    pub(crate) fn assert_never_unauthorised(&self) {
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let (events, end) = self.read(judged.until);
        judged.until = end;
        for event in events.iter().filter(|event| is_of_the_controller(event)) {
            judged.requests += 1;
            if event["annotations"]["authorization.k8s.io/decision"] != "allow" {
                let said = format!("{} {}: {}", event["verb"], event["requestURI"], event["responseStatus"]);
                judged.unauthorised.push(said);
            }
        }
        assert!(
            judged.requests > 0,
            "the audit log names no request of {}",
            Controller::USER
        );
        let lacking = &judged.unauthorised;
        assert!(lacking.is_empty(), "the controller lacks rights: {lacking:#?}");
    }

    /// What is complete after a place, and where it ends.
    #[track_caller]
    fn read(&self, mark: AuditMark) -> (Vec<Value>, AuditMark) {
        let mut text = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(mark.0))?;
            file.read_to_end(&mut text)
        });
        read.unwrap_or_else(|error| panic!("read {}: {error}", self.path.display()));
        // The last line may be half written; it is there in whole at the next look.
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let lines = text[..end].split(|byte| *byte == b'\n');
        let events = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        (events, AuditMark(mark.0 + u64::try_from(end).unwrap_or_default()))
    }
}

fn is_of_the_controller(event: &Value) -> bool {
    event["user"]["username"] == Controller::USER
}
