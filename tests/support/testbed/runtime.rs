//! The thread on which the clients of the API server work, so that tests may simply wait for them.

use std::sync::OnceLock;
use std::sync::mpsc::channel;

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

/// Begins work that goes on beside the caller.
pub(crate) fn begin(work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    runtime().spawn(work).abort_handle()
}

/// Does work and waits for its end. It may be called on threads of another runtime too.
#[track_caller]
pub(crate) fn finish<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (tell, told) = channel();
    begin(async move {
        let _ = tell.send(work.await);
    });
    told.recv()
        .unwrap_or_else(|_| panic!("the work of a client ended without a result"))
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.unwrap_or_else(|error| panic!("no thread for the clients: {error}"))
    })
}
