//! Durations as Go writes them, for instance `1h30m` or `250ms`.

/// The milliseconds of a duration in Go's notation with the units `ms`, `s`, `m` and `h`.
///
/// # Errors
/// A sentence that says what is wrong and what would be right.
pub fn milliseconds(text: &str) -> Result<i64, String> {
    let wrong =
        || format!("{text:?} is not a duration: write a number and a unit of ms, s, m or h, for instance 90s or 1h30m");
    let mut rest = text;
    let mut total = 0_f64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        total += number
            * match unit {
                "ms" => 1.0,
                "s" => 1_000.0,
                "m" => 60_000.0,
                "h" => 3_600_000.0,
                _ => return Err(wrong()),
            };
        rest = tail;
    }
    if total > 366.0 * 24.0 * 3_600_000.0 {
        return Err(format!("{text:?} is longer than a year"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the total is between zero and a year of milliseconds"
    )]
    Ok(total.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("60s", 60_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("1.5s", 1_500),
            ("0s", 0),
            ("1m0.5s", 60_500),
        ] {
            assert_eq!(milliseconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_an_example() {
        for text in ["", "5", "s", "5 s", "5d", "-5s", "1..2s", "99999h", "5s5"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
        assert!(milliseconds("5d").is_err_and(|why| why.contains("1h30m")));
    }
}
