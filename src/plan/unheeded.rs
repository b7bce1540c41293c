//! What the service accepts and does not carry out: a difference that stays is not sent again, whatever it is.
//!
//! What a call asks for is written down with its intent, remembered when the service accepts it, and forgotten as soon as a
//! look shows it.

use crate::api::condition::Reason;
use crate::api::status::{Intent, Journal, StepKind, Unheeded};
use crate::configuration::digest;
use crate::desired::Desired;
use crate::plan::decision::{HeldBack, Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::diff::{Difference, difference, in_words};
use crate::plan::resolved_key;
use crate::plan::situation::Situation;
use crate::plan::step::{Step, tag, vpc};
use crate::world::{ApplicationStatus, Observed};

/// Remembers what an accepted call asks for, until a look shows it.
pub(super) fn note_call(journal: &mut Journal, intent: &Intent) {
    if intent.asks.is_empty() {
        return;
    }
    let revision = intent.revision.clone().filter(|_| intent.step.sets_content());
    let mut known = journal.unheeded.iter_mut();
    if let Some(known) = known.find(|call| call.step == intent.step && call.revision == revision) {
        let fresh = intent.asks.iter().filter(|one| !known.asked.contains(one));
        let fresh: Vec<String> = fresh.cloned().collect();
        known.asked.extend(fresh);
        return;
    }
    journal.unheeded.push(Unheeded {
        step: intent.step,
        revision,
        asked: intent.asks.clone(),
        runs: false,
    });
}

/// Forgets what a look shows to be carried out.
pub(super) fn forget_seen(desk: &mut Desk<'_>) {
    if desk.journal.unheeded.is_empty() {
        return;
    }
    let (Some(app), target) = (&desk.situation.world.application, desk.target()) else {
        return;
    };
    let way_back = desk.journal.way_back.as_ref().map(|way| way.to.clone());
    let put_back = desk.journal.put_back.as_ref().map(|put_back| put_back.to.clone());
    let pursued = [target, way_back, put_back];
    desk.journal.unheeded.retain_mut(|unheeded| {
        let left = |one: &String| !shows(app, unheeded.step, one);
        unheeded.asked.retain(left);
        let is_pursued = unheeded.revision.is_none() || pursued.contains(&unheeded.revision);
        is_pursued && !unheeded.asked.is_empty()
    });
}

/// Whether all that a call asks for was accepted before and stays undone.
pub(super) fn is_unheeded(journal: &Journal, step: &Step, revision: &str) -> bool {
    let asks = step.asks();
    !asks.is_empty() && asks.iter().all(|one| was_asked(journal, step.kind(), revision, one))
}

fn was_asked(journal: &Journal, step: StepKind, revision: &str, one: &String) -> bool {
    let mut calls = journal.unheeded.iter().filter(|call| call.step == step);
    calls.any(|call| call.revision.as_deref().is_none_or(|of| of == revision) && call.asked.contains(one))
}

/// A call about tags without what was accepted before and stays undone; the whole of it where nothing else is left.
pub(super) fn fresh(journal: &Journal, step: Step) -> Step {
    let is_fresh = |one: &String| !was_asked(journal, step.kind(), "", one);
    let fresh = match &step {
        Step::Tag { tags } => {
            let fresh = tags.iter().filter(|(key, value)| is_fresh(&tag(key, value)));
            Step::Tag {
                tags: fresh.map(|(key, value)| (key.clone(), value.clone())).collect(),
            }
        }
        Step::Untag { keys } => Step::Untag {
            keys: keys.iter().filter(|key| is_fresh(&digest(key))).cloned().collect(),
        },
        _ => return step,
    };
    if fresh.asks().is_empty() { step } else { fresh }
}

/// Why a call that leaves the job alone is not sent again.
pub(super) fn not_again(step: &Step) -> Plan {
    stall(
        Reason::Rejected,
        format!(
            "the service accepted {} and did not carry it out: {}. It is not sent again; correct what keeps the service from it and annotate sluicegate.dev/retry-requested-at, or change the spec",
            step.kind().operation(),
            in_short(step)
        ),
    )
}

/// What a call that leaves the job alone asks for, in words.
fn in_short(step: &Step) -> String {
    match step {
        Step::Tag { tags } => {
            let keys: Vec<&str> = tags.keys().map(String::as_str).collect();
            format!("spec.tags: {} not set", keys.join(", "))
        }
        Step::Untag { keys } => format!("spec.tags: {} not removed", keys.join(", ")),
        Step::SetMaintenanceWindow { start } => format!("spec.maintenanceWindow.startTime is not {start}"),
        _ => "the configuration is as it was".to_owned(),
    }
}

/// Whether an application is as a call asked for.
fn shows(app: &Observed, step: StepKind, asked: &str) -> bool {
    match step {
        StepKind::Tag => app.tags.iter().any(|(key, value)| tag(key, value) == asked),
        StepKind::Untag => !app.tags.keys().any(|key| digest(key) == asked),
        StepKind::SetMaintenanceWindow => app
            .maintenance_start
            .as_ref()
            .is_some_and(|start| digest(start) == asked),
        StepKind::AddVpc => app.vpcs.values().any(|parts| vpc(parts) == asked),
        StepKind::AddLogging => app.log_streams.values().any(|stream| digest(stream) == asked),
        StepKind::RemoveVpc => !app.vpcs.keys().any(|id| digest(id) == asked),
        StepKind::RemoveLogging => !app.log_streams.keys().any(|id| digest(id) == asked),
        _ => false,
    }
}

/// Learns from the first look after an update of the wanted revision.
pub(super) fn note_update(desk: &mut Desk<'_>, intent: &Intent) {
    let (Ok(want), Some(app)) = (desk.situation.want, &desk.situation.world.application) else {
        return;
    };
    let of_this = intent.revision.as_deref() == Some(want.revision.as_str());
    if !of_this || intent.to_version_id.is_some_and(|version| version != app.version_id) {
        return;
    }
    resolved_key::learn(&mut desk.journal, app, want);
    let keyed = resolved_key::with_key(&desk.journal, want);
    let want = keyed.as_ref().unwrap_or(want);
    let left = difference(app, &want.configuration);
    desk.journal.unheeded.retain(|call| call.step != StepKind::Update);
    let runs = app.status == ApplicationStatus::Running || desk.was_good(want.revision.as_str());
    if left.change != Difference::default().change {
        desk.journal.unheeded.push(Unheeded {
            step: StepKind::Update,
            revision: Some(want.revision.to_string()),
            asked: vec![told(app, want)],
            runs,
        });
    }
}

/// The update of a revision after which this was left as it is.
fn left_by<'a>(journal: &'a Journal, app: &Observed, want: &Desired) -> Option<&'a Unheeded> {
    let mut updates = journal.unheeded.iter().filter(|call| call.step == StepKind::Update);
    let of_this = updates.find(|update| update.revision.as_deref() == Some(want.revision.as_str()))?;
    of_this.asked.contains(&told(app, want)).then_some(of_this)
}

/// Whether what differs is what was left after the update of this revision.
pub(super) fn is_left(journal: &Journal, app: &Observed, want: &Desired) -> bool {
    left_by(journal, app, want).is_some()
}

/// Why the rest of a revision is not sent, while what the service made of it runs: that is watched like any other job.
pub(super) fn held(situation: &Situation<'_>, journal: &Journal) -> Option<HeldBack> {
    let (want, app) = (situation.want.ok()?, situation.world.application.as_ref()?);
    let left = left_by(journal, app, want).filter(|left| left.runs)?;
    let failed = journal.failure_of(left.revision.as_deref()?).is_some();
    (!failed).then(|| HeldBack {
        reason: Reason::Rejected,
        message: message(app, want),
        until: None,
    })
}

/// Why an update that left a difference is not sent again.
pub(super) fn message(app: &Observed, want: &Desired) -> String {
    format!(
        "the service accepted the update to revision {} and reports another configuration as version {}: {}. It is not sent again; change the spec, or annotate sluicegate.dev/retry-requested-at",
        want.revision,
        app.version_id,
        in_words(&app.configuration, &want.configuration)
    )
}

fn told(app: &Observed, want: &Desired) -> String {
    digest(&in_words(&app.configuration, &want.configuration))
}
