//! The transports below the two real clients: each hands its request to the world in the same process.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_credential_types::Credentials;
use aws_sdk_kinesisanalyticsv2::config::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use futures::future::BoxFuture;
use kube::client::Body;
use managed_flink_emulator::wire;
use serde::Deserialize as _;
use serde_json::Value;
use sluicegate::api::spec::FlinkApplication;
use sluicegate::aws::clients::{CallLimits, Clients};
use sluicegate::clock::Clock;
use sluicegate::flink_rest::{Fetch, FetchError, FlinkRest};
use tokio::sync::Notify;

use crate::clock::VirtualClock;
use crate::cluster::{Answer, Request};
use crate::world::{Delivery, World};

/// The world as both transports and the loop of the run share it.
#[derive(Clone)]
pub struct Shared {
    world: Arc<Mutex<World>>,
    /// Signalled when the process dies.
    pub died: Arc<Notify>,
    /// The clock of the run.
    pub clock: VirtualClock,
    /// The next request to the service and what it is answered, where the world was asked before.
    asked: Arc<Mutex<Option<Asked>>>,
    /// The next request to the API server and what it is answered, where the world was asked before.
    written: Arc<Mutex<Option<Written>>>,
    /// What the version of the object says that was read last.
    read: Arc<Mutex<Option<Parsed>>>,
}

/// The path of a request to the API server and what became of it.
type Written = (String, Delivery<Answer>);

/// A version of the object and what it says.
type Parsed = (Arc<Value>, Arc<FlinkApplication>);

/// A request that the world was asked before the SDK built it.
#[derive(Debug)]
pub struct Asked {
    /// The operation.
    pub operation: String,
    /// The request.
    pub input: Value,
    /// What became of it.
    pub delivery: Delivery<wire::Response>,
}

impl Asked {
    /// The delivery, for the request that was asked and no other.
    fn delivered_to(self, request: &HttpRequest) -> Delivery<wire::Response> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let input: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        assert_eq!(
            (target.rsplit('.').next().unwrap_or_default(), &input),
            (self.operation.as_str(), &self.input),
            "the SDK sends another request than the one that was asked"
        );
        self.delivery
    }
}

