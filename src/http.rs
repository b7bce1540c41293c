//! The HTTP server of a replica: `/metrics`, `/healthz` and `/readyz`.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// The content type of [`Metrics::encode`].
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Tells `/readyz` whether this replica does its part.
///
/// A replica is ready while it stands by for the lease, and as the leader once its first list of applications is
/// complete. Clones share the answer. It starts as not ready.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    ready: Arc<AtomicBool>,
}

impl Readiness {
    /// Standing by for leadership: ready to take over.
    pub fn standing_by(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Leading, and the first list of applications is not complete: not ready.
    pub fn listing(&self) {
        self.ready.store(false, Ordering::Release);
    }

    /// Leading, and the first list of applications is complete: ready.
    pub fn listed(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// What `/readyz` answers.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

#[derive(Clone)]
struct Served {
    metrics: Arc<Metrics>,
    readiness: Readiness,
}

/// Serves on `listener` until `shutdown` is cancelled; requests under way then are answered.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> io::Result<()> {
    axum::serve(listener, router(metrics, readiness))
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

fn router(metrics: Arc<Metrics>, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(encoded))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(Served { metrics, readiness })
}

async fn encoded(State(served): State<Served>) -> impl IntoResponse {
    ([(CONTENT_TYPE, OPENMETRICS)], served.metrics.encode())
}

async fn ready(State(served): State<Served>) -> impl IntoResponse {
    if served.readiness.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the first list of applications is not complete\n",
        )
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    struct Server {
        address: std::net::SocketAddr,
        readiness: Readiness,
        shutdown: CancellationToken,
        running: tokio::task::JoinHandle<io::Result<()>>,
    }

    async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (readiness, shutdown) = (Readiness::default(), CancellationToken::new());
        let metrics = Arc::new(Metrics::new());
        let running = tokio::spawn(serve(listener, metrics, readiness.clone(), shutdown.clone()));
        Server {
            address,
            readiness,
            shutdown,
            running,
        }
    }

    async fn ask(server: &Server, path: &str) -> String {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn ready_while_standing_by_and_after_the_first_list_but_not_between() {
        let server = start().await;
        assert!(ask(&server, "/readyz").await.starts_with("HTTP/1.1 503"));
        server.readiness.standing_by();
        assert!(ask(&server, "/readyz").await.starts_with("HTTP/1.1 200"));
        server.readiness.listing();
        assert!(ask(&server, "/readyz").await.starts_with("HTTP/1.1 503"));
        server.readiness.listed();
        assert!(ask(&server, "/readyz").await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn alive_before_it_is_ready() {
        let server = start().await;
        assert!(ask(&server, "/healthz").await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn metrics_are_served_as_openmetrics_and_nothing_else_is_served() {
        let server = start().await;
        let answer = ask(&server, "/metrics").await;
        assert!(answer.contains("application/openmetrics-text"), "{answer}");
        assert!(answer.contains("sluicegate_build_info"), "{answer}");
        assert!(answer.ends_with("# EOF\n"), "{answer}");
        assert!(ask(&server, "/debug").await.starts_with("HTTP/1.1 404"));
    }

    #[tokio::test]
    async fn cancelling_the_token_ends_the_server() {
        let server = start().await;
        server.shutdown.cancel();
        server.running.await.unwrap().unwrap();
    }
}
