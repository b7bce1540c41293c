//! What users and others do in a run, and when.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use managed_flink_emulator::service::Faults;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::trace::What;
use crate::world::{APP, REGION, World};

/// That somebody else switched snapshots off.
pub const SWITCHED_OFF: &str = "console: snapshots off";

/// When the next act comes.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// When everything rests after the act before.
    Settled,
    /// So many seconds after the act before, whatever goes on.
    After(i64),
    /// When the status of the resource has this member.
    Told(&'static str),
    /// When the status of the resource has this member, or so many seconds after the act before.
    Within(&'static str, i64),
}

type Deed = Arc<dyn Fn(&mut World, Timestamp) + Send + Sync>;

/// One thing that somebody does.
#[derive(Clone)]
pub struct Act {
    /// What, in words.
    pub name: &'static str,
    /// When.
    pub when: When,
    deed: Deed,
}

impl Act {
    fn new(name: &'static str, deed: impl Fn(&mut World, Timestamp) + Send + Sync + 'static) -> Self {
        Self {
            name,
            when: When::Settled,
            deed: Arc::new(deed),
        }
    }

    /// The same act, but so many seconds after the one before.
    pub fn after(mut self, seconds: i64) -> Self {
        self.when = When::After(seconds);
        self
    }

    /// The same act, but as soon as the status of the resource has a member, given as a JSON pointer.
    pub fn once(mut self, member: &'static str) -> Self {
        self.when = When::Told(member);
        self
    }

    /// The same act, but as soon as the status of the resource has a member, or so many seconds after the act before.
    pub fn within(mut self, member: &'static str, seconds: i64) -> Self {
        self.when = When::Within(member, seconds);
        self
    }

    /// Does it.
    pub fn perform(&self, world: &mut World, now: Timestamp) {
        (self.deed)(world, now);
    }

    fn by_user(name: &'static str, deed: impl Fn(&mut Cluster, Timestamp) + Send + Sync + 'static) -> Self {
        Self::new(name, move |world, now| {
            deed(&mut world.cluster, now);
            world.note(now, What::User(name));
        })
    }

    /// The user creates the resource: the smallest spec and what is given beside it.
    pub fn create(more: Value) -> Self {
        Self::by_user("create", move |cluster, now| {
            if cluster.object(APP).is_none() {
                let mut spec = smallest();
                merge(&mut spec, &more);
                cluster.create(now, APP, &spec);
            }
        })
    }

    /// The user changes members of the spec; null removes one.
    pub fn edit(name: &'static str, change: Value) -> Self {
        Self::by_user(name, move |cluster, _| {
            cluster.edit(APP, |object| merge(&mut object["spec"], &change));
        })
    }

    /// The user sets an annotation.
    pub fn annotate(key: &'static str, value: &'static str) -> Self {
        Self::by_user(key, move |cluster, _| {
            cluster.edit(APP, |object| object["metadata"]["annotations"][key] = json!(value));
        })
    }

    /// The user lets the revision through that the status names.
    pub fn approve() -> Self {
        Self::by_user("approve", move |cluster, _| {
            cluster.edit(APP, |object| {
                let target = object["status"]["revisions"]["target"].clone();
                if target.is_string() {
                    object["metadata"]["annotations"]["sluicegate.dev/approved-revision"] = target;
                }
            });
        })
    }

    /// The user deletes the resource.
    pub fn delete() -> Self {
        Self::by_user("delete", |cluster, now| cluster.delete(now, APP))
    }

    /// The user sets or deletes a ConfigMap.
    pub fn config_map(name: &'static str, data: Option<Value>) -> Self {
        Self::new("ConfigMap", move |world, now| {
            world.cluster.set_config_map(name, data.clone());
            world.note(now, What::User("ConfigMap"));
        })
    }

    /// Nothing; time passes.
    pub fn pause(seconds: i64) -> Self {
        Self::new("pause", |_, _| {}).after(seconds)
    }

    /// Somebody else calls the service about the application; it may be the wrong moment.
    pub fn console(name: &'static str, operation: &'static str, input: Value) -> Self {
        Self::new(name, move |world, now| {
            let mut input = input.clone();
            input["ApplicationName"] = json!(APP);
            if let Some(detail) = world.described(now) {
                if operation == "TagResource" {
                    input["ResourceARN"] = detail["ApplicationARN"].clone();
                    input.as_object_mut().map(|input| input.remove("ApplicationName"));
                }
                if operation == "UpdateApplication" {
                    input["ConditionalToken"] = detail["ConditionalToken"].clone();
                }
                let left = (operation == "RollbackApplication").then(|| world.content_in_place(now));
                if left.is_some() {
                    input["CurrentApplicationVersionId"] = detail["ApplicationVersionId"].clone();
                }
                let answer = world.service.handle(now, REGION, operation, &input);
                if answer.is_ok() {
                    world.note(now, What::Elsewhere(name));
                    let left = left
                        .flatten()
                        .filter(|left| world.content_in_place(now).as_ref() != Some(left));
                    if let Some(left) = left {
                        world.note(now, What::Left(left));
                    }
                }
            }
        })
    }

    /// Somebody else switches snapshots off.
    pub fn switch_snapshots_off() -> Self {
        let off = json!({"ApplicationSnapshotConfigurationUpdate": {"SnapshotsEnabledUpdate": false}});
        let input = json!({"ApplicationConfigurationUpdate": off});
        Self::console(SWITCHED_OFF, "UpdateApplication", input)
    }

    /// Somebody else deploys other code.
    pub fn console_deploy(key: &'static str) -> Self {
        let location = json!({"FileKeyUpdate": key});
        let content = json!({"CodeContentUpdate": {"S3ContentLocationUpdate": location}});
        let input = json!({"ApplicationConfigurationUpdate": {"ApplicationCodeConfigurationUpdate": content}});
        Self::console("console deploy", "UpdateApplication", input)
    }

    /// What is begun with these operations comes to no end by itself, and nothing else is out of order.
    pub fn hanging(operations: &[&str]) -> Self {
        let hang = operations.iter().map(|operation| (*operation).to_owned());
        let faults = Faults {
            hang: hang.collect(),
            ..Faults::default()
        };
        Self::outage("operations hang", faults)
    }

    /// What is begun with these operations is listed in progress although it is over, and nothing else is out of order.
    pub fn lingering(operations: &[&str]) -> Self {
        let linger = operations.iter().map(|operation| (*operation).to_owned());
        let faults = Faults {
            linger: linger.collect(),
            ..Faults::default()
        };
        Self::outage("operations linger", faults)
    }

    /// Somebody else goes back to the version before.
    pub fn console_rollback() -> Self {
        Self::console("console rollback", "RollbackApplication", json!({}))
    }

    /// No process of the controller runs for so many seconds.
    pub fn away(seconds: i64) -> Self {
        Self::new("the controller is away", move |world, now| {
            world.away_until = Some(now + SignedDuration::from_secs(seconds));
        })
    }

    /// The service does not let the controller call these operations, and nothing else is out of order.
    pub fn denied(operations: &[&str]) -> Self {
        let deny = operations.iter().map(|operation| (*operation).to_owned());
        let faults = Faults {
            deny: deny.collect(),
            ..Faults::default()
        };
        Self::outage("a permission is missing", faults)
    }

    /// The resource comes back from a backup: as it was written, without its status.
    pub fn restored() -> Self {
        Self::new("restored from a backup", |world, now| {
            world.cluster.restore(now, APP);
            world.note(now, What::Elsewhere("restored from a backup"));
        })
    }

    /// Somebody else makes and starts an application of the name, with what the smallest spec asks for.
    pub fn foreign_application() -> Self {
        Self::foreign_application_of("healthy-1.yaml")
    }

    /// The same with other code.
    pub fn foreign_application_of(key: &'static str) -> Self {
        Self::new("console: an application", move |world, now| {
            let location = json!({"BucketARN": "arn:aws:s3:::demo", "FileKey": key});
            let code = json!({"CodeContent": {"S3ContentLocation": location}, "CodeContentType": "ZIPFILE"});
            let create = json!({
                "ApplicationName": APP,
                "ApplicationMode": "STREAMING",
                "RuntimeEnvironment": "FLINK-1_20",
                "ServiceExecutionRole": "arn:aws:iam::111122223333:role/orders",
                "ApplicationConfiguration": {"ApplicationCodeConfiguration": code},
            });
            let run = json!({"ApplicationName": APP, "RunConfiguration": {}});
            for (operation, input) in [("CreateApplication", create), ("StartApplication", run)] {
                let answer = world.service.handle(now, REGION, operation, &input);
                assert!(answer.is_ok(), "{operation}: {answer:?}");
            }
            world.note(now, What::Elsewhere("console: an application"));
        })
    }

    /// Somebody else deletes the application.
    pub fn delete_application() -> Self {
        Self::new("console: a deletion", |world, now| {
            let created = world.described(now).map(|detail| detail["CreateTimestamp"].clone());
            let input = json!({"ApplicationName": APP, "CreateTimestamp": created});
            if world.service.handle(now, REGION, "DeleteApplication", &input).is_ok() {
                world.note(now, What::Elsewhere("console: a deletion"));
            }
        })
    }

    /// Somebody else deletes every snapshot.
    pub fn delete_snapshots() -> Self {
        Self::new("console: no snapshot is left", |world, now| {
            let input = json!({"ApplicationName": APP});
            let list = world.service.handle(now, REGION, "ListApplicationSnapshots", &input);
            let list = list.unwrap_or_default();
            for snapshot in list["SnapshotSummaries"].as_array().into_iter().flatten() {
                let input = json!({
                    "ApplicationName": APP,
                    "SnapshotName": snapshot["SnapshotName"],
                    "SnapshotCreationTimestamp": snapshot["SnapshotCreationTimestamp"],
                });
                let _ = world.service.handle(now, REGION, "DeleteApplicationSnapshot", &input);
            }
            world.note(now, What::Elsewhere("console: no snapshot is left"));
        })
    }

    /// From then on the service is out of order in these ways and no others.
    pub fn outage(name: &'static str, faults: Faults) -> Self {
        Self::new(name, move |world, now| {
            world.service.set_faults(faults.clone());
            world.note(now, What::Elsewhere(name));
        })
    }

    /// The service patches the application.
    pub fn maintenance() -> Self {
        Self::new("maintenance", |world, now| {
            if world.service.begin_maintenance(now, REGION, APP).is_ok() {
                world.note(now, What::Elsewhere("maintenance"));
            }
        })
    }

    /// The service scales the application.
    pub fn autoscaling() -> Self {
        Self::new("autoscaling", |world, now| {
            if world.service.begin_autoscaling(now, REGION, APP).is_ok() {
                world.note(now, What::Elsewhere("autoscaling"));
            }
        })
    }
}

/// The smallest spec.
pub fn smallest() -> Value {
    json!({
        "desiredState": "Running",
        "runtimeEnvironment": "FLINK-1_20",
        "serviceExecutionRole": "arn:aws:iam::111122223333:role/orders",
        "code": {"s3": {"bucket": "demo", "key": "healthy-1.yaml"}},
        "rollout": {"gate": {"stableFor": "3s", "minCompletedCheckpoints": 0}},
    })
}

/// A spec whose code is an object.
pub fn code(key: &str) -> Value {
    json!({"code": {"s3": {"bucket": "demo", "key": key}}})
}

/// Lays one JSON object over another, as a JSON merge patch does.
pub fn merge(target: &mut Value, change: &Value) {
    json_patch::merge(target, change);
}

/// A duration in seconds.
pub fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}
