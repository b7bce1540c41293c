//! What applications write to CloudWatch Logs, and how it is read.

use managed_flink_emulator::service::{ErrorCode, Faults, State};
use managed_flink_emulator::wire::{Request, respond};
use managed_flink_emulator::{Service, Settings};
use serde_json::{Value, json};

use crate::bed::{ARN, Bed, REGION, code, creation};

const GROUP: &str = "/aws/kinesis-analytics/orders";
const STREAM: &str = "kinesis-analytics-log-stream";

fn stream_arn(stream: &str) -> String {
    format!("arn:aws:logs:{REGION}:111122223333:log-group:{GROUP}:log-stream:{stream}")
}

/// The application `orders` with a logging option, created from this code.
fn logging(key: &str) -> Bed {
    let mut bed = Bed::new();
    create_logging(&mut bed, key);
    bed
}

fn create_logging(bed: &mut Bed, key: &str) {
    let mut input = creation(key);
    input["CloudWatchLoggingOptions"] = json!([{ "LogStreamARN": stream_arn(STREAM) }]);
    bed.orders("CreateApplication", &input);
}

fn ask(bed: &mut Bed, members: &Value) -> Result<Value, (ErrorCode, String)> {
    let mut input = members.clone();
    input["logGroupName"] = json!(GROUP);
    let answer = bed.service.handle_logs(bed.now, REGION, "FilterLogEvents", &input);
    answer.map_err(|error| (error.code, error.message))
}

fn events(bed: &mut Bed, members: &Value) -> Vec<Value> {
    let answer = ask(bed, members).unwrap();
    answer["events"].as_array().unwrap().clone()
}

/// The `message` of every event of the group, which is JSON.
fn messages(bed: &mut Bed) -> Vec<String> {
    let message = |event: &Value| {
        let line: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
        line["message"].as_str().unwrap().to_owned()
    };
    events(bed, &json!({})).iter().map(message).collect()
}

#[test]
fn a_start_that_fails_writes_flinks_line_and_the_event_of_the_service() {
    let mut bed = logging("good.yaml");
    bed.put("generic.yaml", "main: {throws: 'java.lang.Error: List<String> -> x'}");
    bed.update(&code("generic.yaml"));
    bed.pass(3);
    bed.orders("StartApplication", &json!({}));
    bed.pass(200);
    let written = events(&mut bed, &json!({}));
    assert_eq!(written.len(), 2);
    let started = bed.now.as_millisecond() - 110_000;
    for event in &written {
        assert_eq!(event["logStreamName"], STREAM);
        assert_eq!(event["timestamp"], started, "when it failed, not when somebody looked");
        assert!(event["ingestionTime"].is_i64() && event["eventId"].is_string());
    }
    let flink: Value = serde_json::from_str(written[0]["message"].as_str().unwrap()).unwrap();
    assert_eq!(flink["applicationVersionId"], "2");
    assert_eq!(
        flink["message"],
        "Exception occurred in REST handler: Could not execute application."
    );
    assert!(flink.get("errorCode").is_none() && flink["logger"].is_string());
    let text = written[1]["message"].as_str().unwrap();
    assert!(!text.contains('\n') && text.contains("-\\u003e x"), "{text}");
    let event: Value = serde_json::from_str(text).unwrap();
    let members: Vec<&String> = event.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "applicationARN",
            "applicationVersionId",
            "errorCode",
            "message",
            "messageSchemaVersion",
            "messageType",
        ]
    );
    assert_eq!(event["applicationARN"], ARN);
    assert_eq!(event["applicationVersionId"], 2);
    assert_eq!(event["errorCode"], "CodeError.InvalidApplicationCode");
    assert_eq!(
        (&event["messageType"], &event["messageSchemaVersion"]),
        (&json!("ERROR"), &json!("1"))
    );
    let message = event["message"].as_str().unwrap();
    assert!(message.starts_with("Amazon Managed Service for Apache Flink failed to transition"));
    assert!(message.contains("transitioned to READY state"), "{message}");
    assert!(message.contains("java.lang.Error: List<String> -> x"), "{message}");
    let found = events(&mut bed, &json!({ "filterPattern": "{ $.errorCode = * }" }));
    assert_eq!(found, written[1..]);
}

