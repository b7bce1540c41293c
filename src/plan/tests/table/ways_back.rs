//! The table of the ways back: where a revision failed, and the first step that follows.

use super::super::rollback::{failed_change, overdue_update, returned};
use super::*;

/// A row: what is observed, and the case of it under a policy.
type Row = (&'static str, fn(&str) -> Case);

const COLUMNS: [&str; 3] = ["Rollback", "ForceStop", "Hold"];

const ROWS: [Row; 11] = [
    (
        "RUNNING, in trouble; the version before has the good content, and the newest snapshot is of a good job",
        failed_change,
    ),
    ("the same, and a snapshot of the failed job is newer", |more| {
        failed_change(more).snapshots(vec![
            snapshot("of-the-failed-job", 30, SnapshotStatus::Ready),
            snapshot("own", 5, SnapshotStatus::Ready),
        ])
    }),
    ("the same, and the version before has another content", |more| {
        failed_change(more).world(|app| app.updated_from = Some(2))
    }),
    ("the same, and the service refused `RollbackApplication`", |more| {
        failed_change(more).recorded().journal(|journal| {
            journal.intent = None;
            if let Some(way) = &mut journal.way_back {
                way.rollback_refused = true;
            }
        })
    }),
    ("RUNNING, without the state that it was started from", |more| {
        failed_change(more).journal(|journal| journal.failed_revisions[0].reason = Reason::StateNotRestored)
    }),
    ("RUNNING, and nothing is good yet", |more| {
        failed_change(more).journal(|journal| {
            let revisions = journal.revisions.as_mut().unwrap();
            (revisions.good, revisions.good_version_id) = (None, None);
        })
    }),
    ("UPDATING past the deadline", overdue_update),
    ("READY, with the content that failed", fallen),
    ("READY, with the good content", |more| {
        returned(fallen(more), ApplicationStatus::Ready)
    }),
    ("READY, with the good content, and its code object changed", |more| {
        let mut case = returned(fallen(more), ApplicationStatus::Ready).world(|app| app.code_digest = Some("b".into()));
        case.world.versions.get_mut(&3).unwrap().code_digest = Some("a".into());
        case
    }),
    ("READY, with the good content, and no snapshot of a good job", |more| {
        let case = returned(fallen(more), ApplicationStatus::Ready);
        case.snapshots(vec![snapshot("of-the-failed-job", 30, SnapshotStatus::Ready)])
    }),
];

/// The failed change after its application fell back to READY.
fn fallen(more: &str) -> Case {
    failed_change(more)
        .world(|app| app.status = ApplicationStatus::Ready)
        .journal(|journal| {
            journal.revisions.as_mut().unwrap().running = None;
            journal.unproven[0].until = Some(after(60));
        })
}

#[test]
fn the_table_of_the_ways_back_in_the_document_is_what_the_planner_plans() {
    let mut planned = head("observed \\ onFailure", &COLUMNS);
    for (observed, row) in ROWS {
        write!(planned, "\n| {observed} |").unwrap();
        for policy in COLUMNS {
            let case = row(&format!("rollout: {{onFailure: {policy}}}"));
            write!(planned, " {} |", move_of(&case)).unwrap();
        }
    }
    planned.push('\n');
    compare("the ways back", &planned);
}
