//! The budget of calls of each operation in a region: how many a second the service takes, and who goes first.
//!
//! The service publishes no rates (facts §7), so they are learned as TCP learns the rate of a link. An operation that was
//! never throttled is not held back. Once it is, its calls keep a pace that falls with every further throttling and grows with
//! time, until the operation is free again. Whoever is urgent has the next turn; those that are not take turns in the order in
//! which they came, and wait without holding anything.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::monotonic;
use crate::plan::urgency::Urgency;

/// The calls a second after an operation was throttled for the first time.
const FIRST_PACE: f64 = 5.0;
/// The fewest calls a second.
const SLOWEST: f64 = 0.2;
/// The pace at which an operation is not held back any more.
const FASTEST: f64 = 50.0;
/// What a throttling leaves of the pace.
const FALL: f64 = 0.7;
/// By what part of itself the pace grows in a second.
const GROWTH: f64 = 0.05;
/// The shortest time between two falls: calls that are on their way together are throttled together.
const BETWEEN_FALLS: Duration = Duration::from_secs(1);
/// How long a turn is kept for who does not take it, in seconds.
const KEPT: f64 = 60.0;
/// The longest time until who waits for a turn asks again: the pace may have grown meanwhile.
const LONGEST: Duration = Duration::from_secs(30);

/// What a pass that is not urgent begins with.
const OF_A_PASS: [&str; 4] = [
    "DescribeApplication",
    "ListTagsForResource",
    "ListApplicationOperations",
    "ListApplicationSnapshots",
];

/// The paces of all operations that were throttled lately.
#[derive(Debug, Default)]
pub(super) struct Budget {
    regions: Mutex<HashMap<String, Lanes>>,
}

/// The operations of a region that keep a pace, and the passes that wait for them.
#[derive(Debug, Default)]
struct Lanes {
    operations: HashMap<&'static str, Lane>,
    passes: Option<Turns>,
}

/// An operation that keeps a pace.
#[derive(Debug)]
struct Lane {
    pace: f64,
    fell_at: Instant,
    turns: Turns,
}

/// The turns of each urgency, numbered in the order in which they are given out. What was served grows with the pace, so that
/// whoever waits comes the sooner the more the pace grows.
#[derive(Debug)]
struct Turns {
    served: [f64; Urgency::ALL.len()],
    given: [f64; Urgency::ALL.len()],
    at: Instant,
    kept: HashMap<String, (Urgency, f64)>,
}

impl Budget {
    /// How long a call must wait for its turn, which is taken; none, and nothing is taken, when that is too long for it.
    pub(super) fn turn(&self, region: &str, operation: &'static str, urgency: Urgency) -> Option<Duration> {
        let mut regions = self.regions();
        let Some(lane) = regions
            .get_mut(region)
            .and_then(|lanes| lanes.lane(operation, monotonic()))
        else {
            return Some(Duration::ZERO);
        };
        let wait = lane.turns.wait(lane.pace, urgency);
        if wait > patience(urgency) {
            return None;
        }
        lane.turns.take(urgency);
        Some(wait)
    }

    /// How long a pass of `who` is to be put off; none when it may go on now. A rescue always may.
    pub(super) fn put_off(&self, region: &str, who: &str, urgency: Urgency) -> Option<Duration> {
        let now = monotonic();
        let mut regions = self.regions();
        let lanes = regions.get_mut(region)?;
        let paces = OF_A_PASS.map(|operation| lanes.lane(operation, now).map(|lane| lane.pace));
        let Some(slowest) = paces.into_iter().flatten().reduce(f64::min) else {
            lanes.passes = None;
            return None;
        };
        let passes = lanes.passes.get_or_insert_with(|| Turns::new(now));
        passes.go_on(now, slowest);
        passes.keep(who, slowest, urgency)
    }

    /// How long a call that changes something is to be put off; none when it may be sent now. A rescue always may.
    pub(super) fn put_off_call(
        &self,
        region: &str,
        operation: &'static str,
        who: &str,
        urgency: Urgency,
    ) -> Option<Duration> {
        let mut regions = self.regions();
        let lane = regions.get_mut(region)?.lane(operation, monotonic())?;
        lane.turns.keep(who, lane.pace, urgency)
    }

    /// Learns that a call was throttled.
    pub(super) fn throttled(&self, region: &str, operation: &'static str) {
        let mut regions = self.regions();
        let lanes = regions.entry(region.to_owned()).or_default();
        lanes.slow_down(operation, monotonic());
    }

    fn regions(&self) -> MutexGuard<'_, HashMap<String, Lanes>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    /// The lane of an operation as it is now, if it still keeps a pace.
    fn lane(&mut self, operation: &'static str, now: Instant) -> Option<&mut Lane> {
        let lane = self.operations.get_mut(operation)?;
        let passed = now.duration_since(lane.turns.at).as_secs_f64();
        lane.turns.go_on(now, lane.pace);
        lane.pace *= (GROWTH * passed).exp();
        if lane.pace >= FASTEST {
            self.operations.remove(operation);
        }
        self.operations.get_mut(operation)
    }

