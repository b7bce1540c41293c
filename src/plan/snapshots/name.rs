//! The names of the snapshots that are ours: `sluicegate-UID-REVISION-PURPOSE-MOMENT`.

use std::fmt::Display;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::plan::desk::Desk;
use crate::world::Observed;

/// What the name of every snapshot of ours begins with.
const PREFIX: &str = "sluicegate-";

/// What a snapshot of ours was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Purpose {
    /// Somebody asked for it.
    Request,
    /// The schedule asked for it.
    Run,
    /// There was none to go back to.
    First,
    /// A change is about to be made.
    Change,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Run => "schedule",
            Self::First => "first",
            Self::Change => "pre",
        }
    }

    /// The purpose that a name tells.
    pub(super) fn of(name: &str) -> Self {
        let word = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').nth(2))
            .unwrap_or_default();
        [Self::Request, Self::Run, Self::First]
            .into_iter()
            .find(|purpose| purpose.word() == word)
            .unwrap_or(Self::Change)
    }

    /// Why it was taken, as the end of a sentence.
    pub(super) fn because(self) -> &'static str {
        match self {
            Self::Request => " on request",
            Self::Run => ", as the schedule asks",
            Self::First => ", so that there is one to go back to",
            Self::Change => "",
        }
    }
}

/// The name of a snapshot of a resource; the last part tells it from others for the same purpose.
pub(in crate::plan) fn stem(desk: &Desk<'_>, revision: &str, purpose: Purpose, last: &impl Display) -> String {
    let uid = desk.situation.owner.uid.chars();
    let uid: String = uid.filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("{PREFIX}{uid}-{revision}-{}-{last}", purpose.word())
}

/// The name of the next snapshot for a purpose: of the moment, and not one that another snapshot has.
pub(super) fn free(desk: &Desk<'_>, app: &Observed, purpose: Purpose, at: Timestamp) -> String {
    let running = desk.journal.revisions().running;
    let revision = running.unwrap_or_else(|| format!("v{}", app.version_id));
    let moment = at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ");
    let stem = stem(desk, &revision, purpose, &moment);
    let listed = desk.situation.world.snapshots();
    let is_free = |name: &String| !listed.iter().any(|snapshot| snapshot.name == *name);
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    std::iter::once(stem.clone())
        .chain(numbered)
        .find(is_free)
        .unwrap_or(stem)
}

/// Whether a name is one that this controller gives: the uid of a resource, a revision, and what it was taken for.
pub(in crate::plan) fn is_ours(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let parts: Vec<&str> = rest.splitn(4, '-').collect();
    let [uid, revision, purpose, moment] = parts[..] else {
        return false;
    };
    let words = [Purpose::Request, Purpose::Run, Purpose::First, Purpose::Change].map(Purpose::word);
    !uid.is_empty()
        && uid.len() <= 8
        && uid.chars().all(|c| c.is_ascii_alphanumeric())
        && !revision.is_empty()
        && words.contains(&purpose)
        && moment.starts_with(|c: char| c.is_ascii_digit())
}

/// The version with which the job ran that a snapshot of ours is of: `sluicegate-...-pre-7`, or `...-pre-7-2`.
pub(in crate::plan) fn version(name: &str) -> Option<i64> {
    let (_, rest) = name.strip_prefix(PREFIX)?.rsplit_once("-pre-")?;
    rest.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_ours_tells_what_it_was_taken_for() {
        for (name, purpose) in [
            (
                "sluicegate-0a1b2c3d-7f3c0d1e22ab-schedule-20260601T000000Z",
                Purpose::Run,
            ),
            (
                "sluicegate-0a1b2c3d-7f3c0d1e22ab-request-20260601T000000Z-2",
                Purpose::Request,
            ),
            (
                "sluicegate-0a1b2c3d-7f3c0d1e22ab-first-20260601T000000Z",
                Purpose::First,
            ),
            ("sluicegate-0a1b2c3d-7f3c0d1e22ab-pre-41", Purpose::Change),
        ] {
            assert!(is_ours(name), "{name}");
            assert_eq!(Purpose::of(name), purpose, "{name}");
        }
    }

    #[test]
    fn a_name_that_only_looks_like_ours_is_not() {
        for name in [
            "sluicegate-before-migration",
            "sluicegate-before-the-big-migration",
            "before-0a1b2c3d-7f3c0d1e22ab-schedule-20260601T000000Z",
            "sluicegate-0a1b2c3d-7f3c0d1e22ab-pre-",
            "J83xkehHnXHLILEuwa7V",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }

    #[test]
    fn the_name_of_a_snapshot_of_ours_tells_the_version() {
        assert_eq!(version("sluicegate-0a1b-7f3c0d1e22ab-pre-41"), Some(41));
        assert_eq!(version("sluicegate-0a1b-7f3c0d1e22ab-pre-41-2"), Some(41));
        assert_eq!(version("before-migration-pre-41"), None);
        assert_eq!(version("J83xkehHnXHLILEuwa7V"), None);
    }
}
