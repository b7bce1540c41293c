//! The real SDK clients against sockets that misbehave: every call ends, failures get the right kind, a mutating call
//! is sent exactly once whatever happens to it, and a read at most three times; one that is throttled waits for its turn.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "wire/server.rs"]
mod server;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::{Credentials, provider::error::CredentialsError};
use aws_sdk_kinesisanalyticsv2::{
    config::{ProvideCredentials, SharedCredentialsProvider},
    types::{ApplicationConfigurationUpdate, EnvironmentPropertyUpdates, PropertyGroup},
};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use server::{Behaviour, Server, full_queue, nobody, refusal};
use sluicegate::{
    aws::{
        Service,
        clients::{CallLimits, Clients},
        fault::{Fault, FaultKind, classify},
    },
    metrics::Metrics,
    plan::urgency::Urgency,
    telemetry::{Colours, LogFormat, subscriber},
};

const REGION: &str = "eu-west-1";

fn limits() -> CallLimits {
    CallLimits {
        connect: Duration::from_millis(300),
        attempt: Duration::from_millis(500),
        mutation: Duration::from_millis(700),
        read: Duration::from_millis(1_800),
        read_attempts: 3,
        read_pause: Duration::from_millis(10),
    }
}

fn keys() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "canary-key", None, None, "test"))
}

fn clients_with(url: &str, credentials: SharedCredentialsProvider) -> Clients {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .credentials_provider(credentials)
        .build();
    Clients::from_config(config, limits())
}

fn clients(url: &str) -> Clients {
    clients_with(url, keys())
}

/// A call that has not ended long after every deadline fails the test.
async fn ended<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), call)
        .await
        .expect("the call ends by its own deadline")
}

async fn stop(clients: &Clients) -> Result<(), Fault> {
    let call = clients
        .mutator(REGION)
        .stop_application()
        .application_name("orders")
        .send();
    ended(call).await.map(|_| ()).map_err(|error| classify(&error))
}

async fn start(clients: &Clients) -> Result<(), Fault> {
    let call = clients
        .mutator(REGION)
        .start_application()
        .application_name("orders")
        .send();
    ended(call).await.map(|_| ()).map_err(|error| classify(&error))
}

async fn update(clients: &Clients) -> Result<(), Fault> {
    let call = clients
        .mutator(REGION)
        .update_application()
        .application_name("orders")
        .conditional_token("t")
        .send();
    ended(call).await.map(|_| ()).map_err(|error| classify(&error))
}

async fn list(clients: &Clients) -> Result<(), Fault> {
    ended(clients.reader(REGION).list_applications().send())
        .await
        .map(|_| ())
        .map_err(|error| classify(&error))
}

/// Every way a request can fail after it was sent, and what it means.
fn failures() -> Vec<(Behaviour, FaultKind)> {
    let downtime = "Failed to take snapshot for the application orders at this moment. The application is currently \
                    experiencing downtime.";
    vec![
        (Behaviour::Hang, FaultKind::Unknown),
        (Behaviour::ResetBeforeReading, FaultKind::Unknown),
        (Behaviour::ResetAfterReading, FaultKind::Unknown),
        (Behaviour::CloseAfterReading, FaultKind::Unknown),
        (Behaviour::HalfBody, FaultKind::Unknown),
        (Behaviour::StallInBody, FaultKind::Unknown),
        (Behaviour::NotHttp, FaultKind::Unknown),
        (Behaviour::Answer(200, "garbage".into()), FaultKind::Unknown),
        (Behaviour::Answer(400, "garbage".into()), FaultKind::Unknown),
        (Behaviour::Answer(500, "garbage".into()), FaultKind::Unknown),
        (Behaviour::Answer(502, String::new()), FaultKind::Unknown),
        (refusal(500, "InternalFailure", ""), FaultKind::Unknown),
        (
            refusal(503, "ServiceUnavailableException", "try later"),
            FaultKind::Unknown,
        ),
        (
            refusal(400, "ThrottlingException", "Rate exceeded"),
            FaultKind::Throttled,
        ),
        (
            refusal(400, "LimitExceededException", "too many snapshots"),
            FaultKind::Quota,
        ),
        (refusal(400, "ResourceInUseException", "not available"), FaultKind::Busy),
        (
            refusal(400, "ConcurrentModificationException", "stale"),
            FaultKind::Conflict,
        ),
        (
            refusal(400, "InvalidApplicationConfigurationException", downtime),
            FaultKind::JobDown,
        ),
        (
            refusal(400, "AccessDeniedException", "not authorized"),
            FaultKind::Denied,
        ),
        (refusal(400, "ExpiredTokenException", "expired"), FaultKind::Denied),
    ]
}

