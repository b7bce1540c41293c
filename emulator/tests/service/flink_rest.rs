//! Flink's REST API behind a pre-signed URL: every shape, and how it tells a job that does not do well (facts §6.3).

use serde_json::{Map, Value, json};

use crate::bed::{Bed, code};
use crate::flink::Dashboard;

/// The counts of a map of states that are not zero.
fn present(counts: &Value) -> Map<String, Value> {
    let counts = counts.as_object().unwrap().iter();
    let present = counts.filter(|(_, count)| count.as_i64() != Some(0));
    present.map(|(state, count)| (state.clone(), count.clone())).collect()
}

/// The state of the job and of each vertex.
fn states(job: &Value) -> (&str, Vec<&str>) {
    let vertices = job["vertices"].as_array().unwrap().iter();
    (
        job["state"].as_str().unwrap(),
        vertices.map(|vertex| vertex["status"].as_str().unwrap()).collect(),
    )
}

const TWO: &str = "vertices: [{name: 'Source: orders', parallelism: 4}, {name: Sink, parallelism: 2}]\n";

#[test]
fn a_healthy_job_is_shown_with_its_vertices_and_tasks() {
    let mut flink = Dashboard::on("FLINK-2_2", TWO);
    let launched = flink.now();
    flink.bed.pass(600);
    let job = flink.of_job("", "");
    let id = job["jid"].as_str().unwrap().to_owned();
    assert_eq!(
        flink.get("jobs", ""),
        json!({ "jobs": [{ "id": id, "status": "RUNNING" }] })
    );
    assert_eq!(states(&job), ("RUNNING", vec!["RUNNING", "RUNNING"]));
    for (member, value) in [
        ("name", json!("orders")),
        ("isStoppable", json!(false)),
        ("job-type", json!("STREAMING")),
        ("start-time", json!(launched)),
        ("end-time", json!(-1)),
        ("duration", json!(600_000)),
        ("maxParallelism", json!(-1)),
        ("now", json!(launched + 600_000)),
        ("pending-operators", json!(0)),
    ] {
        assert_eq!(job[member], value, "{member}");
    }
    assert_eq!(job["timestamps"]["RUNNING"], launched);
    assert_eq!(job["timestamps"].as_object().unwrap().len(), 11);
    assert_eq!(present(&job["status-counts"]), present(&json!({ "RUNNING": 2 })));
    let source = &job["vertices"][0];
    assert_eq!(
        (&source["name"], &source["parallelism"]),
        (&json!("Source: orders"), &json!(4))
    );
    assert_eq!(source["tasks"].as_object().unwrap().len(), 10);
    assert_eq!(present(&source["tasks"]), present(&json!({ "RUNNING": 4 })));
    assert_eq!(
        (&source["duration"], &source["end-time"]),
        (&json!(600_000), &json!(-1))
    );
    assert_eq!(job["plan"]["nodes"][1]["description"], "Sink");
    assert_eq!(job["plan"]["nodes"][0]["id"], source["id"]);
}

#[test]
fn the_overview_counts_the_tasks_of_all_vertices() {
    let mut flink = Dashboard::on("FLINK-1_20", TWO);
    let overview = flink.get("jobs/overview", "");
    let job = &overview["jobs"][0];
    assert_eq!((&job["name"], &job["state"]), (&json!("orders"), &json!("RUNNING")));
    assert_eq!(present(&job["tasks"]), present(&json!({ "total": 6, "running": 6 })));
    assert_eq!(job["tasks"].as_object().unwrap().len(), 11);
    assert_eq!(job["last-modification"], job["start-time"]);
    assert!(job.get("pending-operators").is_none(), "Flink 1 has none");
    assert_eq!(flink.get("", ""), overview, "the base itself answers the overview");
}

#[test]
fn while_state_is_restored_the_job_runs_and_its_vertices_initialize() {
    let mut flink = Dashboard::on("FLINK-1_20", &format!("{TWO}initializing: 20s"));
    assert_eq!(states(&flink.of_job("", "")), ("RUNNING", vec!["INITIALIZING"; 2]));
    flink.bed.pass(20);
    assert_eq!(states(&flink.of_job("", "")), ("RUNNING", vec!["RUNNING"; 2]));
}

