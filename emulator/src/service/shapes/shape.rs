//! What a member of a request takes.

/// What a member takes.
pub(crate) enum Shape {
    /// A string with a length in characters.
    Text { min: usize, max: usize, of: Letters },
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A whole number.
    Whole { min: i64, max: i64 },
    /// `true` or `false`.
    Flag,
    /// Epoch seconds, with or without a fraction.
    Time,
    /// A list with a number of items.
    List { min: usize, max: usize, of: &'static Shape },
    /// Strings by string, 1 to 50 of them, each 1 to 2048 characters.
    Properties,
    /// An object with exactly these members.
    Fields(&'static [Member]),
    /// A member of the service's model that is not served here; the text says why.
    Refused(&'static str),
}

/// The characters a string may have.
pub(crate) enum Letters {
    /// Any.
    Any,
    /// `[a-zA-Z0-9_.-]`.
    Name,
    /// `[a-zA-Z0-9-_+/=]`.
    Token,
    /// Starts with `arn:`.
    Arn,
    /// `HH:MM` of a day of 24 hours.
    Clock,
}

/// A member of an object.
pub(crate) struct Member {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: &'static Shape,
}

pub(crate) const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        required: true,
        shape,
    }
}

pub(crate) const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        required: false,
        shape,
    }
}

/// A string with a length in characters.
pub(crate) const fn text(min: usize, max: usize, of: Letters) -> Shape {
    Shape::Text { min, max, of }
}
