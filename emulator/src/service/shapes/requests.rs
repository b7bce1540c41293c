//! The request of every operation that is served (facts §0.2 and §1).

use super::configuration::{CONFIGURATION, CONFIGURATION_UPDATE};
use super::members::{ARN, ID, NO_SQL, VPC};
use super::shape::{Letters, Member, Shape, optional, required, text};

const NAME: Shape = text(1, 128, Letters::Name);
const SNAPSHOT_NAME: Shape = text(1, 256, Letters::Name);
const OPERATION_ID: Shape = text(1, 64, Letters::Any);
const NEXT_TOKEN: Shape = text(1, 512, Letters::Any);
const VERSION: Shape = Shape::Whole {
    min: 1,
    max: 999_999_999,
};
const TOKEN: Shape = text(1, 512, Letters::Token);
const LIMIT: Shape = Shape::Whole { min: 1, max: 50 };
const MODE: Shape = Shape::Choice(&["STREAMING", "INTERACTIVE"]);
const RUNTIME: Shape = Shape::Choice(&[
    "SQL-1_0",
    "FLINK-1_6",
    "FLINK-1_8",
    "ZEPPELIN-FLINK-1_0",
    "FLINK-1_11",
    "FLINK-1_13",
    "ZEPPELIN-FLINK-2_0",
    "FLINK-1_15",
    "ZEPPELIN-FLINK-3_0",
    "FLINK-1_18",
    "FLINK-1_19",
    "FLINK-1_20",
    "FLINK-2_2",
    "FLINK-2_3",
]);
const OPERATION_STATUS: Shape = Shape::Choice(&["IN_PROGRESS", "CANCELLED", "SUCCESSFUL", "FAILED"]);
const RESTORE_TYPE: Shape = Shape::Choice(&[
    "SKIP_RESTORE_FROM_SNAPSHOT",
    "RESTORE_FROM_LATEST_SNAPSHOT",
    "RESTORE_FROM_CUSTOM_SNAPSHOT",
]);
const LOGGING: Shape = Shape::Fields(&[required("LogStreamARN", &ARN)]);
const LOGGING_UPDATE: Shape = Shape::Fields(&[
    required("CloudWatchLoggingOptionId", &ID),
    optional("LogStreamARNUpdate", &ARN),
]);
const TAG_KEY: Shape = text(1, 128, Letters::Any);
const TAGS: Shape = Shape::List {
    min: 1,
    max: 200,
    of: &Shape::Fields(&[required("Key", &TAG_KEY), optional("Value", &TAG_VALUE)]),
};
const FLINK_RUN: Shape = Shape::Fields(&[optional("AllowNonRestoredState", &Shape::Flag)]);
const RESTORE: Shape = Shape::Fields(&[
    required("ApplicationRestoreType", &RESTORE_TYPE),
    optional("SnapshotName", &SNAPSHOT_NAME),
    optional("SnapshotArn", &text(1, 2048, Letters::Any)),
]);
const RUN: Shape = Shape::Fields(&[
    optional("FlinkRunConfiguration", &FLINK_RUN),
    optional("SqlRunConfigurations", &NO_SQL),
    optional("ApplicationRestoreConfiguration", &RESTORE),
]);
const RUN_UPDATE: Shape = Shape::Fields(&[
    optional("FlinkRunConfiguration", &FLINK_RUN),
    optional("ApplicationRestoreConfiguration", &RESTORE),
]);

const WINDOW_START: Shape = text(5, 5, Letters::Clock);
const WINDOW: Shape = Shape::Fields(&[required("ApplicationMaintenanceWindowStartTimeUpdate", &WINDOW_START)]);
const DESCRIPTION: Shape = text(0, 1024, Letters::Any);
const TAG_VALUE: Shape = text(0, 256, Letters::Any);

const APPLICATION: Member = required("ApplicationName", &NAME);
const CURRENT: Member = optional("CurrentApplicationVersionId", &VERSION);
const CONDITION: Member = optional("ConditionalToken", &TOKEN);