impl Shared {
    /// A world on a clock.
    pub fn new(world: World, clock: VirtualClock) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            died: Arc::default(),
            clock,
            asked: Arc::default(),
            written: Arc::default(),
            read: Arc::default(),
        }
    }

    /// The world.
    pub fn world(&self) -> MutexGuard<'_, World> {
        unpoisoned(&self.world)
    }

    /// Hands over what the world answered to the request to the service that the SDK sends next.
    pub fn ask_before(&self, asked: Asked) {
        let before = unpoisoned(&self.asked).replace(asked);
        assert!(before.is_none(), "an answer was left: {before:?}");
    }

    /// Hands over what the world answered to the request to the API server that the Kubernetes client sends next.
    pub fn write_before(&self, path: String, delivery: Delivery<Answer>) {
        let before = unpoisoned(&self.written).replace((path, delivery));
        assert!(before.is_none(), "an answer was left: {before:?}");
    }

    /// A version of the object as the controller's watch would give it.
    pub fn read(&self, object: &Arc<Value>) -> Arc<FlinkApplication> {
        let mut read = unpoisoned(&self.read);
        if let Some((of, app)) = &*read
            && Arc::ptr_eq(of, object)
        {
            return Arc::clone(app);
        }
        let app = match FlinkApplication::deserialize(&**object) {
            Ok(app) => Arc::new(app),
            Err(error) => panic!("the object cannot be read: {error}"),
        };
        *read = Some((Arc::clone(object), Arc::clone(&app)));
        app
    }

    /// The SDK clients. A read has one attempt: the SDK's own pauses are random, and a run must be repeatable.
    pub fn clients(&self) -> Clients {
        let wire = SharedHttpConnector::new(ServiceWire(self.clone()));
        let limits = CallLimits {
            read_attempts: 1,
            ..CallLimits::default()
        };
        let keys = SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "key", None, None, "simulation"));
        Clients::with_transport(http_client_fn(move |_, _| wire.clone()), keys, limits)
    }

    /// The reader of Flink jobs.
    pub fn flink(&self) -> FlinkRest {
        FlinkRest::new(Arc::new(FlinkWire(self.clone())))
    }

    /// The Kubernetes client.
    pub fn kubernetes(&self) -> kube::Client {
        let shared = self.clone();
        let service = tower::service_fn(move |request| {
            let shared = shared.clone();
            async move { shared.cluster_call(request).await }
        });
        kube::Client::new(service, "default")
    }

    async fn cluster_call(&self, request: http::Request<Body>) -> Result<http::Response<Body>, io::Error> {
        let (parts, body) = request.into_parts();
        let written = unpoisoned(&self.written).take();
        let body = body.collect_bytes().await.map_err(io::Error::other)?;
        let content_type = parts.headers.get(http::header::CONTENT_TYPE);
        let request = Request {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            content_type: content_type
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        };
        let delivery = match written {
            Some((path, delivery)) => {
                assert_eq!(
                    request.path, path,
                    "another request is sent than the one that was asked"
                );
                delivery
            }
            None => self.world().cluster_request(self.clock.now(), request),
        };
        match delivery {
            Delivery::Answered((status, body)) => http::Response::builder()
                .status(status)
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(Body::from(serde_json::to_vec(&*body)?))
                .map_err(io::Error::other),
            Delivery::Broken => Err(io::ErrorKind::ConnectionReset.into()),
            Delivery::Dead => match self.die().await {},
        }
    }

    async fn die(&self) -> Infallible {
        self.died.notify_one();
        std::future::pending().await
    }
}

struct ServiceWire(Shared);

impl std::fmt::Debug for ServiceWire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceWire")
    }
}

impl HttpConnector for ServiceWire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = unpoisoned(&self.0.asked).take();
        let ask = || {
            let now = self.0.clock.now();
            let path = url_path(request.uri());
            let request = wire::Request {
                path,
                target: request.headers().get("x-amz-target"),
                authorization: request.headers().get("authorization"),
                host: request.headers().get("host"),
                body: request.body().bytes().unwrap_or_default(),
            };
            self.0.world().service_request(now, request)
        };
        let delivery = asked.map_or_else(ask, |asked| asked.delivered_to(&request));
        let shared = self.0.clone();
        HttpConnectorFuture::new(async move {
            match delivery {
                Delivery::Answered(response) => answer(response),
                Delivery::Broken => Err(ConnectorError::io(
                    io::Error::from(io::ErrorKind::ConnectionReset).into(),
                )),
                Delivery::Dead => match shared.die().await {},
            }
        })
    }
}

struct FlinkWire(Shared);

impl Fetch for FlinkWire {
    fn get(&self, address: String) -> BoxFuture<'_, Result<Vec<u8>, FetchError>> {
        let start = address.find("/flinkdashboard/").unwrap_or_default();
        let now = self.0.clock.now();
        let delivery = self.0.world().flink_request(now, &address[start..]);
        Box::pin(async move {
            match delivery {
                Delivery::Answered(response) if response.status == 200 => Ok(response.body),
                Delivery::Answered(response) => Err(FetchError::Status(response.status)),
                Delivery::Broken | Delivery::Dead => Err(FetchError::Unreachable),
            }
        })
    }
}

fn unpoisoned<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The path of an address.
fn url_path(address: &str) -> &str {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("/", |start| &after_scheme[start..]);
    path.split('?').next().unwrap_or(path)
}

/// An answer of the service as the SDK gets it.
pub fn answer(response: wire::Response) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(response.status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut answer = HttpResponse::new(status, SdkBody::from(response.body));
    for (name, value) in response.headers {
        answer.headers_mut().insert(name, value);
    }
    Ok(answer)
}
