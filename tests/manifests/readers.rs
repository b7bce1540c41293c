//! Every reader of YAML takes what ships for the same: kubectl, Helm and Argo CD read version 1.1, in which a plain `Off` is
//! a boolean and a plain `22:00` may be a number.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::files::{documents, yaml_files};

/// Prints the documents of the file that is its argument as JSON.
const READ: &str =
    "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1]))), default=repr))";

/// The folders whose files are applied as they are.
const FOLDERS: [&str; 5] = ["crds", "deploy", "deploy/rbac", "deploy/tenancy", "deploy/examples"];

/// The interpreter with `PyYAML` that `make tools` installs.
fn python() -> PathBuf {
    let cache = || {
        let cache = std::env::var_os("SLUICEGATE_CACHE").map(PathBuf::from);
        let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/sluicegate")));
        cache.map(|cache| cache.join("python/bin/python"))
    };
    let python = std::env::var_os("SLUICEGATE_PYTHON").map(PathBuf::from);
    python.or_else(cache).unwrap()
}

/// The documents of a file as `PyYAML` reads them: version 1.1.
fn as_python_reads(path: &str) -> Vec<Value> {
    let python = python();
    let output = Command::new(&python)
        .args(["-c", READ])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "{}: {error}; run `make tools`, or set SLUICEGATE_PYTHON",
                python.display()
            )
        });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{path} with {}: {said}", python.display());
    let mut read: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    read.retain(|document| !document.is_null());
    read
}

/// Holds that every value of every `enum` below is text.
fn are_text(place: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let ("enum", Some(values)) = (name.as_str(), member.as_array()) {
                    assert!(values.iter().all(Value::is_string), "{place}: {values:?}");
                }
                are_text(&format!("{place}.{name}"), member);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| are_text(place, item)),
        _ => {}
    }
}

#[test]
fn every_value_that_the_schema_lists_is_text() {
    for file in yaml_files("crds") {
        let path = format!("crds/{file}");
        for document in as_python_reads(&path) {
            are_text(&path, &document);
        }
    }
}

#[test]
fn what_ships_says_the_same_in_both_versions_of_yaml() {
    for folder in FOLDERS {
        let files = yaml_files(folder);
        assert!(!files.is_empty(), "{folder}");
        for file in files {
            let path = format!("{folder}/{file}");
            assert_eq!(as_python_reads(&path), documents(&path), "{path}");
        }
    }
}
