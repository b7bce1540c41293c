//! Checkpoints as Flink's REST API tells them, and what a job restores (facts §6.3).

use serde_json::{Value, json};

use crate::bed::code;
use crate::flink::Dashboard;

#[test]
fn checkpoints_follow_the_interval_of_the_configuration_or_of_the_script() {
    for (script, completed) in [("main: ok", 10), ("checkpoints: {every: 25s}", 24)] {
        let mut flink = Dashboard::on("FLINK-1_20", script);
        flink.bed.pass(600);
        let answer = flink.of_job("/checkpoints", "");
        let counts =
            json!({ "restored": 0, "total": completed, "in_progress": 0, "completed": completed, "failed": 0 });
        assert_eq!(answer["counts"], counts);
        let latest = &answer["latest"];
        assert_eq!((&latest["failed"], &latest["savepoint"]), (&Value::Null, &Value::Null));
        assert_eq!(latest["restored"], Value::Null);
        let newest = &latest["completed"];
        assert_eq!(
            (&newest["id"], &newest["status"]),
            (&json!(completed), &json!("COMPLETED"))
        );
        assert_eq!(newest["latest_ack_timestamp"], flink.now());
        let took = newest["latest_ack_timestamp"].as_i64().unwrap() - newest["trigger_timestamp"].as_i64().unwrap();
        assert_eq!(newest["end_to_end_duration"], took);
        assert_eq!(&answer["history"][0], newest);
        assert_eq!(answer["history"].as_array().unwrap().len(), 10);
    }
}

#[test]
fn without_checkpointing_there_are_no_checkpoints() {
    let mut flink = Dashboard::on("FLINK-1_20", "main: ok");
    flink.bed.update(
        &json!({ "FlinkApplicationConfigurationUpdate": { "CheckpointConfigurationUpdate": {
        "ConfigurationTypeUpdate": "CUSTOM", "CheckpointingEnabledUpdate": false,
    } } }),
    );
    flink.bed.pass(3600);
    let answer = flink.of_job("/checkpoints", "");
    assert_eq!(answer["counts"]["total"], 0);
    assert_eq!(answer["latest"]["completed"], Value::Null);
}

#[test]
fn failing_checkpoints_are_counted_and_none_is_restored() {
    let script = "checkpoints: {every: 10s, fail: true}\nthen: {failsEvery: 60s}";
    let mut flink = Dashboard::on("FLINK-1_20", script);
    flink.bed.pass(62);
    let answer = flink.of_job("/checkpoints", "");
    assert_eq!(
        answer["counts"],
        json!({ "restored": 0, "total": 5, "in_progress": 0, "completed": 0, "failed": 5 })
    );
    assert_eq!(answer["latest"]["completed"], Value::Null);
    assert_eq!(answer["latest"]["restored"], Value::Null);
    let failed = &answer["latest"]["failed"];
    assert_eq!(failed["status"], "FAILED");
    assert!(failed["failure_timestamp"].is_i64() && failed["failure_message"].is_string());
}

#[test]
fn a_restart_restores_the_newest_checkpoint_or_the_snapshot_again() {
    let script = "initializing: 5s\ncheckpoints: {every: 50s}\nthen: {failsEvery: 30s, after: 30s}";
    let mut flink = Dashboard::on("FLINK-1_18", "main: ok");
    flink.bed.put("loops.yaml", script);
    flink
        .bed
        .put("slow.yaml", "checkpoints: {every: 1h}\nthen: {failsEvery: 60s}");
    flink.bed.update(&code("loops.yaml"));
    flink.bed.pass(60);
    let restored = |flink: &mut Dashboard| {
        let answer = flink.of_job("/checkpoints", "");
        (
            answer["counts"]["restored"].clone(),
            answer["latest"]["restored"].clone(),
        )
    };
    let launched = flink.now();
    let (count, snapshot) = restored(&mut flink);
    assert_eq!((&count, &snapshot["is_savepoint"]), (&json!(1), &json!(true)));
    assert_eq!(snapshot["restore_timestamp"], launched);
    assert!(snapshot["external_path"].as_str().unwrap().starts_with("s3://"));
    flink.bed.pass(65);
    assert_eq!(restored(&mut flink).0, 1, "it waits for its restart");
    flink.bed.pass(1);
    let (count, checkpoint) = restored(&mut flink);
    assert_eq!((&count, &checkpoint["is_savepoint"]), (&json!(2), &json!(false)));
    assert_eq!(checkpoint["restore_timestamp"], launched + 66_000);
    assert_eq!(checkpoint["id"], snapshot["id"].as_i64().unwrap() + 1);
    flink.bed.pass(5);
    flink.bed.update(&code("slow.yaml"));
    flink.bed.pass(60);
    flink.bed.pass(61);
    let (count, again) = restored(&mut flink);
    assert_eq!((&count, &again["is_savepoint"]), (&json!(2), &json!(true)));
    assert_eq!(again["restore_timestamp"], flink.now());
}

#[test]
fn checkpoint_ids_rise_one_by_one_over_failures() {
    let mut flink = Dashboard::on(
        "FLINK-1_18",
        "checkpoints: {every: 4s}\nthen: {failsEvery: 13s, after: 10s, times: 5}",
    );
    let mut seen: Vec<(i64, i64)> = Vec::new();
    for _ in 0..200 {
        flink.bed.pass(1);
        let answer = flink.of_job("/checkpoints", "");
        let newest = &answer["latest"]["completed"];
        if let Some(id) = newest["id"].as_i64() {
            let at = newest["latest_ack_timestamp"].as_i64().unwrap();
            assert_eq!(id, answer["counts"]["completed"].as_i64().unwrap());
            if seen.last().is_none_or(|(last, _)| *last != id) {
                assert_eq!(at, flink.now(), "it is shown at once");
                seen.push((id, at));
            }
            let history = answer["history"].as_array().unwrap();
            for entry in history {
                let place = (
                    entry["id"].as_i64().unwrap(),
                    entry["latest_ack_timestamp"].as_i64().unwrap(),
                );
                assert!(seen.contains(&place), "{place:?} was never the newest");
            }
        }
    }
    let ids: Vec<i64> = seen.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, (1..=i64::try_from(seen.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(
        seen.len(),
        5 + 4 * 3 + 30,
        "five before the first failure, three before each other, then on"
    );
}

#[test]
fn ignored_state_was_never_restored() {
    let mut flink = Dashboard::on("FLINK-1_20", "main: ok");
    flink.bed.put("fresh.yaml", "state: {ignored: true}");
    flink.bed.update(&code("fresh.yaml"));
    flink.bed.pass(60);
    let answer = flink.of_job("/checkpoints", "");
    assert_eq!(answer["latest"]["restored"], Value::Null);
    assert_eq!(answer["counts"]["restored"], 0);
}
