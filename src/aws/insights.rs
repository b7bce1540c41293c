//! Searches the log of an application for the transitions of its tasks with Logs Insights (facts §6.2).

use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::{QueryStatus, ResultField};
use jiff::Timestamp;

use crate::aws::Service;
use crate::aws::log::parts_of;
use crate::fault::{Fault, sanitised};

/// The pause between two questions whether a query is complete.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is asked.
const QUESTIONS: usize = 60;

/// The most rows of a query.
const ROWS: usize = 10_000;

/// How a task, or the job, went from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When, in UTC as Logs Insights shows it.
    pub at: String,
    /// The operator and the number of the subtask.
    pub task: String,
    /// The state before.
    pub from: String,
    /// The state after.
    pub to: String,
}

/// Why a query has no results.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The ARN names no log stream.
    #[error("{0} is no ARN of a log stream")]
    NoStream(String),
    /// A call failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The query failed or was given up.
    #[error("the query ended as {0}")]
    Ended(String),
    /// The query did not end.
    #[error("the query was not complete within {} s", QUESTIONS)]
    Endless,
}

impl Service {
    /// The transitions that an application logged to a stream in a stretch of time, the oldest first, at most 10,000.
    ///
    /// # Errors
    /// Why they cannot be had.
    pub async fn transitions(
        &self,
        log_stream_arn: &str,
        application_arn: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Transition>, QueryError> {
        let parts = parts_of(log_stream_arn);
        let (region, group, stream) = parts.ok_or_else(|| QueryError::NoStream(log_stream_arn.to_owned()))?;
        let reader = self.clients.log_reader(region);
        let start = reader
            .start_query()
            .log_group_name(group)
            .start_time(since.as_second())
            .end_time(until.as_second())
            .query_string(query(stream, application_arn));
        let id = self.read(region, "StartQuery", || start.clone().send()).await?.query_id;
        for _ in 0..QUESTIONS {
            let asked = reader.get_query_results().set_query_id(id.clone());
            let output = self.read(region, "GetQueryResults", || asked.clone().send()).await?;
            match output.status() {
                Some(QueryStatus::Complete) => {
                    return Ok(output.results().iter().filter_map(|row| transition(row)).collect());
                }
                Some(QueryStatus::Scheduled | QueryStatus::Running) | None => tokio::time::sleep(PAUSE).await,
                Some(other) => return Err(QueryError::Ended(other.as_str().to_owned())),
            }
        }
        Err(QueryError::Endless)
    }
}

/// The last dot of the expression matches any character: a task that fails switches to a state "on" a host.
fn query(stream: &str, application_arn: &str) -> String {
    format!(
        "fields @timestamp, message\n\
         | filter applicationARN = \"{application_arn}\"\n\
         | filter @logStream = \"{stream}\"\n\
         | parse message /^(?<process>.+) switched from (?<fromStatus>[A-Z]+) to (?<toStatus>[A-Z]+)./\n\
         | filter ispresent(process) and ispresent(fromStatus) and ispresent(toStatus)\n\
         | display @timestamp, process, fromStatus, toStatus\n\
         | sort @timestamp asc\n\
         | limit {ROWS}"
    )
}

fn transition(row: &[ResultField]) -> Option<Transition> {
    let cell = |name: &str| {
        let found = row.iter().find(|cell| cell.field() == Some(name));
        found.and_then(ResultField::value).map(str::to_owned)
    };
    let process = cell("process")?;
    let task = process
        .rsplit_once(" (")
        .map_or(process.as_str(), |(task, _attempt)| task);
    Some(Transition {
        at: cell("@timestamp")?,
        task: sanitised(task),
        from: cell("fromStatus")?,
        to: cell("toStatus")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_transition_without_the_id_of_the_attempt() {
        let cell = |field: &str, value: &str| ResultField::builder().field(field).value(value).build();
        let row = [
            cell("@timestamp", "2026-01-01 00:00:00.000"),
            cell("process", "Source: a (b) (1/2) (0a_1_0)"),
            cell("fromStatus", "RUNNING"),
            cell("toStatus", "FAILED"),
        ];
        let found = transition(&row).unwrap();
        assert_eq!(
            (found.task.as_str(), found.to.as_str()),
            ("Source: a (b) (1/2)", "FAILED")
        );
        assert_eq!(transition(&row[..2]), None);
    }
}
