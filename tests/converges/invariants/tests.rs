//! Every law finds what breaks it, and lets pass what does not.

use serde_json::{Value, json};

use super::tale::{Tale, object, restore};
use crate::script::SWITCHED_OFF;
use crate::trace::{Origin, Read, What};

fn start() -> Value {
    json!({"RunConfiguration": restore("RESTORE_FROM_CUSTOM_SNAPSHOT", Some("s1"))})
}

fn update(run: Option<&Value>) -> Value {
    json!({"ConditionalToken": "t1", "RunConfigurationUpdate": run})
}

#[test]
fn every_law_stands_in_the_document() {
    let document = include_str!("../../../docs/architecture.md");
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    let told: Vec<&str> = rows.flat_map(|(names, _)| names.split(", ")).collect();
    let numbered = super::LAWS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| name.starts_with('S'));
    let missing: Vec<&str> = numbered.filter(|name| !told.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn an_ordinary_start_change_and_stop_break_nothing() {
    let latest = restore("RESTORE_FROM_LATEST_SNAPSHOT", None);
    let tale = Tale::new()
        .pass(0, Some("READY"))
        .call(0, "StartApplication", start())
        .pass(60, Some("RUNNING"))
        .call(60, "UpdateApplication", update(Some(&latest)))
        .pass(120, Some("RUNNING"))
        .call(120, "StopApplication", json!({}))
        .pass(180, Some("READY"))
        .call(180, "UpdateApplication", update(None));
    assert_eq!(tale.breaks(), Vec::<&str>::new());
}

#[test]
fn a_restore_that_is_not_named_in_full_breaks_s1() {
    let latest = json!({"RunConfiguration": restore("RESTORE_FROM_LATEST_SNAPSHOT", None)});
    let unknown = json!({"RunConfiguration": restore("RESTORE_FROM_CUSTOM_SNAPSHOT", Some("s2"))});
    let empty = json!({"RunConfiguration": restore("SKIP_RESTORE_FROM_SNAPSHOT", None)});
    for input in [json!({}), latest, unknown, empty.clone()] {
        let tale = Tale::new()
            .pass(0, Some("READY"))
            .call(0, "StartApplication", input.clone());
        assert_eq!(tale.breaks(), ["S1"], "{input}");
    }
    let running = Tale::new()
        .pass(0, Some("RUNNING"))
        .call(0, "UpdateApplication", update(None));
    assert_eq!(running.breaks(), ["S1"]);
    let skip = update(Some(&restore("SKIP_RESTORE_FROM_SNAPSHOT", None)));
    let running = Tale::new()
        .pass(0, Some("RUNNING"))
        .call(0, "UpdateApplication", skip.clone());
    assert_eq!(running.breaks(), ["S1"]);
    let ready = Tale::new().pass(0, Some("READY")).call(0, "UpdateApplication", skip);
    assert_eq!(ready.breaks(), ["S1"]);
    let vpc = json!({"ConditionalToken": "t1"});
    let vpc = Tale::new()
        .pass(0, Some("RUNNING"))
        .call(0, "AddApplicationVpcConfiguration", vpc);
    assert_eq!(vpc.breaks(), ["S1"]);
    let consented = Tale::new().with(|object, _| {
        object["metadata"]["annotations"]["sluicegate.dev/allow-empty-start"] = json!("r1");
    });
    let consented = consented.pass(0, Some("READY")).call(0, "StartApplication", empty);
    assert_eq!(consented.breaks(), Vec::<&str>::new());
}

#[test]
fn state_that_may_be_dropped_without_being_asked_breaks_s3() {
    let mut run = start();
    run["RunConfiguration"]["FlinkRunConfiguration"]["AllowNonRestoredState"] = json!(true);
    let tale = Tale::new().pass(0, Some("READY")).call(0, "StartApplication", run);
    assert_eq!(tale.breaks(), ["S3"]);
}

#[test]
fn a_call_while_an_operation_is_in_flight_breaks_s4() {
    for (operation, input, status) in [
        ("StartApplication", start(), "UPDATING"),
        ("StopApplication", json!({}), "STARTING"),
        ("StopApplication", json!({"Force": true}), "MAINTENANCE"),
        ("CreateApplicationSnapshot", json!({}), "STOPPING"),
    ] {
        let tale = Tale::new().pass(0, Some(status)).call(0, operation, input);
        assert_eq!(tale.breaks(), ["S4"], "{operation} in {status}");
    }
    let making = Tale::new().with(|_, seen| seen.snapshots.push(("sluicegate-1".to_owned(), "CREATING".to_owned())));
    let making = making.pass(0, Some("RUNNING")).call(0, "StopApplication", json!({}));
    assert_eq!(making.breaks(), ["S4"]);
    let force = json!({"Force": true});
    let force = Tale::new().pass(0, Some("STARTING")).call(0, "StopApplication", force);
    assert_eq!(force.breaks(), Vec::<&str>::new());
}

#[test]
fn a_call_soon_after_one_without_an_answer_breaks_s5() {
    let lost = |second| {
        Tale::new()
            .pass(0, Some("READY"))
            .sent(0, "UpdateApplication", update(None), false)
            .pass(second, Some("READY"))
            .call(second, "UpdateApplication", update(None))
    };
    assert_eq!(lost(19).breaks(), ["S5"]);
    assert_eq!(lost(20).breaks(), Vec::<&str>::new());
}

#[test]
fn a_stop_soon_after_a_start_without_an_answer_breaks_s6() {
    let lost = |second| {
        Tale::new()
            .pass(0, Some("READY"))
            .sent(0, "StartApplication", start(), false)
            .pass(second, Some("RUNNING"))
            .call(second, "StopApplication", json!({}))
    };
    assert_eq!(lost(59).breaks(), ["S6"]);
    assert_eq!(lost(60).breaks(), Vec::<&str>::new());
    let stopped = Tale::new()
        .pass(0, Some("RUNNING"))
        .sent(0, "StopApplication", json!({}), false)
        .pass(30, Some("READY"))
        .call(30, "StartApplication", start());
    assert_eq!(stopped.breaks(), ["S6"]);
}

#[test]
fn an_effect_that_was_seen_settles_a_call_at_once() {
    let effect = What::LateEffect {
        call: 2,
        accepted: true,
    };
    let tale = Tale::new()
        .pass(0, Some("READY"))
        .sent(0, "StartApplication", start(), false)
        .add(5, effect)
        .pass(6, Some("STARTING"))
        .call(6, "StopApplication", json!({"Force": true}));
    assert_eq!(tale.breaks(), Vec::<&str>::new());
}

#[test]
fn a_failed_revision_that_is_sent_again_breaks_s9() {
    let listed = Tale::new().with(|object, _| object["status"]["failedRevisions"] = json!([{"revision": "r1"}]));
    let listed = listed.pass(0, Some("READY")).call(0, "StartApplication", start());
    assert_eq!(listed.breaks(), ["S9"]);
    let failed = |between: Option<What>| {
        let mut tale = Tale::new().pass(0, Some("READY")).call(0, "StartApplication", start());
        tale.seen.operations = vec![("o1".to_owned(), "StartApplication".to_owned(), "FAILED".to_owned())];
        if let Some(between) = between {
            tale = tale.add(30, between);
        }
        tale.pass(60, Some("READY")).call(60, "StartApplication", start())
    };
    assert_eq!(failed(None).breaks(), ["S9"]);
    let retry = What::User("sluicegate.dev/retry-requested-at");
    assert_eq!(failed(Some(retry)).breaks(), Vec::<&str>::new());
}

#[test]
fn a_call_to_an_application_that_is_not_ours_breaks_s11() {
    let tag = |name: &str, value: &str| {
        let (name, value) = (format!("sluicegate.dev/{name}"), value.to_owned());
        Tale::new().with(|_, seen| {
            seen.tags.insert(name, value);
        })
    };
    let foreign = tag("cluster", "other")
        .pass(0, Some("READY"))
        .call(0, "TagResource", json!({}));
    assert_eq!(foreign.breaks(), ["S11"]);
    let earlier = tag("uid", "u0")
        .pass(0, Some("READY"))
        .call(0, "StartApplication", start());
    assert_eq!(earlier.breaks(), ["S11"]);
    let taken_over = tag("uid", "u0")
        .pass(0, Some("READY"))
        .call(0, "TagResource", json!({}));
    assert_eq!(taken_over.breaks(), Vec::<&str>::new());
}

#[test]
fn a_call_for_a_resource_that_is_gone_breaks_s12() {
    let gone = Tale::new().with(|object, seen| {
        object["metadata"]["uid"] = json!("u0");
        seen.tags.insert("sluicegate.dev/uid".to_owned(), "u0".to_owned());
    });
    let gone = gone.pass(0, Some("READY")).call(0, "StartApplication", start());
    assert_eq!(gone.breaks(), ["S12"]);
}

#[test]
fn a_call_for_an_older_object_breaks_s13() {
    let mut newer = object();
    newer["metadata"]["resourceVersion"] = json!("6");
    newer["status"]["message"] = json!("newer");
    let tale = Tale::new().pass(0, Some("READY")).wrote(0, object(), newer);
    let tale = tale.pass(1, Some("READY")).call(1, "StartApplication", start());
    assert_eq!(tale.breaks(), ["S13"]);
}

#[test]
fn a_fence_of_another_observation_breaks_s14() {
    for input in [json!({"ConditionalToken": "t0"}), json!({})] {
        let tale = Tale::new().pass(0, Some("READY")).call(0, "UpdateApplication", input);
        assert_eq!(tale.breaks(), ["S14"]);
    }
}

#[test]
fn a_deletion_beyond_its_policy_breaks_s17() {
    let deleting = |deletion: Value| {
        Tale::new().with(|object, _| {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            object["spec"]["deletion"] = deletion;
        })
    };
    let retain = deleting(json!({"policy": "Retain"}));
    let retain = retain.pass(0, Some("RUNNING")).call(0, "StopApplication", json!({}));
    assert_eq!(retain.breaks(), ["S17"]);
    let stop = deleting(json!({"policy": "Stop"})).pass(0, Some("READY"));
    assert_eq!(stop.call(0, "DeleteApplication", json!({})).breaks(), ["S17"]);
    let refused = deleting(json!({"policy": "Delete"})).pass(0, Some("READY"));
    assert_eq!(refused.call(0, "DeleteApplication", json!({})).breaks(), ["S17"]);
    let accepted = || deleting(json!({"policy": "Delete", "stateLoss": "Accepted"}));
    let running = accepted()
        .pass(0, Some("RUNNING"))
        .call(0, "DeleteApplication", json!({}));
    assert_eq!(running.breaks(), ["S17"]);
    let stopped = accepted()
        .pass(0, Some("READY"))
        .call(0, "DeleteApplication", json!({}));
    assert_eq!(stopped.breaks(), Vec::<&str>::new());
}

#[test]
fn an_equal_status_and_a_repeated_event_break_s18() {
    let equal = Tale::new().pass(0, Some("READY")).wrote(0, object(), object());
    assert_eq!(equal.breaks(), ["S18"]);
    let repeated = |second| Tale::new().pass(0, Some("READY")).event(0, "a").event(second, "a");
    assert_eq!(repeated(3598).breaks(), ["S18"]);
    assert_eq!(repeated(3599).breaks(), Vec::<&str>::new());
}

#[test]
fn a_status_or_events_beyond_their_bounds_break_s20() {
    let long = |change: fn(&mut Value)| {
        let mut after = object();
        change(&mut after["status"]);
        Tale::new().pass(0, Some("READY")).wrote(0, object(), after)
    };
    assert_eq!(
        long(|status| status["message"] = json!("x".repeat(40_000))).breaks(),
        ["S20"]
    );
    assert_eq!(long(|status| status["history"] = json!(vec![0; 11])).breaks(), ["S20"]);
    let told = |number: i64, warnings: i64| {
        let tale = Tale::new().pass(0, Some("READY"));
        (0..number).fold(tale, |tale, at| tale.tells(at, at < warnings, &at.to_string()))
    };
    for warnings in [0, 11] {
        assert_eq!(told(11, warnings).breaks(), ["S20"]);
    }
    assert_eq!(told(20, 10).breaks(), Vec::<&str>::new());
}

#[test]
fn reconciling_beside_stalled_is_found() {
    let mut after = object();
    after["status"]["conditions"] =
        json!([{"type": "Reconciling", "status": "True"}, {"type": "Stalled", "status": "True"}]);
    let both = Tale::new().pass(0, Some("READY")).wrote(0, object(), after);
    assert_eq!(both.breaks(), ["conditions"]);
}

/// A status on the way back from `r2` to `r1`.
fn way_back() -> Value {
    json!({
        "revisions": {"good": "r1", "goodVersionId": 1},
        "wayBack": {"from": "r2", "to": "r1", "versionId": 1},
        "failedRevisions": [{"revision": "r2"}],
        "intent": {"revision": "r1"},
        "hadState": true,
    })
}

fn with_status(status: Value, version: i64) -> Value {
    let mut object = object();
    object["metadata"]["resourceVersion"] = json!(version.to_string());
    object["status"] = status;
    object
}

#[test]
fn a_state_that_was_never_good_and_a_newer_runtime_break_s2() {
    let back = |origin: Origin| {
        let mut tale = Tale::new().with(|object, _| object["status"] = way_back());
        tale.origin = origin;
        tale.pass(0, Some("READY")).call(0, "StartApplication", start())
    };
    let of_good = |good| Origin {
        snapshot_of_good: Some(good),
        ..Origin::default()
    };
    assert_eq!(back(of_good(false)).breaks(), ["S2"]);
    assert_eq!(back(of_good(true)).breaks(), Vec::<&str>::new());
    let newer = Origin {
        newer_runtime: true,
        ..of_good(true)
    };
    assert_eq!(back(newer).breaks(), ["S2"]);
}

#[test]
fn a_second_way_back_one_to_what_is_not_good_and_a_rollback_astray_break_s10() {
    let begin = |tale: Tale, second, version| {
        let before = with_status(json!({}), version);
        tale.wrote(second, before, with_status(way_back(), version + 1))
    };
    let once = begin(Tale::new().pass(0, Some("RUNNING")), 0, 1);
    assert_eq!(once.breaks(), Vec::<&str>::new());
    assert_eq!(begin(once, 9, 2).breaks(), ["S10"]);
    let retry = What::User("sluicegate.dev/retry-requested-at");
    let retried = begin(Tale::new().pass(0, Some("RUNNING")), 0, 1).add(5, retry);
    assert_eq!(begin(retried, 9, 2).breaks(), Vec::<&str>::new());
    let mut other = way_back();
    other["revisions"]["good"] = json!("r0");
    let other = Tale::new()
        .pass(0, Some("RUNNING"))
        .wrote(0, with_status(json!({}), 1), with_status(other, 2));
    assert_eq!(other.breaks(), ["S10"]);
    let mut astray = Tale::new().with(|object, _| object["status"] = way_back());
    astray.origin.returns_to_good = Some(false);
    let astray = astray
        .pass(0, Some("RUNNING"))
        .call(0, "RollbackApplication", json!({}));
    assert_eq!(astray.breaks(), ["S10"]);
}

#[test]
fn a_rollback_of_a_job_that_nobody_saw_breaks_s19() {
    let look = |code: &str| {
        What::Read(Read {
            operation: "FlinkRest".to_owned(),
            status: Some(code.to_owned()),
            token: None,
            secret: None,
            up: None,
        })
    };
    let latest = restore("RESTORE_FROM_LATEST_SNAPSHOT", None);
    let undone = |code: &str, operation: &str, input: Value| {
        let tale = Tale::new()
            .pass(0, Some("RUNNING"))
            .call(0, "UpdateApplication", update(Some(&latest)));
        let tale = tale.pass(60, Some("RUNNING")).add(61, look(code));
        tale.pass(62, Some("RUNNING")).call(62, operation, input).breaks()
    };
    let force = || json!({"Force": true});
    assert_eq!(undone("503", "RollbackApplication", json!({})), ["S19"]);
    assert_eq!(undone("503", "StopApplication", force()), ["S19"]);
    assert_eq!(undone("200", "RollbackApplication", json!({})), Vec::<&str>::new());
    assert_eq!(undone("200", "StopApplication", force()), Vec::<&str>::new());
}

#[test]
fn a_secret_in_a_status_or_an_event_breaks_s21() {
    let read = What::Read(Read {
        operation: "CreateApplicationPresignedUrl".to_owned(),
        status: None,
        token: None,
        secret: Some("hush".to_owned()),
        up: None,
    });
    let tale = || Tale::new().pass(0, Some("RUNNING"));
    let known = |tale: Tale| tale.add(0, read.clone());
    assert_eq!(known(tale()).event(1, "it says hush").breaks(), ["S21"]);
    assert_eq!(tale().event(1, "it says hush").breaks(), Vec::<&str>::new());
    let told = with_status(json!({"message": "https://flink?authToken=x"}), 6);
    assert_eq!(tale().wrote(1, object(), told).breaks(), ["S21"]);
}

#[test]
fn a_good_revision_whose_job_came_up_empty_breaks_s22() {
    let good = || with_status(json!({"revisions": {"good": "r1", "goodVersionId": 1}}), 6);
    let started = |input: Value| {
        let tale = Tale::new().pass(0, Some("READY")).call(0, "StartApplication", input);
        tale.pass(60, Some("RUNNING"))
    };
    assert_eq!(started(start()).wrote(60, object(), good()).breaks(), ["S22"]);
    let elsewhere = started(start()).add(50, What::Elsewhere("console start"));
    assert_eq!(elsewhere.wrote(60, object(), good()).breaks(), Vec::<&str>::new());
}

#[test]
fn content_that_was_not_let_through_breaks_s23() {
    let create = |status: Value| {
        let tale = Tale::new().with(|object, seen| {
            object["status"] = status;
            seen.snapshots.clear();
        });
        tale.pass(0, None).call(0, "CreateApplication", json!({}))
    };
    let intent = json!({"revision": "r1", "step": "Create"});
    assert_eq!(create(json!({"intent": intent})).breaks(), ["S23"]);
    let let_through = json!({"intent": intent, "handled": {"approval": "r1"}});
    assert_eq!(create(let_through).breaks(), Vec::<&str>::new());
    let way_back = json!({"intent": intent, "wayBack": {"to": "r1"}});
    assert_eq!(create(way_back).breaks(), Vec::<&str>::new());
}

#[test]
fn a_revision_that_is_let_through_against_the_spec_breaks_s23() {
    let judged = |rollout: Value, approved: &str, synced: &str| {
        let tale = Tale::new().with(|object, _| {
            object["spec"]["rollout"] = rollout;
            object["metadata"]["annotations"]["sluicegate.dev/approved-revision"] = json!(approved);
        });
        let after = json!({"status": {
            "handled": {"approval": "r2"},
            "conditions": [{"type": "Synced", "status": synced}],
        }});
        tale.pass(0, Some("RUNNING")).wrote(0, object(), after).breaks()
    };
    let manual = || json!({"approval": "Manual"});
    let windows = |name: &str| json!({"changeWindows": [{"name": name}]});
    assert_eq!(judged(manual(), "r1", "False"), ["S23"]);
    assert_eq!(judged(windows("shut"), "r2", "False"), ["S23"]);
    for (rollout, approved, synced) in [
        (manual(), "r2", "False"),
        (manual(), "r1", "True"),
        (windows("always"), "r1", "False"),
        (json!({}), "r1", "False"),
    ] {
        assert_eq!(judged(rollout, approved, synced), Vec::<&str>::new());
    }
}

#[test]
fn a_deletion_of_what_somebody_may_go_back_to_breaks_s7() {
    let deleted = |spec: Value, status: Value, name: &str| {
        let tale = Tale::new().with(|object, seen| {
            object["spec"] = spec;
            object["status"] = status;
            for known in ["sluicegate-1", "theirs", "newest"] {
                seen.snapshots.push((known.to_owned(), "READY".to_owned()));
            }
        });
        let input = json!({"SnapshotName": name});
        tale.pass(0, Some("RUNNING"))
            .call(0, "DeleteApplicationSnapshot", input)
            .breaks()
    };
    let ours = || json!({"snapshots": {"retention": {"maxCount": 1}}});
    let all = || json!({"snapshots": {"retention": {"maxCount": 1, "scope": "All"}}});
    assert_eq!(deleted(ours(), json!({}), "sluicegate-1"), Vec::<&str>::new());
    assert_eq!(deleted(all(), json!({}), "theirs"), Vec::<&str>::new());
    let once = json!({"snapshots": {"retention": {}}, "restore": {"once": {"snapshotName": "sluicegate-1"}}});
    for (spec, status, name) in [
        (json!({}), json!({}), "sluicegate-1"),
        (ours(), json!({}), "theirs"),
        (all(), json!({}), "newest"),
        (ours(), json!({"rollout": {}}), "sluicegate-1"),
        (ours(), json!({"wayBack": {}}), "sluicegate-1"),
        (ours(), json!({"snapshots": {"latest": "sluicegate-1"}}), "sluicegate-1"),
        (
            ours(),
            json!({"revisions": {"goodSnapshot": "sluicegate-1"}}),
            "sluicegate-1",
        ),
        (
            ours(),
            json!({"revisions": {"previous": {"snapshot": "sluicegate-1"}}}),
            "sluicegate-1",
        ),
        (once, json!({}), "sluicegate-1"),
    ] {
        assert_eq!(
            deleted(spec.clone(), status.clone(), name),
            ["S7"],
            "{spec} {status} {name}"
        );
    }
}

#[test]
fn a_snapshot_of_an_unproven_job_and_a_second_one_of_a_run_break_s24() {
    let status = |running: &str| json!({"revisions": {"running": running, "good": "r1"}, "intent": {"step": "BackUp"}});
    let taken = |status: &Value, names: &[&str]| {
        let mut tale = Tale::new().with(|object, _| object["status"] = status.clone());
        for name in names {
            let input = json!({"SnapshotName": name});
            tale = tale
                .pass(0, Some("RUNNING"))
                .call(0, "CreateApplicationSnapshot", input);
        }
        tale.breaks()
    };
    let (first, again, next) = ("x-schedule-1", "x-schedule-1-2", "x-schedule-2");
    assert_eq!(taken(&status("r1"), &[first, next]), Vec::<&str>::new());
    assert_eq!(taken(&status("r2"), &[first]), ["S24"]);
    assert_eq!(taken(&status("r1"), &[first, again]), ["S24"]);
    let mut busy = status("r1");
    busy["rollout"] = json!({});
    assert_eq!(taken(&busy, &[first]), ["S24"]);
}

#[test]
fn a_start_of_what_was_stopped_by_force_that_nobody_asked_for_breaks_s25() {
    let mut stopped = object();
    stopped["status"]["forceStopped"] = json!({"revision": "r1", "at": "1970-01-01T00:00:00Z"});
    let started = |change: &dyn Fn(&mut Value)| {
        let mut now = stopped.clone();
        change(&mut now);
        let tale = Tale::new()
            .wrote(0, object(), stopped.clone())
            .with(|object, _| *object = now);
        tale.pass(10, Some("READY"))
            .call(10, "StartApplication", start())
            .breaks()
    };
    assert_eq!(started(&|_| ()), ["S25"]);
    let asked: [&dyn Fn(&mut Value); 4] = [
        &|object| object["spec"]["parallelism"] = json!({"parallelism": 2}),
        &|object| object["metadata"]["annotations"]["sluicegate.dev/restart-requested-at"] = json!("1"),
        &|object| object["status"]["requests"] = json!({"restart": "1"}),
        &|object| object["status"]["handled"] = json!({"rollback": "1"}),
    ];
    for ask in asked {
        assert_eq!(started(ask), Vec::<&str>::new());
    }
}

/// A tale in which the job of `r2` runs and a call serves the good revision `r1`.
fn returning(step: &str) -> Tale {
    Tale::new().with(|object, _| {
        object["status"]["revisions"] = json!({"good": "r1", "running": "r2", "target": "r1"});
        object["status"]["intent"] = json!({"revision": "r1", "step": step});
        object["status"]["handled"] = json!({"approval": "r1"});
    })
}

#[test]
fn a_return_to_the_good_revision_that_keeps_the_state_on_trial_breaks_s26() {
    let latest = update(Some(&restore("RESTORE_FROM_LATEST_SNAPSHOT", None)));
    let named = update(Some(&restore("RESTORE_FROM_CUSTOM_SNAPSHOT", Some("s1"))));
    let origin = |good| Origin {
        snapshot_of_good: Some(good),
        ..Origin::default()
    };
    let keeps = returning("Update").pass(0, Some("RUNNING"));
    assert_eq!(keeps.call(0, "UpdateApplication", latest.clone()).breaks(), ["S26"]);
    let first = returning("TakeSnapshot").pass(0, Some("RUNNING"));
    assert_eq!(first.call(0, "CreateApplicationSnapshot", json!({})).breaks(), ["S26"]);
    for (good, broken) in [(false, vec!["S26"]), (true, vec![])] {
        let mut tale = returning("Update").pass(0, Some("RUNNING"));
        tale.origin = origin(good);
        assert_eq!(
            tale.call(0, "UpdateApplication", named.clone()).breaks(),
            broken,
            "{good}"
        );
    }
    let unverified = returning("Update").with(|object, _| {
        object["status"]["conditions"] = json!([{"type": "Ready", "status": "False", "reason": "Unverified"}]);
    });
    let unverified = unverified.pass(0, Some("RUNNING")).call(0, "UpdateApplication", latest);
    assert_eq!(unverified.breaks(), Vec::<&str>::new());
}

#[test]
fn an_update_right_after_a_snapshot_that_was_not_given_breaks_s27() {
    let latest = update(Some(&restore("RESTORE_FROM_LATEST_SNAPSHOT", None)));
    let step = |step: &'static str| {
        move |object: &mut Value, _: &mut crate::trace::Seen| {
            object["status"]["intent"] = json!({"revision": "r1", "step": step});
            object["status"]["handled"] = json!({"approval": "r1"});
        }
    };
    for (second, broken) in [(60, vec!["S27"]), (300, vec![])] {
        let tale = Tale::new()
            .with(step("TakeSnapshot"))
            .pass(0, Some("RUNNING"))
            .call(0, "CreateApplicationSnapshot", json!({}))
            .with(step("Update"))
            .pass(second, Some("RUNNING"))
            .call(second, "UpdateApplication", latest.clone());
        assert_eq!(tale.breaks(), broken, "second {second}");
    }
}

