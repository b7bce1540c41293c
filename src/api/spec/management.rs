//! Whose application it is, and how much of it is managed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::spec::undescribed::undescribed;

/// How much of the application is managed, and whether an existing one is taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Management {
    /// Full changes the application, `ObserveOnly` reads and reports and never changes anything. Default: Full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,

    /// What happens to an application of the name that carries no tags of this controller: Never leaves it alone, Adopt
    /// takes it over and never creates one, `AdoptOrCreate` takes it over or creates it. One that belongs to another
    /// resource is never taken over. Default: Never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,

    /// What happens when somebody else changes or stops the application: Correct undoes it, Report only tells. Default:
    /// Correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

/// How much of the application is managed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum Mode {
    /// Everything.
    #[default]
    Full,
    /// Nothing; it is read and reported.
    ObserveOnly,
}

/// Whether an existing application is taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum Adoption {
    /// It is left alone.
    #[default]
    Never,
    /// It is taken over; none is created.
    Adopt,
    /// It is taken over, or created.
    AdoptOrCreate,
}

/// What follows a change by somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = undescribed)]
pub enum Drift {
    /// It is undone.
    #[default]
    Correct,
    /// It is told.
    Report,
}
