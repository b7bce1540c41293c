//! Taking over an application that exists and carries no tags of this controller, and a job that was found running.

use crate::api::condition::Reason;
use crate::api::spec::Adoption;
use crate::api::status::Revisions;
use crate::configuration::Revision;
use crate::desired::Desired;
use crate::plan::decision::{Note, Plan, stall};
use crate::plan::desk::Desk;
use crate::plan::diff::difference;
use crate::plan::ownership::Ownership;
use crate::plan::step::Step;
use crate::plan::{gate, waiting};
use crate::world::{ApplicationStatus, Observed};

/// What follows where the application carries no tags of ours: they are set where the spec and the controller let it be
/// taken over; otherwise it is left alone.
pub(super) fn of_untagged(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    let name = &want.identity.name;
    if want.adoption == Adoption::Never {
        return stall(
            Reason::NotOwned,
            format!(
                "application {name} exists and carries no tags of this controller; it is left alone. Choose another spec.applicationName, set spec.management.adoption to take it over, or delete the application"
            ),
        );
    }
    if let Some(plan) = not_allowed(desk) {
        return plan;
    }
    if !app.streaming {
        return stall(
            Reason::NotOwned,
            format!("application {name} is no streaming application of Flink; only those are taken over"),
        );
    }
    if app.description != want.description {
        return stall(
            Reason::InvalidSpec,
            "spec.description: the service offers no update of it; write the description that the application has",
        );
    }
    if let Some(intent) = &desk.journal.intent {
        return waiting::for_intent(desk, intent);
    }
    desk.journal.had_state = true;
    let tags = desk.situation.owner.tags();
    let plan = waiting::admitted(desk, Step::Tag { tags });
    if matches!(plan, Plan::Do(_)) {
        desk.notes.push(Note::normal(
            "Adopted",
            format!("application {name} is taken over as version {}", app.version_id),
        ));
    }
    plan
}

/// Takes what runs for good at first sight where nothing shows that the controller brought it: the application was taken
/// over, or the resource came back without its status. Its gate may verify the job, and condemns nothing.
pub(super) fn take_as_good(desk: &mut Desk<'_>, app: &Observed) {
    let journal = &desk.journal;
    let revisions = journal.revisions();
    let is_ours = desk.situation.owner.judge(&app.tags) == Ownership::Ours;
    let knows_nothing = journal.intent.is_none()
        && journal.rollout.is_none()
        && journal.way_back.is_none()
        && journal.history.is_empty()
        && journal.failed_revisions.is_empty()
        && revisions.running.is_none()
        && revisions.good.is_none();
    if !is_ours || !knows_nothing || app.status != ApplicationStatus::Running {
        return;
    }
    let want = desk.situation.want.ok();
    let wanted = want.filter(|want| difference(app, &want.configuration).is_empty());
    let revision = wanted.map_or_else(
        || Revision::of(&app.configuration, false).to_string(),
        |want| want.revision.to_string(),
    );
    desk.journal.had_state = true;
    desk.journal.revisions = Some(Revisions {
        running: Some(revision.clone()),
        good: Some(revision.clone()),
        good_version_id: Some(app.version_id),
        ..revisions
    });
    gate::open_for_found(desk, app, revision);
}

/// Why no application is created where there is none: the spec only takes one over.
pub(super) fn of_nothing(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    match want.adoption {
        Adoption::Never => None,
        Adoption::AdoptOrCreate => not_allowed(desk),
        Adoption::Adopt => Some(not_allowed(desk).unwrap_or_else(|| {
            stall(
                Reason::ReferenceNotFound,
                format!(
                    "there is no application {} in {} to take over; create it, or set spec.management.adoption to AdoptOrCreate",
                    want.identity.name, want.identity.region
                ),
            )
        })),
    }
}

fn not_allowed(desk: &Desk<'_>) -> Option<Plan> {
    let namespace = &desk.situation.owner.namespace;
    let allowed = desk.situation.rules.adoption_namespaces.iter();
    let is_allowed = allowed
        .into_iter()
        .any(|allowed| allowed == namespace || allowed == "*");
    (!is_allowed).then(|| {
        stall(
            Reason::NotAllowed,
            format!(
                "spec.management.adoption: the controller takes no application over in namespace {namespace}; set it to Never, or add the namespace to --adoption-namespaces of the controller"
            ),
        )
    })
}