#[test]
fn a_state_that_is_lost_because_somebody_else_switched_snapshots_off_breaks_s28() {
    let skip = update(Some(&restore("SKIP_RESTORE_FROM_SNAPSHOT", None)));
    let named = update(Some(&restore("RESTORE_FROM_CUSTOM_SNAPSHOT", Some("s1"))));
    let off = || {
        let tale = Tale::new().with(|_, seen| seen.snapshots_on = false);
        tale.add(0, What::Elsewhere(SWITCHED_OFF)).pass(1, Some("RUNNING"))
    };
    assert_eq!(off().call(1, "UpdateApplication", skip.clone()).breaks(), ["S28"]);
    assert_eq!(off().call(1, "StopApplication", json!({})).breaks(), ["S28"]);
    assert_eq!(off().call(1, "UpdateApplication", named).breaks(), Vec::<&str>::new());
    let force = json!({"Force": true});
    assert!(!off().call(1, "StopApplication", force).breaks().contains(&"S28"));
    let ours = Tale::new().with(|_, seen| seen.snapshots_on = false);
    let ours = ours.pass(1, Some("RUNNING")).call(1, "UpdateApplication", skip);
    assert_eq!(ours.breaks(), Vec::<&str>::new());
}

#[test]
fn a_forced_stop_after_which_nothing_can_be_started_breaks_s39() {
    let forced = |then: &str, change: &dyn Fn(&mut Value), between: Option<What>| {
        let mut after = object();
        after["status"]["aws"] = json!({"applicationStatus": then});
        after["status"]["conditions"] = json!([{"type": "Stalled", "status": "True", "reason": "NoRestorePoint"}]);
        let tale = Tale::new().with(|object, _| change(object)).pass(0, Some("RUNNING"));
        let tale = tale.call(0, "StopApplication", json!({"Force": true}));
        let tale = match between {
            Some(what) => tale.add(1, what),
            None => tale,
        };
        let breaks = tale.pass(2, Some("READY")).wrote(2, object(), after).breaks();
        breaks.contains(&"S39")
    };
    let nothing = |_: &mut Value| {};
    assert!(forced("READY", &nothing, None));
    assert!(!forced("RUNNING", &nothing, None));
    assert!(!forced("READY", &nothing, Some(What::Elsewhere("no snapshots"))));
    let asks = |object: &mut Value| object["status"]["requests"] = json!({"forceStop": "1"});
    assert!(!forced("READY", &asks, None));
    let policy = |object: &mut Value| object["spec"]["rollout"] = json!({"onFailure": "ForceStop"});
    assert!(!forced("READY", &policy, None));
}

