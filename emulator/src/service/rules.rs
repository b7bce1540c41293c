//! Switches for behaviour that the facts leave open or that sources tell differently.

use std::collections::BTreeMap;

/// One open question: its name, the answers it can have, the default first, and the fact it comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// As in `--rule name=value`.
    pub name: &'static str,
    /// Every value; the first is the default.
    pub values: &'static [&'static str],
    /// The paragraph of the facts that leaves it open.
    pub fact: &'static str,
    /// What the rule decides, in one sentence.
    pub meaning: &'static str,
}

/// Where an update of a running application ends when the new code does not start and system rollback is off.
pub const FAILED_UPDATE: Rule = Rule {
    name: "failed-update",
    values: &["ready", "running", "updating"],
    fact: "§2.2 row 6, §2.3",
    meaning: "Where a failed update of a running application ends: stopped, running without processing, or stuck.",
};
/// Whether `DeleteApplication` is accepted while the application runs.
pub const DELETE_RUNNING: Rule = Rule {
    name: "delete-running",
    values: &["accept", "refuse"],
    fact: "§1.7",
    meaning: "Whether a running application can be deleted.",
};
/// Whether an update of a stopped application shows `UPDATING`.
pub const READY_UPDATE: Rule = Rule {
    name: "ready-update",
    values: &["visible", "immediate"],
    fact: "§2.2 row 5",
    meaning: "Whether an update of a stopped application passes through UPDATING or ends with the call.",
};
/// What happens to the object version when an update of the code location does not name one.
pub const OBJECT_VERSION: Rule = Rule {
    name: "object-version-omitted",
    values: &["same-key", "keep", "clear"],
    fact: "§3.2",
    meaning: "An omitted ObjectVersionUpdate keeps the version for the same bucket and key, always, or never.",
};
/// Whether an update that skips the restore takes a snapshot first.
pub const SKIP_RESTORE: Rule = Rule {
    name: "skip-restore-update",
    values: &["snapshot", "no-snapshot"],
    fact: "§3.4",
    meaning: "Whether an update of a running application that skips the restore still takes a snapshot.",
};
/// What `ListApplicationSnapshots` answers for an unknown application.
pub const SNAPSHOTS_OF_UNKNOWN: Rule = Rule {
    name: "snapshots-of-unknown-application",
    values: &["InvalidArgumentException", "ResourceNotFoundException"],
    fact: "§1.10",
    meaning: "The exception of ListApplicationSnapshots for an application that does not exist.",
};
/// What a snapshot of an application that does not run answers.
pub const SNAPSHOT_NOT_RUNNING: Rule = Rule {
    name: "snapshot-not-running",
    values: &[
        "InvalidRequestException",
        "ResourceInUseException",
        "InvalidApplicationConfigurationException",
    ],
    fact: "§1.10",
    meaning: "The exception of CreateApplicationSnapshot while the application does not run.",
};
/// What a restore from an unknown snapshot answers.
pub const UNKNOWN_SNAPSHOT: Rule = Rule {
    name: "restore-unknown-snapshot",
    values: &["InvalidArgumentException", "ResourceNotFoundException"],
    fact: "§3.4",
    meaning: "The exception of a restore from a snapshot that does not exist or is not READY.",
};
/// What a change without version and token answers.
pub const NO_VERSION: Rule = Rule {
    name: "no-version-or-token",
    values: &["InvalidArgumentException", "InvalidRequestException"],
    fact: "§8",
    meaning: "The exception of a change that names neither the current version nor the token.",
};
/// The name of the operation that maintenance leaves.
pub const MAINTENANCE_OPERATION: Rule = Rule {
    name: "maintenance-operation",
    values: &["ApplicationMaintenance", "Maintenance"],
    fact: "§2.4",
    meaning: "The name of the operation that maintenance leaves in the list.",
};
/// The version id after a rollback.
pub const ROLLBACK_VERSION: Rule = Rule {
    name: "rollback-version",
    values: &["next", "reuse"],
    fact: "§5.1",
    meaning: "Whether a rollback makes a new version with the content of its target, or makes the target current again.",
};
/// The state that a rollback restores.
pub const ROLLBACK_RESTORES: Rule = Rule {
    name: "rollback-restores",
    values: &["update", "latest"],
    fact: "§5.1",
    meaning: "Whether a rollback restores the snapshot that was taken when the change was deployed, or the newest one.",
};
/// What a rollback without a snapshot answers.
pub const ROLLBACK_WITHOUT_SNAPSHOT: Rule = Rule {
    name: "rollback-without-snapshot",
    values: &["InvalidRequestException", "InvalidArgumentException"],
    fact: "§1.6",
    meaning: "The exception of RollbackApplication for an application without a snapshot that is READY.",
};
/// Whether a rollback can follow a rollback.
pub const ROLLBACK_OF_ROLLBACK: Rule = Rule {
    name: "rollback-of-rollback",
    values: &["refuse", "accept"],
    fact: "§5.1",
    meaning: "Whether a version that is the result of a rollback can be rolled back itself.",
};
/// Whether autoscaling makes a version.
pub const AUTOSCALING_VERSION: Rule = Rule {
    name: "autoscaling-version",
    values: &["keep", "bump"],
    fact: "§8",
    meaning: "Whether autoscaling makes a new application version.",
};
/// Whether blocks with a default that nobody set appear in a description.
pub const UNSET_BLOCKS: Rule = Rule {
    name: "unset-blocks",
    values: &["shown", "hidden"],
    fact: "§3.5",
    meaning: "Whether SnapshotMode, system rollback and encryption appear in Describe when they were never set.",
};
/// What becomes of a stop or update whose snapshot the job does not survive.
pub const FAILING_SNAPSHOT: Rule = Rule {
    name: "snapshot-of-a-failing-job",
    values: &["hangs", "fails"],
    fact: "§4.3",
    meaning: "What becomes of an accepted stop or update when the job fails before its snapshot is complete.",
};

