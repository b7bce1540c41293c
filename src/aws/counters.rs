//! Reads the restart counters of running jobs from CloudWatch (facts §6.1).

use std::collections::HashMap;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use jiff::Timestamp;

use crate::aws::Service;
use crate::configuration::flink_version;
use crate::fault::Fault;
use crate::world::Point;

/// The most counters of one call.
pub const QUERIES: usize = 500;

/// The most pages of an answer; one holds 100,800 points.
const PAGES: usize = 10;

const NAMESPACE: &str = "AWS/KinesisAnalytics";

/// A counter to read.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The name of the application.
    pub application: &'a str,
    /// Its Flink runtime, which decides the name of the metric.
    pub runtime: &'a str,
}

impl Service {
    /// The points of restart counters of a region in a stretch of time, each the oldest first, in the order in which they
    /// are asked for. At most [`QUERIES`] can be read at a time.
    ///
    /// # Errors
    /// The fault of the call that failed.
    pub async fn restart_counters(
        &self,
        region: &str,
        asked: &[Asked<'_>],
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Vec<Point>>, Fault> {
        let queries: Vec<MetricDataQuery> = asked.iter().enumerate().map(query).collect();
        let mut read: HashMap<String, Vec<Point>> = HashMap::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.clients.metric_reader(region).get_metric_data();
            let call = call
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(DateTime::from_secs(from.as_second()))
                .end_time(DateTime::from_secs(until.as_second()))
                .scan_by(ScanBy::TimestampAscending)
                .set_next_token(token);
            let output = self.read(region, "GetMetricData", || call.clone().send()).await?;
            for result in output.metric_data_results() {
                let points = result.timestamps().iter().zip(result.values());
                let points = points.filter_map(|(at, value)| point(at, *value));
                read.entry(result.id().unwrap_or_default().to_owned())
                    .or_default()
                    .extend(points);
            }
            token = output.next_token;
            if token.is_none() {
                break;
            }
        }
        let points = |index: usize| read.remove(&id(index)).unwrap_or_default();
        Ok((0..asked.len()).map(points).collect())
    }
}

fn id(index: usize) -> String {
    format!("c{index}")
}

fn query((index, asked): (usize, &Asked<'_>)) -> MetricDataQuery {
    let dimension = Dimension::builder()
        .name("Application")
        .value(asked.application)
        .build();
    let metric = Metric::builder()
        .namespace(NAMESPACE)
        .metric_name(metric_of(asked.runtime))
        .dimensions(dimension)
        .build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Maximum").build();
    MetricDataQuery::builder().id(id(index)).metric_stat(stat).build()
}

/// The name of the restart counter: Flink 2.2 dropped the older one.
fn metric_of(runtime: &str) -> &'static str {
    if flink_version(runtime).is_none_or(|version| version >= (2, 2)) {
        "numRestarts"
    } else {
        "fullRestarts"
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a counter of restarts is far from the limits"
)]
fn point(at: &DateTime, value: f64) -> Option<Point> {
    let at = Timestamp::from_second(at.secs()).ok()?;
    (value.is_finite() && value >= 0.0).then(|| Point {
        at,
        restarts: value.round() as i64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_of_flink_2_2_has_another_name() {
        let names = ["FLINK-1_20", "FLINK-2_1", "FLINK-2_2", "FLINK-3_0", "FLINK-X"].map(metric_of);
        let old = "fullRestarts";
        let new = "numRestarts";
        assert_eq!(names, [old, old, new, new, new]);
    }

    #[test]
    fn a_value_that_is_no_count_is_no_point() {
        let at = DateTime::from_secs(60);
        assert_eq!(point(&at, 3.0).map(|point| point.restarts), Some(3));
        assert_eq!(point(&at, f64::NAN), None);
        assert_eq!(point(&at, -1.0), None);
    }
}