#[test]
fn a_refused_call_that_is_sent_again_at_once_breaks_s40() {
    let refused = |seconds: i64, between: Option<What>| {
        let mut tale = Tale::new().pass(0, Some("RUNNING"));
        for number in 0..6 {
            for operation in ["TagResource", "UntagResource"] {
                tale = tale.sent(number * seconds, operation, json!({}), true);
                let last = tale.entries_mut().last_mut().unwrap();
                if let What::Call(call) = &mut last.what {
                    call.took_effect = false;
                }
            }
            if number == 3 {
                tale = match &between {
                    Some(what) => tale.add(number * seconds, what.clone()),
                    None => tale,
                };
            }
        }
        tale.breaks().contains(&"S40")
    };
    assert!(refused(0, None));
    assert!(!refused(2, None));
    assert!(!refused(0, Some(What::User("tags"))));
}

#[test]
fn what_somebody_stopped_in_its_gate_and_is_started_breaks_s41() {
    let started = |gate: bool, between: Option<What>, revision: &str| {
        let mut after = object();
        after["status"] = json!({"aws": {"applicationStatus": "RUNNING"}, "revisions": {"running": revision}});
        if gate {
            after["status"]["rollout"] = json!({"gate": {}});
        }
        let tale = Tale::new().pass(0, Some("RUNNING")).wrote(0, object(), after);
        let tale = tale.add(1, What::Elsewhere("console stop"));
        let tale = match between {
            Some(what) => tale.add(2, what),
            None => tale,
        };
        let run = json!({"RunConfiguration": restore("RESTORE_FROM_CUSTOM_SNAPSHOT", Some("s1"))});
        let breaks = tale
            .pass(200, Some("READY"))
            .call(200, "StartApplication", run)
            .breaks();
        breaks.contains(&"S41")
    };
    assert!(started(true, None, "r1"));
    assert!(!started(true, None, "r2"));
    assert!(!started(false, None, "r1"));
    let restart = What::User("sluicegate.dev/restart-requested-at");
    assert!(!started(true, Some(restart), "r1"));
}

