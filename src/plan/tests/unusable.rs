//! What is decided before anything of the application counts: the finalizer, and a spec that cannot be followed.

use super::*;

#[test]
fn a_missing_config_map_is_work_in_flight_for_two_minutes_and_then_a_stall() {
    let more = "propertyGroups: [{id: g, propertiesFrom: [{configMapRef: {name: common}}]}]";
    let case = Case::new(more);
    assert_eq!(waits(&case.decide()), Reason::Pending);
    let case = case.recorded().at(119);
    assert_eq!(waits(&case.decide()), Reason::Pending);
    let (reason, message) = stalls(&case.recorded().at(120).decide());
    assert_eq!(reason, Reason::ReferenceNotFound);
    assert!(message.contains("ConfigMap common"), "{message}");
}

#[test]
fn an_invalid_spec_names_every_field_and_calls_nothing() {
    let case = Case::new("checkpoint: {checkpointInterval: 5d}\nrollout: {progressDeadline: 1s}");
    let (reason, message) = stalls(&case.decide());
    assert_eq!(reason, Reason::InvalidSpec);
    assert!(
        message.contains("checkpointInterval") && message.contains("progressDeadline"),
        "{message}"
    );
}

#[test]
fn the_finalizer_is_held_exactly_under_the_policies_that_need_it() {
    assert_eq!(Case::new("deletion: {policy: Stop}").decide().plan, Plan::Hold);
    assert_eq!(
        Case::new("deletion: {policy: Delete, stateLoss: Accepted}")
            .decide()
            .plan,
        Plan::Hold
    );
    let mut retained = Case::new("");
    retained.app.metadata.finalizers = Some(vec!["sluicegate.dev/application".into()]);
    assert_eq!(retained.decide().plan, Plan::Release);
}
