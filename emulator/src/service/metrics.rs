//! CloudWatch as far as the health of jobs needs it: `GetMetricData` for the restart counters (facts §6.1).

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::application::Application;
use super::call::Call;
use super::deployment::flink_version;
use super::error::{ErrorCode, ServiceError};
use super::shapes::{self, Letters, Shape, optional, required};
use super::state::Service;
use crate::job::Job;

/// The namespace of the metrics of applications.
const NAMESPACE: &str = "AWS/KinesisAnalytics";

/// What one answer holds at most (facts §6.1).
const DATAPOINTS: usize = 100_800;

/// The grain of a metric.
const MINUTE: i64 = 60;

const fn text(min: usize, max: usize) -> Shape {
    let of = Letters::Any;
    Shape::Text { min, max, of }
}

const NAME: Shape = text(1, 255);
const DIMENSION: Shape = Shape::Fields(&[required("Name", &NAME), required("Value", &text(1, 1024))]);
const METRIC: Shape = Shape::Fields(&[
    optional("Namespace", &NAME),
    optional("MetricName", &NAME),
    optional(
        "Dimensions",
        &Shape::List {
            min: 0,
            max: 30,
            of: &DIMENSION,
        },
    ),
]);
const PERIOD: Shape = Shape::Whole { min: 1, max: 86_400 };
const STAT: Shape = Shape::Fields(&[
    required("Metric", &METRIC),
    required("Period", &PERIOD),
    required("Stat", &NAME),
    optional("Unit", &NAME),
]);
const QUERY: Shape = Shape::Fields(&[
    required("Id", &NAME),
    optional("MetricStat", &STAT),
    optional(
        "Expression",
        &Shape::Refused("metric math is not served by this emulator"),
    ),
    optional("Label", &text(0, 1024)),
    optional("ReturnData", &Shape::Flag),
    optional("Period", &PERIOD),
    optional("AccountId", &NAME),
]);
const REQUEST: Shape = Shape::Fields(&[
    required(
        "MetricDataQueries",
        &Shape::List {
            min: 1,
            max: 500,
            of: &QUERY,
        },
    ),
    required("StartTime", &Shape::Time),
    required("EndTime", &Shape::Time),
    optional("NextToken", &text(1, 1024)),
    optional("ScanBy", &Shape::Choice(&["TimestampDescending", "TimestampAscending"])),
    optional("MaxDatapoints", &Shape::Whole { min: 1, max: 100_800 }),
    optional(
        "LabelOptions",
        &Shape::Refused("labels are not served by this emulator"),
    ),
]);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    metric_data_queries: Vec<Query>,
    start_time: f64,
    end_time: f64,
    next_token: Option<String>,
    scan_by: Option<String>,
    max_datapoints: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: String,
    metric_stat: Option<Stat>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stat {
    metric: Metric,
    period: i64,
    #[serde(rename = "Stat")]
    statistic: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    namespace: Option<String>,
    #[serde(rename = "MetricName")]
    name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

/// A point of a metric: the beginning of its period in epoch seconds, and its value.
type Point = (i64, f64);

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(ErrorCode::Validation, message)
}

impl Application {
    /// The restarts of the newest job of a minute at its end, as the metric of its runtime counts them: none while no
    /// job runs, and none while the counter is zero, as some runtimes report it (facts §6.1).
    fn restarts_in(&self, metric: &str, minute: i64) -> Option<u64> {
        let (begin, end) = (second(minute), second(minute + MINUTE));
        let runs = |job: &&Job| job.launched < end && job.ended.is_none_or(|ended| ended > begin);
        let job = self.jobs.iter().rev().find(runs)?;
        let runtime = &self.versions.get(&job.version)?.runtime;
        let counter = if flink_version(runtime).is_none_or(|version| version >= (2, 2)) {
            "numRestarts"
        } else {
            "fullRestarts"
        };
        let restarts = job.course(end).restarts;
        (metric == counter && restarts > 0).then_some(restarts)
    }
}

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

