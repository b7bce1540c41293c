//! The clock: speed, the next event, a saved state, and the same answers for the same calls.

use managed_flink_emulator::{Service, Settings};
use serde_json::json;

use crate::bed::Bed;

#[test]
fn the_speed_divides_every_duration() {
    let mut bed = Bed::with(Settings {
        speed: 90.0,
        ..Settings::default()
    });
    bed.create("good.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.pass(1);
    assert_eq!(bed.status(), "RUNNING");
}

#[test]
fn the_next_event_is_named_and_reaching_it_changes_the_status() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    assert_eq!(bed.service.next_event_at(), None);
    bed.orders("StartApplication", &json!({}));
    bed.now = bed.service.next_event_at().unwrap();
    assert_eq!(bed.status(), "RUNNING");
    assert_eq!(bed.service.next_event_at(), None);
}

#[test]
fn a_saved_state_goes_on_where_it_was() {
    let mut bed = Bed::new();
    bed.create("good.yaml");
    bed.orders("StartApplication", &json!({}));
    let saved = serde_json::to_string(bed.service.state()).unwrap();
    let before = bed.describe();
    let objects = Box::new(NoObjects);
    bed.service = Service::with_state(Settings::default(), objects, serde_json::from_str(&saved).unwrap());
    assert_eq!(bed.describe(), before);
    bed.pass(90);
    assert_eq!(bed.status(), "RUNNING", "the code was stored with the version");
}

struct NoObjects;

impl managed_flink_emulator::Objects for NoObjects {
    fn read(&self, _: &str, _: &str, _: Option<&str>) -> Option<Vec<u8>> {
        None
    }
}

#[test]
fn the_same_calls_give_the_same_answers() {
    let record = || {
        let mut bed = Bed::new();
        bed.run("good.yaml");
        bed.update(&json!({}));
        bed.pass(60);
        serde_json::to_string(&(bed.describe(), bed.snapshots(), bed.newest_operation())).unwrap()
    };
    assert_eq!(record(), record());
}
