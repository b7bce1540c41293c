//! Where things are: the repository, the built programs, the scratch directory of this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{During, TestbedError};

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of this workspace, from the profile directory that this test binary was built into.
pub(crate) fn built(name: &str) -> Result<PathBuf, TestbedError> {
    let path = profile_dir()?.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(TestbedError::PartMissing {
        part: name.to_owned(),
        path,
        remedy: "cargo build --workspace",
    })
}

/// An empty directory with this name for this process, below `target/testbed`.
///
/// The directories of earlier runs of the same binary are removed at the first call, so that the logs of a failed run
/// can be read until the next one.
pub(crate) fn scratch(name: &str) -> Result<PathBuf, TestbedError> {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    let root = if let Some(root) = ROOT.get() {
        root
    } else {
        let runs = runs_of_this_binary()?;
        sweep(&runs);
        ROOT.get_or_init(|| runs.join(std::process::id().to_string()))
    };
    let dir = root.join(name);
    fs::create_dir_all(&dir).during(|| format!("create {}", dir.display()))?;
    Ok(dir)
}

/// `target/debug`, from where the running binary lies: `target/debug/deps/NAME-HASH` or `target/debug/examples/NAME`.
fn profile_dir() -> Result<PathBuf, TestbedError> {
    let exe = std::env::current_exe().during(|| "find the running binary".to_owned())?;
    let found = exe
        .ancestors()
        .find(|dir| dir.ends_with("deps") || dir.ends_with("examples"))
        .and_then(Path::parent);
    Ok(found.or_else(|| exe.parent()).unwrap_or(&exe).to_path_buf())
}

fn runs_of_this_binary() -> Result<PathBuf, TestbedError> {
    let exe = std::env::current_exe().during(|| "find the running binary".to_owned())?;
    let stem = exe
        .file_stem()
        .map_or_else(|| "test".into(), |stem| stem.to_string_lossy());
    let name = match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 => name,
        _ => &stem,
    };
    let profile = profile_dir()?;
    Ok(profile.parent().unwrap_or(&profile).join("testbed").join(name))
}

/// Removes the directories of processes that are gone. What cannot be removed stays: it harms nobody.
fn sweep(runs: &Path) {
    let Ok(entries) = fs::read_dir(runs) else { return };
    for entry in entries.flatten() {
        if !Path::new("/proc").join(entry.file_name()).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
