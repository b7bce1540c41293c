//! The shape of the source tree: which module may use which, what the core may not touch, how files are named and how
//! long they may grow. The rules are those of `docs/architecture.md`.

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/paths.rs"]
mod paths;

use std::fs;
use std::path::{Path, PathBuf};

use circles::circles_of;
use paths::{PathUse, module_path, paths_of};

/// The direction of dependencies: a module uses modules of a lower rank only, never one of its own rank.
const RANKS: &[(&str, u8)] = &[
    // the core
    ("api", 0),
    ("configuration", 1),
    ("fault", 1),
    ("desired", 2),
    ("world", 2),
    ("import", 3),
    ("plan", 3),
    ("status", 4),
    // leaves of the shell
    ("clock", 5),
    ("metrics", 6),
    ("telemetry", 6),
    ("leader", 7),
    ("http", 7),
    ("cli", 8),
    // the shell
    ("aws", 9),
    ("flink_rest", 10),
    ("metrics_feed", 10),
    ("preview", 10),
    ("transitions", 10),
    ("census", 10),
    ("reconcile", 11),
    ("controller", 12),
];

/// Modules up to this rank are the core: pure and synchronous.
const CORE: u8 = 4;

/// What the core may not name: a path that starts with one of these.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio_util",
    "futures",
    "axum",
    "hyper",
    "rand",
    "kube::Client",
    "kube::Api",
    "kube::api::Api",
    "kube::client",
    "kube::runtime",
    "kube_client",
    "kube_runtime",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
];

/// Names that read the clock, however they are imported.
const CLOCKS: &[&str] = &["SystemTime", "Instant"];

/// The modules whose files may not import each other in a circle: the folder of the sources and the module.
const WITHOUT_CIRCLES: &[(&str, &str)] = &[
    ("src", "api"),
    ("src", "plan"),
    ("src", "status"),
    ("emulator/src", "service"),
];

/// Names that say nothing about what a file holds.
const DRAWERS: &[&str] = &["utils", "util", "common", "types", "helpers", "helper", "misc"];

/// Lines a file may have before its own tests.
const LONGEST: usize = 400;

