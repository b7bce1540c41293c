//! What the benchmarks of failing jobs have in common: the alarm beside the controller, and rows of percentiles.

use jiff::{SignedDuration, Timestamp};
use managed_flink_emulator::job::{Job, JobState};
use serde_json::Value;

use crate::figures::percentile;

/// Within how many minutes in a row the alarm wants to see a restart.
const ALARM_MINUTES: usize = 5;

/// The newest job of an application that fails.
pub(crate) fn failing_job(view: &Value) -> Job {
    let jobs: Vec<Job> = serde_json::from_value(view["jobs"].clone()).unwrap();
    jobs.into_iter().rev().find(|job| job.trouble.is_some()).unwrap()
}

/// When the alarm would sound if nobody did anything.
pub(crate) fn alarm(job: &Job) -> Option<Timestamp> {
    let left_alone = Job {
        ended: None,
        state: JobState::Running,
        ..job.clone()
    };
    let first_minute = job.launched.as_second() / 60 * 60;
    let mut rises = 0;
    let mut before = 0;
    for minute in 1..=120 {
        let at = Timestamp::from_second(first_minute + 60 * minute).ok()?;
        let restarts = left_alone.course(at).restarts;
        rises = if restarts > before { rises + 1 } else { 0 };
        before = restarts;
        if rises == ALARM_MINUTES {
            return Some(at);
        }
    }
    None
}

/// Prints a row of a table.
pub(crate) fn row(what: &str, sorted: &[SignedDuration]) {
    let at = |hundredths| format!("{:.1} s", percentile(sorted, hundredths).as_secs_f64());
    println!(
        "| {what} | {} | {} | {} | {} | {} |",
        sorted.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
}
