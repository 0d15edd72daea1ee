//! Parses numbers of data files and describes cells that are not numbers.

use std::fmt::Write as _;

use super::Expectation;
use pdm_core::domain::UnitId;

/// A cell without a valid number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadCell {
    pub(super) expectation: Expectation,
    pub(super) message: String,
}

/// Reads a finite number; `column` is the column as messages describe it.
pub(super) fn finite(text: &str, column: &str) -> Result<f64, BadCell> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) if text.bytes().any(|byte| byte.is_ascii_digit()) => Err(bad(
            Expectation::Finite,
            text,
            column,
            "is too large for a number",
        )),
        Ok(_) => Err(bad(
            Expectation::Finite,
            text,
            column,
            "is not a finite number",
        )),
        Err(_) if text.is_empty() => Err(BadCell {
            expectation: Expectation::Finite,
            message: format!("{column} is empty"),
        }),
        Err(_) if is_date(text) => Err(bad(
            Expectation::Types,
            text,
            column,
            "is a date or a time, not a number",
        )),
        Err(_) => Err(bad(Expectation::Types, text, column, "is not a number")),
    }
}

/// Reads a whole number from 0 to `u32::MAX`, which may be written with a decimal point.
pub(super) fn whole(text: &str, column: &str) -> Result<u32, BadCell> {
    if let Ok(value) = text.parse() {
        return Ok(value);
    }
    let value = finite(text, column)?;
    as_whole(value).map_err(|problem| bad(Expectation::Types, text, column, problem))
}

/// Converts a number to a whole number, or returns why that is impossible.
pub(super) fn as_whole(value: f64) -> Result<u32, &'static str> {
    if value.fract() != 0.0 {
        Err("is not a whole number")
    } else if value < 0.0 {
        Err("is negative")
    } else if value > f64::from(u32::MAX) {
        Err("is too large to count cycles or units")
    } else {
        Ok(value as u32)
    }
}

/// Returns whether a text begins like a date or a time: `2026-01-31`, `31.01.2026`, `1/31/2026` or `12:30`.
fn is_date(text: &str) -> bool {
    let mark = text
        .trim_start_matches(|character: char| character.is_ascii_digit())
        .chars()
        .next();
    let parts: Vec<_> = match mark {
        Some(mark @ ('-' | '.' | '/' | ':')) => text.split([mark, ' ', 'T']).take(3).collect(),
        Some(_) | None => return false,
    };
    let is_part = |part: &&str| {
        (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let needed = if mark == Some(':') { 2 } else { 3 };
    parts.len() >= needed && parts.iter().take(needed).all(is_part)
}

fn bad(expectation: Expectation, text: &str, column: &str, problem: &str) -> BadCell {
    BadCell {
        expectation,
        message: format!("{} in {column} {problem}", shown(text)),
    }
}

/// Formats a piece of a file for a message: short, in backticks, without control characters.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut shown = String::from("`");
    for character in text.chars().take(LONGEST) {
        if character.is_control() {
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push_str(if text.chars().nth(LONGEST).is_some() {
        "…`"
    } else {
        "`"
    });
    shown
}

/// Formats the name of a unit for a message: in backticks if it contains blanks.
pub(super) fn named(unit: &UnitId) -> String {
    if unit.as_str().contains(char::is_whitespace) {
        shown(unit.as_str())
    } else {
        unit.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_or_reported() {
        assert_eq!(finite("-0.0007", "c"), Ok(-0.0007));
        assert_eq!(finite("1e2", "c"), Ok(100.0));
        let message = |text| finite(text, "column 7 (s_2)").unwrap_err();
        assert_eq!(
            message("NAN").message,
            "`NAN` in column 7 (s_2) is not a finite number"
        );
        assert_eq!(message("inf").expectation, Expectation::Finite);
        assert_eq!(
            message("-1e999").message,
            "`-1e999` in column 7 (s_2) is too large for a number"
        );
        assert_eq!(
            message("1,5").message,
            "`1,5` in column 7 (s_2) is not a number"
        );
        assert_eq!(message("").message, "column 7 (s_2) is empty");
        for date in [
            "2026-01-31 12:00:00",
            "2026-01-31T12:00Z",
            "31.01.2026",
            "1/31/2026",
            "12:30",
        ] {
            assert!(
                message(date)
                    .message
                    .ends_with("is a date or a time, not a number"),
                "{date}"
            );
        }
        for text in ["1-2", "1.2.x", "a-b-c", "1:"] {
            assert!(message(text).message.ends_with("is not a number"), "{text}");
        }
    }

    #[test]
    fn whole_numbers_may_carry_a_decimal_point() {
        assert_eq!(whole("12", "c"), Ok(12));
        assert_eq!(whole("1.0000000e+00", "c"), Ok(1));
        let message = |text| whole(text, "c").unwrap_err().message;
        assert_eq!(message("1.5"), "`1.5` in c is not a whole number");
        assert_eq!(message("-3"), "`-3` in c is negative");
        assert_eq!(
            message("99999999999"),
            "`99999999999` in c is too large to count cycles or units"
        );
        assert_eq!(message("nan"), "`nan` in c is not a finite number");
    }

    #[test]
    fn what_is_shown_is_short_and_printable() {
        assert_eq!(shown("a\x07b"), "`a\\u{7}b`");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 43);
    }
}
