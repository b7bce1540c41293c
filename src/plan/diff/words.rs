//! What differs between the service and the spec, in words for people.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::configuration::{Configuration, PropertyGroups, digest, is_same_key};

/// The most differences that are told one by one.
const TOLD: usize = 8;

/// What stands for a member that is absent.
const ABSENT: &str = "absent";

/// The members that differ, with what the spec says and what the service has.
struct Words(Vec<String>);

/// What differs, by the fields of the spec, as the end of a sentence: property values as digests, because they may be
/// confidential.
#[must_use]
pub fn in_words(seen: &Configuration, wanted: &Configuration) -> String {
    let mut words = Words(Vec::new());
    words.compare(
        "runtimeEnvironment",
        &seen.runtime_environment,
        &wanted.runtime_environment,
    );
    words.compare(
        "serviceExecutionRole",
        &seen.service_execution_role,
        &wanted.service_execution_role,
    );
    let code = |configuration: &Configuration| {
        let code = configuration.code.as_ref();
        code.map_or(ABSENT.to_owned(), |code| {
            let version = code.object_version.as_ref();
            let version = version.map_or(String::new(), |version| format!("@{version}"));
            format!("{}/{}{version}", code.bucket, code.key)
        })
    };
    words.compare("code.s3", &code(seen), &code(wanted));
    words.properties(&seen.property_groups, &wanted.property_groups);
    words.flink(seen, wanted);
    words.compare(
        "logging.logStreamARN",
        &shown(seen.log_stream_arn.as_ref()),
        &shown(wanted.log_stream_arn.as_ref()),
    );
    let vpc = |configuration: &Configuration| {
        let vpc = configuration.vpc.as_ref();
        vpc.map_or(ABSENT.to_owned(), |vpc| {
            let ids = vpc.subnet_ids.iter().chain(&vpc.security_group_ids);
            ids.map(String::as_str).collect::<Vec<_>>().join(", ")
        })
    };
    words.compare("vpc", &vpc(seen), &vpc(wanted));
    if !is_same_key(seen.kms_key_id.as_ref(), wanted.kms_key_id.as_ref()) {
        words.compare(
            "encryption.kmsKeyId",
            &shown(seen.kms_key_id.as_ref()),
            &shown(wanted.kms_key_id.as_ref()),
        );
    }
    words.compare("systemRollback.enabled", &seen.system_rollback, &wanted.system_rollback);
    words.compare("snapshots.enabled", &seen.snapshots_enabled, &wanted.snapshots_enabled);
    words.sentence()
}

impl Words {
    fn compare<T: PartialEq + Display>(&mut self, field: &str, seen: &T, wanted: &T) {
        if seen != wanted {
            self.0
                .push(format!("spec.{field} is {wanted} and the service has {seen}"));
        }
    }

    fn flink(&mut self, seen: &Configuration, wanted: &Configuration) {
        let (was, is) = (&seen.parallelism, &wanted.parallelism);
        self.compare("parallelism.parallelism", &was.parallelism, &is.parallelism);
        self.compare(
            "parallelism.parallelismPerKPU",
            &was.parallelism_per_kpu,
            &is.parallelism_per_kpu,
        );
        self.compare(
            "parallelism.autoScalingEnabled",
            &was.auto_scaling_enabled,
            &is.auto_scaling_enabled,
        );
        let (was, is) = (&seen.checkpoint, &wanted.checkpoint);
        self.compare("checkpoint.checkpointingEnabled", &was.enabled, &is.enabled);
        let milliseconds = |time: i64| format!("{time}ms");
        self.compare(
            "checkpoint.checkpointInterval",
            &milliseconds(was.interval_ms),
            &milliseconds(is.interval_ms),
        );
        self.compare(
            "checkpoint.minPauseBetweenCheckpoints",
            &milliseconds(was.min_pause_ms),
            &milliseconds(is.min_pause_ms),
        );
        let (was, is) = (&seen.monitoring, &wanted.monitoring);
        self.compare("monitoring.metricsLevel", &was.metrics_level, &is.metrics_level);
        self.compare("monitoring.logLevel", &was.log_level, &is.log_level);
    }

