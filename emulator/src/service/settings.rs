//! What can be chosen about the emulated service: its account, its speed, its quotas and its rules.

use std::time::Duration;

use super::rules::Rules;

/// How long the service takes, in its own time. [`Settings::speed`] divides every one of them.
///
/// The service publishes no durations. These are of the size that was seen (facts §2.2): a start takes one to three
/// minutes, an update of a running application a minute or more, an update of a stopped one a few seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    /// `STARTING` until the job runs or has failed.
    pub start: Duration,
    /// `STOPPING`, with the snapshot.
    pub stop: Duration,
    /// `FORCE_STOPPING`.
    pub force_stop: Duration,
    /// `UPDATING` of a running application.
    pub update_running: Duration,
    /// `UPDATING` of a stopped application.
    pub update_ready: Duration,
    /// A snapshot is `CREATING`.
    pub snapshot: Duration,
    /// A snapshot is `DELETING`.
    pub delete_snapshot: Duration,
    /// An application is `DELETING`.
    pub delete_application: Duration,
    /// `MAINTENANCE`.
    pub maintenance: Duration,
    /// `AUTOSCALING`.
    pub autoscaling: Duration,
    /// `ROLLING_BACK`.
    pub roll_back: Duration,
    /// From the end of a minute until CloudWatch shows its points.
    pub metrics: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(90),
            stop: Duration::from_secs(30),
            force_stop: Duration::from_secs(10),
            update_running: Duration::from_mins(1),
            update_ready: Duration::from_secs(3),
            snapshot: Duration::from_secs(15),
            delete_snapshot: Duration::from_secs(10),
            delete_application: Duration::from_secs(10),
            maintenance: Duration::from_secs(20),
            autoscaling: Duration::from_mins(1),
            roll_back: Duration::from_mins(1),
            metrics: Duration::from_mins(1),
        }
    }
}

/// The settings of one emulated service. They do not change while it lives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Twelve digits, part of every ARN.
    pub account: String,
    /// Divides every duration of the service and of job scripts; 60 makes a minute a second. Must be above zero.
    pub speed: f64,
    /// Where clients reach the emulator, for example `http://emulator.test:4566`; pre-signed URLs begin with it. Without
    /// one they name the host that the call came to.
    pub public_url: Option<String>,
    /// Which way to take where the facts leave a choice.
    pub rules: Rules,
    /// Applications per region before `LimitExceededException` (facts §7).
    pub application_quota: usize,
    /// Snapshots per application before a manual one is refused (facts §4.6).
    pub snapshot_quota: usize,
    /// How long the tags of a deleted application stay registered, in the service's time (facts §1.1).
    pub tag_linger: Duration,
    /// The time from one maintenance of a running application to the next, in the service's time; none without.
    pub maintenance_every: Option<Duration>,
    /// The time from one autoscaling of a running application to the next, in the service's time; none without.
    pub autoscaling_every: Option<Duration>,
    /// How long everything else takes.
    pub durations: Durations,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: "111122223333".to_owned(),
            speed: 1.0,
            public_url: None,
            rules: Rules::default(),
            application_quota: 100,
            snapshot_quota: 1000,
            tag_linger: Duration::from_mins(3),
            maintenance_every: None,
            autoscaling_every: None,
            durations: Durations::default(),
        }
    }
}

impl Settings {
    /// A duration of the service's time as a duration of the caller's clock. A speed that is not a positive number
    /// counts as 1.
    #[must_use]
    pub fn scaled(&self, duration: Duration) -> Duration {
        if self.speed.is_finite() && self.speed > 0.0 {
            Duration::try_from_secs_f64(duration.as_secs_f64() / self.speed).unwrap_or(duration)
        } else {
            duration
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_divides_a_duration() {
        let settings = Settings {
            speed: 60.0,
            ..Settings::default()
        };
        assert_eq!(settings.scaled(Duration::from_secs(90)), Duration::from_millis(1500));
    }

    #[test]
    fn a_speed_of_zero_counts_as_one() {
        let settings = Settings {
            speed: 0.0,
            ..Settings::default()
        };
        assert_eq!(settings.scaled(Duration::from_secs(90)), Duration::from_secs(90));
    }
}
