//! The service behind a socket: the AWS protocol on `/`, Flink's REST API under `/flinkdashboard/`, the test bed under
//! `/_emulator/`.

mod objects;
mod page;
mod state_file;
mod test_bed;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http_body::Frame;
use jiff::Timestamp;
use tokio::net::TcpListener;

use crate::Service;
use crate::wire;

pub use objects::Folders;
pub use state_file::{StateFileError, load};

/// More than the properties of a request can have.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// Where the server takes the time from.
pub type WallClock = fn() -> Timestamp;

/// The one service of the process and what surrounds it.
#[derive(Clone)]
struct Shared {
    service: Arc<Mutex<Service>>,
    clock: WallClock,
    state_file: Option<Arc<PathBuf>>,
}

impl Shared {
    /// A panic while the lock was held leaves a service that is whole: a call changes it only after its checks.
    fn lock(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the state, when a file was given. The lock is held, so that an older state never replaces a newer one.
    fn save(&self, service: &Service) {
        if let Some(path) = &self.state_file
            && let Err(error) = state_file::save(path, service.state())
        {
            tracing::error!(%error, "the state was not saved");
        }
    }
}

/// Serves until `stop` resolves.
///
/// `state_file` is written after every call that may have changed something.
///
/// # Errors
/// When the socket fails.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    clock: WallClock,
    state_file: Option<PathBuf>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let shared = Shared {
        service: Arc::new(Mutex::new(service)),
        clock,
        state_file: state_file.map(Arc::new),
    };
    let router = Router::new()
        .route("/", post(aws))
        .route("/service/{service}/operation/{operation}", post(aws))
        .route("/flinkdashboard/{*resource}", any(flink))
        .route("/_emulator", get(test_bed::page))
        .route("/_emulator/", get(test_bed::page))
        .route("/_emulator/faults", get(test_bed::faults).post(test_bed::set_faults))
        .route("/_emulator/calls", get(test_bed::calls))
        .route("/_emulator/applications/{name}", get(test_bed::application))
        .route("/_emulator/applications/{name}/{action}", post(test_bed::act))
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                "There is nothing here; /_emulator/ shows the applications.\n",
            )
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

async fn aws(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let target = header("x-amz-target");
    let request = wire::Request {
        path: uri.path(),
        target,
        authorization: header("authorization"),
        host: header("host"),
        body: &body,
    };
    let answer = {
        let mut service = shared.lock();
        let answer = wire::respond(&mut service, (shared.clock)(), request);
        if !target.or(wire::operation_in(uri.path())).is_some_and(reads) {
            shared.save(&service);
        }
        answer
    };
    if answer.dropped { lost() } else { reply(answer) }
}

/// The first use of a URL changes the session, so the state is saved.
async fn flink(State(shared): State<Shared>, method: Method, uri: Uri) -> Response {
    let target = uri
        .path_and_query()
        .map_or_else(|| uri.path(), |target| target.as_str());
    let mut service = shared.lock();
    let answer = wire::respond_flink(&mut service, (shared.clock)(), method.as_str(), target);
    shared.save(&service);
    reply(answer)
}

fn reply(answer: wire::Response) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    for (name, value) in answer.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Whether a call only reads.
fn reads(target: &str) -> bool {
    let operation = target.rsplit('.').next().unwrap_or_default();
    ["Describe", "List", "Filter", "Get", "StartQuery"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

/// A reply that breaks off: the body fails before its first byte, so the server closes the connection without a word.
fn lost() -> Response {
    Response::new(Body::new(Broken))
}

/// A body that only fails.
struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::other("this reply is lost on purpose"))))
    }
}
