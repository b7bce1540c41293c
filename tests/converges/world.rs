//! The world outside the controller: the emulated service, the model of the API server, and what happened so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use managed_flink_emulator::service::rules::Rules;
use managed_flink_emulator::{Objects, Service, Settings, wire};
use serde::Deserialize as _;
use serde_json::{Value, json};
use sluicegate::api::status::AwsStatus;
use sluicegate::aws::observe::Listed;
use sluicegate::census::changed;

use crate::cluster::{Answer, Cluster, Request, Target, already_exists};
use crate::faults::{Fault, Kind};
use crate::trace::{Call, Entry, Origin, Read, Seen, What, Write};

/// The region of everything.
pub const REGION: &str = "eu-west-1";
/// The name of the application and of its resource.
pub const APP: &str = "orders";
/// The name of the cluster in ownership tags.
pub const CLUSTER: &str = "simulated";
/// How long after its connection broke a late call takes effect.
const LATE: SignedDuration = SignedDuration::from_secs(15);

/// The code that there is: what a job of it does is in its name.
struct Bucket;

impl Objects for Bucket {
    fn read(&self, _bucket: &str, key: &str, _version: Option<&str>) -> Option<Vec<u8>> {
        let script = match key.split(['.', '-']).next()? {
            "healthy" => "then: healthy",
            "throws" => "main: {throws: 'java.lang.NoSuchMethodError: orders'}",
            "ends" => "then: {endsAfter: 90s}",
            "loops" => "then: {failsEvery: 8s, exception: 'java.lang.IllegalStateException: loops'}",
            "later" => "then: {failsEvery: 8s, after: 40s, exception: 'java.lang.IllegalStateException: later'}",
            "ages" => "then: {failsEvery: 8s, after: 10m, exception: 'java.lang.IllegalStateException: ages'}",
            "tires" => {
                "then: {failsEvery: 8s, after: 10m, times: 8, exception: 'java.lang.IllegalStateException: tires'}"
            }
            "flaps" => "then: {failsEvery: 40s, exception: 'java.lang.IllegalStateException: flaps'}",
            "once" => "then: {failsEvery: 8s, times: 1, exception: 'java.lang.IllegalStateException: once'}",
            "slow" => "initializing: 2m",
            "crawls" => "initializing: 20m",
            "breaks" => "checkpoints: {every: 10s, fail: true}",
            "forgets" => "state: {ignored: true}",
            "strange" => "state: {incompatibleWith: ['healthy*']}",
            "brittle" => "state: {incompatibleWith: ['brittle*']}",
            _ => return None,
        };
        Some(script.as_bytes().to_vec())
    }
}

/// A call whose effect is still to come.
#[derive(Clone, Debug)]
struct Late {
    at: Timestamp,
    operation: String,
    input: Arc<Value>,
    entry: usize,
}

/// What the transport does with a request.
#[derive(Debug)]
pub enum Delivery<T> {
    /// The answer arrives.
    Answered(T),
    /// The connection breaks without an answer.
    Broken,
    /// The process dies; there is nobody to answer.
    Dead,
}

/// How the controller looks at the application and writes statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Through the SDK and the Kubernetes client, every time.
    Sdk,
    /// Without them, as long as all is answered well.
    Remembered,
}

/// The world and its history.
pub struct World {
    /// The emulated service.
    pub service: Service,
    /// The model of the API server.
    pub cluster: Cluster,
    /// What happened.
    pub trace: Vec<Entry>,
    /// The number of the pass.
    pub pass: u32,
    /// The number of the process.
    pub process: u32,
    /// Requests of the controller that change something, counted so far: each is a point where a fault can strike.
    pub points: u32,
    /// The kinds of fault that can strike at each point so far.
    pub kinds: Vec<(u32, Vec<Kind>)>,
    /// The faults that strike.
    pub faults: Vec<Fault>,
    /// The reads of the service whose connection breaks, by number.
    pub broken_reads: Vec<u32>,
    /// Whether restarts are watched, and whether the census vouches for what is as it was.
    pub watches: bool,
    /// How the controller looks and writes.
    pub looks: Looks,
    /// Until when no process of the controller runs.
    pub away_until: Option<Timestamp>,
    reads: u32,
    late: Vec<Late>,
    events: BTreeMap<String, Timestamp>,
}

