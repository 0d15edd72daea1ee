//! A value that follows from the data unless it is set.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, IntoDeserializer, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value of the pipeline file that may be `"auto"`, so that it follows from the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FromData<T> {
    /// The value follows from the data, and the program reports it.
    #[default]
    Auto,
    /// The value is set, or was determined before.
    Set(T),
}

/// An `auto` value and what it was resolved to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolvedValue {
    /// Dotted key path.
    pub key: String,
    /// The value, as TOML has it.
    pub value: String,
    /// The reason, as a clause.
    pub why: String,
    /// Whether it is the usual value for long lives.
    pub usual: bool,
}

impl ResolvedValue {
    /// Describes the values, grouped by reason; `None` if all of them are the usual ones.
    pub fn describe(found: &[Self]) -> Option<String> {
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        for Self {
            key, value, why, ..
        } in found.iter().filter(|found| !found.usual)
        {
            let text = format!("{key} = {value}");
            match groups.iter_mut().find(|(known, _)| known == why) {
                Some((_, texts)) => texts.push(text),
                None => groups.push((why, vec![text])),
            }
        }
        let texts: Vec<_> = groups
            .iter()
            .map(|(why, texts)| format!("{} ({why})", texts.join(", ")))
            .collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}

/// The word for a value that follows from the data.
const AUTO: &str = "auto";

impl<T> FromData<T> {
    /// Returns the value if it is set.
    pub fn set(&self) -> Option<&T> {
        match self {
            Self::Auto => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T: Clone> FromData<T> {
    /// Returns the value if it is set, else the given one.
    pub fn or(&self, found: T) -> T {
        match self {
            Self::Auto => found,
            Self::Set(value) => value.clone(),
        }
    }
}

impl<T> From<T> for FromData<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl<T: Serialize> Serialize for FromData<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str(AUTO),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FromData<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AutoOr(std::marker::PhantomData))
    }
}

/// Reads the word itself, and passes everything else to the type, whose errors describe what it expects.
struct AutoOr<T>(std::marker::PhantomData<T>);

impl<T> AutoOr<T> {
    fn hand_on<'de, D, E>(value: D) -> Result<FromData<T>, E>
    where
        T: Deserialize<'de>,
        D: IntoDeserializer<'de, E>,
        E: Error,
    {
        T::deserialize(value.into_deserializer()).map(FromData::Set)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for AutoOr<T> {
    type Value = FromData<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value or \"{AUTO}\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == AUTO {
            return Ok(FromData::Auto);
        }
        Err(E::invalid_value(
            Unexpected::Str(text),
            &"a number or \"auto\"",
        ))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Self::hand_on(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Self::hand_on(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Self::hand_on(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Self::hand_on(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Self::Value, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(values)).map(FromData::Set)
    }
}

impl<T: JsonSchema> JsonSchema for FromData<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("FromData_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [value, { "type": "string", "enum": [AUTO], "description": "It follows from the data." }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct TestTable {
        rows: FromData<usize>,
        cap: FromData<f64>,
        lives: FromData<Vec<f64>>,
    }

    #[test]
    fn the_word_and_the_values_survive_toml_and_json() {
        for text in [
            "rows = \"auto\"\ncap = \"auto\"\nlives = \"auto\"\n",
            "rows = 7\ncap = 125.0\nlives = [4.0, 15.0]\n",
        ] {
            let table: TestTable = toml::from_str(text).unwrap();
            assert_eq!(toml::to_string(&table).unwrap(), text);
            let json = serde_json::to_string(&table).unwrap();
            assert_eq!(serde_json::from_str::<TestTable>(&json).unwrap(), table);
        }
        let whole: TestTable = toml::from_str("rows = 7\ncap = 125\nlives = [4, 15]").unwrap();
        assert_eq!(
            (whole.cap, whole.rows),
            (FromData::Set(125.0), FromData::Set(7))
        );
    }

    #[test]
    fn resolved_values_are_grouped_by_reason() {
        let found = |key: &str, why: &str, usual| {
            let (key, value, why) = (key.to_owned(), "2".to_owned(), why.to_owned());
            ResolvedValue {
                key,
                value,
                why,
                usual,
            }
        };
        let all = [
            found("a", "x", false),
            found("b", "y", false),
            found("c", "x", false),
            found("d", "x", true),
        ];
        assert_eq!(
            ResolvedValue::describe(&all).unwrap(),
            "a = 2, c = 2 (x); b = 2 (y)"
        );
        assert_eq!(ResolvedValue::describe(&all[3..]), None);
    }

    #[test]
    fn other_values_are_refused_with_the_expected_type() {
        let mistake = |rows: &str| {
            let text = format!("{{ \"rows\": {rows}, \"cap\": 1, \"lives\": [] }}");
            serde_json::from_str::<TestTable>(&text)
                .unwrap_err()
                .to_string()
        };
        assert!(
            mistake("\"soon\"").contains("expected a number or \"auto\""),
            "{}",
            mistake("\"soon\"")
        );
        assert!(
            mistake("-1").contains("expected usize"),
            "{}",
            mistake("-1")
        );
        assert!(
            mistake("[1]").contains("expected usize"),
            "{}",
            mistake("[1]")
        );
    }
}
