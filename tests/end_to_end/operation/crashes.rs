//! The controller is killed while an update is under way, as a node that dies would do it.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::gate::{Caught, Gate};
use crate::scene::{PATIENCE, Scene, healthy};

/// How often the controller is killed.
const KILLS: u32 = 10;

#[test]
fn a_kill_at_any_of_ten_random_moments_of_an_update_leaves_one_update() {
    let moments = moments("KILL_SEED");
    thread::scope(|scope| {
        let victims: Vec<_> = (0..)
            .zip(&moments)
            .map(|(number, moment)| scope.spawn(move || kill_once(number, *moment)))
            .collect();
        for victim in victims {
            println!("{}", victim.join().unwrap());
        }
    });
}

/// Kills the controller of an application of its own when this part of an update is over.
fn kill_once(number: u32, moment: f64) -> String {
    let scene = Scene::open_at(&format!("killed-{number}"), "20");
    let controller = scene.controller(&[]);
    let length = rehearsed(&scene);
    let before = Before::of(&scene);

    scene.apply("orders", &with_parallelism(3));
    thread::sleep(length.mul_f64(moment));
    controller.kill9();
    let seen = intent(&scene);
    drop(controller);
    let _restarted = scene.controller(&[]);
    scene.ready("orders");

    before.assert_one_update(&scene);
    if let Some(snapshot) = seen["snapshot"].as_str() {
        let application = scene.application("orders");
        let kept = application["snapshots"].as_array().into_iter().flatten();
        let kept: Vec<_> = kept.filter(|kept| kept["SnapshotName"] == snapshot).collect();
        assert_eq!(
            kept.len(),
            1,
            "the intended snapshot {snapshot} was taken once: {application}"
        );
    }
    format!(
        "killed after {moment:.2} of {length:?} with the intent {} {}",
        seen["step"], seen["phase"]
    )
}

#[test]
fn ten_kills_within_one_update_leave_one_update() {
    let moments = moments("KILLS_SEED");
    let scene = Scene::open_at("hunted", "6");
    let mut controller = scene.controller(&[]);
    let length = rehearsed(&scene);
    let before = Before::of(&scene);

    scene.apply("orders", &with_parallelism(3));
    let mut killed = 0.0;
    for moment in moments {
        thread::sleep(length.mul_f64(moment - killed));
        killed = moment;
        controller.kill9();
        let seen = intent(&scene);
        println!(
            "killed after {moment:.2} of {length:?} with the intent {} {}",
            seen["step"], seen["phase"]
        );
        controller = scene.controller(&[]);
    }
    scene.ready("orders");

    before.assert_one_update(&scene);
    drop(controller);
}

#[test]
fn a_kill_while_the_update_is_on_its_way_leaves_one_update_whether_it_arrived_or_not() {
    thread::scope(|scope| {
        let arrived = scope.spawn(|| kill_on_the_way("killed-after-effect", Caught::Reply, 1));
        let lost = scope.spawn(|| kill_on_the_way("killed-before-effect", Caught::Request, 0));
        arrived.join().unwrap();
        lost.join().unwrap();
    });
}

/// Kills the controller between the record of its intent and the answer to its call.
fn kill_on_the_way(namespace: &str, place: Caught, effects: usize) {
    let scene = Scene::open(namespace);
    let gate = Gate::before(&scene.emulator);
    let controller = scene.controller_through(&gate.url);
    rehearsed(&scene);
    let before = Before::of(&scene);
    let sent = scene.emulator.count("UpdateApplication");

    let caught = gate.catch("UpdateApplication", place);
    scene.apply("orders", &with_parallelism(3));
    caught.recv_timeout(PATIENCE).expect("the update is sent");
    controller.kill9();
    assert_eq!(scene.emulator.count("UpdateApplication") - sent, effects);
    let seen = intent(&scene);
    assert_eq!((&seen["step"], &seen["phase"]), (&json!("Update"), &json!("Declared")));
    let _restarted = scene.controller(&[]);
    scene.ready("orders");

    before.assert_one_update(&scene);
}

/// Brings the application up and through one undisturbed update, and returns how long the update took.
#[expect(clippy::disallowed_methods, reason = "real processes run on the wall clock")]
fn rehearsed(scene: &Scene) -> Duration {
    scene.apply("orders", &with_parallelism(1));
    scene.ready("orders");
    scene.apply("orders", &with_parallelism(2));
    let begin = Instant::now();
    scene.ready("orders");
    begin.elapsed()
}

fn with_parallelism(parallelism: u32) -> Value {
    healthy(&json!({"parallelism": {"parallelism": parallelism}}))
}

/// The journalled intent at this moment; `null` when there is none.
fn intent(scene: &Scene) -> Value {
    scene.app("orders")["status"]["intent"].clone()
}

/// What was there before the update.
struct Before {
    mark: u64,
    version: u64,
    jobs: usize,
}

impl Before {
    fn of(scene: &Scene) -> Self {
        let application = scene.application("orders");
        Self {
            mark: scene.mark(),
            version: application["version"].as_u64().unwrap(),
            jobs: application["jobs"].as_array().unwrap().len(),
        }
    }

    /// Holds that one update took effect, that nothing else did but its snapshot, and that the journal is closed.
    fn assert_one_update(&self, scene: &Scene) {
        let calls = scene.requests_since(self.mark);
        let done = |operation: &str| {
            let done = calls
                .iter()
                .filter(|call| call.operation == operation && call.outcome == "ok");
            done.count()
        };
        let application = scene.application("orders");
        assert_eq!(done("UpdateApplication"), 1, "{calls:?}");
        assert_eq!(done("CreateApplicationSnapshot"), 1, "{calls:?}");
        assert_eq!(calls.iter().filter(|call| call.outcome == "ok").count(), 2, "{calls:?}");
        assert_eq!(application["version"], self.version + 1);
        assert_eq!(application["status"], "RUNNING");
        let jobs = application["jobs"].as_array().unwrap();
        assert_eq!(jobs.len(), self.jobs + 1, "the job was launched once");
        assert!(
            jobs[self.jobs]["restoredFrom"].is_string(),
            "with its state: {application}"
        );

        let status = scene.app("orders")["status"].clone();
        assert_eq!(status["intent"], Value::Null);
        assert_eq!(status["rollout"], Value::Null);
        assert_eq!(status["failedRevisions"], Value::Null);
        let revisions = &status["revisions"];
        assert_eq!(revisions["running"], revisions["target"]);
        assert_eq!(revisions["good"], revisions["target"]);
        let promoted = status["history"].as_array().into_iter().flatten();
        let promoted = promoted.filter(|entry| entry["revision"] == revisions["target"]);
        let results: Vec<&str> = promoted.filter_map(|entry| entry["result"].as_str()).collect();
        assert_eq!(results, ["Promoted"], "{status}");
    }
}

/// Ten parts of one, one in each tenth. The seed is printed; this variable of the environment repeats it.
fn moments(variable: &str) -> Vec<f64> {
    let given = std::env::var(variable).ok().map(|seed| seed.parse().unwrap());
    let mut state: u64 = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("{variable}={state}");
    (0..KILLS)
        .map(|tenth| {
            // SplitMix64, of which thirty bits are enough.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let part = u32::try_from(mixed >> 34).unwrap_or_default();
            (f64::from(tenth) + f64::from(part) / f64::from(1_u32 << 30)) / f64::from(KILLS)
        })
        .collect()
}
