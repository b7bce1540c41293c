//! The budget of calls of each operation in a region: how many a second the service takes, and who goes first.
//!
//! The service publishes no rates (facts §7), so they are learned as TCP learns the rate of a link. An operation that was
//! never throttled is not held back. Once it is, its calls keep a pace that falls with every further throttling and rises
//! with every answer, until it has not been throttled for a while. Whoever is urgent has the next turn; those that are
//! not take turns in the order in which they came, and wait without holding anything.

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
/// What an answer adds to the pace.
const RISE: f64 = 0.05;
/// The shortest time between two falls: calls that are on their way together are throttled together.
const BETWEEN_FALLS: Duration = Duration::from_secs(1);
/// How long an operation must go without a throttling to be free again.
const QUIET: Duration = Duration::from_mins(5);
/// How long a turn is kept for who does not take it.
const KEPT: Duration = Duration::from_mins(1);

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
    passes: Turns,
}

/// An operation that keeps a pace.
#[derive(Debug)]
struct Lane {
    pace: f64,
    fell_at: Instant,
    turns: Turns,
}

/// The next free turn of each urgency, and the turns that are kept for somebody.
#[derive(Debug, Default)]
struct Turns {
    next: [Option<Instant>; Urgency::ALL.len()],
    kept: HashMap<String, (Urgency, Instant)>,
}

impl Budget {
    /// How long a call must wait for its turn, which is taken; none, and nothing is taken, when that is too long for it.
    pub(super) fn turn(&self, region: &str, operation: &'static str, urgency: Urgency) -> Option<Duration> {
        let now = monotonic();
        let mut regions = self.regions();
        let Some(lane) = regions.get_mut(region).and_then(|lanes| lanes.lane(operation, now)) else {
            return Some(Duration::ZERO);
        };
        let wait = lane.turns.wait(now, urgency);
        if wait > patience(urgency) {
            return None;
        }
        lane.turns.take(now, urgency, interval(lane.pace));
        Some(wait)
    }

    /// How long a pass of `who` is to be put off until its turn; none when it may go on now. A rescue always may.
    pub(super) fn put_off(&self, region: &str, who: &str, urgency: Urgency) -> Option<Duration> {
        let now = monotonic();
        let mut regions = self.regions();
        let lanes = regions.get_mut(region)?;
        let paces = OF_A_PASS
            .iter()
            .filter_map(|operation| Some(lanes.lane(operation, now)?.pace));
        let Some(slowest) = paces.collect::<Vec<f64>>().into_iter().reduce(f64::min) else {
            lanes.passes = Turns::default();
            return None;
        };
        lanes.passes.keep(now, who, urgency, interval(slowest))
    }

    /// How long a call that changes something is to be put off until its turn; none when it may be sent now. A rescue
    /// always may.
    pub(super) fn put_off_call(
        &self,
        region: &str,
        operation: &'static str,
        who: &str,
        urgency: Urgency,
    ) -> Option<Duration> {
        let now = monotonic();
        let mut regions = self.regions();
        let lane = regions.get_mut(region)?.lane(operation, now)?;
        lane.turns.keep(now, who, urgency, interval(lane.pace))
    }

    /// Learns from an answer to a call.
    pub(super) fn answered(&self, region: &str, operation: &'static str, throttled: bool) {
        let now = monotonic();
        let mut regions = self.regions();
        if throttled {
            let lanes = regions.entry(region.to_owned()).or_default();
            lanes.slow_down(operation, now);
        } else if let Some(lanes) = regions.get_mut(region) {
            lanes.speed_up(operation);
        }
    }

    fn regions(&self) -> MutexGuard<'_, HashMap<String, Lanes>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    /// The lane of an operation, if it still keeps a pace.
    fn lane(&mut self, operation: &'static str, now: Instant) -> Option<&mut Lane> {
        let lane = self.operations.get(operation)?;
        if now.duration_since(lane.fell_at) > QUIET {
            self.operations.remove(operation);
        }
        self.operations.get_mut(operation)
    }

    fn slow_down(&mut self, operation: &'static str, now: Instant) {
        let lane = self.operations.entry(operation).or_insert_with(|| Lane {
            pace: FIRST_PACE / FALL,
            fell_at: now - BETWEEN_FALLS,
            turns: Turns::default(),
        });
        if now.duration_since(lane.fell_at) >= BETWEEN_FALLS {
            lane.pace = (lane.pace * FALL).max(SLOWEST);
        }
        lane.fell_at = now;
        let interval = interval(lane.pace);
        lane.turns.not_before(now + interval, Urgency::Change);
        lane.turns
            .not_before(now + interval.min(BETWEEN_FALLS), Urgency::Rescue);
    }

    fn speed_up(&mut self, operation: &'static str) {
        if let Some(lane) = self.operations.get_mut(operation) {
            lane.pace += RISE;
            if lane.pace >= FASTEST {
                self.operations.remove(operation);
            }
        }
    }
}

impl Turns {
    fn wait(&self, now: Instant, urgency: Urgency) -> Duration {
        self.next[urgency as usize].map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }

    /// Takes the next turn: everybody who is not more urgent comes after it.
    fn take(&mut self, now: Instant, urgency: Urgency, interval: Duration) -> Instant {
        let turn = now + self.wait(now, urgency);
        for next in &mut self.next[..=urgency as usize] {
            *next = Some(next.unwrap_or(now).max(now) + interval);
        }
        turn
    }