#[test]
fn the_event_of_the_service_has_the_whole_error_and_the_operation_only_its_beginning() {
    let mut bed = Bed::new();
    bed.put(
        "long.yaml",
        &format!("main: {{throws: 'java.lang.Error: {}'}}", "x".repeat(600)),
    );
    create_logging(&mut bed, "long.yaml");
    bed.orders("StartApplication", &json!({}));
    bed.pass(90);
    assert!(messages(&mut bed)[1].ends_with(&"x".repeat(600)));
}

#[test]
fn a_failed_update_that_is_rolled_back_tells_of_the_version_that_failed() {
    let mut bed = logging("good.yaml");
    bed.update(&json!({ "ApplicationSystemRollbackConfigurationUpdate": { "RollbackEnabledUpdate": true } }));
    bed.pass(3);
    bed.start();
    bed.update(&code("throws.yaml"));
    bed.pass(60);
    let found = events(&mut bed, &json!({ "filterPattern": "errorCode" }));
    let event: Value = serde_json::from_str(found[0]["message"].as_str().unwrap()).unwrap();
    assert_eq!(event["applicationVersionId"], 3);
    let message = event["message"].as_str().unwrap();
    assert!(message.contains("transitioned to ROLLING_BACK state"), "{message}");
    assert_eq!(found.len(), 1);
}

#[test]
fn jobs_tell_how_they_begin_and_end() {
    let mut bed = logging("good.yaml");
    bed.put("bounded.yaml", "then: {endsAfter: 30s}");
    bed.start();
    bed.update(&code("better.yaml"));
    bed.pass(60);
    bed.orders("RollbackApplication", &json!({ "CurrentApplicationVersionId": 2 }));
    bed.pass(60);
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.pass(10);
    bed.update(&code("bounded.yaml"));
    bed.pass(3);
    bed.start();
    bed.pass(30);
    assert_eq!(bed.status(), "READY");
    bed.start();
    bed.orders("StopApplication", &json!({}));
    bed.pass(30);
    let jobs: Vec<String> = bed.view().jobs.iter().map(|job| job.id.clone()).collect();
    let changes = [
        (0, "CREATED to RUNNING"),
        (0, "RUNNING to FINISHED"),
        (1, "CREATED to RUNNING"),
        (1, "RUNNING to CANCELLING"),
        (1, "CANCELLING to CANCELED"),
        (2, "CREATED to RUNNING"),
        (2, "RUNNING to CANCELLING"),
        (2, "CANCELLING to CANCELED"),
        (3, "CREATED to RUNNING"),
        (3, "RUNNING to FINISHED"),
        (4, "CREATED to RUNNING"),
        (4, "RUNNING to FINISHED"),
    ];
    let lines = changes.map(|(job, change)| format!("Job orders ({}) switched from state {change}.", jobs[job]));
    assert_eq!(messages(&mut bed), lines);
    let first: Value = serde_json::from_str(events(&mut bed, &json!({}))[0]["message"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&first["applicationVersionId"], &first["messageType"]),
        (&json!("1"), &json!("INFO"))
    );
}

#[test]
fn a_higher_log_level_hides_the_lines_of_jobs_and_no_failure() {
    for level in ["WARN", "ERROR"] {
        let mut bed = logging("good.yaml");
        bed.update(
            &json!({ "FlinkApplicationConfigurationUpdate": { "MonitoringConfigurationUpdate": {
            "ConfigurationTypeUpdate": "CUSTOM", "LogLevelUpdate": level,
        } } }),
        );
        bed.pass(3);
        bed.start();
        assert_eq!(messages(&mut bed), [""; 0], "{level}");
        bed.update(&code("throws.yaml"));
        bed.pass(60);
        assert_eq!(messages(&mut bed).len(), 2, "{level}");
    }
}

