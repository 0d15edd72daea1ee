//! Predictions.

use serde::{Deserialize, Serialize};

use super::{Cycle, Flag, UnitId};

/// A closed range of remaining useful life, in cycles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end, in cycles.
    pub lower: f64,
    /// Upper end, in cycles.
    pub upper: f64,
}

impl Interval {
    /// Returns whether `rul` is in the range, ends included.
    pub fn contains(&self, rul: f64) -> bool {
        self.lower <= rul && rul <= self.upper
    }

    /// Returns the length of the range, in cycles.
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }
}

/// The predicted remaining useful life of one unit at one cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The unit.
    pub unit: UnitId,
    /// The last cycle that the model was given.
    pub cycle: Cycle,
    /// Predicted remaining useful life, in cycles.
    pub rul: f64,
    /// Interval that covers the truth at the calibrated level, if the model is calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// True remaining useful life, in cycles, if known; never capped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<f64>,
    /// Differences of the unit's history up to this cycle from the training data, for which the prediction is an extrapolation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// Predictions in order of unit, then cycle.
pub type Predictions = Vec<Prediction>;
