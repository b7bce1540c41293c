//! What the service accepts and does not carry out.

use serde_json::{Value, json};

use super::tale::{Tale, object, restore};
use crate::history::{History, text};
use crate::trace::{Call, What};

/// S34: the key that the service names where it was sent an alias is what was asked for.
pub(super) fn an_alias_is_the_key_that_it_names(history: History<'_>) -> Vec<String> {
    let told = history.writes().filter_map(|(_, entry, write)| {
        let object = write.after.as_ref()?;
        let by_alias = text(object, "/spec/encryption/kmsKeyId").contains("alias/");
        let told = text(object, "/status/message").contains("reports another configuration");
        (by_alias && told).then(|| format!("an alias is told as a difference at {}", entry.at))
    });
    told.collect()
}

/// S34: nothing that was accepted is sent again, word for word, until somebody does something, unless its operation failed.
///
/// A call without an operation may be sent again where its answer, or the record of it, was lost.
pub(super) fn what_had_no_effect_is_not_sent_again(history: History<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut sent: Vec<(usize, &str, Vec<String>)> = Vec::new();
    for (at, entry, call) in history.calls() {
        let asked = asked(call);
        if asked.is_empty() || history.effect_of(at).is_none() {
            continue;
        }
        let operation = call.operation.as_str();
        let again = sent.iter().find(|(earlier, of, before)| {
            *of == operation && before.iter().any(|one| asked.contains(one)) && !is_excused(history, *earlier, at, call)
        });
        if again.is_some() {
            found.push(format!("{operation} had no effect and is sent again at {}", entry.at));
        }
        if !is_tags(call) {
            sent.retain(|(_, of, _)| *of != operation);
        }
        sent.push((at, operation, asked));
    }
    found
}

