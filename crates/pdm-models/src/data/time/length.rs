//! A length of time in `[dataset.time]`: a duration, or a number in the unit of the time column.

use std::borrow::Cow;
use std::fmt;

use pdm_core::duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Ticks of one second, and of one in the unit of a numeric time column: times are compared in millionths.
pub(in super::super) const TICKS: f64 = 1e6;

/// Largest length, in ticks: about 300 years of microseconds.
const LONGEST: f64 = 1e16;

/// A length of time: `"1h"` for timestamps, or a plain number in the unit of a numeric time column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridLength {
    ticks: i64,
    /// The duration as written; `None` for a plain number.
    duration: Option<String>,
}

impl GridLength {
    /// Returns a length in the unit of a numeric time column; `None` unless it is positive and at most 10¹⁰.
    pub fn of_number(number: f64) -> Option<Self> {
        let ticks = (number * TICKS).round();
        let is_possible = (1.0..=LONGEST).contains(&ticks);
        is_possible.then_some(Self {
            ticks: ticks as i64,
            duration: None,
        })
    }

    /// Reads a duration such as `1h`; `None` unless it is positive and at most about 300 years.
    pub fn of_duration(text: &str) -> Option<Self> {
        let micros = duration::parse(text)?.as_micros();
        let is_possible = micros >= 1 && micros <= LONGEST as i128;
        is_possible.then(|| Self {
            ticks: micros as i64,
            duration: Some(text.trim().to_owned()),
        })
    }

    /// Returns the length in microseconds, or in millionths of the unit of a numeric time column.
    pub fn ticks(&self) -> i64 {
        self.ticks
    }

    /// Returns whether this is a duration.
    pub fn is_duration(&self) -> bool {
        self.duration.is_some()
    }

    /// Returns how many of these lengths a duration has; `None` if either is a plain number.
    pub fn steps_of(&self, text: &str) -> Option<f64> {
        self.duration.as_ref()?;
        let micros = duration::parse(text)?.as_micros();
        Some(micros as f64 / self.ticks as f64)
    }
}

impl fmt::Display for GridLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.duration {
            Some(duration) => f.pad(duration),
            None => f.pad(&(self.ticks as f64 / TICKS).to_string()),
        }
    }
}

impl Serialize for GridLength {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.duration {
            Some(duration) => serializer.serialize_str(duration),
            None => serializer.serialize_f64(self.ticks as f64 / TICKS),
        }
    }
}

impl<'de> Deserialize<'de> for GridLength {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GridLengthReader)
    }
}

struct GridLengthReader;

impl Visitor<'_> for GridLengthReader {
    type Value = GridLength;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"1h\", or a positive number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<GridLength, E> {
        GridLength::of_duration(text).ok_or_else(|| {
            E::custom(format!(
                "{text:?} is not a duration: write it as \"10min\", \"1h\" or \"2d\""
            ))
        })
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<GridLength, E> {
        GridLength::of_number(number)
            .ok_or_else(|| E::custom(format!("{number} is not a positive number")))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<GridLength, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<GridLength, E> {
        self.visit_f64(number as f64)
    }
}

impl JsonSchema for GridLength {
    fn schema_name() -> Cow<'static, str> {
        "GridLength".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration such as \"1h\", or a positive number in the unit of the time column.",
            "anyOf": [{ "type": "string" }, { "type": "number", "exclusiveMinimum": 0 }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_durations_or_numbers_and_survive_json() {
        for (json, ticks) in [
            ("\"1h\"", 3_600_000_000),
            ("\"2d\"", 172_800_000_000),
            ("10.0", 10_000_000),
        ] {
            let length: GridLength = serde_json::from_str(json).unwrap();
            assert_eq!(length.ticks(), ticks, "{json}");
            assert_eq!(serde_json::to_string(&length).unwrap(), json);
        }
        for json in ["\"\"", "\"1 month\"", "0", "-1", "\"-1h\"", "1e300"] {
            assert!(serde_json::from_str::<GridLength>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn durations_count_steps() {
        let hour = GridLength::of_duration("1h").unwrap();
        assert_eq!(hour.steps_of("20d"), Some(480.0));
        assert_eq!(hour.steps_of("soon"), None);
        assert_eq!(GridLength::of_number(1.0).unwrap().steps_of("20d"), None);
    }
}
