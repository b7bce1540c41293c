//! A spec that asks for nothing that can be done: it is invalid, a ConfigMap that it names is missing, or the service cannot
//! do what it asks for.
//!
//! Only its revision waits. What is in place, and ours, is kept as before: it is verified, watched, snapshotted, started
//! again, led back, stopped, and answers requests.

use jiff::SignedDuration;

use crate::api::condition::Reason;
use crate::api::spec::Mode;
use crate::api::status::{Journal, MissingStatus};
use crate::configuration::CodeLocation;
use crate::desired::{Desired, InPlace, Undesirable, Violation, mode};
use crate::plan::decision::{HeldBack, Plan, Stall, Waiting, stall};
use crate::plan::desk::Desk;
use crate::plan::ownership::Ownership;
use crate::plan::situation::Situation;
use crate::world::Observed;

/// How long until a reference is looked for again of which it is not known since when it is missing.
const AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Holds the revision of a spec back that cannot be followed, and returns what holds for what is in place.
pub(super) fn hold(desk: &mut Desk<'_>) -> Option<Desired> {
    let Err(why) = desk.situation.want else { return None };
    let standing = standing(&desk.situation, &desk.journal)?;
    desk.held_back = Some(told(desk, why));
    Some(standing)
}

/// What holds for what is in place, and ours, while the spec cannot be followed.
pub(crate) fn standing(situation: &Situation<'_>, journal: &Journal) -> Option<Desired> {
    let app = situation.world.application.as_ref()?;
    let is_ours = situation.owner.judge(&app.tags) == Ownership::Ours && app.streaming;
    if situation.want.is_ok() || !is_ours || mode(&situation.app.spec) != Mode::Full {
        return None;
    }
    let ours: Vec<&String> = journal.aws.iter().flat_map(|aws| &aws.tag_keys).collect();
    let tags = app.tags.iter().filter(|(key, _)| ours.contains(key));
    let in_place = InPlace {
        configuration: app.configuration.clone(),
        description: app.description.clone(),
        tags: tags.map(|(key, value)| (key.clone(), value.clone())).collect(),
    };
    Some(Desired::standing(situation.app, in_place))
}

/// What is said of a spec that cannot be followed where nothing else is to be done.
pub(super) fn plan(desk: &mut Desk<'_>, why: &Undesirable) -> Plan {
    let held_back = told(desk, why);
    alone(desk, held_back)
}

/// What is said of a revision that is held back because of its spec.
pub(super) fn alone(desk: &Desk<'_>, held_back: HeldBack) -> Plan {
    if held_back.reason != Reason::Pending {
        return stall(held_back.reason, held_back.message);
    }
    Plan::Wait(Waiting {
        reason: held_back.reason,
        message: held_back.message,
        until: held_back.until.unwrap_or(desk.situation.now + AGAIN),
        background: false,
    })
}

/// Whether a revision is held back because its spec cannot be followed.
pub(super) fn is_why(held_back: &HeldBack) -> bool {
    matches!(
        held_back.reason,
        Reason::InvalidSpec | Reason::ReferenceNotFound | Reason::Pending
    )
}

/// A stall over what is in place, with what is wrong in the spec.
pub(super) fn beside(stall: Stall, held_back: &HeldBack) -> Plan {
    let Stall {
        reason,
        message,
        recheck,
    } = stall;
    let message = format!(
        "{}. Beside that, the spec cannot be followed: {}",
        message.trim_end_matches('.'),
        held_back.message
    );
    Plan::Stall(Stall {
        reason,
        message,
        recheck,
    })
}

/// What is wrong in a spec, each with its field.
pub(crate) fn in_words(violations: &[Violation]) -> String {
    let problems: Vec<String> = violations.iter().map(ToString::to_string).collect();
    problems.join("; ")
}

fn told(desk: &mut Desk<'_>, why: &Undesirable) -> HeldBack {
    match why {
        Undesirable::Missing(name) => missing(desk, name),
        Undesirable::Invalid(violations) => invalid(format!("{}. Correct the spec", in_words(violations))),
    }
}

fn invalid(message: String) -> HeldBack {
    HeldBack {
        reason: Reason::InvalidSpec,
        message,
        until: None,
    }
}

fn missing(desk: &mut Desk<'_>, name: &str) -> HeldBack {
    let now = desk.situation.now;
    let what = format!("ConfigMap {name}");
    let since = match &desk.journal.missing {
        Some(missing) if missing.what == what => missing.since,
        _ => now,
    };
    desk.journal.missing = Some(MissingStatus {
        what: what.clone(),
        since,
    });
    let grace_ends = since + desk.situation.rules.reference_grace;
    let is_new = now < grace_ends;
    HeldBack {
        reason: if is_new {
            Reason::Pending
        } else {
            Reason::ReferenceNotFound
        },
        message: format!("{what} of spec.propertyGroups does not exist in the namespace; create it"),
        until: is_new.then_some(grace_ends),
    }
}

/// Why a valid spec cannot be followed: the service does not do what it asks for to an application that exists.
pub(super) fn by_the_service(situation: &Situation<'_>, want: &Desired) -> Option<HeldBack> {
    let app = situation.world.application.as_ref()?;
    let is_ours = situation.owner.judge(&app.tags) == Ownership::Ours && app.streaming;
    is_ours.then(|| unchangeable(app, want)).flatten()
}

fn unchangeable(app: &Observed, want: &Desired) -> Option<HeldBack> {
    if app.description != want.description {
        let message =
            "spec.description: the service offers no update of it; restore the description that the application has";
        return Some(invalid(message.to_owned()));
    }
    let version = |code: &Option<CodeLocation>| code.as_ref().and_then(|code| code.object_version.clone());
    let dropped = version(&want.configuration.code).is_none();
    version(&app.configuration.code).filter(|_| dropped).map(|version| {
        invalid(format!(
            "spec.code.s3.objectVersion cannot be dropped once set: the service would keep {version}; name the version to run"
        ))
    })
}