#[tokio::test]
async fn a_mutating_call_is_sent_exactly_once_whatever_happens_to_it() {
    for (behaviour, kind) in failures() {
        for operation in ["start", "stop", "update"] {
            let server = Server::start(vec![behaviour.clone()]).await;
            let clients = clients(&server.url());
            let fault = match operation {
                "start" => start(&clients).await,
                "stop" => stop(&clients).await,
                _ => update(&clients).await,
            }
            .unwrap_err();
            assert_eq!(fault.kind, kind, "{operation} {behaviour:?}: {fault:?}");
            assert_eq!(server.requests(), 1, "{operation} {behaviour:?}");
            assert_eq!(server.connections(), 1, "{operation} {behaviour:?}");
        }
    }
}

#[tokio::test]
async fn a_mutating_call_is_not_sent_again_when_its_reused_connection_breaks() {
    for broken in [
        Behaviour::ResetAfterReading,
        Behaviour::CloseAfterReading,
        Behaviour::HalfBody,
    ] {
        let server = Server::start(vec![
            Behaviour::Answer(200, r#"{"OperationId":"1"}"#.into()),
            broken.clone(),
        ])
        .await;
        let clients = clients(&server.url());
        start(&clients).await.unwrap();
        let outcome = stop(&clients).await;
        assert_eq!(outcome.unwrap_err().kind, FaultKind::Unknown, "{broken:?}");
        assert_eq!(server.requests(), 2, "{broken:?}");
    }
}

#[tokio::test]
async fn a_mutating_call_that_succeeds_is_sent_once() {
    let server = Server::start(vec![Behaviour::Answer(200, r#"{"OperationId":"1"}"#.into())]).await;
    stop(&clients(&server.url())).await.unwrap();
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_connection_that_never_came_about_is_certainly_no_call() {
    let refused = stop(&clients(&nobody().await)).await.unwrap_err();
    assert_eq!(refused.kind, FaultKind::Unavailable, "{refused:?}");

    let (url, _listener, _queued) = full_queue().await;
    let late = stop(&clients(&url)).await.unwrap_err();
    assert_eq!(late.kind, FaultKind::Unavailable, "{late:?}");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    #[derive(Debug)]
    struct Broken(fn() -> CredentialsError);

    impl ProvideCredentials for Broken {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            aws_credential_types::provider::future::ProvideCredentials::ready(Err((self.0)()))
        }
    }

    let table: [(fn() -> CredentialsError, FaultKind); 3] = [
        (
            || CredentialsError::not_loaded("no provider in the chain"),
            FaultKind::Denied,
        ),
        (
            || CredentialsError::invalid_configuration("bad profile"),
            FaultKind::Denied,
        ),
        (
            || CredentialsError::provider_error("the token endpoint is down"),
            FaultKind::Unavailable,
        ),
    ];
    for (error, kind) in table {
        let server = Server::start(vec![Behaviour::Hang]).await;
        let clients = clients_with(&server.url(), SharedCredentialsProvider::new(Broken(error)));
        let fault = stop(&clients).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert_eq!(server.connections(), 0);
    }
}

#[tokio::test]
async fn a_read_is_tried_at_most_three_times() {
    for (behaviour, kind) in failures() {
        if matches!(&behaviour, Behaviour::Answer(200, _)) || kind == FaultKind::JobDown {
            continue;
        }
        let server = Server::start(vec![behaviour.clone()]).await;
        let fault = list(&clients(&server.url())).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{behaviour:?}: {fault:?}");
        assert!(
            (1..=3).contains(&server.requests()),
            "{behaviour:?}: {} requests",
            server.requests()
        );
    }
}

#[tokio::test]
async fn a_read_survives_two_passing_failures() {
    let empty = Behaviour::Answer(200, r#"{"ApplicationSummaries":[]}"#.into());
    let passing = [
        refusal(500, "InternalFailure", ""),
        Behaviour::Answer(500, String::new()),
        empty,
    ];
    let server = Server::start(passing.to_vec()).await;
    list(&clients(&server.url())).await.unwrap();
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_read_that_is_refused_for_good_or_throttled_is_sent_once_by_the_client() {
    for (code, kind) in [
        ("InvalidArgumentException", FaultKind::Invalid),
        ("ThrottlingException", FaultKind::Throttled),
        ("LimitExceededException", FaultKind::Quota),
    ] {
        let server = Server::start(vec![refusal(400, code, "bad")]).await;
        assert_eq!(list(&clients(&server.url())).await.unwrap_err().kind, kind);
        assert_eq!(server.requests(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_throttled_read_is_sent_again_in_its_turn_where_somebody_waits_for_it_or_it_has_time() {
    let empty = || Behaviour::Answer(200, r#"{"ApplicationSummaries":[]}"#.into());
    let throttled = || refusal(400, "ThrottlingException", "Rate exceeded");
    for (urgency, requests) in [
        (Urgency::Look, 1),
        (Urgency::Change, 3),
        (Urgency::Sweep, 3),
        (Urgency::Rescue, 3),
    ] {
        let server = Server::start(vec![throttled(), throttled(), empty()]).await;
        let service = Service::new(clients(&server.url()), Arc::new(Metrics::new())).with_urgency(urgency);
        let listed = service.list(REGION).await;
        assert_eq!(listed.is_ok(), requests == 3, "{urgency:?}: {listed:?}");
        assert_eq!(server.requests(), requests, "{urgency:?}");
    }
}

#[tokio::test]
async fn no_fault_tells_the_key_or_the_address_of_the_request() {
    for (behaviour, _) in failures() {
        let server = Server::start(vec![behaviour.clone()]).await;
        let fault = stop(&clients(&server.url())).await.unwrap_err();
        for canary in ["canary", "AKIDEXAMPLE", "Signature="] {
            assert!(!fault.message.contains(canary), "{behaviour:?}: {fault:?}");
        }
        assert!(!fault.message.is_empty(), "{behaviour:?}");
    }
}

/// A transport that never answers.
#[derive(Debug, Clone)]
struct Silence;

impl HttpConnector for Silence {
    fn call(&self, _request: aws_smithy_runtime_api::client::orchestrator::HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn deadlines_of_calls_through_a_transport_of_ours_follow_paused_time() {
    let transport = http_client_fn(|_, _| SharedHttpConnector::new(Silence));
    let clients = Clients::with_transport(transport, keys(), CallLimits::default());
    assert_eq!(stop(&clients).await.unwrap_err().kind, FaultKind::Unknown);
}

/// Log lines kept in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_call_at_the_most_verbose_level_logs_neither_property_values_nor_the_signature() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = subscriber(LogFormat::Json, "trace", Colours::Never, move || writer.clone()).unwrap();
    let _logging = tracing::subscriber::set_default(subscriber);
    tracing::trace!("logging is on");
    let group = PropertyGroup::builder()
        .property_group_id("kafka")
        .property_map("password", "canary-property");
    let properties = EnvironmentPropertyUpdates::builder()
        .property_groups(group.build().unwrap())
        .build()
        .unwrap();
    let server = Server::start(vec![refusal(400, "InvalidArgumentException", "canary-answer")]).await;
    let call = clients(&server.url())
        .mutator(REGION)
        .update_application()
        .application_name("orders")
        .application_configuration_update(
            ApplicationConfigurationUpdate::builder()
                .environment_property_updates(properties)
                .build(),
        );
    ended(call.send()).await.unwrap_err();
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("logging is on"), "{logged}");
    for canary in ["canary", "AKIDEXAMPLE", "Signature="] {
        assert!(!logged.contains(canary), "{canary} in {logged}");
    }
}
