//! A day of snapshots by the clock on which the clocks change and the controller is away for three quarters of an hour.
//!
//! The passes of the controller run in the process of the test, against the real API server and, with the SDK over HTTP,
//! against the emulated service, all on a clock that the test sets: that of another process cannot be moved.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_kinesisanalyticsv2::config::SharedCredentialsProvider;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use managed_flink_emulator::http::{Folders, serve};
use managed_flink_emulator::{Service as Emulated, Settings as EmulatorSettings};
use serde_json::{Value, json};
use sluicegate::api::spec::FlinkApplication;
use sluicegate::aws::Service;
use sluicegate::aws::clients::{CallLimits, Clients};
use sluicegate::clock::Clock;
use sluicegate::flink_rest::{FlinkRest, HttpsFetch};
use sluicegate::leader::Leadership;
use sluicegate::metrics::Metrics;
use sluicegate::plan::Rules;
use sluicegate::reconcile::{Context, Settings, pass};

use crate::scene::{healthy, manifest};
use crate::testbed::{Cluster, get, scratch};

/// The present moment, in seconds since the epoch.
static NOW: AtomicI64 = AtomicI64::new(0);

fn now() -> Timestamp {
    Timestamp::from_second(NOW.load(Ordering::SeqCst)).unwrap()
}

fn set(moment: Timestamp) {
    NOW.store(moment.as_second(), Ordering::SeqCst);
}

struct SetClock;

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

/// A namespace with its resource, and the emulated service behind a socket.
struct Day {
    client: Client,
    api: Api<FlinkApplication>,
    namespace: String,
    url: String,
}

impl Day {
    async fn begin(namespace: &str, spec: &Value) -> Self {
        let cluster = Cluster::shared();
        cluster.install().unwrap();
        cluster.create_namespace(namespace);
        let bucket = scratch(&format!("{namespace}-bucket")).unwrap();
        fs::write(bucket.join("healthy.yaml"), "{main: ok, initializing: 5s}").unwrap();
        let mut folders = Folders::default();
        folders.insert("code", bucket);
        let service = Emulated::new(EmulatorSettings::default(), Box::new(folders));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, service, now, None, std::future::pending()));

        let client = cluster.client().await.unwrap();
        let day = Self {
            api: Api::namespaced(client.clone(), namespace),
            client,
            namespace: namespace.to_owned(),
            url,
        };
        let resource = serde_json::from_value(manifest(namespace, "orders", spec)).unwrap();
        day.api.create(&PostParams::default(), &resource).await.unwrap();
        day
    }

    /// A process that has just begun.
    fn process(&self) -> Context {
        let keys = SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "key", None, None, "test"));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .credentials_provider(keys)
            .build();
        let metrics = Arc::new(Metrics::new());
        let clients = Clients::from_config(config, CallLimits::default());
        Context::new(
            self.client.clone(),
            Service::new(clients, Arc::clone(&metrics)),
            FlinkRest::new(Arc::new(HttpsFetch::new().unwrap())),
            Arc::new(SetClock),
            Leadership::undisputed(),
            metrics,
            Settings {
                region: "eu-west-1".to_owned(),
                cluster: "tests".to_owned(),
                rules: Rules::default(),
                resync: Duration::from_hours(6),
            },
        )
    }

    /// Lets a process work until a moment: it looks again at once where the resource has changed, and otherwise when it said.
    async fn work(&self, process: &Context, end: Timestamp) {
        while now() < end {
            let app = self.api.get("orders").await.unwrap();
            let pause = match Box::pin(pass(process, &app)).await {
                Ok(pause) => pause,
                Err(error) => process.pause(&app, &error),
            };
            let changed = self.api.get("orders").await.unwrap().resource_version() != app.resource_version();
            let pause = if changed { Duration::ZERO } else { pause };
            let pause = SignedDuration::try_from(pause.max(Duration::from_secs(1))).unwrap();
            set((now() + pause).min(end));
        }
    }

    /// The runs of the schedule whose snapshots the service has, oldest first.
    fn taken(&self) -> Vec<String> {
        let view = get(&format!("{}/_emulator/applications/orders", self.url))
            .unwrap()
            .body;
        let view: Value = serde_json::from_str(&view).unwrap();
        let snapshots = view["snapshots"].as_array().unwrap().iter();
        let names = snapshots.map(|snapshot| snapshot["SnapshotName"].as_str().unwrap());
        names
            .filter_map(|name| Some(name.split_once("-schedule-")?.1.to_owned()))
            .collect()
    }

    /// The runs that an event says were missed.
    async fn missed(&self) -> Vec<String> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let events = events.list(&ListParams::default()).await.unwrap().items.into_iter();
        let missed = events.filter(|event| event.reason.as_deref() == Some("SnapshotMissed"));
        missed
            .filter_map(|event| event.note?.split(' ').nth(3).map(str::to_owned))
            .collect()
    }
}

/// The snapshots by the clock, and the runs that were missed, of a day in Dublin from noon to noon of UTC.
async fn a_day(namespace: &str, noon: &str) -> (Vec<String>, Vec<String>) {
    let noon: Timestamp = noon.parse().unwrap();
    let after = |hours: i64, minutes: i64| noon + SignedDuration::from_mins(hours * 60 + minutes);
    let schedule = json!({"cron": "*/30 0-4 * * *", "timeZone": "Europe/Dublin", "startingDeadline": "10m"});
    let spec = healthy(&json!({"snapshots": {"schedule": schedule, "retention": {"maxCount": 50}}}));
    set(noon);
    let day = Day::begin(namespace, &spec).await;
    day.work(&day.process(), after(12, 50)).await;
    set(after(13, 35));
    day.work(&day.process(), after(24, 0)).await;
    let missed = day.missed().await;
    (tokio::task::spawn_blocking(move || day.taken()).await.unwrap(), missed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_which_the_clocks_change_has_exactly_the_snapshots_of_its_schedule() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (taken, missed) = a_day("a-day-in-spring", "2026-03-28T12:00:00Z").await;
    let runs = ["0000", "0030", "0130", "0200", "0230", "0300", "0330"];
    assert_eq!(taken, runs.map(|time| format!("20260329T{time}00Z")));
    assert_eq!(
        missed,
        ["2026-03-29T01:00:00Z"],
        "of two runs in the absence, one is made up"
    );

    let (taken, missed) = a_day("a-day-in-autumn", "2026-10-24T12:00:00Z").await;
    let runs = [
        "24T2300", "24T2330", "25T0000", "25T0030", "25T0130", "25T0200", "25T0230", "25T0300", "25T0330", "25T0400",
        "25T0430",
    ];
    assert_eq!(taken, runs.map(|time| format!("202610{time}00Z")));
    assert_eq!(missed, ["2026-10-25T01:00:00Z"]);
}
