//! Tags (facts §1.13) and their registration, which outlives a deleted application (facts §1.1).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::application::{Application, Status};
use super::call::Call;
use super::error::{ErrorCode, ServiceError};
use super::state::Service;

const MOST: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: Option<String>,
}

/// The tags of a request. A key may come once and must not be reserved for AWS.
pub(crate) fn read_tags(value: Option<&Value>) -> Result<BTreeMap<String, String>, ServiceError> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(BTreeMap::new());
    };
    let tags: Vec<Tag> = Call::parse_value(value)?;
    let mut read = BTreeMap::new();
    for tag in tags {
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ServiceError::argument(format!(
                "Tag key {:?} starts with aws:, which is reserved",
                tag.key
            )));
        }
        if let Some(old) = read.insert(tag.key.clone(), tag.value.unwrap_or_default()) {
            return Err(ServiceError::argument(format!(
                "Tag key {:?} appears twice (once as {old:?})",
                tag.key
            )));
        }
    }
    few_enough(&read)?;
    Ok(read)
}

fn few_enough(tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if tags.len() <= MOST {
        return Ok(());
    }
    let message = format!(
        "An application has at most {MOST} tags; this call would make {}",
        tags.len()
    );
    Err(ServiceError::new(ErrorCode::TooManyTags, message))
}

impl Service {
    pub(crate) fn tag_resource(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let added = read_tags(call.input.get("Tags"))?;
        let is_ignored = self.faults.ignore.contains("TagResource");
        let application = self.tagged_mut(call, "TagResource")?;
        let mut tags = application.tags.clone();
        tags.extend(added);
        few_enough(&tags)?;
        if !is_ignored {
            application.tags = tags;
        }
        Ok(json!({}))
    }

    pub(crate) fn untag_resource(&mut self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let keys: Vec<String> = Call::parse_value(call.input.get("TagKeys").unwrap_or(&Value::Null))?;
        let is_ignored = self.faults.ignore.contains("UntagResource");
        let application = self.tagged_mut(call, "UntagResource")?;
        application.tags.retain(|key, _| is_ignored || !keys.contains(key));
        Ok(json!({}))
    }

    pub(crate) fn list_tags_for_resource(&self, call: &Call<'_>) -> Result<Value, ServiceError> {
        let application = self.tagged(call)?;
        let tags: Vec<Value> = application
            .tags
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        Ok(json!({ "Tags": tags }))
    }

    fn tagged(&self, call: &Call<'_>) -> Result<&Application, ServiceError> {
        let arn = call.text("ResourceARN");
        self.state
            .applications
            .get(call.region)
            .and_then(|applications| applications.values().find(|application| application.arn == arn))
            .ok_or_else(|| ServiceError::not_found(format!("Resource {arn} does not exist")))
    }

    /// Tags change only while the application is at rest.
    fn tagged_mut(&mut self, call: &Call<'_>, operation: &str) -> Result<&mut Application, ServiceError> {
        let arn = call.text("ResourceARN");
        let application = self
            .state
            .applications
            .get_mut(call.region)
            .and_then(|applications| applications.values_mut().find(|application| application.arn == arn))
            .ok_or_else(|| ServiceError::not_found(format!("Resource {arn} does not exist")))?;
        application.in_status(operation, &[Status::Ready, Status::Running])?;
        Ok(application)
    }
}
