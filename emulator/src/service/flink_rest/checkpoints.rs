//! `/jobs/:id/checkpoints`.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::read::Rest;
use crate::job::{Checkpoint, Job, Restored};
use crate::service::identity::hex;

/// How many checkpoints the history shows.
const SHOWN: u64 = 10;
/// The bytes of every checkpoint.
const SIZE: u64 = 30_788;
const NOT_ADDRESSABLE: &str = "<checkpoint-not-externally-addressable>";

impl Rest<'_> {
    /// Counts, the newest of each kind and the last ten. A script decides that all complete or that all fail.
    pub(super) fn checkpoints(&self, job: &Job) -> Value {
        let total = job.checkpoints_until(self.now);
        let fails = job.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.fails);
        let (completed, failed) = if fails { (0, total) } else { (total, 0) };
        let first = total.saturating_sub(SHOWN) + 1;
        let history: Vec<Value> = (first..=total)
            .rev()
            .filter_map(|number| job.checkpoint(number, self.now))
            .map(|checkpoint| entry(job, &checkpoint, fails))
            .collect();
        let newest = history.first().cloned();
        let (latest_completed, latest_failed) = if fails { (None, newest) } else { (newest, None) };
        let took = latest_completed
            .as_ref()
            .map_or(json!(0), |newest| newest["end_to_end_duration"].clone());
        let size = json!(if completed > 0 { SIZE } else { 0 });
        json!({
            "counts": {
                "restored": job.restores_until(self.now),
                "total": total,
                "in_progress": 0,
                "completed": completed,
                "failed": failed,
            },
            "summary": {
                "checkpointed_size": statistics(&size),
                "state_size": statistics(&size),
                "end_to_end_duration": statistics(&took),
            },
            "latest": {
                "completed": latest_completed,
                "savepoint": null,
                "failed": latest_failed,
                "restored": self.restored(job),
            },
            "history": history,
        })
    }

    fn restored(&self, job: &Job) -> Option<Value> {
        let (restored, at) = job.restored(self.now)?;
        let (id, is_savepoint, path) = match restored {
            Restored::Checkpoint(checkpoint) => (checkpoint.id, false, NOT_ADDRESSABLE.to_owned()),
            Restored::Snapshot => (job.first_checkpoint, true, self.savepoint_path(job)),
        };
        Some(json!({
            "id": id,
            "restore_timestamp": at.as_millisecond(),
            "is_savepoint": is_savepoint,
            "external_path": path,
        }))
    }

    /// Where the service keeps a snapshot. Its name cannot be read out of it.
    fn savepoint_path(&self, job: &Job) -> String {
        let snapshot = job.restored_from.as_deref().unwrap_or_default();
        let digest = hex(&Sha256::digest(format!("{}/{snapshot}", self.application.arn)));
        let (bucket, name) = digest.split_at(32);
        format!("s3://{bucket}/savepoint-{}", name.get(..18).unwrap_or_default())
    }
}

/// One checkpoint that is over.
fn entry(job: &Job, checkpoint: &Checkpoint, failed: bool) -> Value {
    let subtasks: u64 = job.vertices.iter().map(|vertex| vertex.parallelism).sum();
    let duration = checkpoint.ended.as_millisecond() - checkpoint.triggered.as_millisecond();
    let mut entry = json!({
        "className": if failed { "failed" } else { "completed" },
        "id": checkpoint.id,
        "status": if failed { "FAILED" } else { "COMPLETED" },
        "is_savepoint": false,
        "savepointFormat": null,
        "trigger_timestamp": checkpoint.triggered.as_millisecond(),
        "latest_ack_timestamp": checkpoint.ended.as_millisecond(),
        "checkpointed_size": SIZE,
        "state_size": SIZE,
        "end_to_end_duration": duration,
        "num_subtasks": subtasks,
        "num_acknowledged_subtasks": if failed { 0 } else { subtasks },
        "checkpoint_type": "CHECKPOINT",
    });
    if failed {
        entry["failure_timestamp"] = json!(checkpoint.ended.as_millisecond());
        entry["failure_message"] = json!("Asynchronous task checkpoint failed.");
    } else {
        entry["external_path"] = json!(NOT_ADDRESSABLE);
        entry["discarded"] = json!(false);
    }
    entry
}

/// The statistics of a number that is always the same.
fn statistics(value: &Value) -> Value {
    json!({
        "min": value, "max": value, "avg": value, "p50": value, "p90": value, "p95": value, "p99": value, "p999": value,
    })
}
