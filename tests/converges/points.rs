//! A fault at every point of every story: the harness runs a story once without faults, finds the requests that change
//! something, and runs it again with each fault at each of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::ending::{Outline, differences, outline, problems};
use crate::faults::{Fault, Kind};
use crate::history::History;
use crate::invariants::violations;
use crate::run::{Checkpoint, Ended};
use crate::scenarios::Scenario;
use crate::trace::What;
use crate::world::Looks;

/// What a tour through the points of one or more stories covered and found.
#[derive(Debug, Default)]
pub struct Tour {
    /// Runs with a fault, by its kind; a pass with an older object counts as `Stale`.
    pub covered: BTreeMap<String, usize>,
    /// What was wrong.
    pub found: Vec<String>,
}

impl Tour {
    /// Adds what another tour covered and found.
    pub fn add(&mut self, other: Self) {
        for (kind, count) in other.covered {
            *self.covered.entry(kind).or_default() += count;
        }
        self.found.extend(other.found);
    }

    fn judge(&mut self, name: &str, ended: &mut Ended, expected: Option<&Outline>) {
        if crate::asked("SLUICEGATE_RUN").is_some_and(|run| run == name) {
            ended.world.trace.iter().for_each(|entry| println!("{entry}"));
        }
        let mut found = violations(History(&ended.world.trace));
        found.extend(problems(ended));
        if let Some(expected) = expected.filter(|_| ended.unrest.is_none()) {
            found.extend(differences(expected, &outline(ended)));
        }
        let found = found.into_iter().map(|violation| format!("{name}: {violation}"));
        self.found.extend(found);
    }
}

/// Runs a story without faults, then with each fault at each point.
pub fn tour(genesis: &Checkpoint, scenario: &Scenario) -> Tour {
    let mut tour = Tour::default();
    let mut before = genesis.begin(&scenario.before).run(false);
    tour.judge(&format!("{}, before", scenario.name), &mut before, None);
    let start = before.checkpoint().begin(&scenario.acts);
    let mut plain = start.run(true);
    tour.judge(scenario.name, &mut plain, None);
    if plain.unrest.is_some() {
        return tour;
    }
    let mut expected = outline(&mut plain);
    if !scenario.exact {
        expected.forget_the_way();
    }
    let compare = |tour: &mut Tour, name: &str, mut ended: Ended| {
        tour.judge(name, &mut ended, (!scenario.open).then_some(&expected));
        if scenario.silent {
            tour.found.extend(calls(name, &ended));
        }
    };
    if scenario.silent {
        tour.found.extend(calls(scenario.name, &plain));
    }
    let points = plain.world.kinds.clone();
    for (place, (pass, kinds)) in points.iter().enumerate() {
        let goes_on = points.get(place + 1).is_some_and(|(next, _)| next == pass);
        let point = u32::try_from(place).unwrap_or_default();
        let from = &plain.checkpoints[*pass as usize - 1];
        for kind in kinds {
            tour.cover(*kind);
            if goes_on && is_same_before_the_next(*kind, kinds) {
                continue;
            }
            let fault = Fault { point, kind: *kind };
            let begin = from.with(|world| {
                world.faults = vec![fault];
                world.looks = looks(point);
            });
            let ended = begin.run(false);
            let name = format!("{}, {kind:?} at point {point}", scenario.name);
            compare(&mut tour, &name, ended);
        }
    }
    for pass in stale_passes(&plain) {
        let name = format!("{}, an older object in pass {pass}", scenario.name);
        *tour.covered.entry("Stale".to_owned()).or_default() += 2;
        let read_so = |from: &Checkpoint| from.with(|world| world.looks = looks(pass)).stale(&[pass]);
        compare(&mut tour, &name, read_so(&start).run(false));
        let cold = read_so(&plain.checkpoints[pass as usize - 1]);
        compare(&mut tour, &format!("{name} of a new process"), cold.run(false));
    }
    tour
}

/// How a run with a fault at a point or pass looks and writes: through the clients at every twentieth.
fn looks(place: u32) -> Looks {
    if place.is_multiple_of(20) {
        Looks::Sdk
    } else {
        Looks::Remembered
    }
}

/// The calls of a run in which nothing may be changed.
fn calls(name: &str, ended: &Ended) -> Vec<String> {
    let calls = History(&ended.world.trace).calls();
    calls
        .map(|(_, entry, call)| format!("{name}: L7: {} at {} changes what is right", call.operation, entry.at))
        .collect()
}

/// Whether a fault leaves the same world as a crash before the next request of the same pass, which is run anyway: a
/// crash after a write to the API server.
fn is_same_before_the_next(kind: Kind, kinds: &[Kind]) -> bool {
    kind == Kind::CrashAfter && kinds.contains(&Kind::Conflict)
}

impl Tour {
    fn cover(&mut self, kind: Kind) {
        *self.covered.entry(format!("{kind:?}")).or_default() += 1;
    }
}

/// The passes that change something and before which this story wrote the object.
fn stale_passes(plain: &Ended) -> BTreeSet<u32> {
    let story = &plain.world.trace[..plain.tail];
    let written = story.iter().find(|entry| matches!(entry.what, What::Write(_)));
    let first = written.map_or(u32::MAX, |entry| entry.pass);
    let changing = plain.world.kinds.iter().map(|(pass, _)| *pass);
    changing.filter(|pass| *pass > first).collect()
}