#[test]
fn what_is_awaited_in_the_same_words_for_ever_breaks_s42() {
    let waits = |seconds: &[i64], change: &dyn Fn(&mut Value), between: Option<What>| {
        let mut tale = Tale::new().with(|object, _| {
            object["status"]["message"] = json!("operation o1 goes on");
            object["status"]["conditions"] = json!([{"type": "Reconciling", "status": "True", "reason": "Verifying"}]);
            change(object);
        });
        for second in seconds {
            tale = tale.pass(*second, Some("RUNNING"));
            if let Some(what) = between.clone().filter(|_| *second == 0) {
                tale = tale.add(1000, what);
            }
        }
        tale.breaks().contains(&"S42")
    };
    let nothing = |_: &mut Value| {};
    let long = [0, 800, 1600, 2400, 2410];
    assert!(waits(&long, &nothing, None));
    assert!(!waits(&[0, 800, 1600, 2399, 2409], &nothing, None));
    assert!(!waits(&[0, 2400, 2410], &nothing, None), "nobody looked before");
    assert!(!waits(&long, &nothing, Some(What::User("parallelism"))));
    let well: [&dyn Fn(&mut Value); 3] = [
        &|object| object["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]),
        &|object| object["spec"]["rollout"]["progressDeadline"] = json!("2h"),
        &|object| object["spec"]["management"]["mode"] = json!("ObserveOnly"),
    ];
    for change in well {
        assert!(!waits(&long, change, None));
    }
}

#[test]
fn a_call_without_an_end_that_keeps_stopped_what_ran_breaks_s43() {
    let hangs = |change: &dyn Fn(&mut Value)| {
        let mut after = object();
        after["status"] = json!({
            "aws": {"applicationStatus": "UPDATING"},
            "revisions": {"good": "r1", "target": "r2"},
            "conditions": [{"type": "Stalled", "status": "True", "reason": "DeadlineExceeded"}],
        });
        change(&mut after);
        let tale = Tale::new().pass(0, Some("RUNNING"));
        let tale = tale.call(0, "StopApplication", json!({})).pass(60, Some("UPDATING"));
        tale.wrote(2000, object(), after).breaks()
    };
    assert_eq!(hangs(&|_| ()), ["S43"]);
    let well: [&dyn Fn(&mut Value); 4] = [
        &|object| object["status"]["aws"]["applicationStatus"] = json!("RUNNING"),
        &|object| object["status"]["revisions"]["target"] = json!("r1"),
        &|object| object["status"]["putBack"] = json!({"to": "r1"}),
        &|object| object["spec"]["desiredState"] = json!("Stopped"),
    ];
    for change in well {
        assert_eq!(hangs(change), Vec::<&str>::new());
    }
}

#[test]
fn a_refusal_that_keeps_stopped_what_ran_breaks_s29() {
    let refused = |reason: &str, change: &dyn Fn(&mut Value)| {
        let mut after = object();
        after["status"] = json!({
            "aws": {"applicationStatus": "READY"},
            "revisions": {"good": "r1"},
            "refusal": {"revision": "r2"},
            "conditions": [{"type": "Stalled", "status": "True", "reason": reason}],
        });
        change(&mut after);
        let tale = Tale::new().pass(0, Some("RUNNING"));
        let tale = tale.call(0, "StopApplication", json!({})).pass(60, Some("READY"));
        tale.wrote(200, object(), after).breaks()
    };
    for reason in ["Rejected", "AccessDenied", "QuotaExceeded"] {
        assert_eq!(refused(reason, &|_| ()), ["S29"]);
    }
    let well: [&dyn Fn(&mut Value); 5] = [
        &|object| object["status"]["aws"]["applicationStatus"] = json!("RUNNING"),
        &|object| object["status"]["revisions"]["good"] = json!(null),
        &|object| object["status"]["refusal"]["revision"] = json!("r1"),
        &|object| object["spec"]["desiredState"] = json!("Stopped"),
        &|object| object["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:00Z"),
    ];
    for change in well {
        assert_eq!(refused("Rejected", change), Vec::<&str>::new());
    }
    assert_eq!(refused("NoRestorePoint", &|_| ()), Vec::<&str>::new());
}

#[test]
fn a_second_stop_for_a_change_that_nobody_asked_for_breaks_s29() {
    let twice = |between: Option<What>| {
        let stop = |tale: Tale, at| {
            let tale = tale.pass(at, Some("RUNNING"));
            tale.call(at, "StopApplication", json!({}))
        };
        let tale = stop(Tale::new(), 0).pass(60, Some("READY"));
        let tale = tale.call(60, "StartApplication", start());
        let tale = match between {
            Some(what) => tale.add(100, what),
            None => tale,
        };
        stop(tale, 200).breaks()
    };
    assert_eq!(twice(None), ["S29"]);
    for asked in [What::User("parallelism"), What::Elsewhere("console start")] {
        assert_eq!(twice(Some(asked)), Vec::<&str>::new());
    }
}

#[test]
fn a_change_of_ours_that_is_told_as_drift_breaks_s30() {
    let told = |before: Option<i64>| {
        let mut tale = Tale::new().pass(0, Some("READY"));
        if before == Some(0) {
            tale = tale.add(5, What::Elsewhere("console update"));
        }
        tale = tale.pass(10, Some("READY")).call(10, "UpdateApplication", update(None));
        if before == Some(1) {
            tale = tale.add(15, What::Elsewhere("console update"));
        }
        let (reason, note) = ("DriftDetected".to_owned(), "somebody else changed it".to_owned());
        let event = What::Event {
            reason,
            warning: true,
            note,
        };
        tale.pass(20, Some("READY")).add(20, event).breaks()
    };
    assert_eq!(told(None), ["S30"]);
    assert_eq!(told(Some(0)), ["S30"]);
    assert_eq!(told(Some(1)), Vec::<&str>::new());
}

/// A look at the job that shows whether it is up.
fn look(up: bool) -> What {
    What::Read(Read {
        operation: "FlinkRest".to_owned(),
        status: Some("200".to_owned()),
        token: None,
        secret: None,
        up: Some(up),
    })
}

#[test]
fn a_revision_that_the_clock_alone_condemns_breaks_s31() {
    let latest = restore("RESTORE_FROM_LATEST_SNAPSHOT", None);
    let condemned = |looks: &[(i64, bool)]| {
        let mut tale = Tale::new().with(|object, _| {
            object["spec"]["rollout"] = json!({"progressDeadline": "1m", "gate": {"stableFor": "10s"}});
        });
        tale = tale
            .pass(0, Some("RUNNING"))
            .call(0, "UpdateApplication", update(Some(&latest)));
        for (second, up) in looks {
            tale = tale.pass(*second, Some("RUNNING")).add(*second, look(*up));
        }
        let last = looks.last().map_or(0, |(second, _)| *second);
        let failure = json!({"reason": "DeadlineExceeded", "cause": "late"});
        let after = with_status(json!({"lastFailure": failure}), 6);
        tale.wrote(last, object(), after).breaks()
    };
    assert_eq!(condemned(&[(600, false)]), ["S31"]);
    assert_eq!(condemned(&[(600, false), (605, false)]), ["S31"]);
    assert_eq!(condemned(&[(600, false), (605, true), (610, false)]), ["S31"]);
    assert_eq!(condemned(&[(30, false), (40, false)]), ["S31"]);
    assert_eq!(condemned(&[(600, false), (610, false)]), Vec::<&str>::new());
}

#[test]
fn a_job_that_was_found_and_is_stopped_by_its_gate_breaks_s32() {
    let found = |what: &'static str, health: Value| {
        let tale = Tale::new().with(|object, _| {
            object["spec"]["health"] = health;
            object["status"]["health"] = json!({"restartLoop": {}});
        });
        let tale = tale.add(0, What::Elsewhere(what)).pass(60, Some("RUNNING"));
        tale.call(60, "StopApplication", json!({"Force": true})).breaks()
    };
    for what in ["console: an application", "restored from a backup"] {
        assert_eq!(found(what, json!({})), ["S32"], "{what}");
        assert_eq!(found(what, json!({"onUnhealthy": "ForceStop"})), Vec::<&str>::new());
    }
    assert_eq!(found("maintenance", json!({})), Vec::<&str>::new());
}

