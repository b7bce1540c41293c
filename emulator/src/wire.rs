//! The JSON 1.1 protocol as a pure function (facts §0.1).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Service;
use crate::service::{ErrorCode, ServiceError};

/// What of a request matters to the service.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The header `X-Amz-Target`, for example `KinesisAnalytics_20180523.StartApplication`.
    pub target: Option<&'a str>,
    /// The header `Authorization`; its credential scope names the region.
    pub authorization: Option<&'a str>,
    /// The JSON body.
    pub body: &'a [u8],
}

/// What the service sends back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200, 400, 403 or 503.
    pub status: u16,
    /// Content type, request id and, for an error, its type.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Vec<u8>,
    /// True when a fault says that this reply is lost: the call took effect, the caller must see a broken connection.
    pub dropped: bool,
}

const TARGET: &str = "KinesisAnalytics_20180523.";
const TARGET_OF_V1: &str = "KinesisAnalytics_20150814.";

/// Answers one request.
pub fn respond(service: &mut Service, now: Timestamp, request: Request<'_>) -> Response {
    let target = request.target.unwrap_or_default();
    let operation = target.strip_prefix(TARGET).unwrap_or_default();
    let answer = answer(service, now, request, target);
    let dropped = service.drops_reply(operation);
    let (status, error, body) = match answer {
        Ok(body) => (200, None, body),
        Err(error) => (status_of(error.code), Some(error.code.name()), error_body(&error)),
    };
    let mut headers = vec![
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amzn-requestid", service.next_request_id()),
    ];
    headers.extend(error.map(|name| ("x-amzn-errortype", name.to_owned())));
    Response {
        status,
        headers,
        body: body.to_string().into_bytes(),
        dropped,
    }
}

fn answer(service: &mut Service, now: Timestamp, request: Request<'_>, target: &str) -> Result<Value, ServiceError> {
    let region = request.authorization.and_then(region_of).ok_or_else(|| {
        ServiceError::new(
            ErrorCode::MissingAuthenticationToken,
            "The request has no SigV4 Authorization header with a credential scope",
        )
    })?;
    if target.starts_with(TARGET_OF_V1) {
        return Err(ServiceError::new(
            ErrorCode::UnsupportedOperation,
            "The application was created/updated by kinesisanalyticsv2 SDK. Please use kinesisanalyticsv2 SDK",
        ));
    }
    let operation = target.strip_prefix(TARGET).ok_or_else(|| {
        ServiceError::new(
            ErrorCode::UnknownOperation,
            format!("There is no operation for the target {target:?}"),
        )
    })?;
    let body: &[u8] = if request.body.is_empty() { b"{}" } else { request.body };
    let input = serde_json::from_slice(body)
        .map_err(|error| ServiceError::new(ErrorCode::Serialization, format!("The body is not JSON: {error}")))?;
    service.handle(now, region, operation, &input)
}

/// The region in `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn region_of(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.split_once("Credential=")?;
    let scope = scope.split([',', ' ']).next()?;
    scope.rsplit('/').nth(2).filter(|region| !region.is_empty())
}

fn status_of(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::ServiceUnavailable => 503,
        ErrorCode::MissingAuthenticationToken => 403,
        _ => 400,
    }
}

/// The member of the text is `Message`, except for `TooManyTagsException` (facts §0.1).
fn error_body(error: &ServiceError) -> Value {
    match error.code {
        ErrorCode::TooManyTags => json!({ "__type": error.code.name(), "message": error.message }),
        _ => json!({ "__type": error.code.name(), "Message": error.message }),
    }
}
