//! One trial of a search.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use pdm_core::scoring::{Metric, UnitLoss, loss_of, value_of};

/// Values of dotted keys, in the order of the space; inactive keys are absent.
pub type SearchPoint = Map<String, Value>;

/// Values that were tried, and the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number; 0 is the unchanged file.
    pub number: usize,
    /// The values.
    pub values: SearchPoint,
    /// Contributions of the held-out units of each fold to the metric, in the order the folds were done.
    pub folds: Vec<Vec<UnitLoss>>,
    /// The outcome.
    pub ending: TrialEnding,
}

/// The outcome of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialEnding {
    /// All folds are scored.
    Complete,
    /// It fell behind and was stopped.
    Pruned,
    /// Its values cannot be used, or its fit failed.
    Failed {
        /// The reason.
        why: String,
    },
}

impl Trial {
    /// Returns the units scored so far, in the order of the folds.
    pub fn units(&self) -> Vec<&UnitLoss> {
        self.units_of(self.folds.len())
    }

    /// Returns the units of the first `folds` folds.
    pub fn units_of(&self, folds: usize) -> Vec<&UnitLoss> {
        self.folds.iter().take(folds).flatten().collect()
    }

    /// Returns the metric over all scored units; `None` for a failed trial.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        (!self.failed()).then(|| value_of(metric, self.units()))
    }

    /// Returns the loss over the units of the first `folds` folds.
    pub fn loss_after(&self, metric: Metric, folds: usize) -> f64 {
        loss_of(metric, self.units_of(folds))
    }

    /// Returns whether all folds are scored.
    pub fn is_complete(&self) -> bool {
        self.ending == TrialEnding::Complete
    }

    /// Returns whether there is nothing to score.
    pub fn failed(&self) -> bool {
        matches!(self.ending, TrialEnding::Failed { .. })
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// A complete trial with one unit per fold and these squared errors.
    pub(in crate::tune) fn trial(number: usize, squares: &[f64]) -> Trial {
        let fold = |(unit, sum): (u32, &f64)| {
            vec![UnitLoss {
                unit: unit.into(),
                sum: *sum,
                weight: 1.0,
            }]
        };
        Trial {
            number,
            values: SearchPoint::new(),
            folds: (1..).zip(squares).map(fold).collect(),
            ending: TrialEnding::Complete,
        }
    }

    /// Values from their JSON.
    pub(in crate::tune) fn point(json: Value) -> SearchPoint {
        json.as_object().unwrap().clone()
    }
}
