//! A call of a change that the service refuses after the job was stopped for the change.
//!
//! Such a call is repeated for two minutes at most, because the job is down meanwhile. Then what ran before is put back and
//! started again, and the revision is held: each try stops the job, so that the next one is a person's.

use jiff::{SignedDuration, Timestamp};

use crate::api::condition::Reason;
use crate::api::spec::{DesiredState, RestoreFrom};
use crate::api::status::{Intent, Journal, PutBack, RanBefore, RefusalStatus, StepKind};
use crate::configuration::Revision;
use crate::desired::{Desired, Initial, RestorePolicy};
use crate::plan::decision::{HeldBack, Note, Plan, Waiting};
use crate::plan::desk::Desk;
use crate::plan::situation::Situation;
use crate::plan::step::Step;
use crate::plan::{change, undesirable, unheeded, waiting};
use crate::world::{ApplicationStatus, Observed};

/// How long a call is repeated that keeps a job stopped.
const TRIED_FOR: SignedDuration = SignedDuration::from_mins(2);

/// What runs again: a revision and the configuration version that holds its content.
struct Target {
    revision: String,
    version_id: i64,
}

impl Target {
    fn in_place_of(self, revision: String, reason: Reason, said: &str, now: Timestamp) -> PutBack {
        PutBack {
            revision,
            to: self.revision,
            version_id: self.version_id,
            reason,
            message: said.chars().take(1000).collect(),
            at: now,
            started: false,
            gives_way: false,
        }
    }
}

/// Remembers what runs no more because a change needs it: if the service refuses the change, it runs again.
pub(super) fn note_what_ran(desk: &mut Desk<'_>, intent: &Intent, running: Option<&String>) {
    let app = desk.situation.world.application.as_ref();
    let found = app.map(|app| Revision::of(&app.configuration, false).to_string());
    let Some(rollout) = &mut desk.journal.rollout else {
        return;
    };
    // Nothing ran any more: what did before the first stop is what is put back.
    if running.is_none() && rollout.ran_before.is_some() {
        return;
    }
    let serves = Some(&rollout.revision) == intent.revision.as_ref() && running != Some(&rollout.revision);
    let version_id = rollout.from_version_id.or(intent.from_version_id);
    let revision = running.cloned().or(found);
    if let (true, Some(revision), Some(version_id)) = (serves, revision, version_id) {
        rollout.ran_before = Some(RanBefore {
            revision,
            version_id,
            refused_since: None,
        });
        // What was refused before the stop was refused for the job that ran then.
        desk.journal.refusal = None;
    }
}

/// Whether a refused call keeps a job stopped, so that it is soon accepted or given up.
pub(crate) fn is_tried(journal: &Journal) -> bool {
    journal.rollout.as_ref().is_some_and(|rollout| {
        let before = rollout.ran_before.as_ref();
        let refused = before.filter(|before| before.refused_since.is_some());
        let target = refused.and_then(|before| target(journal, before));
        target.is_some_and(|target| target.revision != rollout.revision)
    })
}

/// The job of the change was started: what ran before it is a thing of the past.
pub(super) fn forget_what_ran(desk: &mut Desk<'_>) {
    if let Some(rollout) = &mut desk.journal.rollout {
        rollout.ran_before = None;
    }
}

/// A call of the change that had been refused was carried out: the next one gets a time of its own.
pub(super) fn forget_refusals(desk: &mut Desk<'_>) {
    let rollout = desk.journal.rollout.as_mut();
    if let Some(before) = rollout.and_then(|rollout| rollout.ran_before.as_mut()) {
        before.refused_since = None;
    }
}

/// The step of a change while nothing runs, or what follows its refusal.
pub(super) fn admitted(desk: &mut Desk<'_>, want: &Desired, step: Step) -> Plan {
    let before = desk
        .journal
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.ran_before.clone());
    let refusal = waiting::refusal_of(desk, &step);
    let (Some(before), Some(refusal)) = (before.filter(|_| want.state == DesiredState::Running), refusal) else {
        return waiting::admitted(desk, step);
    };
    let Some(since) = before.refused_since else {
        return Plan::Do(step);
    };
    let target = target(&desk.journal, &before).filter(|target| target.revision != want.revision.as_str());
    let Some(target) = target else {
        return waiting::admitted(desk, step);
    };
    let until = since + TRIED_FOR;
    if refusal.last_at >= until {
        let message = format!("{}. {}", said(&refusal), to_check(refusal.step));
        let reason = waiting::reason_of_refusal(refusal.class);
        let put_back = target.in_place_of(want.revision.to_string(), reason, &message, desk.situation.now);
        return begin(desk, put_back);
    }
    let spacing = refusal.last_at.duration_since(since).max(SignedDuration::from_secs(5));
    let next = (refusal.last_at + spacing).min(until);
    if desk.situation.now >= next {
        return Plan::Do(step);
    }
    Plan::Wait(Waiting {
        reason: step.kind().reason(),
        message: format!(
            "{}. It is sent again until {until}; then revision {} runs again",
            said(&refusal),
            target.revision
        ),
        until: next,
        background: false,
    })
}

