use serde::{Deserialize, Deserializer, Serialize};

use super::{Gbdt, GbdtOptions, Gru, GruOptions, InputKind, Linear, LinearOptions, ModelError, Predictor};
use crate::domain::Problem;

/// The model families, with their options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelOptions {
    /// Ridge regression on the feature table.
    Linear(LinearOptions),
    /// Gradient-boosted trees on the feature table.
    Gbdt(GbdtOptions),
    /// A recurrent network on the sequence.
    Gru(GruOptions),
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self::Gbdt(GbdtOptions::default())
    }
}

impl ModelOptions {
    /// The values of `kind`.
    pub const KINDS: &'static [&'static str] = &["linear", "gbdt", "gru"];

    /// Reads the options of the family `kind`; `None` for an unknown one.
    ///
    /// `options` is the table without its `kind`.
    pub fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>> {
        Some(match kind {
            "linear" => LinearOptions::deserialize(options).map(Self::Linear),
            "gbdt" => GbdtOptions::deserialize(options).map(Self::Gbdt),
            "gru" => GruOptions::deserialize(options).map(Self::Gru),
            _ => return None,
        })
    }

    /// Returns the name of the family.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Gbdt(_) => "gbdt",
            Self::Gru(_) => "gru",
        }
    }

    /// Returns which input the family reads.
    pub fn input(&self) -> InputKind {
        match self {
            Self::Linear(_) | Self::Gbdt(_) => InputKind::Table,
            Self::Gru(_) => InputKind::Sequence,
        }
    }

    /// Returns what is wrong with the options, with paths relative to their table.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Linear(options) => options.problems(),
            Self::Gbdt(options) => options.problems(),
            Self::Gru(options) => options.problems(),
        }
    }

    /// Reads a fitted model of this family from its weights.
    ///
    /// # Errors
    /// The bytes are not safetensors, or not those of this family.
    pub fn load(&self, weights: &[u8]) -> Result<Box<dyn Predictor>, ModelError> {
        Ok(match self {
            Self::Linear(_) => Box::new(Linear::load(weights)?),
            Self::Gbdt(_) => Box::new(Gbdt::load(weights)?),
            Self::Gru(_) => Box::new(Gru::load(weights)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_decodes_to_itself_and_comes_back() {
        for kind in ModelOptions::KINDS {
            let options = ModelOptions::decode(kind, json!({})).unwrap().unwrap();
            assert_eq!(options.kind(), *kind);
            assert!(options.problems().is_empty());
            let written = serde_json::to_value(&options).unwrap();
            assert_eq!(written["kind"], *kind);
            assert_eq!(serde_json::from_value::<ModelOptions>(written).unwrap(), options);
        }
        assert!(ModelOptions::decode("oracle", json!({})).is_none());
        assert!(ModelOptions::decode("gru", json!({"hidden": "many"})).unwrap().is_err());
    }
}
