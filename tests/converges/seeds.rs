//! The random layer: one number decides the rules of the service, what everybody does and when, and what goes wrong.

use managed_flink_emulator::service::rules::{ALL, Rules};
use managed_flink_emulator::service::{ErrorCode, Faults};
use serde_json::{Value, json};

use crate::ending::problems;
use crate::faults::{Fault, Kind};
use crate::history::History;
use crate::invariants::violations;
use crate::run::{Checkpoint, Ended};
use crate::scenarios::{change_control, not_accepted, ownership, refused, snapshots, stops, undesirable, waits};
use crate::script::{Act, code};
use crate::world::{APP, Looks, World};

/// Seeds that once found a bug; they always run.
pub const REGRESSIONS: &[u64] = &[];

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
pub struct Dice(u64);

impl Dice {
    /// Dice for a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `sides`.
    fn below(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let last = of.len().max(1) as u64;
        of[usize::try_from(self.below(last)).unwrap_or_default()].clone()
    }
}

/// The histories in which restarts are watched and the census vouches for what is as it was. Both take calls of their own,
/// which is why the others go on as they were found.
const WATCHED: u64 = 500;

/// Every so many histories, the first of them included, the clients send every look and every status.
const THROUGH_THE_SDK: u64 = 50;

/// How the history of a seed looks and writes.
pub fn looks(seed: u64) -> Looks {
    if seed % THROUGH_THE_SDK == 1 {
        Looks::Sdk
    } else {
        Looks::Remembered
    }
}

/// Plays the history of a seed; what was wrong. With `aloud` it prints everything that happens.
pub fn play(seed: u64, looks: Looks, aloud: bool) -> Vec<String> {
    let mut ended = run(seed, looks);
    if aloud {
        ended.world.trace.iter().for_each(|entry| println!("{entry}"));
    }
    let mut found = violations(History(&ended.world.trace));
    found.extend(problems(&mut ended));
    found
}

/// Everything that happens in the history of a seed, with all that the laws read of it, a line each.
pub fn history(seed: u64, looks: Looks) -> Vec<String> {
    let trace = run(seed, looks).world.trace;
    trace.iter().map(|entry| format!("{entry:?}")).collect()
}

fn run(seed: u64, looks: Looks) -> Ended {
    let mut dice = Dice::new(seed);
    let rules = rules(&mut dice);
    let mut acts = acts(&mut dice);
    intrude(seed, &mut acts);
    spoil(seed, &mut acts);
    let faults = faults(&mut dice);
    let stale = numbers(&mut dice, 200);
    let broken_reads = numbers(&mut dice, 800);
    let pace = dice.pick(&[4.0, 10.0, 30.0]);
    let begin = Checkpoint::genesis(World::new(rules, pace)).begin(&acts);
    let begin = begin.with(|world| {
        world.faults = faults;
        world.broken_reads = broken_reads;
        world.watches = seed <= WATCHED;
        world.looks = looks;
    });
    begin.with_stale_passes(&stale).run(false)
}

/// The history of a seed in words.
pub fn tell(seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let rules = rules(&mut dice);
    let mut acts = acts(&mut dice);
    intrude(seed, &mut acts);
    spoil(seed, &mut acts);
    let faults = faults(&mut dice);
    let acts: Vec<String> = acts.iter().map(|act| format!("{} {:?}", act.name, act.when)).collect();
    format!("{rules:?}\n{}\n{faults:?}", acts.join("\n"))
}

/// Open questions about the service are answered at random.
fn rules(dice: &mut Dice) -> Rules {
    let mut rules = Rules::default();
    for rule in ALL {
        if dice.one_in(3) {
            let value = dice.pick(rule.values);
            rules.set(rule.name, value).expect("a value of the rule");
        }
    }
    rules
}

/// Some of the numbers below a limit: none, few or many.
fn numbers(dice: &mut Dice, limit: u32) -> Vec<u32> {
    let rarity = dice.pick(&[8, 32, 128, u64::MAX]);
    (0..limit).filter(|_| dice.one_in(rarity)).collect()
}

fn faults(dice: &mut Dice) -> Vec<Fault> {
    let kinds = [
        Kind::CrashBefore,
        Kind::CrashAfter,
        Kind::LostReply,
        Kind::Late,
        Kind::Conflict,
    ];
    let rarity = dice.pick(&[4, 8, 16, 64]);
    let mut struck = Vec::new();
    for point in 0..100 {
        if dice.one_in(rarity) {
            struck.push(Fault {
                point,
                kind: dice.pick(&kinds),
            });
        }
    }
    struck
}

