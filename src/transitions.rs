//! `sluicegate transitions`: how the tasks of an application went from one state to another, from its log, as a table.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::aws::Service;
use crate::aws::clients::{CallLimits, Clients};
use crate::aws::insights::{QueryError, Transition};
use crate::cli::TransitionsArgs;
use crate::desired::Identity;
use crate::fault::Fault;
use crate::metrics::Metrics;
use crate::world::Observed;

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum TransitionsError {
    /// No region is given.
    #[error("no region: set --region or AWS_REGION")]
    NoRegion,
    /// There is no such application.
    #[error("there is no application {name} in {region}")]
    Absent {
        /// The application.
        name: String,
        /// The region.
        region: String,
    },
    /// The application cannot be read.
    #[error("{name} cannot be read: {fault}")]
    Service {
        /// The application.
        name: String,
        /// What the service said.
        fault: Fault,
    },
    /// The application writes no log.
    #[error("{0} has no CloudWatch logging option: set spec.logging")]
    NoLog(String),
    /// The log does not have what is looked for.
    #[error("{name} logs at level {level}, and Flink logs transitions at INFO: set spec.monitoring.logLevel")]
    Level {
        /// The application.
        name: String,
        /// The level.
        level: String,
    },
    /// The query failed.
    #[error("the log of {name} cannot be searched: {why}")]
    Query {
        /// The application.
        name: String,
        /// Why.
        why: QueryError,
    },
}

/// The table of the transitions of an application in the time before `now`, the oldest first.
///
/// # Errors
/// Why there is none.
pub async fn table(args: &TransitionsArgs, now: Timestamp) -> Result<String, TransitionsError> {
    let identity = Identity {
        name: args.name.clone(),
        region: args.place.region().ok_or(TransitionsError::NoRegion)?.to_owned(),
    };
    let clients = Clients::from_environment(Some(&identity.region), CallLimits::default()).await;
    let service = Service::new(clients, Arc::new(Metrics::new()));
    let observed = observe(&service, &identity).await?;
    let name = identity.name;
    let level = &observed.configuration.monitoring.log_level;
    if !matches!(level.as_str(), "INFO" | "DEBUG") {
        return Err(TransitionsError::Level {
            name,
            level: level.clone(),
        });
    }
    let Some(stream) = observed.log_streams.values().next() else {
        return Err(TransitionsError::NoLog(name));
    };
    let since = now - jiff::SignedDuration::try_from(args.since).unwrap_or_default();
    let found = service.transitions(stream, &observed.arn, since, now).await;
    let found = found.map_err(|why| TransitionsError::Query { name, why })?;
    Ok(written(&found, args.since))
}

async fn observe(service: &Service, identity: &Identity) -> Result<Observed, TransitionsError> {
    let found = service.describe(identity).await;
    let found = found.map_err(|fault| TransitionsError::Service {
        name: identity.name.clone(),
        fault,
    })?;
    found.ok_or_else(|| TransitionsError::Absent {
        name: identity.name.clone(),
        region: identity.region.clone(),
    })
}

fn written(found: &[Transition], since: Duration) -> String {
    if found.is_empty() {
        return format!("no transition in the last {since:?}\n");
    }
    let width = |of: fn(&Transition) -> &str, head: &str| {
        let longest = found
            .iter()
            .map(|one| of(one).chars().count())
            .max()
            .unwrap_or_default();
        longest.max(head.len())
    };
    let times = width(|one| &one.at, "TIME (UTC)");
    let tasks = width(|one| &one.task, "TASK");
    let from = width(|one| &one.from, "FROM");
    let mut table = format!("{:times$}  {:tasks$}  {:from$}  TO\n", "TIME (UTC)", "TASK", "FROM");
    for one in found {
        let _ = writeln!(
            table,
            "{:times$}  {:tasks$}  {:from$}  {}",
            one.at, one.task, one.from, one.to
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let one = |task: &str, to: &str| Transition {
            at: "2026-01-01 00:00:00.000".to_owned(),
            task: task.to_owned(),
            from: "RUNNING".to_owned(),
            to: to.to_owned(),
        };
        let table = written(
            &[one("Source: a (1/2)", "FAILED"), one("Sink", "CANCELED")],
            Duration::from_hours(1),
        );
        assert_eq!(
            table,
            "TIME (UTC)               TASK             FROM     TO\n\
             2026-01-01 00:00:00.000  Source: a (1/2)  RUNNING  FAILED\n\
             2026-01-01 00:00:00.000  Sink             RUNNING  CANCELED\n"
        );
        assert_eq!(
            written(&[], Duration::from_hours(1)),
            "no transition in the last 3600s\n"
        );
    }
}
