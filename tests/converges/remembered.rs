//! Looks at the application and writes of the status without the cost of the clients that send them: the world is asked as
//! ever. Of an answer of the service the SDK reads what is new, and remembers it for every history.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use aws_sdk_kinesisanalyticsv2::operation::describe_application::{DescribeApplication, DescribeApplicationOutput};
use aws_sdk_kinesisanalyticsv2::operation::describe_application_version::{
    DescribeApplicationVersion, DescribeApplicationVersionOutput,
};
use aws_sdk_kinesisanalyticsv2::operation::list_application_operations::{
    ListApplicationOperations, ListApplicationOperationsOutput,
};
use aws_sdk_kinesisanalyticsv2::operation::list_application_snapshots::{
    ListApplicationSnapshots, ListApplicationSnapshotsOutput,
};
use aws_sdk_kinesisanalyticsv2::operation::list_tags_for_resource::{ListTagsForResource, ListTagsForResourceOutput};
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse as _, SharedResponseDeserializer};
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::{Resource as _, ResourceExt as _};
use managed_flink_emulator::wire;
use serde_json::{Value, json};
use sluicegate::api::spec::FlinkApplication;
use sluicegate::api::status::{FlinkApplicationStatus, Tags};
use sluicegate::aws::clients::Clients;
use sluicegate::aws::reads::{Page, Reading, Reads, Said};
use sluicegate::clock::Clock;
use sluicegate::desired::Identity;
use sluicegate::fault::Fault;
use sluicegate::reconcile::record::{Statuses, Written, applied};
use sluicegate::world::{Observed, ObservedOperation, ObservedVersion};

use crate::cluster::Request;
use crate::wires::{Asked, Shared, answer};
use crate::world::Delivery;

/// The most answers of one operation that are remembered; beyond it all are forgotten.
const MOST: usize = 20_000;

/// What answers of one operation say, by their bytes, and what reads them.
struct Memory<O: Said> {
    known: Mutex<HashMap<Vec<u8>, O::Seen>>,
    operation: FrozenLayer,
}

impl<O: Said> Memory<O> {
    /// A memory of the answers of an operation of the SDK.
    fn of(operation: &impl RuntimePlugin) -> Self {
        Self {
            known: Mutex::default(),
            operation: operation.config().expect("an operation of the SDK can be configured"),
        }
    }

    /// What an answer says; none where the SDK finds that it is none.
    fn read(&self, given: &wire::Response) -> Option<O::Seen> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = known().get(&given.body) {
            return Some(seen.clone());
        }
        let reader = self.operation.load::<SharedResponseDeserializer>()?;
        let read = reader.deserialize_nonstreaming_with_config(&answer(given.clone()).ok()?, &ConfigBag::base());
        let seen = read.ok()?.downcast::<O>().ok()?.seen();
        let mut known = known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(given.body.clone(), seen.clone());
        Some(seen)
    }
}

static APPLICATIONS: LazyLock<Memory<DescribeApplicationOutput>> =
    LazyLock::new(|| Memory::of(&DescribeApplication::new()));
static TAGS: LazyLock<Memory<ListTagsForResourceOutput>> = LazyLock::new(|| Memory::of(&ListTagsForResource::new()));
static OPERATIONS: LazyLock<Memory<ListApplicationOperationsOutput>> =
    LazyLock::new(|| Memory::of(&ListApplicationOperations::new()));
static SNAPSHOTS: LazyLock<Memory<ListApplicationSnapshotsOutput>> =
    LazyLock::new(|| Memory::of(&ListApplicationSnapshots::new()));
static VERSIONS: LazyLock<Memory<DescribeApplicationVersionOutput>> =
    LazyLock::new(|| Memory::of(&DescribeApplicationVersion::new()));

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

    /// Asks the world, and has the SDK send only what is not answered well.
    async fn look<'a, O: Said>(
        &self,
        memory: &Memory<O>,
        of: &Identity,
        (operation, input): (&str, Value),
        sdk: impl FnOnce() -> Reading<'a, O::Seen> + Send,
    ) -> Result<O::Seen, Fault> {
        let delivery = self.ask(of, operation, &input);
        if let Delivery::Answered(response) = &delivery
            && response.status == 200
            && let Some(seen) = memory.read(response)
        {
            return Ok(seen);
        }
        let asked = Asked {
            operation: operation.to_owned(),
            input,
            delivery,
        };
        self.shared.ask_before(asked);
        sdk().await
    }

    fn ask(&self, of: &Identity, operation: &str, input: &Value) -> Delivery<wire::Response> {
        let target = format!("KinesisAnalytics_20180523.{operation}");
        let authorization = format!(
            "Credential=AKIDEXAMPLE/20260101/{}/kinesisanalytics/aws4_request",
            of.region
        );
        let body = serde_json::to_vec(input).unwrap_or_default();
        let request = wire::Request {
            path: "/",
            target: Some(&target),
            authorization: Some(&authorization),
            host: None,
            body: &body,
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

/// Stands before the Kubernetes client where statuses are written.
pub struct Applied {
    shared: Shared,
    client: kube::Client,
}

impl Applied {
    /// The writes of one process.
    pub fn new(shared: Shared, client: kube::Client) -> Self {
        Self { shared, client }
    }

    /// Asks the world, and has the client send only what is not answered well.
    async fn write(&self, app: &FlinkApplication, status: &FlinkApplicationStatus) -> Written {
        let of = FlinkApplication::url_path(&(), app.namespace().as_deref());
        let path = format!("{of}/{}/status", app.name_any());
        let request = Request {
            method: "PATCH".to_owned(),
            path: path.clone(),
            content_type: "application/apply-patch+yaml".to_owned(),
            body: applied(app, status),
        };
        let now = self.shared.clock.now();
        let delivery = self.shared.world().cluster_request(now, request);
        if let Delivery::Answered((200, object)) = &delivery {
            return Ok(FlinkApplication::clone(&self.shared.read(object)));
        }
        self.shared.write_before(path, delivery);
        self.client.apply(app, status).await
    }
}

impl Statuses for Applied {
    fn apply<'a>(&'a self, app: &'a FlinkApplication, status: &'a FlinkApplicationStatus) -> BoxFuture<'a, Written> {
        self.write(app, status).boxed()
    }
}
