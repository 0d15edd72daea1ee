//! The condition of an alarm: a comparison such as `lower < 48`, or several joined by `and` and `or`.

use std::fmt;
use std::str::FromStr;

use super::Prediction;
use crate::codes::Code;

/// A condition on a prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    text: String,
    /// Alternatives, each of which requires all of its comparisons.
    any: Vec<Vec<AlarmCondition>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct AlarmCondition {
    figure: Figure,
    order: Order,
    limit: f64,
}

/// A number of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Rul,
    Lower,
    Upper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// The text is not a condition of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a condition of an alarm: {problem}")]
pub struct ParseAlarmError {
    text: String,
    problem: String,
}

impl ParseAlarmError {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        Code::AlarmExpression
    }
}

impl Alarm {
    /// Returns whether a prediction meets the condition; a comparison with a missing number is false.
    pub fn is_met(&self, prediction: &Prediction) -> bool {
        self.any
            .iter()
            .any(|all| all.iter().all(|comparison| comparison.holds(prediction)))
    }
}

impl AlarmCondition {
    fn holds(self, prediction: &Prediction) -> bool {
        let value = match self.figure {
            Figure::Rul => Some(prediction.rul),
            Figure::Lower => prediction.interval.map(|interval| interval.lower),
            Figure::Upper => prediction.interval.map(|interval| interval.upper),
        };
        let Some(value) = value else { return false };
        match self.order {
            Order::Below => value < self.limit,
            Order::AtMost => value <= self.limit,
            Order::Above => value > self.limit,
            Order::AtLeast => value >= self.limit,
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Alarm {
    type Err = ParseAlarmError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| ParseAlarmError {
            text: text.to_owned(),
            problem,
        };
        let words = words(text);
        let mut any = Vec::new();
        for all in words.split(|word| word.eq_ignore_ascii_case("or")) {
            let parts = all.split(|word| word.eq_ignore_ascii_case("and"));
            any.push(
                parts
                    .map(comparison)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(error)?,
            );
        }
        Ok(Self {
            text: text.trim().to_owned(),
            any,
        })
    }
}

/// Splits at blanks and around comparison operators.
fn words(text: &str) -> Vec<String> {
    let mut spaced = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if !matches!(character, '<' | '>' | '=' | '≤' | '≥') {
            spaced.push(character);
            continue;
        }
        spaced.push(' ');
        spaced.push(character);
        if characters.peek() == Some(&'=') {
            spaced.extend(characters.next());
        }
        spaced.push(' ');
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

fn comparison(words: &[String]) -> Result<AlarmCondition, String> {
    let [figure, order, limit] = words else {
        let found = if words.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{}`", words.join(" "))
        };
        return Err(format!(
            "expected a comparison such as `lower < 48`, found {found}"
        ));
    };
    let figure = match figure.to_ascii_lowercase().as_str() {
        "rul" => Figure::Rul,
        "lower" => Figure::Lower,
        "upper" => Figure::Upper,
        _ => {
            return Err(format!(
                "`{figure}` is not one of `rul`, `lower` and `upper`"
            ));
        }
    };
    let order = match order.as_str() {
        "<" => Order::Below,
        "<=" | "≤" => Order::AtMost,
        ">" => Order::Above,
        ">=" | "≥" => Order::AtLeast,
        _ => return Err(format!("`{order}` is not one of `<`, `<=`, `>` and `>=`")),
    };
    let limit = limit.parse::<f64>().ok().filter(|limit| limit.is_finite());
    let limit = limit.ok_or_else(|| format!("`{}` is not a number of cycles", words[2]))?;
    Ok(AlarmCondition {
        figure,
        order,
        limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cycle, Interval, UnitId};

    fn prediction(rul: f64, lower: f64, upper: f64) -> Prediction {
        let interval = Some(Interval { lower, upper });
        Prediction {
            unit: UnitId::from(1),
            cycle: Cycle(9),
            rul,
            interval,
            truth: None,
            flags: Vec::new(),
        }
    }

    fn is_met(text: &str, prediction: &Prediction) -> bool {
        text.parse::<Alarm>().unwrap().is_met(prediction)
    }

    #[test]
    fn comparisons_hold_as_they_are_written() {
        let at = prediction(60.0, 48.0, 72.0);
        for (text, expected) in [
            ("lower < 48", false),
            ("lower <= 48", true),
            ("lower<=48", true),
            ("LOWER ≤ 48", true),
            ("rul > 59.5", true),
            ("upper >= 72.5", false),
            ("rul < 48 or upper < 90", true),
            ("rul < 90 and upper < 70", false),
            ("lower < 10 or rul < 90 and upper < 90", true),
        ] {
            assert_eq!(is_met(text, &at), expected, "{text}");
        }
        assert!(!is_met(
            "lower < 48",
            &Prediction {
                interval: None,
                ..at
            }
        ));
        assert!(!is_met(
            "rul < 48 or rul >= 48",
            &prediction(f64::NAN, 0.0, 1.0)
        ));
    }

    #[test]
    fn an_invalid_condition_is_reported_with_the_word() {
        for (text, word) in [
            ("", "nothing"),
            ("lower", "`lower`"),
            ("lower < ", "`lower <`"),
            ("life < 48", "`life` is not one of"),
            ("lower = 48", "`=` is not one of"),
            ("lower == 48", "`==` is not one of"),
            ("lower < 48h", "`48h` is not a number"),
            ("lower < nan", "`nan` is not a number"),
            ("lower < 48 and", "nothing"),
            ("lower < 48 upper < 9", "`lower < 48 upper < 9`"),
        ] {
            let message = text.parse::<Alarm>().unwrap_err();
            assert!(message.to_string().contains(word), "{message}");
            assert_eq!(message.code(), Code::AlarmExpression);
        }
    }
}
