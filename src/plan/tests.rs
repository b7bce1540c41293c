//! The arms of the planner: each name says what is given and what is planned.

mod annotations;
mod arms;
mod by_hand;
mod change_control;
mod deadlines;
mod edges;
mod elsewhere;
mod found;
mod gate;
mod health;
mod in_place;
mod intents;
mod newer;
mod ownership;
mod pre_change;
mod preview;
mod put_back;
mod refusals;
mod restore;
mod retention;
mod revert;
mod rollback;
mod snapshots;
mod standing;
mod stateless;
mod stops;
mod stuck;
mod switched_off;
mod table;
mod teardown;
mod undesirable;
mod unheeded;
mod unusable;
mod urgency;
mod waits;
mod watched;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::ownership::Owner;
use super::step::{Restore, Step};
use super::{Decision, Plan, Rules, Situation, plan};
use crate::api::condition::Reason;
use crate::api::spec::FlinkApplication;
use crate::api::status::{FlinkApplicationStatus, Handled, Intent, Journal, Phase, Revisions, StepKind};
use crate::desired::{Desired, References, Undesirable};
use crate::world::{
    ApplicationStatus, Logged, Observed, ObservedCheckpoints, ObservedJob, ObservedOperation, ObservedSnapshot,
    ObservedVertex, OperationStatus, Restored, Sight, SnapshotStatus, World,
};

const SPEC: &str = "
runtimeEnvironment: FLINK-1_20
serviceExecutionRole: arn:aws:iam::111122223333:role/orders
code: {s3: {bucket: demo, key: orders-1.0.yaml}}
";

/// A resource, the world and the moment that a test is about.
struct Case {
    app: FlinkApplication,
    world: World,
    now: Timestamp,
    references: References,
}

fn start_of_time() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start_of_time() + SignedDuration::from_secs(seconds)
}

fn owner() -> Owner {
    Owner {
        cluster: "c1".into(),
        namespace: "streaming".into(),
        name: "orders".into(),
        uid: "uid-1".into(),
    }
}

impl Case {
    /// A resource with the minimal spec and more members, and no application in the service.
    fn new(more: &str) -> Self {
        let yaml = format!("{SPEC}{more}");
        let app = FlinkApplication {
            metadata: serde_json::from_value(serde_json::json!({
                "name": "orders", "namespace": "streaming", "uid": "uid-1", "generation": 1, "resourceVersion": "1"
            }))
            .unwrap(),
            spec: serde_yaml::from_str(&yaml).unwrap(),
            status: None,
        };
        Self {
            app,
            world: World::default(),
            now: start_of_time(),
            references: References::new(),
        }
    }

    /// An application in a status that has what the spec asks for, under a journal that knows it.
    fn observed(more: &str, status: ApplicationStatus) -> Self {
        let mut case = Self::new(more);
        let want = case.want().unwrap();
        case.world.application = Some(Observed {
            arn: "arn:aws:kinesisanalytics:eu-west-1:111122223333:application/orders".into(),
            account_id: "111122223333".into(),
            status,
            version_id: 3,
            updated_from: Some(2),
            rolled_back_from: None,
            code_digest: None,
            token: "token-3".into(),
            created_at: start_of_time(),
            streaming: true,
            description: None,
            vpcs: want
                .configuration
                .vpc
                .clone()
                .map(|vpc| ("3.1".to_owned(), vpc))
                .into_iter()
                .collect(),
            log_streams: want
                .configuration
                .log_stream_arn
                .clone()
                .map(|arn| ("2.1".to_owned(), arn))
                .into_iter()
                .collect(),
            configuration: want.configuration,
            maintenance_start: Some("22:00".into()),
            tags: owner().tags(),
        });
        case.world.operations = Some(Vec::new());
        case.world.snapshots = Some(Vec::new());
        case.journal(|journal| {
            journal.handled = Some(Handled::default());
        })
    }

    /// A running job whose revision was promoted, at rest, with a snapshot to go back to.
    fn running(more: &str) -> Self {
        let case = Self::observed(more, ApplicationStatus::Running);
        let case = case.snapshots(vec![snapshot("kept", -60, SnapshotStatus::Ready)]);
        let revision = case.want().unwrap().revision.to_string();
        case.journal(|journal| {
            journal.had_state = true;
            journal.revisions = Some(Revisions {
                target: Some(revision.clone()),
                running: Some(revision.clone()),
                good: Some(revision.clone()),
                good_version_id: Some(3),
                good_snapshot: None,
                previous: None,
            });
        })
    }

    fn want(&self) -> Result<Desired, Undesirable> {
        Desired::parse(&self.app, "eu-west-1", &self.references)
    }

    fn journal(mut self, edit: impl FnOnce(&mut Journal)) -> Self {
        let status = self.app.status.get_or_insert_with(FlinkApplicationStatus::default);
        edit(&mut status.journal);
        self
    }

    fn world(mut self, edit: impl FnOnce(&mut Observed)) -> Self {
        edit(self.world.application.as_mut().unwrap());
        self
    }

