//! A resource as the cache of the controller holds it: shared by everybody who reads it, and without what nobody reads.

use std::borrow::Cow;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer};

use crate::api::spec::FlinkApplication;

/// A resource that is cloned by reference.
#[derive(Clone, Debug)]
pub(super) struct Cached(Arc<FlinkApplication>);

impl Cached {
    /// The resource.
    pub(super) fn app(&self) -> &Arc<FlinkApplication> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Cached {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut app = FlinkApplication::deserialize(deserializer)?;
        app.metadata.managed_fields = None;
        Ok(Self(Arc::new(app)))
    }
}

impl Resource for Cached {
    type DynamicType = ();
    type Scope = <FlinkApplication as Resource>::Scope;

    fn kind(dynamic: &()) -> Cow<'_, str> {
        FlinkApplication::kind(dynamic)
    }

    fn group(dynamic: &()) -> Cow<'_, str> {
        FlinkApplication::group(dynamic)
    }

    fn version(dynamic: &()) -> Cow<'_, str> {
        FlinkApplication::version(dynamic)
    }

    fn plural(dynamic: &()) -> Cow<'_, str> {
        FlinkApplication::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut Arc::make_mut(&mut self.0).metadata
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use kube::core::DeserializeGuard;

    use super::*;

    #[test]
    fn what_nobody_reads_is_not_held_and_what_cannot_be_read_keeps_its_name() {
        let object = |spec: serde_json::Value| {
            serde_json::json!({
                "apiVersion": "sluicegate.dev/v1alpha1",
                "kind": "FlinkApplication",
                "metadata": {"name": "orders", "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}]},
                "spec": spec,
            })
        };
        let spec = serde_json::json!({
            "runtimeEnvironment": "FLINK-1_20",
            "serviceExecutionRole": "arn:aws:iam::111122223333:role/flink/orders",
            "code": {"s3": {"bucket": "jobs", "key": "orders.jar"}},
        });
        let good: DeserializeGuard<Cached> = serde_json::from_value(object(spec)).unwrap();
        let cached = good.0.unwrap();
        assert_eq!(cached.app().metadata.managed_fields, None);
        assert!(Arc::ptr_eq(cached.app(), cached.clone().app()));
        let bad: DeserializeGuard<Cached> = serde_json::from_value(object(serde_json::json!(1))).unwrap();
        assert_eq!(bad.name_any(), "orders");
        assert!(bad.0.is_err());
    }
}
