//! What only the test bed can do: refuse, throttle, lose replies, and count calls.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, ServiceError};
use super::{Call, Service};

/// The faults in force. Setting them replaces all of them; the default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Operations that answer `AccessDeniedException`.
    pub deny: BTreeSet<String>,
    /// Operations that answer an exception of the service's own, whatever they ask for.
    pub refuse: BTreeMap<String, Refusal>,
    /// Members of `UpdateApplication`, at any depth, that are accepted and not carried out; also whole operations that change
    /// an application or its tags, by name.
    pub ignore: BTreeSet<String>,
    /// Role ARNs that the service cannot use.
    pub unknown_roles: BTreeSet<String>,
    /// Applications per region, instead of the quota of the settings.
    pub application_quota: Option<usize>,
    /// How many of the next calls of an operation answer `ThrottlingException`.
    pub throttle: BTreeMap<String, u64>,
    /// How many calls of an operation are taken a second of the caller's clock; the others answer `ThrottlingException`. `*`
    /// stands for every operation that is not named, each by itself.
    pub rate: BTreeMap<String, usize>,
    /// How many of the next calls of an operation take effect but get no reply.
    pub drop_replies: BTreeMap<String, u64>,
    /// For how many seconds of the service's time `DescribeApplication` and `ListApplications` do not show an accepted
    /// call. Every other operation sees it at once.
    pub describe_lag: u64,
    /// The HTTP status that Flink's REST API answers, by application. The service's own API goes on.
    pub flink_rest: BTreeMap<String, u16>,
    /// The same for a resource below a job alone, for instance `exceptions`, of every application.
    pub flink_rest_resources: BTreeMap<String, u16>,
}

/// An exception that an operation answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// Which exception.
    pub code: ErrorCode,
    /// Its text.
    pub message: String,
    /// How many of the next calls it hits; without a number all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl Refusal {
    /// The exception, if it hits one more call; uses up one of them.
    fn hit(&mut self) -> Option<ServiceError> {
        if let Some(left) = &mut self.times {
            *left = left.checked_sub(1)?;
        }
        Some(ServiceError::new(self.code, self.message.clone()))
    }
}

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

const SECOND: Duration = Duration::from_secs(1);

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
}

impl Calls {
    /// The calls of an operation after a moment that were not throttled.
    fn taken_since(&self, moment: Timestamp, operation: &str) -> usize {
        let recent = self.calls.iter().rev().take_while(|call| call.at > moment);
        let throttled = ErrorCode::Throttling.name();
        recent
            .filter(|call| call.operation == operation && call.outcome != throttled)
            .count()
    }
}

fn use_one(counts: &mut BTreeMap<String, u64>, operation: &str) -> bool {
    match counts.get_mut(operation) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    }
}

impl Service {
    /// Replaces the faults in force. Without a lag every read shows the truth again.
    pub fn set_faults(&mut self, faults: Faults) {
        if faults.describe_lag == 0 {
            self.catch_up();
        }
        self.quiet_until = None;
        self.faults = faults;
    }

    /// The faults in force; counts show what is left of them.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The calls received so far.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Whether the reply to a call of this operation is to be lost; uses up one of them.
    pub(crate) fn drops_reply(&mut self, operation: &str) -> bool {
        use_one(&mut self.faults.drop_replies, operation)
    }

    pub(crate) fn fault(&mut self, operation: &str, call: &Call<'_>) -> Result<(), ServiceError> {
        let resource = match call.text("ApplicationName") {
            "" => "*".to_owned(),
            name => super::identity::application_arn(call.region, &self.settings.account, name),
        };
        self.fault_on(call.now, &format!("kinesisanalytics:{operation}"), &resource)
    }

    /// The fault that hits an action, such as `logs:FilterLogEvents`, on a resource.
    pub(crate) fn fault_on(&mut self, now: Timestamp, action: &str, resource: &str) -> Result<(), ServiceError> {
        let operation = action.rsplit(':').next().unwrap_or_default();
        if self.faults.deny.contains(operation) {
            let account = &self.settings.account;
            return Err(ServiceError::new(
                ErrorCode::AccessDenied,
                format!(
                    "User: arn:aws:iam::{account}:user/emulator is not authorized to perform: {action} on resource: \
                     {resource}"
                ),
            ));
        }
        let rate = self.faults.rate.get(operation).or_else(|| self.faults.rate.get("*"));
        let over = rate.is_some_and(|rate| self.calls.taken_since(now - SECOND, operation) >= *rate);
        if over || use_one(&mut self.faults.throttle, operation) {
            return Err(ServiceError::new(ErrorCode::Throttling, "Rate exceeded"));
        }
        let refused = self.faults.refuse.get_mut(operation).and_then(Refusal::hit);
        refused.map_or(Ok(()), Err)
    }
}