#[test]
fn a_job_that_somebody_else_brought_and_is_judged_breaks_s32() {
    let undone = |what: &'static str, change: Value| {
        let tale = Tale::new().with(|object, _| {
            object["status"] = json!({"health": {"restartLoop": {}}});
            crate::script::merge(object, &change);
        });
        let tale = tale
            .pass(0, Some("RUNNING"))
            .add(5, What::Elsewhere(what))
            .pass(60, Some("RUNNING"));
        tale.call(60, "StopApplication", json!({"Force": true})).breaks()
    };
    for what in ["console start", "console update", "console deploy"] {
        assert_eq!(undone(what, json!({})), ["S32"], "{what}");
        let asked = json!({"spec": {"health": {"onUnhealthy": "ForceStop"}}});
        assert_eq!(undone(what, asked), Vec::<&str>::new());
    }
    assert_eq!(undone("maintenance", json!({})), Vec::<&str>::new());
    let mut condemned = object();
    condemned["status"] = json!({
        "failedRevisions": [{"revision": "r1", "reason": "RestartLoop"}],
        "lastFailure": {"reason": "RestartLoop"},
    });
    let before = || Tale::new().with(|object, _| object["status"] = json!({}));
    let tale = before()
        .pass(0, Some("RUNNING"))
        .add(5, What::Elsewhere("console deploy"));
    let tale = tale.pass(60, Some("RUNNING")).wrote(60, object(), condemned);
    assert_eq!(tale.breaks(), ["S32"]);
}

