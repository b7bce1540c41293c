//! Questions that invariants put to a trace.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::trace::{Call, Entry, Read, What, Write};

/// A trace with its questions.
#[derive(Clone, Copy)]
pub struct History<'a>(pub &'a [Entry]);

impl<'a> History<'a> {
    /// The mutating calls of the controller with their places.
    pub fn calls(self) -> impl Iterator<Item = (usize, &'a Entry, &'a Call)> {
        let entries = self.0.iter().enumerate();
        entries.filter_map(|(at, entry)| entry.call().map(|call| (at, entry, call)))
    }

    /// The writes to the API server with their places.
    pub fn writes(self) -> impl Iterator<Item = (usize, &'a Entry, &'a Write)> {
        let entries = self.0.iter().enumerate();
        entries.filter_map(|(at, entry)| match &entry.what {
            What::Write(write) => Some((at, entry, write)),
            _ => None,
        })
    }

    /// The object that the pass of an entry worked with.
    pub fn object(self, at: usize) -> &'a Value {
        let mut before = self.0[..=at].iter().rev();
        let object = before.find_map(|entry| match &entry.what {
            What::Pass(object) => Some(object),
            _ => None,
        });
        object.map_or(&Value::Null, |object| Arc::as_ref(object))
    }

    /// The description that the pass of an entry was planned from.
    pub fn described(self, at: usize) -> Option<&'a Read> {
        let pass = self.0[at].pass;
        let mut before = self.0[..at].iter().rev().take_while(|entry| entry.pass == pass);
        before.find_map(|entry| match &entry.what {
            What::Read(read) if read.operation == "DescribeApplication" => Some(read),
            _ => None,
        })
    }

    /// The status that was last written before an entry.
    pub fn written(self, at: usize) -> &'a Value {
        let mut before = self.0[..at].iter().rev();
        let written = before.find_map(|entry| match &entry.what {
            What::Write(Write { after: Some(after), .. }) => Some(after),
            What::Pass(object) => Some(object),
            _ => None,
        });
        written.map_or(&Value::Null, |object| &object["status"])
    }

    /// When a call took effect, if it ever did.
    pub fn effect_of(self, at: usize) -> Option<Timestamp> {
        let call = self.0[at].call()?;
        if call.took_effect {
            return Some(self.0[at].at);
        }
        self.0.iter().find_map(|entry| match entry.what {
            What::LateEffect { call, accepted: true } if call == at => Some(entry.at),
            _ => None,
        })
    }

    /// Whether between a call and a later entry the application was described at a moment that settles the call: after
    /// its effect, or after the time in which it could still arrive.
    pub fn is_settled_before(self, call: usize, later: usize, after: SignedDuration) -> bool {
        let effect = self.effect_of(call);
        let sent = self.0[call].at;
        self.0[call..later].iter().any(|entry| {
            let describes = matches!(&entry.what, What::Read(read) if read.operation == "DescribeApplication");
            describes && (entry.at >= sent + after || effect.is_some_and(|effect| entry.at >= effect))
        })
    }
}

/// The text of a member, empty when it is absent.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    member(value, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// As `Value::pointer`, which copies every name of the way: the laws ask thousands of times.
pub fn member<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    let mut names = pointer.split('/').skip(1);
    names.try_fold(value, |value, name| match value {
        Value::Object(members) if !name.contains('~') => members.get(name),
        _ => value.pointer(&format!("/{name}")),
    })
}

/// The version of an object as a number.
pub fn version(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion").parse().unwrap_or_default()
}