impl Service {
    /// Answers one call of CloudWatch. `GetMetricData` is the only operation, and the restart counters of applications
    /// are the only metrics; any other has no points, as one that nobody writes.
    ///
    /// # Errors
    /// The exception that CloudWatch answers.
    pub fn handle_metrics(
        &mut self,
        now: Timestamp,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ServiceError> {
        self.advance(now);
        self.beside(
            now,
            region,
            ("CloudWatch", operation),
            input,
            |service, call| match operation {
                "GetMetricData" => Some(service.get_metric_data(call)),
                _ => None,
            },
        )
    }

    fn get_metric_data(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        self.fault_on(call.now, "cloudwatch:GetMetricData", "*")?;
        shapes::check(&REQUEST, call.input, "").map_err(|error| match error.code {
            ErrorCode::InvalidArgument => invalid(error.message),
            _ => error,
        })?;
        let request: Request = Call::parse_value(call.input)?;
        if request.start_time >= request.end_time {
            return Err(invalid(
                "The parameter StartTime must be less than the parameter EndTime",
            ));
        }
        let first = match &request.next_token {
            None => 0,
            Some(token) => token
                .strip_prefix("query-")
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| ServiceError::new(ErrorCode::InvalidNextToken, "The NextToken is not valid"))?,
        };
        let limit = request.max_datapoints.unwrap_or(DATAPOINTS);
        let (mut results, mut count, mut next) = (Vec::new(), 0, None);
        let shown = request.metric_data_queries.iter().enumerate().skip(first);
        for (index, query) in shown.filter(|(_, query)| query.return_data != Some(false)) {
            let mut points = self.points(call, &request, query)?;
            count += points.len();
            if count > limit && !results.is_empty() {
                next = Some(format!("query-{index}"));
                break;
            }
            if request.scan_by.as_deref() != Some("TimestampAscending") {
                points.reverse();
            }
            let metric = query.metric_stat.as_ref().and_then(|stat| stat.metric.name.clone());
            results.push(json!({
                "Id": query.id,
                "Label": query.label.clone().or(metric).unwrap_or_default(),
                "Timestamps": points.iter().map(|(at, _)| json!(at)).collect::<Vec<_>>(),
                "Values": points.iter().map(|(_, value)| json!(value)).collect::<Vec<_>>(),
                "StatusCode": "Complete",
            }));
        }
        let mut answer = json!({ "MetricDataResults": results, "Messages": [] });
        if let (Some(token), Some(fields)) = (next, answer.as_object_mut()) {
            fields.insert("NextToken".to_owned(), json!(token));
        }
        Ok(answer)
    }

    /// The points of a query, the oldest first.
    fn points(&self, call: &Call<'_>, request: &Request, query: &Query) -> Result<Vec<Point>, ServiceError> {
        let stat = query
            .metric_stat
            .as_ref()
            .ok_or_else(|| invalid(format!("Query {} needs a MetricStat", query.id)))?;
        if stat.period % MINUTE != 0 {
            return Err(invalid(format!(
                "The period of query {} is {}; it must be a multiple of 60, the grain of these metrics",
                query.id, stat.period
            )));
        }
        if stat.statistic != "Maximum" {
            return Err(ServiceError::unsupported(format!(
                "The statistic {} is not served by this emulator, only Maximum",
                stat.statistic
            )));
        }
        let metric = &stat.metric;
        let name = match metric.dimensions.as_slice() {
            [only] if only.name == "Application" && metric.namespace.as_deref() == Some(NAMESPACE) => &only.value,
            _ => return Ok(Vec::new()),
        };
        let applications = self.state.applications.get(call.region);
        let Some(application) = applications.and_then(|applications| applications.get(name)) else {
            return Ok(Vec::new());
        };
        let metric = metric.name.as_deref().unwrap_or_default();
        let known_until = self.metrics_until(call.now);
        let mut points = Vec::new();
        let mut period = floor(request.start_time, stat.period);
        while seconds(period) < request.end_time && period < known_until {
            let minutes = (period..period + stat.period).step_by(60);
            let counts = minutes
                .filter(|minute| minute + MINUTE <= known_until)
                .filter_map(|minute| application.restarts_in(metric, minute));
            if let Some(highest) = counts.max() {
                let highest = u32::try_from(highest).unwrap_or(u32::MAX);
                points.push((period, f64::from(highest)));
            }
            period += stat.period;
        }
        Ok(points)
    }

    /// The end of the last minute that metrics tell of, in epoch seconds: a point appears some time after its minute.
    fn metrics_until(&self, now: Timestamp) -> i64 {
        let delay: Duration = self.settings.scaled(self.settings.durations.metrics);
        let told = now.checked_sub(delay).unwrap_or(now).as_second();
        told - told.rem_euclid(MINUTE)
    }
}

/// The beginning of the period that a time is in.
#[expect(clippy::cast_possible_truncation, reason = "epoch seconds are far from the limits")]
fn floor(at: f64, period: i64) -> i64 {
    let whole = at.floor() as i64;
    whole - whole.rem_euclid(period)
}

#[expect(clippy::cast_precision_loss, reason = "epoch seconds are far from the limits")]
fn seconds(at: i64) -> f64 {
    at as f64
}
