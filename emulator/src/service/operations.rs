//! The operation log (facts §2.4).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::application::{Application, Operation, OperationStatus};
use super::call::Call;
use super::epoch::seconds;
use super::error::ServiceError;
use super::paging::{descending, page};
use super::state::Service;

impl Operation {
    /// Its status as it is shown.
    fn shown(&self) -> OperationStatus {
        if self.lingers {
            OperationStatus::InProgress
        } else {
            self.status
        }
    }

    /// An entry of the list. An operation in progress has no `EndTime`.
    pub(crate) fn summary(&self) -> Map<String, Value> {
        let mut entry = Map::from_iter([
            ("Operation".to_owned(), json!(self.name)),
            ("OperationId".to_owned(), json!(self.id)),
            ("StartTime".to_owned(), seconds(self.started)),
            ("OperationStatus".to_owned(), json!(self.shown())),
        ]);
        if let Some(ended) = self.ended.filter(|_| !self.lingers) {
            entry.insert("EndTime".to_owned(), seconds(ended));
        }
        entry
    }

    /// The details, which do not repeat the id.
    fn details(&self) -> Value {
        let mut details = self.summary();
        details.remove("OperationId");
        if let Some((from, to)) = self.versions {
            let change = json!({ "ApplicationVersionUpdatedFrom": from, "ApplicationVersionUpdatedTo": to });
            details.insert("ApplicationVersionChangeDetails".to_owned(), change);
        }
        let mut failure = Map::new();
        if self.lingers {
            return Value::Object(details);
        }
        if let Some(error) = &self.error {
            failure.insert("ErrorInfo".to_owned(), json!({ "ErrorString": error }));
        }
        if let Some(rollback) = &self.rollback {
            failure.insert("RollbackOperationId".to_owned(), json!(rollback));
        }
        if !failure.is_empty() {
            details.insert("OperationFailureDetails".to_owned(), Value::Object(failure));
        }
        Value::Object(details)
    }
}

impl Application {
    /// Opens an operation and returns its id.
    pub(crate) fn begin(&mut self, name: &str, id: String, at: Timestamp, versions: Option<(u64, u64)>) -> String {
        let sequence = self.operations.last().map_or(1, |last| last.sequence + 1);
        self.operations.push(Operation {
            id: id.clone(),
            sequence,
            name: name.to_owned(),
            started: at,
            ended: None,
            status: OperationStatus::InProgress,
            versions,
            error: None,
            rollback: None,
            lingers: false,
        });
        id
    }

    /// Ends an operation. An error text longer than 512 characters is cut off, as the service does.
    pub(crate) fn end(&mut self, id: &str, at: Timestamp, status: OperationStatus, error: Option<&str>) {
        if let Some(operation) = self.operations.iter_mut().find(|operation| operation.id == id) {
            operation.ended = Some(at);
            operation.status = status;
            operation.error = error.map(|text| text.chars().take(512).collect());
        }
    }
}

impl Service {
    pub(crate) fn list_application_operations(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let application = self.application(call)?;
        let name = call.input.get("Operation").and_then(Value::as_str);
        let status = call.input.get("OperationStatus").filter(|status| !status.is_null());
        let items = application
            .operations
            .iter()
            .rev()
            .filter(|operation| name.is_none_or(|name| operation.name == name))
            .filter(|operation| status.is_none_or(|status| json!(operation.shown()) == *status))
            .map(|operation| (descending(operation.sequence), Value::Object(operation.summary())));
        Ok(page("ApplicationOperationInfoList", items.collect(), call.input))
    }

    pub(crate) fn describe_application_operation(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let application = self.application(call)?;
        let id = call
            .input
            .get("OperationId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let operation = application
            .operations
            .iter()
            .find(|operation| operation.id == id)
            .ok_or_else(|| {
                ServiceError::not_found(format!("Application {} has no operation {id}", application.name))
            })?;
        Ok(json!({ "ApplicationOperationInfoDetails": operation.details() }))
    }
}
