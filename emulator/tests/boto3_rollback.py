"""Rolls back, reads the log and reads descriptions that lag, with an unmodified boto3.

Usage: boto3_rollback.py ENDPOINT BUCKET_FOLDER

Answers are held against the service model as in boto3_client.py, whose calls are used here.
"""

import json

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


def lag():
    before = describe()
    test_bed("faults", {"describeLag": 1000000})
    after = update("good.yaml")["ApplicationDetail"]
    assert after["ApplicationVersionId"] == before["ApplicationVersionId"] + 1
    assert describe() == before, "the description is behind"
    test_bed("faults", {})
    assert describe()["ConditionalToken"] == after["ConditionalToken"]


def main():
    (BUCKET / "good.yaml").write_text("main: ok\n")
    (BUCKET / "better.yaml").write_text("main: ok\nvertices: [{name: 'Source: orders', parallelism: 8}]\n")
    (BUCKET / "throws.yaml").write_text("main: {throws: 'java.lang.NoSuchMethodError: shade'}\n")
    for step in (create, roll_back, logs, lag):
        step()
        print(f"{step.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
