//! Options that all networks share.

use serde::{Deserialize, Serialize};

use pdm_core::domain::Problem;

/// The course of the learning rate over the steps of a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Constant after the warm-up.
    Constant,
    /// From the peak down to zero along a cosine, after the warm-up (Loshchilov and Hutter, 2017).
    Cosine,
    /// Up to the peak and down to almost nothing, both along a cosine (Smith and Topin, 2017).
    OneCycle,
}

/// The keys that every family of networks shares.
pub(crate) trait SharedOptions {
    /// Returns how the network is fitted.
    fn fit(&self) -> FitOptions;
}

/// How a network of any family is fitted; read from the keys every family shares.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FitOptions {
    pub(crate) steps: usize,
    pub(crate) batch: usize,
    pub(crate) learning_rate: f64,
    pub(crate) schedule: Schedule,
    pub(crate) warmup_fraction: f64,
    pub(crate) weight_decay: f64,
    pub(crate) gradient_clip: f64,
    pub(crate) weight_average: f64,
}

impl FitOptions {
    /// Returns what is wrong with the values, with paths relative to the family's table.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Problem::out_of_range(&[("steps", self.steps)], MOST_STEPS);
        problems.extend(Problem::out_of_range(&[("batch", self.batch)], LONGEST));
        let not_positive = [
            ("learning_rate", self.learning_rate),
            ("gradient_clip", self.gradient_clip),
        ]
        .into_iter()
        .filter(|(_, value)| !(*value > 0.0 && *value <= LARGEST));
        let not_fractions = [
            ("warmup_fraction", self.warmup_fraction),
            ("weight_average", self.weight_average),
        ]
        .into_iter()
        .filter(|(_, value)| !(0.0..1.0).contains(value));
        let not_decay = Some(self.weight_decay).filter(|decay| !(0.0..=LARGEST).contains(decay));
        problems.extend(not_positive.map(|(key, v)| {
            Problem::new(
                key,
                format!("must be more than 0 and at most {LARGEST}, not {v:?}"),
            )
        }));
        problems.extend(
            not_fractions
                .map(|(key, v)| Problem::new(key, format!("must be from 0 to below 1, not {v}"))),
        );
        problems.extend(not_decay.map(|v| {
            Problem::new(
                "weight_decay",
                format!("must be from 0 to {LARGEST}, not {v:?}"),
            )
        }));
        problems
    }
}

/// Default cycles from one step to the next, for units that live about 200 cycles.
pub(super) const STRIDE: usize = 4;

/// Returns the cycles from one step to the next, stretched by this factor.
pub(crate) fn stretched_stride(time_scale: f64) -> usize {
    ((STRIDE as f64 * time_scale).round() as usize).clamp(1, LONGEST)
}

/// Maximum number of layers; values beyond these bounds are typing errors, and sizes would overflow.
pub(super) const DEEPEST: usize = 64;

/// Maximum width of a layer.
pub(super) const WIDEST: usize = 4096;

/// Maximum number of cycles or steps of a sequence, and of sequences of a batch.
pub(super) const LONGEST: usize = 65_536;

/// Maximum number of filters of a convolution, and of steps of a filter.
pub(super) const MOST_TAPS: usize = 256;

/// Largest learning rate, norm of a gradient and decay of weights.
const LARGEST: f64 = 1e6;

/// Maximum number of steps of a fit.
const MOST_STEPS: usize = 10_000_000;

/// Declares the options of a family: its own keys and those that all networks share, with the family's defaults.
///
/// A macro, because serde's `flatten` loses the location of an error, and a separate table could not have defaults that
/// depend on the family.
macro_rules! network_options {
    (
        $(#[$about:meta])* $name:ident {
            $($(#[$doc:meta])* $key:ident: $type:ty = $default:expr,)*
        }
        fit { $($shared:ident: $value:expr),* $(,)? }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default)]
        pub struct $name {
            $($(#[$doc])* pub $key: $type,)*
            /// Steps of the optimiser, one per batch. A number of steps suits fleets of any size better than a number of passes.
            pub steps: usize,
            /// Number of sequences in a batch: units, or windows if the family reads windows.
            pub batch: usize,
            /// Peak learning rate.
            pub learning_rate: f64,
            /// Course of the learning rate over the steps: `constant`, `cosine` or `one_cycle`.
            pub schedule: $crate::models::Schedule,
            /// Fraction of the fit during which the learning rate rises to its peak, from 0 to 1.
            pub warmup_fraction: f64,
            /// Decoupled weight decay (AdamW), relative to the learning rate.
            pub weight_decay: f64,
            /// Largest norm of the gradient of all weights together; a larger one is scaled down to it.
            pub gradient_clip: f64,
            /// Decay per step of the running average of the weights, which is used for predictions; 0 uses the last weights.
            pub weight_average: f64,
        }

        impl Default for $name {
            fn default() -> Self {
                let shared = $crate::models::neural::FitOptions {
                    $($shared: $value,)*
                    ..$crate::models::neural::FitOptions::USUAL
                };
                Self {
                    $($key: $default,)*
                    steps: shared.steps,
                    batch: shared.batch,
                    learning_rate: shared.learning_rate,
                    schedule: shared.schedule,
                    warmup_fraction: shared.warmup_fraction,
                    weight_decay: shared.weight_decay,
                    gradient_clip: shared.gradient_clip,
                    weight_average: shared.weight_average,
                }
            }
        }

        impl $crate::models::neural::SharedOptions for $name {
            fn fit(&self) -> $crate::models::neural::FitOptions {
                $crate::models::neural::FitOptions {
                    steps: self.steps,
                    batch: self.batch,
                    learning_rate: self.learning_rate,
                    schedule: self.schedule,
                    warmup_fraction: self.warmup_fraction,
                    weight_decay: self.weight_decay,
                    gradient_clip: self.gradient_clip,
                    weight_average: self.weight_average,
                }
            }
        }
    };
}

pub(super) use network_options;

impl FitOptions {
    /// Defaults of most families.
    pub(super) const USUAL: Self = Self {
        steps: 700,
        batch: 8,
        learning_rate: 6e-3,
        schedule: Schedule::OneCycle,
        warmup_fraction: 0.15,
        weight_decay: 1e-3,
        gradient_clip: 1.0,
        weight_average: 0.99,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_out_of_range_is_named() {
        assert!(FitOptions::USUAL.problems().is_empty());
        let wrong = FitOptions {
            steps: 0,
            batch: 0,
            learning_rate: 0.0,
            schedule: Schedule::Constant,
            warmup_fraction: 1.0,
            weight_decay: f64::NAN,
            gradient_clip: -1.0,
            weight_average: 1.5,
        };
        assert_eq!(wrong.problems().len(), 7);
        let endless = FitOptions {
            steps: usize::MAX,
            batch: usize::MAX,
            ..FitOptions::USUAL
        };
        assert_eq!(endless.problems().len(), 2);
    }
}
