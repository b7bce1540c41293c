//! The emulated service as a process.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::eventually::within;
use super::process::{Process, Program};
use super::{During, TestbedError, http, place};

/// One request that the emulator has received.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Call {
    /// Rises with every call.
    pub(crate) sequence: u64,
    /// When it came.
    pub(crate) at: jiff::Timestamp,
    /// The operation, as in `UpdateApplication`.
    pub(crate) operation: String,
    /// The application that it names.
    pub(crate) application: Option<String>,
    /// `ok`, or the name of the exception.
    pub(crate) outcome: String,
}

impl Call {
    /// Whether it changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        let operation = self.operation.as_str();
        let reads = [
            "CreateApplicationPresignedUrl",
            "FlinkRest",
            "FilterLogEvents",
            "GetMetricData",
        ];
        operation.starts_with("Describe") || operation.starts_with("List") || reads.contains(&operation)
    }
}

/// A running `managed-flink-emulator`.
#[derive(Debug)]
pub(crate) struct Emulator {
    /// Its address, for `AWS_ENDPOINT_URL`.
    pub(crate) url: String,
    process: Process,
}

impl Emulator {
    /// Starts the emulator on a port of the kernel's choice and waits until it listens. Its log lies in `dir`.
    ///
    /// `arguments` as the program takes them: `--bucket NAME=DIR`, `--speed N`.
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Result<Self, TestbedError> {
        fs::create_dir_all(dir).during(|| format!("create {}", dir.display()))?;
        let path = place::built("managed-flink-emulator")?;
        let program = Program::new(&path, dir)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments);
        let log = dir.join("emulator.log");
        // The log of an earlier emulator in this directory would name its address.
        let before = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let process = Process::start("managed-flink-emulator", &program, &log)?;
        let url = within(Duration::from_secs(30), || {
            let bytes = fs::read(&log).unwrap_or_default();
            let text = String::from_utf8_lossy(bytes.get(usize::try_from(before).ok()?..)?).into_owned();
            match announced(&text) {
                None if process.is_running() => None,
                found => Some(found),
            }
        });
        match url.flatten() {
            Some(url) => Ok(Self { url, process }),
            None => Err(process.not_started("names no address")),
        }
    }

    /// The process, to stop or to kill it.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Tells the emulator what goes wrong from now on (`POST /_emulator/faults`).
    ///
    /// # Panics
    /// When the emulator does not take it.
    #[track_caller]
    pub(crate) fn faults(&self, faults: &Value) {
        let answer = http::post(&format!("{}/_emulator/faults", self.url), &faults.to_string());
        let answer = answer.unwrap_or_else(|error| panic!("the emulator took no faults: {error}"));
        assert!(
            answer.status < 300,
            "the emulator refused the faults {faults}: {} {}",
            answer.status,
            answer.body
        );
    }

    /// Lets the service do something by itself with a running application: `maintenance` or `autoscaling`
    /// (`POST /_emulator/applications/NAME/ACTION`). The answer is whether the application was running.
    ///
    /// # Panics
    /// When the emulator does not answer.
    #[track_caller]
    pub(crate) fn act(&self, name: &str, action: &str) -> bool {
        let url = format!("{}/_emulator/applications/{name}/{action}", self.url);
        let answer = http::post(&url, "").unwrap_or_else(|error| panic!("POST {url}: {error}"));
        match answer.status {
            202 => true,
            409 => false,
            other => panic!("POST {url}: {other} {}", answer.body),
        }
    }

    /// All requests it has received, oldest first (`GET /_emulator/calls`).
    ///
    /// # Panics
    /// When the emulator does not answer.
    #[track_caller]
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls_since(0)
    }

    /// The requests after a number of them, oldest first (`GET /_emulator/calls?since=NUMBER`).
    ///
    /// # Panics
    /// When the emulator does not answer.
    #[track_caller]
    pub(crate) fn calls_since(&self, number: u64) -> Vec<Call> {
        let mut page = self.page(&format!("/_emulator/calls?since={number}"));
        let calls = serde_json::from_value(page["calls"].take());
        calls.unwrap_or_else(|error| panic!("the calls of the emulator: {error}: {page}"))
    }

    /// How often each operation was called for any application, refused calls included.
    ///
    /// # Panics
    /// When the emulator does not answer.
    #[track_caller]
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let mut page = self.page(&format!("/_emulator/calls?since={}", u64::MAX));
        let counts = serde_json::from_value(page["counts"].take());
        counts.unwrap_or_else(|error| panic!("the counts of the emulator: {error}: {page}"))
    }

    /// How often an operation was called for any application, refused calls included.
    ///
    /// # Panics
    /// When the emulator does not answer.
    #[track_caller]
    pub(crate) fn count(&self, operation: &str) -> usize {
        let count = self.counts().remove(operation).unwrap_or_default();
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// How often an operation was called for one application, refused calls included.
    ///
    /// # Panics
    /// When the emulator does not answer.
    #[track_caller]
    pub(crate) fn count_for(&self, operation: &str, application: &str) -> usize {
        let about = |call: &&Call| call.operation == operation && call.application.as_deref() == Some(application);
        self.calls().iter().filter(about).count()
    }

    /// What the emulator knows of an application, beyond what the service's API tells; `None` when there is none.
    ///
    /// # Panics
    /// When the emulator does not answer.
    #[track_caller]
    pub(crate) fn describe(&self, name: &str) -> Option<Value> {
        let url = format!("{}/_emulator/applications/{name}", self.url);
        let answer = http::get(&url).unwrap_or_else(|error| panic!("GET {url}: {error}"));
        if answer.status == 404 {
            return None;
        }
        assert_eq!(answer.status, 200, "GET {url}: {}", answer.body);
        Some(serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("GET {url}: {error}: {}", answer.body)))
    }

    #[track_caller]
    fn page(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.url);
        let answer = http::get(&url).unwrap_or_else(|error| panic!("GET {url}: {error}"));
        assert_eq!(answer.status, 200, "GET {url}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("GET {url}: {error}: {}", answer.body))
    }
}

fn announced(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("listening on ")?;
    let (url, _) = rest.split_once(char::is_whitespace)?;
    Some(url.to_owned())
}