#[test]
fn a_person_s_rollback_that_is_told_as_the_service_s_breaks_s33() {
    let mut held = object();
    held["status"]["failedRevisions"] = json!([{"revision": "r0", "reason": "System"}]);
    let told = |tale: Tale| tale.pass(9, Some("RUNNING")).wrote(9, object(), held.clone()).breaks();
    assert_eq!(told(Tale::new().add(5, What::Left(json!("bad")))), ["S33"]);
    assert_eq!(told(Tale::new()), Vec::<&str>::new());
}

#[test]
fn a_restart_that_is_put_off_while_a_revision_is_held_breaks_s37() {
    let told = |change: Value| {
        let mut after = object();
        after["metadata"]["generation"] = json!(2);
        after["status"] = json!({
            "observedGeneration": 2,
            "aws": {"applicationStatus": "RUNNING"},
            "conditions": [{"type": "Stalled", "status": "True", "reason": "RolledBack"}],
        });
        crate::script::merge(&mut after, &change);
        Tale::new().pass(0, Some("RUNNING")).wrote(0, object(), after).breaks()
    };
    assert_eq!(told(json!({"status": {"requests": {"restart": "1"}}})), ["S37"]);
    assert_eq!(told(json!({"spec": {"restartNonce": 1}})), ["S37"]);
    assert_eq!(told(json!({})), Vec::<&str>::new());
    let done = json!({"spec": {"restartNonce": 1}, "status": {"handled": {"restartNonce": 1}}});
    assert_eq!(told(done), Vec::<&str>::new());
}

