//! Turns every way a call of the service can fail into a [`Fault`].
//!
//! This is the only place that looks at error codes and error texts. The question behind the kinds is what the planner
//! may conclude: a fault that is [`definite`](Fault::definite) left no trace at the service; any other call must be
//! settled by an observation.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kinesisanalyticsv2::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError, ServiceError},
};

pub use crate::fault::{Fault, FaultKind};

/// Classifies the failure of any operation of the SDK.
///
/// A time-out, a broken connection, an answer that cannot be read and every 5xx that is not a refusal for rate are
/// [`FaultKind::Unknown`]: the request may have arrived. Only a connection that never came about and credentials that
/// could not be had prove that nothing was sent.
#[must_use]
pub fn classify<E>(error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => Fault::new(
            FaultKind::Invalid,
            "the request could not be built from these values; nothing was sent",
        ),
        SdkError::TimeoutError(_) => Fault::new(FaultKind::Unknown, "no answer from the service before the deadline"),
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map_or_else(
            || Fault::new(FaultKind::Unknown, "the connection failed without an answer"),
            not_answered,
        ),
        SdkError::ResponseError(_) => Fault::new(FaultKind::Unknown, "the answer of the service could not be read"),
        SdkError::ServiceError(answer) => answered(answer),
        _ => Fault::new(FaultKind::Unknown, "the call failed in a way the SDK does not name"),
    }
}

fn not_answered(error: &ConnectorError) -> Fault {
    if let Some(credentials) = find::<CredentialsError>(error) {
        let kind = match credentials {
            CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => FaultKind::Denied,
            _ => FaultKind::Unavailable,
        };
        return Fault::new(kind, &format!("no AWS credentials: {}", innermost(credentials)));
    }
    match find::<hyper_util::client::legacy::Error>(error) {
        Some(transport) if transport.is_connect() => Fault::new(
            FaultKind::Unavailable,
            &format!("cannot connect to the service: {}", innermost(transport)),
        ),
        _ if error.is_timeout() => Fault::new(FaultKind::Unknown, "no answer from the service before the deadline"),
        _ => Fault::new(
            FaultKind::Unknown,
            &format!("the connection broke without an answer: {}", innermost(error)),
        ),
    }
}

fn answered<E>(answer: &ServiceError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = answer.raw().status().as_u16();
    let code = answer.err().meta().code();
    let text = answer.err().meta().message().unwrap_or_default();
    let kind = kind_of(status, code, text);
    let message = match (code, text) {
        (Some(code), "") => format!("{code} (HTTP {status})"),
        (Some(code), text) => format!("{code}: {text}"),
        (None, _) => format!("the service answered HTTP {status} without an error code"),
    };
    Fault::new(kind, &message)
}

/// The meaning of an error answer: its HTTP status, its code (the part of `__type` after `#`) and its text.
fn kind_of(status: u16, code: Option<&str>, text: &str) -> FaultKind {
    match (status, code) {
        (_, Some(code)) if is_rate(code) => FaultKind::Throttled,
        (429, _) => FaultKind::Throttled,
        (400..=499, Some(code)) => kind_of_code(code, text),
        (401 | 403, None) => FaultKind::Denied,
        _ => FaultKind::Unknown,
    }
}

fn kind_of_code(code: &str, text: &str) -> FaultKind {
    match code {
        "ResourceInUseException" => FaultKind::Busy,
        "ConcurrentModificationException" if text.contains("Tags are already registered") => FaultKind::TagsLingering,
        "ConcurrentModificationException" => FaultKind::Conflict,
        "ResourceNotFoundException" => FaultKind::NotFound,
        "LimitExceededException" => FaultKind::Quota,
        "InvalidArgumentException" if is_role_or_location(text) => FaultKind::RoleOrLocation,
        "InvalidApplicationConfigurationException" if is_downtime(text) => FaultKind::JobDown,
        code if is_refusal_of_identity(code) => FaultKind::Denied,
        "RequestTimeout" | "RequestTimeoutException" => FaultKind::Unknown,
        _ => FaultKind::Invalid,
    }
}

fn is_rate(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "BandwidthLimitExceeded"
            | "SlowDown"
    )
}

