//! From what the service has to what is wanted: create, change, start, stop, and promote what proved good.

mod background;
mod running;
mod start;

use crate::api::condition::Reason;
use crate::api::spec::DesiredState;
use crate::api::status::{HistoryResult, Revisions, RolloutStatus, StepKind};
use crate::configuration::CodeLocation;
use crate::desired::Desired;
use crate::plan::diff::{Difference, difference};
use crate::plan::ownership::{Owner, Ownership, UID};
use crate::plan::rollout::background::{background, note_tag_keys, remember_tag_keys};
use crate::plan::rollout::running::running;
use crate::plan::rollout::start::{rest_after_failure, start};
use crate::plan::step::{Create, Fence, Step};
use crate::plan::{Desk, Note, Plan, settle, stall, waiting};
use crate::world::{ApplicationStatus, Observed};

/// The next move towards what is wanted.
pub(super) fn plan(desk: &mut Desk<'_>, want: &Desired) -> Plan {
    let Some(app) = &desk.situation.world.application else {
        return absent(desk, want);
    };
    if let Some(plan) = not_ours(desk, app, want) {
        return plan;
    }
    if let Some(plan) = in_flight(desk, app, want) {
        return plan;
    }
    note_tag_keys(desk, app, want);
    match app.status {
        ApplicationStatus::Ready => ready(desk, app, want),
        ApplicationStatus::Running => running(desk, app, want),
        _ if hangs(desk, app, want) => end_by_force(desk, app, desk.target()),
        _ => waiting::for_status(desk, app, want.progress_deadline),
    }
}

/// Whether a start, or a stop that serves a change, lasts longer than allowed.
fn hangs(desk: &Desk<'_>, app: &Observed, want: &Desired) -> bool {
    let overdue = waiting::began(desk).is_some_and(|began| desk.situation.now >= began + want.progress_deadline);
    overdue
        && match app.status {
            ApplicationStatus::Starting => true,
            ApplicationStatus::Stopping => want.state == DesiredState::Running,
            _ => false,
        }
}

/// Ends what hangs; a start that hangs is a failure of its revision.
fn end_by_force(desk: &mut Desk<'_>, app: &Observed, revision: Option<String>) -> Plan {
    let plan = waiting::admitted(desk, Step::ForceStop);
    if app.status == ApplicationStatus::Starting && matches!(plan, Plan::Do(_)) {
        let cause = "the start outlasted spec.rollout.progressDeadline and was ended by force".to_owned();
        settle::condemn(desk, revision, Reason::DeadlineExceeded, cause, "Controller");
    }
    plan
}

fn absent(desk: &mut Desk<'_>, want: &Desired) -> Plan {
    if let Some(intent) = &desk.journal.intent {
        return waiting::for_intent(desk, intent);
    }
    desk.set_running(None);
    let mut tags = want.tags.clone();
    tags.extend(desk.situation.owner.tags());
    remember_tag_keys(desk, want.tags.keys().cloned().collect());
    let create = Create {
        description: want.description.clone(),
        configuration: want.configuration.clone(),
        tags,
    };
    waiting::admitted(desk, Step::Create(Box::new(create)))
}

fn not_ours(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let owner: &Owner = desk.situation.owner;
    match owner.judge(&app.tags) {
        Ownership::Ours if !app.streaming => Some(stall(
            Reason::NotOwned,
            format!(
                "application {} is no streaming application of Flink; only those are handled",
                want.identity.name
            ),
        )),
        Ownership::Ours if app.description != want.description => Some(stall(
            Reason::InvalidSpec,
            "spec.description: the service offers no update of it; restore the description that the application has",
        )),
        Ownership::Ours => unchangeable(desk, app, want),
        Ownership::Earlier => {
            desk.journal.had_state = true;
            if desk.journal.intent.is_some() {
                return None;
            }
            let tags = [(UID.to_owned(), owner.uid.clone())].into();
            Some(waiting::admitted(desk, Step::Tag { tags }))
        }
        Ownership::Untagged => Some(stall(
            Reason::NotOwned,
            format!(
                "application {} exists and carries no tags of this controller; it is left alone. Choose another spec.applicationName, or delete the application",
                want.identity.name
            ),
        )),
        Ownership::Foreign(who) => Some(stall(
            Reason::NotOwned,
            format!(
                "application {} belongs to {who}; it is left alone. Choose another spec.applicationName",
                want.identity.name
            ),
        )),
    }
}

/// What the spec asks for and the service cannot do.
fn unchangeable(desk: &Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let account = desk.journal.aws.as_ref().and_then(|aws| aws.account_id.as_ref());
    if let Some(account) = account.filter(|account| **account != app.account_id) {
        let message = format!(
            "the application is in account {account} and the credentials of the controller see account {}; give it credentials of the first",
            app.account_id
        );
        return Some(stall(Reason::InvalidSpec, message));
    }
    let version = |code: &Option<CodeLocation>| code.as_ref().and_then(|code| code.object_version.clone());
    let dropped = version(&want.configuration.code).is_none();
    version(&app.configuration.code).filter(|_| dropped).map(|version| {
        stall(
            Reason::InvalidSpec,
            format!("spec.code.s3.objectVersion cannot be dropped once set: the service would keep {version}; name the version to run"),
        )
    })
}