fn rank(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// All that `source`, the file `file` below `src`, uses against the direction or the purity of the core.
fn offences(file: &Path, source: &str) -> Vec<String> {
    let here = module_path(file);
    let Some(top) = here.first() else { return Vec::new() };
    let Some(own) = rank(top) else {
        return vec![format!(
            "{}: `{top}` has no place in the direction of dependencies",
            file.display()
        )];
    };
    let mut found = Vec::new();
    for used in paths_of(source) {
        let at = format!("{}:{}", file.display(), used.line);
        if let Some(target) = used.module_of_crate(&here) {
            match rank(&target) {
                _ if target == *top => {}
                None => found.push(format!(
                    "{at}: `crate::{target}` is no module with a place in the direction"
                )),
                Some(other) if other >= own => found.push(format!("{at}: `{top}` uses `{target}`, a backward edge")),
                Some(_) => {}
            }
        }
        if own <= CORE && is_impure(&used) {
            found.push(format!("{at}: the core names `{}`", used.segments.join("::")));
        }
    }
    found.dedup();
    found
}

fn is_impure(used: &PathUse) -> bool {
    let path = used.segments.join("::");
    let starts = |prefix: &&str| path == **prefix || path.starts_with(&format!("{prefix}::"));
    let clock = |segment: &String| CLOCKS.contains(&segment.as_str());
    let reads_now = path.ends_with("Timestamp::now") || path.ends_with("Zoned::now");
    path.starts_with("aws_")
        || matches!(path.as_str(), "async" | "await")
        || reads_now
        || used.segments.iter().any(clock)
        || IMPURE.iter().any(starts)
        || (path.starts_with("crate::") && used.segments.get(1).is_some_and(|name| name == "clock"))
}

/// What is wrong with the name or the length of a file.
fn misfit(file: &Path, source: &str) -> Option<String> {
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    if stem == "mod" {
        return Some(format!(
            "{}: `mod.rs` is not used here, name the file after its module",
            file.display()
        ));
    }
    if DRAWERS.contains(&stem.as_str()) {
        return Some(format!(
            "{}: name the file after the one concept it holds",
            file.display()
        ));
    }
    let lines = source
        .lines()
        .take_while(|line| line.trim_end() != "#[cfg(test)]")
        .count();
    (lines > LONGEST).then(|| {
        format!(
            "{}: {lines} lines before its tests, more than {LONGEST}: split it by concept",
            file.display()
        )
    })
}

/// Every Rust file below `folder` of the repository: its path below that folder and its text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
        for entry in entries {
            let path = entry
                .unwrap_or_else(|error| panic!("{}: {error}", next.display()))
                .path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                files.push((path.strip_prefix(&root).unwrap_or(&path).to_owned(), text));
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no Rust file below {folder}");
    files
}

#[test]
fn modules_use_only_what_comes_before_them_and_the_core_is_pure() {
    let found: Vec<String> = sources("src")
        .iter()
        .flat_map(|(file, source)| offences(file, source))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_module_of_the_core_exists() {
    let present: Vec<String> = sources("src")
        .iter()
        .filter_map(|(file, _)| module_path(file).first().cloned())
        .collect();
    let missing: Vec<&str> = RANKS
        .iter()
        .filter(|(name, rank)| *rank <= CORE && !present.iter().any(|module| module == name))
        .map(|(name, _)| *name)
        .collect();
    assert!(
        missing.is_empty(),
        "the direction names modules that do not exist: {missing:?}"
    );
}

#[test]
fn files_are_named_after_one_concept_and_stay_short() {
    for folder in ["src", "emulator/src"] {
        let found: Vec<String> = sources(folder)
            .iter()
            .filter_map(|(file, source)| misfit(file, source))
            .collect();
        assert!(found.is_empty(), "below {folder}:\n{}", found.join("\n"));
    }
}

/// What is shared by the files of a module stands in a leaf and not in the root of the module: see [`circles_of`].
#[test]
fn the_files_of_a_module_do_not_import_each_other_in_a_circle() {
    let found: Vec<String> = WITHOUT_CIRCLES
        .iter()
        .flat_map(|(folder, module)| circles_of(module, &sources(folder)))
        .map(|circle| circle.to_string())
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_planted_backward_edge_is_found() {
    let planted = [
        ("plan.rs", "use crate::status::Ready;"),
        ("plan/diff.rs", "use crate::{api::Spec, reconcile::{Pass, Backoff}};"),
        ("plan/diff.rs", "fn f() -> u8 { super::super::aws::count() }"),
        ("desired.rs", "use super::plan::Step;"),
        ("world.rs", "fn f() { let _ = crate::desired::Desired::default(); }"),
        ("api/spec.rs", "mod inner { use super::super::super::world::World; }"),
        ("reconcile.rs", "use crate::controller::Wiring;"),
    ];
    for (file, source) in planted {
        let found = offences(Path::new(file), source);
        assert_eq!(found.len(), 1, "{file}: {source}: {found:?}");
        assert!(found[0].contains("backward edge"), "{found:?}");
    }
}

#[test]
fn planted_impurity_of_the_core_is_found() {
    let planted = [
        "use tokio::time::Duration;",
        "use kube::{Resource, Client};",
        "fn f(_: &kube::Client) {}",
        "use aws_sdk_kinesisanalyticsv2::types::ApplicationStatus;",
        "use std::{fmt, time::{Duration, Instant}};",
        "use std::time; fn f() { time::SystemTime::now(); }",
        "fn f() { jiff::Timestamp::now(); }",
        "async fn f() {}",
        "fn f() { std::env::var(\"HOME\"); }",
    ];
    for source in planted {
        let found = offences(Path::new("plan/gate.rs"), source);
        assert_eq!(found.len(), 1, "{source}: {found:?}");
        assert!(found[0].contains("the core names"), "{found:?}");
    }
}

#[test]
fn the_core_may_not_use_the_clock_of_the_shell() {
    let found = offences(Path::new("status.rs"), "use crate::clock::Clock;");
    assert!(found.iter().any(|line| line.contains("backward edge")), "{found:?}");
}

#[test]
fn what_follows_the_direction_is_no_offence() {
    let allowed = [
        (
            "plan.rs",
            "use crate::{api::spec::Code, desired::Desired, world::World};",
        ),
        ("plan/diff.rs", "use super::Step; use crate::plan::gate::Gate;"),
        ("status.rs", "mod tests { use super::*; use crate::plan::Plan; }"),
        (
            "status.rs",
            "// use crate::reconcile::Pass;\nconst A: &str = \"crate::controller::x\";",
        ),
        (
            "plan.rs",
            "/* tokio::spawn */ const B: &str = r#\"aws_sdk::x \"quoted\" \"#; fn f<'a>(_: &'a str) -> char { '\"' }",
        ),
        (
            "reconcile.rs",
            "use crate::{aws::Fault, clock::Clock}; use tokio::time::Instant; async fn f() {}",
        ),
        ("main.rs", "use sluicegate::cli;"),
    ];
    for (file, source) in allowed {
        let found = offences(Path::new(file), source);
        assert!(found.is_empty(), "{file}: {found:?}");
    }
}

#[test]
fn a_module_without_a_place_is_found() {
    assert_eq!(offences(Path::new("cache.rs"), "").len(), 1);
    assert_eq!(offences(Path::new("plan.rs"), "use crate::cache::Cache;").len(), 1);
    assert_eq!(offences(Path::new("plan.rs"), "use crate::FlinkApplication;").len(), 1);
}

#[test]
fn drawers_mod_files_and_long_files_are_found() {
    assert!(misfit(Path::new("plan/mod.rs"), "").is_some());
    assert!(misfit(Path::new("aws/helpers.rs"), "").is_some());
    assert!(misfit(Path::new("plan.rs"), &"x\n".repeat(LONGEST + 1)).is_some());
    assert!(
        misfit(
            Path::new("plan.rs"),
            &format!("{}#[cfg(test)]\n{}", "x\n".repeat(9), "x\n".repeat(LONGEST))
        )
        .is_none()
    );
    assert!(misfit(Path::new("plan.rs"), "").is_none());
}

#[test]
fn the_proof_runs_every_program_of_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let makefile = fs::read_to_string(root.join("Makefile")).unwrap_or_else(|error| panic!("Makefile: {error}"));
    for folder in ["tests", "emulator/tests"] {
        let entries = fs::read_dir(root.join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        for path in entries.map(|entry| entry.unwrap_or_else(|error| panic!("{folder}: {error}")).path()) {
            let program = path.join("main.rs").is_file() || path.extension().is_some_and(|extension| extension == "rs");
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let name = name.filter(|_| program).unwrap_or_default();
            let named = name.is_empty() || makefile.contains(&format!("--test {name}"));
            assert!(named, "make test does not run {}", path.display());
        }
    }
}
