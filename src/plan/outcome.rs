//! What performing a step taught.

use jiff::Timestamp;

use crate::api::status::{Intent, Journal, Phase, PreChange, RefusalClass, RefusalStatus, StepKind};
use crate::fault::{Fault, FaultKind};
use crate::plan::decision::Note;
use crate::plan::desk::Desk;
use crate::plan::not_accepted::Attempt;
use crate::plan::snapshots::failure_note;
use crate::plan::unheeded;

/// The answer to a mutating call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service accepted the call.
    Accepted {
        /// The operation that the service named.
        operation_id: Option<String>,
        /// The configuration version that the service named.
        version_id: Option<i64>,
    },
    /// The call certainly took no effect.
    Refused(Fault),
    /// Nobody knows whether the call took effect: only an observation can tell.
    Unknown(Fault),
}

/// The moment of a refusal.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When.
    pub now: Timestamp,
    /// Under which generation of the spec.
    pub generation: i64,
    /// Whether the snapshot before a change is required.
    pub snapshot_required: bool,
}

impl Journal {
    /// What must be remembered after the call of the open intent was answered.
    pub fn learn(&mut self, outcome: &Outcome, moment: Moment) {
        let Some(intent) = self.intent.as_mut() else { return };
        if matches!(outcome, Outcome::Accepted { .. }) {
            self.not_accepted.take_if(|known| known.step == intent.step);
        }
        match outcome {
            Outcome::Accepted {
                operation_id,
                version_id,
            } => {
                intent.phase = Phase::Issued;
                intent.operation_id.clone_from(operation_id);
                intent.to_version_id = *version_id;
                if intent.step.is_synchronous()
                    && let Some(accepted) = self.intent.take()
                {
                    unheeded::note_call(self, &accepted);
                    self.forget_refusal(accepted.step);
                }
            }
            Outcome::Unknown(_) => intent.phase = Phase::Unknown,
            Outcome::Refused(fault) => self.refused(fault, moment),
        }
    }

    fn refused(&mut self, fault: &Fault, moment: Moment) {
        let Some(intent) = self.intent.take() else { return };
        let Some(class) = class(fault.kind) else {
            if !intent.step.is_about_snapshots_kept() {
                self.tried(Attempt {
                    step: intent.step,
                    revision: intent.revision,
                    message: fault.message.clone(),
                    at: moment.now,
                });
            }
            return;
        };
        self.was_answered(intent.step);
        if intent.step == StepKind::RollBack
            && let Some(way) = &mut self.way_back
        {
            way.rollback_refused = true;
            return;
        }
        if intent.step.is_about_snapshots_kept() {
            self.fail_snapshot(intent.step, moment.now, Some(class), fault.message.clone());
            return;
        }
        if intent.step == StepKind::TakeSnapshot
            && class != RefusalClass::JobDown
            && !moment.snapshot_required
            && let Some(rollout) = &mut self.rollout
        {
            rollout.pre_change = Some(PreChange::NotTaken);
            return;
        }
        let class = self.refused_after_stop(&intent, class, moment.now);
        let earlier = self.refusal_of(intent.step);
        let earlier = earlier.filter(|earlier| earlier.revision == intent.revision && earlier.class == class);
        self.remember_refusal(RefusalStatus {
            step: intent.step,
            revision: intent.revision,
            generation: moment.generation,
            class,
            message: fault.message.clone(),
            first_at: earlier.map_or(moment.now, |earlier| earlier.first_at),
            last_at: moment.now,
        });
    }
}

impl Journal {
    /// The refusal of a kind of call. What is done beside the job has its own: one refusal hides no other.
    #[must_use]
    pub fn refusal_of(&self, step: StepKind) -> Option<&RefusalStatus> {
        let mut known = self.refused_beside.iter().chain(&self.refusal);
        known.find(|refusal| refusal.step == step)
    }

    fn remember_refusal(&mut self, refusal: RefusalStatus) {
        if refusal.step.is_background() {
            self.refused_beside.retain(|known| known.step != refusal.step);
            self.refused_beside.push(refusal);
        } else {
            self.refusal = Some(refusal);
        }
    }

