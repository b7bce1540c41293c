//! A model of the API server: storage, `resourceVersion`, generation, server-side apply of a status, JSON patches,
//! finalizers and deletion, as far as the controller relies on them.

#[path = "cluster/applied.rs"]
mod applied;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of everything.
pub const NAMESPACE: &str = "streaming";

/// The stored objects; cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    version: u64,
    uids: u64,
    objects: BTreeMap<String, Arc<Value>>,
    config_maps: BTreeMap<String, Value>,
    /// Every version that an object had, the newest last.
    versions: Vec<Arc<Value>>,
}

/// A request as it matters here.
#[derive(Debug)]
pub struct Request {
    /// The verb of HTTP.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The content type.
    pub content_type: String,
    /// The body; null when there is none.
    pub body: Value,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The status of an application.
    Status(String),
    /// An application.
    Application(String),
    /// A ConfigMap.
    ConfigMap(String),
    /// Events.
    Events,
}

/// The answer: the code of HTTP and the body.
pub type Answer = (u16, Arc<Value>);

impl Request {
    /// What the request is about, by its path.
    pub fn target(&self) -> Option<Target> {
        let parts: Vec<&str> = self.path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            [
                "apis",
                "sluicegate.dev",
                "v1alpha1",
                "namespaces",
                NAMESPACE,
                "flinkapplications",
                name,
                "status",
            ] => Some(Target::Status((*name).to_owned())),
            [
                "apis",
                "sluicegate.dev",
                "v1alpha1",
                "namespaces",
                NAMESPACE,
                "flinkapplications",
                name,
            ] => Some(Target::Application((*name).to_owned())),
            ["api", "v1", "namespaces", NAMESPACE, "configmaps", name] => Some(Target::ConfigMap((*name).to_owned())),
            ["apis", "events.k8s.io", "v1", "namespaces", NAMESPACE, "events", ..] => Some(Target::Events),
            _ => None,
        }
    }
}

fn failure(code: u16, reason: &str, message: &str) -> Answer {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "reason": reason, "message": message, "code": code,
    });
    (code, Arc::new(body))
}

/// What an object of a name that is taken is answered.
pub fn already_exists(name: &str) -> Answer {
    failure(409, "AlreadyExists", &format!("{name:?} already exists"))
}

fn not_found(name: &str) -> Answer {
    failure(404, "NotFound", &format!("{name:?} not found"))
}

impl Cluster {
    /// The number of writes so far.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The object of a name.
    pub fn object(&self, name: &str) -> Option<Arc<Value>> {
        self.objects.get(name).cloned()
    }

    /// The version of an object before its newest one, of the same incarnation.
    pub fn older_version(&self, name: &str) -> Option<Arc<Value>> {
        let newest = self.object(name)?;
        let mut older = self.versions.iter().rev().filter(|version| {
            version["metadata"]["uid"] == newest["metadata"]["uid"]
                && version["metadata"]["resourceVersion"] != newest["metadata"]["resourceVersion"]
        });
        older.next().cloned()
    }

    /// Creates an application as a user does.
    pub fn create(&mut self, now: Timestamp, name: &str, spec: &Value) {
        self.uids += 1;
        let created = Timestamp::from_second(now.as_second()).unwrap_or_default();
        let object = json!({
            "apiVersion": "sluicegate.dev/v1alpha1",
            "kind": "FlinkApplication",
            "metadata": {
                "name": name, "namespace": NAMESPACE, "generation": 1, "annotations": {},
                "uid": format!("00000000-0000-4000-8000-{:012}", self.uids),
                "creationTimestamp": created.to_string(),
            },
            "spec": spec,
            "status": {"observedGeneration": -1},
        });
        self.store(name, object);
    }

    /// Changes an application as a user does: the spec, annotations or anything else but the status.
    pub fn edit(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let Some(before) = self.object(name) else { return };
        let mut after = (*before).clone();
        change(&mut after);
        if after == *before {
            return;
        }
        if after["spec"] != before["spec"] {
            let generation = before["metadata"]["generation"].as_i64().unwrap_or_default();
            after["metadata"]["generation"] = json!(generation + 1);
        }
        self.store(name, after);
    }

