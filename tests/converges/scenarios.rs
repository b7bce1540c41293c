//! What users do, one story each; the harness finds the points where faults strike by itself.

use managed_flink_emulator::service::Faults;
use managed_flink_emulator::service::rules::Rules;
use serde_json::{Value, json};

use crate::script::{Act, code};

#[path = "scenarios/change_control.rs"]
pub mod change_control;
#[path = "scenarios/deadlines.rs"]
mod deadlines;
#[path = "scenarios/elsewhere.rs"]
mod elsewhere;
#[path = "scenarios/good.rs"]
mod good;
#[path = "scenarios/health.rs"]
mod health;
#[path = "scenarios/not_accepted.rs"]
pub mod not_accepted;
#[path = "scenarios/ownership.rs"]
pub mod ownership;
#[path = "scenarios/refused.rs"]
pub mod refused;
#[path = "scenarios/rollouts.rs"]
mod rollouts;
#[path = "scenarios/snapshots.rs"]
pub mod snapshots;
#[path = "scenarios/stops.rs"]
pub mod stops;
#[path = "scenarios/undesirable.rs"]
pub mod undesirable;
#[path = "scenarios/waits.rs"]
pub mod waits;
#[path = "scenarios/watched.rs"]
mod watched;
#[path = "scenarios/ways_back.rs"]
mod ways_back;

/// A story: what was there before, without faults, and what happens then.
pub struct Scenario {
    /// The name.
    pub name: &'static str,
    /// What was there before.
    pub before: Vec<Act>,
    /// What happens.
    pub acts: Vec<Act>,
    /// Whether every call must take effect as often with a fault as without.
    pub exact: bool,
    /// Whether the moment of an act, or the mood of a failing job, decides how it ends; then the laws alone are held.
    pub open: bool,
    /// Whether what happens must lead to no call that changes something.
    pub silent: bool,
    /// What the service does where it is not documented, if not the usual.
    pub rules: &'static [(&'static str, &'static str)],
}

impl Scenario {
    /// The same story, in which nothing may be changed.
    fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// The same story, in which the service answers open questions in this way.
    fn under(mut self, rules: &'static [(&'static str, &'static str)]) -> Self {
        self.rules = rules;
        self
    }

    /// The rules of the service in this story.
    pub fn rules(&self) -> Rules {
        let mut rules = Rules::default();
        for (name, value) in self.rules {
            rules.set(name, value).expect("a rule and a value of it");
        }
        rules
    }
}

fn story(name: &'static str, before: Vec<Act>, acts: Vec<Act>) -> Scenario {
    Scenario {
        name,
        before,
        acts,
        exact: true,
        open: false,
        silent: false,
        rules: &[],
    }
}

/// A story in which the moment of an act decides how many calls it takes.
fn race(name: &'static str, before: Vec<Act>, acts: Vec<Act>) -> Scenario {
    Scenario {
        exact: false,
        ..story(name, before, acts)
    }
}

/// A story in which the moment of an act decides how it ends.
fn open(name: &'static str, before: Vec<Act>, acts: Vec<Act>) -> Scenario {
    Scenario {
        open: true,
        ..story(name, before, acts)
    }
}

fn running() -> Vec<Act> {
    vec![Act::create(json!({}))]
}

fn policy(policy: &str, final_snapshot: &str) -> Value {
    json!({"deletion": {"policy": policy, "stateLoss": "Accepted", "finalSnapshot": final_snapshot}})
}

fn network() -> Value {
    json!({
        "vpc": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
        "logging": {"logStreamARN": "arn:aws:logs:eu-west-1:111122223333:log-group:/msf/orders:log-stream:app"},
    })
}

fn snapshots_off() -> Value {
    json!({
        "snapshots": {"enabled": false},
        "restore": {"onStart": "None", "onUpdate": "None"},
        "rollout": {"preChangeSnapshot": "Never"},
    })
}

fn snapshots_on() -> Value {
    json!({"snapshots": null, "restore": null, "rollout": {"preChangeSnapshot": null}})
}

/// The service does not let the controller take or delete snapshots.
pub fn no_snapshots() -> Faults {
    let deny = ["CreateApplicationSnapshot", "DeleteApplicationSnapshot"];
    Faults {
        deny: deny.map(str::to_owned).into(),
        ..Faults::default()
    }
}

fn from_config_map() -> Value {
    json!({"propertyGroups": [{"id": "kafka", "propertiesFrom": [{"configMapRef": {"name": "kafka"}}]}]})
}

fn parallelism(parallelism: i64) -> Act {
    Act::edit("parallelism", json!({"parallelism": {"parallelism": parallelism}}))
}

