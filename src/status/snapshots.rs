//! Whether there is a snapshot to go back to that is young enough, and room for more.

use crate::api::condition::Reason;
use crate::api::spec::DesiredState;
use crate::api::status::{Journal, RefusalClass};
use crate::plan::Situation;
use crate::plan::snapshots::{ALMOST, nearly_full};
use crate::plan::{switched_off, undesirable};

/// The status, reason and message of the condition; none before the snapshots were listed.
pub(super) fn health(situation: &Situation<'_>, journal: &Journal) -> Option<(&'static str, Reason, String)> {
    let standing = undesirable::standing(situation, journal);
    let want = situation.want.ok().or(standing.as_ref())?;
    if !want.configuration.snapshots_enabled {
        let message = "snapshots are off, as spec.snapshots.enabled says".to_owned();
        return Some(("Unknown", Reason::Disabled, message));
    }
    if switched_off::by_somebody_else(situation, journal) {
        let message = "snapshots are off, and neither the spec nor a revision that was brought has them off".to_owned();
        return Some(("False", Reason::Disabled, message));
    }
    let known = journal.snapshots.as_ref()?;
    let failure = known.failure.as_ref();
    let refused = failure.filter(|failure| failure.class == Some(RefusalClass::QuotaExceeded));
    if let Some(refused) = refused {
        let message = format!(
            "the service takes no more snapshots at {} of them: {}; set spec.snapshots.retention, or delete some",
            known.count, refused.message
        );
        return Some(("False", Reason::LimitReached, message));
    }
    if known.count >= ALMOST {
        return Some(("False", Reason::LimitReached, nearly_full(known.count)));
    }
    let why = failure.map_or(String::new(), |failure| {
        format!(". The last attempt of {} failed: {}", failure.at, failure.message)
    });
    let Some((latest, latest_at)) = known.latest.as_ref().zip(known.latest_at) else {
        return Some(if failure.is_some() {
            (
                "False",
                Reason::Stale,
                format!("no job of a good revision was snapshotted{why}"),
            )
        } else {
            let message = "no job of a good revision was snapshotted yet".to_owned();
            ("Unknown", Reason::NoData, message)
        });
    };
    let stale_after = want
        .snapshots
        .stale_after
        .filter(|_| want.state == DesiredState::Running);
    if let Some(stale_after) = stale_after.filter(|stale_after| situation.now >= latest_at + *stale_after) {
        let message = format!(
            "the newest snapshot of a good revision is {latest} of {latest_at}, older than spec.snapshots.staleAfter ({stale_after:#}){why}"
        );
        return Some(("False", Reason::Stale, message));
    }
    let message = format!("the newest snapshot of a good revision is {latest} of {latest_at}");
    Some(("True", Reason::Fresh, message))
}