fn acts(dice: &mut Dice) -> Vec<Act> {
    let mut acts = vec![Act::create(first(dice))];
    for _ in 0..2 + dice.below(6) {
        let mut act = act(dice);
        if !dice.one_in(2) {
            act = act.after(i64::try_from(dice.below(90)).unwrap_or_default());
        }
        acts.push(act);
        if dice.one_in(6) {
            acts.extend(beside(dice));
        }
        if dice.one_in(4) {
            acts.push(Act::pause(i64::try_from(dice.below(300)).unwrap_or_default()));
        }
    }
    acts.push(Act::outage("all is in order", Faults::default()).after(10));
    if acts.iter().any(|act| act.name == "a permission is missing") {
        // What was refused for long is sent again within five minutes.
        acts.push(Act::pause(310));
    }
    // A schedule would never come to rest.
    acts.push(snapshots::unscheduled().after(0));
    // What was refused is sent again every five minutes.
    acts.push(Act::pause(330));
    // No sweep shows a change of tags by somebody else.
    acts.push(Act::annotate("sluicegate.dev/reconcile-requested-at", "at the end"));
    acts
}

/// What happens beside a change that goes on: nobody watches it, a permission is missing for it or it is not accepted,
/// somebody else goes back from it, or the resource is lost and comes back.
fn beside(dice: &mut Dice) -> Vec<Act> {
    let soon = dice.pick(&["/intent", "/rollout/gate", "/wayBack", "/failedRevisions"]);
    let then = i64::try_from(dice.below(120)).unwrap_or_default();
    let long = dice.pick(&[60, 200, 2_400]);
    match dice.below(7) {
        0..=2 => vec![Act::away(long).within(soon, then)],
        3 => {
            let calls = [
                "UpdateApplication",
                "StartApplication",
                "RollbackApplication",
                "StopApplication",
            ];
            let refused = if dice.one_in(2) {
                Act::denied(&[dice.pick(&calls)])
            } else {
                not_accepted::not_accepted(dice.pick(&calls), dice.pick(&[0, 1, 2]))
            };
            vec![
                refused.within(soon, then),
                Act::outage("the permission is there", Faults::default()).after(long),
            ]
        }
        4 | 5 => vec![Act::console_rollback().within(soon, then)],
        _ => vec![Act::restored().within(soon, then)],
    }
}

/// What others do in one history of four: what is begun hangs, somebody else goes back and asks for a restart, or brings code
/// that the spec then follows. The dice are its own, so that the other histories go on as they were found.
fn intrude(seed: u64, acts: &mut Vec<Act>) {
    let mut dice = Dice::new(!seed);
    if !dice.one_in(4) {
        return tarry(seed, acts);
    }
    let soon = dice.pick(&["/intent", "/rollout/gate", "/wayBack", "/failedRevisions"]);
    let then = i64::try_from(dice.below(120)).unwrap_or_default();
    let intrusion = match dice.below(3) {
        0 => {
            let begins = ["StartApplication", "StopApplication", "UpdateApplication"];
            let hanging = Act::hanging(&[dice.pick(&begins)]).within(soon, then);
            vec![
                hanging,
                Act::outage("the service works", Faults::default()).after(dice.pick(&[60, 200, 2_400])),
            ]
        }
        1 => vec![
            Act::console_rollback().within(soon, then),
            Act::annotate("sluicegate.dev/restart-requested-at", dice.pick(&["1", "2", "3"])).after(then),
        ],
        _ => {
            let key = dice.pick(&["healthy-2.yaml", "loops-1.yaml", "later-1.yaml", "flaps-1.yaml"]);
            let follows = Act::edit("follows", code(key)).after(dice.pick(&[0, 5, 60]));
            vec![Act::console_deploy(key).within(soon, then), follows]
        }
    };
    let place = 1 + usize::try_from(dice.below(3)).unwrap_or_default();
    acts.splice(place..place, intrusion);
}

/// What comes to no end in one of five of the other histories: a call of a change of the network, or what is listed as going on although it
/// is over. The dice are its own, too.
fn tarry(seed: u64, acts: &mut Vec<Act>) {
    let mut dice = Dice::new(seed.rotate_left(32) ^ !0);
    if !dice.one_in(5) {
        return;
    }
    let works = Act::outage("the service works", Faults::default()).after(dice.pick(&[60, 2_400]));
    let soon = dice.pick(&["/intent", "/rollout/gate", "/rollout/ranBefore"]);
    let mut tarrying = if dice.one_in(2) {
        vec![
            Act::hanging(&[dice.pick(waits::NETWORK), dice.pick(waits::NETWORK)]),
            Act::edit("network", dice.pick(&waits::networks())).after(1),
            Act::pause(1).within(soon, 120),
        ]
    } else {
        vec![
            Act::lingering(&[dice.pick(waits::LISTED)]).within(soon, 120),
            dice.pick(&[Act::maintenance(), Act::autoscaling(), Act::pause(1)])
                .after(5),
        ]
    };
    tarrying.push(works);
    let place = 1 + usize::try_from(dice.below(3)).unwrap_or_default();
    acts.splice(place..place, tarrying);
}

