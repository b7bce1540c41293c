//! A failed call of the service as the planner sees it: what the failure means, and what was said. Pure.

/// The longest message a fault carries, in bytes.
pub const MESSAGE_LIMIT: usize = 512;

/// A classified failure of a call.
///
/// The message is safe to publish in a condition, an event or a log: see [`sanitised`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What the failure means to the controller.
    pub kind: FaultKind,
    /// What the service or the transport said, sanitised.
    pub message: String,
}

/// What a failure means to the controller; a closed set, also the label of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// Too many calls; the service refused before it looked at the request.
    Throttled,
    /// `ResourceInUseException`: the status forbids the call at this moment, or the name is taken.
    Busy,
    /// `ConcurrentModificationException`: the fence is stale, somebody else changed the application.
    Conflict,
    /// A deleted namesake's tags are still registered: creating succeeds some minutes later (facts §1.1).
    TagsLingering,
    /// `ResourceNotFoundException`.
    NotFound,
    /// The request is wrong and stays wrong until the spec changes.
    Invalid,
    /// The role cannot be assumed, or the code object cannot be read; also what IAM and S3 answer for some minutes
    /// after a role or an object was made (facts §1.1).
    RoleOrLocation,
    /// The job is too unhealthy to take the snapshot that the call needs (facts §1.3).
    JobDown,
    /// Our own credentials are missing, invalid or not allowed to do this.
    Denied,
    /// A quota of the account or application is used up; not a rate.
    Quota,
    /// The request was certainly not sent: no connection came about, or no credentials were at hand.
    Unavailable,
    /// No definite answer: the call may or may not have taken effect.
    Unknown,
}

impl FaultKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 12] = [
        Self::Throttled,
        Self::Busy,
        Self::Conflict,
        Self::TagsLingering,
        Self::NotFound,
        Self::Invalid,
        Self::RoleOrLocation,
        Self::JobDown,
        Self::Denied,
        Self::Quota,
        Self::Unavailable,
        Self::Unknown,
    ];

    /// The label of the metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Busy => "busy",
            Self::Conflict => "conflict",
            Self::TagsLingering => "tags_lingering",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::RoleOrLocation => "role_or_location",
            Self::JobDown => "job_down",
            Self::Denied => "denied",
            Self::Quota => "quota",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        }
    }
}

impl Fault {
    /// A fault of this kind; the message is sanitised here.
    #[must_use]
    pub fn new(kind: FaultKind, message: &str) -> Self {
        Self {
            kind,
            message: sanitised(message),
        }
    }

    /// Did the call certainly not take effect?
    ///
    /// False only for [`FaultKind::Unknown`].
    #[must_use]
    pub fn definite(&self) -> bool {
        self.kind != FaultKind::Unknown
    }
}

/// A text from outside made safe to publish.
///
/// Control and text-direction characters become spaces, query strings and fragments of URLs are cut (a pre-signed URL
/// is a credential), and at most [`MESSAGE_LIMIT`] bytes are kept, whole characters only.
#[must_use]
pub fn sanitised(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().map(without_query).collect();
    let mut message = words.join(" ");
    message.truncate(message.floor_char_boundary(MESSAGE_LIMIT));
    message
}

/// The innermost cause of a Java stack trace: the line that says what went wrong, without the frames.
///
/// A text without a `Caused by` is its own cause; of it the first line counts.
#[must_use]
pub fn innermost_cause(stack_trace: &str) -> &str {
    let mut lines = stack_trace.lines().map(str::trim);
    let mut causes = lines.clone().filter_map(|line| line.strip_prefix("Caused by: "));
    causes
        .next_back()
        .or_else(|| lines.find(|line| !line.is_empty()))
        .unwrap_or_default()
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The part of a word before its query string or fragment; other words are returned whole.
fn without_query(word: &str) -> &str {
    let is_url = word.contains("://");
    let cut = word.char_indices().find(|(at, c)| match c {
        '?' => is_url || word[*at..].contains('='),
        '#' => is_url,
        _ => false,
    });
    cut.map_or(word, |(at, _)| &word[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_but_unknown_is_definite() {
        for kind in FaultKind::ALL {
            assert_eq!(Fault::new(kind, "").definite(), kind != FaultKind::Unknown, "{kind:?}");
        }
    }

    #[test]
    fn labels_are_distinct_snake_case_words() {
        let labels: std::collections::BTreeSet<_> = FaultKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(labels.len(), FaultKind::ALL.len());
        assert!(
            labels
                .iter()
                .all(|label| label.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        );
    }

    #[test]
    fn messages_lose_control_and_direction_characters() {
        assert_eq!(
            sanitised("a\u{1b}[31mred\r\nforged\u{202e}line\u{0}"),
            "a [31mred forged line"
        );
        assert_eq!(sanitised("  \t one \u{2028} two "), "one two");
    }

    #[test]
    fn messages_lose_query_strings_of_urls() {
        let table = [
            (
                "see https://h.example/path?X-Amz-Signature=secret now",
                "see https://h.example/path now",
            ),
            ("\"https://h.example/p?token\",", "\"https://h.example/p"),
            ("at https://h.example/#access=secret", "at https://h.example/"),
            ("GET /jobs?auth=secret failed", "GET /jobs failed"),
            ("What is wrong? Nothing.", "What is wrong? Nothing."),
            ("issue #12: ok?", "issue #12: ok?"),
        ];
        for (text, expected) in table {
            assert_eq!(sanitised(text), expected);
        }
    }

    #[test]
    fn messages_are_cut_at_a_character_within_the_limit() {
        let long = "ä".repeat(400);
        let message = sanitised(&format!("x{long}"));
        assert_eq!(message.len(), MESSAGE_LIMIT - 1);
        assert!(message.ends_with('ä'));
    }

    #[test]
    fn a_fault_prints_its_message() {
        assert_eq!(Fault::new(FaultKind::Busy, "Res\nInUse").to_string(), "Res InUse");
    }
}
