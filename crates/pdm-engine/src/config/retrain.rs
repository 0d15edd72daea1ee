//! `[retrain]`: the conditions under which a new model is made.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use pdm_core::duration;
use schemars::JsonSchema;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use pdm_core::domain::Problem;

/// When `pdm-ml retrain` makes a new model. It changes no result, so it is part of no cache key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RetrainOptions {
    /// Conditions, of which one is enough: `new-data`, `new-units=N`, `drift`, `older-than=7d`, `always`; `--if` replaces them.
    #[schemars(with = "Vec<String>")]
    pub when: Vec<Condition>,
    /// False discovery rate over all tests of one drift check.
    pub drift_fdr: f64,
    /// Fewest new units for a drift check, at least 2.
    pub drift_units: usize,
    /// What to do where units or rows that the newest judged model learnt from are missing.
    pub lost_data: LostData,
}

/// What `retrain` does where data that a model learnt from are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LostData {
    /// It makes no model, writes a note to the registry's log, and ends with exit code 10.
    #[default]
    Refuse,
    /// It continues with the data that are left, for data whose units are meant to be removed. Missing units are no reason for
    /// a new model.
    Accept,
}

/// A condition under which a new model is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// No judged model learnt from these data.
    NewData,
    /// At least this many units came in since the model judged last.
    NewUnits(usize),
    /// The units that came in differ from those the champion learnt from.
    Drift,
    /// The champion's version is at least this old.
    OlderThan(SignedDuration),
    /// Always.
    Always,
}

impl Default for RetrainOptions {
    fn default() -> Self {
        Self {
            when: vec![Condition::NewData],
            drift_fdr: 0.01,
            drift_units: 5,
            lost_data: LostData::Refuse,
        }
    }
}

impl RetrainOptions {
    /// Returns what is out of range.
    pub fn problems(&self) -> Vec<Problem> {
        let nothing = self
            .when
            .is_empty()
            .then(|| Problem::new("when", "names no condition").hint("write [\"new-data\"]"));
        let rate = self.drift_fdr > 0.0 && self.drift_fdr < 1.0;
        let rate = (!rate).then(|| {
            let share = self.drift_fdr;
            let problem = Problem::new(
                "drift_fdr",
                format!("is {share}, and must be above 0 and below 1"),
            );
            if (1.0..100.0).contains(&share) {
                problem.hint(format!("{}", share / 100.0))
            } else {
                problem
            }
        });
        let few = self.drift_units < 2;
        let units = few.then(|| {
            Problem::new(
                "drift_units",
                format!("must be at least 2, not {}", self.drift_units),
            )
        });
        nothing.into_iter().chain(rate).chain(units).collect()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewData => f.pad("new-data"),
            Self::NewUnits(units) => f.pad(&format!("new-units={units}")),
            Self::Drift => f.pad("drift"),
            Self::OlderThan(age) => f.pad(&format!("older-than={}", days(*age))),
            Self::Always => f.pad("always"),
        }
    }
}

/// Returns a length of time as it would be typed.
fn days(age: SignedDuration) -> String {
    let seconds = age.as_secs();
    match [(86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(length, _)| seconds % length == 0)
    {
        Some((length, unit)) if seconds != 0 => format!("{}{unit}", seconds / length),
        _ => format!("{seconds}s"),
    }
}

/// A text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a condition: expected new-data, new-units=N, drift, older-than=TIME (such as 7d) or always"
)]
pub struct ParseConditionError(String);

impl FromStr for Condition {
    type Err = ParseConditionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || match text.trim().split_once('=') {
            None => match text.trim() {
                "new-data" => Some(Self::NewData),
                "drift" => Some(Self::Drift),
                "always" => Some(Self::Always),
                _ => None,
            },
            Some(("new-units", units)) => units
                .parse()
                .ok()
                .filter(|units| *units > 0)
                .map(Self::NewUnits),
            Some(("older-than", age)) => age_of(age).map(Self::OlderThan),
            Some(_) => None,
        };
        read().ok_or_else(|| ParseConditionError(text.to_owned()))
    }
}

/// Reads `7d`, `2 weeks` or `36h`.
fn age_of(text: &str) -> Option<SignedDuration> {
    duration::parse(text).filter(|age| !age.is_negative())
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ConditionReader)
    }
}

struct ConditionReader;

impl Visitor<'_> for ConditionReader {
    type Value = Condition;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "one of \"new-data\", \"new-units=N\", \"drift\", \"older-than=7d\" and \"always\"",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Condition, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_come_back_as_they_were_typed() {
        for text in [
            "new-data",
            "new-units=12",
            "drift",
            "older-than=7d",
            "older-than=36h",
            "older-than=90m",
            "always",
        ] {
            assert_eq!(text.parse::<Condition>().unwrap().to_string(), text);
        }
        assert_eq!(
            "older-than=2 weeks"
                .parse::<Condition>()
                .unwrap()
                .to_string(),
            "older-than=14d"
        );
        for text in [
            "",
            "newdata",
            "new-units=0",
            "new-units",
            "older-than=soon",
            "older-than=-1d",
            "drift=2",
        ] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }

    #[test]
    fn impossible_options_are_reported() {
        let options = RetrainOptions {
            when: vec![],
            drift_fdr: 1.0,
            drift_units: 1,
            ..Default::default()
        };
        let paths: Vec<_> = options
            .problems()
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        assert_eq!(paths, ["when", "drift_fdr", "drift_units"]);
        assert_eq!(RetrainOptions::default().problems(), []);
    }
}