#[test]
fn an_operation_of_somebody_else_that_is_ended_by_force_breaks_s38() {
    let force = || json!({"Force": true});
    let going_on = |id: &str, kind: &str| (id.to_owned(), kind.to_owned(), "IN_PROGRESS".to_owned());
    let ended = |id: &str, kind: &str, status: &str, change: Value| {
        let tale = Tale::new().pass(0, Some("READY")).call(0, "StartApplication", start());
        let tale = tale.with(|object, seen| {
            seen.operations.push(going_on(id, kind));
            crate::script::merge(object, &change);
        });
        tale.pass(3600, Some(status))
            .call(3600, "StopApplication", force())
            .breaks()
    };
    assert_eq!(ended("o2", "StartApplication", "STARTING", json!({})), ["S38"]);
    assert_eq!(ended("o2", "StopApplication", "STOPPING", json!({})), ["S38"]);
    assert_eq!(
        ended("o1", "StartApplication", "STARTING", json!({})),
        Vec::<&str>::new()
    );
    let asked = json!({"status": {"requests": {"forceStop": "1"}}});
    assert_eq!(ended("o2", "StartApplication", "STARTING", asked), Vec::<&str>::new());
    let lost = Tale::new().pass(0, Some("READY")).call(0, "StartApplication", start());
    let lost = lost.add(5, What::Elsewhere("restored from a backup"));
    let lost = lost.with(|_, seen| seen.operations.push(going_on("o1", "StartApplication")));
    let lost = lost.pass(3600, Some("STARTING")).call(3600, "StopApplication", force());
    assert_eq!(lost.breaks(), ["S38"]);
}

#[test]
fn content_that_a_rollback_of_somebody_else_left_and_that_is_sent_again_breaks_s33() {
    let latest = restore("RESTORE_FROM_LATEST_SNAPSHOT", None);
    let sent = |content: Value, between: Option<What>| {
        let mut tale = Tale::new().pass(0, Some("RUNNING")).add(5, What::Left(json!("bad")));
        if let Some(between) = between {
            tale = tale.add(6, between);
        }
        tale.origin.brought = Some(content);
        tale.pass(9, Some("RUNNING"))
            .call(9, "UpdateApplication", update(Some(&latest)))
            .breaks()
    };
    assert_eq!(sent(json!("bad"), None), ["S33"]);
    assert_eq!(sent(json!("another"), None), Vec::<&str>::new());
    let retry = What::User("sluicegate.dev/retry-requested-at");
    assert_eq!(sent(json!("bad"), Some(retry)), Vec::<&str>::new());
}

#[test]
fn a_start_from_a_snapshot_that_is_older_than_that_of_the_stop_before_it_breaks_s35() {
    let started = |second, name: &str, stop: What, more: &dyn Fn(&mut Value)| {
        let tale = Tale::new().with(|object, _| more(object)).pass(0, Some("RUNNING"));
        let tale = tale.add(0, stop).with(|_, seen| {
            seen.snapshots.push(("of-the-stop".to_owned(), "READY".to_owned()));
        });
        let run = json!({"RunConfiguration": restore("RESTORE_FROM_CUSTOM_SNAPSHOT", Some(name))});
        tale.pass(second, Some("READY"))
            .call(second, "StartApplication", run)
            .breaks()
    };
    let none: Vec<&str> = Vec::new();
    let theirs = || What::Elsewhere("console stop");
    let nothing = |_: &mut Value| {};
    assert_eq!(started(60, "s1", theirs(), &nothing), ["S35"]);
    assert_eq!(started(60, "of-the-stop", theirs(), &nothing), none);
    assert_eq!(started(150, "s1", theirs(), &nothing), none);
    assert_eq!(started(60, "s1", What::Elsewhere("console force-stop"), &nothing), none);
    let chosen = |object: &mut Value| object["spec"]["restore"] = json!({"once": {"nonce": 1, "snapshotName": "s1"}});
    assert_eq!(started(60, "s1", theirs(), &chosen), none);
    let ours = |force: bool| {
        let tale = Tale::new().pass(0, Some("RUNNING"));
        let tale = tale.call(0, "StopApplication", json!({"Force": force}));
        let tale = tale.with(|_, seen| seen.snapshots.push(("of-the-stop".to_owned(), "READY".to_owned())));
        let run = json!({"RunConfiguration": restore("RESTORE_FROM_CUSTOM_SNAPSHOT", Some("s1"))});
        tale.pass(60, Some("READY")).call(60, "StartApplication", run).breaks()
    };
    assert_eq!(ours(false), ["S35"]);
    assert!(!ours(true).contains(&"S35"));
}

