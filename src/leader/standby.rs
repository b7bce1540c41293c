//! When a replica that stands by may claim the lease. Pure.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::LeaseSpec;
use tokio::time::Instant;

/// What this replica has seen of the lease, and since when.
///
/// The rule is that of the Kubernetes components: a holder is gone when its record has not changed for as long as it
/// promised, measured from when *this* replica first saw that record on its own monotonic clock. Times written in the
/// record are never compared with a clock, so that clocks which differ cannot make two leaders.
#[derive(Debug, Default)]
pub(super) struct Standby {
    seen: Option<(LeaseSpec, Instant)>,
}

impl Standby {
    /// Notes a record read at `now` and returns from when on it may be claimed.
    ///
    /// `usual` stands in for a promise that the record does not make.
    pub(super) fn observe(&mut self, record: &LeaseSpec, now: Instant, usual: Duration) -> Instant {
        let since = match &self.seen {
            Some((known, since)) if known == record => *since,
            _ => {
                self.seen = Some((record.clone(), now));
                now
            }
        };
        if is_free(record) {
            now
        } else {
            since + promised(record).unwrap_or(usual)
        }
    }
}

fn is_free(record: &LeaseSpec) -> bool {
    record.holder_identity.as_deref().unwrap_or_default().is_empty()
}

fn promised(record: &LeaseSpec) -> Option<Duration> {
    let seconds = u64::try_from(record.lease_duration_seconds?).ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

    use super::*;

    const USUAL: Duration = Duration::from_secs(15);

    fn record(renewed: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some("other".into()),
            lease_duration_seconds: Some(20),
            renew_time: Some(MicroTime(renewed.parse().unwrap())),
            ..LeaseSpec::default()
        }
    }

    fn start() -> Instant {
        crate::clock::monotonic()
    }

    #[test]
    fn a_record_that_claims_to_be_ancient_is_given_its_full_time_from_first_sight() {
        let now = start();
        let at = Standby::default().observe(&record("2001-01-01T00:00:00Z"), now, USUAL);
        assert_eq!(at, now + Duration::from_secs(20));
    }

    #[test]
    fn a_record_from_the_future_is_claimed_when_it_stops_changing() {
        let mut standby = Standby::default();
        let now = start();
        let ahead = record("2999-01-01T00:00:00Z");
        standby.observe(&ahead, now, USUAL);
        assert_eq!(
            standby.observe(&ahead, now + Duration::from_secs(21), USUAL),
            now + Duration::from_secs(20)
        );
    }

    #[test]
    fn each_change_of_the_record_starts_the_wait_again() {
        let mut standby = Standby::default();
        let now = start();
        standby.observe(&record("2026-01-01T00:00:00Z"), now, USUAL);
        let later = now + Duration::from_secs(19);
        let at = standby.observe(&record("2026-01-01T00:00:19Z"), later, USUAL);
        assert_eq!(at, later + Duration::from_secs(20));
    }

    #[test]
    fn a_lease_without_a_holder_is_free_at_once() {
        let now = start();
        for holder in [None, Some(String::new())] {
            let released = LeaseSpec {
                holder_identity: holder,
                ..record("2026-01-01T00:00:00Z")
            };
            assert_eq!(Standby::default().observe(&released, now, USUAL), now);
        }
    }

    #[test]
    fn a_record_without_a_sound_promise_is_given_our_own_duration() {
        let now = start();
        for seconds in [None, Some(0), Some(-5)] {
            let odd = LeaseSpec {
                lease_duration_seconds: seconds,
                ..record("2026-01-01T00:00:00Z")
            };
            assert_eq!(Standby::default().observe(&odd, now, USUAL), now + USUAL);
        }
    }
}
