//! One call as its operation sees it.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{ErrorCode, ServiceError};

/// One call as its operation sees it.
pub(crate) struct Call<'a> {
    pub(crate) now: Timestamp,
    pub(crate) region: &'a str,
    /// The host it was called on, when it came over a wire that tells it.
    pub(crate) host: Option<&'a str>,
    pub(crate) input: &'a Value,
}

impl Call<'_> {
    /// A member that is a string; empty when it is absent.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.input.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member as a typed value; its shape was checked before.
    pub(crate) fn parse<T: DeserializeOwned>(&self, member: &str) -> Result<Option<T>, ServiceError> {
        self.input
            .get(member)
            .filter(|value| !value.is_null())
            .map(Self::parse_value)
            .transpose()
    }

    pub(crate) fn parse_value<T: DeserializeOwned>(value: &Value) -> Result<T, ServiceError> {
        serde_json::from_value(value.clone())
            .map_err(|error| ServiceError::new(ErrorCode::Serialization, error.to_string()))
    }
}
