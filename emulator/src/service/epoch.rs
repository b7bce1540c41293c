//! Times on the wire.

use jiff::Timestamp;
use serde_json::{Value, json};

/// A time as the service writes it: whole epoch seconds (facts §0.1).
pub(crate) fn seconds(at: Timestamp) -> Value {
    json!(at.as_second())
}

/// Whether epoch seconds from a client mean the same time. SDKs may cut to milliseconds (facts §0.1).
pub(crate) fn same_time(at: Timestamp, sent: Option<&Value>) -> bool {
    let Some(sent) = sent.and_then(Value::as_f64) else {
        return false;
    };
    let exact = seconds(at).as_f64().unwrap_or(f64::NAN);
    (exact - sent).abs() <= 0.001
}
