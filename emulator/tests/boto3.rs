//! An unmodified boto3 against the binary over HTTP.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The emulator of one test; it ends with the test.
struct Emulator {
    child: Child,
    endpoint: String,
}

impl Emulator {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_managed-flink-emulator"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let endpoint = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, endpoint }
    }

    fn terminate(mut self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
        assert!(
            self.child.wait().unwrap().success(),
            "SIGTERM ends the emulator without an error"
        );
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(script: &str, arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let output = Command::new(python()).arg(script).args(arguments).output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{err}");
}

#[test]
fn boto3_works_unmodified_and_every_answer_fits_the_model() {
    let bucket = folder("boto3");
    let demo = format!("demo={}", bucket.display());
    let emulator = Emulator::start(&["--bucket", &demo, "--speed", "200"]);
    run("boto3_client.py", &[&emulator.endpoint, bucket.to_str().unwrap()]);
    emulator.terminate();
    std::fs::remove_dir_all(bucket).unwrap();
}
