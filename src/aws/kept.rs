//! What was read or made once and is kept, in a bounded number.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A map with a most number of entries; when it is full, all of them are given up before another is kept.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    most: usize,
    entries: Mutex<HashMap<K, V>>,
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    /// An empty map of at most so many entries.
    pub(crate) fn at_most(most: usize) -> Self {
        Self {
            most,
            entries: Mutex::default(),
        }
    }

    /// The value that is kept for a key.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.entries().get(key).cloned()
    }

    /// The value that is kept for a key, or one that is made and kept.
    pub(crate) fn get_or_make(&self, key: K, make: impl FnOnce(&K) -> V) -> V {
        let mut entries = self.entries();
        if let Some(value) = entries.get(&key) {
            return value.clone();
        }
        let value = make(&key);
        self.insert(&mut entries, key, value.clone());
        value
    }

    /// Keeps a value for a key.
    pub(crate) fn keep(&self, key: K, value: V) {
        self.insert(&mut self.entries(), key, value);
    }

    /// Gives up the value of a key.
    pub(crate) fn forget<Q: Eq + Hash + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.entries().remove(key);
    }

    fn insert(&self, entries: &mut HashMap<K, V>, key: K, value: V) {
        if entries.len() >= self.most {
            entries.clear();
        }
        entries.insert(key, value);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_once_it_was_kept_and_the_number_is_bounded() {
        let kept = Kept::at_most(1000);
        assert_eq!(kept.get("op-0"), None::<String>);
        for number in 0..1000 {
            kept.keep(format!("op-{number}"), "boom".to_owned());
        }
        assert_eq!(kept.get("op-0").as_deref(), Some("boom"));
        kept.keep("one more".to_owned(), "boom".to_owned());
        assert_eq!(kept.get("op-0"), None);
        assert_eq!(kept.get("one more").as_deref(), Some("boom"));
    }
}
