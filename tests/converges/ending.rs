//! How a run must end: the world as the spec says or a stall that says why, and then quiet; and the same end with
//! faults as without.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::argocd::{run, script};
use crate::history::{History, text};
use crate::invariants::{is_held_back, is_stalled_as, is_true, stalled_for};
use crate::run::{Ended, TAIL};
use crate::trace::{Entry, What, Write};
use crate::world::APP;

/// What a run left behind, without what may differ between two ways to the same end.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// The application: status, configuration, tags and whether a job runs.
    pub application: Value,
    /// The resource: what its conditions say.
    pub resource: Value,
    /// How the state of the job was restored at last.
    pub run: Option<Value>,
    /// How often each call took effect.
    pub effects: Option<BTreeMap<String, usize>>,
}

impl Outline {
    /// Leaves out what depends on the way to the end: how often what was called, and how the job was restored.
    pub fn forget_the_way(&mut self) {
        self.run = None;
        self.effects = None;
    }
}

/// Where two outlines differ. What the first does not know is not compared.
pub fn differences(expected: &Outline, seen: &Outline) -> Vec<String> {
    let mut found = Vec::new();
    differ("application", &expected.application, &seen.application, &mut found);
    differ("resource", &expected.resource, &seen.resource, &mut found);
    if let Some(expected) = &expected.run {
        differ("run", expected, seen.run.as_ref().unwrap_or(&Value::Null), &mut found);
    }
    if expected.effects.is_some() {
        differ("effects", &json!(expected.effects), &json!(seen.effects), &mut found);
    }
    found
}

fn differ(path: &str, expected: &Value, seen: &Value, found: &mut Vec<String>) {
    match (expected, seen) {
        (Value::Object(expected), Value::Object(seen)) => {
            let names: BTreeSet<&String> = expected.keys().chain(seen.keys()).collect();
            for name in names {
                let get = |members: &serde_json::Map<String, Value>| members.get(name).cloned().unwrap_or_default();
                differ(&format!("{path}.{name}"), &get(expected), &get(seen), found);
            }
        }
        (expected, seen) if expected != seen => {
            found.push(format!("{path} ends as {seen}, without a fault as {expected}"));
        }
        _ => {}
    }
}

/// What is wrong with the end of a run.
pub fn problems(ended: &mut Ended) -> Vec<String> {
    if let Some(unrest) = &ended.unrest {
        let status = ended.world.object().map(|object| object["status"].clone());
        return vec![format!("L1: {unrest}; the status is {}", status.unwrap_or_default())];
    }
    let mut found: Vec<String> = unmet(ended).into_iter().map(|text| format!("L1: {text}")).collect();
    found.extend(ended.world.object().iter().flat_map(|object| not_offered(object)));
    found.extend(left_down(ended));
    found.extend(unjudged(ended));
    found.extend(untold(ended));
    let status = ended.world.object().map(|object| object["status"].clone());
    let mut tail = ended.world.trace[ended.tail..].iter();
    let failing = tail.any(|entry| match &entry.what {
        What::Pass(object) => {
            let known = &object["status"]["snapshots"];
            !known["failure"].is_null() || !known["deletionFailure"].is_null() || is_rechecked(&object["status"])
        }
        _ => false,
    });
    let rechecks = failing || status.as_ref().is_some_and(is_rechecked);
    let unproven = status.is_some_and(|status| {
        status.pointer("/rollout/gate").is_some() || ["wayBack", "putBack"].iter().any(|way| status.get(way).is_some())
    });
    let observed = ended
        .world
        .object()
        .is_some_and(|object| object["spec"]["management"]["mode"] == "ObserveOnly");
    let in_trouble = ended
        .world
        .object()
        .is_some_and(|object| is_stalled_as(&object["status"], "JobUnhealthy"));
    let allowed = match (rechecks, unproven) {
        _ if observed => Costs::OBSERVED,
        (false, true) if in_trouble => Costs::OF_LOOKS,
        (true, true) => Costs::OF_UNPROVEN_RECHECKS,
        (true, false) => Costs::OF_RECHECKS,
        (_, true) => Costs::UNPROVEN,
        _ => Costs::AT_REST,
    };
    let costs = Costs::of(&ended.world.trace[ended.tail..]);
    if !costs.is_within(&allowed) {
        found.push(format!(
            "L1: {costs:?} within {TAIL:#} of quiet, allowed are {allowed:?}"
        ));
    }
    found
}

/// A job that a call brought, that can be seen, and at which nobody looked although the resource says that all was done.
fn unjudged(ended: &Ended) -> Option<String> {
    let object = ended.world.object()?;
    let status = &object["status"];
    let gate = status.pointer("/rollout/gate")?;
    let faults = ended.world.service.faults();
    let is_watched_only = object["spec"]["management"]["mode"] == "ObserveOnly";
    let goes = !object["metadata"]["deletionTimestamp"].is_null();
    let is_seen = !is_watched_only && !goes && faults.flink_rest.is_empty() && faults.deny.is_empty();
    let runs = text(status, "/aws/applicationStatus") == "RUNNING" && is_true(status, "Stalled");
    (is_seen && runs && gate["jobId"].is_null()).then(|| "L1: nobody looks at the job that a change brought".to_owned())
}