#[test]
fn a_failure_shows_in_the_job_its_vertices_and_its_tasks_until_it_processes_again() {
    let script = format!("{TWO}initializing: 10s\nthen: {{failsEvery: 60s}}");
    let mut flink = Dashboard::on("FLINK-1_18", &script);
    flink.bed.pass(70);
    let failed_at = flink.now();
    let job = flink.of_job("", "");
    assert_eq!(states(&job), ("RESTARTING", vec!["FAILED", "CANCELED"]));
    let tasks = json!({ "FAILED": 1, "CANCELED": 3 });
    assert_eq!(present(&job["vertices"][0]["tasks"]), present(&tasks));
    assert_eq!(job["vertices"][0]["end-time"], failed_at);
    assert_eq!(job["timestamps"]["RESTARTING"], failed_at);
    flink.bed.now += std::time::Duration::from_millis(500);
    let job = flink.of_job("", "");
    assert_eq!(states(&job), ("RESTARTING", vec!["CREATED", "CREATED"]));
    assert_eq!(job["vertices"][1]["start-time"], -1);
    flink.bed.now += std::time::Duration::from_millis(500);
    let job = flink.of_job("", "");
    assert_eq!(states(&job), ("RUNNING", vec!["INITIALIZING"; 2]));
    assert_eq!(job["timestamps"]["RUNNING"], failed_at + 1000);
    flink.bed.pass(10);
    let job = flink.of_job("", "");
    assert_eq!(states(&job), ("RUNNING", vec!["RUNNING"; 2]));
    assert_eq!(job["vertices"][0]["start-time"], failed_at + 1000);
}

