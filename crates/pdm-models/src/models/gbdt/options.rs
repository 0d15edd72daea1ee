//! Options of `[model] kind = "gbdt"`.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::models::InputKind;
use crate::models::{FamilyOptions, FitExtent};
use pdm_core::domain::Problem;

/// Options of gradient-boosted trees: squared loss, leaf-wise growth, binned features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct GbdtOptions {
    /// Share of each tree's prediction that is added to the forest's, above 0 and at most 1.
    pub learning_rate: f64,
    /// Largest number of leaves of a tree, 2 to 4096.
    pub leaves: usize,
    /// Smallest number of training rows in a leaf, at least 1.
    pub min_leaf_rows: usize,
    /// Share of the features that each tree may use, drawn for every tree; above 0 and at most 1.
    pub feature_fraction: f64,
    /// Share of the rows that each tree learns from, drawn without replacement for every tree; above 0 and at most 1.
    pub bagging_fraction: f64,
    /// Shrinks leaf values towards zero: number of rows with residual zero that are added to every leaf, at least 0.
    pub l2: f64,
    /// Number of trees, 1 to 100,000.
    pub rounds: usize,
    /// Largest number of bins of a feature, 2 to 256.
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

/// Bins of a histogram.
const BINS: u64 = 256;

/// Number of features that are binned together.
const LANES: u64 = 8;

/// What to try if labels overflow.
pub(crate) const WHEN_DIVERGED: &str = "the labels are too large to add: lower `cap` in [target]";

impl FamilyOptions for GbdtOptions {
    fn input(&self) -> InputKind {
        InputKind::Table
    }

    /// | term | bytes |
    /// |---|---|
    /// | bins, predictions, residuals, row numbers | picked · (width + 32) |
    /// | bins of the features a tree may use, in stripes | picked · used |
    /// | sorting a feature's values into bins, on every thread | 8 · picked · threads |
    /// | histograms of all leaves of a tree, 256 bins of 8 bytes | leaves · used · 2048 |
    /// | the forest, twice while it is written | 128 · rounds · leaves |
    ///
    /// `used` are the features a tree may use, rounded up to a multiple of 8.
    fn memory(&self, extent: &FitExtent) -> u64 {
        let width = extent.width(self.input());
        let picked = extent.picked;
        let leaves = self.leaves as u64;
        let rounds = self.rounds as u64;
        let used = ((width as f64 * self.feature_fraction).round() as u64)
            .max(1)
            .next_multiple_of(LANES);
        let rows = picked * (width + 32) + picked * used + 8 * picked * extent.threads;
        let fit = rows + leaves * used * BINS * 8 + 128 * rounds * leaves;
        extent.inputs(width) + extent.table(width) + fit
    }

    fn needs_less(&self) -> &'static str {
        "fewer features, or a larger train.row_stride"
    }

    fn learns_by_loss(&self) -> bool {
        false
    }

    fn never_stops_early(&self) -> Option<&'static str> {
        None
    }

    fn small() -> Self {
        Self {
            rounds: 20,
            learning_rate: 0.2,
            ..Self::default()
        }
    }
}

fn share(key: &str, value: f64) -> Option<Problem> {
    (!(value > 0.0 && value <= 1.0)).then(|| {
        Problem::new(
            key,
            format!("is {value}, and must be above 0 and at most 1"),
        )
    })
}

fn count(key: &str, value: usize, range: RangeInclusive<usize>) -> Option<Problem> {
    (!range.contains(&value)).then(|| {
        Problem::new(
            key,
            format!(
                "is {value}, and must be from {} to {}",
                range.start(),
                range.end()
            ),
        )
    })
}

fn penalty(key: &str, value: f64) -> Option<Problem> {
    (!(value.is_finite() && value >= 0.0))
        .then(|| Problem::new(key, format!("is {value}, and must be at least 0")))
}
