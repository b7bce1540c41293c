//! The shapes of an application's configuration, as it is created and as it is updated (facts §0.2).

use super::members::{ARN, ID, NO_SQL, SECURITY_GROUPS, SUBNETS, VPC};
use super::shape::{Letters, Shape, optional, required, text};

const COUNT: Shape = Shape::Whole { min: 1, max: i64::MAX };
const COUNT_OR_NONE: Shape = Shape::Whole { min: 0, max: i64::MAX };
const KIND: Shape = Shape::Choice(&["DEFAULT", "CUSTOM"]);
const METRICS_LEVEL: Shape = Shape::Choice(&["APPLICATION", "TASK", "OPERATOR", "PARALLELISM"]);
const LOG_LEVEL: Shape = Shape::Choice(&["INFO", "WARN", "ERROR", "DEBUG"]);
const CONTENT_TYPE: Shape = Shape::Choice(&["PLAINTEXT", "ZIPFILE"]);
const SNAPSHOT_MODE: Shape = Shape::Choice(&["APPLICATION_SNAPSHOTS_LEGACY", "ENHANCED_SNAPSHOTS"]);
const KEY_TYPE: Shape = Shape::Choice(&["AWS_OWNED_KEY", "CUSTOMER_MANAGED_KEY"]);
const KEY_ID: Shape = text(1, 2048, Letters::Any);
const FILE_KEY: Shape = text(1, 1024, Letters::Any);
const OBJECT_VERSION: Shape = text(0, 1024, Letters::Any);
const NO_STUDIO: Shape = Shape::Refused("Studio applications are not served by this emulator");
const NO_INLINE: Shape = Shape::Refused("code inside the request is not served by this emulator; put it into a bucket");
const VPC_UPDATE: Shape = Shape::Fields(&[
    required("VpcConfigurationId", &ID),
    optional("SubnetIdUpdates", &SUBNETS),
    optional("SecurityGroupIdUpdates", &SECURITY_GROUPS),
]);
const PROPERTIES: Shape = Shape::Fields(&[required(
    "PropertyGroups",
    &Shape::List {
        min: 0,
        max: 50,
        of: &Shape::Fields(&[
            required("PropertyGroupId", &ID),
            required("PropertyMap", &Shape::Properties),
        ]),
    },
)]);

