//! Lists in pages.

use serde_json::{Map, Value, json};

/// The page that the request asks for.
///
/// Items come with a key in rising order; the token is the key of the last item of a page, so a page stays right when
/// items come and go. A page has 50 items when the request sets no `Limit`.
pub(crate) fn page(list: &str, items: Vec<(String, Value)>, input: &Value) -> Value {
    let limit = limit(input);
    let after = input.get("NextToken").and_then(Value::as_str);
    let mut rest = items
        .into_iter()
        .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
    let shown: Vec<(String, Value)> = rest.by_ref().take(limit).collect();
    let token = shown
        .last()
        .map(|(key, _)| key.clone())
        .filter(|_| rest.next().is_some());
    let mut answer = Map::new();
    answer.insert(
        list.to_owned(),
        Value::Array(shown.into_iter().map(|(_, item)| item).collect()),
    );
    if let Some(token) = token {
        answer.insert("NextToken".to_owned(), json!(token));
    }
    Value::Object(answer)
}

/// The number of items on a page.
pub(crate) fn limit(input: &Value) -> usize {
    let limit = input.get("Limit").and_then(Value::as_u64);
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(50)
}

/// A key that puts the highest number first.
pub(crate) fn descending(number: u64) -> String {
    format!("{:020}", u64::MAX - number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let items: Vec<(String, Value)> = (0..5).map(|number| (descending(number), json!(number))).rev().collect();
        let mut seen = Vec::new();
        let mut input = json!({ "Limit": 2 });
        loop {
            let answer = page("Items", items.clone(), &input);
            seen.extend(answer["Items"].as_array().unwrap().clone());
            match answer.get("NextToken") {
                Some(token) => input["NextToken"] = token.clone(),
                None => break,
            }
        }
        assert_eq!(seen, [4, 3, 2, 1, 0].map(|number| json!(number)));
    }
}