/// The text of a member that the answer to a read has once at most.
fn told(answer: &str, member: &str) -> Option<String> {
    let (_, after) = answer.split_once(&format!("\"{member}\":\""))?;
    after.split_once('"').map(|(text, _)| text.to_owned())
}

/// A service with the speed and the rules of a run.
fn settings(rules: Rules, speed: f64) -> Settings {
    Settings {
        speed,
        rules,
        ..Settings::default()
    }
}

impl World {
    /// An empty world in which the service is so many times faster than the real one.
    pub fn new(rules: Rules, speed: f64) -> Self {
        Self {
            service: Service::new(settings(rules, speed), Box::new(Bucket)),
            cluster: Cluster::default(),
            trace: Vec::new(),
            pass: 0,
            process: 1,
            points: 0,
            kinds: Vec::new(),
            faults: Vec::new(),
            broken_reads: Vec::new(),
            watches: true,
            looks: Looks::Sdk,
            away_until: None,
            reads: 0,
            late: Vec::new(),
            events: BTreeMap::new(),
        }
    }

    /// The same world once more, to go on in another way.
    pub fn fork(&self) -> Self {
        let settings = self.service.settings().clone();
        let mut service = Service::with_state(settings, Box::new(Bucket), self.service.state().clone());
        service.set_faults(self.service.faults().clone());
        Self {
            service,
            cluster: self.cluster.clone(),
            trace: self.trace.clone(),
            events: self.events.clone(),
            kinds: self.kinds.clone(),
            faults: self.faults.clone(),
            broken_reads: self.broken_reads.clone(),
            late: self.late.clone(),
            ..*self
        }
    }

    /// The world, which leaves an empty one.
    pub fn taken(&mut self) -> Self {
        std::mem::replace(self, Self::new(Rules::default(), 1.0))
    }

    /// The resource.
    pub fn object(&self) -> Option<Arc<Value>> {
        self.cluster.object(APP)
    }

    /// Notes something in the trace.
    pub fn note(&mut self, at: Timestamp, what: What) {
        let (pass, process) = (self.pass, self.process);
        self.trace.push(Entry {
            at,
            pass,
            process,
            what,
        });
    }

