//! When a changed job counts as good, and what follows when it does not.

use jiff::SignedDuration;

use crate::api::spec::{FlinkApplicationSpec, Gate as GateSpec, OnFailure};
use crate::configuration::Configuration;
use crate::desired::check::Check;

/// The default of spec.rollout.gate.stableFor, in milliseconds.
const STABLE_FOR: i64 = 120_000;

/// When a changed job counts as good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// How long every subtask must run without interruption.
    pub stable_for: SignedDuration,
    /// The restarts that are tolerated.
    pub max_restarts: i64,
    /// The checkpoints that must be completed; none while checkpointing is off.
    pub min_completed_checkpoints: i64,
}

impl Check {
    /// Reads how long each operation of a change, and its gate, may take, in milliseconds.
    pub(super) fn progress_deadline(&mut self, spec: &FlinkApplicationSpec) -> i64 {
        let field = "spec.rollout.progressDeadline";
        let asked = spec
            .rollout
            .as_ref()
            .and_then(|rollout| rollout.progress_deadline.as_deref());
        let deadline = self.duration(field, asked, 1_800_000);
        self.range(field, deadline, 60_000, 86_400_000);
        deadline
    }

    /// Reads the gate and checks that it can be passed within the deadline.
    pub(super) fn gate(&mut self, spec: &FlinkApplicationSpec, configuration: &Configuration, deadline: i64) -> Gate {
        let asked = spec.rollout.as_ref().and_then(|rollout| rollout.gate.as_ref());
        let field = "spec.rollout.gate.stableFor";
        let stable_for = asked.and_then(|gate| gate.stable_for.as_deref());
        let stable_for = self.duration(field, stable_for, STABLE_FOR);
        let count = |member: fn(&GateSpec) -> Option<i32>| asked.and_then(member).map_or(1, i64::from);
        let min_completed_checkpoints = if configuration.checkpoint.enabled {
            count(|gate| gate.min_completed_checkpoints)
        } else {
            0
        };
        let checkpoints = min_completed_checkpoints.saturating_mul(configuration.checkpoint.interval_ms);
        if stable_for.saturating_add(checkpoints) >= deadline {
            let problem = format!(
                "must, with minCompletedCheckpoints × the checkpoint interval ({:#}), be shorter than spec.rollout.progressDeadline ({:#}): no job could pass the gate in time",
                SignedDuration::from_millis(checkpoints),
                SignedDuration::from_millis(deadline)
            );
            self.add(field, problem);
        }
        Gate {
            stable_for: SignedDuration::from_millis(stable_for),
            max_restarts: count(|gate| gate.max_restarts),
            min_completed_checkpoints,
        }
    }
}

/// What follows when a change fails.
pub(super) fn on_failure(spec: &FlinkApplicationSpec) -> OnFailure {
    let asked = spec.rollout.as_ref().and_then(|rollout| rollout.on_failure);
    asked.unwrap_or(OnFailure::Rollback)
}
