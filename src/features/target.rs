use serde::{Deserialize, Serialize};

/// What a model learns to predict: the remaining useful life, constant while the unit is young.
///
/// The piecewise-linear target of Heimes (PHM 2008): `min(cap, rul)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct TargetOptions {
    /// Largest label, in cycles; applies to the labels used for fitting, never to the truth a score is computed from.
    pub cap: f64,
}

impl Default for TargetOptions {
    fn default() -> Self {
        Self { cap: 125.0 }
    }
}

impl TargetOptions {
    /// Returns the label for a true remaining useful life, both in cycles.
    pub fn label(&self, rul: f64) -> f64 {
        rul.min(self.cap)
    }
}