    /// Replaces the spec: the minimal one and more members.
    fn respec(mut self, more: &str) -> Self {
        self.app.spec = serde_yaml::from_str(&format!("{SPEC}{more}")).unwrap();
        self.app.metadata.generation = Some(2);
        self
    }

    /// The job that a look shows.
    fn sees(mut self, job: ObservedJob) -> Self {
        self.world.job = Sight::Seen(Some(job));
        self
    }

    fn annotate(mut self, key: &str, value: &str) -> Self {
        self.app.metadata.annotations = Some(BTreeMap::from([(key.to_owned(), value.to_owned())]));
        self
    }

    fn at(mut self, seconds: i64) -> Self {
        self.now = after(seconds);
        self
    }

    fn operations(mut self, operations: Vec<ObservedOperation>) -> Self {
        self.world.operations = Some(operations);
        self
    }

    fn snapshots(mut self, snapshots: Vec<ObservedSnapshot>) -> Self {
        self.world.snapshots = Some(snapshots);
        self
    }

    /// An intent of a kind, declared at the start of time and accepted as operation `op-new`.
    fn issued(self, step: StepKind) -> Self {
        self.intent(step, Phase::Issued)
    }

    /// An accepted call whose operation goes on, in the status that it brings.
    fn under_way(self, step: StepKind, status: ApplicationStatus) -> Self {
        self.issued(step)
            .world(|app| app.status = status)
            .operations(vec![operation("op-new", step.operation(), OperationStatus::InProgress)])
    }

    fn intent(self, step: StepKind, phase: Phase) -> Self {
        let revision = self.want().ok().map(|want| want.revision.to_string());
        self.journal(|journal| {
            journal.intent = Some(Intent {
                asks: Vec::new(),
                step,
                phase,
                revision,
                restart_nonce: None,
                restart_request: None,
                snapshot_request: None,
                restore_once: None,
                fence: Some("token-2".into()),
                from_version_id: Some(2),
                snapshot: None,
                restores: false,
                after_operation_id: Some("op-old".into()),
                declared_at: start_of_time(),
                operation_id: (phase == Phase::Issued).then(|| "op-new".to_owned()),
                to_version_id: None,
            });
        })
    }

    fn decide(&self) -> Decision {
        let want = self.want();
        plan(&Situation {
            app: &self.app,
            want: want.as_ref(),
            world: &self.world,
            owner: &owner(),
            rules: &Rules::default(),
            now: self.now,
        })
    }

    /// The case after the decision was recorded.
    fn recorded(self) -> Self {
        let decision = self.decide();
        self.journal(|journal| *journal = decision.journal)
    }
}

/// A job of two vertices with three subtasks that was submitted two seconds after the start of time and does well.
fn healthy_job() -> ObservedJob {
    let vertex = |name: &str, parallelism: i64| ObservedVertex {
        name: name.into(),
        parallelism,
        running: parallelism,
        finished: 0,
        failed: 0,
    };
    ObservedJob {
        id: "0a".into(),
        state: "RUNNING".into(),
        started_at: after(2),
        vertices: vec![vertex("Source", 1), vertex("Sink", 2)],
        restarts: Some(0),
        checkpoints: Some(ObservedCheckpoints {
            completed: 1,
            failed: 0,
            restored: Restored::Snapshot,
        }),
        root_cause: None,
    }
}

fn operation(id: &str, kind: &str, status: OperationStatus) -> ObservedOperation {
    let error = (status == OperationStatus::Failed).then(|| "java.lang.IllegalStateException: boom".to_owned());
    ObservedOperation {
        id: id.into(),
        kind: kind.into(),
        status,
        started_at: after(1),
        ended_at: (status != OperationStatus::InProgress).then(|| after(2)),
        error,
    }
}

fn snapshot(name: &str, seconds: i64, status: SnapshotStatus) -> ObservedSnapshot {
    ObservedSnapshot {
        name: name.into(),
        status,
        version_id: 3,
        created_at: after(seconds),
        runtime_environment: Some("FLINK-1_20".into()),
    }
}

/// The kind of the planned step; fails when none is planned.
fn step(decision: &Decision) -> StepKind {
    match &decision.plan {
        Plan::Do(step) => step.kind(),
        other => panic!("no step but {other:?}"),
    }
}

/// The reasons of what a person hears of.
fn told(decision: &Decision) -> Vec<&str> {
    decision.notes.iter().map(|note| note.reason).collect()
}

fn waits(decision: &Decision) -> Reason {
    match &decision.plan {
        Plan::Wait(waiting) => waiting.reason,
        other => panic!("no wait but {other:?}"),
    }
}

fn stalls(decision: &Decision) -> (Reason, String) {
    match &decision.plan {
        Plan::Stall(stall) => (stall.reason, stall.message.clone()),
        other => panic!("no stall but {other:?}"),
    }
}

fn restore(decision: &Decision) -> Restore {
    match &decision.plan {
        Plan::Do(Step::Start { run } | Step::Restart { run, .. } | Step::Update { run: Some(run), .. }) => {
            run.restore.clone()
        }
        other => panic!("nothing is restored by {other:?}"),
    }
}
