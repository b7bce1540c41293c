//! The groups that applications write to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::service::application::{Application, Line};

/// What a group keeps; older events are dropped.
pub(super) const KEPT: usize = 10_000;

/// One line of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogEvent {
    /// Rises with every event of the group.
    pub(super) sequence: u64,
    pub(super) stream: String,
    pub(super) at: Timestamp,
    pub(super) message: String,
}

impl LogEvent {
    pub(super) fn describe(&self) -> Value {
        let milliseconds = self.at.as_millisecond();
        json!({
            "logStreamName": self.stream,
            "timestamp": milliseconds,
            "message": self.message,
            "ingestionTime": milliseconds,
            "eventId": format!("{:056}", self.sequence),
        })
    }
}

/// A log group: its streams and its newest events, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogGroup {
    pub(super) streams: BTreeSet<String>,
    pub(super) events: VecDeque<LogEvent>,
    pub(super) written: u64,
}

impl LogGroup {
    fn write(&mut self, stream: &str, line: &Line) {
        self.written += 1;
        if self.events.len() >= KEPT {
            self.events.pop_front();
        }
        self.events.push_back(LogEvent {
            sequence: self.written,
            stream: stream.to_owned(),
            at: line.at,
            message: line.message.clone(),
        });
    }
}

/// Every log group, by region and name. A group and a stream exist from the moment an application names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Logs(pub(super) BTreeMap<String, BTreeMap<String, LogGroup>>);

/// The parts of `arn:aws:logs:REGION:ACCOUNT:log-group:GROUP:log-stream:STREAM`.
fn parts_of(arn: &str) -> Option<(&str, &str, &str)> {
    let (place, names) = arn.split_once(":log-group:")?;
    let (group, stream) = names.split_once(":log-stream:")?;
    let region = place.strip_prefix("arn:")?.split(':').nth(2)?;
    Some((region, group, stream))
}

impl Logs {
    /// Takes what the application wrote since the last time to the streams of the version that wrote it. An ARN that
    /// names no stream is a stream that does not exist: its events are dropped silently (facts §6.2).
    pub(crate) fn take(&mut self, application: &mut Application) {
        self.write(application, application.current, None);
        for line in std::mem::take(&mut application.lines) {
            self.write(application, line.version, Some(&line));
        }
    }

    fn write(&mut self, application: &Application, version: u64, line: Option<&Line>) {
        let options = application.versions.get(&version).map(|version| &version.logging);
        for option in options.into_iter().flatten() {
            let Some((region, group, stream)) = parts_of(&option.log_stream_arn) else {
                continue;
            };
            let groups = self.0.entry(region.to_owned()).or_default();
            let group = groups.entry(group.to_owned()).or_default();
            group.streams.insert(stream.to_owned());
            if let Some(line) = line {
                group.write(stream, line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_keeps_its_newest_events() {
        let mut group = LogGroup::default();
        let line = Line {
            at: Timestamp::UNIX_EPOCH,
            version: 1,
            message: "a".to_owned(),
        };
        for _ in 0..KEPT + 5 {
            group.write("s", &line);
        }
        assert_eq!(group.events.len(), KEPT);
        assert_eq!(group.events.front().unwrap().sequence, 6);
    }

    #[test]
    fn only_the_arn_of_a_stream_names_one() {
        let arn = "arn:aws-cn:logs:cn-north-1:1:log-group:/a/b:log-stream:c";
        assert_eq!(parts_of(arn), Some(("cn-north-1", "/a/b", "c")));
        assert_eq!(parts_of("arn:aws:logs:eu-west-1:1:log-group:/a/b"), None);
        assert_eq!(parts_of("arn:aws:logs:a"), None);
    }
}
