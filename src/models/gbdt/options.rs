use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::domain::Problem;

/// How gradient-boosted trees are grown: squared loss, leaf-wise, on binned features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct GbdtOptions {
    /// Share of each tree's answer that is added to the forest's, above 0 and at most 1.
    pub learning_rate: f64,
    /// Largest number of leaves of a tree, 2 to 4096.
    pub leaves: usize,
    /// Smallest number of training rows in a leaf, at least 1.
    pub min_leaf_rows: usize,
    /// Share of the features each tree may use, drawn anew for every tree; above 0 and at most 1.
    pub feature_fraction: f64,
    /// Share of the rows each tree learns from, drawn without replacement for every tree; above 0 and at most 1.
    pub bagging_fraction: f64,
    /// Pulls leaf values towards zero: the number of rows with residual zero added to every leaf, at least 0.
    pub l2: f64,
    /// Number of trees, 1 to 100,000.
    pub rounds: usize,
    /// Largest number of bins a feature is divided into, 2 to 256.
    pub bins: usize,
}

impl Default for GbdtOptions {
    fn default() -> Self {
        Self {
            learning_rate: 0.04,
            leaves: 15,
            min_leaf_rows: 40,
            feature_fraction: 0.3,
            bagging_fraction: 0.6,
            l2: 5.0,
            rounds: 300,
            bins: 255,
        }
    }
}

impl GbdtOptions {
    /// Returns every value out of its range, by key.
    pub fn problems(&self) -> Vec<Problem> {
        [
            share("learning_rate", self.learning_rate),
            count("leaves", self.leaves, 2..=4096),
            count("min_leaf_rows", self.min_leaf_rows, 1..=1_000_000),
            share("feature_fraction", self.feature_fraction),
            share("bagging_fraction", self.bagging_fraction),
            penalty("l2", self.l2),
            count("rounds", self.rounds, 1..=100_000),
            count("bins", self.bins, 2..=256),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn share(key: &str, value: f64) -> Option<Problem> {
    (!(value > 0.0 && value <= 1.0))
        .then(|| Problem::new(key, format!("is {value}, and must be above 0 and at most 1")))
}

fn count(key: &str, value: usize, range: RangeInclusive<usize>) -> Option<Problem> {
    (!range.contains(&value))
        .then(|| Problem::new(key, format!("is {value}, and must be from {} to {}", range.start(), range.end())))
}

fn penalty(key: &str, value: f64) -> Option<Problem> {
    (!(value.is_finite() && value >= 0.0)).then(|| Problem::new(key, format!("is {value}, and must be at least 0")))
}
