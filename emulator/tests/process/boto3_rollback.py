"""Rolls back, reads the log, restart counters and descriptions that lag, with an unmodified boto3.

Usage: boto3_rollback.py ENDPOINT BUCKET_FOLDER

Answers are held against the service model as in boto3_client.py, whose calls are used here.
"""

import datetime
import json
import time

from boto3_client import BUCKET, ROLE, STREAM, call, check, client, describe, operation_of, refused, test_bed, wait

GROUP = "/aws/kinesis-analytics/a"


def code(key):
    location = {"S3ContentLocationUpdate": {"FileKeyUpdate": key}}
    return {"ApplicationCodeConfigurationUpdate": {"CodeContentUpdate": location}}


def update(key):
    """Deploys other code to the running application."""
    version = describe()["ApplicationVersionId"]
    arguments = {"CurrentApplicationVersionId": version, "ApplicationConfigurationUpdate": code(key)}
    return call("UpdateApplication", ApplicationName="orders", **arguments)


def create():
    location = {"BucketARN": "arn:aws:s3:::demo", "FileKey": "good.yaml"}
    content = {"CodeContentType": "ZIPFILE", "CodeContent": {"S3ContentLocation": location}}
    call(
        "CreateApplication",
        ApplicationName="orders",
        RuntimeEnvironment="FLINK-1_20",
        ServiceExecutionRole=ROLE,
        ApplicationConfiguration={"ApplicationCodeConfiguration": content},
        CloudWatchLoggingOptions=[{"LogStreamARN": STREAM + "one"}],
    )
    call("StartApplication", ApplicationName="orders")
    wait("RUNNING")


def roll_back():
    refused("InvalidRequestException", "RollbackApplication", ApplicationName="orders", CurrentApplicationVersionId=1)
    update("better.yaml")
    wait("RUNNING")
    arguments = {"ApplicationName": "orders", "CurrentApplicationVersionId": 1}
    refused("ConcurrentModificationException", "RollbackApplication", **arguments)
    answer = call("RollbackApplication", ApplicationName="orders", CurrentApplicationVersionId=2)
    detail = answer["ApplicationDetail"]
    assert detail["ApplicationStatus"] == "ROLLING_BACK"
    assert (detail["ApplicationVersionRolledBackFrom"], detail["ApplicationVersionRolledBackTo"]) == (2, 1)
    detail = wait("RUNNING")
    assert detail["ApplicationVersionId"] == 3
    configuration = detail["ApplicationConfigurationDescription"]
    content = configuration["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]
    assert content["S3ApplicationCodeLocationDescription"]["FileKey"] == "good.yaml"
    operation = operation_of(answer["OperationId"])
    assert (operation["Operation"], operation["OperationStatus"]) == ("RollbackApplication", "SUCCESSFUL")
    snapshots = call("ListApplicationSnapshots", ApplicationName="orders")["SnapshotSummaries"]
    seen = json.loads(test_bed("applications/orders"))
    assert seen["job"]["restoredFrom"] == snapshots[0]["SnapshotName"]


def filter_log_events(**arguments):
    """Calls CloudWatch Logs and checks the answer."""
    caller = client(service="logs")
    answer = caller.filter_log_events(logGroupName=GROUP, **arguments)
    answer.pop("ResponseMetadata")
    check(caller.meta.service_model.operation_model("FilterLogEvents").output_shape, answer, "FilterLogEvents")
    return answer["events"]


def logs():
    update("throws.yaml")
    wait("READY")
    found = filter_log_events(filterPattern='"CodeError.InvalidApplicationCode"')
    event = json.loads(found[-1]["message"])
    assert event["applicationVersionId"] == describe()["ApplicationVersionId"], event
    assert "java.lang.NoSuchMethodError" in event["message"]
    assert filter_log_events(startTime=found[-1]["timestamp"] + 1) == []
    assert filter_log_events(logStreamNames=["one"]) == filter_log_events()
    pages = client(service="logs").get_paginator("filter_log_events")
    pages = list(pages.paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 2}))
    assert len(pages) > 1
    assert [entry for page in pages for entry in page["events"]] == filter_log_events()
    caller = client(service="logs")
    try:
        caller.filter_log_events(logGroupName="absent")
        raise AssertionError("a log group that does not exist was read")
    except caller.exceptions.ResourceNotFoundException as error:
        assert error.response["Error"]["Message"]


def restart():
    """The job runs again after the update that failed."""
    update("good.yaml")
    wait("READY")
    call("StartApplication", ApplicationName="orders")
    wait("RUNNING")


def metrics():
    """The counter of a job that fails, once a minute of it can be seen, and what is refused."""
    update("loops.yaml")
    wait("RUNNING")
    caller = client(service="cloudwatch")
    dimension = {"Name": "Application", "Value": "orders"}
    metric = {"Namespace": "AWS/KinesisAnalytics", "MetricName": "fullRestarts", "Dimensions": [dimension]}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    deadline = time.monotonic() + 100
    while True:
        end = datetime.datetime.now(datetime.UTC)
        answer = caller.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)
        answer.pop("ResponseMetadata")
        shape = caller.meta.service_model.operation_model("GetMetricData").output_shape
        check(shape, answer, "GetMetricData")
        found = answer["MetricDataResults"][0]
        if found["Values"]:
            break
        assert time.monotonic() < deadline, "no point of a job that fails"
        time.sleep(1)
    assert found["Values"][0] > 1 and found["Timestamps"][0].second == 0, found
    try:
        query["MetricStat"]["Period"] = 90
        caller.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)
        raise AssertionError("a period off the grain was taken")
    except caller.exceptions.ClientError as error:
        assert "multiple of 60" in error.response["Error"]["Message"], error


def lag():
    before = describe()
    test_bed("faults", {"describeLag": 1000000})
    after = update("good.yaml")["ApplicationDetail"]
    assert after["ApplicationVersionId"] == before["ApplicationVersionId"] + 1
    assert describe() == before, "the description is behind"
    test_bed("faults", {})
    assert describe()["ConditionalToken"] == after["ConditionalToken"]
    wait("RUNNING")


def main():
    (BUCKET / "good.yaml").write_text("main: ok\n")
    (BUCKET / "better.yaml").write_text("main: ok\nvertices: [{name: 'Source: orders', parallelism: 8}]\n")
    (BUCKET / "throws.yaml").write_text("main: {throws: 'java.lang.NoSuchMethodError: shade'}\n")
    (BUCKET / "loops.yaml").write_text("main: ok\nthen: {failsEvery: 20s, exception: 'E: gone'}\n")
    for step in (create, roll_back, lag, logs, restart, metrics):
        step()
        print(f"{step.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
