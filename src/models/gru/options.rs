use serde::{Deserialize, Serialize};

use crate::domain::Problem;

/// Options of the recurrent network and of its fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct GruOptions {
    /// Width of the recurrent state.
    pub hidden: usize,
    /// Width of the layer between the state and the prediction.
    pub head: usize,
    /// Cycles from one step of the network to the next.
    pub stride: usize,
    /// Longest sequence of a fit, in steps; of a longer history the last steps count.
    pub max_steps: usize,
    /// Steps of the optimiser, one a batch. A number of steps suits fleets of any size better than a number of passes.
    pub steps: usize,
    /// Units in a batch.
    pub batch_units: usize,
    /// Peak learning rate of the one-cycle schedule.
    pub learning_rate: f64,
    /// Fraction of the fit in which the learning rate rises to its peak, from 0 to 1.
    pub warmup_fraction: f64,
    /// Decoupled weight decay (AdamW), relative to the learning rate.
    pub weight_decay: f64,
    /// Largest norm of the gradient of all weights together; a longer one is scaled down to it.
    pub gradient_clip: f64,
    /// Decay per step of the running average of the weights, which is what predicts; 0 keeps the last weights.
    pub weight_average: f64,
}

impl Default for GruOptions {
    fn default() -> Self {
        Self {
            hidden: 48,
            head: 32,
            stride: 4,
            max_steps: 136,
            steps: 700,
            batch_units: 8,
            learning_rate: 6e-3,
            warmup_fraction: 0.15,
            weight_decay: 1e-3,
            gradient_clip: 1.0,
            weight_average: 0.99,
        }
    }
}

impl GruOptions {
    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("hidden", self.hidden),
            ("head", self.head),
            ("stride", self.stride),
            ("max_steps", self.max_steps),
            ("steps", self.steps),
            ("batch_units", self.batch_units),
        ];
        let no_counts = counts.into_iter().filter(|(_, count)| *count == 0);
        let not_positive = [("learning_rate", self.learning_rate), ("gradient_clip", self.gradient_clip)]
            .into_iter()
            .filter(|(_, value)| !(value.is_finite() && *value > 0.0));
        let not_fractions = [("warmup_fraction", self.warmup_fraction), ("weight_average", self.weight_average)]
            .into_iter()
            .filter(|(_, value)| !(0.0..1.0).contains(value));
        let not_decay = Some(self.weight_decay).filter(|decay| !(decay.is_finite() && *decay >= 0.0));
        let mut problems: Vec<_> = no_counts.map(|(key, _)| Problem::new(key, "must be at least 1, not 0")).collect();
        problems.extend(not_positive.map(|(key, v)| Problem::new(key, format!("must be more than 0, not {v}"))));
        problems.extend(not_fractions.map(|(key, v)| Problem::new(key, format!("must be from 0 to below 1, not {v}"))));
        problems.extend(not_decay.map(|v| Problem::new("weight_decay", format!("must be at least 0, not {v}"))));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_out_of_range_is_named() {
        assert!(GruOptions::default().problems().is_empty());
        let wrong = GruOptions {
            hidden: 0,
            head: 0,
            stride: 0,
            max_steps: 0,
            steps: 0,
            batch_units: 0,
            learning_rate: 0.0,
            warmup_fraction: 1.0,
            weight_decay: f64::NAN,
            gradient_clip: -1.0,
            weight_average: 1.5,
        };
        assert_eq!(wrong.problems().len(), 11);
    }
}
