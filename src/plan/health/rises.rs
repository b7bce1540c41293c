//! What the restart counter and the log of a job say: a loop, some restarts, or quiet.

use jiff::{SignedDuration, Timestamp};

use crate::desired::Health;
use crate::world::{Counter, Point, Restarts, Series, Tail};

/// How many windows of the counter are read, so that nothing must be remembered between two readings.
pub const WINDOWS: i32 = 3;

/// The grain of the counter.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// How long a point may take to appear; what is not there yet is not missing.
const DELAY: SignedDuration = SignedDuration::from_mins(2);

/// A first point after so long without any comes from a counter that was zero or from a new job.
const GAP: SignedDuration = SignedDuration::from_mins(3);

/// How long after an operation of the service the tasks may still be moved about.
const SETTLES: SignedDuration = SignedDuration::from_mins(2);

/// What the points say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Assessment {
    /// No restart for two windows.
    Quiet,
    /// Some restarts, which are no loop.
    Restless,
    /// A loop, described in a sentence.
    Loop(String),
}

/// When the job was proven, and how often it had restarted by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proven {
    pub(super) at: Timestamp,
    pub(super) restarts: Option<i64>,
}

/// A time in which restarts are no evidence.
pub(super) type Excused = (Timestamp, Option<Timestamp>);

/// How often the job restarted: in a minute by the counter, or at a moment by the log.
type Rise = (Timestamp, i64);

/// Holds what is known of the restarts against the terms. Restarts from before the job was proven and those in an excused
/// time do not count. A log can only add to what the counter says: nobody knows that it tells of everything.
pub(super) fn assess(restarts: &Restarts, proven: Option<Proven>, excused: &[Excused], terms: &Health) -> Assessment {
    let counted = match &restarts.counter {
        Counter::Read(series) => by_counter(series, proven, excused, terms),
        Counter::NotRead | Counter::Unreadable(_) => Assessment::Restless,
    };
    match (by_log(&restarts.log, proven, excused, terms), counted) {
        (Assessment::Quiet, counted) | (Assessment::Restless, counted @ Assessment::Loop(_)) => counted,
        (logged, _) => logged,
    }
}

fn by_log(log: &Tail, proven: Option<Proven>, excused: &[Excused], terms: &Health) -> Assessment {
    let Tail::Read { until, restarts } = log else {
        return Assessment::Quiet;
    };
    let counts = |at: &&Timestamp| proven.is_none_or(|proven| **at > proven.at) && !is_excused(**at, excused);
    let counted: Vec<Rise> = restarts.iter().filter(counts).map(|at| (*at, 1)).collect();
    let Some((last, _)) = counted.last() else {
        return Assessment::Quiet;
    };
    if *last + terms.window.saturating_mul(2) <= *until {
        return Assessment::Quiet;
    }
    match most_within(&counted, terms.window) {
        most if most >= terms.threshold => {
            Assessment::Loop(format!("the job restarted {most} times within {:#}", terms.window))
        }
        _ => Assessment::Restless,
    }
}

fn by_counter(series: &Series, proven: Option<Proven>, excused: &[Excused], terms: &Health) -> Assessment {
    let mut rises = rises(series, proven);
    rises.retain(|(at, _)| !is_excused(*at, excused));
    let Some((last, _)) = rises.last() else {
        return Assessment::Quiet;
    };
    let windows = |number: i32| terms.window.saturating_mul(number);
    if *last + MINUTE + windows(2) + DELAY <= series.until {
        return Assessment::Quiet;
    }
    let most = most_within(&rises, terms.window);
    if most >= terms.threshold {
        return Assessment::Loop(format!("the job restarted {most} times within {:#}", terms.window));
    }
    let newest = series.points.last().map_or(*last, |point| point.at);
    let in_each = (0..WINDOWS).all(|number| within(&rises, newest - windows(number + 1), newest - windows(number)) > 0);
    if in_each {
        return Assessment::Loop(format!(
            "the job restarted in each of the last three windows of {:#}",
            terms.window
        ));
    }
    Assessment::Restless
}

