//! A day of snapshots by the clock, on which the clocks change and the service is out of order for half an hour.

use jiff::Timestamp;
use managed_flink_emulator::service::Faults;
use managed_flink_emulator::service::rules::Rules;
use serde_json::json;

use crate::ending::problems;
use crate::history::History;
use crate::invariants::violations;
use crate::run::Checkpoint;
use crate::scenarios::no_snapshots;
use crate::scenarios::snapshots::unscheduled;
use crate::script::Act;
use crate::trace::What;
use crate::world::World;

/// The snapshots by the clock, and the runs that were missed, of a day in Dublin that begins at a noon of UTC.
fn day(noon: &str) -> (Vec<String>, Vec<String>) {
    let noon: Timestamp = noon.parse().unwrap();
    let schedule = json!({"cron": "*/30 0-4 * * *", "timeZone": "Europe/Dublin", "startingDeadline": "10m"});
    let until = |hours: i64, minutes: i64| (hours * 60 + minutes) * 60;
    let acts = [
        Act::create(json!({"snapshots": {"schedule": schedule}})),
        Act::pause(until(5, 0)),
        Act::pause(until(5, 0)),
        Act::outage("no snapshots", no_snapshots()).after(until(2, 50)),
        Act::outage("in order", Faults::default()).after(until(0, 30)),
        Act::pause(until(5, 0)),
        Act::pause(until(5, 40)),
        unscheduled(),
    ];
    let genesis = Checkpoint::genesis_at(World::new(Rules::default(), 1.0), noon);
    let mut ended = genesis.begin(&acts).run(false);
    let history = History(&ended.world.trace);
    let calls = history.calls().filter(|(at, _, _)| history.effect_of(*at).is_some());
    let names = calls.filter_map(|(_, _, call)| call.input["SnapshotName"].as_str());
    let taken = names.filter_map(|name| Some(name.split_once("-schedule-")?.1.to_owned()));
    let taken: Vec<String> = taken.collect();
    let missed = ended.world.trace.iter().filter_map(|entry| match &entry.what {
        What::Event { reason, note, .. } if reason == "SnapshotMissed" => note.split(' ').nth(3).map(str::to_owned),
        _ => None,
    });
    let missed: Vec<String> = missed.collect();
    assert_eq!(violations(history), [""; 0]);
    assert_eq!(problems(&mut ended), [""; 0]);
    (taken, missed)
}

#[test]
fn a_spring_night_has_eight_runs_one_of_which_an_outage_takes() {
    let (taken, missed) = day("2026-03-28T12:00:00Z");
    let runs = ["0000", "0030", "0130", "0200", "0230", "0300", "0330"];
    assert_eq!(taken, runs.map(|time| format!("20260329T{time}00Z")));
    assert_eq!(missed, ["2026-03-29T01:00:00Z"]);
}

#[test]
fn an_autumn_night_has_twelve_runs_one_of_which_an_outage_takes() {
    let (taken, missed) = day("2026-10-24T12:00:00Z");
    let runs = [
        "24T2300", "24T2330", "25T0000", "25T0030", "25T0130", "25T0200", "25T0230", "25T0300", "25T0330", "25T0400",
        "25T0430",
    ];
    assert_eq!(taken, runs.map(|time| format!("202610{time}00Z")));
    assert_eq!(missed, ["2026-10-25T01:00:00Z"]);
}
