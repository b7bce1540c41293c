//! Finds the paths that Rust source names: `use` trees are spelled out, comments and literals are left out.

use std::path::Path;

/// One path that a source names, and where.
pub(crate) struct PathUse {
    /// The names of the path in order: `use kube::{Client}` is `["kube", "Client"]`.
    pub(crate) segments: Vec<String>,
    /// The line on which it begins, counted from one.
    pub(crate) line: usize,
    /// The name that an import gives to its target: `use kube::Client as Other`.
    pub(crate) alias: Option<String>,
    /// The inline modules (`mod tests { .. }`) around it.
    inline: Vec<String>,
}

impl PathUse {
    /// The top-level module of the crate that this path leads to when it is written in the module `here`; none when it
    /// does not go through the root of the crate.
    pub(crate) fn module_of_crate(&self, here: &[String]) -> Option<String> {
        let first = self.segments.first()?;
        if first == "crate" {
            return self.segments.get(1).cloned();
        }
        let ups = self.segments.iter().take_while(|segment| *segment == "super").count();
        (ups > 0 && ups >= here.len() + self.inline.len())
            .then(|| self.segments.get(ups).cloned())
            .flatten()
    }

    /// The path from the root of the crate when it is written in the module `here`; none when it begins with a name
    /// that only an import can explain.
    pub(crate) fn path_in_crate(&self, here: &[String]) -> Option<Vec<String>> {
        let first = self.segments.first()?.as_str();
        let around = [here, &self.inline].concat();
        let ups = self.segments.iter().take_while(|segment| *segment == "super").count();
        match first {
            "crate" => Some(self.segments[1..].to_vec()),
            "self" => Some([&around, &self.segments[1..]].concat()),
            "super" => around
                .len()
                .checked_sub(ups)
                .map(|depth| [&around[..depth], &self.segments[ups..]].concat()),
            _ => None,
        }
    }

    /// Whether the path stands in an inline module of tests.
    pub(crate) fn is_of_tests(&self) -> bool {
        self.inline.iter().any(|module| module == "tests")
    }
}

/// The module path of a file below `src`: `plan/diff.rs` is `plan::diff`, `lib.rs` and `main.rs` are the root.
pub(crate) fn module_path(file: &Path) -> Vec<String> {
    let mut path: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if path.len() == 1 && (path[0] == "lib" || path[0] == "main") {
        path.clear();
    }
    path
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    PathSeparator,
    Other(char),
}

