//! Losses of networks.

use serde::{Deserialize, Serialize};

use crate::models::neural::QUANTILES;

/// The loss that a network minimises. Gradient boosting and ridge regression always minimise the squared error.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The squared error.
    #[default]
    Mse,
    /// The squared error up to `huber_delta`, the absolute error beyond it (Huber, 1964).
    Huber,
    /// The squared error, times `late_weight` where failure is predicted too late.
    Asymmetric,
    /// The error weighted by each of the three levels `quantiles` (Koenker and Bassett, 1978): networks learn an interval
    /// and, as their prediction, the quantile in its middle.
    Quantile,
}

/// A loss with its parameters, in units of the label scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ScaledLoss {
    Mse,
    Huber { delta: f32 },
    Asymmetric { late: f32 },
    Quantile { levels: [f32; QUANTILES] },
}

impl ScaledLoss {
    /// Returns the number of outputs for every label.
    pub(super) fn outputs(self) -> usize {
        match self {
            Self::Quantile { .. } => QUANTILES,
            Self::Mse | Self::Huber { .. } | Self::Asymmetric { .. } => 1,
        }
    }

    /// Returns the loss of one output, the `number`-th of those for the label, and its derivative by the output.
    #[inline]
    pub(super) fn of(self, number: usize, output: f32, label: f32) -> (f32, f32) {
        let d = output - label;
        match self {
            Self::Mse => (d * d, 2.0 * d),
            Self::Huber { delta } if d.abs() > delta => {
                (delta * (2.0 * d.abs() - delta), 2.0 * delta * d.signum())
            }
            Self::Huber { .. } => (d * d, 2.0 * d),
            Self::Asymmetric { late } => {
                let weight = if d > 0.0 { late } else { 1.0 };
                (weight * d * d, 2.0 * weight * d)
            }
            Self::Quantile { levels } => {
                let slope = if d > 0.0 {
                    1.0 - levels[number]
                } else {
                    -levels[number]
                };
                (slope * d, slope)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSES: [ScaledLoss; 4] = [
        ScaledLoss::Mse,
        ScaledLoss::Huber { delta: 0.1 },
        ScaledLoss::Asymmetric { late: 3.0 },
        ScaledLoss::Quantile {
            levels: [0.1, 0.5, 0.8],
        },
    ];

    #[test]
    fn derivatives_agree_with_differences() {
        for loss in LOSSES {
            for i in -20_i32..=20 {
                let (output, step) = (0.013 + i as f32 * 0.02, 1e-3);
                let number = i.unsigned_abs() as usize % loss.outputs();
                let [above, below] =
                    [step, -step].map(|step| loss.of(number, output + step, 0.0).0);
                let slope = loss.of(number, output, 0.0).1;
                assert!(
                    (slope - (above - below) / (2.0 * step)).abs() < 2e-3,
                    "{loss:?} at {output}"
                );
            }
        }
    }

    #[test]
    fn late_errors_weigh_more_and_large_ones_grow_slowly() {
        let [mse, huber, asymmetric, _] =
            LOSSES.map(|loss| [-0.5, 0.5].map(|d| loss.of(0, d, 0.0).0));
        assert_eq!((mse, asymmetric), ([0.25; 2], [0.25, 0.75]));
        assert!((huber[0] - 0.09).abs() < 1e-6 && huber[0] == huber[1]);
    }

    #[test]
    fn the_pinball_loss_is_least_at_the_quantile() {
        let labels: Vec<f32> = (1..=99).map(|i| i as f32).collect();
        for (number, quantile) in [10, 50, 80].into_iter().enumerate() {
            let total = |output: i32| {
                labels
                    .iter()
                    .map(|label| LOSSES[3].of(number, output as f32, *label).0)
                    .sum()
            };
            let totals: Vec<f32> = (1..=99).map(total).collect();
            let least = (1..=99).min_by(|a, b| totals[*a - 1].total_cmp(&totals[*b - 1]));
            assert_eq!(least, Some(quantile));
        }
    }
}
