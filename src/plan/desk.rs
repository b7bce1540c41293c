//! The work table of a decision: the situation, and the journal and notes as they grow.

use jiff::Timestamp;

use crate::api::condition::{ConditionType, Reason};
use crate::api::status::{Handled, Intent, Journal, Phase, Requests, StepKind};
use crate::desired::Desired;
use crate::plan::decision::{HeldBack, Measure, Note};
use crate::plan::situation::Situation;
use crate::plan::step::Step;
use crate::world::Observed;

/// The work table of a decision: the situation, and the journal and notes as they grow.
pub(super) struct Desk<'a> {
    pub(super) situation: Situation<'a>,
    pub(super) journal: Journal,
    pub(super) notes: Vec<Note>,
    pub(super) measures: Vec<Measure>,
    /// The revision that a step serves where it is not the target.
    pub(super) serves: Option<String>,
    /// Why the revision of the spec is held back; then the situation asks for what is in place.
    pub(super) held_back: Option<HeldBack>,
    /// What somebody else changed, while it is undone.
    pub(super) undone: Option<String>,
    /// Since when the log may tell the first cause of a failure that has none.
    pub(super) cause_since: Option<Timestamp>,
}

impl<'a> Desk<'a> {
    /// The table of a decision before anything is learned.
    pub(super) fn of(situation: &Situation<'a>) -> Self {
        let status = situation.app.status.as_ref();
        Self {
            situation: *situation,
            journal: status.map(|status| status.journal.clone()).unwrap_or_default(),
            notes: Vec::new(),
            measures: Vec::new(),
            serves: None,
            held_back: None,
            undone: None,
            cause_since: None,
        }
    }

    /// The application and what is asked of it, where there are both.
    pub(super) fn pursued(&self) -> Option<(&'a Observed, &'a Desired)> {
        let app = self.situation.world.application.as_ref()?;
        Some((app, self.situation.want.ok()?))
    }
}

impl Desk<'_> {
    /// Whether a condition of the resource has a reason already.
    pub(super) fn was_said(&self, type_: ConditionType, reason: Reason) -> bool {
        let mut conditions = self.situation.app.status.iter().flat_map(|status| &status.conditions);
        conditions.any(|condition| condition.type_ == type_.as_str() && condition.reason == reason.as_str())
    }

    /// Writes a call down before it is sent.
    pub(super) fn declare(&mut self, step: &Step) {
        let world = self.situation.world;
        let fence = step.fence();
        self.journal.intent = Some(Intent {
            step: step.kind(),
            phase: Phase::Declared,
            revision: self.served(),
            restart_nonce: self.situation.want.ok().and_then(|want| want.restart_nonce),
            restart_request: self.journal.requests().restart,
            snapshot_request: self
                .journal
                .requests()
                .snapshot
                .filter(|_| step.kind() == StepKind::BackUp),
            restore_once: self.restore_once().filter(|_| self.serves.is_none()),
            fence: fence.map(|fence| fence.token.clone()),
            from_version_id: world.application.as_ref().map(|app| app.version_id),
            snapshot: step.snapshot().map(str::to_owned),
            restores: step.restores(),
            after_operation_id: world.operations().first().map(|operation| operation.id.clone()),
            declared_at: self.situation.now,
            asks: step.asks(),
            operation_id: None,
            to_version_id: None,
        });
    }

    /// The revision that the next step serves.
    pub(super) fn served(&self) -> Option<String> {
        self.serves.clone().or_else(|| self.target())
    }

    /// The revision that the spec asks for, or asked for last while it asks for nothing valid.
    pub(super) fn target(&self) -> Option<String> {
        match self.situation.want {
            Ok(want) => Some(want.revision.to_string()),
            Err(_) => self.journal.revisions().target,
        }
    }

    /// The nonce of `spec.restore.once`.
    pub(super) fn restore_once(&self) -> Option<i64> {
        let want = self.situation.want.ok()?;
        want.restore.once.as_ref().map(|(nonce, _)| *nonce)
    }

    /// What a call was to do for people was done by it: a restart, and the restore of a snapshot.
    pub(super) fn handle_run(&mut self, intent: &Intent) {
        self.handle_restart(intent.restart_nonce, intent.restart_request.clone());
        if let Some(nonce) = intent.restore_once {
            self.journal.handled.get_or_insert_default().restore_once = Some(nonce);
        }
    }

    /// Notes that requests were acted on.
    pub(super) fn handle(&mut self, note: impl FnOnce(&mut Requests, &mut Handled)) {
        let mut requests = self.journal.requests();
        note(&mut requests, self.journal.handled.get_or_insert_default());
        self.journal.requests = (requests != Requests::default()).then_some(requests);
    }

    /// A request to restart, by nonce or by annotation, was acted on.
    pub(super) fn handle_restart(&mut self, nonce: Option<i64>, request: Option<String>) {
        self.handle(|requests, handled| {
            handled.restart_nonce = nonce.or(handled.restart_nonce);
            if let Some(request) = request {
                if requests.restart.as_ref() == Some(&request) {
                    requests.restart = None;
                }
                handled.restart = Some(request);
            }
        });
    }
}

/// Whether the spec asks for a restart that was not made. A nonce that was removed asks for none.
pub(super) fn restart_wanted(journal: &Journal, want: &Desired) -> bool {
    let handled = journal.handled.as_ref().and_then(|handled| handled.restart_nonce);
    journal.requests().restart.is_some() || (want.restart_nonce.is_some() && handled != want.restart_nonce)
}
