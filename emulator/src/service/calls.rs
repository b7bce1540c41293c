//! The calls that came.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::error::{ErrorCode, ServiceError};

/// One call that was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Rises with every call.
    pub sequence: u64,
    /// When it came.
    pub at: Timestamp,
    /// Where it was sent.
    pub region: String,
    /// For example `UpdateApplication`.
    pub operation: String,
    /// The application it names, in the request or in the ARN.
    pub application: Option<String>,
    /// `ok`, or the name of the exception.
    pub outcome: String,
}

/// The calls received so far: the last 100,000 in order, and the count of all by operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// The oldest first.
    pub calls: VecDeque<CallRecord>,
    /// By operation, refused calls included.
    pub counts: BTreeMap<String, u64>,
}

const KEPT: usize = 100_000;

impl Calls {
    /// Records a call with what came of it.
    pub(crate) fn note<T>(&mut self, call: &Call<'_>, operation: &str, answer: &Result<T, ServiceError>) {
        let outcome = answer.as_ref().map_or_else(|error| error.code.name(), |_| "ok");
        self.record(call, operation, outcome);
    }

    pub(crate) fn record(&mut self, call: &Call<'_>, operation: &str, outcome: &str) {
        let named = call.input.get("ApplicationName").and_then(serde_json::Value::as_str);
        let tagged = || {
            call.text("ResourceARN")
                .rsplit_once(":application/")
                .map(|(_, name)| name)
        };
        if self.calls.len() >= KEPT {
            self.calls.pop_front();
        }
        let sequence = self.calls.back().map_or(0, |last| last.sequence) + 1;
        self.calls.push_back(CallRecord {
            sequence,
            at: call.now,
            region: call.region.to_owned(),
            operation: operation.to_owned(),
            application: named.or_else(tagged).map(str::to_owned),
            outcome: outcome.to_owned(),
        });
        match self.counts.get_mut(operation) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(operation.to_owned(), 1);
            }
        }
    }

    /// The calls of an operation after a moment that were not throttled.
    pub(super) fn taken_since(&self, moment: Timestamp, operation: &str) -> usize {
        let recent = self.calls.iter().rev().take_while(|call| call.at > moment);
        let throttled = ErrorCode::Throttling.name();
        recent
            .filter(|call| call.operation == operation && call.outcome != throttled)
            .count()
    }
}
