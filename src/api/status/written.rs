//! What is written of a journal: no struct that holds nothing.

use crate::api::status::journal::Journal;

impl Journal {
    /// The journal without the structs in which nothing is set; it is read back equal.
    ///
    /// Server-side apply makes null of a struct whose members were all taken back, and the API server then refuses the
    /// whole status, now and ever after.
    #[must_use]
    pub fn without_empty(mut self) -> Self {
        drop_empty(&mut self.revisions);
        drop_empty(&mut self.health);
        drop_empty(&mut self.requests);
        drop_empty(&mut self.handled);
        drop_empty(&mut self.brought_job);
        self
    }

    /// Whether nothing was ever written: the resource is new, or came back without its status.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.aws.is_none() && self.handled.is_none()
    }
}

fn drop_empty<T: Default + PartialEq>(part: &mut Option<T>) {
    part.take_if(|part| *part == T::default());
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use crate::api::crd::crd;
    use crate::api::status::FlinkApplicationStatus;

    /// A value of a schema in which only what is required is set.
    fn least(schema: &Value) -> Value {
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("object"), _) => {
                let required = schema["required"].as_array().into_iter().flatten();
                let names = required.filter_map(Value::as_str);
                let members = names.map(|name| (name.to_owned(), least(&schema["properties"][name])));
                Value::Object(members.collect())
            }
            (Some("array"), _) => json!([]),
            (Some("boolean"), _) => json!(false),
            (Some("integer"), _) => json!(0),
            (_, Some("date-time")) => json!("2026-01-01T00:00:00Z"),
            _ => json!("x"),
        }
    }

    /// Every status in which one struct is set and holds as little as it may.
    fn each_struct(schema: &Value, whole: &dyn Fn(Value) -> Value, found: &mut Vec<Value>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if property["type"] != "object" {
                continue;
            }
            let inside = |value: Value| {
                let mut members = least(schema).as_object().cloned().unwrap_or_else(Map::new);
                members.insert(name.clone(), value);
                whole(Value::Object(members))
            };
            found.push(inside(least(property)));
            each_struct(property, &inside, found);
        }
    }

    fn holds_nothing(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.is_empty() || members.values().any(holds_nothing),
            Value::Array(items) => items.iter().any(holds_nothing),
            _ => false,
        }
    }

    #[test]
    fn no_struct_of_the_status_is_written_empty_and_what_is_written_is_read_back_equal() {
        let crd = serde_json::to_value(crd()).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
        let mut statuses = Vec::new();
        each_struct(schema, &|status| status, &mut statuses);
        let empty = statuses.iter().filter(|status| holds_nothing(status)).count();
        assert!(statuses.len() >= 15 && empty >= 4, "{statuses:?}");
        for status in statuses {
            let mut read: FlinkApplicationStatus = serde_json::from_value(status.clone()).unwrap();
            read.journal = read.journal.without_empty();
            let written = serde_json::to_value(&read).unwrap();
            assert!(!holds_nothing(&written), "{status} is written as {written}");
            let again: FlinkApplicationStatus = serde_json::from_value(written).unwrap();
            assert_eq!(again, read, "{status}");
        }
    }
}
