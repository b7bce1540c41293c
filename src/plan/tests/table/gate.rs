//! The table of the gate: what a look shows, and what follows from it.

use super::super::gate::{after_looks, job, verifying};
use super::*;
use crate::world::Restored;

/// A row: what is seen at every look, and the case after looks at some seconds.
type Row = (&'static str, fn(&[i64]) -> Decision);

/// The columns: the seconds of the looks since the change. `stableFor` is two minutes, `progressDeadline` half an hour.
const COLUMNS: [(&str, &[i64]); 4] = [
    ("the first look", &[10]),
    ("`stableFor` later", &[10, 131]),
    ("at `progressDeadline`", &[10, 131, 1800]),
    ("`stableFor` after it", &[10, 131, 1800, 1921]),
];

const ROWS: [Row; 13] = [
    (
        "every subtask runs or finished, the state was restored, checkpoints are completed",
        |at| looks(at, |_| {}),
    ),
    ("subtasks are scheduled, deployed or restore their state", |at| {
        looks(at, |job| job.vertices[1].running = 0)
    }),
    ("the job restarted `maxRestarts` times", |at| {
        looks(at, |job| job.restarts = Some(1))
    }),
    ("the job restarted more often", |at| {
        looks(at, |job| job.restarts = Some(2))
    }),
    ("the job failed for good", |at| {
        looks(at, |job| job.state = "FAILED".into())
    }),
    ("every subtask runs, without the state that the call named", |at| {
        looks(at, |job| job.checkpoints.as_mut().unwrap().restored = Restored::Nothing)
    }),
    ("every subtask runs, no checkpoint is completed, none failed", |at| {
        looks(at, |job| job.checkpoints.as_mut().unwrap().completed = 0)
    }),
    ("every subtask runs, no checkpoint is completed, some failed", |at| {
        looks(at, |job| {
            let checkpoints = job.checkpoints.as_mut().unwrap();
            (checkpoints.completed, checkpoints.failed) = (0, 2);
        })
    }),
    ("every subtask runs, the restart counter cannot be read", |at| {
        looks(at, |job| job.restarts = None)
    }),
    ("a job from before the change", |at| {
        looks(at, |job| job.started_at = start_of_time())
    }),
    ("nothing: no URL, no permission, no answer", blind),
    ("maintenance, autoscaling or another operation goes on", |at| {
        let mut other = operation("op-other", "ApplicationMaintenance", OperationStatus::InProgress);
        other.started_at = after(5);
        let mut operations = vec![other];
        operations.extend(verifying("").world.operations.unwrap());
        let looks = at.iter().map(|second| (*second, job(|_| {})));
        after_looks(verifying("").operations(operations), looks.collect())
    }),
    ("READY: the job ended", |at| {
        let ended = verifying("").world(|app| app.status = ApplicationStatus::Ready);
        ended.at(at[0]).decide()
    }),
];

fn looks(at: &[i64], edit: fn(&mut ObservedJob)) -> Decision {
    after_looks(verifying(""), at.iter().map(|second| (*second, job(edit))).collect())
}

fn blind(at: &[i64]) -> Decision {
    let mut case = verifying("");
    case.world.job = Sight::Blind("denied".into());
    for second in &at[..at.len() - 1] {
        case = case.at(*second).recorded();
    }
    case.at(at[at.len() - 1]).decide()
}

fn verdict(decision: &Decision) -> String {
    if let Some(failed) = decision.journal.failed_revisions.last() {
        return format!("failure {}", failed.reason.as_str());
    }
    match &decision.plan {
        Plan::Rest => "good".into(),
        Plan::Wait(waiting) => format!("wait: {}", waiting.reason.as_str()),
        Plan::Stall(stall) => format!("stall: {}", stall.reason.as_str()),
        other => panic!("no verdict but {other:?}"),
    }
}

#[test]
fn the_table_of_the_gate_in_the_document_is_what_the_planner_plans() {
    let mut planned = head("seen at every look", &COLUMNS.map(|(column, _)| column));
    for (seen, row) in ROWS {
        write!(planned, "\n| {seen} |").unwrap();
        for (_, at) in COLUMNS {
            write!(planned, " {} |", verdict(&row(at))).unwrap();
        }
    }
    planned.push('\n');
    compare("the gate", &planned);
}
