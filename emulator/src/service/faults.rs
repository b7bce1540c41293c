//! What the test bed may have the service do: refuse, throttle, lose replies.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, ServiceError};

/// The faults in force. Setting them replaces all of them; the default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Operations that answer `AccessDeniedException`.
    pub deny: BTreeSet<String>,
    /// Operations that answer an exception of the service's own, whatever they ask for.
    pub refuse: BTreeMap<String, Refusal>,
    /// Members of `UpdateApplication`, at any depth, that are accepted and not carried out; also whole operations that change
    /// an application or its tags, by name.
    pub ignore: BTreeSet<String>,
    /// Operations that are accepted and come to no end by themselves; a forced stop, and a rollback where it is legal, ends them.
    pub hang: BTreeSet<String>,
    /// Operations, by the name that the list shows, that the list goes on to show in progress although the application has
    /// long settled; those that begin while the fault is in force, until it ends.
    pub linger: BTreeSet<String>,
    /// Role ARNs that the service cannot use.
    pub unknown_roles: BTreeSet<String>,
    /// Applications per region, instead of the quota of the settings.
    pub application_quota: Option<usize>,
    /// How many of the next calls of an operation answer `ThrottlingException`.
    pub throttle: BTreeMap<String, u64>,
    /// How many calls of an operation are taken a second of the caller's clock; the others answer `ThrottlingException`. `*`
    /// stands for every operation that is not named, each by itself.
    pub rate: BTreeMap<String, usize>,
    /// How many of the next calls of an operation take effect but get no reply.
    pub drop_replies: BTreeMap<String, u64>,
    /// For how many seconds of the service's time `DescribeApplication` and `ListApplications` do not show an accepted
    /// call. Every other operation sees it at once.
    pub describe_lag: u64,
    /// For how many seconds of the service's time `ListApplicationSnapshots` is behind: it shows that a snapshot was begun,
    /// and that it was completed or failed, only so much later. Every other operation sees it at once.
    pub snapshot_list_lag: u64,
    /// The HTTP status that Flink's REST API answers, by application. The service's own API goes on.
    pub flink_rest: BTreeMap<String, u16>,
    /// The same for a resource below a job alone, for instance `exceptions`, of every application.
    pub flink_rest_resources: BTreeMap<String, u16>,
}

/// An exception that an operation answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// Which exception.
    pub code: ErrorCode,
    /// Its text.
    pub message: String,
    /// How many of the next calls it hits; without a number all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl Refusal {
    /// The exception, if it hits one more call; uses up one of them.
    pub(super) fn hit(&mut self) -> Option<ServiceError> {
        if let Some(left) = &mut self.times {
            *left = left.checked_sub(1)?;
        }
        Some(ServiceError::new(self.code, self.message.clone()))
    }
}
