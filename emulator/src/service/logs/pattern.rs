//! Filter patterns of CloudWatch Logs: terms, and comparisons of fields of a JSON event.

use serde_json::Value;

/// A pattern that can be matched. Terms are found anywhere in the event, with upper and lower case apart.
#[derive(Debug, PartialEq)]
pub(super) enum Pattern {
    /// Every one of `all`, one of `any` if there are some, none of `none`.
    Terms {
        all: Vec<String>,
        any: Vec<String>,
        none: Vec<String>,
    },
    /// Every comparison holds.
    Fields(Vec<Comparison>),
}

/// `$.path = value` or `$.path != value`; a field that is not there matches neither.
#[derive(Debug, PartialEq)]
pub(super) struct Comparison {
    path: Vec<String>,
    equal: bool,
    /// A number or a string; `*` in it stands for anything.
    value: String,
}

impl Pattern {
    /// Reads a pattern. An empty one matches everything.
    ///
    /// The error tells what is not understood: other patterns are refused, so that none is taken for a match of nothing.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(inside) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let comparisons = inside.split("&&").map(comparison).collect::<Result<_, _>>();
            return comparisons.map(Self::Fields);
        }
        let (mut all, mut any, mut none) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = text;
        while !rest.is_empty() {
            let (list, term) = match rest.split_at_checked(1) {
                Some(("?", term)) => (&mut any, term),
                Some(("-", term)) => (&mut none, term),
                _ => (&mut all, rest),
            };
            let (term, tail) = next_term(term)?;
            list.push(term);
            rest = tail.trim_start();
        }
        let others = all.len() + none.len();
        if !any.is_empty() && others > 0 {
            return Err("filterPattern: terms with ? cannot stand beside other terms".to_owned());
        }
        Ok(Self::Terms { all, any, none })
    }

    /// Whether an event matches.
    pub(super) fn matches(&self, message: &str) -> bool {
        let contains = |term: &String| message.contains(term.as_str());
        match self {
            Self::Terms { all, any, none } => {
                all.iter().all(contains) && (any.is_empty() || any.iter().any(contains)) && !none.iter().any(contains)
            }
            Self::Fields(comparisons) => serde_json::from_str::<Value>(message)
                .is_ok_and(|event| comparisons.iter().all(|comparison| comparison.holds(&event))),
        }
    }
}

/// The first term and what follows it.
fn next_term(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (term, rest) = text.split_at(end);
        let plain = |letter: char| letter.is_alphanumeric() || letter == '_';
        if term.is_empty() || !term.chars().all(plain) {
            return Err(format!(
                "filterPattern: the term {term:?} must be in double quotes unless it has only letters, digits and _"
            ));
        }
        return Ok((term.to_owned(), rest));
    };
    let mut term = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((term, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => term.extend(letters.next().map(|(_, letter)| letter)),
            _ => term.push(letter),
        }
    }
    Err("filterPattern: a double quote is not closed".to_owned())
}

fn comparison(text: &str) -> Result<Comparison, String> {
    let refusal = || {
        let text = text.trim();
        format!("filterPattern: {text:?} must be $.field = value or $.field != value")
    };
    let (field, value) = text.split_once('=').ok_or_else(refusal)?;
    let (field, equal) = field.strip_suffix('!').map_or((field, true), |field| (field, false));
    let path = field.trim().strip_prefix("$.").ok_or_else(refusal)?;
    let value = value.trim();
    let value = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value);
    if path.is_empty() || value.is_empty() || value.contains('"') {
        return Err(refusal());
    }
    Ok(Comparison {
        path: path.split('.').map(str::to_owned).collect(),
        equal,
        value: value.to_owned(),
    })
}

impl Comparison {
    fn holds(&self, event: &Value) -> bool {
        let field = self.path.iter().try_fold(event, |value, name| value.get(name));
        let text = match field {
            None | Some(Value::Null) => return false,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        fits(&self.value, &text) == self.equal
    }
}

/// Whether a text is what a value with `*` describes.
fn fits(value: &str, text: &str) -> bool {
    let Some((start, rest)) = value.split_once('*') else {
        return value == text;
    };
    let Some(tail) = text.strip_prefix(start) else {
        return false;
    };
    let ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
    ends.filter_map(|at| tail.get(at..)).any(|tail| fits(rest, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"applicationVersionId":5,"errorCode":"CodeError.Invalid","message":"it \"failed\" twice"}"#;

    #[test]
    fn a_pattern_matches_what_it_describes() {
        for (pattern, matches) in [
            ("", true),
            ("errorCode", true),
            ("errorcode", false),
            ("errorCode twice", true),
            ("errorCode thrice", false),
            ("\"CodeError.Invalid\"", true),
            ("\"twice it\"", false),
            ("?thrice ?twice", true),
            ("?thrice ?never", false),
            ("errorCode -twice", false),
            ("-thrice", true),
            (r#""\\\"failed\\\"""#, true),
            ("{ $.errorCode = * }", true),
            ("{ $.missing = * }", false),
            ("{ $.errorCode = \"CodeError.*\" }", true),
            ("{ $.errorCode = \"*Invalid\" && $.applicationVersionId = 5 }", true),
            ("{ $.errorCode = * && $.applicationVersionId != 5 }", false),
            ("{ $.missing != 5 }", false),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(EVENT), matches, "{pattern}");
        }
        assert!(!Pattern::parse("{ $.a = * }").unwrap().matches("no JSON"));
    }

    #[test]
    fn a_pattern_that_is_not_understood_is_refused_with_its_text() {
        for (pattern, named) in [
            ("a.b", "a.b"),
            ("\"open", "not closed"),
            ("a ?b", "?"),
            ("%regex%", "%regex%"),
            ("{ $.a > 5 }", "$.a > 5"),
            ("{ a = 5 }", "a = 5"),
            ("-", "double quotes"),
        ] {
            let error = Pattern::parse(pattern).unwrap_err();
            assert!(error.contains(named), "{pattern}: {error}");
        }
    }
}
