//! The planner of another commit beside this one, while the planner is rebuilt: both make every decision, and what they
//! decide differently is a named difference or a fault.
//!
//! `tests/proof/shadow.sh COMMIT` writes that planner to `target/shadow/before.rs`. Which of the two is heeded is said by
//! `SLUICEGATE_SHADOW` when this is built: with `before` it is the other one, so that the states are compared which only that
//! one reaches.

use crate::plan::decision::Decision;
use crate::plan::situation::Situation;

#[rustfmt::skip]
#[path = "../../target/shadow/before.rs"]
mod before;

/// Whose decision is heeded; `before` is that of the other commit.
const HEEDED: Option<&str> = option_env!("SLUICEGATE_SHADOW");

/// A difference that is meant: its name, and where it is one.
type Named = (&'static str, fn(&Situation<'_>, &Decision, &Decision) -> bool);

/// The differences that are meant.
const NAMED: &[Named] = &[];

/// The decision that is heeded, once both were compared.
///
/// # Panics
/// Panics where they differ and the difference has no name.
pub(super) fn beside(situation: &Situation<'_>, after: Decision) -> Decision {
    let before = before::plan(situation);
    let is_meant = || NAMED.iter().any(|(_, is_one)| is_one(situation, &before, &after));
    assert!(
        before == after || is_meant(),
        "the planners differ.\nbefore: {before:#?}\nafter: {after:#?}\nstatus: {:#?}",
        situation.app.status
    );
    if HEEDED == Some("before") { before } else { after }
}
