//! What applying a resource would change, for a person who asks before.

use crate::api::spec::DesiredState;
use crate::api::status::Tags;
use crate::desired::Desired;
use crate::plan::diff::{difference, in_words};
use crate::world::{ApplicationStatus, Observed};

/// What applying a resource would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// One sentence for each change; none when nothing changes.
    pub changes: Vec<String>,
    /// What happens to the job.
    pub job: &'static str,
}

/// What would change in the service if a resource asked for this.
#[must_use]
pub fn preview(want: &Desired, observed: Option<&Observed>) -> Preview {
    let Some(app) = observed else {
        return Preview {
            changes: vec![format!(
                "the application would be created with revision {}",
                want.revision
            )],
            job: match want.state {
                DesiredState::Running => "the job is started",
                DesiredState::Stopped => "no job is started",
            },
        };
    };
    let difference = difference(app, &want.configuration);
    let mut changes = Vec::new();
    if !difference.is_empty() {
        changes.extend(
            in_words(&app.configuration, &want.configuration)
                .split("; ")
                .map(str::to_owned),
        );
    }
    changes.extend(tags(want, &app.tags));
    if let Some(start) = want
        .maintenance_start
        .as_ref()
        .filter(|start| app.maintenance_start.as_ref() != Some(start))
    {
        changes.push(format!(
            "spec.maintenanceWindow.startTime is {start} and the service has another"
        ));
    }
    let runs = app.status == ApplicationStatus::Running;
    let job = match (want.state, runs) {
        (DesiredState::Stopped, true) => "the job is stopped",
        (DesiredState::Stopped, false) => "no job is started",
        (DesiredState::Running, false) => "the job is started",
        (DesiredState::Running, true) if difference.is_empty() => "the job goes on undisturbed",
        (DesiredState::Running, true) if difference.is_one_update() => "the job restarts once with its state",
        (DesiredState::Running, true) => "the job is stopped with a snapshot, changed and started from it",
    };
    if job == "the job is stopped" || (job == "the job is started" && changes.is_empty()) {
        changes.push(format!(
            "spec.desiredState is {:?} and the service reports {}",
            want.state,
            app.status.as_str()
        ));
    }
    Preview { changes, job }
}

fn tags(want: &Desired, has: &Tags) -> Vec<String> {
    let missing = want.tags.iter().filter(|(key, value)| has.get(*key) != Some(value));
    missing
        .map(|(key, value)| format!("tag {key} would be set to {value}"))
        .collect()
}
