//! The version history: what a version holds, the guard of a change, and how a change makes one (facts §1.8, §2.5).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::application::{Application, Status};
use super::configuration::Configuration;
use super::error::{ErrorCode, ServiceError};
use super::identity::Ids;
use super::paging::{descending, page};
use super::rules::{NO_VERSION, Rules};
use super::{Call, Service};

/// A logging option as the service spells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoggingOption {
    #[serde(rename = "CloudWatchLoggingOptionId")]
    pub(crate) id: String,
    #[serde(rename = "LogStreamARN")]
    pub(crate) log_stream_arn: String,
}

/// What a change decides about the next version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) runtime: String,
    pub(crate) role: String,
    pub(crate) configuration: Configuration,
    pub(crate) logging: Vec<LoggingOption>,
}

/// One version of an application. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: u64,
    pub(crate) created: Timestamp,
    pub(crate) updated_from: Option<u64>,
    /// The versions a rollback came from and went to.
    pub(crate) rolled_back: Option<(u64, u64)>,
    pub(crate) token: String,
    pub(crate) runtime: String,
    pub(crate) role: String,
    pub(crate) configuration: Configuration,
    pub(crate) logging: Vec<LoggingOption>,
}

impl Version {
    pub(crate) fn new(id: u64, created: Timestamp, token: String, content: Content) -> Self {
        let Content {
            runtime,
            role,
            configuration,
            logging,
        } = content;
        Self {
            id,
            created,
            updated_from: id.checked_sub(1).filter(|from| *from > 0),
            rolled_back: None,
            token,
            runtime,
            role,
            configuration,
            logging,
        }
    }

    pub(crate) fn content(&self) -> Content {
        Content {
            runtime: self.runtime.clone(),
            role: self.role.clone(),
            configuration: self.configuration.clone(),
            logging: self.logging.clone(),
        }
    }
}

impl Application {
    /// Holds a change against the current version or token; one of them must be given (facts §8).
    pub(crate) fn guard(&self, input: &Value, rules: &Rules) -> Result<(), ServiceError> {
        let version = input.get("CurrentApplicationVersionId").and_then(Value::as_u64);
        let token = input.get("ConditionalToken").and_then(Value::as_str);
        if version.is_none() && token.is_none() {
            let code = match rules.get(&NO_VERSION) {
                "InvalidRequestException" => ErrorCode::InvalidRequest,
                _ => ErrorCode::InvalidArgument,
            };
            let message = "Either CurrentApplicationVersionId or ConditionalToken must be given";
            return Err(ServiceError::new(code, message));
        }
        let stale = |what: &str| {
            ServiceError::new(
                ErrorCode::ConcurrentModification,
                format!(
                    "{what} of application {} is not the current one; describe it and retry",
                    self.name
                ),
            )
        };
        if version.is_some_and(|version| version != self.current) {
            return Err(stale("The CurrentApplicationVersionId"));
        }
        if token.is_some_and(|token| self.version().is_ok_and(|version| version.token != token)) {
            return Err(stale("The ConditionalToken"));
        }
        Ok(())
    }

    /// Adds a version and makes it current. A changed parallelism resets the one that autoscaling chose (facts §3.5).
    pub(crate) fn add_version(&mut self, at: Timestamp, content: Content, ids: &mut Ids) -> u64 {
        let before = self
            .versions
            .get(&self.current)
            .map(|version| version.configuration.parallelism.wanted);
        let parallelism = content.configuration.parallelism.wanted;
        if before != Some(parallelism) {
            self.current_parallelism = parallelism;
        }
        self.current += 1;
        self.updated = at;
        self.versions
            .insert(self.current, Version::new(self.current, at, ids.token(), content));
        self.current
    }
}

impl Service {
    pub(crate) fn list_application_versions(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let application = self.application(call)?;
        let items = application.versions.values().rev().map(|version| {
            let status = if version.id == application.current {
                application.status
            } else {
                Status::Ready
            };
            (
                descending(version.id),
                json!({ "ApplicationVersionId": version.id, "ApplicationStatus": status }),
            )
        });
        Ok(page("ApplicationVersionSummaries", items.collect(), call.input))
    }

    pub(crate) fn describe_application_version(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let application = self.application(call)?;
        let id = call
            .input
            .get("ApplicationVersionId")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        let version = application
            .versions
            .get(&id)
            .ok_or_else(|| ServiceError::not_found(format!("Application {} has no version {id}", application.name)))?;
        Ok(json!({ "ApplicationVersionDetail": application.describe_version(version, &self.settings.rules) }))
    }
}
