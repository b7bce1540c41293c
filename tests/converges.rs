//! The simulation: the real controller and its real clients on virtual time against the emulated service and a model
//! of the API server, with a fault at every request that changes something (ADR 0006).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(clippy::too_many_lines, reason = "a list of stories is read from top to bottom")]

#[path = "converges/a_day.rs"]
mod a_day;
#[expect(dead_code, reason = "what Argo CD shows as health is tested elsewhere")]
#[path = "support/argocd.rs"]
mod argocd;
#[path = "converges/clock.rs"]
mod clock;
#[path = "converges/cluster.rs"]
mod cluster;
#[path = "converges/ending.rs"]
mod ending;
#[path = "converges/faults.rs"]
mod faults;
#[path = "converges/history.rs"]
mod history;
#[path = "converges/invariants.rs"]
mod invariants;
#[path = "converges/points.rs"]
mod points;
#[path = "converges/remembered.rs"]
mod remembered;
#[path = "converges/run.rs"]
mod run;
#[path = "converges/scenarios.rs"]
mod scenarios;
#[path = "converges/script.rs"]
mod script;
#[path = "converges/seeds.rs"]
mod seeds;
#[path = "converges/trace.rs"]
mod trace;
#[path = "converges/wires.rs"]
mod wires;
#[path = "converges/world.rs"]
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use points::{Tour, tour};
use run::Checkpoint;
use world::{Looks, World};

/// Half of the time of a history goes into small pieces of memory; this allocator is quicker with them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number of random histories of a run without `SLUICEGATE_SEEDS`; `make soak` plays more.
const SEEDS: u64 = 5_000;

/// How much faster than the real service the one of the stories is: fewer looks make more points in the same time.
const STORY_SPEED: f64 = 8.0;

/// What an environment variable asks for; empty is nothing.
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// Two numbers above 0 in ascending order, as in `3/10` or `1001-2000`.
fn pair(text: &str, between: char) -> (u64, u64) {
    let numbers = text
        .split_once(between)
        .map(|(first, second)| (number(first), number(second)));
    match numbers {
        Some((first, second)) if (1..=second).contains(&first) => (first, second),
        _ => panic!("{text:?} must be two numbers above 0 in ascending order with {between:?} between them"),
    }
}

/// Lets as many threads as there are cores take one piece of work after another, and returns what each gave.
fn share<T: Send>(pieces: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    if piece >= pieces {
                        return;
                    }
                    let given = work(piece);
                    done.lock().unwrap().push(given);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

#[test]
fn every_story_ends_the_same_with_a_fault_at_any_point() {
    let only = asked("SLUICEGATE_STORY");
    let (share_of, shares) = asked("SLUICEGATE_SHARE").map_or((1, 1), |text| pair(&text, '/'));
    let stories = scenarios::all();
    let stories: Vec<_> = stories
        .iter()
        .filter(|story| only.as_ref().is_none_or(|only| story.name.contains(only.as_str())))
        .enumerate()
        .filter(|(place, _)| *place as u64 % shares == share_of - 1)
        .map(|(_, story)| story)
        .collect();
    let tours = share(stories.len(), |piece| {
        let genesis = Checkpoint::genesis(World::new(stories[piece].rules(), STORY_SPEED));
        let tour = tour(&genesis, stories[piece]);
        let points: usize = tour.covered.values().sum();
        println!(
            "{}: {points} points, {} violations",
            stories[piece].name,
            tour.found.len()
        );
        tour
    });
    let mut all = Tour::default();
    for tour in tours {
        all.add(tour);
    }
    let points: usize = all.covered.values().sum();
    println!("{points} points of {} stories: {:?}", stories.len(), all.covered);
    if only.is_none() && shares == 1 {
        // A revert only begins a way back, with which another stage goes on.
        assert_eq!(run::unreached(), ["revert"], "stages that decide in no story");
    }
    assert!(
        all.found.is_empty(),
        "{} violations, the first:\n{}",
        all.found.len(),
        all.found[..all.found.len().min(10)].join("\n")
    );
}

#[test]
fn no_random_run_breaks_a_law_and_every_one_comes_to_rest() {
    let seeds: Vec<u64> = match (asked("SLUICEGATE_SEED"), asked("SLUICEGATE_SEEDS")) {
        (Some(seed), _) => vec![number(&seed)],
        (None, Some(range)) if range.contains('-') => {
            let (first, last) = pair(&range, '-');
            (first..=last).collect()
        }
        (None, many) => {
            let last = many.map_or(SEEDS, |many| number(&many));
            seeds::REGRESSIONS.iter().copied().chain(1..=last).collect()
        }
    };
    let played = share(seeds.len(), |piece| {
        let seed = seeds[piece];
        (seed, seeds::play(seed, seeds::looks(seed), seeds.len() == 1))
    });
    let broken: Vec<_> = played.into_iter().filter(|(_, found)| !found.is_empty()).collect();
    let numbers: Vec<u64> = broken.iter().map(|(seed, _)| *seed).collect();
    let mut broken: Vec<String> = broken
        .into_iter()
        .map(|(seed, found)| {
            let history = seeds::tell(seed);
            format!("replay with SLUICEGATE_SEED={seed}\n{}\n{history}", found.join("\n"))
        })
        .collect();
    println!("{} random histories, broken: {numbers:?}", seeds.len());
    broken.sort_by_key(String::len);
    assert!(
        broken.is_empty(),
        "{} histories are broken, the first:\n{}",
        broken.len(),
        broken[..broken.len().min(5)].join("\n\n")
    );
}

/// What does without the clients does what they would do: nothing that happens tells the two apart.
#[test]
fn a_history_without_the_clients_is_the_one_that_they_make() {
    let seeds: Vec<u64> = (1..=15).chain(1_001..=1_015).collect();
    share(seeds.len(), |piece| {
        let seed = seeds[piece];
        let [sdk, remembered] = [Looks::Sdk, Looks::Remembered].map(|looks| seeds::history(seed, looks));
        for (sdk, remembered) in sdk.iter().zip(&remembered) {
            assert_eq!(remembered, sdk, "seed {seed}");
        }
        assert_eq!(remembered.len(), sdk.len(), "seed {seed}");
    });
}
