//! The queries that were asked, with their results.

use std::collections::BTreeMap;

use serde_json::Value;

/// The most queries whose results are kept.
const QUERIES: usize = 100;

/// The results of queries by id, and whether somebody asked for them already.
#[derive(Debug, Default)]
pub(crate) struct Queries(BTreeMap<String, (Value, bool)>);

impl Queries {
    /// Keeps the results of a query; of very many the first is dropped.
    pub(super) fn keep(&mut self, id: String, results: Value) {
        if self.0.len() >= QUERIES {
            self.0.pop_first();
        }
        self.0.insert(id, (results, false));
    }

    /// The results of a query, and whether somebody asked for them already.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut (Value, bool)> {
        self.0.get_mut(id)
    }
}
