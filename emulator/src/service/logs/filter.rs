//! `FilterLogEvents` of CloudWatch Logs.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::groups::{LogEvent, LogGroup};
use super::pattern::Pattern;
use crate::service::call::Call;
use crate::service::error::{ErrorCode, ServiceError};
use crate::service::shapes::{self, Letters, Shape, optional};
use crate::service::state::Service;

/// What a page holds at most, in events and in bytes with the 26 that CloudWatch counts for each event (facts §6.2).
const PAGE_EVENTS: usize = 10_000;
const PAGE_BYTES: usize = 1024 * 1024;
const EVENT_BYTES: usize = 26;

const fn text(min: usize, max: usize) -> Shape {
    let of = Letters::Any;
    Shape::Text { min, max, of }
}

const STREAM: Shape = text(1, 512);
const TIME: Shape = Shape::Whole { min: 0, max: i64::MAX };
const REQUEST: Shape = Shape::Fields(&[
    optional("logGroupName", &text(1, 512)),
    optional("logGroupIdentifier", &text(1, 2048)),
    optional(
        "logStreamNames",
        &Shape::List {
            min: 1,
            max: 100,
            of: &STREAM,
        },
    ),
    optional("logStreamNamePrefix", &STREAM),
    optional("startTime", &TIME),
    optional("endTime", &TIME),
    optional("filterPattern", &text(0, 1024)),
    optional("nextToken", &text(1, 512)),
    optional("limit", &Shape::Whole { min: 1, max: 10_000 }),
    optional("startFromHead", &Shape::Flag),
    optional("interleaved", &Shape::Flag),
    optional("unmask", &Shape::Flag),
]);

/// A request of `FilterLogEvents`; its shape was checked before.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    #[serde(rename = "filterPattern")]
    pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
    start_from_head: Option<bool>,
}

/// Where a page begins: its direction, and the event before its first.
struct Place {
    forward: bool,
    after: Option<u64>,
}

impl Filter {
    fn group_name(&self) -> Result<&str, ServiceError> {
        match (&self.log_group_name, &self.log_group_identifier) {
            (Some(name), None) => Ok(name),
            (None, Some(identifier)) => Ok(identifier
                .split_once(":log-group:")
                .map_or(identifier.as_str(), |(_, name)| name.trim_end_matches(":*"))),
            _ => Err(parameter("Give exactly one of logGroupName and logGroupIdentifier")),
        }
    }

    fn place(&self) -> Result<Place, ServiceError> {
        let Some(token) = &self.next_token else {
            let forward = self.start_from_head.unwrap_or(true);
            return Ok(Place { forward, after: None });
        };
        let (direction, after) = token.split_once('/').unwrap_or_default();
        let after = after.parse().ok().filter(|_| matches!(direction, "f" | "b"));
        let after = Some(after.ok_or_else(|| parameter("The nextToken is not one that FilterLogEvents gave"))?);
        let forward = direction == "f";
        Ok(Place { forward, after })
    }

    fn wants(&self, event: &LogEvent) -> bool {
        let at = event.at.as_millisecond();
        let names = self.log_stream_names.as_deref();
        let prefix = self.log_stream_name_prefix.as_deref();
        self.start_time.is_none_or(|start| at >= start)
            && self.end_time.is_none_or(|end| at <= end)
            && names.is_none_or(|names| names.contains(&event.stream))
            && prefix.is_none_or(|prefix| event.stream.starts_with(prefix))
    }
}

fn parameter(message: impl Into<String>) -> ServiceError {
    ServiceError::new(ErrorCode::InvalidParameter, message)
}

impl Service {
    /// Answers one call of CloudWatch Logs: `FilterLogEvents`, `StartQuery` or `GetQueryResults`.
    ///
    /// # Errors
    /// The exception that CloudWatch Logs answers.
    pub fn handle_logs(
        &mut self,
        now: Timestamp,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ServiceError> {
        self.advance(now);
        self.write_failures(region, now);
        self.beside(
            now,
            region,
            ("CloudWatch Logs", operation),
            input,
            |service, call| match operation {
                "FilterLogEvents" => Some(service.filter_log_events(call)),
                "StartQuery" => Some(service.start_query(call)),
                "GetQueryResults" => Some(service.get_query_results(call)),
                _ => None,
            },
        )
    }

    fn filter_log_events(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let name = call.text("logGroupName");
        let group = if name.is_empty() { "*" } else { name };
        let resource = format!(
            "arn:aws:logs:{}:{}:log-group:{group}",
            call.region, self.settings.account
        );
        self.fault_on(call.now, "logs:FilterLogEvents", &resource)?;
        shapes::check(&REQUEST, call.input, "").map_err(|error| match error.code {
            ErrorCode::InvalidArgument => parameter(error.message),
            _ => error,
        })?;
        let filter: Filter = Call::parse_value(call.input)?;
        let name = filter.group_name()?;
        let groups = self.state.logs.0.get(call.region);
        let group = groups
            .and_then(|groups| groups.get(name))
            .ok_or_else(|| ServiceError::not_found("The specified log group does not exist."))?;
        let names = filter.log_stream_names.iter().flatten();
        if filter.log_stream_names.is_some() && filter.log_stream_name_prefix.is_some() {
            return Err(parameter("Give only one of logStreamNames and logStreamNamePrefix"));
        }
        if names.into_iter().any(|name| !group.streams.contains(name)) {
            return Err(ServiceError::not_found("The specified log stream does not exist."));
        }
        let pattern = Pattern::parse(filter.pattern.as_deref().unwrap_or_default()).map_err(parameter)?;
        Ok(group.page(&filter, &pattern, &filter.place()?))
    }
}

impl LogGroup {
    fn page(&self, filter: &Filter, pattern: &Pattern, place: &Place) -> Value {
        let beyond = |event: &&LogEvent| {
            place.after.is_none_or(|after| {
                if place.forward {
                    event.sequence > after
                } else {
                    event.sequence < after
                }
            })
        };
        let mut wanted: Vec<&LogEvent> = self
            .events
            .iter()
            .filter(beyond)
            .filter(|event| filter.wants(event) && pattern.matches(&event.message))
            .collect();
        if !place.forward {
            wanted.reverse();
        }
        let limit = filter.limit.unwrap_or(PAGE_EVENTS);
        let mut bytes = 0;
        let fits = |event: &&&LogEvent| {
            let first = bytes == 0;
            bytes += event.message.len() + EVENT_BYTES;
            first || bytes <= PAGE_BYTES
        };
        let shown: Vec<&&LogEvent> = wanted.iter().take(limit).take_while(fits).collect();
        let mut answer = json!({
            "events": shown.iter().map(|event| event.describe()).collect::<Vec<_>>(),
            "searchedLogStreams": [],
        });
        if let (Some(last), Some(fields), true) = (shown.last(), answer.as_object_mut(), shown.len() < wanted.len()) {
            let direction = if place.forward { "f" } else { "b" };
            fields.insert("nextToken".to_owned(), json!(format!("{direction}/{}", last.sequence)));
        }
        answer
    }
}
