//! Reads the files of the repository; a file that is missing or does not parse fails the test that asks for it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text of every Rust file below a folder.
pub(crate) fn rust_sources(folder: &str) -> String {
    let entries = fs::read_dir(at(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut found = String::new();
    for entry in entries.flatten() {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found += &rust_sources(&path);
        } else if entry.path().extension().is_some_and(|end| end == "rs") {
            found += &text(&path);
        }
    }
    found
}

/// All documents of a YAML file.
pub(crate) fn documents(path: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(&text(path))
        .map(|document| Value::deserialize(document).unwrap_or_else(|error| panic!("{path}: {error}")))
        .filter(|document| !document.is_null())
        .collect()
}

/// The only document of a YAML file.
pub(crate) fn only(path: &str) -> Value {
    let mut all = documents(path);
    assert_eq!(all.len(), 1, "{path} holds one document");
    all.remove(0)
}

/// A JSON file.
pub(crate) fn json_file(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the YAML files of a folder, in order.
pub(crate) fn yaml_files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(at(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "yaml"))
        .collect();
    names.sort();
    names
}
