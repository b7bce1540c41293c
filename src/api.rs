//! The `FlinkApplication` resource: what a user writes, what the controller publishes, and what it must remember.

pub mod annotation;
pub mod condition;
pub mod crd;
pub mod spec;
pub mod status;

pub use spec::{FlinkApplication, FlinkApplicationSpec};
pub use status::FlinkApplicationStatus;

/// The finalizer that the controller holds under the deletion policies `Stop` and `Delete`.
pub const FINALIZER: &str = "sluicegate.dev/application";

/// The field manager of every write that the controller makes.
pub const FIELD_MANAGER: &str = "sluicegate";
