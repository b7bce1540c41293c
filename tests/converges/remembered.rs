//! Looks at the application without the cost of the SDK: the world is asked as ever, and an answer that the SDK has read
//! before, in any history, is not read by it again.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use managed_flink_emulator::wire;
use serde_json::{Value, json};
use sluicegate::api::status::Tags;
use sluicegate::aws::clients::Clients;
use sluicegate::aws::reads::{Page, Reading, Reads};
use sluicegate::clock::Clock;
use sluicegate::desired::Identity;
use sluicegate::fault::Fault;
use sluicegate::world::{Observed, ObservedOperation, ObservedVersion};

use crate::wires::{Asked, Shared};
use crate::world::Delivery;

/// The most answers of one operation that are remembered; beyond it all are forgotten.
const MOST: usize = 20_000;

/// What the SDK made of answers of one operation, by their bytes.
struct Memory<T>(LazyLock<Mutex<HashMap<Vec<u8>, T>>>);

impl<T: Clone> Memory<T> {
    const fn new() -> Self {
        Self(LazyLock::new(Mutex::default))
    }

    fn recall(&self, answer: &[u8]) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(answer).cloned()
    }

    fn keep(&self, answer: Vec<u8>, made: T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(answer, made);
    }
}

static APPLICATIONS: Memory<Option<Observed>> = Memory::new();
static TAGS: Memory<Tags> = Memory::new();
static OPERATIONS: Memory<Vec<ObservedOperation>> = Memory::new();
static SNAPSHOTS: Memory<Page> = Memory::new();
static VERSIONS: Memory<Option<ObservedVersion>> = Memory::new();

/// Stands before the SDK's clients.
pub struct Remembered {
    shared: Shared,
    clients: Clients,
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembered")
    }
}

impl Remembered {
    /// Looks of one process.
    pub fn new(shared: Shared, clients: Clients) -> Self {
        Self { shared, clients }
    }

    /// Asks the world, and the SDK only what to make of an answer that it has not read before.
    async fn look<'a, T: Clone>(
        &self,
        memory: &Memory<T>,
        of: &Identity,
        (operation, input): (&str, Value),
        sdk: impl FnOnce() -> Reading<'a, T> + Send,
    ) -> Result<T, Fault> {
        let delivery = self.ask(of, operation, &input);
        let mut unread = None;
        if let Delivery::Answered(response) = &delivery
            && response.status == 200
        {
            if let Some(made) = memory.recall(&response.body) {
                return Ok(made);
            }
            unread = Some(response.body.clone());
        }
        let asked = Asked {
            operation: operation.to_owned(),
            input,
            delivery,
        };
        let before = self
            .shared
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(asked);
        assert!(before.is_none(), "an answer was left: {before:?}");
        let made = sdk().await?;
        if let Some(answer) = unread {
            memory.keep(answer, made.clone());
        }
        Ok(made)
    }

    fn ask(&self, of: &Identity, operation: &str, input: &Value) -> Delivery<wire::Response> {
        let target = format!("KinesisAnalytics_20180523.{operation}");
        let authorization = format!(
            "Credential=AKIDEXAMPLE/20260101/{}/kinesisanalytics/aws4_request",
            of.region
        );
        let body = input.to_string();
        let request = wire::Request {
            path: "/",
            target: Some(&target),
            authorization: Some(&authorization),
            host: None,
            body: body.as_bytes(),
        };
        let now = self.shared.clock.now();
        self.shared.world().service_request(now, request)
    }
}

impl Reads for Remembered {
    fn application<'a>(&'a self, of: &'a Identity) -> Reading<'a, Option<Observed>> {
        let call = ("DescribeApplication", json!({"ApplicationName": of.name}));
        Box::pin(self.look(&APPLICATIONS, of, call, move || self.clients.application(of)))
    }

    fn tags<'a>(&'a self, of: &'a Identity, arn: &'a str) -> Reading<'a, Tags> {
        let call = ("ListTagsForResource", json!({"ResourceARN": arn}));
        Box::pin(self.look(&TAGS, of, call, move || self.clients.tags(of, arn)))
    }

    fn operations<'a>(&'a self, of: &'a Identity) -> Reading<'a, Vec<ObservedOperation>> {
        let input = json!({"ApplicationName": of.name, "Limit": 50});
        let call = ("ListApplicationOperations", input);
        Box::pin(self.look(&OPERATIONS, of, call, move || self.clients.operations(of)))
    }

    fn snapshots<'a>(&'a self, of: &'a Identity, token: Option<String>) -> Reading<'a, Page> {
        let mut input = json!({"ApplicationName": of.name, "Limit": 50});
        if let Some(token) = &token {
            input["NextToken"] = json!(token);
        }
        let call = ("ListApplicationSnapshots", input);
        Box::pin(self.look(&SNAPSHOTS, of, call, move || self.clients.snapshots(of, token)))
    }

    fn version<'a>(&'a self, of: &'a Identity, id: i64) -> Reading<'a, Option<ObservedVersion>> {
        let input = json!({"ApplicationName": of.name, "ApplicationVersionId": id});
        let call = ("DescribeApplicationVersion", input);
        Box::pin(self.look(&VERSIONS, of, call, move || self.clients.version(of, id)))
    }
}
