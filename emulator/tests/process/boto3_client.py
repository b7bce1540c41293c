"""Drives a running emulator with an unmodified boto3.

Usage: boto3_client.py ENDPOINT BUCKET_FOLDER

Every answer is held against the service model that botocore ships: each member must exist there and have its type, each
required member must be there, and each error must be one that the operation declares.
"""

import datetime
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

ENDPOINT, BUCKET = sys.argv[1], pathlib.Path(sys.argv[2])
ROLE = "arn:aws:iam::111122223333:role/msf-exec-orders"
STREAM = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/kinesis-analytics/a:log-stream:"
# Members that the facts show to differ from the model: an operation in progress has no EndTime (facts 2.4).
ABSENT = {("ApplicationOperationInfoDetails", "EndTime")}
TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": float,
    "timestamp": datetime.datetime,
}


def check(shape, value, path):
    """Holds a parsed answer against a shape of the model."""
    if shape.type_name == "structure":
        for name in value:
            assert name in shape.members, f"{path}.{name} is not in the model"
            check(shape.members[name], value[name], f"{path}.{name}")
        for name in shape.required_members:
            assert name in value or (shape.name, name) in ABSENT, f"{path}.{name} is required"
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            check(shape.member, item, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            check(shape.value, item, f"{path}.{key}")
    else:
        assert isinstance(value, TYPES[shape.type_name]), f"{path} is {value!r}, not a {shape.type_name}"
        length = shape.metadata
        choices = length.get("enum", [value])
        assert value in choices, f"{path} is {value!r}, not one of {choices}"
        if shape.type_name == "string":
            assert length.get("min", 0) <= len(value) <= length.get("max", len(value)), f"{path}: length {len(value)}"


def client(region="eu-west-1", service="kinesisanalyticsv2"):
    """A client with retries off, so that every call is seen once."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def method_name(operation):
    """The method of an operation."""
    names = MODEL_CLIENT.meta.method_to_api_mapping
    return next(method for method, api in names.items() if api == operation)


def call(operation, **arguments):
    """Calls and checks the answer. botocore drops members it does not know, so the raw body is checked as well."""
    raw = {}

    def keep(response_dict, **_):
        raw["body"] = json.loads(response_dict["body"] or b"{}")

    model = MODEL_CLIENT.meta.service_model.operation_model(operation)
    caller = client()
    caller.meta.events.register(f"before-parse.kinesis-analytics-v2.{operation}", keep)
    try:
        answer = getattr(caller, method_name(operation))(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        declared = [shape.name for shape in model.error_shapes]
        assert code in declared or code in OUTSIDE_THE_MODEL, f"{operation} does not declare {code}"
        assert error.response["Error"]["Message"], f"{operation}: {code} has no message"
        raise
    metadata = answer.pop("ResponseMetadata")
    assert metadata["RequestId"], "no request id"
    check(model.output_shape, answer, operation)
    names(model.output_shape, raw["body"], operation)
    return answer


def names(shape, value, path):
    """Every member of the raw body is in the model."""
    if shape.type_name == "structure":
        for name, item in value.items():
            assert name in shape.members, f"{path}.{name} is sent but not in the model"
            names(shape.members[name], item, f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            names(shape.member, item, path)


OUTSIDE_THE_MODEL = {"AccessDeniedException", "ThrottlingException", "UnsupportedOperationException"}
MODEL_CLIENT = client()


def refused(code, operation, **arguments):
    """The call is refused with this code; returns the text."""
    try:
        call(operation, **arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{operation} was not refused with {code}")


def describe(name="orders"):
    return call("DescribeApplication", ApplicationName=name)["ApplicationDetail"]


def wait(status, name="orders"):
    """Waits for a status of an application."""
    for _ in range(600):
        detail = describe(name)
        if detail["ApplicationStatus"] == status:
            return detail
        time.sleep(0.02)
    raise AssertionError(f"{name} did not become {status}: {detail['ApplicationStatus']}")


def test_bed(path, body=None, method=None):
    """A call of a route of the test bed."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{ENDPOINT}/_emulator/{path}", data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    return text


def operation_of(operation_id):
    answer = call("DescribeApplicationOperation", ApplicationName="orders", OperationId=operation_id)
    return answer["ApplicationOperationInfoDetails"]


def configuration(key, version=None):
    location = {"BucketARN": "arn:aws:s3:::demo", "FileKey": key}
    if version:
        location["ObjectVersion"] = version
    return {"CodeContentType": "ZIPFILE", "CodeContent": {"S3ContentLocation": location}}


def create():
    answer = call(
        "CreateApplication",
        ApplicationName="orders",
        ApplicationDescription="Orders",
        RuntimeEnvironment="FLINK-1_20",
        ApplicationMode="STREAMING",
        ServiceExecutionRole=ROLE,
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": configuration("good.yaml"),
            "FlinkApplicationConfiguration": {
                "CheckpointConfiguration": {"ConfigurationType": "DEFAULT", "CheckpointInterval": 5},
                "ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "Parallelism": 4, "ParallelismPerKPU": 2},
            },
            "EnvironmentProperties": {"PropertyGroups": [{"PropertyGroupId": "main", "PropertyMap": {"topic": "orders"}}]},
            "ApplicationSnapshotConfiguration": {"SnapshotsEnabled": True},
            "VpcConfigurations": [{"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}],
            "ApplicationEncryptionConfiguration": {"KeyType": "AWS_OWNED_KEY"},
        },
        CloudWatchLoggingOptions=[{"LogStreamARN": STREAM + "one"}],
        Tags=[{"Key": "owner", "Value": "platform"}],
    )
    detail = answer["ApplicationDetail"]
    assert (detail["ApplicationStatus"], detail["ApplicationVersionId"]) == ("READY", 1)
    assert detail["CreateTimestamp"].microsecond == 0
    described = describe()
    assert described == detail, "a describe right after the create shows the same"
    flink = detail["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    assert flink["CheckpointConfigurationDescription"]["CheckpointInterval"] == 60000, "DEFAULT wins over values sent"
    assert flink["ParallelismConfigurationDescription"]["CurrentParallelism"] == 4
    assert detail["CloudWatchLoggingOptionDescriptions"][0]["CloudWatchLoggingOptionId"] == "1.1"
    assert detail["ApplicationMaintenanceConfigurationDescription"] == {
        "ApplicationMaintenanceWindowStartTime": "22:00",
        "ApplicationMaintenanceWindowEndTime": "06:00",
    }
    listed = call("ListApplications")["ApplicationSummaries"]
    assert [entry["ApplicationName"] for entry in listed] == ["orders"]
    assert client("us-east-1").list_applications()["ApplicationSummaries"] == [], "a region has its own applications"


def errors():
    minimal = {"RuntimeEnvironment": "FLINK-1_20", "ServiceExecutionRole": ROLE}
    refused("ResourceInUseException", "CreateApplication", ApplicationName="orders", **minimal)
    text = refused(
        "InvalidArgumentException",
        "CreateApplication",
        ApplicationName="other",
        ApplicationConfiguration={"ApplicationCodeConfiguration": configuration("absent.yaml")},
        **minimal,
    )
    assert "Please check the role provided or validity of S3 location you provided" in text
    refused("ResourceNotFoundException", "DescribeApplication", ApplicationName="absent")
    refused("ResourceNotFoundException", "StartApplication", ApplicationName="absent")
    refused("InvalidArgumentException", "ListApplicationSnapshots", ApplicationName="absent")
    refused("ResourceInUseException", "StopApplication", ApplicationName="orders")
    refused("ConcurrentModificationException", "UpdateApplication", ApplicationName="orders", CurrentApplicationVersionId=7)
    refused("InvalidArgumentException", "UpdateApplication", ApplicationName="orders")
    tags = [{"Key": f"key-{number}", "Value": ""} for number in range(51)]
    refused("TooManyTagsException", "TagResource", ResourceARN=describe()["ApplicationARN"], Tags=tags)
    refused("ResourceInUseException", "RollbackApplication", ApplicationName="orders", CurrentApplicationVersionId=1)
    refused("UnsupportedOperationException", "DiscoverInputSchema", ServiceExecutionRole=ROLE)
    old = boto3.client(
        "kinesisanalytics",
        region_name="eu-west-1",
        endpoint_url=ENDPOINT,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    try:
        old.describe_application(ApplicationName="orders")
        raise AssertionError("the API of version 1 was served")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "UnsupportedOperationException"


def start_and_update():
    started = call("StartApplication", ApplicationName="orders")["OperationId"]
    detail = describe()
    assert detail["ApplicationStatus"] == "STARTING"
    operation = operation_of(started)
    assert operation["OperationStatus"] == "IN_PROGRESS" and "EndTime" not in operation
    refused("ResourceInUseException", "UpdateApplication", ApplicationName="orders", CurrentApplicationVersionId=1)
    detail = wait("RUNNING")
    assert detail["ApplicationVersionId"] == 1, "a start makes no version"
    assert operation_of(started)["OperationStatus"] == "SUCCESSFUL"
    run = detail["ApplicationConfigurationDescription"]["RunConfigurationDescription"]
    assert run["ApplicationRestoreConfigurationDescription"]["ApplicationRestoreType"] == "RESTORE_FROM_LATEST_SNAPSHOT"
    full = call("DescribeApplication", ApplicationName="orders", IncludeAdditionalDetails=True)["ApplicationDetail"]
    flink = full["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    assert json.loads(flink["JobPlanDescription"])["nodes"]

    answer = call(
        "UpdateApplication",
        ApplicationName="orders",
        ConditionalToken=detail["ConditionalToken"],
        ApplicationConfigurationUpdate={
            "ApplicationCodeConfigurationUpdate": {
                "CodeContentUpdate": {"S3ContentLocationUpdate": {"FileKeyUpdate": "better.yaml"}}
            },
            "EnvironmentPropertyUpdates": {"PropertyGroups": []},
            "FlinkApplicationConfigurationUpdate": {"ParallelismConfigurationUpdate": {"ParallelismUpdate": 8}},
        },
        RunConfigurationUpdate={"FlinkRunConfiguration": {"AllowNonRestoredState": True}},
    )
    updated = answer["ApplicationDetail"]
    assert (updated["ApplicationStatus"], updated["ApplicationVersionId"]) == ("UPDATING", 2)
    assert updated["ApplicationVersionUpdatedFrom"] == 1 and updated["ConditionalToken"] != detail["ConditionalToken"]
    wait("RUNNING")
    operation = operation_of(answer["OperationId"])
    assert operation["OperationStatus"] == "SUCCESSFUL"
    change = {"ApplicationVersionUpdatedFrom": 1, "ApplicationVersionUpdatedTo": 2}
    assert operation["ApplicationVersionChangeDetails"] == change
    automatic = call("ListApplicationSnapshots", ApplicationName="orders")["SnapshotSummaries"]
    assert len(automatic) == 1 and automatic[0]["ApplicationVersionId"] == 1
    seen = json.loads(test_bed("applications/orders"))
    assert seen["job"]["restoredFrom"] == automatic[0]["SnapshotName"]
    assert seen["job"]["state"] == "RUNNING" and seen["status"] == "RUNNING"
    versions = call("ListApplicationVersions", ApplicationName="orders")["ApplicationVersionSummaries"]
    assert [version["ApplicationVersionId"] for version in versions] == [2, 1]
    old = call("DescribeApplicationVersion", ApplicationName="orders", ApplicationVersionId=1)["ApplicationVersionDetail"]
    assert old["ApplicationConfigurationDescription"]["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]


def snapshots():
    call("CreateApplicationSnapshot", ApplicationName="orders", SnapshotName="before-noon")
    refused("ResourceInUseException", "CreateApplicationSnapshot", ApplicationName="orders", SnapshotName="before-noon")
    for _ in range(600):
        details = call("DescribeApplicationSnapshot", ApplicationName="orders", SnapshotName="before-noon")["SnapshotDetails"]
        if details["SnapshotStatus"] == "READY":
            break
        time.sleep(0.02)
    assert details["SnapshotStatus"] == "READY" and details["ApplicationVersionId"] == 2
    paginator = client().get_paginator("list_application_snapshots")
    pages = list(paginator.paginate(ApplicationName="orders", PaginationConfig={"PageSize": 1}))
    assert sum(len(page["SnapshotSummaries"]) for page in pages) == 2 and len(pages) == 2


def dashboard():
    """A plain GET through the URL, without credentials. A slow machine may miss the time of the first use."""
    for _ in range(100):
        url = call("CreateApplicationPresignedUrl", ApplicationName="orders", UrlType="FLINK_DASHBOARD_URL")["AuthorizedUrl"]
        base, token = url.split("?authToken=")
        try:
            with urllib.request.urlopen(f"{base}/jobs?authToken={token}") as answer:
                jobs = json.load(answer)["jobs"]
            break
        except urllib.error.HTTPError as error:
            assert error.code == 403, error
    assert [job["status"] for job in jobs] == ["FINISHED", "RUNNING"], jobs


def changes():
    stopped = call("StopApplication", ApplicationName="orders")
    wait("READY")
    assert operation_of(stopped["OperationId"])["Operation"] == "StopApplication"
    detail = describe()
    assert "RunConfigurationDescription" not in detail["ApplicationConfigurationDescription"]
    assert len(call("ListApplicationSnapshots", ApplicationName="orders")["SnapshotSummaries"]) == 3
    vpc = detail["ApplicationConfigurationDescription"]["VpcConfigurationDescriptions"][0]
    answer = call(
        "DeleteApplicationVpcConfiguration",
        ApplicationName="orders",
        CurrentApplicationVersionId=2,
        VpcConfigurationId=vpc["VpcConfigurationId"],
    )
    assert answer["ApplicationVersionId"] == 3 and answer["OperationId"]
    wait("READY")
    answer = call(
        "AddApplicationVpcConfiguration",
        ApplicationName="orders",
        CurrentApplicationVersionId=3,
        VpcConfiguration={"SubnetIds": ["subnet-2"], "SecurityGroupIds": ["sg-2"]},
    )
    assert answer["VpcConfigurationDescription"]["VpcConfigurationId"] == "4.1"
    wait("READY")
    answer = call(
        "AddApplicationCloudWatchLoggingOption",
        ApplicationName="orders",
        CurrentApplicationVersionId=4,
        CloudWatchLoggingOption={"LogStreamARN": STREAM + "two"},
    )
    assert [option["CloudWatchLoggingOptionId"] for option in answer["CloudWatchLoggingOptionDescriptions"]] == ["1.1", "5.1"]
    wait("READY")
    answer = call(
        "DeleteApplicationCloudWatchLoggingOption",
        ApplicationName="orders",
        CurrentApplicationVersionId=5,
        CloudWatchLoggingOptionId="1.1",
    )
    assert len(answer["CloudWatchLoggingOptionDescriptions"]) == 1
    wait("READY")
    answer = call(
        "UpdateApplicationMaintenanceConfiguration",
        ApplicationName="orders",
        ApplicationMaintenanceConfigurationUpdate={"ApplicationMaintenanceWindowStartTimeUpdate": "20:30"},
    )
    assert answer["ApplicationMaintenanceConfigurationDescription"]["ApplicationMaintenanceWindowEndTime"] == "04:30"
    assert describe()["ApplicationVersionId"] == 6, "the maintenance window makes no version"


def tags():
    arn = describe()["ApplicationARN"]
    call("TagResource", ResourceARN=arn, Tags=[{"Key": "team", "Value": "streaming"}])
    call("UntagResource", ResourceARN=arn, TagKeys=["owner"])
    assert call("ListTagsForResource", ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "streaming"}]


def failures():
    call(
        "UpdateApplication",
        ApplicationName="orders",
        CurrentApplicationVersionId=6,
        ApplicationConfigurationUpdate={
            "ApplicationCodeConfigurationUpdate": {
                "CodeContentUpdate": {"S3ContentLocationUpdate": {"FileKeyUpdate": "throws.yaml"}}
            }
        },
    )
    wait("READY")
    restore = {"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": "before-noon"}
    started = call(
        "StartApplication",
        ApplicationName="orders",
        RunConfiguration={"ApplicationRestoreConfiguration": restore},
    )["OperationId"]
    wait("READY")
    operation = operation_of(started)
    assert operation["OperationStatus"] == "FAILED"
    assert "java.lang.NoSuchMethodError" in operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    failed = call("ListApplicationOperations", ApplicationName="orders", OperationStatus="FAILED")
    assert [entry["OperationId"] for entry in failed["ApplicationOperationInfoList"]] == [started]
    paginator = client().get_paginator("list_application_operations")
    pages = paginator.paginate(ApplicationName="orders", PaginationConfig={"PageSize": 3})
    entries = [entry["OperationId"] for page in pages for entry in page["ApplicationOperationInfoList"]]
    assert entries[0] == started and len(entries) == len(set(entries)) == 9, entries


def faults():
    test_bed("faults", {"deny": ["ListApplications"], "throttle": {"DescribeApplication": 1}, "dropReplies": {"TagResource": 1}})
    refused("AccessDeniedException", "ListApplications")
    refused("ThrottlingException", "DescribeApplication", ApplicationName="orders")
    arn = describe()["ApplicationARN"]
    try:
        call("TagResource", ResourceARN=arn, Tags=[{"Key": "lost", "Value": "reply"}])
        raise AssertionError("the reply came")
    except ConnectionClosedError:
        pass
    listed = call("ListTagsForResource", ResourceARN=arn)["Tags"]
    assert {"Key": "lost", "Value": "reply"} in listed, "a lost reply does not undo the call"
    test_bed("faults", {})
    seen = json.loads(test_bed("calls"))
    assert seen["calls"][-1]["operation"] == "ListTagsForResource" and seen["calls"][-1]["application"] == "orders"
    assert seen["counts"]["TagResource"] >= 2
    assert "<h2>orders</h2>" in test_bed("")


def delete():
    detail = describe()
    refused(
        "InvalidArgumentException",
        "DeleteApplication",
        ApplicationName="orders",
        CreateTimestamp=detail["CreateTimestamp"] - datetime.timedelta(seconds=1),
    )
    call("DeleteApplication", ApplicationName="orders", CreateTimestamp=detail["CreateTimestamp"])
    for _ in range(600):
        try:
            assert describe()["ApplicationStatus"] == "DELETING"
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            break
        time.sleep(0.02)
    arguments = {"ApplicationName": "orders", "RuntimeEnvironment": "FLINK-1_20", "ServiceExecutionRole": ROLE}
    text = refused("ConcurrentModificationException", "CreateApplication", Tags=[{"Key": "a", "Value": "b"}], **arguments)
    assert "Tags are already registered" in text
    call("CreateApplication", **arguments)


def main():
    (BUCKET / "good.yaml").write_text("main: ok\n")
    (BUCKET / "better.yaml").write_text("main: ok\nvertices: [{name: 'Source: orders', parallelism: 8}]\n")
    (BUCKET / "throws.yaml").write_text("main: {throws: 'java.lang.NoSuchMethodError: shade'}\n")
    for step in (create, errors, start_and_update, snapshots, dashboard, changes, tags, failures, faults, delete):
        step()
        print(f"{step.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
