//! From what the service has to what is wanted: create, change, start, stop, and promote what proved good.

use jiff::SignedDuration;

use crate::api::condition::Reason;
use crate::api::spec::{DesiredState, PreChangeSnapshot};
use crate::api::status::{HistoryResult, PreChange, Revisions, RolloutStatus, StepKind};
use crate::desired::Desired;
use crate::plan::diff::{Difference, difference};
use crate::plan::ownership::{Owner, Ownership, UID};
use crate::plan::step::{Create, Fence, Step};
use crate::plan::{Desk, Note, Plan, Waiting, requests, restore, stall, waiting};
use crate::world::{ApplicationStatus, Observed, SnapshotStatus};

/// The ends of a job within an hour after which it is not started again.
const ENDS: usize = 3;

/// How long a job that ended rests before it is started again, by how often it ended within the hour.
const REST: [SignedDuration; 2] = [SignedDuration::from_secs(10), SignedDuration::from_secs(60)];

/// How long a good revision that did not start rests, by how often it failed in a row.
const START_REST: [SignedDuration; 3] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
];

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
        _ => waiting::for_status(desk, app, want.progress_deadline),
    }
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
        Ownership::Ours => None,
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

/// Follows the open intent; the only call beside it is the force-stop of a start or stop that outlasts the deadline.
fn in_flight(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let intent = desk.journal.intent.clone()?;
    let began = waiting::began(desk).unwrap_or(intent.declared_at);
    let overdue = desk.situation.now >= began + want.progress_deadline;
    if !overdue {
        return Some(waiting::for_intent(desk, &intent));
    }
    match (&app.status, intent.step) {
        (ApplicationStatus::Starting, StepKind::Start) => {
            if let Some(revision) = intent
                .revision
                .filter(|revision| Some(revision) != desk.journal.revisions().good.as_ref())
            {
                desk.condemn_revision(revision, Reason::DeadlineExceeded);
            }
            desk.notes.push(Note::warning(
                "DeadlineExceeded",
                "the start outlasted spec.rollout.progressDeadline and is ended by force",
            ));
            Some(waiting::admitted(desk, Step::ForceStop))
        }
        (ApplicationStatus::Stopping, StepKind::Stop) if want.state == DesiredState::Running => {
            Some(waiting::admitted(desk, Step::ForceStop))
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
        if want.state == DesiredState::Running {
            declare_rollout(desk, app, want);
        }
        return waiting::admitted(desk, step);
    }
    if let Some(plan) = background(desk, app, want) {
        return plan;
    }
    match want.state {
        DesiredState::Stopped => {
            desk.journal.rollout = None;
            Plan::Rest
        }
        DesiredState::Running => start(desk, app, want),
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

fn start(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    let nonce = desk.journal.handled.as_ref().and_then(|handled| handled.restart_nonce);
    if nonce != want.restart_nonce {
        requests::forgive(desk);
        desk.handle_nonce_of(want);
    }
    if let Some(plan) = rest_before_start(desk, want) {
        return plan;
    }
    match restore::of_start(desk, want) {
        Err(plan) => plan,
        Ok(run) => {
            declare_rollout(desk, app, want);
            waiting::admitted(desk, Step::Start { run })
        }
    }
}

/// A job that ended, or a good revision that did not start, is started again at a growing distance.
fn rest_before_start(desk: &Desk<'_>, want: &Desired) -> Option<Plan> {
    let now = desk.situation.now;
    let hour_ago = now - SignedDuration::from_hours(1);
    let since_retry = || {
        let entries = desk.journal.history.iter().rev();
        entries
            .take_while(|entry| entry.result != HistoryResult::Retried)
            .filter(|entry| entry.revision.as_deref() == Some(want.revision.as_str()))
    };
    let ends: Vec<_> = since_retry()
        .filter(|entry| entry.result == HistoryResult::JobEnded && entry.at > hour_ago)
        .collect();
    if ends.len() >= ENDS {
        return Some(stall(
            Reason::JobEnded,
            format!(
                "the job ended {ENDS} times within an hour, last at {}; it is not started again. Change the spec or spec.restartNonce, or annotate sluicegate.dev/retry-requested-at",
                ends[0].at
            ),
        ));
    }
    let failures = since_retry()
        .take_while(|entry| entry.result != HistoryResult::Promoted)
        .filter(|entry| entry.result == HistoryResult::StartFailed)
        .collect::<Vec<_>>();
    if failures.len() > START_REST.len() {
        let cause = desk
            .journal
            .last_failure
            .as_ref()
            .map_or("", |failure| failure.cause.as_str());
        return Some(stall(
            Reason::StartFailed,
            format!(
                "the job did not start {} times: {cause}. Change the spec or spec.restartNonce, or annotate sluicegate.dev/retry-requested-at",
                failures.len()
            ),
        ));
    }
    let after_end = ends.first().map(|entry| entry.at + REST[ends.len() - 1]);
    let after_failure = failures.first().map(|entry| entry.at + START_REST[failures.len() - 1]);
    let until = after_end.max(after_failure).filter(|until| now < *until)?;
    let what = if after_failure == Some(until) {
        "did not start"
    } else {
        "ended"
    };
    Some(Plan::Wait(Waiting {
        reason: Reason::Pending,
        message: format!("the job {what}; it is started again at {until}"),
        until,
    }))
}

fn running(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Plan {
    if want.state == DesiredState::Stopped {
        desk.journal.rollout = None;
        return waiting::admitted(desk, Step::Stop);
    }
    let difference = difference(app, &want.configuration);
    if !difference.is_empty() {
        return match held(desk, want, &difference) {
            Some(plan) => background(desk, app, want).unwrap_or(plan),
            None => change_while_running(desk, app, want, &difference),
        };
    }
    promote(desk, app, want);
    let nonce = desk.journal.handled.as_ref().and_then(|handled| handled.restart_nonce);
    if nonce != want.restart_nonce {
        let run = restore::of_update(app, want);
        return waiting::admitted(
            desk,
            Step::Restart {
                run,
                fence: Fence {
                    token: app.token.clone(),
                },
            },
        );
    }
    background(desk, app, want).unwrap_or(Plan::Rest)
}

/// One update where one update brings it all; otherwise a graceful stop, so that a running job is restarted once and
/// its restore is named in full: the VPC and logging calls carry none.
fn change_while_running(desk: &mut Desk<'_>, app: &Observed, want: &Desired, difference: &Difference) -> Plan {
    declare_rollout(desk, app, want);
    if !difference.is_one_update() {
        return waiting::admitted(desk, Step::Stop);
    }
    if let Some(plan) = pre_change_snapshot(desk, app, want) {
        return plan;
    }
    let step = Step::Update {
        change: Box::new(difference.change.clone()),
        run: Some(restore::of_update(app, want)),
        fence: Fence {
            token: app.token.clone(),
        },
    };
    waiting::admitted(desk, step)
}

/// The snapshot before a change: by policy, and always before snapshots are switched off.
fn pre_change_snapshot(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let switched_off = !want.configuration.snapshots_enabled;
    let asked = want.pre_change_snapshot != PreChangeSnapshot::Never || switched_off;
    if !asked || !app.configuration.snapshots_enabled {
        return None;
    }
    let name = snapshot_name(desk, app, want);
    let exists = desk
        .situation
        .world
        .snapshots()
        .iter()
        .any(|snapshot| snapshot.name == name && snapshot.status == SnapshotStatus::Ready);
    let rollout = desk.journal.rollout.as_mut()?;
    if exists && rollout.pre_change.is_none() {
        rollout.pre_change = Some(PreChange::Taken);
        rollout.pre_change_snapshot = Some(name);
        return None;
    }
    match rollout.pre_change {
        Some(PreChange::NotTaken) if want.pre_change_snapshot == PreChangeSnapshot::Required => Some(stall(
            Reason::NoRestorePoint,
            "the snapshot before the change was not taken and spec.rollout.preChangeSnapshot is Required; annotate sluicegate.dev/retry-requested-at to try again",
        )),
        Some(PreChange::Taken | PreChange::NotTaken) => None,
        None => Some(waiting::admitted(desk, Step::TakeSnapshot { name })),
    }
}

/// The name of the snapshot before a change, derived so that it is recognised after a crash.
fn snapshot_name(desk: &Desk<'_>, app: &Observed, want: &Desired) -> String {
    let uid: String = desk
        .situation
        .owner
        .uid
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    format!("sluicegate-{uid}-{}-pre-{}", want.revision, app.version_id)
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
    desk.journal.rollout = Some(RolloutStatus {
        revision,
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

/// Tags and the maintenance window, which leave the job alone.
fn background(desk: &mut Desk<'_>, app: &Observed, want: &Desired) -> Option<Plan> {
    let missing: crate::api::status::Tags = want
        .tags
        .iter()
        .filter(|(key, value)| app.tags.get(*key) != Some(value))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if !missing.is_empty() {
        return Some(waiting::admitted(desk, Step::Tag { tags: missing }));
    }
    let surplus: Vec<String> = desk
        .journal
        .aws
        .iter()
        .flat_map(|aws| &aws.tag_keys)
        .filter(|key| !want.tags.contains_key(*key) && app.tags.contains_key(*key))
        .cloned()
        .collect();
    if !surplus.is_empty() {
        return Some(waiting::admitted(desk, Step::Untag { keys: surplus }));
    }
    let start = want
        .maintenance_start
        .clone()
        .filter(|start| app.maintenance_start.as_ref() != Some(start))?;
    Some(waiting::admitted(desk, Step::SetMaintenanceWindow { start }))
}

/// Remembers which tags are ours to remove: what the spec sets, and what it set before as long as it is still there.
fn note_tag_keys(desk: &mut Desk<'_>, app: &Observed, want: &Desired) {
    let before = desk
        .journal
        .aws
        .as_ref()
        .map(|aws| aws.tag_keys.clone())
        .unwrap_or_default();
    let mut keys: Vec<String> = want.tags.keys().cloned().collect();
    keys.extend(before.into_iter().filter(|key| app.tags.contains_key(key)));
    keys.sort();
    keys.dedup();
    remember_tag_keys(desk, keys);
}

fn remember_tag_keys(desk: &mut Desk<'_>, keys: Vec<String>) {
    if let Some(aws) = &mut desk.journal.aws {
        aws.tag_keys = keys;
    }
}

impl Desk<'_> {
    fn handle_nonce_of(&mut self, want: &Desired) {
        let mut handled = self.journal.handled.clone().unwrap_or_default();
        handled.restart_nonce = want.restart_nonce;
        self.journal.handled = Some(handled);
    }
}
