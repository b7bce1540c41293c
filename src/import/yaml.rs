//! YAML that every reader takes the same way: kubectl reads version 1.1, in which a plain `no` is a boolean and a plain
//! `22:00` may be a number.

use std::fmt::Write as _;

use serde_yaml::Value;

/// Words that version 1.1 does not take for text.
const WORDS: [&str; 11] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
];

/// A document in block style; text is quoted unless it can be nothing else.
#[must_use]
pub fn document(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out
}

fn write(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Mapping(members) if !members.is_empty() => {
            for (key, value) in members {
                let _ = write!(out, "{}{}:", "  ".repeat(depth), scalar(key));
                below(out, value, depth + 1);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for item in items {
                let mut block = String::new();
                write(&mut block, item, depth + 1);
                let text = block.strip_prefix(&"  ".repeat(depth + 1)).unwrap_or(&block);
                let _ = write!(out, "{}- {text}", "  ".repeat(depth));
            }
        }
        other => {
            let _ = writeln!(out, "{}{}", "  ".repeat(depth), scalar(other));
        }
    }
}

/// What follows a key.
fn below(out: &mut String, value: &Value, depth: usize) {
    let is_block = match value {
        Value::Mapping(members) => !members.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        write(out, value, depth);
    } else {
        let _ = writeln!(out, " {}", scalar(value));
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if is_plain(text) => text.clone(),
        // A string of JSON is one of YAML.
        Value::String(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Mapping(_) => "{}".to_owned(),
        Value::Sequence(_) => "[]".to_owned(),
        _ => "null".to_owned(),
    }
}

/// Whether no reader can take the text for anything else: a word that begins with a letter and is none of those words.
fn is_plain(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(letters)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_it_was_written() {
        let text = "a: {b: [1, {c: d, e: [x, y]}, []], 'no': 'off', f: {}, g: true}\nh: \"line\\nof \\\"text\\\" # {x}\"\ni: '22:00'\n";
        let value: Value = serde_yaml::from_str(text).unwrap();
        let written = document(&value);
        assert_eq!(serde_yaml::from_str::<Value>(&written).unwrap(), value, "{written}");
    }

    #[test]
    fn what_some_reader_takes_for_something_else_is_quoted() {
        for text in [
            "no", "Yes", "y", "22:00", "1.0", "007", "~", "", "a: b", "#a", "Null", "1e3", "@a", "a b",
        ] {
            assert!(!is_plain(text), "{text}");
        }
        for text in [
            "orders",
            "FLINK-1_20",
            "sluicegate.dev/v1alpha1",
            "b-1.example",
            "nothing",
        ] {
            assert!(is_plain(text), "{text}");
        }
    }
}
