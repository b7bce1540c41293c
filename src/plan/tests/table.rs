//! The tables of `docs/lifecycle.md`, printed from the planner, so that a change of behaviour shows in the document.

mod gate;
mod ways_back;

use std::fmt::Write as _;

use super::*;

const STATUSES: [ApplicationStatus; 11] = [
    ApplicationStatus::Ready,
    ApplicationStatus::Running,
    ApplicationStatus::Starting,
    ApplicationStatus::Updating,
    ApplicationStatus::AutoScaling,
    ApplicationStatus::Stopping,
    ApplicationStatus::ForceStopping,
    ApplicationStatus::RollingBack,
    ApplicationStatus::RolledBack,
    ApplicationStatus::Maintenance,
    ApplicationStatus::Deleting,
];

const DELETE: &str = "deletion: {policy: Delete, stateLoss: Accepted}";
const VPC: &str = "vpc: {subnetIds: [subnet-a], securityGroupIds: [sg-1]}";

/// The rows of the table: what is asked for, as the spec that was settled before and the spec that is asked for.
const ROWS: [(&str, &str, &str, bool); 8] = [
    ("Running, as the service has it", "", "", false),
    (
        "Running, one update differs",
        "",
        "parallelism: {parallelism: 4}",
        false,
    ),
    ("Running, the VPC differs", "", VPC, false),
    ("Running, another restartNonce", "", "restartNonce: 1", false),
    ("Stopped", "", "desiredState: Stopped", false),
    ("deleted: Retain", "", "", true),
    (
        "deleted: Stop",
        "deletion: {policy: Stop}",
        "deletion: {policy: Stop}",
        true,
    ),
    ("deleted: Delete", DELETE, DELETE, true),
];

fn case(before: &str, asked: &str, status: ApplicationStatus, deleted: bool) -> Case {
    let mut case = Case::running(before).respec(asked).world(|app| app.status = status);
    case.world.snapshots = Some(vec![snapshot("newest", 1, SnapshotStatus::Ready)]);
    if case
        .world
        .application
        .as_ref()
        .is_some_and(|app| app.status == ApplicationStatus::Ready)
    {
        case = case.journal(|journal| journal.revisions.as_mut().unwrap().running = None);
    }
    if asked.contains("deletion") || deleted {
        case.app.metadata.finalizers = Some(vec!["sluicegate.dev/application".into()]);
    }
    if deleted {
        let time = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(start_of_time());
        case.app.metadata.deletion_timestamp = Some(time);
    }
    case
}

fn move_of(case: &Case) -> String {
    match case.decide().plan {
        Plan::Rest => "rest".into(),
        Plan::Pause => "pause".into(),
        Plan::Wait(waiting) => format!("wait: {}", waiting.reason.as_str()),
        Plan::Do(step) => format!("**{:?}**", step.kind()),
        Plan::Stall(stall) => format!("stall: {}", stall.reason.as_str()),
        Plan::Hold => "take the finalizer".into(),
        Plan::Release => "release".into(),
        Plan::HeldBack(held_back) => format!("held back: {:?}", held_back.reason),
        Plan::Observe => "observe".to_owned(),
    }
}

/// The head of a table: what the rows are, and the columns.
fn head(rows: &str, columns: &[&str]) -> String {
    let rule = "---|".repeat(columns.len() + 1);
    format!("| {rows} | {} |\n|{rule}", columns.join(" | "))
}

fn table() -> String {
    let mut columns = vec!["not found"];
    columns.extend(STATUSES.iter().map(ApplicationStatus::as_str));
    let mut out = head("asked for \\ observed", &columns);
    for (name, before, asked, deleted) in ROWS {
        let mut absent = case(before, asked, ApplicationStatus::Ready, deleted);
        absent.world = World::default();
        write!(out, "\n| {name} | {} |", move_of(&absent)).unwrap();
        for status in &STATUSES {
            write!(out, " {} |", move_of(&case(before, asked, status.clone(), deleted))).unwrap();
        }
    }
    out.push('\n');
    out
}

/// Holds what the planner plans against the table of a name in the document.
fn compare(name: &str, planned: &str) {
    let document = include_str!("../../../docs/lifecycle.md");
    let begin = format!("<!-- table of {name}: printed by the planner's tests -->\n");
    let (_, rest) = document.split_once(&begin).unwrap();
    let (printed, _) = rest.split_once("<!-- end of the table -->").unwrap();
    assert!(
        printed == planned,
        "the planner plans this; review it and put it into the document:\n{planned}"
    );
}

#[test]
fn the_list_of_stages_in_the_document_is_the_one_that_is_asked() {
    let mut list = head("stage", &["answers when"]);
    for (name, when) in crate::plan::stages() {
        write!(list, "\n| {name} | {when} |").unwrap();
    }
    list.push('\n');
    compare("stages", &list);
}

#[test]
fn the_table_of_statuses_in_the_document_is_what_the_planner_plans() {
    compare("statuses", &table());
}