/// The most restarts within a window that ends with one of them.
fn most_within(rises: &[Rise], window: SignedDuration) -> i64 {
    let counts = rises.iter().map(|(end, _)| within(rises, *end - window, *end));
    counts.max().unwrap_or_default()
}

/// The restarts after one moment and up to another.
fn within(rises: &[Rise], after: Timestamp, until: Timestamp) -> i64 {
    let inside = rises.iter().filter(|(at, _)| *at > after && *at <= until);
    inside.map(|(_, rise)| rise).sum()
}

fn is_excused(at: Timestamp, excused: &[Excused]) -> bool {
    excused.iter().any(|(from, until)| {
        let over = until.map_or(Timestamp::MAX, |until| until + SETTLES);
        at + MINUTE > *from && at < over
    })
}

/// A counter that fell is that of a new submission, whose restarts all count.
fn rises(series: &Series, proven: Option<Proven>) -> Vec<Rise> {
    let mut rises = Vec::new();
    let mut before: Option<i64> = None;
    for point in &series.points {
        if proven.is_none_or(|proven| point.at + MINUTE > proven.at) {
            let base = before.unwrap_or_else(|| base(series, point, proven));
            let rise = if point.restarts >= base {
                point.restarts - base
            } else {
                point.restarts
            };
            if rise > 0 {
                rises.push((point.at, rise));
            }
        }
        before = Some(point.restarts);
    }
    rises
}

