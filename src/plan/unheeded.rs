//! What the service reports otherwise than it was sent: the key that an alias names, and members that it accepted and did
//! not change. Neither is sent again.

use crate::api::status::{Intent, Journal, ResolvedKey, Unheeded};
use crate::configuration::digest;
use crate::desired::Desired;
use crate::plan::Desk;
use crate::plan::diff::{Difference, difference, in_words};
use crate::world::{ApplicationStatus, Observed};

/// Learns from the first look after an update of the wanted revision.
pub(super) fn note_update(desk: &mut Desk<'_>, intent: &Intent) {
    let (Ok(want), Some(app)) = (desk.situation.want, &desk.situation.world.application) else {
        return;
    };
    let of_this = intent.revision.as_deref() == Some(want.revision.as_str());
    if !of_this || intent.to_version_id.is_some_and(|version| version != app.version_id) {
        return;
    }
    learn_key(&mut desk.journal, app, want);
    let keyed = with_key(&desk.journal, want);
    let want = keyed.as_ref().unwrap_or(want);
    let left = difference(app, &want.configuration);
    desk.journal.unheeded = (left.change != Difference::default().change).then(|| Unheeded {
        revision: want.revision.to_string(),
        difference: told(app, want),
    });
}

/// Learns from the first look at an application that was created with the wanted revision.
pub(super) fn note_create(desk: &mut Desk<'_>) {
    let (Ok(want), Some(app)) = (desk.situation.want, &desk.situation.world.application) else {
        return;
    };
    let handled = desk.journal.handled.as_ref();
    let created = handled.is_some_and(|handled| {
        handled.approval.as_deref() == Some(want.revision.as_str()) && handled.brought.is_none()
    });
    let untouched = app.version_id == 1 && app.status == ApplicationStatus::Ready && desk.journal.intent.is_none();
    if created && untouched {
        learn_key(&mut desk.journal, app, want);
    }
}

/// The service answers to an alias with the key that it names.
fn learn_key(journal: &mut Journal, app: &Observed, want: &Desired) {
    let sent = want.configuration.kms_key_id.as_ref().filter(|key| is_alias(key));
    let seen = app.configuration.kms_key_id.as_ref().filter(|key| !is_alias(key));
    if let (Some(alias), Some(key)) = (sent, seen) {
        journal.resolved_key = Some(ResolvedKey {
            alias: alias.clone(),
            key: key.clone(),
        });
    }
}

fn is_alias(key: &str) -> bool {
    key.starts_with("alias/") || key.contains(":alias/")
}

/// What is wanted with the key in place of the alias that names it, where the service was seen to answer so.
pub(super) fn with_key(journal: &Journal, want: &Desired) -> Option<Desired> {
    let known = journal.resolved_key.as_ref()?;
    (want.configuration.kms_key_id.as_ref() == Some(&known.alias)).then(|| {
        let mut want = want.clone();
        want.configuration.kms_key_id = Some(known.key.clone());
        want
    })
}

/// Whether what differs is what was left after the update of this revision.
pub(super) fn is_left(desk: &Desk<'_>, app: &Observed, want: &Desired) -> bool {
    let unheeded = desk.journal.unheeded.as_ref();
    unheeded.is_some_and(|left| left.revision == want.revision.as_str() && left.difference == told(app, want))
}

fn told(app: &Observed, want: &Desired) -> String {
    digest(&in_words(&app.configuration, &want.configuration))
}
