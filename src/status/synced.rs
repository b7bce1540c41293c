//! The condition `Synced`: whether the service has what the spec asks for.

use crate::api::condition::Reason;
use crate::api::spec::Mode;
use crate::api::status::Journal;
use crate::desired::Undesirable;
use crate::plan::Situation;
use crate::plan::change_control::held_back;
use crate::plan::diff::{in_sync, in_words};
use crate::plan::undesirable::in_words as in_words_of;

pub(super) fn synced(situation: &Situation<'_>, journal: &Journal) -> (bool, Reason, String) {
    let want = match situation.want {
        Ok(want) => want,
        Err(Undesirable::Invalid(violations)) => {
            return (
                false,
                Reason::InvalidSpec,
                format!(
                    "the spec is invalid and nothing is compared: {}",
                    in_words_of(violations)
                ),
            );
        }
        Err(Undesirable::Missing(name)) => {
            return (
                false,
                Reason::Pending,
                format!("ConfigMap {name} does not exist; nothing is compared"),
            );
        }
    };
    let held_back = held_back(situation, journal);
    let drifted = held_back
        .as_ref()
        .is_some_and(|held| held.reason == Reason::DriftDetected);
    if !drifted && in_sync(situation.world, want) {
        return (
            true,
            Reason::InSync,
            format!("the service has revision {}", want.revision),
        );
    }
    if want.mode == Mode::ObserveOnly {
        let words = situation.world.application.as_ref().map_or_else(
            || "there is no application".to_owned(),
            |app| in_words(&app.configuration, &want.configuration),
        );
        return (false, Reason::ObserveOnly, words);
    }
    if let Some(held_back) = held_back {
        return (false, held_back.reason, held_back.message);
    }
    if let Some(failed) = journal.failure_of(want.revision.as_str()) {
        let how = match failed.reason {
            Reason::Manual | Reason::System => "was left by a rollback",
            _ => "failed",
        };
        let message = format!("revision {} {how} and is held back", want.revision);
        return (false, Reason::FailedRevisionHeld, message);
    }
    (
        false,
        Reason::Pending,
        format!("the service does not have revision {} yet", want.revision),
    )
}