/// What the counter showed before its first point: what it was when the job was proven, if that is in the stretch. After
/// a gap it rose, nobody knows by how much; otherwise nothing is known.
fn base(series: &Series, first: &Point, proven: Option<Proven>) -> i64 {
    match proven.filter(|proven| proven.at >= series.from) {
        Some(proven) => proven.restarts.unwrap_or(first.restarts),
        None if first.at.duration_since(series.from) >= GAP => first.restarts - 1,
        None => first.restarts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::spec::{OnUnhealthy, TransitionsMode};

    const TERMS: Health = Health {
        threshold: 3,
        window: SignedDuration::from_mins(5),
        transitions: TransitionsMode::Watch,
        interval: SignedDuration::from_secs(15),
        on_unhealthy: OnUnhealthy::Report,
    };

    fn minute(number: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + number * 60).unwrap()
    }

    /// A counter that was read for twenty minutes: points of minute and value.
    fn series(points: &[(i64, i64)]) -> Restarts {
        let points = points.iter().map(|(at, restarts)| Point {
            at: minute(*at),
            restarts: *restarts,
        });
        let series = Series {
            from: minute(0),
            until: minute(20),
            points: points.collect(),
        };
        Restarts {
            counter: Counter::Read(series),
            log: Tail::NotWatched,
        }
    }

    /// A log that was read for twenty minutes, and a counter that says nothing.
    fn log(seconds: &[i64]) -> Restarts {
        let restarts = seconds.iter().map(|at| minute(0) + SignedDuration::from_secs(*at));
        Restarts {
            log: Tail::Read {
                until: minute(20),
                restarts: restarts.collect(),
            },
            ..series(&[])
        }
    }

    fn said(points: &[(i64, i64)]) -> Assessment {
        assess(&series(points), None, &[], &TERMS)
    }

    fn is_loop(assessment: &Assessment) -> bool {
        matches!(assessment, Assessment::Loop(_))
    }

    #[test]
    fn no_point_and_a_counter_that_stands_are_quiet() {
        assert_eq!(said(&[]), Assessment::Quiet);
        assert_eq!(said(&[(0, 7), (1, 7), (18, 7)]), Assessment::Quiet);
        assert_eq!(
            said(&[(0, 7), (9, 7), (18, 7)]),
            Assessment::Quiet,
            "missing points are nothing"
        );
    }

    #[test]
    fn as_many_restarts_as_the_threshold_within_the_window_are_a_loop() {
        let found = said(&[(0, 7), (14, 8), (16, 10)]);
        assert_eq!(
            found,
            Assessment::Loop("the job restarted 3 times within 5m".to_owned())
        );
        assert_eq!(
            said(&[(0, 7), (12, 8), (17, 10)]),
            Assessment::Restless,
            "not in one window"
        );
        assert_eq!(said(&[(0, 7), (16, 9)]), Assessment::Restless);
    }

    #[test]
    fn a_slow_loop_restarts_in_each_of_three_windows_in_a_row() {
        assert!(is_loop(&said(&[(0, 7), (5, 8), (10, 9), (18, 10)])));
        assert_eq!(said(&[(0, 7), (5, 8), (18, 9)]), Assessment::Restless);
    }

    #[test]
    fn two_quiet_minutes_end_nothing_and_two_quiet_windows_do() {
        assert!(is_loop(&said(&[(0, 0), (13, 2), (16, 5), (17, 5), (18, 5)])));
        assert_eq!(said(&[(0, 0), (4, 2), (6, 5), (17, 5), (18, 5)]), Assessment::Quiet);
    }

    #[test]
    fn a_counter_that_fell_counts_from_zero() {
        assert!(is_loop(&said(&[(0, 40), (15, 1), (17, 3)])));
        assert_eq!(said(&[(0, 40), (16, 1)]), Assessment::Restless);
    }

    #[test]
    fn the_first_point_after_a_gap_is_one_restart_and_one_at_the_beginning_is_none() {
        assert_eq!(said(&[(16, 9)]), Assessment::Restless);
        assert!(is_loop(&said(&[(14, 9), (17, 11)])));
        assert_eq!(said(&[(2, 9), (18, 9)]), Assessment::Quiet);
    }

    #[test]
    fn restarts_from_before_the_job_was_proven_do_not_count() {
        let proven = |at: i64, restarts: i64| Proven {
            at: minute(at),
            restarts: Some(restarts),
        };
        let points = series(&[(13, 1), (15, 3), (17, 4)]);
        assert!(is_loop(&assess(&points, None, &[], &TERMS)));
        assert_eq!(assess(&points, Some(proven(16, 3)), &[], &TERMS), Assessment::Restless);
        let first = series(&[(15, 3)]);
        assert!(is_loop(&assess(&first, Some(proven(14, 0)), &[], &TERMS)));
        assert_eq!(assess(&first, Some(proven(14, 3)), &[], &TERMS), Assessment::Quiet);
    }

    #[test]
    fn restarts_while_the_service_works_and_shortly_after_do_not_count() {
        let points = series(&[(0, 0), (14, 2), (16, 5)]);
        let over = [(minute(13), Some(minute(15)))];
        assert_eq!(assess(&points, None, &over, &TERMS), Assessment::Quiet);
        let open = [(minute(13), None)];
        assert_eq!(assess(&points, None, &open, &TERMS), Assessment::Quiet);
        let before = [(minute(9), Some(minute(11)))];
        assert!(is_loop(&assess(&points, None, &before, &TERMS)));
    }

    #[test]
    fn the_log_finds_a_loop_before_the_counter_and_keeps_it_from_being_over() {
        let said = |seconds: &[i64]| assess(&log(seconds), None, &[], &TERMS);
        assert!(is_loop(&said(&[1180, 1184, 1190])));
        assert_eq!(said(&[1184, 1190]), Assessment::Restless);
        assert_eq!(said(&[100, 104, 110]), Assessment::Quiet, "long over");
        let proven = Proven {
            at: minute(0) + SignedDuration::from_secs(1182),
            restarts: Some(0),
        };
        assert_eq!(
            assess(&log(&[1180, 1184, 1190]), Some(proven), &[], &TERMS),
            Assessment::Restless
        );
        let during = [(minute(19), None)];
        assert_eq!(
            assess(&log(&[1180, 1184, 1190]), None, &during, &TERMS),
            Assessment::Quiet
        );
    }

    #[test]
    fn a_log_that_tells_nothing_proves_nothing() {
        let mut both = series(&[(14, 2), (16, 5)]);
        both.log = log(&[]).log;
        assert!(is_loop(&assess(&both, None, &[], &TERMS)));
        let mut blind = log(&[]);
        blind.counter = Counter::Unreadable("denied".to_owned());
        assert_eq!(
            assess(&blind, None, &[], &TERMS),
            Assessment::Restless,
            "neither a loop nor its end"
        );
    }
}
