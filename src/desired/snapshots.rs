//! When snapshots are taken, and which are deleted again.

use jiff::SignedDuration;

use crate::api::spec::{FlinkApplicationSpec, Retention as RetentionSpec, RetentionScope, SnapshotSchedule};
use crate::desired::check::Check;
use crate::desired::schedule::Schedule;

/// The default of spec.snapshots.schedule.startingDeadline, in milliseconds.
const STARTING_DEADLINE: i64 = 1_800_000;

/// When snapshots are taken, and which are deleted again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// When one is taken by the clock.
    pub schedule: Option<Runs>,
    /// Which are deleted again; absent: none.
    pub retention: Option<Retention>,
    /// The age at which the newest good one counts as stale while the job runs.
    pub stale_after: Option<SignedDuration>,
}

/// When snapshots are taken by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// The moments.
    pub schedule: Schedule,
    /// How late one may be made up.
    pub starting_deadline: SignedDuration,
}

/// Which snapshots are deleted again; at least one limit is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many are kept.
    pub max_count: Option<usize>,
    /// How old one may become.
    pub max_age: Option<SignedDuration>,
    /// Whether those of the service and of people are meant too.
    pub all: bool,
}

impl Check {
    /// Reads when snapshots are taken and which are deleted again.
    pub(super) fn snapshots(&mut self, spec: &FlinkApplicationSpec) -> SnapshotPolicy {
        let Some(snapshots) = &spec.snapshots else {
            return SnapshotPolicy::default();
        };
        if snapshots.schedule.is_some() && snapshots.enabled == Some(false) {
            let problem = "needs spec.snapshots.enabled: true, because nothing can be taken otherwise";
            self.add("spec.snapshots.schedule", problem);
        }
        let field = "spec.snapshots.staleAfter";
        SnapshotPolicy {
            schedule: snapshots.schedule.as_ref().and_then(|schedule| self.runs(schedule)),
            retention: snapshots.retention.as_ref().map(|retention| self.retention(retention)),
            stale_after: self.optional(field, snapshots.stale_after.as_deref(), 60_000, 31_536_000_000),
        }
    }

    fn runs(&mut self, asked: &SnapshotSchedule) -> Option<Runs> {
        let field = "spec.snapshots.schedule.startingDeadline";
        let deadline = self.duration(field, asked.starting_deadline.as_deref(), STARTING_DEADLINE);
        self.range(field, deadline, 60_000, 86_400_000);
        let schedule = self.schedule(
            "spec.snapshots.schedule.cron",
            &asked.cron,
            "spec.snapshots.schedule.timeZone",
            asked.time_zone.as_deref(),
        )?;
        Some(Runs {
            schedule,
            starting_deadline: SignedDuration::from_millis(deadline),
        })
    }

    fn retention(&mut self, asked: &RetentionSpec) -> Retention {
        let count = asked.max_count.map(|count| usize::try_from(count).unwrap_or(0));
        if count == Some(0) {
            self.add("spec.snapshots.retention.maxCount", "must be 1 or more");
        }
        if count.is_none() && asked.max_age.is_none() {
            self.add("spec.snapshots.retention", "needs maxCount or maxAge");
        }
        let field = "spec.snapshots.retention.maxAge";
        Retention {
            max_count: count,
            max_age: self.optional(field, asked.max_age.as_deref(), 3_600_000, 315_360_000_000),
            all: asked.scope == Some(RetentionScope::All),
        }
    }

    /// A duration that has no default, in a range of milliseconds.
    fn optional(&mut self, field: &str, text: Option<&str>, least: i64, most: i64) -> Option<SignedDuration> {
        let milliseconds = self.duration(field, Some(text?), least);
        self.range(field, milliseconds, least, most);
        Some(SignedDuration::from_millis(milliseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::{parse, violations};

    #[test]
    fn a_policy_says_when_and_how_long() {
        let policy = parse(
            "snapshots:
  schedule: {cron: '0 */6 * * *', timeZone: Europe/Dublin, startingDeadline: 10m}
  retention: {maxCount: 10, maxAge: 168h}
  staleAfter: 12h",
        );
        let policy = policy.unwrap().snapshots;
        let runs = policy.schedule.unwrap();
        let noon = "2026-07-01T12:00:00Z".parse().unwrap();
        assert_eq!(runs.schedule.after(noon), "2026-07-01T17:00:00Z".parse().ok());
        assert_eq!(runs.starting_deadline, SignedDuration::from_mins(10));
        assert_eq!(policy.stale_after, Some(SignedDuration::from_hours(12)));
        assert_eq!(
            policy.retention,
            Some(Retention {
                max_count: Some(10),
                max_age: Some(SignedDuration::from_hours(168)),
                all: false
            })
        );
    }

    #[test]
    fn when_snapshots_are_taken_and_kept_is_no_matter_of_the_revision() {
        let policy = "snapshots: {schedule: {cron: '0 0 * * *'}, retention: {maxCount: 1, scope: All}, staleAfter: 1h}";
        assert_eq!(parse(policy).unwrap().revision, parse("").unwrap().revision);
    }

    #[test]
    fn what_is_wrong_names_the_member_and_what_would_be_right() {
        for (snapshots, member, hint) in [
            ("schedule: {cron: '0 0 * *'}", "schedule.cron", "0 22 * * 1-5"),
            ("schedule: {cron: '0 0 30 2 *'}", "schedule.cron", "date"),
            (
                "schedule: {cron: '0 0 * * *', timeZone: Mars}",
                "schedule.timeZone",
                "Europe/Dublin",
            ),
            (
                "schedule: {cron: '0 0 * * *', startingDeadline: 1s}",
                "schedule.startingDeadline",
                "between 1m and 24h",
            ),
            (
                "enabled: false, schedule: {cron: '0 0 * * *'}",
                "schedule",
                "enabled: true",
            ),
            ("retention: {maxCount: 0}", "retention.maxCount", "1 or more"),
            ("retention: {scope: All}", "retention", "maxCount or maxAge"),
            ("retention: {maxAge: 1m}", "retention.maxAge", "between 1h and"),
            ("staleAfter: 1s", "staleAfter", "between 1m and"),
        ] {
            let told = violations(&format!("snapshots: {{{snapshots}}}"));
            let wanted = format!("spec.snapshots.{member}: ");
            assert!(
                told.iter().any(|told| told.starts_with(&wanted) && told.contains(hint)),
                "{told:?}"
            );
        }
    }
}
