//! How the service refuses a call.

use serde::{Deserialize, Serialize};

/// The exception of a refused call. [`ErrorCode::name`] gives the spelling of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// The caller lacks a permission. Not in the service's model, it comes from IAM.
    AccessDenied,
    /// A stale version or token, or tags that are still registered after a deletion.
    ConcurrentModification,
    /// The configuration does not allow the call, or the job cannot be snapshotted.
    InvalidApplicationConfiguration,
    /// A value is not valid; also what the service answers when it cannot read the code.
    InvalidArgument,
    /// A value that CloudWatch Logs does not take.
    InvalidParameter,
    /// A token of a page that CloudWatch did not give.
    InvalidNextToken,
    /// The request makes no sense for this application.
    InvalidRequest,
    /// A quota is used up.
    LimitExceeded,
    /// A query of Logs Insights that is not understood.
    MalformedQuery,
    /// No signature, so neither caller nor region is known.
    MissingAuthenticationToken,
    /// The status forbids the call, or the name is taken.
    ResourceInUse,
    /// No such application, version, operation or snapshot.
    ResourceNotFound,
    /// The body is not what the operation takes.
    Serialization,
    /// The service is away for a moment.
    ServiceUnavailable,
    /// Too many calls in a short time. Not in the service's model.
    Throttling,
    /// More than 50 tags.
    TooManyTags,
    /// Nobody knows this operation.
    UnknownOperation,
    /// Known to the SDK, but not served here.
    UnsupportedOperation,
    /// A value that CloudWatch does not take.
    Validation,
}

impl ErrorCode {
    /// The exception's name on the wire, for example `ResourceInUseException`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::ConcurrentModification => "ConcurrentModificationException",
            Self::InvalidApplicationConfiguration => "InvalidApplicationConfigurationException",
            Self::InvalidArgument => "InvalidArgumentException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::InvalidNextToken => "InvalidNextToken",
            Self::InvalidRequest => "InvalidRequestException",
            Self::LimitExceeded => "LimitExceededException",
            Self::MalformedQuery => "MalformedQueryException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Serialization => "SerializationException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
            Self::Throttling => "ThrottlingException",
            Self::TooManyTags => "TooManyTagsException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::UnsupportedOperation => "UnsupportedOperationException",
            Self::Validation => "ValidationError",
        }
    }
}

/// A refused call. The message is what a client shows to a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub struct ServiceError {
    /// Which exception.
    pub code: ErrorCode,
    /// The text of the exception.
    pub message: String,
}

impl ServiceError {
    /// A refusal with this code and text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    pub(crate) fn in_use(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceInUse, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceNotFound, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnsupportedOperation, message)
    }
}