    /// Forgets the refusal of a kind of call; whether there was one.
    pub(super) fn forget_refusal(&mut self, step: StepKind) -> bool {
        let is_known = self.refusal_of(step).is_some();
        self.refused_beside.retain(|known| known.step != step);
        self.refusal.take_if(|refusal| refusal.step == step);
        is_known
    }
}

impl Desk<'_> {
    /// A call that the service accepted and did not carry out stands as one that it refuses because the job is down; whether
    /// it stood so before.
    pub(super) fn came_to_nothing(&mut self, intent: &Intent, cause: &str) -> bool {
        let at = self.situation.now;
        let earlier = self.journal.refusal.as_ref();
        let earlier = earlier.filter(|refusal| refusal.step == intent.step && refusal.revision == intent.revision);
        let first_at = earlier.map(|refusal| refusal.first_at);
        self.journal.refusal = Some(RefusalStatus {
            step: intent.step,
            revision: intent.revision.clone(),
            generation: self.generation(),
            class: RefusalClass::JobDown,
            message: cause.to_owned(),
            first_at: first_at.unwrap_or(at),
            last_at: at,
        });
        first_at.is_some()
    }
}

impl Journal {
    /// The class of a refusal where the job was stopped for the call: it is repeated whatever the service says, because the
    /// texts for what passes by itself and for what does not are alike.
    fn refused_after_stop(&mut self, intent: &Intent, class: RefusalClass, now: Timestamp) -> RefusalClass {
        let rollout = self
            .rollout
            .as_mut()
            .filter(|rollout| Some(&rollout.revision) == intent.revision.as_ref());
        let Some(before) = rollout.and_then(|rollout| rollout.ran_before.as_mut()) else {
            return class;
        };
        if !intent.step.brings_content() {
            return class;
        }
        before.refused_since.get_or_insert(now);
        match class {
            RefusalClass::Rejected => RefusalClass::RoleOrLocation,
            class => class,
        }
    }
}

/// Whether a refusal is remembered as the failure of a snapshot, so that it keeps nothing else waiting.
#[must_use]
pub fn is_failed_snapshot(step: StepKind, fault: &Fault) -> bool {
    step.is_about_snapshots_kept() && class(fault.kind).is_some()
}

/// What a person should hear of an answer whose effect is not told later.
#[must_use]
pub fn answered(step: StepKind, outcome: &Outcome) -> Option<Note> {
    let version_id = match outcome {
        Outcome::Accepted { version_id, .. } => version_id,
        Outcome::Refused(fault) if is_failed_snapshot(step, fault) => {
            let message = format!("the service refuses {}: {}", step.operation(), fault.message);
            return Some(failure_note(step, message));
        }
        Outcome::Refused(_) | Outcome::Unknown(_) => return None,
    };
    let version = version_id.map_or(String::new(), |version| format!(" as version {version}"));
    match step {
        StepKind::Create => Some(Note::normal("Created", format!("the application was created{version}"))),
        StepKind::Update | StepKind::AddVpc | StepKind::RemoveVpc | StepKind::AddLogging | StepKind::RemoveLogging => {
            let operation = step.operation();
            Some(Note::normal(
                "UpdateStarted",
                format!("{operation} was accepted{version}"),
            ))
        }
        _ => None,
    }
}

/// The class of a refusal that says what is wrong; none for what another look and another attempt settle.
fn class(kind: FaultKind) -> Option<RefusalClass> {
    match kind {
        FaultKind::Invalid => Some(RefusalClass::Rejected),
        FaultKind::RoleOrLocation => Some(RefusalClass::RoleOrLocation),
        FaultKind::Denied => Some(RefusalClass::AccessDenied),
        FaultKind::Quota => Some(RefusalClass::QuotaExceeded),
        FaultKind::JobDown => Some(RefusalClass::JobDown),
        FaultKind::TagsLingering => Some(RefusalClass::TagsLingering),
        FaultKind::Throttled
        | FaultKind::Busy
        | FaultKind::Conflict
        | FaultKind::NotFound
        | FaultKind::Unavailable
        | FaultKind::Unknown => None,
    }
}
