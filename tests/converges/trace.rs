//! What happened in a run, in order: the material of every invariant.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// In which pass, or after which; passes count from 1 over all processes.
    pub pass: u32,
    /// In which process; a crash begins another one.
    pub process: u32,
    /// What.
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum What {
    /// A pass began with this version of the object.
    Pass(Arc<Value>),
    /// A read of the service.
    Read(Read),
    /// A mutating call of the controller.
    Call(Call),
    /// The effect of an earlier call came after its connection had broken: the index of that call in the trace, and
    /// whether the service accepted it.
    LateEffect { call: usize, accepted: bool },
    /// A write of the controller to the API server.
    Write(Write),
    /// An event of the controller.
    Event {
        reason: String,
        warning: bool,
        note: String,
    },
    /// The process died.
    Crash,
    /// The user did something.
    User(&'static str),
    /// Somebody else called the service, or the service acted by itself.
    Elsewhere(&'static str),
    /// A rollback of somebody else left this content for another one.
    Left(Value),
}

/// A read of the service.
#[derive(Clone, Debug)]
pub struct Read {
    /// The operation.
    pub operation: String,
    /// The status in the answer of `DescribeApplication`; of a look at the job, the code of HTTP.
    pub status: Option<String>,
    /// The token in the answer of `DescribeApplication`.
    pub token: Option<String>,
    /// What opens the job to everybody who knows it.
    pub secret: Option<String>,
    /// Of a look at the job: whether all of its tasks process in truth.
    pub up: Option<bool>,
}

/// A mutating call of the controller.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation.
    pub operation: String,
    /// The request.
    pub input: Arc<Value>,
    /// The application just before.
    pub before: Option<Seen>,
    /// The uid of the live resource just before.
    pub live_uid: Option<String>,
    /// Whether the service accepted it when it was sent.
    pub took_effect: bool,
    /// Whether the controller saw the answer.
    pub answered: bool,
    /// Whether the service refused it because the job is down.
    pub job_is_down: bool,
    /// The operation that the service began.
    pub operation_id: Option<String>,
    /// Where the call leads, as the service knows it.
    pub origin: Origin,
}

/// Where a call leads, as the service knows it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Whether a newer runtime than that of the application made the snapshot that is restored.
    pub newer_runtime: bool,
    /// Whether a job with the content of a good version made the snapshot; none where no snapshot is named.
    pub snapshot_of_good: Option<bool>,
    /// Whether a rollback leads to the content of the good version; none where the call is no rollback.
    pub returns_to_good: Option<bool>,
    /// The content that an update brought.
    pub brought: Option<Value>,
}

/// The application as it was.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The operations: id, kind and status.
    pub operations: Vec<(String, String, String)>,
    /// The snapshots: name and status.
    pub snapshots: Vec<(String, String)>,
    /// Whether snapshots are on.
    pub snapshots_on: bool,
}

/// A write of the controller to the API server.
#[derive(Clone, Debug)]
pub struct Write {
    /// Whether it was the status; otherwise the finalizers.
    pub status: bool,
    /// The object before.
    pub before: Option<Arc<Value>>,
    /// The object after, when the write was accepted.
    pub after: Option<Arc<Value>>,
    /// The snapshot that the job in place restored in truth.
    pub restored: Option<String>,
}

impl Entry {
    /// The call, if it was one.
    pub fn call(&self) -> Option<&Call> {
        match &self.what {
            What::Call(call) => Some(call),
            _ => None,
        }
    }
}

impl Call {
    /// Whether the call forces a stop.
    pub fn forces(&self) -> bool {
        self.operation == "StopApplication" && self.input["Force"] == true
    }

    /// Whether the call changes tags only.
    pub fn tags_only(&self) -> bool {
        matches!(self.operation.as_str(), "TagResource" | "UntagResource")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} process {} pass {}: ", self.at, self.process, self.pass)?;
        match &self.what {
            What::Pass(object) => write!(f, "object {}", object["metadata"]["resourceVersion"]),
            What::Read(read) => write!(f, "{} {}", read.operation, read.status.as_deref().unwrap_or_default()),
            What::Call(call) => {
                let effect = if call.took_effect {
                    "takes effect"
                } else {
                    "takes no effect"
                };
                let answer = if call.answered { "" } else { ", no answer" };
                write!(f, "{} {} {effect}{answer}", call.operation, call.input)
            }
            What::LateEffect { accepted, .. } => write!(f, "a late effect, accepted: {accepted}"),
            What::Write(write) => match &write.after {
                Some(after) if write.status => write!(f, "status {}", after["status"]),
                Some(after) => write!(f, "finalizers {}", after["metadata"]["finalizers"]),
                None => f.write_str("a write is refused"),
            },
            What::Event { reason, note, .. } => write!(f, "event {reason}: {note}"),
            What::Crash => f.write_str("crash"),
            What::User(what) => write!(f, "user: {what}"),
            What::Elsewhere(what) => write!(f, "elsewhere: {what}"),
            What::Left(content) => write!(f, "somebody else's rollback left {content}"),
        }
    }
}
