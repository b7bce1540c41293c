//! Writes to the API server, each under the resource version of the object that it was planned from.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::api::spec::FlinkApplication;
use crate::api::status::FlinkApplicationStatus;
use crate::api::{FIELD_MANAGER, FINALIZER};
use crate::desired::References;

/// How long one call of the API server may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// The code of HTTP for what the API server takes for invalid.
const INVALID: u16 = 422;

/// The most ConfigMaps that are being read at a time: as it comes over the wire, one can have several MiB.
const READ_AT_A_TIME: usize = 4;

/// Why a call of the API server did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The object has changed since it was read: the pass is void and the next one plans anew.
    #[error("the object has changed since it was read")]
    Stale,
    /// No answer in time.
    #[error("no answer from the API server within {} seconds", DEADLINE.as_secs())]
    TimedOut,
    /// The API server refuses the status, which no repetition changes.
    #[error("the API server refuses the status: {0}")]
    Rejected(String),
    /// The API server failed or refused.
    #[error("the API server: {0}")]
    Api(#[source] Box<kube::Error>),
}

impl From<kube::Error> for RecordError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.code == 409 => Self::Stale,
            _ => Self::Api(Box::new(error)),
        }
    }
}

/// What becomes of the write of a status: the object as the API server has it.
pub type Written = Result<FlinkApplication, kube::Error>;

/// Writes statuses. The Kubernetes client does it; a simulation may stand before it.
pub trait Statuses: Send + Sync {
    /// Writes the complete status of an object by server-side apply.
    fn apply<'a>(&'a self, app: &'a FlinkApplication, status: &'a FlinkApplicationStatus) -> BoxFuture<'a, Written>;
}

impl Statuses for Client {
    fn apply<'a>(&'a self, app: &'a FlinkApplication, status: &'a FlinkApplicationStatus) -> BoxFuture<'a, Written> {
        let api: Api<FlinkApplication> = Api::namespaced(self.clone(), &app.namespace().unwrap_or_default());
        async move {
            let params = PatchParams::apply(FIELD_MANAGER).force();
            let patch = Patch::Apply(applied(app, status));
            api.patch_status(&app.name_any(), &params, &patch).await
        }
        .boxed()
    }
}

/// What is applied for the status of an object.
#[must_use]
pub fn applied(app: &FlinkApplication, status: &FlinkApplicationStatus) -> Value {
    json!({
        "apiVersion": FlinkApplication::api_version(&()),
        "kind": FlinkApplication::kind(&()),
        "metadata": {"name": app.name_any(), "resourceVersion": app.resource_version()},
        "status": status,
    })
}

/// The API server, every call with a deadline.
pub(super) struct Kubernetes {
    client: Client,
    statuses: Arc<dyn Statuses>,
    reading: Semaphore,
}

impl Kubernetes {
    pub(super) fn new(client: Client) -> Self {
        Self {
            statuses: Arc::new(client.clone()),
            client,
            reading: Semaphore::new(READ_AT_A_TIME),
        }
    }

    /// The same API server, whose statuses are written by something that stands before the client.
    pub(super) fn with_statuses(self, statuses: Arc<dyn Statuses>) -> Self {
        Self { statuses, ..self }
    }

    fn applications(&self, app: &FlinkApplication) -> Api<FlinkApplication> {
        Api::namespaced(self.client.clone(), &app.namespace().unwrap_or_default())
    }

    /// The data of the ConfigMaps that the spec names, as far as it can be used; those that do not exist are left out.
    pub(super) async fn references(&self, app: &FlinkApplication) -> Result<References, RecordError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &app.namespace().unwrap_or_default());
        let mut references = References::new();
        for name in References::to_read(&app.spec) {
            if references.is_too_large() {
                break;
            }
            let _turn = self.reading.acquire().await;
            if let Some(config_map) = in_time(api.get_opt(&name)).await? {
                references.insert(name, config_map.data.unwrap_or_default());
            }
        }
        Ok(references)
    }

    /// Writes the complete status by server-side apply.
    pub(super) async fn record(
        &self,
        app: &FlinkApplication,
        status: &FlinkApplicationStatus,
    ) -> Result<FlinkApplication, RecordError> {
        match in_time(self.statuses.apply(app, status)).await {
            Err(RecordError::Api(error)) => Err(match *error {
                kube::Error::Api(status) if is_refused(status.code, &status.message) => {
                    RecordError::Rejected(status.message)
                }
                error => RecordError::Api(Box::new(error)),
            }),
            written => written,
        }
    }

    /// Takes the finalizer. An object that is being deleted takes none.
    pub(super) async fn hold(&self, app: &FlinkApplication) -> Result<Option<FlinkApplication>, RecordError> {
        let mut finalizers = app.finalizers().to_vec();
        finalizers.push(FINALIZER.to_owned());
        self.set_finalizers(app, &finalizers).await.map(Some)
    }

    /// Drops the finalizer; nothing is returned when the object is gone with it.
    pub(super) async fn release(&self, app: &FlinkApplication) -> Result<Option<FlinkApplication>, RecordError> {
        if !app.finalizers().iter().any(|name| name == FINALIZER) {
            return Ok(None);
        }
        let finalizers: Vec<String> = app
            .finalizers()
            .iter()
            .filter(|name| *name != FINALIZER)
            .cloned()
            .collect();
        match self.set_finalizers(app, &finalizers).await {
            Ok(written) => Ok(Some(written)),
            Err(RecordError::Api(error)) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn set_finalizers(
        &self,
        app: &FlinkApplication,
        finalizers: &[String],
    ) -> Result<FlinkApplication, RecordError> {
        let operations: Value = json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": app.resource_version()},
            {"op": "test", "path": "/metadata/uid", "value": app.uid()},
            {"op": "add", "path": "/metadata/finalizers", "value": finalizers},
        ]);
        let patch: json_patch::Patch = serde_json::from_value(operations).unwrap_or_default();
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let result = in_time(
            self.applications(app)
                .patch(&app.name_any(), &params, &Patch::<()>::Json(patch)),
        )
        .await;
        match result {
            Err(RecordError::Api(error)) if is_failed_test(&error) => Err(RecordError::Stale),
            result => result,
        }
    }
}

/// The API server answers a failed test of a JSON patch as it answers what is invalid.
fn is_failed_test(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == INVALID)
}

/// Whether the API server answers what no repetition changes: the status is invalid, forbidden, or has a member that the
/// CRD in place does not declare, which it answers as an error of its own.
fn is_refused(code: u16, message: &str) -> bool {
    let is_undeclared = code == 500 && message.contains("field not declared in schema");
    matches!(code, 400 | 403 | INVALID) || is_undeclared
}

fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

async fn in_time<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, RecordError> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(RecordError::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_repetition_changes_is_told_from_what_may_pass() {
        let undeclared = "failed to create typed patch object: .status.new: field not declared in schema";
        for (code, message) in [
            (422, "too long"),
            (403, "denied by a webhook"),
            (400, ""),
            (500, undeclared),
        ] {
            assert!(is_refused(code, message), "{code}");
        }
        for (code, message) in [(500, "etcd has no leader"), (503, ""), (429, ""), (404, ""), (409, "")] {
            assert!(!is_refused(code, message), "{code}");
        }
    }
}
