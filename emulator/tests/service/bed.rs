//! A service with a clock and a bucket in the hands of the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use managed_flink_emulator::service::{ApplicationView, ErrorCode};
use managed_flink_emulator::{Objects, Service, Settings};
use serde_json::{Value, json};

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/msf-exec-orders";
pub(crate) const ARN: &str = "arn:aws:kinesisanalytics:eu-west-1:111122223333:application/orders";

type Files = Arc<Mutex<BTreeMap<String, String>>>;

struct Bucket(Files);

impl Objects for Bucket {
    fn read(&self, bucket: &str, key: &str, version: Option<&str>) -> Option<Vec<u8>> {
        let name = version.map_or_else(|| key.to_owned(), |version| format!("{key}@{version}"));
        let files = self.0.lock().unwrap();
        files
            .get(&name)
            .filter(|_| bucket == "demo")
            .map(|text| text.clone().into_bytes())
    }
}

pub(crate) struct Bed {
    pub(crate) service: Service,
    pub(crate) now: Timestamp,
    files: Files,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let files = Files::default();
        let service = Service::new(settings, Box::new(Bucket(Arc::clone(&files))));
        let bed = Self {
            service,
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            files,
        };
        bed.put("good.yaml", "main: ok");
        bed.put("better.yaml", "main: ok # better");
        bed.put("throws.yaml", "main: {throws: 'java.lang.NoSuchMethodError: shade'}");
        bed
    }

    /// A service where one rule has another value than the default.
    pub(crate) fn with_rule(name: &str, value: &str) -> Self {
        let mut settings = Settings::default();
        settings.rules.set(name, value).unwrap();
        Self::with(settings)
    }

    pub(crate) fn put(&self, key: &str, text: &str) {
        self.files.lock().unwrap().insert(key.to_owned(), text.to_owned());
    }

    pub(crate) fn remove(&self, key: &str) {
        self.files.lock().unwrap().remove(key);
    }

    /// Lets the clock go on.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    pub(crate) fn ok(&mut self, operation: &str, input: &Value) -> Value {
        self.service.handle(self.now, REGION, operation, input).unwrap()
    }

    /// The code and the text of a refusal.
    pub(crate) fn refused(&mut self, operation: &str, input: &Value) -> (ErrorCode, String) {
        let error = self.service.handle(self.now, REGION, operation, input).unwrap_err();
        (error.code, error.message)
    }

    /// A call about the application `orders` with these members besides its name.
    pub(crate) fn orders(&mut self, operation: &str, members: &Value) -> Value {
        let input = about_orders(members);
        self.ok(operation, &input)
    }

    pub(crate) fn orders_refused(&mut self, operation: &str, members: &Value) -> (ErrorCode, String) {
        let input = about_orders(members);
        self.refused(operation, &input)
    }

    pub(crate) fn create(&mut self, key: &str) -> Value {
        self.orders("CreateApplication", &creation(key))["ApplicationDetail"].clone()
    }

    /// Creates the application and lets it come to run.
    pub(crate) fn run(&mut self, key: &str) {
        self.create(key);
        self.start();
    }

    pub(crate) fn start(&mut self) {
        self.orders("StartApplication", &json!({}));
        self.pass(90);
        assert_eq!(self.status(), "RUNNING");
    }

    /// An update of the configuration with the current version; returns the answer.
    pub(crate) fn update(&mut self, configuration: &Value) -> Value {
        let version = self.describe()["ApplicationVersionId"].clone();
        self.orders(
            "UpdateApplication",
            &json!({ "CurrentApplicationVersionId": version, "ApplicationConfigurationUpdate": configuration }),
        )
    }

    pub(crate) fn describe(&mut self) -> Value {
        self.orders("DescribeApplication", &json!({}))["ApplicationDetail"].clone()
    }

    pub(crate) fn status(&mut self) -> String {
        self.describe()["ApplicationStatus"].as_str().unwrap().to_owned()
    }

    pub(crate) fn view(&mut self) -> ApplicationView {
        self.service.advance(self.now);
        self.service.application_view(REGION, "orders").unwrap()
    }

    /// The details of the newest operation.
    pub(crate) fn newest_operation(&mut self) -> Value {
        let list = self.orders("ListApplicationOperations", &json!({ "Limit": 1 }));
        let id = list["ApplicationOperationInfoList"][0]["OperationId"].clone();
        self.operation(&id)
    }

    pub(crate) fn operation(&mut self, id: &Value) -> Value {
        self.orders("DescribeApplicationOperation", &json!({ "OperationId": id }))["ApplicationOperationInfoDetails"]
            .clone()
    }

    pub(crate) fn snapshots(&mut self) -> Vec<Value> {
        let list = self.orders("ListApplicationSnapshots", &json!({}));
        list["SnapshotSummaries"].as_array().unwrap().clone()
    }
}

fn about_orders(members: &Value) -> Value {
    let mut input = members.clone();
    input["ApplicationName"] = json!("orders");
    input
}

pub(crate) fn creation(key: &str) -> Value {
    json!({
        "RuntimeEnvironment": "FLINK-1_20",
        "ServiceExecutionRole": ROLE,
        "ApplicationConfiguration": { "ApplicationCodeConfiguration": {
            "CodeContentType": "ZIPFILE",
            "CodeContent": { "S3ContentLocation": { "BucketARN": "arn:aws:s3:::demo", "FileKey": key } },
        } },
    })
}

/// A code update to another key.
pub(crate) fn code(key: &str) -> Value {
    location(&json!({ "FileKeyUpdate": key }))
}

pub(crate) fn location(members: &Value) -> Value {
    json!({ "ApplicationCodeConfigurationUpdate": { "CodeContentUpdate": { "S3ContentLocationUpdate": members } } })
}
