//! Everything that a decision is made from.

use jiff::{SignedDuration, Timestamp};

use crate::api::spec::FlinkApplication;
use crate::desired::{Desired, Undesirable, progress_deadline};
use crate::plan::ownership::Owner;
use crate::world::World;

/// Everything that a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The resource, with the journal in its status.
    pub app: &'a FlinkApplication,
    /// What the resource asks for, or why it asks for nothing.
    pub want: Result<&'a Desired, &'a Undesirable>,
    /// What the service was seen to have.
    pub world: &'a World,
    /// Whose application it is when it is ours.
    pub owner: &'a Owner,
    /// The patience of the controller.
    pub rules: &'a Rules,
    /// The moment of the decision, in whole seconds.
    pub now: Timestamp,
}

impl Situation<'_> {
    /// How long each operation of a change, and its gate, may take.
    #[must_use]
    pub fn progress_deadline(&self) -> SignedDuration {
        self.want
            .map_or_else(|_| progress_deadline(self.app), |want| want.progress_deadline)
    }
}

/// How long the controller is patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a refusal for permission, quota, role or location counts as work in flight.
    pub refusal_grace: SignedDuration,
    /// The longest time between two attempts of such a call.
    pub refusal_recheck: SignedDuration,
    /// How long a missing ConfigMap counts as work in flight.
    pub reference_grace: SignedDuration,
    /// The namespaces in which existing applications may be taken over.
    pub adoption_namespaces: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            refusal_grace: SignedDuration::from_mins(10),
            refusal_recheck: SignedDuration::from_mins(5),
            reference_grace: SignedDuration::from_mins(2),
            adoption_namespaces: Vec::new(),
        }
    }
}
