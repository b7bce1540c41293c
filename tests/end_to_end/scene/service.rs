//! The service of a scene: what it was asked, what it has, and what others do at its console.

use serde_json::{Value, json};

use super::{PATIENCE, Scene};
use crate::testbed::{Call, eventually, post_with};

/// The calls that bring a new application up: it runs from nothing, and there is a snapshot to go back to.
pub(crate) const FIRST_RUN: [&str; 3] = ["CreateApplication", "StartApplication", "CreateApplicationSnapshot"];

/// Whom the service takes a caller for that is not the controller.
const SOMEBODY: &str = "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/kinesisanalytics/aws4_request";

impl Scene {
    /// How many calls the service has received.
    #[track_caller]
    pub(crate) fn mark(&self) -> u64 {
        self.emulator.counts().values().sum()
    }

    /// The calls since `mark` that ask for a change, refused ones included, in their order; reads are left out.
    #[track_caller]
    pub(crate) fn requests_since(&self, mark: u64) -> Vec<Call> {
        let mut calls = self.emulator.calls_since(mark);
        calls.retain(|call| !call.is_read());
        calls
    }

    /// The names of those calls.
    #[track_caller]
    pub(crate) fn changes_since(&self, mark: u64) -> Vec<String> {
        let calls = self.requests_since(mark).into_iter();
        calls.map(|call| call.operation).collect()
    }

    /// The names of those calls, all of which the service must have accepted.
    #[track_caller]
    pub(crate) fn accepted_since(&self, mark: u64) -> Vec<String> {
        let calls = self.requests_since(mark);
        assert!(calls.iter().all(|call| call.outcome == "ok"), "{calls:?}");
        calls.into_iter().map(|call| call.operation).collect()
    }

    /// Calls the service in eu-west-1 as a person would who uses it without the controller; a refusal fails the test.
    #[track_caller]
    pub(crate) fn call(&self, operation: &str, input: &Value) -> Value {
        let target = format!("KinesisAnalytics_20180523.{operation}");
        let headers = [("X-Amz-Target", target.as_str()), ("Authorization", SOMEBODY)];
        let answer = post_with(&format!("{}/", self.emulator.url), &headers, &input.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// `DescribeApplication`.
    #[track_caller]
    pub(crate) fn describe(&self, name: &str) -> Value {
        self.call("DescribeApplication", &json!({"ApplicationName": name}))["ApplicationDetail"].take()
    }

    /// The tags of an application in the service.
    #[track_caller]
    pub(crate) fn tags(&self, name: &str) -> Value {
        let arn = self.describe(name)["ApplicationARN"].take();
        let answer = self.call("ListTagsForResource", &json!({"ResourceARN": arn}));
        let tags = answer["Tags"].as_array().unwrap().iter();
        tags.map(|tag| (tag["Key"].as_str().unwrap().to_owned(), tag["Value"].clone()))
            .collect()
    }

    /// The application as the test bed of the emulator sees it.
    #[track_caller]
    pub(crate) fn application(&self, name: &str) -> Value {
        let found = self.emulator.describe(name);
        found.unwrap_or_else(|| panic!("the service has no application {name}"))
    }

    /// Waits until the service reports this status of an application.
    #[track_caller]
    pub(crate) fn until_status(&self, name: &str, status: &str) {
        eventually(&format!("{name} is {status}"), PATIENCE, || {
            match self.emulator.describe(name) {
                Some(application) if application["status"] == status => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }

    /// Lets the service do something by itself: `maintenance` or `autoscaling`.
    #[track_caller]
    pub(crate) fn unannounced(&self, name: &str, action: &str) {
        assert!(self.emulator.act(name, action), "{name} does not run");
    }
}