    fn not_before(&mut self, moment: Instant, urgency: Urgency) {
        for next in &mut self.next[..=urgency as usize] {
            *next = Some(next.unwrap_or(moment).max(moment));
        }
    }

    /// Keeps a turn for somebody, one at a time, and says how long it is until then; none when it has come.
    fn keep(&mut self, now: Instant, who: &str, urgency: Urgency, interval: Duration) -> Option<Duration> {
        if urgency == Urgency::Rescue {
            self.kept.remove(who);
            self.take(now, urgency, interval);
            return None;
        }
        self.kept.retain(|_, (_, turn)| *turn + KEPT > now);
        let turn = match self.kept.remove(who) {
            Some((kept_for, turn)) if kept_for >= urgency || turn <= now => turn,
            _ => self.take(now, urgency, interval),
        };
        if turn <= now {
            return None;
        }
        self.kept.insert(who.to_owned(), (urgency, turn));
        Some(turn.duration_since(now))
    }
}

/// The time between two calls at a pace.
fn interval(pace: f64) -> Duration {
    Duration::from_secs_f64(1.0 / pace.max(SLOWEST))
}

/// How long a call waits for its turn at most.
fn patience(urgency: Urgency) -> Duration {
    Duration::from_secs(match urgency {
        Urgency::Look | Urgency::Change => 2,
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

    #[tokio::test(start_paused = true)]
    async fn nothing_is_held_back_before_a_throttling_and_only_its_operation_in_its_region_after_it() {
        let budget = Budget::default();
        for _ in 0..1000 {
            assert_eq!(budget.turn(REGION, DESCRIBE, Urgency::Look), Some(Duration::ZERO));
            budget.answered(REGION, DESCRIBE, false);
        }
        assert_eq!(budget.put_off(REGION, "a", Urgency::Look), None);
        budget.answered(REGION, DESCRIBE, true);
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
        budget.answered(REGION, DESCRIBE, true);
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
    async fn the_pace_falls_with_every_throttling_but_once_for_those_on_their_way_together_and_rises_with_answers() {
        let budget = Budget::default();
        let pace = || {
            let regions = budget.regions();
            regions[REGION].operations.get(DESCRIBE).map(|lane| lane.pace)
        };
        for _ in 0..5 {
            budget.answered(REGION, DESCRIBE, true);
        }
        assert_eq!(pace(), Some(FIRST_PACE));
        for _ in 0..50 {
            pass(1.0).await;
            budget.answered(REGION, DESCRIBE, true);
        }
        assert_eq!(pace(), Some(SLOWEST), "it never stands still");
        for _ in 0..20 {
            budget.answered(REGION, DESCRIBE, false);
        }
        assert!(pace().is_some_and(|pace| (pace - SLOWEST - 1.0).abs() < 1e-6));
        for _ in 0..1000 {
            budget.answered(REGION, DESCRIBE, false);
        }
        assert_eq!(pace(), None, "free again");
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_is_free_again_when_it_was_quiet_for_long() {
        let budget = Budget::default();
        budget.answered(REGION, DESCRIBE, true);
        pass(299.0).await;
        assert!(
            budget.put_off(REGION, "a", Urgency::Look).is_none(),
            "its turn has come"
        );
        assert!(budget.put_off(REGION, "b", Urgency::Look).is_some());
        pass(2.0).await;
        for who in ["c", "d", "e"] {
            assert_eq!(budget.put_off(REGION, who, Urgency::Look), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_has_a_turn_in_the_order_of_arrival_and_keeps_it() {
        let budget = Budget::default();
        budget.answered(REGION, "ListTagsForResource", true);
        let names: Vec<String> = (0..100).map(|n| format!("app-{n}")).collect();
        assert_eq!(budget.put_off(REGION, "first", Urgency::Look), None, "a turn is free");
        let mut waits: Vec<Duration> = Vec::new();
        for name in &names {
            waits.push(budget.put_off(REGION, name, Urgency::Look).unwrap());
        }
        assert!(waits.is_sorted());
        assert!(
            (waits[99].as_secs_f64() - 20.0).abs() < 0.01,
            "five a second: {:?}",
            waits[99]
        );
        for name in names.iter().rev() {
            assert!(budget.put_off(REGION, name, Urgency::Look).is_some());
        }
        pass(10.01).await;
        let admitted = names
            .iter()
            .filter(|name| budget.put_off(REGION, name, Urgency::Look).is_none());
        assert_eq!(admitted.count(), 50, "asking again and again costs nobody its turn");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_overtakes_looks_and_a_rescue_is_never_put_off() {
        let budget = Budget::default();
        budget.answered(REGION, DESCRIBE, true);
        for n in 0..300 {
            let _ = budget.put_off(REGION, &format!("app-{n}"), Urgency::Look);
        }
        assert_eq!(budget.put_off(REGION, "app-299", Urgency::Rescue), None);
        let change = budget.put_off(REGION, "app-298", Urgency::Change).unwrap();
        assert!(change < Duration::from_secs(1), "{change:?}");
        assert_eq!(
            budget.put_off_call(REGION, "RollbackApplication", "app-1", Urgency::Rescue),
            None
        );
        budget.answered(REGION, "RollbackApplication", true);
        assert_eq!(
            budget.put_off_call(REGION, "RollbackApplication", "app-1", Urgency::Rescue),
            None
        );
        assert!(
            budget
                .put_off_call(REGION, "RollbackApplication", "app-1", Urgency::Change)
                .is_some()
        );
    }
}