/// What users do in one history of four: they write a spec that cannot be followed, and mostly correct it later. The dice are
/// its own, as those of intrusions are.
fn spoil(seed: u64, acts: &mut Vec<Act>) {
    let mut dice = Dice::new(seed.rotate_left(32));
    if !dice.one_in(4) {
        return;
    }
    let soon = dice.pick(&[
        "/intent",
        "/rollout/gate",
        "/rollout/stoppedForIt",
        "/wayBack",
        "/failedRevisions",
    ]);
    let then = i64::try_from(dice.below(120)).unwrap_or_default();
    let spoiled = if dice.one_in(2) {
        undesirable::invalid()
    } else {
        undesirable::missing()
    };
    let mut spoiling = vec![spoiled.within(soon, then)];
    if !dice.one_in(4) {
        spoiling.push(undesirable::corrected().after(dice.pick(&[1, 60, 200, 2_400])));
    }
    let place = 1 + usize::try_from(dice.below(3)).unwrap_or_default();
    acts.splice(place..place, spoiling);
}

fn first(dice: &mut Dice) -> Value {
    let mut spec = json!({});
    for _ in 0..dice.below(3) {
        json_patch::merge(&mut spec, &change(dice).1);
    }
    if !dice.one_in(3) {
        json_patch::merge(&mut spec, &policy(dice));
    }
    spec
}

fn policy(dice: &mut Dice) -> Value {
    let policy = dice.pick(&["Retain", "Stop", "Delete"]);
    let last = dice.pick(&["Required", "BestEffort", "Never"]);
    json!({"deletion": {"policy": policy, "stateLoss": "Accepted", "finalSnapshot": last, "timeout": "5m"}})
}

fn change(dice: &mut Dice) -> (&'static str, Value) {
    let log = "arn:aws:logs:eu-west-1:111122223333:log-group:/msf/orders:log-stream:app";
    let off = json!({"snapshots": {"enabled": false}, "restore": {"onStart": "None", "onUpdate": "None"},
        "rollout": {"preChangeSnapshot": "Never"}});
    match dice.below(30) {
        18..=20 => {
            let keys = [
                "loops-1.yaml",
                "loops-2.yaml",
                "later-1.yaml",
                "flaps-1.yaml",
                "once-1.yaml",
                "ages-1.yaml",
                "slow-1.yaml",
                "forgets-1.yaml",
                "strange-1.yaml",
                "brittle-1.yaml",
            ];
            ("is not sound", code(dice.pick(&keys)))
        }
        21 => (
            "on failure",
            json!({"rollout": {"onFailure": dice.pick(&["Rollback", "ForceStop", "Hold"])}}),
        ),
        22 => (
            "gate",
            json!({"rollout": {"gate": {"stableFor": dice.pick(&["3s", "30s"]), "maxRestarts": dice.below(3)},
                "progressDeadline": dice.pick(&["2m", "30m"])}}),
        ),
        23 => (
            "system rollback",
            json!({"systemRollback": {"enabled": dice.one_in(2)}}),
        ),
        24 => (
            "approval",
            json!({"rollout": {"approval": dice.pick(&["Automatic", "Manual", "Manual"])}}),
        ),
        25 => (
            "change windows",
            dice.pick(&[
                json!({"rollout": {"changeWindows": null}}),
                change_control::opened(),
                change_control::shut(),
            ]),
        ),
        28 => ("drift", ownership::drift(dice.pick(&["Correct", "Report"]))),
        29 => ("mode", ownership::mode(dice.pick(&["Full", "Full", "ObserveOnly"]))),
        26 => ("schedule", snapshots::every(2)),
        27 => (
            "retention",
            snapshots::keep(1 + dice.below(3), dice.pick(&["Ours", "All"])),
        ),
        0 | 1 => (
            "parallelism",
            json!({"parallelism": {"parallelism": 1 + dice.below(4)}}),
        ),
        2 => ("works", code("healthy-1.yaml")),
        3 => ("works differently", code("healthy-2.yaml")),
        4 => ("throws", code("throws-1.yaml")),
        5 => ("throws differently", code("throws-2.yaml")),
        6 => ("stop", json!({"desiredState": "Stopped"})),
        7 => ("start", json!({"desiredState": "Running"})),
        8 => ("restart nonce", json!({"restartNonce": dice.below(5)})),
        9 => (
            "join a VPC",
            json!({"vpc": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}}),
        ),
        10 => ("leave the VPC", json!({"vpc": null})),
        11 => ("log", json!({"logging": {"logStreamARN": log}})),
        12 => ("do not log", json!({"logging": null})),
        13 => (
            "tags",
            json!({"tags": {dice.pick(&["a", "b"]): dice.pick(&["1", "2"])}}),
        ),
        14 => (
            "window",
            json!({"maintenanceWindow": {"startTime": dice.pick(&["02:00", "05:00"])}}),
        ),
        15 => ("snapshots off", off),
        16 => ("code is not there", code("gone.yaml")),
        _ => (
            "snapshots on",
            json!({"snapshots": null, "restore": null, "rollout": {"preChangeSnapshot": null}}),
        ),
    }
}