/// A job that the controller stopped for a change and that stays down because another revision waits.
fn left_down(ended: &Ended) -> Option<String> {
    let object = ended.world.object()?;
    let status = &object["status"];
    let waits = is_held_back(status) && text(status, "/aws/applicationStatus") == "READY";
    let wants_a_job = object["spec"]["desiredState"] != "Stopped" && !status["revisions"]["good"].is_null();
    let mut calls = ended.world.trace.iter().rev().filter_map(|entry| match &entry.what {
        What::Call(call) if call.took_effect => Some(call),
        _ => None,
    });
    let last = calls.find(|call| ["StartApplication", "StopApplication"].contains(&call.operation.as_str()))?;
    let stopped = last.operation == "StopApplication" && !last.forces();
    (waits && wants_a_job && stopped)
        .then(|| "L1: a job that was stopped for a change stays down while another revision waits".to_owned())
}

/// A stall that began in the run and of which no event tells.
fn untold(ended: &Ended) -> Option<String> {
    let object = ended.world.object()?;
    let (reason, message) = stalled_for(&object["status"])?;
    let trace = &ended.world.trace;
    let before = trace.iter().rposition(|entry| match &entry.what {
        What::Write(Write { after: Some(after), .. }) => {
            stalled_for(&after["status"]).is_none_or(|(before, _)| before != reason)
        }
        _ => false,
    });
    let since = before? + 1;
    // What was told in the same words within the hour is not told again.
    let is_told = |(place, entry): (usize, &Entry)| match &entry.what {
        What::Event { reason: told, note, .. } => *told == reason && (place >= since || message.starts_with(note)),
        _ => false,
    };
    let is_silent = !trace.iter().enumerate().any(is_told);
    is_silent.then(|| format!("L1: no event tells of the stall {reason}"))
}

/// The requests that a condition names and that the actions of Argo CD do not offer.
fn not_offered(object: &Value) -> Vec<String> {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let messages: String = conditions.map(|condition| text(condition, "/message")).collect();
    let named = ["snapshot", "restart", "rollback", "retry", "force-stop"];
    let mut named = named.to_vec();
    named.retain(|action| messages.contains(&format!("sluicegate.dev/{action}-requested-at")));
    if named.is_empty() {
        return Vec::new();
    }
    let offered = run(&script("actions/discovery.lua"), object);
    named.retain(|action| offered[action]["disabled"] != false);
    let lacking = named.iter();
    lacking
        .map(|action| format!("the action {action} is not offered where it is named: {messages}"))
        .collect()
}

/// What the tail of a run cost.
#[derive(Debug, Default)]
struct Costs {
    calls: usize,
    writes: usize,
    events: usize,
    reads: usize,
}

impl Costs {
    /// One full look of the new process at the end of the tail, with the errors of a few operations that failed.
    const AT_REST: Self = Self {
        calls: 0,
        writes: 0,
        events: 0,
        reads: 8,
    };
    /// One full look with one at the job that is not proven, or at the versions that a way back leads between.
    const UNPROVEN: Self = Self {
        reads: 14,
        ..Self::AT_REST
    };
    /// What somebody else began, or what was under way when the spec asked only to watch, is followed to its end.
    const OBSERVED: Self = Self {
        writes: 4,
        events: 2,
        reads: 60,
        ..Self::AT_REST
    };
    /// A job in trouble that is verified on is looked at every five minutes, and its restarts are noted.
    const OF_LOOKS: Self = Self {
        writes: 78,
        reads: 52 * 14,
        ..Self::AT_REST
    };
    /// The same for each recheck.
    const OF_UNPROVEN_RECHECKS: Self = Self {
        reads: 52 * 14,
        ..Self::OF_RECHECKS
    };
    /// A call that is sent again every five minutes, each time with its intent and its refusal, or its answer and its
    /// failure; accepted, it may hang for half an hour, which is told, or fail, which is told in other words, or bring a
    /// revision that fails and is left by the way back.
    const OF_RECHECKS: Self = Self {
        calls: 26,
        writes: 78,
        events: 9,
        reads: 52 * 6,
    };

    /// What entries cost. The looks at a call in flight are not counted: a call that is sent again may be accepted and
    /// then hang.
    fn of(entries: &[Entry]) -> Self {
        let mut costs = Self::default();
        let mut in_flight = false;
        for entry in entries {
            match &entry.what {
                What::Pass(object) => in_flight = !object["status"]["intent"].is_null(),
                What::Call(_) => costs.calls += 1,
                What::Write(_) => costs.writes += 1,
                What::Event { .. } => costs.events += 1,
                // What watches a job has a budget of its own.
                What::Read(read) if ["GetMetricData", "FilterLogEvents"].contains(&read.operation.as_str()) => {}
                What::Read(_) if !in_flight => costs.reads += 1,
                _ => {}
            }
        }
        costs
    }