/// The shape of an operation's request, or nothing for an operation that is not served.
pub(crate) fn of(operation: &str) -> Option<Shape> {
    let members: &'static [Member] = match operation {
        "CreateApplication" => {
            const {
                &[
                    APPLICATION,
                    optional("ApplicationDescription", &DESCRIPTION),
                    required("RuntimeEnvironment", &RUNTIME),
                    required("ServiceExecutionRole", &ARN),
                    optional("ApplicationConfiguration", &CONFIGURATION),
                    optional(
                        "CloudWatchLoggingOptions",
                        &Shape::List {
                            min: 0,
                            max: 50,
                            of: &LOGGING,
                        },
                    ),
                    optional("Tags", &TAGS),
                    optional("ApplicationMode", &MODE),
                ]
            }
        }
        "DescribeApplication" => const { &[APPLICATION, optional("IncludeAdditionalDetails", &Shape::Flag)] },
        "ListApplications" => const { &[optional("Limit", &LIMIT), optional("NextToken", &NAME)] },
        "UpdateApplication" => {
            const {
                &[
                    APPLICATION,
                    CURRENT,
                    CONDITION,
                    optional("ApplicationConfigurationUpdate", &CONFIGURATION_UPDATE),
                    optional("ServiceExecutionRoleUpdate", &ARN),
                    optional("RunConfigurationUpdate", &RUN_UPDATE),
                    optional(
                        "CloudWatchLoggingOptionUpdates",
                        &Shape::List {
                            min: 0,
                            max: 50,
                            of: &LOGGING_UPDATE,
                        },
                    ),
                    optional("RuntimeEnvironmentUpdate", &RUNTIME),
                ]
            }
        }
        "StartApplication" => const { &[APPLICATION, optional("RunConfiguration", &RUN)] },
        "StopApplication" => const { &[APPLICATION, optional("Force", &Shape::Flag)] },
        "RollbackApplication" => const { &[APPLICATION, required("CurrentApplicationVersionId", &VERSION)] },
        "DeleteApplication" => const { &[APPLICATION, required("CreateTimestamp", &Shape::Time)] },
        "AddApplicationVpcConfiguration" => {
            const { &[APPLICATION, CURRENT, CONDITION, required("VpcConfiguration", &VPC)] }
        }
        "DeleteApplicationVpcConfiguration" => {
            const { &[APPLICATION, CURRENT, CONDITION, required("VpcConfigurationId", &ID)] }
        }
        "AddApplicationCloudWatchLoggingOption" => {
            const {
                &[
                    APPLICATION,
                    CURRENT,
                    CONDITION,
                    required("CloudWatchLoggingOption", &LOGGING),
                ]
            }
        }
        "DeleteApplicationCloudWatchLoggingOption" => {
            const {
                &[
                    APPLICATION,
                    CURRENT,
                    CONDITION,
                    required("CloudWatchLoggingOptionId", &ID),
                ]
            }
        }
        _ => return of_record(operation),
    };
    Some(Shape::Fields(members))
}

/// The shapes of versions, operations, snapshots, tags and the maintenance window.
fn of_record(operation: &str) -> Option<Shape> {
    let members: &'static [Member] = match operation {
        "ListApplicationVersions" | "ListApplicationSnapshots" => {
            const {
                &[
                    APPLICATION,
                    optional("Limit", &LIMIT),
                    optional("NextToken", &NEXT_TOKEN),
                ]
            }
        }
        "DescribeApplicationVersion" => const { &[APPLICATION, required("ApplicationVersionId", &VERSION)] },
        "ListApplicationOperations" => {
            const {
                &[
                    APPLICATION,
                    optional("Limit", &LIMIT),
                    optional("NextToken", &NEXT_TOKEN),
                    optional("Operation", &OPERATION_ID),
                    optional("OperationStatus", &OPERATION_STATUS),
                ]
            }
        }
        "DescribeApplicationOperation" => const { &[APPLICATION, required("OperationId", &OPERATION_ID)] },
        "CreateApplicationSnapshot" | "DescribeApplicationSnapshot" => {
            const { &[APPLICATION, required("SnapshotName", &SNAPSHOT_NAME)] }
        }
        "DeleteApplicationSnapshot" => {
            const {
                &[
                    APPLICATION,
                    required("SnapshotName", &SNAPSHOT_NAME),
                    required("SnapshotCreationTimestamp", &Shape::Time),
                ]
            }
        }
        "CreateApplicationPresignedUrl" => {
            const {
                &[
                    APPLICATION,
                    required("UrlType", &Shape::Choice(&["FLINK_DASHBOARD_URL"])),
                    optional(
                        "SessionExpirationDurationInSeconds",
                        &Shape::Whole { min: 1800, max: 43_200 },
                    ),
                ]
            }
        }
        "TagResource" => const { &[required("ResourceARN", &ARN), required("Tags", &TAGS)] },
        "UntagResource" => {
            const {
                &[
                    required("ResourceARN", &ARN),
                    required(
                        "TagKeys",
                        &Shape::List {
                            min: 1,
                            max: 200,
                            of: &TAG_KEY,
                        },
                    ),
                ]
            }
        }
        "ListTagsForResource" => const { &[required("ResourceARN", &ARN)] },
        "UpdateApplicationMaintenanceConfiguration" => {
            const {
                &[
                    APPLICATION,
                    required("ApplicationMaintenanceConfigurationUpdate", &WINDOW),
                ]
            }
        }
        _ => return None,
    };
    Some(Shape::Fields(members))
}
