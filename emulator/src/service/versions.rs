//! The version history: the guard of a change, and how a change makes a version (facts §1.8, §2.5).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::application::{Application, Content, Status, Version};
use super::call::Call;
use super::error::{ErrorCode, ServiceError};
use super::identity::Ids;
use super::paging::{descending, page};
use super::rules::{NO_VERSION, Rules};
use super::state::Service;

impl Version {
    pub(crate) fn new(id: u64, updated_from: Option<u64>, created: Timestamp, token: String, content: Content) -> Self {
        let Content {
            runtime,
            role,
            configuration,
            logging,
        } = content;
        Self {
            id,
            created,
            updated_from,
            rolled_back: None,
            snapshot: None,
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

    /// The id of the next version, which no version had before. It is not always that of the current version plus one
    /// (rule `rollback-version`).
    pub(crate) fn next_version(&self) -> u64 {
        self.versions.keys().next_back().map_or(1, |last| last + 1)
    }

    /// Adds a version and makes it current.
    pub(crate) fn add_version(&mut self, at: Timestamp, content: Content, ids: &mut Ids) -> u64 {
        let id = self.next_version();
        let version = Version::new(id, Some(self.current), at, ids.token(), content);
        self.versions.insert(id, version);
        self.make_current(at, id);
        id
    }

    /// Makes an old version current again, with a token that no earlier change was guarded by.
    pub(crate) fn return_to_version(&mut self, at: Timestamp, id: u64, ids: &mut Ids) {
        if let Some(version) = self.versions.get_mut(&id) {
            version.token = ids.token();
            self.make_current(at, id);
        }
    }

    /// A changed parallelism resets the one that autoscaling chose (facts §3.5).
    fn make_current(&mut self, at: Timestamp, id: u64) {
        let wanted = |id: u64| {
            self.versions
                .get(&id)
                .map(|version| version.configuration.parallelism.wanted)
        };
        let (before, after) = (wanted(self.current), wanted(id));
        if let Some(parallelism) = after.filter(|_| before != after) {
            self.current_parallelism = parallelism;
        }
        self.current = id;
        self.updated = at;
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