    fn is_within(&self, allowed: &Self) -> bool {
        self.calls <= allowed.calls
            && self.writes <= allowed.writes
            && self.events <= allowed.events
            && self.reads <= allowed.reads
    }
}

/// Whether a refusal is one that is tried again at intervals: permission, quota, role or location, or a job that is down
/// and may come up again.
fn is_rechecked(status: &Value) -> bool {
    let class = text(status, "/refusal/class");
    let is_tried_on = text(status, "/message").contains("has not accepted");
    is_true(status, "Stalled") && is_tried_on
        || is_true(status, "Stalled")
            && matches!(class, "RoleOrLocation" | "AccessDenied" | "QuotaExceeded" | "JobDown")
}

/// What the spec asks for and the world does not have, unless the resource says that it is stalled.
fn unmet(ended: &mut Ended) -> Vec<String> {
    let Some(object) = ended.world.object() else {
        return Vec::new();
    };
    let status = &object["status"];
    if status["observedGeneration"] != object["metadata"]["generation"] {
        return vec!["observedGeneration is not the generation".to_owned()];
    }
    if is_true(status, "Stalled") {
        let said = status["message"].as_str().unwrap_or_default().len() > 10;
        return if said {
            Vec::new()
        } else {
            vec!["Stalled says nothing".to_owned()]
        };
    }
    if is_held_back(status) || object["spec"]["management"]["mode"] == "ObserveOnly" {
        return Vec::new();
    }
    let Some(detail) = ended.world.described(ended.now) else {
        return vec!["there is no application".to_owned()];
    };
    let spec = &object["spec"];
    let stopped = spec["desiredState"] == "Stopped";
    let configuration = &detail["ApplicationConfigurationDescription"];
    let flink = &configuration["FlinkApplicationConfigurationDescription"];
    let code =
        "/ApplicationCodeConfigurationDescription/CodeContentDescription/S3ApplicationCodeLocationDescription/FileKey";
    let count = |value: &Value| value.as_array().map_or(0, Vec::len);
    let pairs = [
        (
            "status",
            json!(if stopped { "READY" } else { "RUNNING" }),
            detail["ApplicationStatus"].clone(),
        ),
        (
            "code",
            spec["code"]["s3"]["key"].clone(),
            json!(text(configuration, code)),
        ),
        (
            "runtime",
            spec["runtimeEnvironment"].clone(),
            detail["RuntimeEnvironment"].clone(),
        ),
        (
            "parallelism",
            json!(spec["parallelism"]["parallelism"].as_i64().unwrap_or(1)),
            flink["ParallelismConfigurationDescription"]["Parallelism"].clone(),
        ),
        (
            "VPCs",
            json!(usize::from(!spec["vpc"].is_null())),
            json!(count(&configuration["VpcConfigurationDescriptions"])),
        ),
        (
            "log streams",
            json!(usize::from(!spec["logging"].is_null())),
            json!(count(&detail["CloudWatchLoggingOptionDescriptions"])),
        ),
        (
            "property groups",
            json!(count(&spec["propertyGroups"])),
            json!(count(
                &configuration["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]
            )),
        ),
    ];
    pairs
        .into_iter()
        .filter(|(_, wanted, seen)| wanted != seen)
        .map(|(what, wanted, seen)| format!("{what} is {seen} and should be {wanted}"))
        .collect()
}

/// The outline of a run.
pub fn outline(ended: &mut Ended) -> Outline {
    let seen = ended.world.seen(ended.now);
    let detail = ended.world.described(ended.now);
    let job = ended
        .world
        .service
        .applications()
        .into_iter()
        .find(|view| view.name == APP)
        .is_some_and(|view| view.job.is_some());
    let mut run = None;
    let application = detail.map_or(Value::Null, |mut detail| {
        strip(&mut detail);
        run = detail["ApplicationConfigurationDescription"]
            .as_object_mut()
            .and_then(|members| members.remove("RunConfigurationDescription"));
        json!({"detail": detail, "tags": seen.map(|seen| seen.tags), "job": job})
    });
    let resource = ended.world.object().map_or(Value::Null, |object| {
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let said: Vec<Value> = conditions
            .iter()
            .map(|condition| json!([condition["type"], condition["status"], condition["reason"]]))
            .collect();
        json!(said)
    });
    Outline {
        application,
        resource,
        run,
        effects: Some(effects(History(&ended.world.trace))),
    }
}

fn effects(history: History<'_>) -> BTreeMap<String, usize> {
    let mut effects = BTreeMap::new();
    for (at, _, call) in history.calls() {
        if history.effect_of(at).is_some() {
            *effects.entry(call.operation.clone()).or_default() += 1;
        }
    }
    effects
}

/// Removes what differs between two ways to the same end: times, ids, tokens and versions.
fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                !(name.ends_with("Timestamp")
                    || name == "ConfigurationType"
                    || name.ends_with("Id") && !name.ends_with("GroupId") && !name.ends_with("KeyId")
                    || name.contains("VersionUpdated")
                    || name.contains("VersionRolled")
                    || name == "ConditionalToken"
                    || name == "SnapshotName")
            });
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
