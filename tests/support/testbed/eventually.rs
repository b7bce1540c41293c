//! Waiting for what other processes do.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::process::tails;

/// Between two looks at what cannot be watched.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// What a probe may answer: done with a value, or not yet, with what it saw.
pub(crate) trait Probe {
    /// What is there when it is done.
    type Value;
    /// The value, or a description of what was seen instead.
    fn answer(self) -> Result<Self::Value, String>;
}

impl Probe for bool {
    type Value = ();
    fn answer(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("it is not so".to_owned()) }
    }
}

impl<T> Probe for Option<T> {
    type Value = T;
    fn answer(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T, E: std::fmt::Display> Probe for Result<T, E> {
    type Value = T;
    fn answer(self) -> Result<T, String> {
        self.map_err(|seen| seen.to_string())
    }
}

/// Asks again and again until the probe has an answer.
///
/// # Panics
/// When the time is over: with what was waited for, what was seen last, and the ends of the logs.
#[track_caller]
pub(crate) fn eventually<P: Probe>(what: &str, time: Duration, mut probe: impl FnMut() -> P) -> P::Value {
    let mut seen = String::new();
    let done = within(time, || match probe().answer() {
        Ok(value) => Some(value),
        Err(last) => {
            seen = last;
            None
        }
    });
    match done {
        Some(value) => value,
        None => give_up(what, time, &seen),
    }
}

/// Fails because the time is over: with what was waited for, what was seen last, and the ends of the logs.
#[track_caller]
pub(super) fn give_up(what: &str, time: Duration, seen: &str) -> ! {
    panic!(
        "{what}: not within {} s; last seen: {seen}\n{}",
        time.as_secs(),
        tails(25)
    )
}

/// Asks again and again until there is a value or the time is over.
#[expect(clippy::disallowed_methods, reason = "real processes run on the wall clock")]
pub(crate) fn within<T>(time: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + time;
    loop {
        if let Some(value) = probe() {
            return Some(value);
        }
        if Instant::now() >= end {
            return None;
        }
        sleep(PAUSE);
    }
}