/// Each single thing that a call asks for; nothing for calls that change no member.
fn asked(call: &Call) -> Vec<String> {
    let input = call.input.as_ref();
    let each = |list: &str| -> Vec<String> {
        let list = input[list].as_array();
        list.into_iter().flatten().map(Value::to_string).collect()
    };
    match call.operation.as_str() {
        "TagResource" => each("Tags"),
        "UntagResource" => each("TagKeys"),
        "UpdateApplicationMaintenanceConfiguration"
        | "UpdateApplication"
        | "AddApplicationVpcConfiguration"
        | "DeleteApplicationVpcConfiguration"
        | "AddApplicationCloudWatchLoggingOption"
        | "DeleteApplicationCloudWatchLoggingOption" => content(input).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The members of a request but those that address it and those that say how a job starts.
fn content(input: &Value) -> Option<String> {
    let mut content = input.as_object()?.clone();
    let beside = [
        "ApplicationName",
        "ConditionalToken",
        "CurrentApplicationVersionId",
        "RunConfigurationUpdate",
    ];
    content.retain(|member, value| !beside.contains(&member.as_str()) && !value.is_null());
    (!content.is_empty()).then(|| Value::Object(content).to_string())
}

fn is_tags(call: &Call) -> bool {
    matches!(call.operation.as_str(), "TagResource" | "UntagResource")
}

fn is_excused(history: History<'_>, earlier: usize, at: usize, call: &Call) -> bool {
    let mut between = history.0[earlier..at].iter();
    let asked = between.any(|entry| match entry.what {
        What::User(_) => true,
        // What a status that was lost had told is not known any more.
        What::Elsewhere(who) => who.starts_with("console") || who == "restored from a backup",
        _ => false,
    });
    let mut operations = call.before.iter().flat_map(|seen| &seen.operations);
    let without_operation = is_tags(call) || call.operation == "UpdateApplicationMaintenanceConfiguration";
    let unknown = without_operation && !is_recorded(history, earlier);
    asked || unknown || operations.any(|(_, _, status)| status == "FAILED")
}

/// Whether the controller had the answer to a call and wrote that down.
fn is_recorded(history: History<'_>, at: usize) -> bool {
    let answered = history.0[at].call().is_some_and(|call| call.answered);
    let mut after = history.0[at + 1..].iter();
    let next = after.find_map(|entry| match &entry.what {
        What::Write(write) => Some(write.after.is_some()),
        What::Crash | What::Pass(_) => Some(false),
        _ => None,
    });
    answered && next.unwrap_or(false)
}

#[test]
fn an_update_that_is_sent_again_word_for_word_breaks_s34() {
    let latest = restore("RESTORE_FROM_LATEST_SNAPSHOT", None);
    let sent = |tale: Tale, at: i64, parallelism: i64| {
        let change = json!({"Parallelism": parallelism});
        let input = json!({"ConditionalToken": "t1", "RunConfigurationUpdate": latest, "ApplicationConfigurationUpdate": change});
        tale.pass(at, Some("RUNNING")).call(at, "UpdateApplication", input)
    };
    let twice = |between: What, again| sent(sent(Tale::new(), 0, 2).add(30, between), 60, again).breaks();
    assert_eq!(twice(What::Elsewhere("autoscaling"), 2), ["S34"]);
    assert_eq!(twice(What::Elsewhere("autoscaling"), 3), Vec::<&str>::new());
    assert_eq!(twice(What::User("parallelism"), 2), Vec::<&str>::new());
    assert_eq!(twice(What::Elsewhere("console update"), 2), Vec::<&str>::new());
}

#[test]
fn an_alias_that_is_told_as_a_difference_breaks_s34() {
    let told = |key: &str| {
        let mut after = object();
        after["spec"]["encryption"] = json!({"kmsKeyId": key});
        after["status"]["message"] = json!("the service accepted the update and reports another configuration");
        Tale::new().pass(0, Some("RUNNING")).wrote(0, object(), after).breaks()
    };
    assert_eq!(told("alias/orders"), ["S34"]);
    assert_eq!(told("arn:aws:kms:eu-west-1:111122223333:key/1"), Vec::<&str>::new());
}

#[test]
fn whatever_is_asked_for_twice_without_effect_breaks_s34() {
    let arn = |rest: Value| {
        let mut input = json!({"ResourceARN": "arn"});
        input.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        input
    };
    let window = json!({"ApplicationMaintenanceWindowStartTimeUpdate": "05:00"});
    let calls = [
        ("TagResource", arn(json!({"Tags": [{"Key": "a", "Value": "1"}]}))),
        ("UntagResource", arn(json!({"TagKeys": ["a"]}))),
        (
            "UpdateApplicationMaintenanceConfiguration",
            json!({"ApplicationName": "orders", "ApplicationMaintenanceConfigurationUpdate": window}),
        ),
        (
            "UpdateApplication",
            json!({"ConditionalToken": "t1", "ServiceExecutionRoleUpdate": "arn:aws:iam::1:role/other"}),
        ),
        (
            "AddApplicationVpcConfiguration",
            json!({"ConditionalToken": "t1", "VpcConfiguration": {"SubnetIds": ["subnet-1"]}}),
        ),
        (
            "DeleteApplicationCloudWatchLoggingOption",
            json!({"ConditionalToken": "t1", "CloudWatchLoggingOptionId": "1.1"}),
        ),
    ];
    for (operation, input) in calls {
        let tale = |answered: bool| {
            let tale = Tale::new().pass(0, Some("READY"));
            let tale = tale.sent(0, operation, input.clone(), answered);
            let tale = tale.wrote(0, object(), object()).pass(60, Some("READY"));
            tale.call(60, operation, input.clone()).breaks()
        };
        assert!(tale(true).contains(&"S34"), "{operation}");
    }
}

#[test]
fn one_tag_of_two_that_is_set_again_breaks_s34() {
    let tags = |keys: &[&str]| {
        let tags: Vec<Value> = keys.iter().map(|key| json!({"Key": key, "Value": "1"})).collect();
        json!({"ResourceARN": "arn", "Tags": tags})
    };
    let written = || {
        let mut after = object();
        after["status"]["message"] = json!("written");
        after
    };
    let after = |answered, recorded, again: &[&str]| {
        let tale = Tale::new().pass(0, Some("RUNNING"));
        let tale = tale.sent(0, "TagResource", tags(&["a", "b"]), answered);
        let tale = if recorded {
            tale.wrote(0, object(), written())
        } else {
            tale
        };
        let tale = tale.pass(60, Some("RUNNING"));
        tale.call(60, "TagResource", tags(again)).breaks()
    };
    assert_eq!(after(true, true, &["b"]), ["S34"]);
    assert_eq!(after(true, true, &["c"]), Vec::<&str>::new());
    assert_eq!(after(false, true, &["b"]), Vec::<&str>::new());
    assert_eq!(after(true, false, &["b"]), Vec::<&str>::new());
}
