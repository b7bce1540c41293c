//! The first cause of a failure in the log of an application: the event of the service, or the exception that Flink logs.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tracing::debug;

use crate::aws::Service;
use crate::fault::{Fault, FaultKind, innermost_cause, sanitised};
use crate::world::Logged;

/// How long the whole search may take; a verdict does not wait longer for its cause.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// The most pages that are read; a page can be empty although more follow.
const PAGES: usize = 3;

/// Events of the service have an error code, lines of Flink that tell of an exception carry it beside their message.
const PATTERN: &str = "?errorCode ?throwableInformation";

/// What Flink logs of a job when one of its tasks failed and it is not over.
const RESTARTS: &str = "\"switched from state\" \"to RESTARTING\"";

/// Who wrote the lines that count. A stream may be shared: a line of another application, or one that names none, says
/// nothing about this one.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The ARN of the application.
    pub application_arn: &'a str,
    /// The version of its configuration.
    pub version_id: i64,
}

impl Writer<'_> {
    /// Whether a line was written by this version of this application. The service writes the version as a number and
    /// Flink as a string (facts §6.2).
    fn wrote(&self, line: &Value) -> bool {
        let version = &line["applicationVersionId"];
        let number = version
            .as_i64()
            .or_else(|| version.as_str().and_then(|text| text.parse().ok()));
        let arn = line["applicationARN"].as_str().filter(|arn| !arn.is_empty());
        arn == Some(self.application_arn) && number == Some(self.version_id)
    }
}

/// What is looked for in a log stream.
struct Place<'a> {
    region: &'a str,
    group: &'a str,
    stream: &'a str,
    pattern: &'static str,
    since: Timestamp,
}

/// What the service says before the error itself (facts §4.2).
const PREAMBLE: &str = "Please investigate the following error. ";

/// Clocks of the service and of the log may differ by this much.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

impl Service {
    /// What a version of an application logged of its failures to a stream since a moment, sanitised; none when it is
    /// nothing. What cannot be read tells nothing: without permission, log group or answer there is none.
    pub async fn logged(&self, log_stream_arn: &str, writer: &Writer<'_>, since: Timestamp) -> Option<Logged> {
        let (region, group, stream) = parts_of(log_stream_arn)?;
        let mut events = Vec::new();
        let place = Place {
            region,
            group,
            stream,
            pattern: PATTERN,
            since,
        };
        match tokio::time::timeout(PATIENCE, self.filter(&place, &mut events)).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => debug!(%fault, "the log cannot be read"),
            Err(_) => debug!("the log was not read to its end in time"),
        }
        events.sort_by_key(|event: &FilteredLogEvent| event.timestamp);
        let lines: Vec<&str> = events.iter().filter_map(FilteredLogEvent::message).collect();
        let logged = Logged {
            cause: first_cause(&lines, writer).map(|cause| sanitised(&cause)),
            failing: failing(&lines, writer),
        };
        (logged != Logged::default()).then_some(logged)
    }

    /// When a version of an application logged to a stream that its job restarts, since a moment, the oldest first.
    ///
    /// # Errors
    /// Why the log cannot be read.
    pub async fn restarts_logged(
        &self,
        log_stream_arn: &str,
        writer: &Writer<'_>,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, Fault> {
        let Some((region, group, stream)) = parts_of(log_stream_arn) else {
            return Err(Fault::new(
                FaultKind::Invalid,
                "spec.logging.logStreamARN names no log stream",
            ));
        };
        let place = Place {
            region,
            group,
            stream,
            pattern: RESTARTS,
            since,
        };
        let mut events = Vec::new();
        self.filter(&place, &mut events).await?;
        let written = events.iter().filter(|event| {
            let line = event.message().and_then(|line| serde_json::from_str(line).ok());
            line.is_some_and(|line: Value| writer.wrote(&line))
        });
        let mut restarts: Vec<Timestamp> = written
            .filter_map(|event| Timestamp::from_millisecond(event.timestamp()?).ok())
            .collect();
        restarts.sort();
        Ok(restarts)
    }

    /// Adds the events of a stream page by page, so that what was read before a failure is there.
    async fn filter(&self, place: &Place<'_>, events: &mut Vec<FilteredLogEvent>) -> Result<(), Fault> {
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.clients.log_reader(place.region).filter_log_events();
            let call = call
                .log_group_name(place.group)
                .log_stream_names(place.stream)
                .start_time((place.since - MARGIN).as_millisecond())
                .filter_pattern(place.pattern)
                .limit(100)
                .set_next_token(token);
            let output = self
                .read(place.region, "FilterLogEvents", || call.clone().send())
                .await?;
            events.extend(output.events.unwrap_or_default());
            token = output.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// The parts of `arn:aws:logs:REGION:ACCOUNT:log-group:GROUP:log-stream:STREAM`.
pub(super) fn parts_of(arn: &str) -> Option<(&str, &str, &str)> {
    let (place, names) = arn.split_once(":log-group:")?;
    let (group, stream) = names.split_once(":log-stream:")?;
    let region = place.split(':').nth(3)?;
    Some((region, group, stream))
}

/// The cause in lines of a log, the oldest first: the innermost one that the service tells, or that Flink tells of a task
/// that failed, of an error, or of anything else. Lines of another writer and lines that are no JSON tell nothing.
fn first_cause(lines: &[&str], writer: &Writer<'_>) -> Option<String> {
    let events: Vec<Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|event| writer.wrote(event))
        .collect();
    let told = events.iter().filter_map(|event| Some((rank(event)?, cause(event)?)));
    told.min_by_key(|(rank, _)| *rank).map(|(_, cause)| cause.to_owned())
}

