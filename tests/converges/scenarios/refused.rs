//! Calls of a change that the service refuses after the job was stopped for them.

use managed_flink_emulator::service::{ErrorCode, Faults, Refusal};
use serde_json::{Value, json};

use super::{Scenario, create, merged, network, open, parallelism, policy, retry, running, start, stop, story};
use crate::script::{Act, code};

/// What the service says of a role that may not describe the subnets (facts, Role and subnets).
const SUBNETS: &str = "Please check the role provided or the validity of Subnet resources provided. We are unable to \
                       fetch the details for your Subnet resources.";

const LOCATION: &str = "Please check the role provided or validity of S3 location you provided";

/// The service refuses an operation in these words, so many times or always.
pub fn refusing(operation: &str, code: ErrorCode, message: &str, times: Option<u64>) -> Faults {
    let refusal = Refusal {
        code,
        message: message.to_owned(),
        times,
    };
    Faults {
        refuse: [(operation.to_owned(), refusal)].into(),
        ..Faults::default()
    }
}

/// The service accepts a member of an update, or an operation, and does not carry it out.
pub fn ignoring(what: &str) -> Act {
    let faults = Faults {
        ignore: [what.to_owned()].into(),
        ..Faults::default()
    };
    Act::outage("something is ignored", faults)
}

fn subnets(times: Option<u64>) -> Act {
    let faults = refusing(
        "AddApplicationVpcConfiguration",
        ErrorCode::InvalidArgument,
        SUBNETS,
        times,
    );
    Act::outage("no subnets", faults)
}

fn invalid(name: &'static str, operation: &str) -> Act {
    Act::outage(
        name,
        refusing(operation, ErrorCode::InvalidArgument, "this is not valid", None),
    )
}

fn no_updates() -> Act {
    Act::outage(
        "no updates",
        refusing("UpdateApplication", ErrorCode::InvalidArgument, LOCATION, None),
    )
}

fn in_order() -> Act {
    Act::outage("all is in order", Faults::default())
}

fn vpc() -> Value {
    json!({"vpc": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}})
}

fn join() -> Act {
    Act::edit("join a VPC", vpc())
}

/// Every story of this kind.
pub(super) fn all() -> Vec<Scenario> {
    let mut all = put_back();
    all.extend(meanwhile());
    all.extend(without_effect());
    all.extend(whatever_the_member());
    all
}

fn put_back() -> Vec<Scenario> {
    let logging = || json!({"vpc": null, "logging": network()["logging"]});
    let held = || merged(&[code("loops-1.yaml"), json!({"rollout": {"onFailure": "Hold"}})]);
    vec![
        story("a VPC that is refused", running(), vec![subnets(None), join()]),
        story(
            "a VPC that is refused three times",
            running(),
            vec![subnets(Some(3)), join()],
        ),
        story(
            "a VPC that is not valid",
            running(),
            vec![invalid("no VPC", "AddApplicationVpcConfiguration"), join()],
        ),
        story(
            "a VPC that is denied",
            running(),
            vec![
                Act::outage(
                    "no VPC",
                    Faults {
                        deny: ["AddApplicationVpcConfiguration".to_owned()].into(),
                        ..Faults::default()
                    },
                ),
                join(),
            ],
        ),
        story(
            "a VPC that is accepted and a log that is refused",
            running(),
            vec![
                invalid("no log", "AddApplicationCloudWatchLoggingOption"),
                Act::edit("network", network()),
            ],
        ),
        story(
            "a VPC that is left and a log that is refused",
            vec![create(vpc())],
            vec![
                invalid("no log", "AddApplicationCloudWatchLoggingOption"),
                Act::edit("network", logging()),
            ],
        ),
        story(
            "a VPC that is accepted and an update that is refused",
            running(),
            vec![
                no_updates(),
                Act::edit("network and code", merged(&[network(), code("healthy-2.yaml")])),
            ],
        ),
        open(
            "a VPC that is accepted and a start that is refused",
            running(),
            vec![
                Act::outage(
                    "no KPUs",
                    refusing("StartApplication", ErrorCode::LimitExceeded, "no KPUs are left", None),
                ),
                join(),
                Act::pause(900),
                in_order(),
                Act::pause(600),
            ],
        ),
        story(
            "a VPC of an application that was never good",
            vec![create(held())],
            vec![
                no_updates(),
                Act::edit("network and code", merged(&[network(), code("healthy-2.yaml")])),
            ],
        ),
        story(
            "a VPC over a revision that failed and is held",
            vec![create(json!({})), Act::edit("loops", held())],
            vec![
                no_updates(),
                Act::edit("network and code", merged(&[network(), code("healthy-2.yaml")])),
            ],
        ),
        open(
            "an update that is refused after a forced stop",
            vec![create(code("ages-1.yaml")), Act::pause(120)],
            vec![no_updates(), Act::edit("code", code("healthy-2.yaml"))],
        ),
        story(
            "a VPC that is refused with snapshots off",
            vec![create(super::snapshots_off())],
            vec![subnets(None), join()],
        ),
    ]
}

