use serde::{Deserialize, Deserializer, Serialize};

use super::neural::NeuralOptions;
use super::{
    CnnOptions, Ensemble, Gbdt, GbdtOptions, GruOptions, InputKind, Linear, LinearOptions, LstmOptions, ModelError,
    Neural, Predictor, Stack, StackOptions, TcnOptions, TransformerOptions,
};
use crate::domain::Problem;

/// The model families, with their options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelOptions {
    /// Ridge regression on the feature table.
    Linear(LinearOptions),
    /// Gradient-boosted trees on the feature table.
    Gbdt(GbdtOptions),
    /// A gated recurrent network on the sequence.
    Gru(GruOptions),
    /// A network of long short-term memory on the sequence.
    Lstm(LstmOptions),
    /// A convolutional network on windows of the sequence.
    Cnn(CnnOptions),
    /// A temporal convolutional network on the sequence.
    Tcn(TcnOptions),
    /// A causal transformer on the sequence.
    Transformer(TransformerOptions),
    /// Several models, weighed by their out-of-fold predictions.
    Stack(StackOptions),
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self::Gbdt(GbdtOptions::default())
    }
}

impl ModelOptions {
    /// The values of `kind`.
    pub const KINDS: &'static [&'static str] = &["linear", "gbdt", "gru", "lstm", "cnn", "tcn", "transformer", "stack"];

    /// The values of `kind` in a member of a stack: all but the stack itself, which stands last.
    pub const MEMBER_KINDS: &'static [&'static str] = match Self::KINDS.split_last() {
        Some((_stack, others)) => others,
        None => &[],
    };

    /// Reads the options of the family `kind`; `None` for an unknown one.
    ///
    /// `options` is the table without its `kind`.
    pub fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>> {
        Some(match kind {
            "linear" => LinearOptions::deserialize(options).map(Self::Linear),
            "gbdt" => GbdtOptions::deserialize(options).map(Self::Gbdt),
            "gru" => GruOptions::deserialize(options).map(Self::Gru),
            "lstm" => LstmOptions::deserialize(options).map(Self::Lstm),
            "cnn" => CnnOptions::deserialize(options).map(Self::Cnn),
            "tcn" => TcnOptions::deserialize(options).map(Self::Tcn),
            "transformer" => TransformerOptions::deserialize(options).map(Self::Transformer),
            "stack" => StackOptions::deserialize(options).map(Self::Stack),
            _ => return None,
        })
    }

    /// Returns the name of the family.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Gbdt(_) => "gbdt",
            Self::Gru(_) => "gru",
            Self::Lstm(_) => "lstm",
            Self::Cnn(_) => "cnn",
            Self::Tcn(_) => "tcn",
            Self::Transformer(_) => "transformer",
            Self::Stack(_) => "stack",
        }
    }

    /// Returns which input the family reads.
    pub fn input(&self) -> InputKind {
        match self {
            Self::Linear(_) | Self::Gbdt(_) => InputKind::Table,
            Self::Stack(options) => options.input(),
            _ => InputKind::Sequence,
        }
    }

    /// Returns what is wrong with the options, with paths relative to their table.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Linear(options) => options.problems(),
            Self::Gbdt(options) => options.problems(),
            Self::Gru(options) => options.problems(),
            Self::Lstm(options) => options.problems(),
            Self::Cnn(options) => options.problems(),
            Self::Tcn(options) => options.problems(),
            Self::Transformer(options) => options.problems(),
            Self::Stack(options) => options.problems(),
        }
    }

    /// Returns the options as those of a network, where they are.
    pub(crate) fn neural(&self) -> Option<NeuralOptions<'_>> {
        match self {
            Self::Linear(_) | Self::Gbdt(_) | Self::Stack(_) => None,
            Self::Gru(options) => Some(NeuralOptions::Gru(options)),
            Self::Lstm(options) => Some(NeuralOptions::Lstm(options)),
            Self::Cnn(options) => Some(NeuralOptions::Cnn(options)),
            Self::Tcn(options) => Some(NeuralOptions::Tcn(options)),
            Self::Transformer(options) => Some(NeuralOptions::Transformer(options)),
        }
    }

    /// Reads a fitted model of this family from its weights: a single one, or the mean of several.
    ///
    /// # Errors
    /// The bytes are not safetensors, or not those of this family.
    pub fn load(&self, weights: &[u8]) -> Result<Box<dyn Predictor>, ModelError> {
        match Ensemble::load(weights, |member| self.load_one(member))? {
            Some(ensemble) => Ok(Box::new(ensemble)),
            None => self.load_one(weights),
        }
    }

    fn load_one(&self, weights: &[u8]) -> Result<Box<dyn Predictor>, ModelError> {
        Ok(match (self, self.neural()) {
            (_, Some(options)) => Box::new(Neural::load(options, weights)?),
            (Self::Linear(_), None) => Box::new(Linear::load(weights)?),
            (Self::Stack(options), None) => Box::new(Stack::load(options, weights)?),
            (_, None) => Box::new(Gbdt::load(weights)?),
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

    /// A size that overflows, or asks for all memory, is refused by name before anything is made of it.
    #[test]
    fn sizes_beyond_reason_are_refused() {
        for kind in ModelOptions::KINDS {
            let options = serde_json::to_value(ModelOptions::decode(kind, json!({})).unwrap().unwrap()).unwrap();
            let counts = options.as_object().unwrap().iter().filter(|(_, value)| value.is_u64());
            for key in counts.map(|(key, _)| key) {
                for count in [0, u64::MAX] {
                    let wrong = ModelOptions::decode(kind, json!({key: count})).unwrap().unwrap();
                    let named: Vec<_> = wrong.problems().into_iter().map(|problem| problem.path).collect();
                    assert_eq!(named, [key.as_str()], "{kind}: {key} = {count}");
                }
            }
        }
    }
}