#[test]
fn events_are_written_from_the_moment_that_a_stream_is_named_until_it_is_removed() {
    let mut bed = Bed::new();
    bed.run("good.yaml");
    let (code, message) = ask(&mut bed, &json!({})).unwrap_err();
    assert_eq!(code, ErrorCode::ResourceNotFound);
    assert!(message.contains("log group"), "{message}");
    bed.orders(
        "AddApplicationCloudWatchLoggingOption",
        &json!({ "CurrentApplicationVersionId": 1, "CloudWatchLoggingOption": { "LogStreamARN": stream_arn(STREAM) } }),
    );
    assert_eq!(messages(&mut bed), [""; 0], "the group is there");
    bed.pass(60);
    assert_eq!(messages(&mut bed).len(), 1, "the new job");
    bed.orders(
        "DeleteApplicationCloudWatchLoggingOption",
        &json!({ "CurrentApplicationVersionId": 2, "CloudWatchLoggingOptionId": "2.1" }),
    );
    bed.pass(60);
    assert_eq!(
        messages(&mut bed).len(),
        2,
        "the end of the job that had the option, not the begin of the one that has none"
    );
}

#[test]
fn the_log_outlives_the_application_and_a_restart() {
    let mut bed = logging("good.yaml");
    bed.start();
    let created = bed.describe()["CreateTimestamp"].clone();
    bed.orders("DeleteApplication", &json!({ "CreateTimestamp": created }));
    bed.pass(10);
    bed.service.advance(bed.now);
    assert!(bed.service.application_view(REGION, "orders").is_none());
    let before = messages(&mut bed);
    assert_eq!(before.len(), 3);
    let saved = serde_json::to_string(bed.service.state()).unwrap();
    let state: State = serde_json::from_str(&saved).unwrap();
    bed.service = Service::with_state(
        Settings::default(),
        Box::new(managed_flink_emulator::http::Folders::default()),
        state,
    );
    assert_eq!(messages(&mut bed), before);
}

/// Four events of two streams: one, ten seconds later two, and later one more.
fn four_events() -> Bed {
    let mut bed = logging("good.yaml");
    bed.start();
    bed.pass(10);
    bed.orders("StopApplication", &json!({ "Force": true }));
    bed.pass(10);
    let update = json!({
        "CurrentApplicationVersionId": 1,
        "CloudWatchLoggingOptionUpdates": [{ "CloudWatchLoggingOptionId": "1.1", "LogStreamARNUpdate": stream_arn("other") }],
    });
    bed.orders("UpdateApplication", &update);
    bed.pass(3);
    bed.start();
    bed
}

#[test]
fn events_are_chosen_by_time_stream_and_pattern() {
    let mut bed = four_events();
    let all = events(&mut bed, &json!({}));
    assert_eq!(all.len(), 4);
    let at = |event: &Value| event["timestamp"].as_i64().unwrap();
    assert_eq!(at(&all[1]) - at(&all[0]), 10_000);
    for (filter, chosen) in [
        (json!({ "startTime": at(&all[1]) }), &all[1..]),
        (json!({ "startTime": at(&all[1]) + 1 }), &all[3..]),
        (json!({ "endTime": at(&all[0]) }), &all[..1]),
        (
            json!({ "startTime": at(&all[1]), "endTime": at(&all[3]) - 1 }),
            &all[1..3],
        ),
        (json!({ "logStreamNames": ["other"] }), &all[3..]),
        (json!({ "logStreamNames": [STREAM, "other"] }), &all[..]),
        (json!({ "logStreamNamePrefix": "kinesis" }), &all[..3]),
        (json!({ "filterPattern": "CANCELLING" }), &all[1..3]),
        (
            json!({ "filterPattern": "\"CREATED to RUNNING\"", "logStreamNames": ["other"] }),
            &all[3..],
        ),
        (
            json!({ "startFromHead": false, "filterPattern": "CANCELED" }),
            &all[2..3],
        ),
    ] {
        assert_eq!(events(&mut bed, &filter), chosen, "{filter}");
    }
    let arn = format!("arn:aws:logs:{REGION}:111122223333:log-group:{GROUP}");
    for identifier in [GROUP.to_owned(), arn.clone(), format!("{arn}:*")] {
        let input = json!({ "logGroupIdentifier": identifier });
        let answer = bed
            .service
            .handle_logs(bed.now, REGION, "FilterLogEvents", &input)
            .unwrap();
        assert_eq!(answer["events"], json!(all), "{identifier}");
    }
}