fn stop() -> Act {
    Act::edit("stop", json!({"desiredState": "Stopped"}))
}

fn start() -> Act {
    Act::edit("start", json!({"desiredState": "Running"}))
}

fn nonce(nonce: i64) -> Act {
    Act::edit("restart nonce", json!({"restartNonce": nonce}))
}

fn retry(value: &'static str) -> Act {
    Act::annotate("sluicegate.dev/retry-requested-at", value)
}

fn create(more: Value) -> Act {
    Act::create(more)
}

fn merged(values: &[Value]) -> Value {
    let mut all = json!({});
    for value in values {
        json_patch::merge(&mut all, value);
    }
    all
}

/// Every story.
pub fn all() -> Vec<Scenario> {
    let mut all = changes();
    all.extend(runs());
    all.extend(failures());
    all.extend(deletions());
    all.extend(in_the_middle());
    all.extend(others());
    all.extend(rollouts::all());
    all.extend(change_control::all());
    all.extend(snapshots::all());
    all.extend(good::all());
    all.extend(health::all());
    all.extend(ownership::all());
    all.extend(ways_back::all());
    all.extend(refused::all());
    all.extend(deadlines::all());
    all.extend(elsewhere::all());
    all.extend(stops::all());
    all.extend(not_accepted::all());
    all.extend(waits::all());
    all.extend(undesirable::all());
    all.extend(watched::all());
    all
}

fn changes() -> Vec<Scenario> {
    let everything = merged(&[
        network(),
        json!({
            "tags": {"team": "orders"}, "maintenanceWindow": {"startTime": "02:00"},
            "propertyGroups": [{"id": "kafka", "properties": {"a": "b"}}],
            "checkpoint": {"checkpointInterval": "30s"}, "systemRollback": {"enabled": true},
            "description": "Orders",
        }),
    ]);
    let plain = json!({"checkpoint": {"checkpointInterval": "2m"}, "monitoring": {"logLevel": "WARN"},
        "encryption": {"kmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/k"}, "runtimeEnvironment": "FLINK-2_2",
        "serviceExecutionRole": "arn:aws:iam::111122223333:role/other"});
    vec![
        story("create", vec![], running()),
        story("create with everything", vec![], vec![create(everything.clone())]),
        story(
            "remove everything that can be removed",
            vec![create(everything)],
            vec![Act::edit(
                "remove",
                json!({"vpc": null, "logging": null, "tags": null, "propertyGroups": null, "checkpoint": null, "systemRollback": null}),
            )],
        ),
        story("change one field", running(), vec![parallelism(4)]),
        story("change many fields", running(), vec![Act::edit("many", plain)]),
        story(
            "change without a snapshot",
            vec![create(json!({"rollout": {"preChangeSnapshot": "Never"}}))],
            vec![parallelism(2)],
        ),
        story(
            "change with a required snapshot",
            vec![create(json!({"rollout": {"preChangeSnapshot": "Required"}}))],
            vec![parallelism(2)],
        ),
        story("join a VPC and a log", running(), vec![Act::edit("network", network())]),
        story(
            "change VPC and log",
            vec![create(network())],
            vec![Act::edit(
                "network",
                json!({
            "vpc": {"subnetIds": ["subnet-2"], "securityGroupIds": ["sg-1"]},
            "logging": {"logStreamARN": "arn:aws:logs:eu-west-1:111122223333:log-group:/msf/orders:log-stream:b"}}),
            )],
        ),
        story(
            "change while stopped",
            vec![create(json!({"desiredState": "Stopped"}))],
            vec![Act::edit(
                "network",
                merged(&[network(), json!({"parallelism": {"parallelism": 3}})]),
            )],
        ),
        story(
            "tags",
            vec![create(json!({"tags": {"a": "1", "b": "2"}}))],
            vec![Act::edit("tags", json!({"tags": {"a": "3", "b": null, "c": "4"}}))],
        ),
        story(
            "maintenance window",
            running(),
            vec![Act::edit(
                "window",
                json!({"maintenanceWindow": {"startTime": "05:00"}}),
            )],
        ),
        story(
            "tags, window and a field",
            running(),
            vec![Act::edit(
                "mixed",
                json!({
            "tags": {"a": "1"}, "maintenanceWindow": {"startTime": "05:00"}, "parallelism": {"parallelism": 2}}),
            )],
        ),
        story(
            "a ConfigMap changes",
            vec![
                Act::config_map("kafka", Some(json!({"a": "1"}))),
                create(from_config_map()),
            ],
            vec![Act::config_map("kafka", Some(json!({"a": "2"})))],
        ),
        story(
            "a ConfigMap is missing for long",
            vec![],
            vec![
                create(from_config_map()),
                Act::config_map("kafka", Some(json!({"a": "1"}))),
            ],
        ),
        story(
            "a ConfigMap is missing for short",
            vec![],
            vec![
                create(from_config_map()),
                Act::config_map("kafka", Some(json!({"a": "1"}))).after(40),
            ],
        ),
        story("snapshots off", running(), vec![Act::edit("off", snapshots_off())]),
        story(
            "snapshots on again",
            vec![create(snapshots_off())],
            vec![Act::edit("on", snapshots_on())],
        ),
        story(
            "an invalid spec and its correction",
            running(),
            vec![
                Act::edit("invalid", json!({"checkpoint": {"checkpointInterval": "1w"}})),
                Act::edit("valid", json!({"checkpoint": null})),
            ],
        ),
        story(
            "a change and its revert",
            running(),
            vec![parallelism(2), Act::edit("revert", json!({"parallelism": null}))],
        ),
    ]
}

