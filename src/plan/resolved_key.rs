//! The key that an alias names, and the revisions that a content can be of: the service answers to an alias, or to the id of a
//! key, with the ARN of the key.

use crate::api::status::{Journal, ResolvedKey};
use crate::configuration::{Configuration, Revision};
use crate::desired::{Desired, with_known_key};
use crate::plan::desk::Desk;
use crate::world::{ApplicationStatus, Observed};

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
        learn(&mut desk.journal, app, want);
    }
}

/// The service answers to an alias with the key that it names.
pub(super) fn learn(journal: &mut Journal, app: &Observed, want: &Desired) {
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
    let configuration = with_known_key(journal, &want.configuration)?;
    Some(Desired {
        configuration,
        ..want.clone()
    })
}

/// The revisions that a content can be of, each with whether its starts may drop unclaimed state.
pub(super) struct Candidates(Vec<(Revision, bool)>);

impl Candidates {
    /// Those of the content of an application: what the service reports tells neither how the spec names the key nor whether
    /// state may be dropped.
    pub(super) fn of(journal: &Journal, seen: &Configuration) -> Self {
        let mut contents = vec![seen.clone()];
        if let Some(key) = &seen.kms_key_id {
            let known = journal.resolved_key.as_ref().filter(|known| known.key == *key);
            let id = key.rsplit_once('/').map(|(_, id)| id.to_owned());
            let names = known.map(|known| known.alias.clone()).into_iter().chain(id);
            contents.extend(names.map(|name| Configuration {
                kms_key_id: Some(name),
                ..seen.clone()
            }));
        }
        let either = |content| {
            let [keeping, dropping] = Revision::either(content);
            [(keeping, false), (dropping, true)]
        };
        Self(contents.iter().flat_map(either).collect())
    }

    /// Whether the content can be of a revision.
    pub(super) fn have(&self, revision: &str) -> bool {
        self.0.iter().any(|(found, _)| found.as_str() == revision)
    }

    /// Whether the content can be of a revision whose starts may drop state.
    pub(super) fn may_drop(&self, revision: &Revision) -> bool {
        self.0.iter().any(|(found, may_drop)| found == revision && *may_drop)
    }

    /// The revisions.
    pub(super) fn revisions(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(revision, _)| revision.as_str())
    }
}
