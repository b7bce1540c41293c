//! The simulation: the real controller and its real clients on virtual time against the emulated service and a model
//! of the API server, with a fault at every request that changes something (ADR 0006).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "converges/clock.rs"]
mod clock;
#[path = "converges/cluster.rs"]
mod cluster;
#[path = "converges/faults.rs"]
mod faults;
#[path = "converges/run.rs"]
mod run;
#[path = "converges/script.rs"]
mod script;
#[path = "converges/trace.rs"]
mod trace;
#[path = "converges/wires.rs"]
mod wires;
#[path = "converges/world.rs"]
mod world;

use managed_flink_emulator::service::rules::Rules;
use serde_json::json;

#[test]
fn a_resource_becomes_a_running_application_and_then_rests() {
    let started = std::time::Instant::now();
    let ended = run::Checkpoint::genesis(world::World::new(Rules::default()))
        .begin(&[script::Act::create(json!({}))])
        .run(true);
    println!("{:?}", started.elapsed());
    for entry in &ended.world.trace {
        let text = format!("{} {} {:?}", entry.at, entry.pass, entry.what);
        println!("{}", &text[..text.len().min(220)]);
    }
    println!("{}", ended.world.object().unwrap());
    assert_eq!(ended.unrest, None);
}