/// The subtasks of which the lines tell that they failed, each once. A line begins with the name of the operator and the
/// number of the subtask, for instance `Source: orders (1/4) (id) switched from RUNNING to FAILED on ...` (facts §6.2).
fn failing(lines: &[&str], writer: &Writer<'_>) -> Vec<String> {
    let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let names = events.filter(|event| writer.wrote(event)).filter_map(|event| {
        let (subject, transition) = event["message"].as_str()?.split_once(") switched from ")?;
        let failed = transition
            .split_once(" to ")
            .is_some_and(|(_, to)| to.starts_with("FAILED"));
        let (name, _attempt) = subject.rsplit_once(" (").filter(|_| failed)?;
        name.ends_with(')').then(|| sanitised(name))
    });
    let names: BTreeSet<String> = names.collect();
    names.into_iter().collect()
}

/// How much a line says about the failure of the application; the less the more, none where it tells of no exception.
fn rank(event: &Value) -> Option<u8> {
    let text = |member: &str| event[member].as_str().unwrap_or_default();
    if event["errorCode"].is_string() {
        return Some(0);
    }
    event["throwableInformation"].as_str()?;
    let message = text("message");
    let failed = message.contains(" switched from ") && message.contains(" to FAILED");
    Some(match text("messageType") {
        _ if failed => 1,
        "ERROR" => 2,
        _ => 3,
    })
}