#[test]
fn a_call_that_is_refused_for_long_while_nobody_is_told_breaks_s36() {
    let refused = |minutes: i64, stalled: &str| {
        let mut tale = Tale::new().with(|object, _| {
            let condition = json!({"type": "Stalled", "status": stalled, "reason": "NotAccepted"});
            object["status"]["conditions"] = json!([condition]);
        });
        for minute in (0..=minutes).step_by(4) {
            tale = tale.pass(60 * minute, Some("RUNNING"));
            tale = tale.sent(60 * minute, "StopApplication", json!({}), true);
            let last = tale.entries_mut().last_mut().unwrap();
            if let What::Call(call) = &mut last.what {
                call.took_effect = false;
            }
        }
        tale.breaks()
    };
    assert_eq!(refused(48, "False"), ["S36"]);
    assert_eq!(refused(48, "True"), Vec::<&str>::new());
    assert_eq!(refused(32, "False"), Vec::<&str>::new());
}

#[test]
fn what_a_spec_that_cannot_be_followed_keeps_waiting_breaks_s45() {
    let told = |reason: &str, change: &dyn Fn(&mut Value)| {
        let mut after = object();
        after["spec"] = json!({"desiredState": "Running"});
        after["status"] = json!({
            "aws": {"applicationStatus": "READY"},
            "revisions": {"good": "r1"},
            "rollout": {"revision": "r2", "ranBefore": {"revision": "r1"}},
            "conditions": [{"type": "Stalled", "status": "True", "reason": reason}],
        });
        change(&mut after);
        Tale::new().pass(0, Some("READY")).wrote(0, object(), after).breaks()
    };
    for reason in ["InvalidSpec", "ReferenceNotFound"] {
        assert_eq!(told(reason, &|_| ()), ["S45"]);
    }
    assert_eq!(told("Rejected", &|_| ()), Vec::<&str>::new());
    let running = |object: &mut Value| {
        object["status"]["aws"]["applicationStatus"] = json!("RUNNING");
        object["status"]["rollout"] = json!(null);
    };
    let broken: [&dyn Fn(&mut Value); 5] = [
        &|object| object["status"]["rollout"] = json!({"gate": {}}),
        &|object| object["status"]["wayBack"] = json!({"from": "r2", "to": "r1"}),
        &|object| object["status"]["requests"] = json!({"restart": "1"}),
        &|object| object["status"]["requests"] = json!({"snapshot": "1"}),
        &|object| object["spec"]["desiredState"] = json!("Stopped"),
    ];
    for change in broken {
        let change = |object: &mut Value| {
            running(object);
            change(object);
        };
        assert_eq!(told("InvalidSpec", &change), ["S45"]);
    }
    assert_eq!(told("InvalidSpec", &running), Vec::<&str>::new());
    let well: [&dyn Fn(&mut Value); 4] = [
        &|object| object["spec"]["desiredState"] = json!("Stopped"),
        &|object| object["status"]["forceStopped"] = json!({"revision": "r1"}),
        &|object| object["status"]["revisions"] = json!({"target": "r1"}),
        &|object| object["spec"]["management"] = json!({"mode": "ObserveOnly"}),
    ];
    for change in well {
        assert_eq!(told("InvalidSpec", change), Vec::<&str>::new());
    }
}

#[test]
fn what_is_sent_for_a_spec_that_cannot_be_followed_breaks_s45() {
    let sent = |operation: &str, reason: &'static str, way_back: bool| {
        let mut after = object();
        after["status"]["conditions"] = json!([{"type": "Synced", "status": "False", "reason": reason}]);
        if way_back {
            after["status"]["wayBack"] = json!({"to": "r1"});
        }
        let tale = Tale::new().pass(0, Some("READY")).wrote(0, object(), after);
        let breaks = tale.call(0, operation, json!({})).breaks();
        breaks.contains(&"S45")
    };
    for operation in ["AddApplicationVpcConfiguration", "TagResource"] {
        assert!(sent(operation, "InvalidSpec", false), "{operation}");
        assert!(!sent(operation, "Pending", false), "{operation}");
        assert!(!sent(operation, "InvalidSpec", true), "{operation}");
    }
    assert!(!sent("StopApplication", "InvalidSpec", false));
}

#[test]
fn a_restart_of_what_failed_that_is_put_off_breaks_s46() {
    let told = |change: &dyn Fn(&mut Value)| {
        let mut after = object();
        after["status"] = json!({
            "aws": {"applicationStatus": "RUNNING"},
            "revisions": {"running": "r2", "good": "r1"},
            "failedRevisions": [{"revision": "r2", "reason": "RestartLoop"}],
            "requests": {"restart": "1"},
            "conditions": [{"type": "Stalled", "status": "True", "reason": "RestartLoop"}],
        });
        change(&mut after);
        let breaks = Tale::new().pass(0, Some("RUNNING")).wrote(0, object(), after).breaks();
        breaks.contains(&"S46")
    };
    assert!(told(&|_| ()));
    assert!(told(&|object| {
        object["status"]["requests"] = json!(null);
        object["spec"]["restartNonce"] = json!(1);
    }));
    let well: [&dyn Fn(&mut Value); 4] = [
        &|object| object["status"]["requests"] = json!(null),
        &|object| object["status"]["revisions"]["running"] = json!("r1"),
        &|object| object["status"]["intent"] = json!({"step": "Restart"}),
        &|object| object["status"]["conditions"] = json!([]),
    ];
    for change in well {
        assert!(!told(change));
    }
}

#[test]
fn a_snapshot_that_is_left_of_a_job_that_could_not_be_verified_breaks_s47() {
    let left = |change: &dyn Fn(&mut Value)| {
        let tale = Tale::new().with(|object, _| {
            object["status"] = json!({
                "aws": {"applicationStatus": "RUNNING"},
                "snapshots": {"nextAt": "1970-01-01T00:10:00Z"},
                "conditions": [{"type": "Stalled", "status": "True", "reason": "Unverified"}],
            });
            change(object);
        });
        let tale = tale.pass(900, Some("RUNNING")).pass(960, Some("RUNNING"));
        tale.breaks().contains(&"S47")
    };
    assert!(left(&|_| ()));
    assert!(left(&|object| {
        object["status"]["requests"] = json!({"snapshot": "1"});
        object["status"]["snapshots"] = json!(null);
    }));
    let well: [&dyn Fn(&mut Value); 3] = [
        &|object| object["status"]["snapshots"]["nextAt"] = json!("1970-01-01T00:20:00Z"),
        &|object| object["status"]["snapshots"]["failure"] = json!({"attempts": 1}),
        &|object| object["status"]["conditions"] = json!([]),
    ];
    for change in well {
        assert!(!left(change));
    }
}
