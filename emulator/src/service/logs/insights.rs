//! CloudWatch Logs Insights as far as the transitions of tasks are asked for: `StartQuery` and `GetQueryResults`.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Value, json};

use super::groups::{LogEvent, LogGroup};
use crate::service::call::Call;
use crate::service::error::{ErrorCode, ServiceError};
use crate::service::state::Service;

/// The most rows of a query that sets no limit.
const ROWS: usize = 1000;

/// A row on its way through a query: its fields by name.
type Row = BTreeMap<String, String>;

/// One step of a query.
enum Step {
    Parse { field: String, pattern: Regex },
    Present(Vec<String>),
    Equal { field: String, value: String },
    Display(Vec<String>),
    Sort { descending: bool },
    Limit(usize),
}

fn malformed(what: &str) -> ServiceError {
    let message = format!("The query is not understood at {what:?}");
    ServiceError::new(ErrorCode::MalformedQuery, message)
}

/// The parts between pipes; one inside a regular expression or a string is none.
fn parts(query: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = None;
    let mut escaped = false;
    for c in query.chars() {
        match inside {
            None if c == '|' => {
                parts.push(String::new());
                continue;
            }
            None if matches!(c, '/' | '"' | '\'') => inside = Some(c),
            Some(end) if c == end && !escaped => inside = None,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

impl Step {
    fn read(part: &str) -> Result<Option<Self>, ServiceError> {
        let (verb, rest) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
        let rest = rest.trim();
        Ok(Some(match verb {
            "fields" => return Ok(None),
            "display" => Self::Display(names(rest)),
            "limit" => Self::Limit(rest.parse().map_err(|_| malformed(part))?),
            "sort" => Self::Sort {
                descending: match rest.split_whitespace().collect::<Vec<_>>()[..] {
                    ["@timestamp"] | ["@timestamp", "desc"] => true,
                    ["@timestamp", "asc"] => false,
                    _ => return Err(malformed(part)),
                },
            },
            "parse" => {
                let (field, pattern) = rest.split_once(char::is_whitespace).ok_or_else(|| malformed(part))?;
                let pattern = pattern.trim().strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
                let pattern = pattern.and_then(|pattern| Regex::new(pattern).ok());
                Self::Parse {
                    field: field.to_owned(),
                    pattern: pattern.ok_or_else(|| malformed(part))?,
                }
            }
            "filter" => Self::filter(rest).ok_or_else(|| malformed(part))?,
            _ => return Err(malformed(part)),
        }))
    }

    fn filter(condition: &str) -> Option<Self> {
        if let Some((field, value)) = condition.split_once('=') {
            let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            return Some(Self::Equal {
                field: field.trim().to_owned(),
                value: value.to_owned(),
            });
        }
        let fields = condition.split(" and ").map(|term| {
            let field = term.trim().strip_prefix("ispresent(")?.strip_suffix(')')?;
            Some(field.trim().to_owned())
        });
        fields.collect::<Option<_>>().map(Self::Present)
    }

    fn take(&self, rows: Vec<Row>) -> Vec<Row> {
        match self {
            Self::Parse { field, pattern } => rows.into_iter().map(|row| parsed(row, field, pattern)).collect(),
            Self::Present(fields) => {
                let has_all = |row: &Row| fields.iter().all(|field| row.contains_key(field));
                rows.into_iter().filter(has_all).collect()
            }
            Self::Equal { field, value } => rows.into_iter().filter(|row| row.get(field) == Some(value)).collect(),
            Self::Display(_) => rows,
            Self::Sort { descending } => {
                let mut rows = rows;
                rows.sort_by(|one, other| one.get("@timestamp").cmp(&other.get("@timestamp")));
                if *descending {
                    rows.reverse();
                }
                rows
            }
            Self::Limit(limit) => rows.into_iter().take(*limit).collect(),
        }
    }
}

fn parsed(mut row: Row, field: &str, pattern: &Regex) -> Row {
    let text = row.get(field).cloned().unwrap_or_default();
    if let Some(found) = pattern.captures(&text) {
        for name in pattern.capture_names().flatten() {
            if let Some(group) = found.name(name) {
                row.insert(name.to_owned(), group.as_str().to_owned());
            }
        }
    }
    row
}

/// The fields of an event: those of CloudWatch, and those of its JSON.
fn row(event: &LogEvent) -> Row {
    let mut row = Row::new();
    if let Ok(Value::Object(fields)) = serde_json::from_str(&event.message) {
        for (name, value) in fields {
            row.insert(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    row.insert(
        "@timestamp".to_owned(),
        event.at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
    );
    row.insert("@message".to_owned(), event.message.clone());
    row.insert("@logStream".to_owned(), event.stream.clone());
    row
}

impl LogGroup {
    fn query(&self, query: &str, from: i64, until: i64) -> Result<Value, ServiceError> {
        let steps = parts(query)
            .iter()
            .map(|part| Step::read(part))
            .collect::<Result<Vec<_>, _>>()?;
        let steps: Vec<Step> = steps.into_iter().flatten().collect();
        let within = |event: &&LogEvent| (from..=until).contains(&event.at.as_second());
        let mut rows: Vec<Row> = self.events.iter().filter(within).map(row).collect();
        for step in &steps {
            rows = step.take(rows);
        }
        if !steps.iter().any(|step| matches!(step, Step::Limit(_))) {
            rows.truncate(ROWS);
        }
        let shown = steps.iter().rev().find_map(|step| match step {
            Step::Display(fields) => Some(fields.clone()),
            _ => None,
        });
        let shown = shown.unwrap_or_else(|| names("@timestamp, @message"));
        let cells = |row: &Row| {
            let fields = shown
                .iter()
                .filter_map(|field| Some(json!({"field": field, "value": row.get(field)?})));
            fields.collect::<Vec<_>>()
        };
        Ok(json!(rows.iter().map(cells).collect::<Vec<_>>()))
    }
}

impl Service {
    pub(super) fn start_query(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let group = match call.text("logGroupName") {
            "" => call.input["logGroupNames"][0].as_str().unwrap_or_default(),
            name => name,
        };
        self.fault_on(call.now, "logs:StartQuery", group)?;
        let time = |member: &str| {
            let time = call.input[member].as_i64();
            time.ok_or_else(|| {
                ServiceError::new(ErrorCode::InvalidParameter, format!("{member} must be epoch seconds"))
            })
        };
        let (from, until) = (time("startTime")?, time("endTime")?);
        let groups = self.state.logs.0.get(call.region);
        let group = groups
            .and_then(|groups| groups.get(group))
            .ok_or_else(|| ServiceError::not_found("The specified log group does not exist."))?;
        let results = group.query(call.text("queryString"), from, until)?;
        let id = self.state.ids.operation();
        self.queries.keep(id.clone(), results);
        Ok(json!({ "queryId": id }))
    }

    /// A query runs until somebody asked for it once.
    pub(super) fn get_query_results(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        self.fault_on(call.now, "logs:GetQueryResults", "*")?;
        let query = self.queries.get_mut(call.text("queryId"));
        let (results, asked) = query.ok_or_else(|| ServiceError::not_found("The specified query does not exist."))?;
        let (status, results) = if std::mem::replace(asked, true) {
            ("Complete", results.clone())
        } else {
            ("Running", json!([]))
        };
        Ok(json!({ "status": status, "results": results, "statistics": {} }))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_pipe_inside_an_expression_or_a_string_parts_nothing() {
        assert_eq!(
            parts("fields a | parse b /x|\\/y/ | filter c = \"d|e\""),
            ["fields a", "parse b /x|\\/y/", "filter c = \"d|e\""]
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for part in [
            "stats count(*)",
            "filter a like /b/",
            "limit x",
            "sort a",
            "parse message 'x *'",
            "parse",
        ] {
            assert!(Step::read(part).is_err(), "{part}");
        }
    }

    #[test]
    fn time_stands_as_insights_shows_it() {
        let event = LogEvent {
            sequence: 1,
            stream: "s".to_owned(),
            at: Timestamp::from_millisecond(1_700_000_000_250).unwrap_or_default(),
            message: "no json".to_owned(),
        };
        assert_eq!(row(&event)["@timestamp"], "2023-11-14 22:13:20.250");
    }
}
