//! Tags and their registration.

use managed_flink_emulator::service::ErrorCode;
use serde_json::{Value, json};

use crate::bed::{ARN, Bed, creation};

fn tagged(tags: &Value) -> Value {
    let mut input = creation("good.yaml");
    input["Tags"] = tags.clone();
    input
}

#[test]
fn tags_are_added_replaced_and_removed_without_a_version() {
    let mut bed = Bed::new();
    bed.orders("CreateApplication", &tagged(&json!([{ "Key": "a", "Value": "1" }])));
    bed.ok(
        "TagResource",
        &json!({ "ResourceARN": ARN, "Tags": [{ "Key": "a", "Value": "2" }, { "Key": "b" }] }),
    );
    bed.ok("UntagResource", &json!({ "ResourceARN": ARN, "TagKeys": ["absent"] }));
    let list = bed.ok("ListTagsForResource", &json!({ "ResourceARN": ARN }));
    assert_eq!(
        list["Tags"],
        json!([{ "Key": "a", "Value": "2" }, { "Key": "b", "Value": "" }])
    );
    bed.ok("UntagResource", &json!({ "ResourceARN": ARN, "TagKeys": ["a", "b"] }));
    assert_eq!(
        bed.ok("ListTagsForResource", &json!({ "ResourceARN": ARN }))["Tags"],
        json!([])
    );
    assert_eq!(bed.describe()["ApplicationVersionId"], 1);
}

#[test]
fn bad_tags_are_refused() {
    let many: Vec<Value> = (0..51)
        .map(|number| json!({ "Key": format!("key-{number}") }))
        .collect();
    for (tags, code) in [
        (json!(many), ErrorCode::TooManyTags),
        (json!([{ "Key": "aws:owner" }]), ErrorCode::InvalidArgument),
        (json!([{ "Key": "a" }, { "Key": "a" }]), ErrorCode::InvalidArgument),
        (json!([]), ErrorCode::InvalidArgument),
    ] {
        let mut bed = Bed::new();
        assert_eq!(
            bed.orders_refused("CreateApplication", &tagged(&tags)).0,
            code,
            "{tags}"
        );
        bed.create("good.yaml");
        let input = json!({ "ResourceARN": ARN, "Tags": tags });
        assert_eq!(bed.refused("TagResource", &input).0, code, "{tags}");
    }
    let mut bed = Bed::new();
    let unknown = json!({ "ResourceARN": ARN });
    assert_eq!(
        bed.refused("ListTagsForResource", &unknown).0,
        ErrorCode::ResourceNotFound
    );
}

#[test]
fn tags_stay_registered_for_a_while_after_a_deletion() {
    let mut bed = Bed::new();
    let tags = json!([{ "Key": "a", "Value": "1" }]);
    bed.orders("CreateApplication", &tagged(&tags));
    let created = bed.describe()["CreateTimestamp"].clone();
    bed.orders("DeleteApplication", &json!({ "CreateTimestamp": created }));
    bed.pass(10);
    let (code, message) = bed.orders_refused("CreateApplication", &tagged(&tags));
    assert_eq!(code, ErrorCode::ConcurrentModification);
    assert!(
        message.starts_with(&format!("Tags are already registered for this resource ARN: {ARN}")),
        "{message}"
    );
    bed.pass(179);
    assert_eq!(
        bed.orders_refused("CreateApplication", &tagged(&tags)).0,
        ErrorCode::ConcurrentModification
    );
    bed.pass(1);
    bed.orders("CreateApplication", &tagged(&tags));
}

#[test]
fn without_tags_a_name_is_free_at_once_and_can_be_tagged_then() {
    let mut bed = Bed::new();
    bed.orders("CreateApplication", &tagged(&json!([{ "Key": "a" }])));
    let created = bed.describe()["CreateTimestamp"].clone();
    bed.orders("DeleteApplication", &json!({ "CreateTimestamp": created }));
    bed.pass(10);
    bed.create("good.yaml");
    bed.ok("TagResource", &json!({ "ResourceARN": ARN, "Tags": [{ "Key": "a" }] }));
}
