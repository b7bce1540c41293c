//! `/jobs`, `/jobs/overview` and `/jobs/:id`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::read::Rest;
use crate::job::{Job, JobState, Phase};
use crate::service::description::plan_of;

/// Every state of a task, in Flink's order.
const TASK_STATES: [&str; 10] = [
    "CREATED",
    "SCHEDULED",
    "DEPLOYING",
    "INITIALIZING",
    "RUNNING",
    "FINISHED",
    "CANCELING",
    "CANCELED",
    "FAILED",
    "RECONCILING",
];
/// Every state of a job.
const JOB_STATES: [&str; 11] = [
    "INITIALIZING",
    "CREATED",
    "RUNNING",
    "RESTARTING",
    "FAILING",
    "FAILED",
    "CANCELLING",
    "CANCELED",
    "FINISHED",
    "SUSPENDED",
    "RECONCILING",
];

/// How many tasks are in each state.
struct Tasks(Vec<(&'static str, u64)>);

impl Tasks {
    fn count(&self, state: &str) -> u64 {
        let of_state = self.0.iter().filter(|(known, _)| *known == state);
        of_state.map(|(_, count)| count).sum()
    }

    fn any(&self, state: &str) -> bool {
        self.count(state) > 0
    }

    /// The one state that Flink shows for all of them (facts §6.3). It hides tasks that are not as far as others.
    fn aggregate(&self) -> &'static str {
        for state in ["FAILED", "CANCELING", "CANCELED", "INITIALIZING", "RUNNING"] {
            if self.any(state) {
                return state;
            }
        }
        let total: u64 = self.0.iter().map(|(_, count)| count).sum();
        match self.count("FINISHED") {
            0 => "CREATED",
            finished if finished == total => "FINISHED",
            _ => "RUNNING",
        }
    }

    fn by_state(&self) -> Map<String, Value> {
        let counts = TASK_STATES.iter().map(|state| (*state, self.count(state)));
        counts.map(|(state, count)| (state.to_owned(), json!(count))).collect()
    }
}

/// The job's own state. While its tasks restore state it is `RUNNING` already (facts §4.1).
fn state_of(job: &Job, phase: Phase) -> &'static str {
    match job.state {
        JobState::Running if phase == Phase::Restarting => "RESTARTING",
        JobState::Running => "RUNNING",
        JobState::Finished | JobState::Stopped => "FINISHED",
        JobState::Killed => "CANCELED",
        JobState::Failed => "FAILED",
    }
}