fn runs() -> Vec<Scenario> {
    let stopped = || vec![create(json!({})), stop()];
    let no_restore = json!({"restore": {"onStart": "None", "onUpdate": "None"}});
    vec![
        story(
            "create stopped",
            vec![],
            vec![create(json!({"desiredState": "Stopped"}))],
        ),
        story("stop", running(), vec![stop()]),
        story("start again", stopped(), vec![start()]),
        story(
            "start without state as asked",
            vec![create(no_restore.clone()), stop()],
            vec![start()],
        ),
        story(
            "change without state as asked",
            vec![create(no_restore)],
            vec![parallelism(2)],
        ),
        story(
            "stop and start with snapshots off",
            vec![create(snapshots_off())],
            vec![stop(), start()],
        ),
        story("restart", running(), vec![nonce(1)]),
        story("restart while stopped", stopped(), vec![nonce(1), start()]),
        story(
            "restart and change",
            running(),
            vec![Act::edit(
                "restart nonce",
                json!({"restartNonce": 7, "parallelism": {"parallelism": 2}}),
            )],
        ),
        story(
            "change while stopped, then start",
            stopped(),
            vec![parallelism(2), start()],
        ),
        story(
            "stop and change",
            running(),
            vec![Act::edit(
                "both",
                json!({"desiredState": "Stopped", "parallelism": {"parallelism": 2}}),
            )],
        ),
    ]
}

fn failures() -> Vec<Scenario> {
    let ends = || {
        merged(&[
            code("ends-1.yaml"),
            json!({"restore": {"onStart": "None", "onUpdate": "None"}}),
        ])
    };
    let throws = || Act::edit("code throws", code("throws-1.yaml"));
    let fixed = || Act::edit("code works", code("healthy-2.yaml"));
    vec![
        story("code that throws at first", vec![], vec![create(code("throws-1.yaml"))]),
        story(
            "code that throws at first and its fix",
            vec![create(code("throws-1.yaml"))],
            vec![fixed()],
        ),
        story("code that throws in an update", running(), vec![throws()]),
        story(
            "code that throws in an update and its fix",
            vec![create(json!({})), throws()],
            vec![fixed()],
        ),
        story(
            "code that throws and the way back",
            vec![create(json!({})), throws()],
            vec![Act::edit("back", code("healthy-1.yaml"))],
        ),
        story(
            "retry of code that throws",
            vec![create(code("throws-1.yaml"))],
            vec![retry("1")],
        ),
        story(
            "an edit beside code that throws",
            vec![create(code("throws-1.yaml"))],
            vec![Act::edit("tags", json!({"tags": {"a": "1"}}))],
        ),
        story(
            "stop with code that throws",
            vec![create(json!({})), throws()],
            vec![stop()],
        ),
        open(
            "a job that ends and leaves nothing to restore",
            vec![],
            vec![
                Act::outage("no snapshots", no_snapshots()),
                create(code("ends-1.yaml")),
                Act::pause(1200),
            ],
        ),
        race("a job that ends", vec![], vec![create(ends()), Act::pause(1200)]),
        race(
            "retry of a job that ended",
            vec![create(ends()), Act::pause(1200)],
            vec![retry("1"), Act::pause(1200)],
        ),
        race(
            "code that is not there and its fix",
            running(),
            vec![
                Act::edit("code is not there", code("gone.yaml")),
                Act::edit("code works", code("healthy-2.yaml")).after(40),
            ],
        ),
    ]
}

