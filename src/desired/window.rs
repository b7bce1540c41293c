//! Change windows: the times in which a new revision may begin to be brought out.

use jiff::{SignedDuration, Timestamp};

use crate::api::spec::{ChangeWindow as WindowSpec, FlinkApplicationSpec};
use crate::desired::check::Check;
use crate::desired::schedule::Schedule;

/// The shortest window, in milliseconds.
const SHORTEST: i64 = 60_000;

/// The longest window, in milliseconds: a week.
const LONGEST: i64 = 604_800_000;

/// A time that comes again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeWindow {
    /// The name in the spec.
    name: String,
    /// When it opens.
    opens: Schedule,
    /// How long it stays open.
    duration: SignedDuration,
}

/// Every window of a spec; none at all means that there is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeWindows(Vec<ChangeWindow>);

/// Whether a change may begin at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening<'a> {
    /// It may.
    Now,
    /// It may not before a window opens.
    At(&'a str, Timestamp),
    /// No window opens within four years.
    Never,
}

impl ChangeWindows {
    /// Whether a change may begin at a moment, otherwise when it may and in which window.
    ///
    /// A window is open from its opening, included, for its duration, which is real time also across a change of the
    /// clocks.
    #[must_use]
    pub fn opening(&self, now: Timestamp) -> Opening<'_> {
        if self.0.is_empty() || self.0.iter().any(|window| window.is_open(now)) {
            return Opening::Now;
        }
        let openings = self
            .0
            .iter()
            .filter_map(|window| Some((window, window.opens.after(now)?)));
        openings
            .min_by_key(|(_, at)| *at)
            .map_or(Opening::Never, |(window, at)| Opening::At(&window.name, at))
    }
}

impl ChangeWindow {
    fn is_open(&self, now: Timestamp) -> bool {
        let earliest = now - self.duration;
        self.opens.after(earliest).is_some_and(|opened| opened <= now)
    }
}

impl Check {
    /// Reads the change windows.
    pub(super) fn change_windows(&mut self, spec: &FlinkApplicationSpec) -> ChangeWindows {
        let asked = spec
            .rollout
            .as_ref()
            .and_then(|rollout| rollout.change_windows.as_ref());
        let asked = asked.map_or(&[][..], Vec::as_slice);
        let windows = asked.iter().filter_map(|window| self.change_window(window)).collect();
        for (at, window) in asked.iter().enumerate() {
            if asked[..at].iter().any(|earlier| earlier.name == window.name) {
                let problem = format!("the window {:?} is given twice", window.name);
                self.add("spec.rollout.changeWindows", problem);
            }
        }
        ChangeWindows(windows)
    }

