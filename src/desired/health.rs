//! When restarts count as a loop, and what follows one.

use jiff::SignedDuration;

use crate::api::spec::{FlinkApplicationSpec, OnUnhealthy};
use crate::desired::check::Check;
use crate::desired::duration;

/// The default of spec.health.restartLoop.window, in milliseconds.
const WINDOW: i64 = 300_000;

/// The default of spec.health.restartLoop.threshold.
const THRESHOLD: i64 = 3;

/// When restarts count as a loop, and what follows one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// How many restarts within the window are a loop.
    pub threshold: i64,
    /// The time in which they are counted.
    pub window: SignedDuration,
    /// What follows a loop.
    pub on_unhealthy: OnUnhealthy,
}

impl Health {
    /// The terms of a spec, read without the rest of it; what is not valid counts as absent.
    #[must_use]
    pub fn of(spec: &FlinkApplicationSpec) -> Self {
        let asked = spec.health.as_ref();
        let terms = asked.and_then(|health| health.restart_loop.as_ref());
        let window = terms
            .and_then(|terms| terms.window.as_deref())
            .and_then(|text| duration::milliseconds(text).ok())
            .filter(|window| (60_000..=3_600_000).contains(window));
        Self {
            threshold: terms
                .and_then(|terms| terms.threshold)
                .filter(|threshold| *threshold >= 1)
                .unwrap_or(THRESHOLD),
            window: SignedDuration::from_millis(window.unwrap_or(WINDOW)),
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
        Health::of(spec)
    }
}
