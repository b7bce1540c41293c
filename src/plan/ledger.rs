//! What is written into the journal: which revision runs, which is good, which failed, and when jobs ran unproven.

use jiff::{SignedDuration, Timestamp};

use crate::api::annotation;
use crate::api::condition::Reason;
use crate::api::status::{
    FailedRevision, HistoryEntry, HistoryResult, Intent, Journal, LastFailure, PreviousRevision, Revisions,
    UnprovenSpan,
};
use crate::plan::decision::Note;
use crate::plan::desk::Desk;
use crate::plan::points;
use crate::world::{ApplicationStatus, Sight};

/// How far back the log is searched for the cause of a failure of no change in flight.
const LOOKS_BACK: SignedDuration = SignedDuration::from_mins(30);

/// The most times of unproven jobs that are remembered.
const SPANS: usize = 10;

/// A failure of a change or a start.
pub(super) struct Failure {
    /// The revision that the call or the gate was about.
    pub(super) revision: Option<String>,
    /// Why, as one word.
    pub(super) reason: Reason,
    /// The first cause.
    pub(super) cause: String,
    /// Where the cause comes from.
    pub(super) source: Source,
}

/// Where a cause comes from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// The error of the operation.
    Operation,
    /// The job, as its REST API shows it.
    FlinkRest,
    /// The log of the application.
    CloudWatchLogs,
    /// What the controller observed by itself.
    Controller,
    /// A person's request.
    Request,
}

impl Source {
    /// The word in the status.
    fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "Operation",
            Self::FlinkRest => "FlinkRest",
            Self::CloudWatchLogs => "CloudWatchLogs",
            Self::Controller => "Controller",
            Self::Request => "Request",
        }
    }
}

impl Journal {
    /// When a job was last proven good, as far as it is remembered.
    pub(super) fn proven_at(&self) -> Option<Timestamp> {
        let mut newest_first = self.history.iter().rev();
        newest_first
            .find(|entry| matches!(entry.result, HistoryResult::Promoted | HistoryResult::RolledBack))
            .map(|entry| entry.at)
    }
}

