//! Takes the unit from the path of a file.

use std::borrow::Cow;
use std::fmt;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A regular expression with a group `unit`.
#[derive(Debug, Clone)]
pub struct UnitFromPath(Regex);

/// The group that matches the unit.
const GROUP: &str = "unit";

impl UnitFromPath {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// It is not one, or has no group `unit`; returns what is wrong.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let regex = Regex::new(pattern).map_err(|error| {
            // The lines above the last one show the expression again.
            let error = error.to_string();
            let cause = error.lines().last().unwrap_or_default().trim();
            format!("{pattern:?} is not a regular expression: {cause}")
        })?;
        if regex.capture_names().any(|name| name == Some(GROUP)) {
            return Ok(Self(regex));
        }
        Err(format!(
            "{pattern:?} has no group named `unit`: write `(?<unit>…)` around the part of the path that names the unit"
        ))
    }

    /// Returns the expression.
    pub fn pattern(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the unit of a file; `None` if its path does not match.
    pub fn unit_of(&self, path: &str) -> Option<String> {
        let path = path.replace('\\', "/");
        let unit = self.0.captures(&path)?.name(GROUP)?.as_str();
        (!unit.is_empty()).then(|| unit.to_owned())
    }
}

impl PartialEq for UnitFromPath {
    fn eq(&self, other: &Self) -> bool {
        self.pattern() == other.pattern()
    }
}

impl Eq for UnitFromPath {}

impl Serialize for UnitFromPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.pattern())
    }
}

impl<'de> Deserialize<'de> for UnitFromPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(UnitFromPathReader)
    }
}

struct UnitFromPathReader;

impl Visitor<'_> for UnitFromPathReader {
    type Value = UnitFromPath;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a regular expression with a group `unit`")
    }

    fn visit_str<E: Error>(self, pattern: &str) -> Result<UnitFromPath, E> {
        UnitFromPath::new(pattern).map_err(E::custom)
    }
}

impl JsonSchema for UnitFromPath {
    fn schema_name() -> Cow<'static, str> {
        "UnitFromPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A regular expression with a group `unit`.",
            "type": "string",
            "format": "regex",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_the_unit() {
        let from = UnitFromPath::new(r"(?<unit>P-[0-9]+)\.csv$").unwrap();
        assert_eq!(from.unit_of("data/P-101.csv").as_deref(), Some("P-101"));
        assert_eq!(from.unit_of("data\\P-7.csv").as_deref(), Some("P-7"));
        assert_eq!(from.unit_of("data/other.csv"), None);
        assert!(UnitFromPath::new("(").is_err());
        assert!(
            UnitFromPath::new("P-[0-9]+")
                .unwrap_err()
                .contains("no group named `unit`")
        );
    }
}