const CODE: Shape = Shape::Fields(&[
    required("CodeContentType", &CONTENT_TYPE),
    optional(
        "CodeContent",
        &Shape::Fields(&[
            optional("TextContent", &NO_INLINE),
            optional("ZipFileContent", &NO_INLINE),
            optional(
                "S3ContentLocation",
                &Shape::Fields(&[
                    required("BucketARN", &ARN),
                    required("FileKey", &FILE_KEY),
                    optional("ObjectVersion", &OBJECT_VERSION),
                ]),
            ),
        ]),
    ),
]);
const CODE_UPDATE: Shape = Shape::Fields(&[
    optional("CodeContentTypeUpdate", &CONTENT_TYPE),
    optional(
        "CodeContentUpdate",
        &Shape::Fields(&[
            optional("TextContentUpdate", &NO_INLINE),
            optional("ZipFileContentUpdate", &NO_INLINE),
            optional(
                "S3ContentLocationUpdate",
                &Shape::Fields(&[
                    optional("BucketARNUpdate", &ARN),
                    optional("FileKeyUpdate", &FILE_KEY),
                    optional("ObjectVersionUpdate", &OBJECT_VERSION),
                ]),
            ),
        ]),
    ),
]);
const FLINK: Shape = Shape::Fields(&[
    optional(
        "CheckpointConfiguration",
        &Shape::Fields(&[
            required("ConfigurationType", &KIND),
            optional("CheckpointingEnabled", &Shape::Flag),
            optional("CheckpointInterval", &COUNT),
            optional("MinPauseBetweenCheckpoints", &COUNT_OR_NONE),
        ]),
    ),
    optional(
        "MonitoringConfiguration",
        &Shape::Fields(&[
            required("ConfigurationType", &KIND),
            optional("MetricsLevel", &METRICS_LEVEL),
            optional("LogLevel", &LOG_LEVEL),
        ]),
    ),
    optional(
        "ParallelismConfiguration",
        &Shape::Fields(&[
            required("ConfigurationType", &KIND),
            optional("Parallelism", &COUNT),
            optional("ParallelismPerKPU", &COUNT),
            optional("AutoScalingEnabled", &Shape::Flag),
        ]),
    ),
]);
const FLINK_UPDATE: Shape = Shape::Fields(&[
    optional(
        "CheckpointConfigurationUpdate",
        &Shape::Fields(&[
            optional("ConfigurationTypeUpdate", &KIND),
            optional("CheckpointingEnabledUpdate", &Shape::Flag),
            optional("CheckpointIntervalUpdate", &COUNT),
            optional("MinPauseBetweenCheckpointsUpdate", &COUNT_OR_NONE),
        ]),
    ),
    optional(
        "MonitoringConfigurationUpdate",
        &Shape::Fields(&[
            optional("ConfigurationTypeUpdate", &KIND),
            optional("MetricsLevelUpdate", &METRICS_LEVEL),
            optional("LogLevelUpdate", &LOG_LEVEL),
        ]),
    ),
    optional(
        "ParallelismConfigurationUpdate",
        &Shape::Fields(&[
            optional("ConfigurationTypeUpdate", &KIND),
            optional("ParallelismUpdate", &COUNT),
            optional("ParallelismPerKPUUpdate", &COUNT),
            optional("AutoScalingEnabledUpdate", &Shape::Flag),
        ]),
    ),
]);
pub(super) const CONFIGURATION: Shape = Shape::Fields(&[
    optional("SqlApplicationConfiguration", &NO_SQL),
    optional("ZeppelinApplicationConfiguration", &NO_STUDIO),
    optional("FlinkApplicationConfiguration", &FLINK),
    optional("EnvironmentProperties", &PROPERTIES),
    optional("ApplicationCodeConfiguration", &CODE),
    optional(
        "ApplicationSnapshotConfiguration",
        &Shape::Fields(&[
            required("SnapshotsEnabled", &Shape::Flag),
            optional("SnapshotMode", &SNAPSHOT_MODE),
        ]),
    ),
    optional(
        "ApplicationSystemRollbackConfiguration",
        &Shape::Fields(&[required("RollbackEnabled", &Shape::Flag)]),
    ),
    optional(
        "VpcConfigurations",
        &Shape::List {
            min: 0,
            max: 50,
            of: &VPC,
        },
    ),
    optional(
        "ApplicationEncryptionConfiguration",
        &Shape::Fields(&[required("KeyType", &KEY_TYPE), optional("KeyId", &KEY_ID)]),
    ),
]);
pub(super) const CONFIGURATION_UPDATE: Shape = Shape::Fields(&[
    optional("SqlApplicationConfigurationUpdate", &NO_SQL),
    optional("ZeppelinApplicationConfigurationUpdate", &NO_STUDIO),
    optional("FlinkApplicationConfigurationUpdate", &FLINK_UPDATE),
    optional("EnvironmentPropertyUpdates", &PROPERTIES),
    optional("ApplicationCodeConfigurationUpdate", &CODE_UPDATE),
    optional(
        "ApplicationSnapshotConfigurationUpdate",
        &Shape::Fields(&[
            required("SnapshotsEnabledUpdate", &Shape::Flag),
            optional("SnapshotModeUpdate", &SNAPSHOT_MODE),
        ]),
    ),
    optional(
        "ApplicationSystemRollbackConfigurationUpdate",
        &Shape::Fields(&[required("RollbackEnabledUpdate", &Shape::Flag)]),
    ),
    optional(
        "VpcConfigurationUpdates",
        &Shape::List {
            min: 0,
            max: 50,
            of: &VPC_UPDATE,
        },
    ),
    optional(
        "ApplicationEncryptionConfigurationUpdate",
        &Shape::Fields(&[required("KeyTypeUpdate", &KEY_TYPE), optional("KeyIdUpdate", &KEY_ID)]),
    ),
]);