/// Every path in `source`, in the order of the text.
pub(crate) fn paths_of(source: &str) -> Vec<PathUse> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut inline: Vec<(usize, String)> = Vec::new();
    let mut at = 0;
    while let Some((token, line)) = tokens.get(at) {
        match token {
            Token::Name(word) if word == "mod" => {
                if let (Some((Token::Name(name), _)), Some((Token::Other('{'), _))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    depth += 1;
                    inline.push((depth, name.clone()));
                    at += 3;
                    continue;
                }
            }
            Token::Name(word) if word == "pub" => {
                at = end_of_visibility(&tokens, at);
                continue;
            }
            Token::Name(_) => {
                let mut spelled = Vec::new();
                at = spell_out(&tokens, at, &[], &mut spelled);
                let around: Vec<String> = inline.iter().map(|(_, name)| name.clone()).collect();
                found.extend(spelled.into_iter().map(|(segments, alias)| PathUse {
                    segments,
                    line: *line,
                    alias,
                    inline: around.clone(),
                }));
                continue;
            }
            Token::Other('{') => depth += 1,
            Token::Other('}') => {
                inline.pop_if(|(opened, _)| *opened == depth);
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Where the visibility that begins at `at` ends: the path in `pub(in crate::plan)` imports nothing.
fn end_of_visibility(tokens: &[(Token, usize)], at: usize) -> usize {
    let kind = |at: usize| tokens.get(at).map(|(token, _)| token);
    let names_a_module =
        matches!(kind(at + 2), Some(Token::Name(word)) if ["crate", "super", "self", "in"].contains(&word.as_str()));
    if kind(at + 1) != Some(&Token::Other('(')) || !names_a_module {
        return at + 1;
    }
    (at + 2..tokens.len())
        .find(|&i| kind(i) == Some(&Token::Other(')')))
        .map_or(tokens.len(), |closing| closing + 1)
}

/// A path as it is written, and the other name that it is given.
type Spelled = (Vec<String>, Option<String>);

/// Spells out the path or `use` tree that begins at `at` below `prefix`; answers where it ends.
fn spell_out(tokens: &[(Token, usize)], mut at: usize, prefix: &[String], found: &mut Vec<Spelled>) -> usize {
    let kind = |at: usize| tokens.get(at).map(|(token, _)| token);
    let mut path = prefix.to_vec();
    loop {
        match kind(at) {
            Some(Token::Name(name)) => {
                if name != "self" || path.is_empty() {
                    path.push(name.clone());
                }
                at += 1;
            }
            Some(Token::Other('{')) => {
                at += 1;
                while !matches!(kind(at), None | Some(Token::Other('}'))) {
                    let before = at;
                    at = if matches!(kind(at), Some(Token::Name(_))) {
                        spell_out(tokens, at, &path, found)
                    } else {
                        at + 1
                    };
                    debug_assert!(at > before, "the parser moves on");
                }
                return at + 1;
            }
            _ => break,
        }
        if kind(at) != Some(&Token::PathSeparator) {
            break;
        }
        at += 1;
    }
    if kind(at) == Some(&Token::Name("as".to_owned()))
        && let Some(Token::Name(alias)) = kind(at + 1)
        && kind(at + 2) != Some(&Token::PathSeparator)
    {
        found.push((path, Some(alias.clone())));
        return at + 2;
    }
    found.push((path, None));
    at
}

/// The names, path separators and other signs of `source` with their lines; comments and literals are left out.
fn tokens(source: &str) -> Vec<(Token, usize)> {
    let text: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < text.len() {
        let sign = text[at];
        let end = if let Some(end) = end_of_silent(&text, at) {
            end
        } else if sign.is_alphanumeric() || sign == '_' {
            let end = (at..text.len())
                .find(|&i| !text[i].is_alphanumeric() && text[i] != '_')
                .unwrap_or(text.len());
            found.push((Token::Name(text[at..end].iter().collect()), line));
            end
        } else if text[at..].starts_with(&[':', ':']) {
            found.push((Token::PathSeparator, line));
            at + 2
        } else {
            if !sign.is_whitespace() {
                found.push((Token::Other(sign), line));
            }
            at + 1
        };
        line += text[at..end].iter().filter(|&&sign| sign == '\n').count();
        at = end;
    }
    found
}

/// Where the comment or literal that begins at `at` ends; none when something else begins there.
fn end_of_silent(text: &[char], at: usize) -> Option<usize> {
    let rest = &text[at..];
    let word_before = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    match rest {
        ['/', '/', ..] => Some(
            rest.iter()
                .position(|&sign| sign == '\n')
                .map_or(text.len(), |length| at + length),
        ),
        ['/', '*', ..] => Some(end_of_block_comment(text, at)),
        ['"', ..] => Some(end_of_quoted(text, at + 1, '"')),
        ['b' | 'c', '"', ..] if !word_before => Some(end_of_quoted(text, at + 2, '"')),
        ['r', '"' | '#', ..] if !word_before => end_of_raw(text, at + 1),
        ['b' | 'c', 'r', '"' | '#', ..] if !word_before => end_of_raw(text, at + 2),
        ['\'', '\\', ..] => Some(end_of_quoted(text, at + 1, '\'')),
        ['\'', _, '\'', ..] => Some(at + 3),
        ['\'', ..] => {
            let word = rest[1..]
                .iter()
                .take_while(|sign| sign.is_alphanumeric() || **sign == '_')
                .count();
            Some(at + 1 + word)
        }
        _ => None,
    }
}

fn end_of_quoted(text: &[char], mut at: usize, quote: char) -> usize {
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// The end of a raw string whose `#` or quote stands at `at`; none for a raw identifier.
fn end_of_raw(text: &[char], at: usize) -> Option<usize> {
    let hashes = text[at..].iter().take_while(|&&sign| sign == '#').count();
    if text.get(at + hashes) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let from = at + hashes + 1;
    let length = text[from..].windows(closing.len()).position(|window| window == closing);
    Some(length.map_or(text.len(), |length| from + length + closing.len()))
}

fn end_of_block_comment(text: &[char], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < text.len() {
        match &text[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}
