//! The model families by name, one line each.

use serde::{Deserialize, Deserializer, Serialize};

use super::family::FamilyOptions;
use super::neural::NetworkOptions;
use super::{
    CnnOptions, Ensemble, Gbdt, GbdtOptions, GruOptions, InputKind, Linear, LinearOptions,
    LstmOptions, ModelError, Neural, Predictor, Stack, StackOptions, TcnOptions,
    TransformerOptions,
};
use pdm_core::domain::Problem;

/// Declares the families and everything that follows from their list: names, decoding and dispatch.
///
/// A macro, because `strum`, which lists the variants of other enums, cannot decode their contents.
macro_rules! families {
    (
        members { $($(#[$about:meta])* $member:ident($member_options:ident) = $member_kind:literal in $member_class:ident,)* }
        stack { $(#[$about_stack:meta])* $stack:ident($stack_options:ident) = $stack_kind:literal in $stack_class:ident }
    ) => {
        families! {
            $($(#[$about])* $member($member_options) = $member_kind in $member_class,)*
            $(#[$about_stack])* $stack($stack_options) = $stack_kind in $stack_class,
        }

        impl ModelOptions {
            /// The values of `kind` in a member of a stack: all but the stack itself.
            pub const MEMBER_KINDS: &'static [&'static str] = &[$($member_kind),*];
        }
    };
    ($($(#[$about:meta])* $family:ident($options:ident) = $kind:literal in $class:ident,)*) => {
        /// The model families, with their options.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum ModelOptions {
            $($(#[$about])* $family($options),)*
        }

        impl ModelOptions {
            /// The values of `kind`.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// Reads the options of the family `kind`; `None` for an unknown one.
            ///
            /// `options` is the table without its `kind`.
            pub fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>> {
                match kind {
                    $($kind => Some($options::deserialize(options).map(Self::$family)),)*
                    _ => None,
                }
            }

            /// Returns the name of the family.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$family(_) => $kind,)*
                }
            }

            /// Returns what is wrong with the options, with paths relative to their table.
            pub fn problems(&self) -> Vec<Problem> {
                match self {
                    $(Self::$family(options) => options.problems(),)*
                }
            }

            /// Returns options of every family that are fast to fit, for tests.
            pub fn small() -> Vec<Self> {
                vec![$(Self::$family(<$options as FamilyOptions>::small())),*]
            }

            /// Returns the interface of the family.
            pub fn family(&self) -> &dyn FamilyOptions {
                match self {
                    $(Self::$family(options) => options,)*
                }
            }

            /// Returns the options by the class of the family.
            pub(crate) fn class(&self) -> Class<'_> {
                match self {
                    $(Self::$family(options) => Class::$class(options),)*
                }
            }
        }
    };
}

families! {
    members {
        /// Ridge regression on the feature table.
        Linear(LinearOptions) = "linear" in Linear,
        /// Gradient-boosted trees on the feature table.
        Gbdt(GbdtOptions) = "gbdt" in Gbdt,
        /// A gated recurrent network on the sequence.
        Gru(GruOptions) = "gru" in Neural,
        /// A network of long short-term memory on the sequence.
        Lstm(LstmOptions) = "lstm" in Neural,
        /// A convolutional network on windows of the sequence.
        Cnn(CnnOptions) = "cnn" in Neural,
        /// A temporal convolutional network on the sequence.
        Tcn(TcnOptions) = "tcn" in Neural,
        /// A causal transformer on the sequence.
        Transformer(TransformerOptions) = "transformer" in Neural,
    }
    stack {
        /// Several models, weighted by their out-of-fold predictions.
        Stack(StackOptions) = "stack" in Stack
    }
}

/// The options of a model by the class of its family; a class is fitted, stored and exported by the same code.
#[derive(Clone, Copy)]
pub(crate) enum Class<'a> {
    /// Ridge regression.
    Linear(&'a LinearOptions),
    /// Boosted trees.
    Gbdt(&'a GbdtOptions),
    /// A network of any family.
    Neural(&'a dyn NetworkOptions),
    /// Several models, each fitted separately.
    Stack(&'a StackOptions),
}

/// A fitted model by its family.
#[derive(Debug, Clone, Copy)]
pub enum Family<'a> {
    /// Ridge regression.
    Linear(&'a Linear),
    /// Gradient-boosted trees.
    Gbdt(&'a Gbdt),
    /// A network of any family.
    Neural(&'a Neural),
    /// The mean of several models of one family.
    Ensemble(&'a Ensemble),
    /// The weighted sum of several models.
    Stack(&'a Stack),
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self::Gbdt(GbdtOptions::default())
    }
}

impl ModelOptions {
    /// Returns which input the family reads.
    pub fn input(&self) -> InputKind {
        self.family().input()
    }

    /// Returns whether the family is a neural network.
    pub fn is_network(&self) -> bool {
        self.neural().is_some()
    }

    /// Returns the options of a network; `None` for other families.
    pub(crate) fn neural(&self) -> Option<&dyn NetworkOptions> {
        match self.class() {
            Class::Neural(options) => Some(options),
            Class::Linear(_) | Class::Gbdt(_) | Class::Stack(_) => None,
        }
    }

    /// Returns the options of a stack; `None` for other families.
    pub fn stack(&self) -> Option<&StackOptions> {
        match self.class() {
            Class::Stack(options) => Some(options),
            Class::Linear(_) | Class::Gbdt(_) | Class::Neural(_) => None,
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
        Ok(match self.class() {
            Class::Linear(_) => Box::new(Linear::load(weights)?),
            Class::Gbdt(_) => Box::new(Gbdt::load(weights)?),
            Class::Neural(options) => Box::new(Neural::load(options, weights)?),
            Class::Stack(options) => Box::new(Stack::load(options, weights)?),
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
            assert_eq!(
                serde_json::from_value::<ModelOptions>(written).unwrap(),
                options
            );
        }
        let small = ModelOptions::small();
        assert_eq!(
            small.iter().map(ModelOptions::kind).collect::<Vec<_>>(),
            ModelOptions::KINDS
        );
        assert!(small.iter().all(|options| options.problems().is_empty()));
        assert!(ModelOptions::decode("oracle", json!({})).is_none());
        assert!(
            ModelOptions::decode("gru", json!({"hidden": "many"}))
                .unwrap()
                .is_err()
        );
    }

    /// A size that overflows or needs all memory is refused by name before it is used.
    #[test]
    fn sizes_beyond_reason_are_refused() {
        for kind in ModelOptions::KINDS {
            let options =
                serde_json::to_value(ModelOptions::decode(kind, json!({})).unwrap().unwrap())
                    .unwrap();
            let counts = options
                .as_object()
                .unwrap()
                .iter()
                .filter(|(_, value)| value.is_u64());
            for key in counts.map(|(key, _)| key) {
                for count in [0, u64::MAX] {
                    let wrong = ModelOptions::decode(kind, json!({key: count}))
                        .unwrap()
                        .unwrap();
                    let named: Vec<_> = wrong
                        .problems()
                        .into_iter()
                        .map(|problem| problem.path)
                        .collect();
                    assert_eq!(named, [key.as_str()], "{kind}: {key} = {count}");
                }
            }
        }
    }
}