/// What the service reports otherwise than it was sent.
fn without_effect() -> Vec<Scenario> {
    let alias = || json!({"encryption": {"kmsKeyId": "alias/orders"}});
    let resolved = &[("key-alias", "resolved"), ("autoscaling-version", "bump")];
    let ignored = || ignoring("ParallelismConfigurationUpdate");
    vec![
        story(
            "create with the alias of a key",
            vec![],
            vec![create(alias()), Act::pause(60), super::nonce(1)],
        )
        .under(resolved),
        story(
            "the alias of a key",
            running(),
            vec![Act::edit("alias", alias()), parallelism(2)],
        )
        .under(resolved),
        story(
            "the alias of a key, a stop and a start",
            vec![create(json!({})), Act::edit("alias", alias())],
            vec![stop(), start(), Act::edit("no key", json!({"encryption": null}))],
        )
        .under(resolved),
        story(
            "the alias of a key and a VPC",
            running(),
            vec![Act::edit("alias and VPC", merged(&[alias(), vpc()]))],
        )
        .under(resolved),
        open(
            "an update that has no effect",
            running(),
            vec![ignored(), parallelism(2), Act::autoscaling(), Act::pause(120)],
        )
        .under(resolved),
        story(
            "an update that has no effect, with a VPC",
            running(),
            vec![
                ignored(),
                Act::edit("both", merged(&[vpc(), json!({"parallelism": {"parallelism": 2}})])),
            ],
        ),
    ]
}

/// What is accepted and not carried out, whatever it is.
fn whatever_the_member() -> Vec<Scenario> {
    let tags = |tags: Value| Act::edit("tags", json!({"tags": tags}));
    let window = || Act::edit("window", json!({"maintenanceWindow": {"startTime": "05:00"}}));
    let role = || json!({"serviceExecutionRole": "arn:aws:iam::111122223333:role/other"});
    let parallel = |key: &str| merged(&[code(key), json!({"parallelism": {"parallelism": 2}})]);
    let later = || Act::pause(120);
    vec![
        open(
            "tags that are not set",
            running(),
            vec![
                ignoring("TagResource"),
                tags(json!({"a": "1"})),
                later(),
                in_order(),
                tags(json!({"a": "1", "b": "2"})),
            ],
        ),
        open(
            "tags that are not set, and a snapshot",
            running(),
            vec![
                ignoring("TagResource"),
                tags(json!({"a": "1"})),
                later(),
                super::snapshots::request("1"),
            ],
        ),
        story(
            "tags that may neither be set nor taken away",
            vec![create(json!({"tags": {"a": "1"}}))],
            vec![
                Act::denied(&["TagResource", "UntagResource"]),
                tags(json!({"a": null, "b": "2"})),
                Act::pause(600),
                in_order(),
                Act::pause(330),
            ],
        ),
        open(
            "tags that may not be set beside a VPC with which no job starts",
            running(),
            vec![
                Act::outage(
                    "no start",
                    Faults {
                        deny: ["TagResource".to_owned()].into(),
                        ..refusing("StartApplication", ErrorCode::InvalidArgument, LOCATION, Some(60))
                    },
                ),
                Act::edit("join a VPC", merged(&[vpc(), json!({"tags": {"b": "2"}})])),
                Act::pause(200),
                in_order(),
                Act::pause(330),
            ],
        ),
        open(
            "tags that are not taken away",
            vec![create(json!({"tags": {"a": "1", "b": "2"}}))],
            vec![ignoring("UntagResource"), tags(json!({"a": null})), later()],
        ),
        open(
            "tags that are not set while stopped",
            vec![create(json!({"desiredState": "Stopped"}))],
            vec![ignoring("TagResource"), tags(json!({"a": "1"})), start()],
        ),
        open(
            "a maintenance window that is not set",
            running(),
            vec![
                ignoring("UpdateApplicationMaintenanceConfiguration"),
                window(),
                later(),
                tags(json!({"a": "1"})),
            ],
        ),
        open(
            "a VPC that is not joined",
            running(),
            vec![
                ignoring("AddApplicationVpcConfiguration"),
                join(),
                later(),
                in_order(),
                retry("1"),
            ],
        ),
        open(
            "a VPC that is not left",
            vec![create(vpc())],
            vec![
                ignoring("DeleteApplicationVpcConfiguration"),
                Act::edit("leave", json!({"vpc": null})),
                later(),
            ],
        ),
        open(
            "a VPC that is not joined while stopped",
            vec![create(json!({"desiredState": "Stopped"}))],
            vec![ignoring("AddApplicationVpcConfiguration"), join(), start()],
        ),
        open(
            "a log that is not added",
            running(),
            vec![
                ignoring("AddApplicationCloudWatchLoggingOption"),
                Act::edit("network", network()),
                later(),
            ],
        ),
        open(
            "a role that is not taken",
            running(),
            vec![
                ignoring("ServiceExecutionRoleUpdate"),
                Act::edit("role", role()),
                later(),
            ],
        ),
        open(
            "a parallelism that is not taken, with code that loops",
            running(),
            vec![
                ignoring("ParallelismConfigurationUpdate"),
                Act::edit("both", parallel("loops-1.yaml")),
                later(),
            ],
        ),
        open(
            "a parallelism that is not taken, and a snapshot, a restart and a stop",
            running(),
            vec![
                ignoring("ParallelismConfigurationUpdate"),
                Act::edit("both", parallel("healthy-2.yaml")),
                Act::pause(300),
                super::snapshots::request("1"),
                super::nonce(1),
                stop(),
                start(),
            ],
        ),
    ]
}

