//! A resource that is created again under a name that was used before.

use serde_json::json;

use crate::scene::{Scene, deleted_with_state, healthy};

#[test]
fn a_name_whose_old_tags_linger_is_created_again_when_the_service_lets_it() {
    let scene = Scene::open_at("lingering", "20");
    let _controller = scene.controller(&[]);
    let spec = healthy(&json!({"deletion": deleted_with_state()}));
    scene.apply("orders", &spec);
    scene.ready("orders");
    scene.delete("orders");
    scene.until_gone("orders");
    let mark = scene.mark();

    scene.apply("orders", &spec);
    scene.ready("orders");

    let mut creations = scene.requests_since(mark);
    creations.retain(|call| call.operation == "CreateApplication");
    let outcomes: Vec<&str> = creations.iter().map(|call| call.outcome.as_str()).collect();
    let (last, refused) = outcomes.split_last().unwrap();
    assert_eq!(*last, "ok");
    assert!(!refused.is_empty(), "the tags of the old application did not linger");
    assert!(
        refused
            .iter()
            .all(|outcome| *outcome == "ConcurrentModificationException"),
        "{refused:?}"
    );
    let application = scene.application("orders");
    assert_eq!(application["status"], "RUNNING");
    assert_eq!(application["jobs"].as_array().map(Vec::len), Some(1), "{application}");
}

#[test]
fn an_application_that_was_retained_is_taken_over_by_a_resource_of_the_same_name() {
    let scene = Scene::open("takeover");
    let _controller = scene.controller(&[]);
    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");
    let before = scene.application("orders");
    scene.delete("orders");
    scene.until_gone("orders");
    let mark = scene.mark();

    scene.apply("orders", &healthy(&json!({})));
    scene.ready("orders");

    assert_eq!(scene.accepted_since(mark), ["TagResource"]);
    assert_eq!(scene.application("orders"), before, "the job was not touched");
}