fn deletions() -> Vec<Scenario> {
    vec![
        story("delete with Retain", running(), vec![Act::delete()]),
        story(
            "delete with Stop",
            vec![create(policy("Stop", "BestEffort"))],
            vec![Act::delete()],
        ),
        story(
            "delete with Delete",
            vec![create(policy("Delete", "BestEffort"))],
            vec![Act::delete()],
        ),
        story(
            "delete by force",
            vec![create(policy("Delete", "Never"))],
            vec![Act::delete()],
        ),
        story(
            "delete with a required snapshot",
            vec![create(policy("Delete", "Required"))],
            vec![Act::delete()],
        ),
        story(
            "delete what is stopped",
            vec![create(merged(&[
                policy("Delete", "Required"),
                json!({"desiredState": "Stopped"}),
            ]))],
            vec![Act::delete()],
        ),
        story(
            "delete code that throws",
            vec![create(merged(&[policy("Delete", "Required"), code("throws-1.yaml")]))],
            vec![Act::delete()],
        ),
        story(
            "change the policy",
            running(),
            vec![
                Act::edit("Stop", policy("Stop", "Never")),
                Act::edit("Retain", json!({"deletion": null})),
            ],
        ),
        story(
            "delete and create again",
            vec![create(policy("Delete", "Never"))],
            vec![Act::delete(), create(json!({}))],
        ),
        story(
            "retain and create again",
            running(),
            vec![Act::delete(), create(json!({"parallelism": {"parallelism": 2}}))],
        ),
        story(
            "delete with an invalid spec",
            vec![create(policy("Delete", "BestEffort"))],
            vec![
                Act::edit("invalid", json!({"checkpoint": {"checkpointInterval": "1w"}})),
                Act::delete(),
            ],
        ),
    ]
}

fn in_the_middle() -> Vec<Scenario> {
    vec![
        race(
            "change in the middle of the first start",
            vec![],
            vec![create(json!({})), parallelism(2).after(5)],
        ),
        race(
            "stop in the middle of the first start",
            vec![],
            vec![create(json!({})), stop().after(5)],
        ),
        race(
            "change in the middle of a change",
            running(),
            vec![parallelism(2), parallelism(3).after(5)],
        ),
        race(
            "revert in the middle of a change",
            running(),
            vec![
                parallelism(2),
                Act::edit("revert", json!({"parallelism": null})).after(5),
            ],
        ),
        race(
            "stop in the middle of a change",
            running(),
            vec![parallelism(2), stop().after(5)],
        ),
        race(
            "start in the middle of a stop",
            running(),
            vec![stop(), start().after(2)],
        ),
        race(
            "restart in the middle of a restart",
            running(),
            vec![nonce(1), nonce(2).after(4)],
        ),
        race(
            "delete in the middle of the first start",
            vec![],
            vec![create(policy("Delete", "BestEffort")), Act::delete().after(5)],
        ),
        race(
            "delete in the middle of a change",
            vec![create(policy("Delete", "BestEffort"))],
            vec![parallelism(2), Act::delete().after(5)],
        ),
        race(
            "delete in the middle of a stop",
            vec![create(policy("Stop", "Required"))],
            vec![stop(), Act::delete().after(2)],
        ),
        race(
            "change in the middle of joining a VPC",
            running(),
            vec![Act::edit("network", network()), parallelism(2).after(5)],
        ),
        race(
            "fix in the middle of a failing start",
            vec![],
            vec![
                create(code("throws-1.yaml")),
                Act::edit("code works", code("healthy-2.yaml")).after(5),
            ],
        ),
    ]
}

fn others() -> Vec<Scenario> {
    let console_update = json!({"ApplicationConfigurationUpdate": {"FlinkApplicationConfigurationUpdate": {
        "ParallelismConfigurationUpdate": {"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": 9}}}});
    vec![
        story(
            "somebody stops it",
            running(),
            vec![
                Act::console("console stop", "StopApplication", json!({})),
                Act::pause(120),
            ],
        ),
        story(
            "somebody stops it by force",
            running(),
            vec![
                Act::console("console force-stop", "StopApplication", json!({"Force": true})),
                Act::pause(120),
            ],
        ),
        story(
            "somebody changes it",
            running(),
            vec![
                Act::console("console update", "UpdateApplication", console_update),
                Act::pause(120),
            ],
        ),
        story(
            "somebody starts it",
            vec![create(json!({})), stop()],
            vec![
                Act::console("console start", "StartApplication", json!({})),
                Act::pause(120),
            ],
        ),
        race(
            "maintenance in the middle of a change",
            running(),
            vec![parallelism(2), Act::maintenance().after(2)],
        ),
        race(
            "a change in the middle of maintenance",
            running(),
            vec![Act::maintenance(), parallelism(2).after(1)],
        ),
        race(
            "a change in the middle of autoscaling",
            running(),
            vec![Act::autoscaling(), parallelism(2).after(1)],
        ),
    ]
}