/// What a description shows for a key that was given by an alias.
pub const KEY_ALIAS: Rule = Rule {
    name: "key-alias",
    values: &["echoed", "resolved"],
    fact: "§9",
    meaning: "Whether a description shows the alias of a key as it was given, or the ARN of the key that it names.",
};

/// Every rule there is.
pub const ALL: &[&Rule] = &[
    &FAILED_UPDATE,
    &DELETE_RUNNING,
    &READY_UPDATE,
    &OBJECT_VERSION,
    &SKIP_RESTORE,
    &SNAPSHOTS_OF_UNKNOWN,
    &SNAPSHOT_NOT_RUNNING,
    &UNKNOWN_SNAPSHOT,
    &NO_VERSION,
    &MAINTENANCE_OPERATION,
    &ROLLBACK_VERSION,
    &ROLLBACK_RESTORES,
    &ROLLBACK_WITHOUT_SNAPSHOT,
    &ROLLBACK_OF_ROLLBACK,
    &AUTOSCALING_VERSION,
    &UNSET_BLOCKS,
    &FAILING_SNAPSHOT,
    &KEY_ALIAS,
];

/// A rule or value that does not exist.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No rule of that name.
    #[error("there is no rule {0:?}; the rules are {known}", known = ALL.iter().map(|rule| rule.name).collect::<Vec<_>>().join(", "))]
    Unknown(String),
    /// The rule has no such value.
    #[error("rule {name} has no value {value:?}; it takes {values}", values = values.join(", "))]
    Value {
        /// The rule.
        name: &'static str,
        /// What was asked for.
        value: String,
        /// What it takes.
        values: &'static [&'static str],
    },
}

/// The chosen values. A rule that was not set has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(BTreeMap<&'static str, &'static str>);

impl Rules {
    /// Sets the rule `name` to `value`.
    ///
    /// # Errors
    /// When the rule or the value does not exist.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), RuleError> {
        let rule = ALL
            .iter()
            .find(|rule| rule.name == name)
            .ok_or_else(|| RuleError::Unknown(name.to_owned()))?;
        let value = rule
            .values
            .iter()
            .find(|known| **known == value)
            .ok_or_else(|| RuleError::Value {
                name: rule.name,
                value: value.to_owned(),
                values: rule.values,
            })?;
        self.0.insert(rule.name, value);
        Ok(())
    }

    /// The value of a rule.
    #[must_use]
    pub fn get(&self, rule: &Rule) -> &'static str {
        self.0
            .get(rule.name)
            .copied()
            .or_else(|| rule.values.first().copied())
            .unwrap_or_default()
    }

    pub(crate) fn is(&self, rule: &Rule, value: &str) -> bool {
        self.get(rule) == value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_starts_with_its_first_value_and_can_be_set() {
        let mut rules = Rules::default();
        assert_eq!(rules.get(&FAILED_UPDATE), "ready");
        rules.set("failed-update", "updating").unwrap();
        assert_eq!(rules.get(&FAILED_UPDATE), "updating");
    }

    #[test]
    fn an_unknown_rule_or_value_names_what_there_is() {
        let mut rules = Rules::default();
        assert!(
            rules
                .set("colour", "red")
                .unwrap_err()
                .to_string()
                .contains("failed-update")
        );
        assert!(
            rules
                .set("failed-update", "red")
                .unwrap_err()
                .to_string()
                .contains("ready, running, updating")
        );
    }
}
