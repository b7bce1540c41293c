//! Moments that come again and again: a cron expression on the clock of a time zone.

use std::fmt;

use cronexpr::Crontab;
use jiff::Timestamp;

use crate::desired::check::Check;

/// Moments that come again and again.
///
/// An hour that the clocks skip has none, and one that comes twice has them twice.
#[derive(Clone)]
pub struct Schedule {
    /// What the spec says: the expression and the time zone.
    written: String,
    moments: Crontab,
}

impl Schedule {
    /// The first moment after another one; none within four years.
    #[must_use]
    pub fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        self.moments.find_next(moment).ok().map(|next| next.timestamp())
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Schedule {}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Check {
    /// Reads a cron expression of five fields and its time zone, UTC where none is given.
    pub(super) fn schedule(
        &mut self,
        cron_field: &str,
        cron: &str,
        zone_field: &str,
        zone: Option<&str>,
    ) -> Option<Schedule> {
        let zone = zone.unwrap_or("UTC");
        if jiff::tz::TimeZone::get(zone).is_err() {
            let problem =
                format!("{zone:?} is no time zone: write a name of the tz database, for instance Europe/Dublin");
            self.add(zone_field, problem);
            return None;
        }
        let written = format!("{cron} {zone}");
        let five_fields = cron.split(' ').filter(|part| !part.is_empty()).count() == 5;
        let Some(moments) = cronexpr::parse_crontab(&written).ok().filter(|_| five_fields) else {
            let problem = format!(
                "{cron:?} is no cron expression: write minute, hour, day of month, month and day of week, for instance \"0 22 * * 1-5\""
            );
            self.add(cron_field, problem);
            return None;
        };
        let schedule = Schedule { written, moments };
        if schedule.after(Timestamp::UNIX_EPOCH).is_none() {
            let problem = "no date fits it, so that its moment would never come; name a date that exists";
            self.add(cron_field, problem);
            return None;
        }
        Some(schedule)
    }
}