/// An update that was accepted and left a difference would be sent for ever: it is not sent twice.
fn without_effect(desk: &Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let rollout = desk.journal.rollout.as_ref()?;
    (rollout.updated_version_id == Some(app.version_id)).then(|| {
        stall(
            Reason::Rejected,
            format!(
                "the service accepted the update to revision {} as version {} and reports another configuration; it is not sent again. Change the spec, or annotate sluicegate.dev/retry-requested-at",
                want.revision, app.version_id
            ),
        )
    })
}

/// Follows the open intent; the only call beside it is the force-stop of a start or stop that outlasts the deadline.
fn in_flight(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let intent = desk.journal.intent.clone()?;
    let began = waiting::began(desk).unwrap_or(intent.declared_at);
    let overdue = desk.situation.now >= began + want.progress_deadline;
    if !overdue {
        return Some(waiting::for_intent(desk, &intent));
    }
    match (&app.status, intent.step) {
        (ApplicationStatus::Starting, StepKind::Start) => Some(end_by_force(desk, app, intent.revision)),
        (ApplicationStatus::Stopping, StepKind::Stop) if want.state == DesiredState::Running => {
            Some(end_by_force(desk, app, None))
        }
        (status, _) if status.is_settled() => Some(waiting::for_intent(desk, &intent)),
        (status, _) => Some(waiting::overdue(status.as_str())),
    }
}

fn ready(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    let difference = difference(app, &want.configuration);
    if let Some(plan) = held(desk, want, &difference) {
        return background(desk, app, want).unwrap_or(plan);
    }
    if let Some(step) = change_while_ready(app, &difference) {
        declare_rollout(desk, app, want);
        return without_effect(desk, app, want)
            .or_else(|| rest_after_failure(desk, want))
            .unwrap_or_else(|| waiting::admitted(desk, step));
    }
    let background = background(desk, app, want);
    match (want.state, background) {
        (_, Some(Plan::Do(step))) => Plan::Do(step),
        (DesiredState::Running, _) => start(desk, app, want),
        (DesiredState::Stopped, background) => {
            desk.journal.rollout = None;
            background.unwrap_or(Plan::Rest)
        }
    }
}

/// A failed revision is neither sent nor started; a stopped application that has it already may rest.
fn held(desk: &Desk<'_>, want: &Desired, difference: &Difference) -> Option<Plan> {
    let failed = desk.journal.failure_of(want.revision.as_str())?;
    if want.state == DesiredState::Stopped && difference.is_empty() {
        return None;
    }
    let last = desk
        .journal
        .last_failure
        .as_ref()
        .filter(|last| last.revision.as_deref() == Some(&failed.revision));
    let cause = last.map_or(String::new(), |last| format!(": {}", last.cause));
    Some(stall(
        failed.reason,
        format!(
            "revision {} failed at {} and is not tried again{cause}. Change the spec, or annotate sluicegate.dev/retry-requested-at",
            failed.revision, failed.at
        ),
    ))
}

/// The first of the calls that bring the configuration while nothing runs.
fn change_while_ready(app: &Observed, difference: &Difference) -> Option<Step> {
    let fence = || Fence {
        token: app.token.clone(),
    };
    if let Some(id) = difference.remove_vpcs.first() {
        return Some(Step::RemoveVpc {
            id: id.clone(),
            fence: fence(),
        });
    }
    if let Some(id) = difference.remove_log_streams.first() {
        return Some(Step::RemoveLogging {
            id: id.clone(),
            fence: fence(),
        });
    }
    if let Some(vpc) = &difference.add_vpc {
        return Some(Step::AddVpc {
            vpc: vpc.clone(),
            fence: fence(),
        });
    }
    if let Some(log_stream_arn) = &difference.add_log_stream {
        return Some(Step::AddLogging {
            log_stream_arn: log_stream_arn.clone(),
            fence: fence(),
        });
    }
    if difference.is_empty() {
        return None;
    }
    Some(Step::Update {
        change: Box::new(difference.change.clone()),
        run: None,
        fence: fence(),
    })
}

fn declare_rollout(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let revision = want.revision.to_string();
    if desk
        .journal
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.revision == revision)
    {
        return;
    }
    let now = desk.situation.now;
    let stopped_for_it = desk
        .journal
        .rollout
        .as_ref()
        .is_some_and(|rollout| rollout.stopped_for_it);
    desk.journal.rollout = Some(RolloutStatus {
        revision,
        stopped_for_it,
        updated_version_id: None,
        started_at: now,
        deadline: now + want.progress_deadline,
        from_version_id: Some(app.version_id),
        pre_change: None,
        pre_change_snapshot: None,
    });
}

/// The job runs what is wanted: the revision is good and the rollout over.
fn promote(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let revision = want.revision.to_string();
    let before = desk.journal.revisions();
    if before.running.as_ref() == Some(&revision)
        && before.good.as_ref() == Some(&revision)
        && desk.journal.rollout.is_none()
    {
        return;
    }
    desk.journal
        .failed_revisions
        .retain(|failed| failed.revision != revision);
    desk.journal.revisions = Some(Revisions {
        target: Some(revision.clone()),
        running: Some(revision.clone()),
        good: Some(revision.clone()),
        good_version_id: Some(app.version_id),
    });
    desk.journal.had_state = true;
    desk.journal.rollout = None;
    desk.record(HistoryResult::Promoted, Some(revision.clone()));
    desk.notes.push(Note::normal(
        "Running",
        format!("revision {revision} runs as version {}", app.version_id),
    ));
}