impl Rest<'_> {
    /// The tasks of a vertex. A failure comes from the first task of the first vertex and cancels all others; for half
    /// of the pause they stay as they are, then they are created anew.
    fn tasks(&self, job: &Job, index: usize) -> Tasks {
        let parallelism = job.vertices.get(index).map_or(0, |vertex| vertex.parallelism);
        let failed = u64::from(index == 0).min(parallelism);
        let broken = vec![("FAILED", failed), ("CANCELED", parallelism - failed)];
        let course = job.course(self.now);
        Tasks(match job.state {
            JobState::Running => match (course.phase, course.failed_at, course.restarts_at) {
                (Phase::Restarting, Some(failed), Some(restarts))
                    if self.now.duration_since(failed) < restarts.duration_since(self.now) =>
                {
                    broken
                }
                (Phase::Restarting, ..) => vec![("CREATED", parallelism)],
                (Phase::Initializing, ..) => vec![("INITIALIZING", parallelism)],
                (Phase::Running, ..) => vec![("RUNNING", parallelism)],
            },
            JobState::Finished | JobState::Stopped => vec![("FINISHED", parallelism)],
            JobState::Killed => vec![("CANCELED", parallelism)],
            JobState::Failed => broken,
        })
    }

    pub(super) fn job_ids(&self) -> Value {
        let jobs = self.jobs().map(|job| {
            let state = state_of(job, job.course(self.now).phase);
            json!({ "id": job.id, "status": state })
        });
        json!({ "jobs": jobs.collect::<Vec<_>>() })
    }

    pub(super) fn overview(&self) -> Value {
        let jobs = self.jobs().map(|job| {
            let course = job.course(self.now);
            let all = (0..job.vertices.len()).flat_map(|index| self.tasks(job, index).0);
            let all = Tasks(all.collect());
            let counts = all.by_state().into_iter();
            let mut tasks: Map<String, Value> = counts.map(|(state, count)| (state.to_lowercase(), count)).collect();
            tasks.insert(
                "total".to_owned(),
                json!(all.0.iter().map(|(_, count)| count).sum::<u64>()),
            );
            let mut entry = json!({
                "jid": job.id,
                "name": self.application.name,
                "state": state_of(job, course.phase),
                "last-modification": job.ended.unwrap_or(course.since).as_millisecond(),
                "tasks": tasks,
            });
            self.add_times(job, &mut entry);
            self.add_of_flink_2(job, &mut entry, &[("pending-operators", json!(0))]);
            entry
        });
        json!({ "jobs": jobs.collect::<Vec<_>>() })
    }

    /// When a job began and ended, in milliseconds; -1 while it has not ended.
    fn add_times(&self, job: &Job, entry: &mut Value) {
        let ended = match job.state {
            JobState::Running => None,
            _ => Some(job.ended.unwrap_or(job.launched)),
        };
        let (start, end) = (job.launched.as_millisecond(), ended.map(Timestamp::as_millisecond));
        entry["start-time"] = json!(start);
        entry["end-time"] = json!(end.unwrap_or(-1));
        entry["duration"] = json!(end.unwrap_or(self.now.as_millisecond()) - start);
    }

    fn add_of_flink_2(&self, job: &Job, entry: &mut Value, members: &[(&str, Value)]) {
        if self.version(job) >= (2, 0) {
            for (name, value) in members {
                entry[*name] = value.clone();
            }
        }
    }

    pub(super) fn job(&self, job: &Job) -> Value {
        let state = state_of(job, job.course(self.now).phase);
        let vertices: Vec<Value> = (0..job.vertices.len()).map(|index| self.vertex(job, index)).collect();
        let statuses = (0..job.vertices.len()).map(|index| (self.tasks(job, index).aggregate(), 1));
        let plan = plan_of(job, &self.application.name);
        let nodes = plan.get("nodes").cloned().unwrap_or_default();
        let mut detail = json!({
            "jid": job.id,
            "name": self.application.name,
            "isStoppable": false,
            "state": state,
            "job-type": "STREAMING",
            "maxParallelism": -1,
            "now": self.now.as_millisecond(),
            "timestamps": self.timestamps(job, state),
            "vertices": vertices,
            "status-counts": Tasks(statuses.collect()).by_state(),
            "plan": plan,
        });
        self.add_times(job, &mut detail);
        let members = [
            ("stream-graph", json!({ "nodes": nodes })),
            ("pending-operators", json!(0)),
        ];
        self.add_of_flink_2(job, &mut detail, &members);
        detail
    }

    /// When the job entered each state last; 0 for those it never was in.
    fn timestamps(&self, job: &Job, state: &str) -> Map<String, Value> {
        let course = job.course(self.now);
        let entered = |name: &str| match name {
            "INITIALIZING" | "CREATED" => Some(job.launched),
            "RUNNING" => Some(course.deployed),
            "RESTARTING" => course.failed_at,
            name if name == state => Some(job.ended.unwrap_or(job.launched)),
            _ => None,
        };
        let times = JOB_STATES.iter().map(|name| (*name, entered(name)));
        times
            .map(|(name, at)| (name.to_owned(), json!(at.map_or(0, Timestamp::as_millisecond))))
            .collect()
    }

    fn vertex(&self, job: &Job, index: usize) -> Value {
        let tasks = self.tasks(job, index);
        let course = job.course(self.now);
        let status = tasks.aggregate();
        let start = course.deployed.as_millisecond();
        let end = match status {
            "FAILED" | "CANCELED" if job.state == JobState::Running => course.failed_at,
            "FAILED" | "CANCELED" | "FINISHED" => job.ended.or(Some(job.launched)),
            _ => None,
        };
        let end = end.map(Timestamp::as_millisecond);
        let (start, duration) = match status {
            "CREATED" => (-1, -1),
            _ => (start, end.unwrap_or(self.now.as_millisecond()) - start),
        };
        let vertex = job.vertices.get(index);
        let mut entry = json!({
            "id": format!("{index:032x}"),
            "name": vertex.map(|vertex| &vertex.name),
            "maxParallelism": 128,
            "parallelism": vertex.map(|vertex| vertex.parallelism),
            "status": status,
            "start-time": start,
            "end-time": end.unwrap_or(-1),
            "duration": duration,
            "tasks": tasks.by_state(),
            "metrics": {
                "read-bytes": 0, "read-bytes-complete": true, "write-bytes": 0, "write-bytes-complete": true,
                "read-records": 0, "read-records-complete": true, "write-records": 0, "write-records-complete": true,
                "accumulated-backpressured-time": 0, "accumulated-idle-time": 0, "accumulated-busy-time": 0.0,
            },
        });
        if self.version(job) >= (1, 20) {
            entry["slotSharingGroupId"] = json!(job.id);
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_state_stands_for_all_tasks_as_flink_chooses_it() {
        for (counts, shown) in [
            (vec![("FAILED", 1), ("CANCELED", 3)], "FAILED"),
            (vec![("CANCELED", 3), ("CANCELING", 1)], "CANCELING"),
            (vec![("CANCELED", 1), ("INITIALIZING", 3)], "CANCELED"),
            (vec![("RUNNING", 3), ("INITIALIZING", 1)], "INITIALIZING"),
            (vec![("RUNNING", 1), ("DEPLOYING", 3)], "RUNNING"),
            (vec![("FINISHED", 1), ("SCHEDULED", 3)], "RUNNING"),
            (vec![("FINISHED", 4)], "FINISHED"),
            (vec![("SCHEDULED", 2), ("DEPLOYING", 2)], "CREATED"),
        ] {
            assert_eq!(Tasks(counts.clone()).aggregate(), shown, "{counts:?}");
        }
    }
}