fn meanwhile() -> Vec<Scenario> {
    let refused = || vec![create(json!({})), subnets(None), join()];
    let refusal = "/refusal";
    vec![
        story(
            "a VPC that is refused and then tried again",
            refused(),
            vec![in_order(), retry("1")],
        ),
        story(
            "a VPC that is refused each time that it is tried",
            refused(),
            vec![retry("1"), retry("2")],
        ),
        story(
            "a VPC that is refused and given up",
            refused(),
            vec![Act::edit("back", json!({"vpc": null}))],
        ),
        story(
            "a VPC that is refused and then another change",
            refused(),
            vec![Act::edit(
                "instead",
                json!({"vpc": null, "parallelism": {"parallelism": 2}}),
            )],
        ),
        story(
            "a VPC that is refused, a stop and a start",
            refused(),
            vec![stop(), start()],
        ),
        story("a VPC that is refused and a restart", refused(), vec![super::nonce(1)]),
        story(
            "a VPC that is refused after approval",
            vec![create(json!({"rollout": {"approval": "Manual"}})), Act::approve()],
            vec![subnets(None), join(), Act::approve()],
        ),
        open(
            "a VPC that is given up while it is refused",
            running(),
            vec![
                subnets(None),
                join(),
                Act::edit("back", json!({"vpc": null})).once(refusal),
            ],
        ),
        story(
            "a log that is refused, and another change that waits for approval",
            vec![create(json!({"rollout": {"approval": "Manual"}})), Act::approve()],
            vec![
                invalid("no log", "AddApplicationCloudWatchLoggingOption"),
                Act::edit("network", network()),
                Act::approve(),
                Act::edit("instead", json!({"parallelism": {"parallelism": 2}})).once(refusal),
                Act::pause(400),
            ],
        ),
        open(
            "a VPC that is refused, and another change meanwhile",
            running(),
            vec![
                subnets(None),
                join(),
                parallelism(2).once(refusal),
                Act::pause(60),
                parallelism(3),
            ],
        ),
        open(
            "a VPC that is refused, and a stop meanwhile",
            running(),
            vec![subnets(None), join(), stop().once(refusal), start()],
        ),
        open(
            "code that is refused after the stop for it, and a stop for long",
            running(),
            vec![
                no_updates(),
                Act::edit("network and code", merged(&[network(), code("healthy-2.yaml")])),
                stop().once(refusal),
                Act::pause(4_000),
            ],
        ),
        open(
            "a VPC that is refused, and a deletion meanwhile",
            vec![create(policy("Delete", "BestEffort"))],
            vec![subnets(None), join(), Act::delete().once(refusal)],
        ),
        open(
            "a VPC that is refused, and a rollback meanwhile",
            vec![create(json!({})), parallelism(2)],
            vec![
                subnets(None),
                join(),
                Act::annotate("sluicegate.dev/rollback-requested-at", "1").once(refusal),
            ],
        ),
        open(
            "a VPC that is refused, and a forced stop meanwhile",
            running(),
            vec![
                subnets(None),
                join(),
                Act::annotate("sluicegate.dev/force-stop-requested-at", "1").once(refusal),
            ],
        ),
    ]
}