/// The service refuses a call that brings or starts a revision, a few times or until all is in order again.
fn refuses(dice: &mut Dice) -> Act {
    if dice.one_in(4) {
        return refused::ignoring(dice.pick(&[
            "ParallelismConfigurationUpdate",
            "ServiceExecutionRoleUpdate",
            "AddApplicationVpcConfiguration",
            "DeleteApplicationVpcConfiguration",
            "AddApplicationCloudWatchLoggingOption",
            "TagResource",
            "UntagResource",
            "UpdateApplicationMaintenanceConfiguration",
        ]));
    }
    let operation = dice.pick(&[
        "AddApplicationVpcConfiguration",
        "AddApplicationCloudWatchLoggingOption",
        "DeleteApplicationVpcConfiguration",
        "UpdateApplication",
        "StartApplication",
    ]);
    let code = dice.pick(&[
        ErrorCode::InvalidArgument,
        ErrorCode::AccessDenied,
        ErrorCode::LimitExceeded,
        ErrorCode::Throttling,
        ErrorCode::ResourceInUse,
        ErrorCode::ConcurrentModification,
    ]);
    let times = dice.pick(&[Some(2), Some(5), None]);
    Act::outage(
        "refusals",
        refused::refusing(operation, code, "refused at random", times),
    )
}

fn act(dice: &mut Dice) -> Act {
    match dice.below(45) {
        43 | 44 => stops::behind(dice.pick(&[20, 60, 100])),
        34..=36 => Act::approve(),
        37 | 38 => snapshots::request(dice.pick(&["1", "2", "3"])),
        39 => Act::pause(i64::try_from(dice.below(600)).unwrap_or_default()),
        40..=42 => refuses(dice),
        30 => Act::console_rollback(),
        31 => Act::console(
            "console snapshot",
            "CreateApplicationSnapshot",
            json!({"SnapshotName": "theirs"}),
        ),
        32 | 33 => {
            let faults = Faults {
                flink_rest: [(APP.to_owned(), 503)].into(),
                ..Faults::default()
            };
            let nobody_sees = dice.one_in(2);
            Act::outage("Flink REST", if nobody_sees { faults } else { Faults::default() })
        }
        0..=17 => {
            let (name, change) = change(dice);
            Act::edit(name, change)
        }
        18 => Act::edit("policy", policy(dice)),
        19 | 20 => Act::delete(),
        21 => Act::create(first(dice)),
        22 => Act::annotate("sluicegate.dev/retry-requested-at", dice.pick(&["1", "2", "3"])),
        23 => Act::maintenance(),
        24 => Act::autoscaling(),
        25 => Act::console("console stop", "StopApplication", json!({})),
        26 => Act::console("console force-stop", "StopApplication", json!({"Force": true})),
        27 => Act::console("console start", "StartApplication", json!({})),
        28 => {
            let tags = json!([{"Key": dice.pick(&["a", "c"]), "Value": "theirs"}]);
            Act::console("console tag", "TagResource", json!({"Tags": tags}))
        }
        _ if dice.one_in(4) => Act::switch_snapshots_off(),
        _ => {
            let parallelism = json!({"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": 1 + dice.below(9)});
            let flink = json!({"ParallelismConfigurationUpdate": parallelism});
            let change = json!({"FlinkApplicationConfigurationUpdate": flink});
            let input = json!({"ApplicationConfigurationUpdate": change});
            Act::console("console update", "UpdateApplication", input)
        }
    }
}