#[test]
fn earlier_jobs_stay_for_an_hour_as_they_ended() {
    let mut flink = Dashboard::on("FLINK-1_20", "main: ok");
    flink.bed.update(&code("better.yaml"));
    flink.bed.pass(60);
    flink.bed.orders("StopApplication", &json!({ "Force": true }));
    flink.bed.pass(10);
    flink.bed.start();
    let statuses = |flink: &mut Dashboard| -> Vec<String> {
        let jobs = flink.get("jobs", "")["jobs"].as_array().unwrap().clone();
        jobs.iter()
            .map(|job| job["status"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(statuses(&mut flink), ["FINISHED", "CANCELED", "RUNNING"]);
    let ids: Vec<String> = flink.bed.view().jobs.iter().map(|job| job.id.clone()).collect();
    let old = flink.get(&format!("jobs/{}", ids[0]), "");
    assert_eq!(states(&old), ("FINISHED", vec!["FINISHED"]));
    assert_eq!(old["timestamps"]["FINISHED"], old["end-time"]);
    let killed = flink.get(&format!("jobs/{}", ids[1]), "");
    assert_eq!(states(&killed), ("CANCELED", vec!["CANCELED"]));
    let metrics = flink.get(&format!("jobs/{}/metrics", ids[0]), "&get=fullRestarts");
    assert_eq!(metrics, json!([]), "a job that ended has no metrics");
    flink.bed.pass(3600);
    assert_eq!(statuses(&mut flink), ["RUNNING"]);
}

#[test]
fn a_job_that_a_failed_update_left_is_shown_as_failed() {
    let bed = Bed::with_rule("failed-update", "running");
    let mut flink = Dashboard::of(bed, "FLINK-1_20", "main: ok");
    flink.bed.update(&code("throws.yaml"));
    flink.bed.pass(60);
    assert_eq!(flink.bed.status(), "RUNNING");
    assert_eq!(states(&flink.of_job("", "")), ("FAILED", vec!["FAILED"]));
}

#[test]
fn the_counter_of_restarts_has_the_name_of_the_runtime_and_starts_anew_with_each_job() {
    for (runtime, name) in [
        ("FLINK-1_18", "fullRestarts"),
        ("FLINK-1_20", "fullRestarts"),
        ("FLINK-2_2", "numRestarts"),
    ] {
        let mut flink = Dashboard::on(runtime, "then: {failsEvery: 60s}");
        assert_eq!(flink.counter(), json!([{ "id": name, "value": "0" }]), "{runtime}");
        flink.bed.pass(190);
        assert_eq!(flink.counter(), json!([{ "id": name, "value": "3" }]), "{runtime}");
        let escaped = flink.of_job("/metrics", "&get=fullRestarts%2CnumRestarts");
        assert_eq!(escaped, flink.counter());
        assert_eq!(flink.of_job("/metrics", ""), json!([{ "id": name }]));
        assert_eq!(flink.of_job("/metrics", "&get=unknown"), json!([]));
        flink.bed.update(&json!({}));
        flink.bed.pass(60);
        assert_eq!(flink.counter(), json!([{ "id": name, "value": "0" }]), "{runtime}");
    }
}

#[test]
fn exceptions_come_newest_first() {
    let script = format!("{TWO}then: {{failsEvery: 60s, exception: 'java.io.IOException: no broker'}}");
    let mut flink = Dashboard::on("FLINK-2_2", &script);
    let launched = flink.now();
    let none = flink.of_job("/exceptions", "");
    assert_eq!(
        none,
        json!({ "exceptionHistory": { "entries": [], "truncated": false } })
    );
    flink.bed.pass(130);
    let answer = flink.of_job("/exceptions", "");
    assert_eq!(answer.as_object().unwrap().len(), 1, "Flink 2 has only the history");
    let entries = answer["exceptionHistory"]["entries"].as_array().unwrap();
    let times: Vec<i64> = entries
        .iter()
        .map(|entry| entry["timestamp"].as_i64().unwrap() - launched)
        .collect();
    assert_eq!(times, [121_000, 60_000]);
    let newest = entries[0].as_object().unwrap();
    assert_eq!(newest["exceptionName"], "java.io.IOException");
    assert!(
        newest["stacktrace"]
            .as_str()
            .unwrap()
            .starts_with("java.io.IOException: no broker\n\tat ")
    );
    assert_eq!(newest["taskName"], "Source: orders (1/4) - execution #1");
    for member in ["endpoint", "taskManagerId", "failureLabels", "concurrentExceptions"] {
        assert!(newest.contains_key(member), "{member}");
    }
    let one = flink.of_job("/exceptions", "&maxExceptions=1");
    assert_eq!(one["exceptionHistory"]["entries"], json!([newest]));
    assert_eq!(one["exceptionHistory"]["truncated"], true);
}

#[test]
fn flink_1_tells_the_newest_exception_in_its_older_form_too() {
    let mut flink = Dashboard::on("FLINK-1_20", "then: {failsEvery: 60s, exception: 'E: boom'}");
    assert_eq!(flink.of_job("/exceptions", "")["root-exception"], Value::Null);
    flink.bed.pass(40_000);
    let answer = flink.of_job("/exceptions", "");
    let entries = answer["exceptionHistory"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 16, "Flink remembers no more");
    assert_eq!(answer["root-exception"], entries[0]["stacktrace"]);
    assert_eq!(answer["timestamp"], entries[0]["timestamp"]);
    assert_eq!(answer["all-exceptions"][0]["exception"], entries[0]["stacktrace"]);
    assert_eq!(answer["truncated"], true);
    assert!(entries[0].get("location").is_some());
}

#[test]
fn state_that_cannot_be_read_is_named_in_the_exceptions() {
    let mut flink = Dashboard::on("FLINK-1_20", "main: ok");
    flink
        .bed
        .put("orders-1.0.yaml", "state: {incompatibleWith: ['orders-0.*']}");
    flink.bed.update(&code("orders-1.0.yaml"));
    flink.bed.pass(60);
    flink.bed.pass(30);
    let answer = flink.of_job("/exceptions", "");
    let newest = &answer["exceptionHistory"]["entries"][0];
    assert_eq!(newest["exceptionName"], "org.apache.flink.util.StateMigrationException");
    let restored = flink.of_job("/checkpoints", "")["latest"]["restored"].clone();
    assert_eq!(restored["is_savepoint"], true, "each attempt takes the snapshot again");
}

#[test]
fn an_unknown_job_or_resource_is_not_found() {
    let mut flink = Dashboard::on("FLINK-1_20", "main: ok");
    let id = flink.bed.view().job.unwrap().id;
    for resource in [
        "jobs/0123".to_owned(),
        "taskmanagers".to_owned(),
        format!("jobs/{id}/vertices"),
    ] {
        let (status, body) = flink.ask(&resource, "");
        assert_eq!(status, 404, "{resource}");
        assert!(body["errors"][0].is_string(), "{resource}");
    }
}