    fn change_window(&mut self, window: &WindowSpec) -> Option<ChangeWindow> {
        let field = |member: &str| format!("spec.rollout.changeWindows[{}].{member}", window.name);
        let before = self.violations.len();
        let duration = self.duration(&field("duration"), Some(&window.duration), SHORTEST);
        self.range(&field("duration"), duration, SHORTEST, LONGEST);
        let opens = self.schedule(
            &field("cron"),
            &window.cron,
            &field("timeZone"),
            window.time_zone.as_deref(),
        )?;
        let window = ChangeWindow {
            name: window.name.clone(),
            opens,
            duration: SignedDuration::from_millis(duration),
        };
        (self.violations.len() == before).then_some(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(cron: &str, duration: &str, zone: &str) -> WindowSpec {
        WindowSpec {
            name: "w".into(),
            cron: cron.into(),
            duration: duration.into(),
            time_zone: Some(zone.into()),
        }
    }

    fn window(cron: &str, duration: &str, zone: &str) -> ChangeWindows {
        let mut check = Check::default();
        let window = check.change_window(&spec(cron, duration, zone));
        assert_eq!(check.violations, [], "{cron} {duration} {zone}");
        ChangeWindows(window.into_iter().collect())
    }

    fn problem(cron: &str, duration: &str, zone: &str) -> String {
        let mut check = Check::default();
        assert_eq!(
            check.change_window(&spec(cron, duration, zone)),
            None,
            "{cron} {duration} {zone}"
        );
        check.violations.first().map(ToString::to_string).unwrap_or_default()
    }

    fn at(moment: &str) -> Timestamp {
        moment.parse().unwrap()
    }

    #[test]
    fn a_window_is_open_from_its_opening_for_its_duration() {
        let nights = window("0 22 * * 1-5", "4h", "UTC");
        for (moment, opening) in [
            ("2026-06-01T21:59:59Z", Opening::At("w", at("2026-06-01T22:00:00Z"))),
            ("2026-06-01T22:00:00Z", Opening::Now),
            ("2026-06-02T01:59:59Z", Opening::Now),
            ("2026-06-02T02:00:00Z", Opening::At("w", at("2026-06-02T22:00:00Z"))),
            ("2026-06-06T03:00:00Z", Opening::At("w", at("2026-06-08T22:00:00Z"))),
        ] {
            assert_eq!(nights.opening(at(moment)), opening, "{moment}");
        }
    }

    #[test]
    fn the_clock_of_the_time_zone_counts_in_summer_and_in_winter() {
        let nights = window("0 22 * * *", "1h", "Europe/Dublin");
        assert_eq!(nights.opening(at("2026-07-01T21:30:00Z")), Opening::Now);
        assert_eq!(
            nights.opening(at("2026-07-01T22:30:00Z")),
            Opening::At("w", at("2026-07-02T21:00:00Z"))
        );
        assert_eq!(nights.opening(at("2026-12-01T22:30:00Z")), Opening::Now);
    }

    #[test]
    fn the_duration_is_real_time_across_a_change_of_the_clocks() {
        let nights = window("0 23 * * *", "4h", "Europe/Dublin");
        assert_eq!(nights.opening(at("2026-03-29T02:59:00Z")), Opening::Now);
        assert_ne!(nights.opening(at("2026-03-29T03:00:00Z")), Opening::Now);
        assert_eq!(nights.opening(at("2026-10-25T01:59:00Z")), Opening::Now);
        assert_ne!(nights.opening(at("2026-10-25T02:00:00Z")), Opening::Now);
    }

    #[test]
    fn an_hour_that_the_clocks_skip_opens_no_window_and_one_that_comes_twice_opens_two() {
        let early = window("30 1 * * *", "10m", "Europe/Dublin");
        assert_eq!(
            early.opening(at("2026-03-28T12:00:00Z")),
            Opening::At("w", at("2026-03-30T00:30:00Z"))
        );
        assert_eq!(early.opening(at("2026-10-25T00:35:00Z")), Opening::Now);
        assert_eq!(early.opening(at("2026-10-25T01:35:00Z")), Opening::Now);
    }

    #[test]
    fn of_several_windows_the_next_one_counts_and_any_open_one_is_enough() {
        let ChangeWindows(mut windows) = window("0 4 * * *", "1h", "UTC");
        windows.extend(window("0 2 * * *", "1h", "UTC").0);
        windows[1].name = "early".into();
        let windows = ChangeWindows(windows);
        assert_eq!(
            windows.opening(at("2026-06-01T01:00:00Z")),
            Opening::At("early", at("2026-06-01T02:00:00Z"))
        );
        assert_eq!(windows.opening(at("2026-06-01T04:30:00Z")), Opening::Now);
        assert_eq!(
            ChangeWindows::default().opening(at("2026-06-01T01:00:00Z")),
            Opening::Now
        );
    }

    #[test]
    fn a_leap_day_is_found_years_ahead() {
        let rare = window("0 0 29 2 *", "1m", "UTC");
        assert_eq!(
            rare.opening(at("2026-06-01T00:00:00Z")),
            Opening::At("w", at("2028-02-29T00:00:00Z"))
        );
    }

    #[test]
    fn what_is_wrong_names_the_member_and_what_would_be_right() {
        for (cron, duration, zone, member, hint) in [
            ("0 22 * *", "4h", "UTC", "cron", "0 22 * * 1-5"),
            ("0 22 * * 1-5 UTC", "4h", "UTC", "cron", "0 22 * * 1-5"),
            ("0 25 * * *", "4h", "UTC", "cron", "0 22 * * 1-5"),
            ("H 22 * * *", "4h", "UTC", "cron", "0 22 * * 1-5"),
            ("0 0 30 2 *", "4h", "UTC", "cron", "date"),
            ("0 22 * * *", "59s", "UTC", "duration", "between 1m and 168h"),
            ("0 22 * * *", "169h", "UTC", "duration", "between 1m and 168h"),
            ("0 22 * * *", "4 h", "UTC", "duration", "1h30m"),
            ("0 22 * * *", "4h", "Europe/Atlantis", "timeZone", "Europe/Dublin"),
        ] {
            let told = problem(cron, duration, zone);
            assert!(
                told.starts_with(&format!("spec.rollout.changeWindows[w].{member}: ")) && told.contains(hint),
                "{told}"
            );
        }
    }
}
