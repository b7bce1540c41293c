//! Two replicas: the holder of the lease acts, the other stands by and takes over.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::gate::Gate;
use crate::scene::{PATIENCE, Scene, healthy};
use crate::testbed::{Controller, LEASE, Objects, eventually, get};

/// The time within which a standby takes over from a leader that died.
const HANDOVER: Duration = Duration::from_secs(25);

/// A replica with a name and a way to the service of its own.
struct Replica {
    name: &'static str,
    gate: Gate,
    controller: Controller,
}

impl Replica {
    fn start(scene: &Scene, name: &'static str) -> Self {
        let gate = Gate::before(&scene.emulator);
        let identity = format!("--identity={name}");
        let environment = [("AWS_ENDPOINT_URL", gate.url.as_str())];
        let controller = scene.controller_with(&["--leader-elect=true", &identity], &environment);
        Self { name, gate, controller }
    }

    fn leads(&self) -> bool {
        self.controller
            .metrics()
            .lines()
            .any(|line| line == "sluicegate_leader 1")
    }

    /// Holds that this replica stands by: alive, ready to take over, and without a single call of the service.
    fn assert_standing_by(&self) {
        assert!(self.controller.process().is_running(), "{}", self.name);
        assert!(!self.leads(), "{} leads too", self.name);
        let readyz = format!("{}/readyz", self.controller.url);
        eventually(&format!("{} is ready", self.name), PATIENCE, || {
            get(&readyz).is_ok_and(|answer| answer.status == 200)
        });
        assert_eq!(
            self.gate.passed(),
            0,
            "{} calls the service while it stands by",
            self.name
        );
        let calls = self.controller.metrics();
        assert!(
            !calls.lines().any(|line| line.starts_with("sluicegate_calls_total")),
            "{calls}"
        );
    }
}

fn lease(scene: &Scene) -> Value {
    let lease = leases(scene).get("sluicegate");
    lease.map_or(Value::Null, |lease| lease["spec"].clone())
}

fn leases(scene: &Scene) -> Objects {
    scene.cluster.objects(LEASE, "sluicegate-system")
}

fn until_held_by(scene: &Scene, replica: &Replica) {
    let what = format!("{} holds the lease", replica.name);
    leases(scene).until("sluicegate", &what, PATIENCE, |lease| {
        lease["spec"]["holderIdentity"] == replica.name
    });
}

/// Applies a change, waits until the service has got it, and returns how long that took.
#[expect(clippy::disallowed_methods, reason = "the contract of a handover is a time")]
fn time_until_done(scene: &Scene, parallelism: u32) -> Duration {
    let begin = Instant::now();
    let before = scene.emulator.count("UpdateApplication");
    scene.apply(
        "orders",
        &healthy(&json!({"parallelism": {"parallelism": parallelism}})),
    );
    eventually("somebody updates the application", PATIENCE, || {
        scene.emulator.count("UpdateApplication") > before
    });
    begin.elapsed()
}

#[test]
fn one_replica_acts_and_the_other_takes_over_from_a_dead_or_a_leaving_one() {
    let scene = Scene::open("leadership");
    let first = Replica::start(&scene, "first");
    until_held_by(&scene, &first);
    let second = Replica::start(&scene, "second");
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
    assert!(first.leads());
    second.assert_standing_by();

    // The leader dies: the work waits for the standby, which has the lease and acts within the time.
    first.controller.kill9();
    let took = time_until_done(&scene, 2);
    assert!(took <= HANDOVER, "the handover took {took:?}");
    assert_eq!(lease(&scene)["holderIdentity"], "second");
    assert!(second.leads());
    assert!(second.gate.passed() > 0);
    scene.ready("orders");
    assert_eq!(scene.emulator.count("UpdateApplication"), 1);

    // The leader is asked to leave: it hands the lease back before it ends, and nobody waits for it to run out.
    let third = Replica::start(&scene, "third");
    third.assert_standing_by();
    let transitions = lease(&scene)["leaseTransitions"].as_i64();
    second.controller.process().terminate().unwrap();
    let status = second.controller.process().wait(PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(0));
    let after = lease(&scene);
    let holder = after["holderIdentity"].as_str().unwrap_or_default();
    assert!(
        holder.is_empty() || holder == "third",
        "the lease is released when the process has ended: {after}"
    );
    until_held_by(&scene, &third);
    time_until_done(&scene, 3);
    scene.ready("orders");
    assert!(third.leads());
    assert_eq!(scene.emulator.count("UpdateApplication"), 2);
    assert!(lease(&scene)["leaseTransitions"].as_i64() > transitions);
}
