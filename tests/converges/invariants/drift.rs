//! What is told of other people.

use super::brings_revision;
use crate::history::History;
use crate::trace::What;

/// S30: drift is told only where somebody else touched the application, or it acted by itself, since the last call of ours
/// that brought content.
pub(super) fn nothing_of_ours_is_told_as_somebody_elses(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, entry) in history.0.iter().enumerate() {
        let What::Event { reason, note, .. } = &entry.what else {
            continue;
        };
        if !matches!(reason.as_str(), "DriftDetected" | "DriftCorrected") {
            continue;
        }
        let brought = history.calls().filter(|(place, earlier, call)| {
            let content = brings_revision(call) && call.operation != "StartApplication";
            *place < at && earlier.pass < entry.pass && content && history.effect_of(*place).is_some()
        });
        let since = brought.last().map_or(0, |(place, _, _)| place);
        let mut between = history.0[since..at].iter();
        if !between.any(|entry| matches!(entry.what, What::Elsewhere(_))) {
            found.push(format!("what nobody else did is told as drift at {}: {note}", entry.at));
        }
    }
    found
}
