//! The wire as pure functions: the JSON protocol (facts §0.1), RPC v2 CBOR for CloudWatch (facts §6.1) and Flink's REST
//! API (facts §6.3).

mod cbor;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Service;
use crate::service::{ErrorCode, ServiceError};

/// What of a request matters to the service.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The path: `/`, or the one that names the operation of CloudWatch, `/service/.../operation/GetMetricData`.
    pub path: &'a str,
    /// The header `X-Amz-Target`, for example `KinesisAnalytics_20180523.StartApplication`.
    pub target: Option<&'a str>,
    /// The header `Authorization`; its credential scope names the region.
    pub authorization: Option<&'a str>,
    /// The header `Host`; a pre-signed URL names it unless [`Settings::public_url`](crate::Settings) is set.
    pub host: Option<&'a str>,
    /// The body: JSON, or CBOR where the path names the operation.
    pub body: &'a [u8],
}

/// What the service sends back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Of the service 200, 400, 403 or 503; of Flink also 404 and 405.
    pub status: u16,
    /// Content type, request id and, for an error, its type.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or CBOR where the request was.
    pub body: Vec<u8>,
    /// True when a fault says that this reply is lost: the call took effect, the caller must see a broken connection.
    pub dropped: bool,
}

const TARGET: &str = "KinesisAnalytics_20180523.";
const TARGET_OF_LOGS: &str = "Logs_20140328.";
const TARGET_OF_METRICS: &str = "GraniteServiceVersion20100801.";
const PATH_OF_METRICS: &str = "/service/GraniteServiceVersion20100801/operation/";
const TARGET_OF_V1: &str = "KinesisAnalytics_20150814.";

/// Answers one request.
pub fn respond(service: &mut Service, now: Timestamp, request: Request<'_>) -> Response {
    let protocol = Protocol::of(&request);
    let (target, operation) = match protocol {
        Protocol::Cbor(operation) => (format!("{TARGET_OF_METRICS}{operation}"), operation),
        Protocol::Json => {
            let target = request.target.unwrap_or_default();
            (target.to_owned(), target.rsplit('.').next().unwrap_or_default())
        }
    };
    let answer = answer(service, now, request, protocol, &target);
    let dropped = service.drops_reply(operation);
    let (status, error, body) = match answer {
        Ok(body) => (200, None, body),
        Err(error) => (
            status_of(error.code),
            Some(error.code.name()),
            error_body(&error, &target),
        ),
    };
    let mut headers = match protocol {
        Protocol::Cbor(_) => vec![
            ("content-type", "application/cbor".to_owned()),
            ("smithy-protocol", "rpc-v2-cbor".to_owned()),
        ],
        Protocol::Json => vec![("content-type", "application/x-amz-json-1.1".to_owned())],
    };
    headers.push(("x-amzn-requestid", service.next_request_id()));
    headers.extend(error.map(|name| ("x-amzn-errortype", name.to_owned())));
    let body = match protocol {
        Protocol::Cbor(_) => cbor::write(&body),
        Protocol::Json => serde_json::to_vec(&body).unwrap_or_default(),
    };
    Response {
        status,
        headers,
        body,
        dropped,
    }
}

/// How a request is written.
#[derive(Clone, Copy)]
enum Protocol<'a> {
    /// JSON, with the operation in the header `X-Amz-Target`.
    Json,
    /// CBOR, with the operation of CloudWatch in the path.
    Cbor(&'a str),
}

impl<'a> Protocol<'a> {
    fn of(request: &Request<'a>) -> Self {
        operation_in(request.path).map_or(Self::Json, Self::Cbor)
    }
}

/// The operation of CloudWatch that a path names.
#[must_use]
pub fn operation_in(path: &str) -> Option<&str> {
    path.strip_prefix(PATH_OF_METRICS)
}

/// Answers a request below `/flinkdashboard/`, as [`Service::flink_rest`] does. Any method but `GET` is a 405: the
/// dashboard is read-only.
///
/// `path_and_query` is what follows the host in a pre-signed URL, with the path of a resource added before the query:
/// `/flinkdashboard/eu-west-1/orders/jobs?authToken=...`.
pub fn respond_flink(service: &mut Service, now: Timestamp, method: &str, path_and_query: &str) -> Response {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let (status, body) = if method == "GET" {
        service.flink_rest(now, path, query)
    } else {
        (405, json!({ "errors": ["The dashboard is read-only"] }))
    };
    let mut headers = vec![("content-type", "application/json; charset=UTF-8".to_owned())];
    headers.extend((status == 405).then(|| ("allow", "GET".to_owned())));
    Response {
        status,
        headers,
        body: serde_json::to_vec(&body).unwrap_or_default(),
        dropped: false,
    }
}

fn answer(
    service: &mut Service,
    now: Timestamp,
    request: Request<'_>,
    protocol: Protocol<'_>,
    target: &str,
) -> Result<Value, ServiceError> {
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
    let malformed = |what: &str| ServiceError::new(ErrorCode::Serialization, what);
    let input = match protocol {
        Protocol::Cbor(_) => {
            cbor::read(request.body).map_err(|error| malformed(&format!("The body is not CBOR: {error}")))?
        }
        Protocol::Json if request.body.is_empty() => json!({}),
        Protocol::Json => serde_json::from_slice(request.body)
            .map_err(|error| malformed(&format!("The body is not JSON: {error}")))?,
    };
    if let Some(operation) = target.strip_prefix(TARGET) {
        service.handle_on(now, request.host, region, operation, &input)
    } else if let Some(operation) = target.strip_prefix(TARGET_OF_LOGS) {
        service.handle_logs(now, region, operation, &input)
    } else if let Some(operation) = target.strip_prefix(TARGET_OF_METRICS) {
        service.handle_metrics(now, region, operation, &input)
    } else {
        let message = format!("There is no operation for the target {target:?}");
        Err(ServiceError::new(ErrorCode::UnknownOperation, message))
    }
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

/// The member of the text is `Message`, except for `TooManyTagsException` (facts §0.1), CloudWatch and CloudWatch Logs.
fn error_body(error: &ServiceError, target: &str) -> Value {
    let lower = error.code == ErrorCode::TooManyTags
        || [TARGET_OF_LOGS, TARGET_OF_METRICS]
            .iter()
            .any(|of| target.starts_with(of));
    let member = if lower { "message" } else { "Message" };
    json!({ "__type": error.code.name(), member: error.message })
}
