//! The dashboard of a running application, opened by its pre-signed URL.

use serde_json::{Value, json};

use crate::bed::{Bed, creation};

/// An open dashboard of `orders`.
pub(crate) struct Dashboard {
    pub(crate) bed: Bed,
    base: String,
    query: String,
}

impl Dashboard {
    /// An application on this runtime that began to run with this script.
    pub(crate) fn on(runtime: &str, script: &str) -> Self {
        Self::of(Bed::new(), runtime, script)
    }

    pub(crate) fn of(mut bed: Bed, runtime: &str, script: &str) -> Self {
        bed.put("orders-0.9.yaml", script);
        let mut input = creation("orders-0.9.yaml");
        input["RuntimeEnvironment"] = json!(runtime);
        bed.orders("CreateApplication", &input);
        bed.start();
        let asked = json!({ "UrlType": "FLINK_DASHBOARD_URL" });
        let answer = bed.orders("CreateApplicationPresignedUrl", &asked);
        let url = answer["AuthorizedUrl"].as_str().unwrap();
        let (base, query) = url.split_once('?').unwrap();
        let base = base.strip_prefix("http://localhost").unwrap().to_owned();
        let query = query.to_owned();
        let mut dashboard = Self { bed, base, query };
        dashboard.get("jobs", "");
        dashboard
    }

    pub(crate) fn ask(&mut self, resource: &str, more: &str) -> (u16, Value) {
        let (path, query) = (format!("{}/{resource}", self.base), format!("{}{more}", self.query));
        self.bed.service.flink_rest(self.bed.now, &path, &query)
    }

    pub(crate) fn get(&mut self, resource: &str, more: &str) -> Value {
        let (status, body) = self.ask(resource, more);
        assert_eq!(status, 200, "{resource}: {body}");
        body
    }

    /// A resource of the newest job.
    pub(crate) fn of_job(&mut self, resource: &str, more: &str) -> Value {
        let id = self.bed.view().jobs.last().unwrap().id.clone();
        self.get(&format!("jobs/{id}{resource}"), more)
    }

    pub(crate) fn counter(&mut self) -> Value {
        self.of_job("/metrics", "&get=fullRestarts,numRestarts")
    }

    pub(crate) fn now(&self) -> i64 {
        self.bed.now.as_millisecond()
    }
}
