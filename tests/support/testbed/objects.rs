//! The objects of the API server, read and written through a client with the rights of the administrator.

use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use super::runtime::finish;

/// Who owns the fields of what is applied, as with `kubectl apply --server-side`.
const MANAGER: &str = "kubectl";

/// A kind of objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
}

impl Kind {
    const fn new(group: &'static str, version: &'static str, name: &'static str, plural: &'static str) -> Self {
        Self {
            group,
            version,
            name,
            plural,
        }
    }

    fn resource(self) -> ApiResource {
        let kind = GroupVersionKind::gvk(self.group, self.version, self.name);
        ApiResource::from_gvk_with_plural(&kind, self.plural)
    }
}

/// The resource of the controller.
pub(crate) const FLINK_APPLICATION: Kind =
    Kind::new("sluicegate.dev", "v1alpha1", "FlinkApplication", "flinkapplications");
/// A ConfigMap.
pub(crate) const CONFIG_MAP: Kind = Kind::new("", "v1", "ConfigMap", "configmaps");
/// An event, as `kubectl get events` shows it.
pub(crate) const EVENT: Kind = Kind::new("", "v1", "Event", "events");
/// The lease of a leader.
pub(crate) const LEASE: Kind = Kind::new("coordination.k8s.io", "v1", "Lease", "leases");
/// A namespace.
pub(crate) const NAMESPACE: Kind = Kind::new("", "v1", "Namespace", "namespaces");
/// A definition of resources.
pub(crate) const CRD: Kind = Kind::new(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
);

/// The objects of one kind, in one namespace or of the whole cluster.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    pub(super) api: Api<DynamicObject>,
    kind: Kind,
}

impl Objects {
    pub(super) fn new(client: Client, kind: Kind, namespace: Option<&str>) -> Self {
        let resource = kind.resource();
        let api = match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        Self { api, kind }
    }

    /// An object as it is; `None` when there is none.
    ///
    /// # Panics
    /// When the API server does not answer.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        let (api, wanted) = (self.api.clone(), name.to_owned());
        let found = finish(async move { api.get_opt(&wanted).await });
        self.expect("get", name, found).as_ref().map(value)
    }

    /// All objects.
    ///
    /// # Panics
    /// When the API server does not answer.
    #[track_caller]
    pub(crate) fn list(&self) -> Vec<Value> {
        let api = self.api.clone();
        let found = finish(async move { api.list(&ListParams::default()).await });
        self.expect("list", "all", found).items.iter().map(value).collect()
    }

    /// Creates an object; the error is what the API server says against it.
    pub(crate) fn try_create(&self, manifest: &Value) -> Result<(), String> {
        self.create(manifest, false)
    }

    /// What the API server says against the creation of an object, which does not happen; `None` when it would take it.
    pub(crate) fn refusal(&self, manifest: &Value) -> Option<String> {
        self.create(manifest, true).err()
    }

    fn create(&self, manifest: &Value, dry_run: bool) -> Result<(), String> {
        let object = serde_json::from_value(manifest.clone()).map_err(|error| error.to_string())?;
        let api = self.api.clone();
        let parameters = PostParams {
            dry_run,
            ..PostParams::default()
        };
        let made = finish(async move { api.create(&parameters, &object).await });
        made.map(drop).map_err(|error| words(&error))
    }

    /// Applies a manifest, whole: what an earlier one set and this one does not is removed.
    ///
    /// # Panics
    /// When the API server refuses it.
    #[track_caller]
    pub(crate) fn apply(&self, manifest: &Value) {
        let applied = self.try_apply(manifest, &PatchParams::apply(MANAGER));
        self.expect(
            "apply",
            manifest["metadata"]["name"].as_str().unwrap_or_default(),
            applied,
        );
    }

    /// The same, and it takes what others have set. The error is what the API server says against it.
    pub(crate) fn seize(&self, manifest: &Value) -> Result<(), String> {
        self.try_apply(manifest, &PatchParams::apply(MANAGER).force())
    }

    /// Applies the status of a resource of the controller, whole, as the controller does; the error is what the API server
    /// says against it.
    pub(crate) fn apply_status(&self, name: &str, status: &Value) -> Result<(), String> {
        let kind = self.kind;
        let object = json!({
            "apiVersion": format!("{}/{}", kind.group, kind.version),
            "kind": kind.name,
            "metadata": {"name": name},
            "status": status,
        });
        let (api, name) = (self.api.clone(), name.to_owned());
        let parameters = PatchParams::apply("sluicegate").force();
        let written = finish(async move { api.patch_status(&name, &parameters, &Patch::Apply(object)).await });
        written.map(drop).map_err(|error| words(&error))
    }

    /// What the API server says against the application of a manifest, which does not happen; `None` when it would take
    /// it.
    pub(crate) fn refusal_to_apply(&self, manifest: &Value) -> Option<String> {
        self.try_apply(manifest, &PatchParams::apply(MANAGER).dry_run()).err()
    }

    fn try_apply(&self, manifest: &Value, parameters: &PatchParams) -> Result<(), String> {
        let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
        self.patch_with(name, parameters, Patch::Apply(manifest.clone()))
    }

    /// Merges a patch into an object.
    ///
    /// # Panics
    /// When the API server refuses it.
    #[track_caller]
    pub(crate) fn patch(&self, name: &str, patch: &Value) {
        let patched = self.try_patch(name, patch);
        self.expect("patch", name, patched);
    }

    /// The same; the error is what the API server says against it.
    pub(crate) fn try_patch(&self, name: &str, patch: &Value) -> Result<(), String> {
        self.patch_with(name, &PatchParams::default(), Patch::Merge(patch.clone()))
    }

    /// Does operations of a JSON patch on an object.
    ///
    /// # Panics
    /// When they are no operations, and when the API server refuses them.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, operations: &Value) {
        let operations = self.expect("edit", name, serde_json::from_value(operations.clone()));
        let patched = self.patch_with(name, &PatchParams::default(), Patch::Json(operations));
        self.expect("edit", name, patched);
    }

    fn patch_with(&self, name: &str, parameters: &PatchParams, patch: Patch<Value>) -> Result<(), String> {
        let (api, name, parameters) = (self.api.clone(), name.to_owned(), parameters.clone());
        let patched = finish(async move { api.patch(&name, &parameters, &patch).await });
        patched.map(drop).map_err(|error| words(&error))
    }

    /// Sets annotations; null removes one.
    ///
    /// # Panics
    /// When the API server refuses it.
    #[track_caller]
    pub(crate) fn annotate(&self, name: &str, annotations: &Value) {
        self.patch(name, &json!({"metadata": {"annotations": annotations}}));
    }

    /// Asks for the deletion of an object and does not wait for it.
    ///
    /// # Panics
    /// When the API server refuses it.
    #[track_caller]
    pub(crate) fn delete(&self, name: &str) {
        let (api, wanted) = (self.api.clone(), name.to_owned());
        let deleted = finish(async move { api.delete(&wanted, &DeleteParams::default()).await });
        self.expect("delete", name, deleted.map(drop).map_err(|error| words(&error)));
    }

    #[track_caller]
    fn expect<T, E: std::fmt::Display>(&self, what: &str, name: &str, result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| panic!("{what} {} {name}: {error}", self.kind.name))
    }
}

/// An object as JSON.
pub(super) fn value(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_else(|error| panic!("an object is no JSON: {error}"))
}

/// What the API server says, or why nothing was heard of it.
pub(super) fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}
