//! The Flink job of an application behind its pre-signed URL: read between a change and its verdict, and never else.

mod shapes;
mod wire;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::aws::Service;
use crate::aws::kept::Kept;
use crate::aws::presign::AuthorizedUrl;
use crate::desired::Identity;
use crate::fault::{Fault, FaultKind, sanitised};
use crate::flink_rest::shapes::{Checkpoints, Exceptions, Job, Metric, Overview};
use crate::world::{ObservedJob, Sight};

pub use wire::{Fetch, FetchError, HttpsFetch};

/// The most sessions that are kept; beyond it all are asked for anew.
const SESSIONS: usize = 1000;

/// Reads Flink jobs, and keeps the URL of each application for the length of its session.
pub struct FlinkRest {
    fetch: Arc<dyn Fetch>,
    sessions: Kept<Identity, AuthorizedUrl>,
}

impl fmt::Debug for FlinkRest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlinkRest").finish_non_exhaustive()
    }
}

/// Why a look showed nothing.
enum Blindness {
    /// The session is over: another URL may help.
    SessionOver,
    /// Whatever it is, another URL does not help.
    Other(String),
}

impl From<FetchError> for Blindness {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Status(401 | 403 | 404) => Self::SessionOver,
            error => Self::Other(error.to_string()),
        }
    }
}

impl FlinkRest {
    /// A reader over a transport.
    #[must_use]
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self {
            fetch,
            sessions: Kept::at_most(SESSIONS),
        }
    }

    /// One look at the job of an application. It never fails: what cannot be seen is told as such.
    pub async fn look(&self, service: &Service, identity: &Identity) -> Sight {
        let kept = self.sessions.get(identity);
        let fresh = kept.is_none();
        let url = match kept {
            Some(url) => Ok(url),
            None => self.ask(service, identity).await,
        };
        let seen = match url {
            Ok(url) => self.read(&url).await,
            Err(fault) => return Sight::Blind(told(&fault)),
        };
        match seen {
            Ok(job) => Sight::Seen(job),
            Err(Blindness::Other(why)) => Sight::Blind(why),
            Err(Blindness::SessionOver) => {
                self.sessions.forget(identity);
                if fresh {
                    return Sight::Blind("the Flink REST API refuses the pre-signed URL".to_owned());
                }
                let again = match self.ask(service, identity).await {
                    Ok(url) => self.read(&url).await,
                    Err(fault) => return Sight::Blind(told(&fault)),
                };
                again.map_or_else(
                    |_| Sight::Blind("the Flink REST API refuses the pre-signed URL".to_owned()),
                    Sight::Seen,
                )
            }
        }
    }

    async fn ask(&self, service: &Service, identity: &Identity) -> Result<AuthorizedUrl, Fault> {
        let url = service.authorized_url(identity).await?;
        self.sessions.keep(identity.clone(), url.clone());
        Ok(url)
    }

    async fn read(&self, url: &AuthorizedUrl) -> Result<Option<ObservedJob>, Blindness> {
        let overview: Overview = self.get(url, "/jobs/overview").await?;
        let Some(newest) = overview.newest() else {
            return Ok(None);
        };
        let id = newest.to_owned();
        let job: Job = self.get(url, &format!("/jobs/{id}")).await?;
        let metrics = self
            .get::<Vec<Metric>>(url, &format!("/jobs/{id}/metrics?get=fullRestarts,numRestarts"))
            .await;
        let checkpoints = self.get::<Checkpoints>(url, &format!("/jobs/{id}/checkpoints")).await;
        let restarts = metrics.ok().and_then(|metrics| shapes::restarts(&metrics));
        let mut observed = job.observed(restarts, checkpoints.ok().map(|checkpoints| checkpoints.observed()));
        if restarts.is_some_and(|restarts| restarts > 0) || !observed.is_up() {
            let exceptions = self
                .get::<Exceptions>(url, &format!("/jobs/{id}/exceptions?maxExceptions=20"))
                .await;
            observed.root_cause = exceptions
                .ok()
                .and_then(|exceptions| exceptions.first_root().map(|text| sanitised(&text)));
        }
        Ok(Some(observed))
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &AuthorizedUrl, resource: &str) -> Result<T, Blindness> {
        let body = self.fetch.get(url.address(resource)).await?;
        serde_json::from_slice(&body)
            .map_err(|_| Blindness::Other("the Flink REST API answered in another shape than Flink does".to_owned()))
    }
}

fn told(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::Denied => format!(
            "the controller may not call CreateApplicationPresignedUrl: {}",
            fault.message
        ),
        _ => format!("CreateApplicationPresignedUrl failed: {}", fault.message),
    }
}

/// A moment of Flink, in epoch milliseconds.
fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