    fn properties(&mut self, seen: &PropertyGroups, wanted: &PropertyGroups) {
        let groups: BTreeSet<&String> = seen.0.keys().chain(wanted.0.keys()).collect();
        for id in groups {
            let (was, is) = (seen.0.get(id), wanted.0.get(id));
            let keys: BTreeSet<&String> = was.into_iter().chain(is).flat_map(|group| group.keys()).collect();
            for key in keys {
                let value = |group: Option<&std::collections::BTreeMap<String, String>>| {
                    let value = group.and_then(|group| group.get(key));
                    value.map_or(ABSENT.to_owned(), |value| format!("sha256:{}", digest(value)))
                };
                self.compare(&format!("propertyGroups[{id}].{key}"), &value(was), &value(is));
            }
        }
    }

    fn sentence(self) -> String {
        let more = self.0.len().saturating_sub(TOLD);
        let mut told = self.0;
        told.truncate(TOLD);
        let told = told.join("; ");
        if more == 0 {
            told
        } else {
            format!("{told}; and {more} more differ")
        }
    }
}

fn shown(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| ABSENT.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::configuration::Vpc;
    use crate::configuration::tests::minimal;

    /// Changes one member.
    type Edit = fn(&mut Configuration);

    #[test]
    fn every_member_that_differs_is_told_by_its_field() {
        let edits: [(Edit, &str); 15] = [
            (
                |c| c.runtime_environment = "FLINK-2_2".into(),
                "spec.runtimeEnvironment is FLINK-1_20 and the service has FLINK-2_2",
            ),
            (
                |c| c.service_execution_role = "x".into(),
                "spec.serviceExecutionRole is ",
            ),
            (
                |c| c.code = None,
                "spec.code.s3 is demo/orders-1.0.yaml and the service has absent",
            ),
            (
                |c| c.parallelism.parallelism = 4,
                "spec.parallelism.parallelism is 1 and the service has 4",
            ),
            (
                |c| c.parallelism.parallelism_per_kpu = 4,
                "spec.parallelism.parallelismPerKPU is ",
            ),
            (
                |c| c.parallelism.auto_scaling_enabled = false,
                "spec.parallelism.autoScalingEnabled is true",
            ),
            (
                |c| c.checkpoint.enabled = false,
                "spec.checkpoint.checkpointingEnabled is true",
            ),
            (
                |c| c.checkpoint.interval_ms = 1,
                "spec.checkpoint.checkpointInterval is 60000ms and the service has 1ms",
            ),
            (
                |c| c.checkpoint.min_pause_ms = 1,
                "spec.checkpoint.minPauseBetweenCheckpoints is ",
            ),
            (
                |c| c.monitoring.metrics_level = "TASK".into(),
                "spec.monitoring.metricsLevel is APPLICATION",
            ),
            (
                |c| c.monitoring.log_level = "WARN".into(),
                "spec.monitoring.logLevel is INFO",
            ),
            (
                |c| c.log_stream_arn = Some("arn".into()),
                "spec.logging.logStreamARN is absent and the service has arn",
            ),
            (
                |c| {
                    c.vpc = Some(Vpc {
                        subnet_ids: ["s".to_owned()].into(),
                        security_group_ids: ["g".to_owned()].into(),
                    });
                },
                "spec.vpc is absent and the service has s, g",
            ),
            (
                |c| c.kms_key_id = Some("k".into()),
                "spec.encryption.kmsKeyId is absent and the service has k",
            ),
            (
                |c| c.system_rollback = true,
                "spec.systemRollback.enabled is false and the service has true",
            ),
        ];
        for (edit, expected) in edits {
            let mut seen = minimal();
            edit(&mut seen);
            let told = in_words(&seen, &minimal());
            assert!(told.starts_with(expected) && !told.contains(';'), "{told}");
        }
        assert_eq!(in_words(&minimal(), &minimal()), "");
    }

    #[test]
    fn values_of_properties_are_told_as_digests() {
        let group = |value: &str| BTreeMap::from([("password".to_owned(), value.to_owned())]);
        let (mut seen, mut wanted) = (minimal(), minimal());
        seen.property_groups.0.insert("kafka".into(), group("hunter2"));
        wanted.property_groups.0.insert("kafka".into(), group("hunter3"));
        let told = in_words(&seen, &wanted);
        assert!(
            told.starts_with("spec.propertyGroups[kafka].password is sha256:"),
            "{told}"
        );
        assert!(!told.contains("hunter"), "{told}");
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let mut seen = minimal();
        let many = (0..20).map(|number| (format!("k{number:02}"), "v".to_owned()));
        seen.property_groups.0.insert("g".into(), many.collect());
        let told = in_words(&seen, &minimal());
        assert!(told.ends_with("; and 12 more differ"), "{told}");
    }
}
