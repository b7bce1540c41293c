//! `sluicegate import`, `plan` and `transitions`, against applications that exist.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::scene::{PATIENCE, ROLE, Scene};
use crate::testbed::{built, eventually, scratch};

/// Runs the program against the emulator of a scene.
fn sluicegate(scene: &Scene, arguments: &[&str]) -> Output {
    Command::new(built("sluicegate").unwrap())
        .args(arguments)
        .env("AWS_ENDPOINT_URL", &scene.emulator.url)
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
        .env("AWS_SECRET_ACCESS_KEY", "secret-of-the-test-bed")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The manifest of an application, in a file.
fn imported(scene: &Scene, name: &str, folder: &Path) -> (String, String) {
    let output = sluicegate(scene, &["import", "--name", name]);
    assert!(output.status.success(), "{name}: {}", text(&output.stderr));
    let file = folder.join(format!("{name}.yaml"));
    std::fs::write(&file, &output.stdout).unwrap();
    (file.display().to_string(), text(&output.stdout))
}

/// Somebody creates an application: the plain configuration and more members.
fn create(scene: &Scene, name: &str, flink: &Value, more: &Value, around: &Value) {
    let location = json!({"BucketARN": "arn:aws:s3:::code", "FileKey": "healthy.yaml"});
    let mut configuration = json!({
        "ApplicationCodeConfiguration": {"CodeContentType": "ZIPFILE", "CodeContent": {"S3ContentLocation": location}},
        "FlinkApplicationConfiguration": flink,
    });
    let mut input = json!({"ApplicationName": name, "RuntimeEnvironment": "FLINK-1_20", "ServiceExecutionRole": ROLE});
    for (member, value) in more.as_object().into_iter().flatten() {
        configuration[member] = value.clone();
    }
    for (member, value) in around.as_object().into_iter().flatten() {
        input[member] = value.clone();
    }
    input["ApplicationConfiguration"] = configuration;
    scene.call("CreateApplication", &input);
}

/// Twenty applications, each with something of its own: Flink's part, the rest, and what is around it.
fn twenty() -> Vec<(Value, Value, Value)> {
    let none = || json!({});
    let parallelism = |parallelism: u64, per_kpu: u64, scales: bool| json!({"ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "Parallelism": parallelism, "ParallelismPerKPU": per_kpu, "AutoScalingEnabled": scales}});
    let checkpoint = |enabled: bool, interval: u64, pause: u64| json!({"CheckpointConfiguration": {"ConfigurationType": "CUSTOM", "CheckpointingEnabled": enabled, "CheckpointInterval": interval, "MinPauseBetweenCheckpoints": pause}});
    let monitoring = |metrics: &str, log: &str| json!({"MonitoringConfiguration": {"ConfigurationType": "CUSTOM", "MetricsLevel": metrics, "LogLevel": log}});
    let properties = |value: &str| {
        let group = json!({"PropertyGroupId": "kafka", "PropertyMap": {"bootstrap.servers": value, "yes": "no"}});
        json!({"EnvironmentProperties": {"PropertyGroups": [group]}})
    };
    let snapshots = |on: bool| json!({"ApplicationSnapshotConfiguration": {"SnapshotsEnabled": on}});
    let vpc = json!({"VpcConfigurations": [{"SubnetIds": ["subnet-b", "subnet-a"], "SecurityGroupIds": ["sg-1"]}]});
    let stream = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink:log-stream:orders";
    vec![
        (none(), none(), none()),
        (parallelism(4, 1, true), none(), none()),
        (parallelism(4, 2, false), none(), none()),
        (parallelism(1, 1, false), none(), none()),
        (checkpoint(true, 90_000, 5_000), none(), none()),
        (checkpoint(true, 1_500, 0), none(), none()),
        (checkpoint(false, 60_000, 5_000), none(), none()),
        (monitoring("TASK", "INFO"), none(), none()),
        (monitoring("APPLICATION", "ERROR"), none(), none()),
        (monitoring("PARALLELISM", "DEBUG"), none(), none()),
        (none(), properties("b-1.example:9098"), none()),
        (none(), properties("# no comment: {a}"), none()),
        (none(), snapshots(true), none()),
        (none(), snapshots(false), none()),
        (none(), vpc.clone(), none()),
        (parallelism(2, 1, true), vpc, json!({"RuntimeEnvironment": "FLINK-2_2"})),
        (
            none(),
            none(),
            json!({"CloudWatchLoggingOptions": [{"LogStreamARN": stream}]}),
        ),
        (none(), none(), json!({"Tags": [{"Key": "team", "Value": "orders"}]})),
        (none(), none(), json!({"ApplicationDescription": "Orders: all of them"})),
        (none(), none(), json!({"RuntimeEnvironment": "FLINK-2_2"})),
    ]
}

#[test]
fn what_is_imported_plans_to_no_change_for_twenty_different_applications() {
    let scene = Scene::open("imported");
    let folder = scratch("imported").unwrap();
    let all = twenty();
    assert_eq!(all.len(), 20);
    let mut manifests = Vec::new();
    for (number, (flink, more, around)) in all.iter().enumerate() {
        let name = format!("Orders_{number}");
        create(&scene, &name, flink, more, around);
        let (file, manifest) = imported(&scene, &name, &folder);
        let output = sluicegate(&scene, &["plan", "-f", &file]);
        let told = text(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{told}{}\n{manifest}",
            text(&output.stderr)
        );
        assert!(told.contains(": no change; no job is started"), "{told}");
        manifests.push(manifest);
    }
    let apply = ["apply", "--dry-run=server", "-n", &scene.namespace, "-f", "-"];
    let valid = scene.cluster.kubectl(&apply, Some(&manifests.join("\n---\n")));
    assert!(
        valid.success,
        "the API server takes them: {}\n{manifests:?}",
        valid.stderr
    );
    assert_eq!(valid.stdout.lines().count(), all.len(), "{}", valid.stdout);
    let changes = scene.requests_since(0);
    assert!(
        changes.iter().all(|call| call.operation == "CreateApplication"),
        "{changes:?}"
    );
}

#[test]
fn what_kubectl_reads_of_an_import_is_what_the_application_has() {
    let scene = Scene::open("imported-texts");
    let folder = scratch("imported-texts").unwrap();
    let texts = [
        "no",
        "y",
        "off",
        "~",
        "22:00",
        "1_000",
        "<<",
        "=",
        "2001-01-01",
        "a\nb",
        " a ",
        "\u{7f}",
        "a\u{85}b",
        "\u{90}",
        "\u{2028}",
        "\u{fffe}",
        "\u{feff}",
        "\u{1f600}",
        "\u{1}",
        "'\"\\",
        "\ta",
    ];
    let mut properties: serde_json::Map<String, Value> =
        texts.iter().map(|text| ((*text).to_owned(), json!(text))).collect();
    properties.insert("k".repeat(2048), json!("\u{ac00}".repeat(2048)));
    let group = json!({"PropertyGroupId": "texts", "PropertyMap": properties});
    let more = json!({"EnvironmentProperties": {"PropertyGroups": [group]}});
    let flink = json!({"CheckpointConfiguration": {"ConfigurationType": "CUSTOM", "CheckpointingEnabled": true, "CheckpointInterval": 172_800_000_i64, "MinPauseBetweenCheckpoints": 0}});
    create(&scene, "texts", &flink, &more, &json!({}));
    let (file, manifest) = imported(&scene, "texts", &folder);
    let create = [
        "create",
        "--dry-run=server",
        "-n",
        &scene.namespace,
        "-o",
        "json",
        "-f",
        &file,
    ];
    let read = scene.cluster.kubectl(&create, None);
    assert!(read.success, "{}\n{manifest}", read.stderr);
    let read: Value = serde_json::from_str(&read.stdout).unwrap();
    assert_eq!(read["spec"]["propertyGroups"][0]["properties"], json!(properties));
    let planned = sluicegate(&scene, &["plan", "-f", &file]);
    assert!(text(&planned.stdout).contains("no change"), "{}", text(&planned.stderr));
}

#[test]
fn what_the_api_server_would_refuse_is_neither_imported_nor_planned() {
    let scene = Scene::open("unsayable");
    let folder = scratch("unsayable").unwrap();
    let tags: Vec<Value> = (0..48)
        .map(|number| json!({"Key": format!("t{number}"), "Value": ""}))
        .collect();
    create(&scene, "orders", &json!({}), &json!({}), &json!({"Tags": tags}));
    let output = sluicegate(&scene, &["import", "--name", "orders"]);
    let told = text(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{told}");
    assert!(
        told.contains("spec.tags: has 48 entries and may have at most 46"),
        "{told}"
    );

    let file = folder.join("orders.yaml");
    let changes = json!({"parallelism": {"parallelismPerKPU": 9}});
    std::fs::write(&file, scene.manifest("orders", &changes).to_string()).unwrap();
    let output = sluicegate(&scene, &["plan", "-f", &file.display().to_string()]);
    let told = text(&output.stderr);
    assert!(!output.status.success(), "{told}");
    assert!(
        told.contains("spec.parallelism.parallelismPerKPU: 9 is more than 8"),
        "{told}"
    );
}

#[test]
fn an_imported_application_is_taken_over_without_a_restart() {
    let scene = Scene::open("taken-over");
    let folder = scratch("taken-over").unwrap();
    let around = json!({"Tags": [{"Key": "team", "Value": "orders"}]});
    create(&scene, "orders", &json!({}), &json!({}), &around);
    scene.call("StartApplication", &json!({"ApplicationName": "orders"}));
    scene.until_status("orders", "RUNNING");
    let (file, manifest) = imported(&scene, "orders", &folder);
    let gate = manifest.replace(
        "spec:",
        "spec:\n  rollout: {gate: {stableFor: 1s, minCompletedCheckpoints: 0}}",
    );
    std::fs::write(&file, gate).unwrap();
    let output = sluicegate(&scene, &["plan", "-f", &file]);
    assert_eq!(text(&output.stdout), "orders: no change; the job goes on undisturbed\n");

    let mark = scene.mark();
    let _controller = scene.controller(&["--adoption-namespaces=*"]);
    scene.kubectl(&["apply", "-f", &file]);
    scene.ready("orders");
    let calls = scene.accepted_since(mark);
    assert_eq!(
        calls,
        ["TagResource", "CreateApplicationSnapshot"],
        "tags, and the first restore point"
    );
    assert_eq!(
        scene.application("orders")["jobs"].as_array().unwrap().len(),
        1,
        "the job was never restarted"
    );
}

#[test]
fn a_plan_names_what_changes_and_what_the_job_goes_through() {
    let scene = Scene::open("planned");
    let folder = scratch("planned").unwrap();
    create(&scene, "orders", &json!({}), &json!({}), &json!({}));
    scene.call("StartApplication", &json!({"ApplicationName": "orders"}));
    scene.until_status("orders", "RUNNING");
    let (file, manifest) = imported(&scene, "orders", &folder);
    let wider = manifest.replace("spec:", "spec:\n  parallelism: {parallelism: 4}");
    std::fs::write(&file, wider).unwrap();
    let output = sluicegate(&scene, &["plan", "-f", &file]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stdout);
    assert!(told.contains("orders: the job restarts once with its state"), "{told}");
    assert!(
        told.contains("  ~ spec.parallelism.parallelism is 4 and the service has 1"),
        "{told}"
    );

    let failed = |arguments: &[&str], part: &str| {
        let output = sluicegate(&scene, arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(part), "{told}");
    };
    let invalid = manifest.replace("spec:", "spec:\n  rollout: {progressDeadline: 1s}");
    std::fs::write(&file, invalid).unwrap();
    failed(&["plan", "-f", &file], "spec.rollout.progressDeadline: must be between");
    failed(&["plan", "-f", "nowhere.yaml"], "cannot read nowhere.yaml");
    failed(
        &["import", "--name", "absent"],
        "there is no application absent in eu-west-1",
    );
    scene.emulator.faults(&json!({"deny": ["DescribeApplication"]}));
    failed(&["import", "--name", "orders"], "not authorized");
}

#[test]
fn the_transitions_of_a_job_are_printed_as_a_table() {
    let scene = Scene::open("transitions");
    scene.object(
        "loops.yaml",
        "{main: ok, then: {failsEvery: 60s, exception: 'java.io.IOException: gone'}}",
    );
    let stream = "arn:aws:logs:eu-west-1:111122223333:log-group:/flink:log-stream:orders";
    let logging = json!({"CloudWatchLoggingOptions": [{"LogStreamARN": stream}]});
    let code = json!({"ApplicationCodeConfiguration": {"CodeContentType": "ZIPFILE", "CodeContent": {
        "S3ContentLocation": {"BucketARN": "arn:aws:s3:::code", "FileKey": "loops.yaml"}}}});
    create(&scene, "orders", &json!({}), &code, &logging);
    create(&scene, "silent", &json!({}), &json!({}), &json!({}));
    scene.call("StartApplication", &json!({"ApplicationName": "orders"}));
    scene.until_status("orders", "RUNNING");
    eventually("a task that failed is in the table", PATIENCE, || {
        let output = sluicegate(&scene, &["transitions", "orders", "--since", "10m"]);
        let (told, error) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{error}");
        if told.starts_with("TIME (UTC)") && told.contains("Source -> Sink (1/1)") && told.contains("FAILED") {
            return Ok(());
        }
        Err(told)
    });
    let output = sluicegate(&scene, &["transitions", "silent"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("silent has no CloudWatch logging option: set spec.logging"));
    scene.emulator.faults(&json!({"deny": ["StartQuery"]}));
    let output = sluicegate(&scene, &["transitions", "orders"]);
    assert!(
        text(&output.stderr).contains("logs:StartQuery"),
        "{}",
        text(&output.stderr)
    );
}
