//! Metric values with a JSON form.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A metric's value; in JSON a number, or `"NaN"`, `"Infinity"`, `"-Infinity"`, which MLflow reads too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

impl de::Visitor<'_> for NumberVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        match text {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_survives_json(bits: u64) {
            let value = f64::from_bits(bits);
            let json = serde_json::to_string(&Number(value)).unwrap();
            let Number(back) = serde_json::from_str(&json).unwrap();
            prop_assert!(back == value || back.is_nan() && value.is_nan(), "{json}");
        }
    }

    #[test]
    fn what_json_lacks_is_spelt_as_mlflow_spells_it() {
        let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1, 3.0].map(Number);
        assert_eq!(
            serde_json::to_string(&numbers).unwrap(),
            r#"["NaN","Infinity","-Infinity",0.1,3.0]"#
        );
        assert!(serde_json::from_str::<Number>(r#""inf""#).is_err());
        assert_eq!(serde_json::from_str::<Number>("3").unwrap(), Number(3.0));
    }
}
