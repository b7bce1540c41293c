//! What a resource says of itself, as the API server has it.

use serde_json::Value;

/// The condition of a type, if the resource has one.
pub(crate) fn condition<'a>(resource: &'a Value, type_: &str) -> Option<&'a Value> {
    let conditions = resource["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == type_)
}