impl Desk<'_> {
    pub(super) fn generation(&self) -> i64 {
        self.situation.app.metadata.generation.unwrap_or_default()
    }

    /// Whether a revision is the newest good one. One that was good earlier is judged like any other when it comes again.
    pub(super) fn is_good(&self, revision: &str) -> bool {
        self.journal.revisions().good.as_deref() == Some(revision)
    }

    /// Whether a revision was proven good: the newest one or the one before it.
    pub(super) fn was_good(&self, revision: &str) -> bool {
        let previous = self.journal.revisions().previous;
        self.is_good(revision) || previous.is_some_and(|previous| previous.revision == revision)
    }

    /// Whether a revision is the newest good one, or an earlier one that the way back leads to: its failure is told, and
    /// condemns nothing.
    pub(super) fn is_gone_back_to(&self, revision: &str) -> bool {
        let way = self.journal.way_back.as_ref();
        self.is_good(revision) || self.was_good(revision) && way.is_some_and(|way| way.to == revision)
    }

    /// When a job was last proven good, as far as it is remembered.
    pub(super) fn proven_at(&self) -> Option<Timestamp> {
        self.journal.proven_at()
    }

    pub(super) fn set_running(&mut self, revision: Option<String>) {
        let mut revisions = self.journal.revisions();
        revisions.running = revision;
        self.journal.revisions = Some(revisions);
    }

    /// The application is gone, and with it every version and job of it: what is known of them leads nowhere.
    pub(super) fn forget_versions(&mut self) {
        self.set_running(None);
        if let Some(revisions) = &mut self.journal.revisions {
            revisions.good_version_id = None;
            revisions.good_snapshot = None;
            revisions.previous = None;
        }
        self.journal.way_back = None;
        self.journal.put_back = None;
        self.journal.resolved_key = None;
        self.journal.unheeded.clear();
        self.journal.rolled_back = None;
        self.journal.last_stop = None;
        self.journal.rollout = None;
        self.journal.given_up_operation_id = None;
        self.journal.brought_job = None;
        self.journal.unproven.clear();
        self.journal.job = None;
        self.journal.snapshots = None;
    }

    /// A start without state uses up the consent to it.
    pub(super) fn handle_consent(&mut self, intent: &Intent) {
        let consent = annotation::value(self.situation.app, annotation::ALLOW_EMPTY_START).map(str::to_owned);
        if !intent.restores && consent.is_some() && consent == intent.revision {
            self.journal.handled.get_or_insert_default().empty_start = consent;
        }
    }

    pub(super) fn record(&mut self, result: HistoryResult, revision: Option<String>) {
        let version_id = self.situation.world.application.as_ref().map(|app| app.version_id);
        let at = self.situation.now;
        self.journal.remember(HistoryEntry {
            at,
            result,
            revision,
            version_id,
            snapshot: None,
        });
    }

    /// Records a failure: of the revision, unless the revision was good before; a good revision only did not start.
    pub(super) fn condemn(&mut self, failure: Failure) {
        let at = self.situation.now;
        let Failure {
            revision,
            reason,
            cause,
            source,
        } = self.with_first_cause(failure);
        match revision.clone() {
            Some(revision) if self.is_gone_back_to(&revision) => {
                self.record(HistoryResult::StartFailed, Some(revision));
            }
            Some(revision) => self.condemn_revision(revision, reason),
            None => {}
        }
        self.journal.last_failure = Some(LastFailure {
            at,
            revision,
            reason,
            cause: cause.clone(),
            source: source.as_str().to_owned(),
        });
        self.journal.rollout = None;
        let app = self.situation.world.application.as_ref();
        if app.is_some_and(|app| app.status == ApplicationStatus::Ready) {
            self.set_running(None);
        }
        self.notes.push(Note::warning(reason.as_str(), cause));
    }

    /// The failure with the first cause from the log, where neither the operation nor Flink told one.
    fn with_first_cause(&mut self, failure: Failure) -> Failure {
        let told = match failure.source {
            Source::Operation | Source::Request | Source::CloudWatchLogs => true,
            Source::FlinkRest => {
                matches!(&self.situation.world.job, Sight::Seen(Some(job)) if job.root_cause.is_some())
            }
            Source::Controller => false,
        };
        if told {
            return failure;
        }
        let logged = self.situation.world.logged.as_ref();
        if let Some(logged) = logged.and_then(|logged| logged.cause.as_ref()) {
            return Failure {
                cause: format!("{logged} ({})", failure.cause),
                source: Source::CloudWatchLogs,
                ..failure
            };
        }
        let rollout = self.journal.rollout.as_ref().map(|rollout| rollout.started_at);
        self.cause_since = Some(rollout.unwrap_or(self.situation.now - LOOKS_BACK));
        failure
    }

    pub(super) fn condemn_revision(&mut self, revision: String, reason: Reason) {
        self.record(HistoryResult::Failed, Some(revision.clone()));
        self.journal
            .failed_revisions
            .retain(|failed| failed.revision != revision);
        if let Some(handled) = &mut self.journal.handled {
            handled.brought.take_if(|brought| *brought == revision);
        }
        self.journal.failed_revisions.push(FailedRevision {
            revision,
            reason,
            at: self.situation.now,
            answered: false,
        });
        let surplus = self.journal.failed_revisions.len().saturating_sub(10);
        self.journal.failed_revisions.drain(..surplus);
    }

    /// Makes a revision the newest good one, running as the version that is observed, and notes where a start of it would
    /// go on.
    pub(super) fn make_good(&mut self, revision: &str, version_id: i64) {
        let before = self.journal.revisions();
        let previous = match (before.good, before.good_version_id) {
            (Some(good), Some(version_id)) if good != revision => Some(PreviousRevision {
                revision: good,
                version_id,
                snapshot: before.good_snapshot,
            }),
            _ => before.previous.filter(|previous| previous.revision != revision),
        };
        self.journal
            .failed_revisions
            .retain(|failed| failed.revision != revision);
        self.journal.revisions = Some(Revisions {
            target: before.target,
            running: Some(revision.to_owned()),
            good: Some(revision.to_owned()),
            good_version_id: Some(version_id),
            good_snapshot: None,
            previous,
        });
        self.journal.had_state = true;
        let gate = self.journal.rollout.take().and_then(|rollout| rollout.gate);
        self.journal.unproven.retain(|span| span.revision != revision);
        self.close_span(gate.map_or(self.situation.now, |gate| gate.since));
        let app = self.situation.world.application.as_ref();
        let snapshot = app
            .and_then(|app| points::restore_point(self, &app.configuration.runtime_environment))
            .map(|snapshot| snapshot.name.clone());
        if let Some(revisions) = &mut self.journal.revisions {
            revisions.good_snapshot = snapshot;
        }
    }

    /// A revision runs well: a rollback is a thing of the past, unless it led to this revision and a newer one is held
    /// back.
    pub(super) fn outlive_rollback(&mut self, revision: &str) {
        let held_back = self.held_back.is_some();
        self.journal
            .rolled_back
            .take_if(|rolled_back| !held_back || rolled_back.to != revision);
    }

    /// The job in place was replaced by another, or ended, at a moment: what it snapshots ends there.
    pub(super) fn close_span(&mut self, at: Timestamp) {
        for span in self.journal.unproven.iter_mut().filter(|span| span.until.is_none()) {
            span.until = Some(at.max(span.from));
        }
    }

    /// A job of a revision is in place from a moment on; it is unproven unless the revision is good.
    pub(super) fn open_span(&mut self, revision: Option<&str>, at: Timestamp) {
        self.close_span(at);
        let Some(revision) = revision.filter(|revision| !self.is_gone_back_to(revision)) else {
            return;
        };
        self.journal.unproven.push(UnprovenSpan {
            revision: revision.to_owned(),
            version_id: self.situation.world.application.as_ref().map(|app| app.version_id),
            from: at,
            until: None,
        });
        let surplus = self.journal.unproven.len().saturating_sub(SPANS);
        self.journal.unproven.drain(..surplus);
    }
}