    fn slow_down(&mut self, operation: &'static str, now: Instant) {
        let known = self.lane(operation, now).is_some();
        let lane = self.operations.entry(operation).or_insert_with(|| Lane {
            pace: FIRST_PACE,
            fell_at: now,
            turns: Turns::new(now),
        });
        if known && now.duration_since(lane.fell_at) >= BETWEEN_FALLS {
            lane.pace = (lane.pace * FALL).max(SLOWEST);
            lane.fell_at = now;
        }
        lane.turns.hold(lane.pace);
    }
}

impl Turns {
    fn new(now: Instant) -> Self {
        let none = [0.0; Urgency::ALL.len()];
        Self {
            served: none.map(|served: f64| served + 1.0),
            given: none,
            at: now,
            kept: HashMap::new(),
        }
    }

    /// Serves what the time since the last look has room for; what nobody took is lost but for one turn.
    fn go_on(&mut self, now: Instant, pace: f64) {
        let room = now.duration_since(self.at).as_secs_f64() * pace;
        for (served, given) in self.served.iter_mut().zip(self.given) {
            *served = (*served + room).min(given + 1.0);
        }
        self.at = now;
    }

    /// After a throttling nobody has the next turn at once: a rescue within a second, the others within their interval.
    fn hold(&mut self, pace: f64) {
        for urgency in Urgency::ALL {
            let ahead = if urgency == Urgency::Rescue { pace.min(1.0) } else { 1.0 };
            let most = self.given[urgency as usize] + 1.0 - ahead;
            let served = &mut self.served[urgency as usize];
            *served = served.min(most);
        }
    }

    fn wait(&self, pace: f64, urgency: Urgency) -> Duration {
        self.wait_for(self.given[urgency as usize] + 1.0, pace, urgency)
    }

    fn wait_for(&self, turn: f64, pace: f64, urgency: Urgency) -> Duration {
        let ahead = turn - self.served[urgency as usize];
        Duration::from_secs_f64((ahead / pace).max(0.0))
    }

    /// Takes the next turn of an urgency; everybody who is less urgent comes one later.
    fn take(&mut self, urgency: Urgency) -> f64 {
        for served in &mut self.served[..urgency as usize] {
            *served -= 1.0;
        }
        self.given[urgency as usize] += 1.0;
        self.given[urgency as usize]
    }

    /// Keeps a turn for somebody, one at a time, and says when to ask again; none when it has come.
    fn keep(&mut self, who: &str, pace: f64, urgency: Urgency) -> Option<Duration> {
        let kept = self.kept.remove(who);
        if urgency == Urgency::Rescue {
            self.take(urgency);
            return None;
        }
        let served = self.served;
        self.kept
            .retain(|_, (urgency, turn)| (served[*urgency as usize] - *turn) / pace <= KEPT);
        let (kept_for, turn) = kept
            .filter(|(kept_for, _)| *kept_for >= urgency)
            .unwrap_or_else(|| (urgency, self.take(urgency)));
        let wait = self.wait_for(turn, pace, kept_for);
        if wait.is_zero() {
            return None;
        }
        self.kept.insert(who.to_owned(), (kept_for, turn));
        Some(wait.min(LONGEST))
    }
}