/// What ran before, or the good revision where that had failed; nothing where nothing was ever good.
fn target(journal: &Journal, before: &RanBefore) -> Option<Target> {
    if journal.failure_of(&before.revision).is_none() {
        return Some(Target {
            revision: before.revision.clone(),
            version_id: before.version_id,
        });
    }
    let revisions = journal.revisions();
    Some(Target {
        revision: revisions.good?,
        version_id: revisions.good_version_id?,
    })
}

/// What follows a stall over a change while nothing runs: what ran before the stop for it is put back.
pub(super) fn instead(desk: &mut Desk<'_>, want: &Desired, plan: Plan) -> Plan {
    let runs = want.state == DesiredState::Running;
    match (plan, replaced(desk, want).filter(|_| runs)) {
        (Plan::Stall(stall), Some(target)) => {
            let revision = want.revision.to_string();
            let put_back = target.in_place_of(revision, stall.reason, &stall.message, desk.situation.now);
            begin(desk, put_back)
        }
        (plan, _) => plan,
    }
}

/// Whether a call that is under way keeps a job stopped that was stopped for the change or for its way back, or keeps what ran
/// before from being put back.
pub(super) fn keeps_stopped(desk: &Desk<'_>, want: &Desired) -> bool {
    let journal = &desk.journal;
    let way_back = journal.way_back.as_ref().is_some_and(|way| !way.started);
    let put_back = journal.put_back.as_ref().is_some_and(|put_back| !put_back.started);
    let is_back = way_back || put_back;
    let nothing_runs = journal.revisions().running.is_none();
    want.state == DesiredState::Running && nothing_runs && (is_back || replaced(desk, want).is_some())
}

/// What ran before the stop for the change, and is put back where the change is given up.
fn replaced(desk: &Desk<'_>, want: &Desired) -> Option<Target> {
    let before = desk.journal.rollout.as_ref()?.ran_before.as_ref()?;
    target(&desk.journal, before).filter(|target| target.revision != want.revision.as_str())
}

/// Gives a call up that was accepted and came to no end while the job is stopped for it: what ran before is put back. The call
/// of a way back, or one that puts back, is not sent again.
pub(super) fn give_up(desk: &mut Desk<'_>, want: &Desired, intent: &Intent) {
    if desk.journal.way_back.is_some() || desk.journal.put_back.is_some() {
        unheeded::note_call(&mut desk.journal, intent);
        return;
    }
    let Some(target) = replaced(desk, want) else { return };
    let message = format!(
        "the service accepted {} at {} and did not carry it out within spec.rollout.progressDeadline. {}",
        intent.step.operation(),
        intent.declared_at,
        to_check(intent.step)
    );
    let revision = want.revision.to_string();
    let put_back = target.in_place_of(revision, Reason::DeadlineExceeded, &message, desk.situation.now);
    begin(desk, put_back);
}

/// Begins to put back what ran before.
fn begin(desk: &mut Desk<'_>, put_back: PutBack) -> Plan {
    let message = format!("{}; revision {} runs again", put_back.message, put_back.to);
    desk.notes.push(Note::warning("PutBack", message.clone()));
    desk.journal.refusal = None;
    desk.journal.put_back = Some(put_back);
    Plan::Wait(Waiting {
        reason: Reason::Updating,
        message,
        until: desk.situation.now + SignedDuration::from_secs(1),
        background: false,
    })
}

/// A job that was stopped for a change does not wait for another revision that is held back: what ran before it is put back.
pub(super) fn give_way(desk: &mut Desk<'_>, held_back: &HeldBack, app: &Observed) -> Option<Plan> {
    let journal = &desk.journal;
    let is_busy = journal.intent.is_some() || journal.way_back.is_some() || journal.put_back.is_some();
    let stays = desk.situation.app.spec.desired_state == DesiredState::Stopped || journal.force_stopped.is_some();
    let spoiled = undesirable::is_why(held_back);
    let waits = spoiled || matches!(held_back.reason, Reason::AwaitingApproval | Reason::OutsideChangeWindow);
    if is_busy || stays || !waits || app.status != ApplicationStatus::Ready {
        return None;
    }
    let rollout = journal.rollout.as_ref()?;
    let target = target(journal, rollout.ran_before.as_ref()?)?;
    let left = rollout.revision.clone();
    let why = if spoiled {
        "the spec cannot be followed"
    } else {
        "another revision waits"
    };
    let said = format!("the job was stopped for revision {left}, and {why}");
    let put_back = PutBack {
        gives_way: true,
        ..target.in_place_of(left, held_back.reason, &said, desk.situation.now)
    };
    Some(begin(desk, put_back))
}

