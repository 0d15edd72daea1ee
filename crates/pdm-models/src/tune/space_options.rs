//! `[tune.space]` of a pipeline file.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::RangeOptions;
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// The search space: dotted keys of the pipeline file with their ranges, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpaceOptions(Vec<(String, RangeOptions)>);

impl SpaceOptions {
    /// Returns the keys and their ranges.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RangeOptions)> {
        self.0.iter().map(|(key, range)| (key.as_str(), range))
    }

    /// Returns what is wrong with the ranges themselves, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        if self.0.is_empty() {
            let problem = Problem::new("", "has no key to search").with_code(Code::NothingToSearch);
            return vec![
                problem.hint(
                    "such as \"model.learning_rate\" = { low = 0.01, high = 0.1, log = true }",
                ),
            ];
        }
        let of = |(key, range): (&str, &RangeOptions)| {
            range
                .problems()
                .into_iter()
                .map(|problem| problem.within(&quoted(key)))
                .collect::<Vec<_>>()
        };
        self.iter().flat_map(of).collect()
    }
}

/// Formats a key for a path: in quotes if TOML needs them.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

impl FromIterator<(String, RangeOptions)> for SpaceOptions {
    fn from_iter<I: IntoIterator<Item = (String, RangeOptions)>>(ranges: I) -> Self {
        Self(ranges.into_iter().collect())
    }
}

impl Serialize for SpaceOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for SpaceOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = SpaceOptions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SpaceOptions, A::Error> {
        let mut ranges = Vec::new();
        while let Some((key, RangeTable(range))) = map.next_entry()? {
            ranges.push((key, range));
        }
        Ok(SpaceOptions(ranges))
    }
}

/// A range written as a table; serde alone would also accept a list in the order of the fields.
struct RangeTable(RangeOptions);

impl<'de> Deserialize<'de> for RangeTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OnlyTable)
    }
}

struct OnlyTable;

impl<'de> Visitor<'de> for OnlyTable {
    type Value = RangeTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RangeTable, A::Error> {
        RangeOptions::deserialize(MapAccessDeserializer::new(map)).map(RangeTable)
    }
}

impl JsonSchema for SpaceOptions {
    fn schema_name() -> Cow<'static, str> {
        "SpaceOptions".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let range = generator.subschema_for::<RangeOptions>();
        json_schema!({ "type": "object", "additionalProperties": range })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_they_are_written_in() {
        let text = "\"model.rounds\" = { low = 1, high = 9 }\n\"features.regimes\" = { choices = [1, 0] }\n";
        let space: SpaceOptions = toml::from_str(text).unwrap();
        assert_eq!(
            space.iter().map(|(key, _)| key).collect::<Vec<_>>(),
            ["model.rounds", "features.regimes"]
        );
        assert_eq!(
            toml::from_str::<SpaceOptions>(&toml::to_string(&space).unwrap()).unwrap(),
            space
        );
    }

    #[test]
    fn an_empty_space_and_a_wrong_range_are_problems() {
        assert_eq!(
            SpaceOptions::default().problems()[0].message,
            "has no key to search"
        );
        let space: SpaceOptions =
            toml::from_str("\"model.rounds\" = { low = 9, high = 1 }").unwrap();
        assert_eq!(space.problems()[0].path, "\"model.rounds\".low");
    }
}