/// How long a call waits for its turn at most.
fn patience(urgency: Urgency) -> Duration {
    Duration::from_secs(match urgency {
        Urgency::Look => 2,
        Urgency::Change => 5,
        Urgency::Rescue => 10,
        Urgency::Sweep => 60,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "eu-west-1";
    const DESCRIBE: &str = "DescribeApplication";

    async fn pass(seconds: f64) {
        tokio::time::advance(Duration::from_secs_f64(seconds)).await;
    }

    impl Budget {
        fn pace(&self, operation: &'static str) -> Option<f64> {
            let mut regions = self.regions();
            regions
                .get_mut(REGION)?
                .lane(operation, monotonic())
                .map(|lane| lane.pace)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_held_back_before_a_throttling_and_only_its_operation_in_its_region_after_it() {
        let budget = Budget::default();
        for _ in 0..1000 {
            assert_eq!(budget.turn(REGION, DESCRIBE, Urgency::Look), Some(Duration::ZERO));
        }
        assert_eq!(budget.put_off(REGION, "a", Urgency::Look), None);
        budget.throttled(REGION, DESCRIBE);
        assert_eq!(
            budget.put_off(REGION, "a", Urgency::Look),
            None,
            "the first turn is free"
        );
        assert!(budget.put_off(REGION, "b", Urgency::Look).is_some());
        assert_eq!(
            budget.turn(REGION, "ListApplications", Urgency::Look),
            Some(Duration::ZERO)
        );
        assert_eq!(budget.turn("us-east-1", DESCRIBE, Urgency::Look), Some(Duration::ZERO));
        assert_eq!(budget.put_off("us-east-1", "a", Urgency::Look), None);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_keep_the_pace_and_a_rescue_has_the_next_turn() {
        let budget = Budget::default();
        budget.throttled(REGION, DESCRIBE);
        let turns: Vec<f64> = (0..20)
            .map_while(|_| budget.turn(REGION, DESCRIBE, Urgency::Look))
            .map(|wait| wait.as_secs_f64())
            .collect();
        let expected: Vec<f64> = (1..=10).map(|n| f64::from(n) * 0.2).collect();
        let close = turns
            .iter()
            .zip(&expected)
            .all(|(turn, expected)| (turn - expected).abs() < 1e-6);
        assert!(close && turns.len() == expected.len(), "{turns:?}");
        let rescue = budget.turn(REGION, DESCRIBE, Urgency::Rescue).unwrap();
        assert!(rescue <= Duration::from_millis(201), "{rescue:?}");
        assert_eq!(
            budget.turn(REGION, DESCRIBE, Urgency::Look),
            None,
            "it would wait too long"
        );
        pass(1.0).await;
        assert!(budget.turn(REGION, DESCRIBE, Urgency::Look).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_falls_with_every_throttling_but_once_for_those_on_their_way_together_and_grows_with_time() {
        let budget = Budget::default();
        for _ in 0..5 {
            budget.throttled(REGION, DESCRIBE);
        }
        assert_eq!(budget.pace(DESCRIBE), Some(FIRST_PACE));
        for _ in 0..300 {
            pass(0.1).await;
            budget.throttled(REGION, DESCRIBE);
        }
        let least = budget.pace(DESCRIBE).unwrap();
        assert!(
            (SLOWEST..SLOWEST * 1.1).contains(&least),
            "it never stands still: {least}"
        );
        pass(20.0).await;
        let later = budget.pace(DESCRIBE).unwrap();
        assert!((2.7..2.8).contains(&(later / least)), "{least} became {later}");
        pass(120.0).await;
        assert_eq!(budget.pace(DESCRIBE), None, "free again");
        assert_eq!(budget.put_off(REGION, "a", Urgency::Look), None);
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_has_a_turn_in_the_order_of_arrival_and_keeps_it() {
        let budget = Budget::default();
        budget.throttled(REGION, "ListTagsForResource");
        let names: Vec<String> = (0..100).map(|n| format!("app-{n}")).collect();
        assert_eq!(budget.put_off(REGION, "first", Urgency::Look), None, "a turn is free");
        let waits: Vec<f64> = names
            .iter()
            .map(|name| budget.put_off(REGION, name, Urgency::Look).unwrap().as_secs_f64())
            .collect();
        assert!(waits.is_sorted());
        assert!((waits[99] - 20.0).abs() < 0.01, "five a second: {}", waits[99]);
        for name in names.iter().rev() {
            assert!(budget.put_off(REGION, name, Urgency::Look).is_some());
        }
        pass(5.0).await;
        let admitted: Vec<bool> = names
            .iter()
            .map(|name| budget.put_off(REGION, name, Urgency::Look).is_none())
            .collect();
        let first = admitted.iter().take_while(|admitted| **admitted).count();
        assert!((25..40).contains(&first), "the pace grows meanwhile: {first}");
        assert!(
            admitted[first..].iter().all(|admitted| !admitted),
            "in the order of arrival"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_long_asks_again_and_comes_sooner_when_the_pace_has_grown() {
        let budget = Budget::default();
        for _ in 0..30 {
            budget.throttled(REGION, DESCRIBE);
            pass(1.0).await;
        }
        let _ = budget.put_off(REGION, "first", Urgency::Look);
        for n in 0..300 {
            let wait = budget.put_off(REGION, &format!("app-{n}"), Urgency::Look);
            assert!(wait.is_some_and(|wait| wait <= LONGEST));
        }
        let mut seconds = 0;
        while budget.put_off(REGION, "app-299", Urgency::Look).is_some() {
            pass(1.0).await;
            seconds += 1;
        }
        assert!(
            (60..120).contains(&seconds),
            "{seconds} s, and not the 1500 of the first pace"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_overtakes_looks_and_a_rescue_is_never_put_off() {
        let budget = Budget::default();
        budget.throttled(REGION, DESCRIBE);
        for n in 0..300 {
            let _ = budget.put_off(REGION, &format!("app-{n}"), Urgency::Look);
        }
        assert_eq!(budget.put_off(REGION, "app-299", Urgency::Rescue), None);
        let change = budget.put_off(REGION, "app-298", Urgency::Change);
        assert!(change.is_none_or(|wait| wait < Duration::from_secs(1)), "{change:?}");
        let call = |urgency| budget.put_off_call(REGION, "RollbackApplication", "app-1", urgency);
        assert_eq!(call(Urgency::Rescue), None);
        budget.throttled(REGION, "RollbackApplication");
        assert_eq!(call(Urgency::Rescue), None);
        assert!(call(Urgency::Change).is_some());
    }
}