fn cause(event: &Value) -> Option<&str> {
    let told = event["throwableInformation"].as_str().or(event["message"].as_str())?;
    let (_, error) = told.split_once(PREAMBLE).unwrap_or(("", told));
    Some(innermost_cause(error)).filter(|cause| !cause.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_SERVICE: &str = r#"{"applicationARN":"arn:orders","applicationVersionId":5,"errorCode":"CodeError.InvalidApplicationCode","message":"Amazon Managed Service for Apache Flink failed to transition the application to the desired state. Please investigate the following error. org.example.Broken: no table"}"#;
    const OF_FLINK: &str = r#"{"applicationARN":"arn:orders","applicationVersionId":"5","message":"Source (1/1) switched from RUNNING to FAILED","throwableInformation":"java.io.IOException: gone"}"#;

    const ARN: &str = "arn:orders";

    fn version(version_id: i64) -> Writer<'static> {
        Writer {
            application_arn: ARN,
            version_id,
        }
    }

    #[test]
    fn the_event_of_the_service_comes_before_an_exception_of_flink() {
        assert_eq!(
            first_cause(&[OF_FLINK, OF_SERVICE], &version(5)).as_deref(),
            Some("org.example.Broken: no table")
        );
        assert_eq!(
            first_cause(&[OF_FLINK], &version(5)).as_deref(),
            Some("java.io.IOException: gone")
        );
    }

    #[test]
    fn a_task_that_failed_comes_before_an_error_and_an_error_before_a_warning() {
        let line = |level: &str, message: &str, thrown: &str| {
            let event = serde_json::json!({"applicationARN": ARN, "applicationVersionId": "5", "messageType": level, "message": message, "throwableInformation": thrown});
            event.to_string()
        };
        let warning = line("WARN", "a retry", "java.net.SocketTimeoutException: slow");
        let error = line("ERROR", "it went wrong", "java.lang.Error: wrong\n\tat a.B");
        let failed = line(
            "INFO",
            "Sink (1/1) (a) switched from RUNNING to FAILED on b.",
            "org.apache.flink.JobException: wrapped\n\tat x\nCaused by: java.io.IOException: gone\n\tat y",
        );
        let tell = |lines: &[&String]| {
            let lines: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
            first_cause(&lines, &version(5))
        };
        assert_eq!(
            tell(&[&warning, &error, &failed]).as_deref(),
            Some("java.io.IOException: gone")
        );
        assert_eq!(tell(&[&warning, &error]).as_deref(), Some("java.lang.Error: wrong"));
        assert_eq!(
            tell(&[&warning]).as_deref(),
            Some("java.net.SocketTimeoutException: slow")
        );
    }

    #[test]
    fn the_innermost_cause_that_the_service_tells_counts() {
        let event = serde_json::json!({
            "applicationARN": ARN, "applicationVersionId": 5, "errorCode": "CodeError.InvalidApplicationCode",
            "message": "org.apache.flink.runtime.rest.handler.RestHandlerException: Could not execute application.\n\tat a\nCaused by: java.lang.Error: b\n\tat c",
        });
        assert_eq!(
            first_cause(&[&event.to_string()], &version(5)).as_deref(),
            Some("java.lang.Error: b")
        );
    }

    #[test]
    fn the_subtasks_that_failed_are_named_once() {
        let line = |version: &str, message: &str| {
            let event = serde_json::json!({"applicationARN": ARN, "applicationVersionId": version, "message": message});
            event.to_string()
        };
        let lines = [
            line(
                "5",
                "Source: a (b) -> c (1/4) (e1_0_0) switched from RUNNING to FAILED on x.",
            ),
            line(
                "5",
                "Source: a (b) -> c (1/4) (e1_0_1) switched from RUNNING to FAILED on x.",
            ),
            line("5", "Sink (2/4) (e2_0_0) switched from INITIALIZING to FAILED on x."),
            line("5", "Sink (3/4) (e2_0_0) switched from RUNNING to CANCELING."),
            line("4", "Old (1/1) (e3_0_0) switched from RUNNING to FAILED on x."),
            line("5", "Job orders (0a) switched from state RUNNING to RESTARTING."),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(failing(&lines, &version(5)), ["Sink (2/4)", "Source: a (b) -> c (1/4)"]);
    }

    #[test]
    fn lines_of_another_version_and_lines_that_are_no_json_tell_nothing() {
        assert_eq!(first_cause(&[OF_FLINK, OF_SERVICE], &version(6)), None);
        assert_eq!(
            first_cause(&["errorCode throwableInformation", "{}", ""], &version(5)),
            None
        );
    }

    #[test]
    fn lines_of_another_application_and_lines_that_name_none_tell_nothing() {
        for arn in [
            serde_json::json!("arn:payments"),
            serde_json::json!(""),
            serde_json::json!(null),
        ] {
            let line = |text: &str| {
                let mut event: Value = serde_json::from_str(text).unwrap();
                event["applicationARN"] = arn.clone();
                event.to_string()
            };
            let task = OF_FLINK.replace("(1/1)", "(1/1) (a)");
            let lines = [line(OF_SERVICE), line(&task)];
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(first_cause(&lines, &version(5)), None, "{arn}");
            assert!(failing(&lines, &version(5)).is_empty(), "{arn}");
            assert_eq!(failing(&[&task], &version(5)), ["Source (1/1)"]);
        }
    }

    #[test]
    fn a_stream_is_named_by_its_arn() {
        let arn = "arn:aws-cn:logs:cn-north-1:1:log-group:/a/b:log-stream:c";
        assert_eq!(parts_of(arn), Some(("cn-north-1", "/a/b", "c")));
        assert_eq!(parts_of("arn:aws:logs:eu-west-1:1:log-group:/a/b"), None);
    }
}
