//! An unmodified boto3 against the binary over HTTP.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::emulator::{Emulator, folder};

/// The interpreter with boto3 that `make tools` installs.
fn python() -> PathBuf {
    let cache = || {
        let cache = std::env::var_os("SLUICEGATE_CACHE").map(PathBuf::from);
        let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/sluicegate")));
        cache.map(|cache| cache.join("python/bin/python"))
    };
    let python = std::env::var_os("SLUICEGATE_PYTHON")
        .map(PathBuf::from)
        .or_else(cache)
        .unwrap();
    let found = Command::new(&python)
        .args(["-c", "import boto3"])
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(
        found,
        "{} cannot import boto3; run `make tools`, or set SLUICEGATE_PYTHON",
        python.display()
    );
    python
}

/// Runs a script against an emulator of its own.
fn drive(script: &str, bucket: &str) {
    let python = python();
    let bucket = folder(bucket);
    let demo = format!("demo={}", bucket.display());
    let emulator = Emulator::start(&["--bucket", &demo, "--speed", "200"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process").join(script);
    let output = Command::new(python)
        .arg(script)
        .arg(&emulator.endpoint)
        .arg(&bucket)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{err}");
    emulator.terminate();
    std::fs::remove_dir_all(bucket).unwrap();
}

#[test]
fn boto3_works_unmodified_and_every_answer_fits_the_model() {
    drive("boto3_client.py", "boto3");
}

#[test]
fn boto3_rolls_back_reads_the_log_and_counters_and_sees_descriptions_that_lag() {
    drive("boto3_rollback.py", "boto3-rollback");
}
