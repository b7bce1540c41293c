//! Why operations failed, as far as it was read: a failed operation keeps its cause for ever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most causes that are kept; beyond it all are read anew.
const KEPT: usize = 1000;

/// The causes by the id of the operation; a clone shares them.
#[derive(Clone, Debug, Default)]
pub(super) struct Causes(Arc<Mutex<HashMap<String, String>>>);

impl Causes {
    /// The cause of an operation, when it was read before.
    pub(super) fn of(&self, operation: &str) -> Option<String> {
        let causes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        causes.get(operation).cloned()
    }

    /// Keeps the cause of an operation.
    pub(super) fn keep(&self, operation: &str, cause: &str) {
        let mut causes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if causes.len() >= KEPT {
            causes.clear();
        }
        causes.insert(operation.to_owned(), cause.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_known_once_it_was_kept_and_the_number_is_bounded() {
        let causes = Causes::default();
        assert_eq!(causes.of("op-0"), None);
        for number in 0..KEPT {
            causes.keep(&format!("op-{number}"), "boom");
        }
        assert_eq!(causes.of("op-0").as_deref(), Some("boom"));
        causes.keep("one more", "boom");
        assert_eq!(causes.of("op-0"), None);
        assert_eq!(causes.of("one more").as_deref(), Some("boom"));
    }
}