fn is_refusal_of_identity(code: &str) -> bool {
    code.starts_with("AccessDenied")
        || matches!(
            code,
            "UnrecognizedClientException"
                | "UnauthorizedOperation"
                | "NotAuthorized"
                | "AuthFailure"
                | "ExpiredToken"
                | "ExpiredTokenException"
                | "InvalidClientTokenId"
                | "InvalidSignatureException"
                | "SignatureDoesNotMatch"
                | "IncompleteSignature"
                | "IncompleteSignatureException"
                | "MissingAuthenticationToken"
                | "MissingAuthenticationTokenException"
                | "RequestExpired"
                | "RequestTimeTooSkewed"
                | "OptInRequired"
        )
}

fn is_role_or_location(text: &str) -> bool {
    text.contains("check the role provided")
        || text.contains("details for your Subnet resources")
        || text.contains("sufficient privileges")
}

fn is_downtime(text: &str) -> bool {
    text.contains("Failed to take snapshot") && text.contains("experiencing downtime")
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref::<T>())
}

fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    chain(error).last().unwrap_or(error)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_the_service_has_its_kind() {
        use FaultKind::*;
        let downtime = "Failed to take snapshot for the application orders at this moment. The application is \
                        currently experiencing downtime. Please check the application's CloudWatch metrics";
        let tags = "Tags are already registered for this resource ARN: arn:aws:x, please retry later.";
        let table = [
            (400, Some("ThrottlingException"), "Rate exceeded", Throttled),
            (503, Some("SlowDown"), "", Throttled),
            (400, Some("TooManyRequestsException"), "", Throttled),
            (400, Some("RequestLimitExceeded"), "", Throttled),
            (429, None, "", Throttled),
            (400, Some("ResourceInUseException"), "not available", Busy),
            (400, Some("ConcurrentModificationException"), "version 3", Conflict),
            (400, Some("ConcurrentModificationException"), tags, TagsLingering),
            (400, Some("ResourceNotFoundException"), "", NotFound),
            (400, Some("InvalidArgumentException"), "bad value", Invalid),
            (400, Some("InvalidRequestException"), "unsupported connector", Invalid),
            (
                400,
                Some("InvalidApplicationConfigurationException"),
                "no snapshot",
                Invalid,
            ),
            (400, Some("CodeValidationException"), "", Invalid),
            (400, Some("UnsupportedOperationException"), "", Invalid),
            (400, Some("TooManyTagsException"), "", Invalid),
            (400, Some("ValidationException"), "", Invalid),
            (
                400,
                Some("InvalidArgumentException"),
                "Please check the role provided or validity of S3 location you provided",
                RoleOrLocation,
            ),
            (
                400,
                Some("InvalidArgumentException"),
                "Please check the role provided or the validity of Subnet resources provided. We are unable to fetch the \
                 details for your Subnet resources.",
                RoleOrLocation,
            ),
            (
                400,
                Some("InvalidArgumentException"),
                "Kinesis Analytics service doesn't have sufficient privileges to assume the role",
                RoleOrLocation,
            ),
            (400, Some("InvalidApplicationConfigurationException"), downtime, JobDown),
            (400, Some("AccessDeniedException"), "User is not authorized", Denied),
            (403, Some("AccessDenied"), "", Denied),
            (400, Some("UnrecognizedClientException"), "", Denied),
            (400, Some("ExpiredTokenException"), "", Denied),
            (403, Some("InvalidSignatureException"), "", Denied),
            (403, Some("SignatureDoesNotMatch"), "", Denied),
            (403, None, "", Denied),
            (400, Some("LimitExceededException"), "snapshots", Quota),
            (408, Some("RequestTimeout"), "", Unknown),
            (400, None, "", Unknown),
            (404, None, "", Unknown),
            (500, Some("InternalFailure"), "", Unknown),
            (500, Some("ResourceInUseException"), "", Unknown),
            (503, Some("ServiceUnavailableException"), "", Unknown),
            (502, None, "", Unknown),
            (302, None, "", Unknown),
            (200, None, "", Unknown),
        ];
        for (status, code, text, kind) in table {
            assert_eq!(kind_of(status, code, text), kind, "HTTP {status} {code:?} {text:?}");
        }
    }
}
