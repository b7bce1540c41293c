//! When restarts count as a loop, and what follows one.

use jiff::SignedDuration;

use crate::api::spec::{FlinkApplicationSpec, Health as HealthSpec, LogLevel, OnUnhealthy, TransitionsMode};
use crate::desired::check::Check;
use crate::desired::duration;

/// The default of spec.health.restartLoop.window, in milliseconds.
const WINDOW: i64 = 300_000;

/// The default of spec.health.transitions.interval, in milliseconds.
const INTERVAL: i64 = 15_000;

/// The default of spec.health.restartLoop.threshold.
const THRESHOLD: i64 = 3;

/// When restarts count as a loop, and what follows one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// How many restarts within the window are a loop.
    pub threshold: i64,
    /// The time in which they are counted.
    pub window: SignedDuration,
    /// When the log is searched.
    pub transitions: TransitionsMode,
    /// The time between two readings of a log that is watched.
    pub interval: SignedDuration,
    /// What follows a loop.
    pub on_unhealthy: OnUnhealthy,
}

impl Health {
    /// The terms of a spec, read without the rest of it; what is not valid counts as absent.
    #[must_use]
    pub fn of(spec: &FlinkApplicationSpec) -> Self {
        Self::said(spec.health.as_ref())
    }

    pub(super) fn said(asked: Option<&HealthSpec>) -> Self {
        let terms = asked.and_then(|health| health.restart_loop.as_ref());
        let window = terms
            .and_then(|terms| terms.window.as_deref())
            .and_then(|text| duration::milliseconds(text).ok())
            .filter(|window| (60_000..=3_600_000).contains(window));
        let transitions = asked.and_then(|health| health.transitions.as_ref());
        let interval = transitions
            .and_then(|transitions| transitions.interval.as_deref())
            .and_then(|text| duration::milliseconds(text).ok())
            .filter(|interval| (5_000..=300_000).contains(interval));
        Self {
            threshold: terms
                .and_then(|terms| terms.threshold)
                .filter(|threshold| *threshold >= 1)
                .unwrap_or(THRESHOLD),
            window: SignedDuration::from_millis(window.unwrap_or(WINDOW)),
            transitions: transitions.and_then(|transitions| transitions.mode).unwrap_or_default(),
            interval: SignedDuration::from_millis(interval.unwrap_or(INTERVAL)),
            on_unhealthy: asked.and_then(|health| health.on_unhealthy).unwrap_or_default(),
        }
    }
}

impl Check {
    /// Reads when restarts count as a loop, and what follows one.
    pub(super) fn health(&mut self, spec: &FlinkApplicationSpec) -> Health {
        let terms = spec.health.as_ref().and_then(|health| health.restart_loop.as_ref());
        let field = "spec.health.restartLoop.window";
        let window = self.duration(field, terms.and_then(|terms| terms.window.as_deref()), WINDOW);
        self.range(field, window, 60_000, 3_600_000);
        if terms
            .and_then(|terms| terms.threshold)
            .is_some_and(|threshold| threshold < 1)
        {
            self.add("spec.health.restartLoop.threshold", "must be 1 or more");
        }
        let transitions = spec.health.as_ref().and_then(|health| health.transitions.as_ref());
        let field = "spec.health.transitions.interval";
        let interval = transitions.and_then(|transitions| transitions.interval.as_deref());
        let interval = self.duration(field, interval, INTERVAL);
        self.range(field, interval, 5_000, 300_000);
        if transitions.and_then(|transitions| transitions.mode) == Some(TransitionsMode::Watch) {
            self.log_to_watch(spec);
        }
        Health::of(spec)
    }

    /// A log can be watched only where there is one, and where Flink writes what is looked for.
    fn log_to_watch(&mut self, spec: &FlinkApplicationSpec) {
        let field = "spec.health.transitions.mode";
        if spec.logging.is_none() {
            self.add(field, "Watch needs spec.logging, whose log is watched");
        }
        let level = spec.monitoring.as_ref().and_then(|monitoring| monitoring.log_level);
        if matches!(level, Some(LogLevel::Warn | LogLevel::Error)) {
            self.add(
                field,
                "Watch needs spec.monitoring.logLevel INFO or DEBUG: above it Flink logs no transition",
            );
        }
    }
}