    /// Deletes an application as a user does; it stays as long as it has finalizers.
    pub fn delete(&mut self, now: Timestamp, name: &str) {
        let Some(object) = self.object(name) else { return };
        let held = object["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|held| !held.is_empty());
        if !held {
            self.objects.remove(name);
            self.version += 1;
        } else if object["metadata"]["deletionTimestamp"].is_null() {
            let mut object = (*object).clone();
            let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
            let deleted = Timestamp::from_second(now.as_second()).unwrap_or_default();
            object["metadata"]["deletionTimestamp"] = json!(deleted.to_string());
            object["metadata"]["generation"] = json!(generation + 1);
            self.store(name, object);
        }
    }

    /// Removes an application and creates it again with its spec, as a backup does that is restored.
    pub fn restore(&mut self, now: Timestamp, name: &str) {
        if let Some(lost) = self.objects.remove(name) {
            self.create(now, name, &lost["spec"]);
        }
    }

    /// Creates, changes or with `None` deletes a ConfigMap.
    pub fn set_config_map(&mut self, name: &str, data: Option<Value>) {
        self.version += 1;
        match data {
            Some(data) => {
                let metadata =
                    json!({"name": name, "namespace": NAMESPACE, "resourceVersion": self.version.to_string()});
                let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
                self.config_maps.insert(name.to_owned(), object);
            }
            None => {
                self.config_maps.remove(name);
            }
        }
    }

    /// Gives an object another version, as a write of somebody else does.
    pub fn touch(&mut self, name: &str) {
        if let Some(object) = self.object(name) {
            self.store(name, (*object).clone());
        }
    }

    fn store(&mut self, name: &str, mut object: Value) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(object);
        self.objects.insert(name.to_owned(), Arc::clone(&object));
        self.versions.push(Arc::clone(&object));
        object
    }

    /// Answers a request of the controller.
    pub fn answer(&mut self, request: Request) -> Answer {
        match (request.method.as_str(), request.target()) {
            ("PATCH", Some(Target::Status(name))) => self.apply_status(&name, request),
            ("PATCH", Some(Target::Application(name))) => self.patch(&name, request),
            ("GET", Some(Target::Application(name))) => match self.object(&name) {
                Some(object) => (200, object),
                None => not_found(&name),
            },
            ("GET", Some(Target::ConfigMap(name))) => match self.config_maps.get(&name) {
                Some(object) => (200, Arc::new(object.clone())),
                None => not_found(&name),
            },
            ("POST", Some(Target::Events)) => (201, Arc::new(request.body)),
            ("PATCH", Some(Target::Events)) => (200, Arc::new(request.body)),
            _ => failure(
                405,
                "MethodNotAllowed",
                &format!("{} {} is not modelled", request.method, request.path),
            ),
        }
    }

    fn apply_status(&mut self, name: &str, mut request: Request) -> Answer {
        let Some(before) = self.object(name) else {
            return not_found(name);
        };
        if request.content_type != "application/apply-patch+yaml" {
            return failure(
                415,
                "UnsupportedMediaType",
                "a status is written by server-side apply only",
            );
        }
        if request.body["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"] {
            return failure(409, "Conflict", "the object has been modified");
        }
        let status = applied::applied(&before["status"], request.body["status"].take());
        if let Some(problem) = applied::invalid("status", &status) {
            return failure(
                422,
                "Invalid",
                &format!("FlinkApplication {name:?} is invalid: {problem}"),
            );
        }
        if status == before["status"] {
            return (200, before);
        }
        let members = before.as_object().into_iter().flatten();
        let others = members.filter(|(name, _)| *name != "status");
        let mut after: Map<String, Value> = others.map(|(name, value)| (name.clone(), value.clone())).collect();
        after.insert("status".to_owned(), status);
        (200, self.store(name, Value::Object(after)))
    }

    fn patch(&mut self, name: &str, request: Request) -> Answer {
        let Some(before) = self.object(name) else {
            return not_found(name);
        };
        if request.content_type != "application/json-patch+json" {
            return failure(415, "UnsupportedMediaType", "finalizers are written by JSON patch only");
        }
        let patch: json_patch::Patch = match serde_json::from_value(request.body) {
            Ok(patch) => patch,
            Err(error) => return failure(400, "BadRequest", &error.to_string()),
        };
        let mut after = (*before).clone();
        if let Err(error) = json_patch::patch(&mut after, &patch) {
            return failure(422, "Invalid", &error.to_string());
        }
        let finalizers = |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        let deleting = !before["metadata"]["deletionTimestamp"].is_null();
        let known = finalizers(&before);
        if deleting && finalizers(&after).iter().any(|name| !known.contains(name)) {
            return failure(
                422,
                "Invalid",
                "no new finalizers can be added if the object is being deleted",
            );
        }
        let after = self.store(name, after);
        if deleting && finalizers(&after).is_empty() {
            self.objects.remove(name);
        }
        (200, after)
    }
}