#[test]
fn pages_follow_each_other_in_both_directions() {
    let mut bed = four_events();
    let all = events(&mut bed, &json!({}));
    for forward in [true, false] {
        let mut seen = Vec::new();
        let mut request = json!({ "limit": 3, "startFromHead": forward });
        let mut pages = 0;
        loop {
            let answer = ask(&mut bed, &request).unwrap();
            pages += 1;
            seen.extend(answer["events"].as_array().unwrap().clone());
            match answer.get("nextToken") {
                Some(token) => request = json!({ "limit": 3, "nextToken": token }),
                None => break,
            }
        }
        if !forward {
            seen.reverse();
        }
        assert_eq!((seen, pages), (all.clone(), 2), "{forward}");
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut bed = four_events();
    for (request, refusal, named) in [
        (
            json!({ "logStreamNames": ["none"] }),
            ErrorCode::ResourceNotFound,
            "log stream",
        ),
        (
            json!({ "logStreamNames": [STREAM], "logStreamNamePrefix": "k" }),
            ErrorCode::InvalidParameter,
            "logStreamNamePrefix",
        ),
        (json!({ "filterPattern": "a.b" }), ErrorCode::InvalidParameter, "a.b"),
        (json!({ "nextToken": "3" }), ErrorCode::InvalidParameter, "nextToken"),
        (json!({ "limit": 0 }), ErrorCode::InvalidParameter, "limit"),
        (json!({ "colour": 1 }), ErrorCode::InvalidParameter, "colour"),
        (
            json!({ "logGroupIdentifier": "g" }),
            ErrorCode::InvalidParameter,
            "exactly one",
        ),
        (json!({ "startTime": "now" }), ErrorCode::Serialization, "startTime"),
    ] {
        let (code, message) = ask(&mut bed, &request).unwrap_err();
        assert!(code == refusal && message.contains(named), "{request}: {message}");
    }
    let elsewhere = json!({ "logGroupName": GROUP });
    let error = bed
        .service
        .handle_logs(bed.now, "us-east-1", "FilterLogEvents", &elsewhere);
    assert_eq!(error.unwrap_err().code, ErrorCode::ResourceNotFound);
}

#[test]
fn reading_logs_can_be_denied_and_throttled_and_is_recorded() {
    let mut bed = logging("good.yaml");
    bed.service.set_faults(Faults {
        deny: ["FilterLogEvents".to_owned()].into(),
        ..Faults::default()
    });
    let (code, message) = ask(&mut bed, &json!({})).unwrap_err();
    assert_eq!(code, ErrorCode::AccessDenied);
    assert!(
        message.contains("logs:FilterLogEvents") && message.contains(GROUP),
        "{message}"
    );
    bed.service.set_faults(Faults {
        throttle: [("FilterLogEvents".to_owned(), 1)].into(),
        ..Faults::default()
    });
    assert_eq!(ask(&mut bed, &json!({})).unwrap_err().0, ErrorCode::Throttling);
    ask(&mut bed, &json!({})).unwrap();
    assert_eq!(bed.service.calls().counts["FilterLogEvents"], 3);
}

#[test]
fn logs_are_read_on_the_same_port_under_their_own_target() {
    let mut bed = logging("good.yaml");
    bed.start();
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIA/20260301/eu-west-1/logs/aws4_request, SignedHeaders=host";
    let mut send = |target: &str, body: &Value| {
        let body = body.to_string();
        let request = Request {
            path: "/",
            host: None,
            target: Some(target),
            authorization: Some(authorization),
            body: body.as_bytes(),
        };
        let response = respond(&mut bed.service, bed.now, request);
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        (response.status, body)
    };
    let (status, body) = send("Logs_20140328.FilterLogEvents", &json!({ "logGroupName": GROUP }));
    assert_eq!((status, body["events"].as_array().unwrap().len()), (200, 1));
    let (status, body) = send("Logs_20140328.FilterLogEvents", &json!({ "logGroupName": "none" }));
    assert_eq!((status, &body["__type"]), (400, &json!("ResourceNotFoundException")));
    assert!(body["message"].is_string());
    let (_, body) = send("Logs_20140328.PutLogEvents", &json!({}));
    assert_eq!(body["__type"], "UnknownOperationException");
    let (_, body) = send(
        "KinesisAnalytics_20180523.FilterLogEvents",
        &json!({ "logGroupName": GROUP }),
    );
    assert_eq!(body["__type"], "UnknownOperationException");
}

#[test]
fn every_failure_of_a_task_is_written_once_at_its_own_time_with_its_stack_trace() {
    let mut bed = logging("good.yaml");
    bed.put(
        "loops.yaml",
        "main: ok\nthen: {failsEvery: 30s, exception: 'java.io.IOException: gone'}",
    );
    bed.update(&code("loops.yaml"));
    bed.pass(3);
    bed.orders("StartApplication", &json!({}));
    bed.pass(300);
    let failures = |bed: &mut Bed| {
        let asked = json!({"filterPattern": "throwableInformation"});
        events(bed, &asked)
    };
    let first = failures(&mut bed);
    assert!(first.len() >= 2, "{first:?}");
    assert_eq!(failures(&mut bed), first, "no failure is written twice");
    assert!(
        first
            .windows(2)
            .all(|pair| pair[0]["timestamp"].as_i64() < pair[1]["timestamp"].as_i64())
    );
    let line: Value = serde_json::from_str(first[0]["message"].as_str().unwrap()).unwrap();
    let message = line["message"].as_str().unwrap();
    assert!(message.starts_with("Source -> Sink (1/1) ("), "{message}");
    assert!(message.contains(") switched from RUNNING to FAILED on "), "{message}");
    let throwable = line["throwableInformation"].as_str().unwrap();
    assert!(throwable.starts_with("java.io.IOException: gone\n\tat "), "{throwable}");
    assert_eq!(line["messageType"], "INFO");

    bed.orders("StopApplication", &json!({"Force": true}));
    bed.pass(300);
    let all = failures(&mut bed);
    bed.pass(300);
    assert_eq!(failures(&mut bed), all, "a job that ended does not fail");
}

#[test]
fn the_transitions_of_tasks_are_found_by_a_query() {
    let mut bed = logging("good.yaml");
    bed.put("loops.yaml", "main: ok\nthen: {failsEvery: 30s, exception: 'E: gone'}");
    bed.update(&code("loops.yaml"));
    bed.pass(3);
    bed.orders("StartApplication", &json!({}));
    bed.pass(300);
    let query = "fields @timestamp, message | parse message /^(?<process>.+) switched from (?<fromStatus>[A-Z]+) to (?<toStatus>[A-Z]+)./ \
                 | filter ispresent(process) and ispresent(fromStatus) and ispresent(toStatus) \
                 | display @timestamp, process, fromStatus, toStatus | sort @timestamp asc | limit 2";
    let mut ask = |operation: &str, input: &Value| bed.service.handle_logs(bed.now, REGION, operation, input);
    let mut input = json!({"logGroupName": GROUP, "queryString": query, "startTime": 0, "endTime": 4_000_000_000_i64});
    let id = ask("StartQuery", &input).unwrap()["queryId"].clone();
    let first = ask("GetQueryResults", &json!({"queryId": id})).unwrap();
    assert_eq!((&first["status"], &first["results"]), (&json!("Running"), &json!([])));
    let answer = ask("GetQueryResults", &json!({"queryId": id})).unwrap();
    assert_eq!(answer["status"], "Complete");
    let rows = answer["results"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let cells: Vec<&str> = rows[0]
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| cell["field"].as_str().unwrap())
        .collect();
    assert_eq!(cells, ["@timestamp", "process", "fromStatus", "toStatus"]);
    assert_eq!(rows[0][3]["value"], "FAILED");
    input["queryString"] = json!("stats count(*)");
    assert_eq!(ask("StartQuery", &input).unwrap_err().code, ErrorCode::MalformedQuery);
    input["logGroupName"] = json!("none");
    assert_eq!(ask("StartQuery", &input).unwrap_err().code, ErrorCode::ResourceNotFound);
    let unknown = json!({"queryId": "none"});
    assert_eq!(
        ask("GetQueryResults", &unknown).unwrap_err().code,
        ErrorCode::ResourceNotFound
    );
}
