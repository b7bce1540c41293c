//! What is kept of the ConfigMaps that a spec names: what can become properties and no more, so that no resource can fill
//! the memory that all share.

use std::collections::BTreeMap;

use crate::api::spec::FlinkApplicationSpec;
use crate::desired::config_map_names;

/// The most ConfigMaps that the groups of a spec may name together, each as often as it is named; the schema says the same.
pub const MOST_SOURCES: usize = 16;

/// The most bytes that are kept of all ConfigMaps of a spec.
pub const MOST_BYTES: usize = 1 << 20;

/// The most properties of a group in the service.
pub(super) const MOST_PROPERTIES: usize = 50;

/// The most characters of the key or the value of a property in the service.
pub(super) const MOST_CHARACTERS: usize = 2048;

/// The data of the ConfigMaps that a spec names, by name; absent ones are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    config_maps: BTreeMap<String, BTreeMap<String, String>>,
    bytes: usize,
}

impl References {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of the ConfigMaps that are to be read for a spec: none where it names too many.
    #[must_use]
    pub fn to_read(spec: &FlinkApplicationSpec) -> Vec<String> {
        if sources(spec) > MOST_SOURCES {
            return Vec::new();
        }
        config_map_names(spec)
    }

    /// Keeps what a spec can use of a ConfigMap. What is more than the service takes is kept as far as it shows that it is
    /// more; nothing is kept beyond [`MOST_BYTES`].
    pub fn insert(&mut self, name: String, data: BTreeMap<String, String>) {
        let entries = data.into_iter().take(MOST_PROPERTIES + 1);
        let kept: BTreeMap<String, String> = entries.map(|(key, value)| (key, beginning(value))).collect();
        let bytes: usize = kept.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.bytes = self.bytes.saturating_add(bytes);
        if !self.is_too_large() {
            self.config_maps.insert(name, kept);
        }
    }

    /// The data of a ConfigMap.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.config_maps.get(name)
    }

    /// Whether there is more than is kept; nothing more is to be read then.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.bytes > MOST_BYTES
    }
}

impl FromIterator<(String, BTreeMap<String, String>)> for References {
    fn from_iter<I: IntoIterator<Item = (String, BTreeMap<String, String>)>>(config_maps: I) -> Self {
        let mut references = Self::new();
        for (name, data) in config_maps {
            references.insert(name, data);
        }
        references
    }
}

/// How many ConfigMaps the groups of a spec name, each as often as it is named.
pub(super) fn sources(spec: &FlinkApplicationSpec) -> usize {
    let groups = spec.property_groups.iter().flatten();
    groups
        .map(|group| group.properties_from.as_ref().map_or(0, Vec::len))
        .sum()
}

/// A value, or as much of one that is too long as shows that it is.
fn beginning(mut value: String) -> String {
    if let Some((end, _)) = value.char_indices().nth(MOST_CHARACTERS + 1) {
        value.truncate(end);
        value.shrink_to_fit();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(entries: usize, value: &str) -> BTreeMap<String, String> {
        (0..entries)
            .map(|number| (format!("k{number}"), value.to_owned()))
            .collect()
    }

    #[test]
    fn no_more_is_kept_of_a_config_map_than_shows_that_it_is_too_much() {
        let huge = "\u{ac00}".repeat(300_000);
        let references = References::from_iter([
            ("many".to_owned(), data(10_000, "v")),
            ("long".to_owned(), data(1, &huge)),
        ]);
        assert_eq!(references.get("many").unwrap().len(), MOST_PROPERTIES + 1);
        let kept = &references.get("long").unwrap()["k0"];
        assert_eq!(kept.chars().count(), MOST_CHARACTERS + 1);
        assert!(kept.capacity() < 10_000, "{}", kept.capacity());
        let fits = "\u{ac00}".repeat(MOST_CHARACTERS);
        let references = References::from_iter([("fits".to_owned(), data(MOST_PROPERTIES, &fits))]);
        assert_eq!(*references.get("fits").unwrap(), data(MOST_PROPERTIES, &fits));
    }

    #[test]
    fn all_config_maps_of_a_spec_share_one_bound() {
        let full = data(MOST_PROPERTIES, &"v".repeat(MOST_CHARACTERS));
        let mut references = References::new();
        let mut kept = 0;
        while !references.is_too_large() {
            references.insert(format!("map-{kept}"), full.clone());
            kept += 1;
            assert!(kept < MOST_SOURCES, "never too large");
        }
        let bytes: usize = references
            .config_maps
            .values()
            .flatten()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        assert!(bytes <= MOST_BYTES, "{bytes}");
    }
}