/// Ends the giving way once it is done, or once the revision that waited may go.
pub(super) fn end_giving_way(desk: &mut Desk<'_>, is_held_back: bool) {
    let put_back = &mut desk.journal.put_back;
    put_back.take_if(|put_back| put_back.gives_way && (put_back.started || !is_held_back));
}

fn said(refusal: &RefusalStatus) -> String {
    format!(
        "the service refuses {}: {}",
        refusal.step.operation(),
        refusal.message.trim_end_matches('.')
    )
}

/// What is usually wrong when a call is refused.
fn to_check(step: StepKind) -> &'static str {
    match step {
        StepKind::AddVpc | StepKind::RemoveVpc => {
            "Check the subnets and security groups, and that the role may use ec2:Describe* and ec2:CreateNetworkInterface"
        }
        StepKind::AddLogging | StepKind::RemoveLogging => {
            "Check that the log stream exists in the region of the application, and that the role may write to it"
        }
        StepKind::Start => "Check the quotas, the role, and that it may read the code and use kms:Decrypt of its key",
        _ => "Check the role, the location of the code, and that the role may read it and use kms:Decrypt of its key",
    }
}

/// Why the revision of the spec is not tried again.
pub(super) fn held(situation: &Situation<'_>, journal: &Journal) -> Option<HeldBack> {
    let want = situation.want.ok()?;
    let put_back = journal.put_back.as_ref().filter(|put_back| !put_back.gives_way)?;
    let in_place = if put_back.started {
        format!("revision {} is in its place", put_back.to)
    } else {
        format!("revision {} takes its place", put_back.to)
    };
    (put_back.revision == want.revision.as_str()).then(|| HeldBack {
        reason: put_back.reason,
        message: format!(
            "revision {} was {} at {} and is not tried again, because each try stops the job; {in_place}: {}. Then annotate sluicegate.dev/retry-requested-at, or change the spec",
            put_back.revision,
            if put_back.reason == Reason::DeadlineExceeded { "given up" } else { "refused" },
            put_back.at,
            put_back.message
        ),
        until: None,
    })
}

/// Forgets a refused change that is not asked for any more, or whose predecessor cannot be put back: then the change goes
/// on being tried. Notes when its predecessor runs.
pub(super) fn note(desk: &mut Desk<'_>) {
    let Some(put_back) = desk.journal.put_back.clone() else {
        return;
    };
    let world = desk.situation.world;
    let status = world.application.as_ref().map(|app| &app.status);
    let want = desk.situation.want.ok();
    let is_left = want.is_some_and(|want| want.revision.as_str() != put_back.revision);
    let asked = put_back.gives_way || !is_left;
    let unknown = !put_back.started
        && status == Some(&ApplicationStatus::Ready)
        && !world.versions.contains_key(&put_back.version_id);
    if !asked || unknown {
        desk.journal.put_back = None;
        if let Some(rollout) = desk.journal.rollout.as_mut().filter(|_| unknown) {
            rollout.ran_before = None;
        }
        return;
    }
    let arrives = !put_back.started && status == Some(&ApplicationStatus::Running);
    if let Some(put_back) = desk.journal.put_back.as_mut().filter(|_| arrives) {
        put_back.started = true;
        desk.journal.handled.get_or_insert_default().brought = Some(put_back.to.clone());
    }
}

/// What is pursued until what ran before runs again: its content, and the newest state, which is that of the stop.
pub(super) fn pursued(desk: &Desk<'_>, app: &Observed, want: &Desired) -> Option<Desired> {
    let put_back = desk.journal.put_back.as_ref().filter(|put_back| !put_back.started)?;
    let version = desk.situation.world.versions.get(&put_back.version_id);
    let content = version.map_or(&app.configuration, |version| &version.configuration);
    Some(Desired {
        description: app.description.clone(),
        restore: RestorePolicy {
            initial: Initial::Latest,
            on_start: RestoreFrom::LatestSnapshot,
            on_update: RestoreFrom::LatestSnapshot,
            once: None,
        },
        ..change::back_to(want, &put_back.to, content.clone())
    })
}
