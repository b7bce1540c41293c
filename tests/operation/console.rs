//! What somebody else does at the service's console.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::testbed::{Emulator, post};

/// Calls an operation of the service in eu-west-1; a refusal fails the test.
#[track_caller]
pub(crate) fn call(emulator: &Emulator, operation: &str, input: &Value) {
    let host = emulator.url.trim_start_matches("http://");
    let body = input.to_string();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: KinesisAnalytics_20180523.{operation}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=console/20260101/eu-west-1/kinesisanalytics/aws4_request\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{operation}: {answer}");
}

/// Lets the service begin something by itself: `maintenance` or `autoscaling`.
#[track_caller]
pub(crate) fn begin(emulator: &Emulator, name: &str, action: &str) {
    let url = format!("{}/_emulator/applications/{name}/{action}", emulator.url);
    let answer = post(&url, "").unwrap();
    assert_eq!(answer.status, 202, "{action}: {}", answer.body);
}