    /// Lets everything happen that is due.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(next) = self.late.iter().position(|late| late.at <= now) {
            let late = self.late.remove(next);
            let accepted = self
                .service
                .handle(late.at, REGION, &late.operation, &late.input)
                .is_ok();
            let call = late.entry;
            self.note(late.at, What::LateEffect { call, accepted });
        }
        self.service.advance(now);
    }

    /// When the next late effect comes.
    pub fn next_late(&self) -> Option<Timestamp> {
        self.late.iter().map(|late| late.at).min()
    }

    /// Whether the census finds the application in another state than the resource records.
    pub fn census_wakes(&mut self, now: Timestamp) -> bool {
        let Some(object) = self.object() else { return false };
        let Ok(aws) = AwsStatus::deserialize(&object["status"]["aws"]) else {
            return false;
        };
        let listed = self.listed(now);
        !changed(&listed, &[&aws]).is_empty()
    }

    /// Whether the job in place is to fail again.
    pub fn job_fails(&mut self, now: Timestamp) -> bool {
        self.service.advance(now);
        let job = self.service.running_job(REGION, APP);
        job.is_some_and(|job| job.next_failure(now).is_some())
    }

    /// What a sweep of the census sees.
    pub fn listed(&mut self, now: Timestamp) -> Vec<Listed> {
        let Ok(answer) = self.service.handle(now, REGION, "ListApplications", &json!({})) else {
            return Vec::new();
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let summaries = answer["ApplicationSummaries"].as_array().into_iter().flatten();
        summaries
            .map(|summary| Listed {
                name: text(&summary["ApplicationName"]),
                status: text(&summary["ApplicationStatus"]),
                version_id: summary["ApplicationVersionId"].as_i64().unwrap_or_default(),
            })
            .collect()
    }

    /// The description of the application, as the service gives it.
    pub fn described(&mut self, now: Timestamp) -> Option<Value> {
        let input = json!({"ApplicationName": APP});
        let answer = self.service.handle(now, REGION, "DescribeApplication", &input).ok()?;
        Some(answer["ApplicationDetail"].clone())
    }

    /// The application as it is.
    pub fn seen(&mut self, now: Timestamp) -> Option<Seen> {
        let detail = self.described(now)?;
        let arn = json!({"ResourceARN": detail["ApplicationARN"]});
        let tags = self
            .service
            .handle(now, REGION, "ListTagsForResource", &arn)
            .unwrap_or_default();
        let view = self.service.application_view(REGION, APP)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let configuration = &detail["ApplicationConfigurationDescription"];
        Some(Seen {
            tags: tags["Tags"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|tag| (text(&tag["Key"]), text(&tag["Value"])))
                .collect::<BTreeMap<_, _>>(),
            operations: view
                .operations
                .iter()
                .map(|operation| {
                    (
                        text(&operation["OperationId"]),
                        text(&operation["Operation"]),
                        text(&operation["OperationStatus"]),
                    )
                })
                .collect(),
            snapshots: view
                .snapshots
                .iter()
                .map(|snapshot| (text(&snapshot["SnapshotName"]), text(&snapshot["SnapshotStatus"])))
                .collect(),
            snapshots_on: configuration["ApplicationSnapshotConfigurationDescription"]["SnapshotsEnabled"] == true,
        })
    }

    /// What tells two contents of the application apart: code, runtime and parallelism of a version.
    fn content(&mut self, now: Timestamp, version: i64) -> Option<Value> {
        let input = json!({"ApplicationName": APP, "ApplicationVersionId": version});
        let answer = self.service.handle(now, REGION, "DescribeApplicationVersion", &input);
        let detail = answer.ok()?["ApplicationVersionDetail"].take();
        let configuration = &detail["ApplicationConfigurationDescription"];
        Some(json!([
            configuration["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]["S3ApplicationCodeLocationDescription"],
            detail["RuntimeEnvironment"],
            configuration["FlinkApplicationConfigurationDescription"]["ParallelismConfigurationDescription"]["Parallelism"],
        ]))
    }

    /// Where a call leads.
    fn origin(&mut self, now: Timestamp, operation: &str, input: &Value) -> Origin {
        let Some(detail) = self.described(now) else {
            return Origin::default();
        };
        let status = self.object().map(|object| object["status"].clone()).unwrap_or_default();
        let revisions = &status["revisions"];
        let versions = [&revisions["goodVersionId"], &revisions["previous"]["versionId"]];
        let good: Vec<Option<Value>> = versions
            .iter()
            .map(|version| version.as_i64().and_then(|version| self.content(now, version)))
            .collect();
        let target = detail["ApplicationVersionUpdatedFrom"].as_i64();
        let returns_to_good = (operation == "RollbackApplication").then(|| {
            let target = target.and_then(|version| self.content(now, version));
            target.is_some() && target == good[0]
        });
        let runs = [&input["RunConfiguration"], &input["RunConfigurationUpdate"]];
        let mut named = runs
            .iter()
            .filter_map(|run| run.pointer("/ApplicationRestoreConfiguration/SnapshotName")?.as_str());
        let named = named.next();
        let view = self.service.application_view(REGION, APP);
        let snapshot = view.and_then(|view| {
            let mut snapshots = view.snapshots.into_iter();
            snapshots.find(|snapshot| snapshot["SnapshotName"].as_str() == named)
        });
        let runtime = |value: &Value| value["RuntimeEnvironment"].as_str().unwrap_or_default().to_owned();
        Origin {
            newer_runtime: snapshot
                .as_ref()
                .is_some_and(|snapshot| runtime(snapshot) > runtime(&detail)),
            snapshot_of_good: snapshot.map(|snapshot| {
                let version = snapshot["ApplicationVersionId"].as_i64();
                let content = version.and_then(|version| self.content(now, version));
                content.is_some() && good.contains(&content)
            }),
            returns_to_good,
            brought: None,
        }
    }

    /// The content of the application as it is: its configuration without what the service numbers, and what it runs with.
    pub fn content_in_place(&mut self, now: Timestamp) -> Option<Value> {
        let detail = self.described(now)?;
        let mut configuration = detail["ApplicationConfigurationDescription"].clone();
        configuration.as_object_mut()?.remove("RunConfigurationDescription");
        for vpc in configuration["VpcConfigurationDescriptions"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            vpc.as_object_mut()?.remove("VpcConfigurationId");
        }
        let logs = detail["CloudWatchLoggingOptionDescriptions"]
            .as_array()
            .into_iter()
            .flatten();
        let logs: Vec<&Value> = logs.map(|log| &log["LogStreamARN"]).collect();
        Some(json!([
            configuration,
            detail["RuntimeEnvironment"],
            detail["ServiceExecutionRole"],
            logs
        ]))
    }

    /// Counts a point and tells which fault strikes there.
    fn strike(&mut self, kinds: Vec<Kind>) -> Option<Kind> {
        let point = self.points;
        self.points += 1;
        let struck = self.faults.iter().find(|fault| fault.point == point);
        let struck = struck.map(|fault| fault.kind).filter(|kind| kinds.contains(kind));
        self.kinds.push((self.pass, kinds));
        struck
    }

    /// A request of the controller to the service.
    pub fn service_request(&mut self, now: Timestamp, request: wire::Request<'_>) -> Delivery<wire::Response> {
        self.advance(now);
        let target = wire::operation_in(request.path).or(request.target).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let reads = [
            "Describe",
            "List",
            "CreateApplicationPresignedUrl",
            "FilterLogEvents",
            "GetMetricData",
        ];
        if reads.iter().any(|read| operation.starts_with(read)) {
            return self.read(now, operation, request);
        }
        let kind = self.strike(Kind::of_call(&operation));
        let input: Arc<Value> = Arc::new(serde_json::from_slice(request.body).unwrap_or_default());
        let before = self.seen(now);
        let origin = self.origin(now, &operation, &input);
        let live_uid = self
            .object()
            .and_then(|object| object["metadata"]["uid"].as_str().map(str::to_owned));
        let mut call = Call {
            operation: operation.clone(),
            input: Arc::clone(&input),
            before,
            live_uid,
            took_effect: false,
            answered: false,
            job_is_down: false,
            operation_id: None,
            origin,
        };
        if kind == Some(Kind::Late) {
            self.late.push(Late {
                at: now + LATE,
                operation,
                input,
                entry: self.trace.len(),
            });
        }
        if matches!(kind, Some(Kind::Late | Kind::CrashBefore)) {
            self.note(now, What::Call(call));
            return self.broken(now, kind);
        }
        let response = wire::respond(&mut self.service, now, request);
        call.took_effect = response.status == 200;
        if call.took_effect && call.operation == "UpdateApplication" {
            call.origin.brought = self.content_in_place(now);
        }
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        call.operation_id = body["OperationId"].as_str().map(str::to_owned);
        call.job_is_down = !call.took_effect && body.to_string().contains("experiencing downtime");
        call.answered = kind.is_none();
        self.note(now, What::Call(call));
        match kind {
            None => Delivery::Answered(response),
            Some(_) => self.broken(now, kind),
        }
    }

    fn broken<T>(&mut self, now: Timestamp, kind: Option<Kind>) -> Delivery<T> {
        if matches!(kind, Some(Kind::CrashBefore | Kind::CrashAfter)) {
            self.note(now, What::Crash);
            Delivery::Dead
        } else {
            Delivery::Broken
        }
    }

    fn read(&mut self, now: Timestamp, operation: String, request: wire::Request<'_>) -> Delivery<wire::Response> {
        self.reads += 1;
        if self.broken_reads.contains(&self.reads) {
            return Delivery::Broken;
        }
        let response = wire::respond(&mut self.service, now, request);
        let answer = std::str::from_utf8(&response.body).unwrap_or_default();
        let told_of = |of: &str, member: &str| (operation == of).then(|| told(answer, member)).flatten();
        let url = told_of("CreateApplicationPresignedUrl", "AuthorizedUrl").unwrap_or_default();
        let read = Read {
            status: told_of("DescribeApplication", "ApplicationStatus"),
            token: told_of("DescribeApplication", "ConditionalToken"),
            secret: url.split("authToken=").nth(1).map(str::to_owned),
            up: None,
            operation,
        };
        self.note(now, What::Read(read));
        Delivery::Answered(response)
    }

    /// A look of the controller at the Flink job.
    pub fn flink_request(&mut self, now: Timestamp, path_and_query: &str) -> Delivery<wire::Response> {
        self.advance(now);
        self.reads += 1;
        if self.broken_reads.contains(&self.reads) {
            return Delivery::Broken;
        }
        let response = wire::respond_flink(&mut self.service, now, "GET", path_and_query);
        let job = self.service.running_job(REGION, APP);
        let read = Read {
            operation: "FlinkRest".to_owned(),
            status: Some(response.status.to_string()),
            token: None,
            secret: None,
            up: Some(job.is_some_and(|job| job.is_healthy(now))),
        };
        self.note(now, What::Read(read));
        Delivery::Answered(response)
    }

    /// Ends every fault that is still to come.
    pub fn calm(&mut self) {
        self.faults.clear();
        self.broken_reads.clear();
    }

    /// A request of the controller to the API server.
    pub fn cluster_request(&mut self, now: Timestamp, request: Request) -> Delivery<Answer> {
        self.advance(now);
        let status = match (request.method.as_str(), request.target()) {
            ("PATCH", Some(Target::Status(_))) => true,
            ("PATCH", Some(Target::Application(_))) => false,
            (_, Some(Target::Events)) => {
                let text = |member: &str| request.body[member].as_str().unwrap_or_default().to_owned();
                let (reason, note) = (text("reason"), text("note"));
                let warning = text("type") == "Warning";
                let name = request.body["metadata"]["name"].as_str().unwrap_or_default();
                // The API server keeps an event for an hour, and refuses another of the same name.
                let told = self.events.get(name);
                if told.is_some_and(|told| now < *told + SignedDuration::from_hours(1)) {
                    return Delivery::Answered(already_exists(name));
                }
                self.events.insert(name.to_owned(), now);
                self.note(now, What::Event { reason, warning, note });
                return Delivery::Answered(self.cluster.answer(request));
            }
            _ => return Delivery::Answered(self.cluster.answer(request)),
        };
        let kind = self.strike(Kind::of_write());
        if kind == Some(Kind::CrashBefore) {
            return self.broken(now, kind);
        }
        if kind == Some(Kind::Conflict) {
            self.cluster.touch(APP);
        }
        let before = self.object();
        let answer = self.cluster.answer(request);
        let accepted = (200..300).contains(&answer.0);
        let after = accepted.then(|| Arc::clone(&answer.1));
        let job = self.service.running_job(REGION, APP);
        let restored = job.and_then(|job| job.restored_from.clone());
        self.note(
            now,
            What::Write(Write {
                status,
                before,
                after,
                restored,
            }),
        );
        match kind {
            None | Some(Kind::Conflict) => Delivery::Answered(answer),
            Some(_) => self.broken(now, kind),
        }
    }
}
