use serde::{Deserialize, Serialize};

use crate::domain::Problem;

/// What a model learns to predict: the remaining useful life, constant while the unit is young.
///
/// The piecewise-linear target of Heimes (PHM 2008): `min(cap, rul)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct TargetOptions {
    /// Largest label, in cycles; applies to the labels used for fitting; whether the truth a score is computed from
    /// is capped too, `[evaluate] truth` says.
    pub cap: f64,
}

impl Default for TargetOptions {
    fn default() -> Self {
        Self { cap: 125.0 }
    }
}

/// Most cycles a unit may live; errors of more could not be squared in single precision.
const LONGEST_LIFE: f64 = 1e12;

impl TargetOptions {
    /// Returns the label for a true remaining useful life, both in cycles.
    pub fn label(&self, rul: f64) -> f64 {
        rul.min(self.cap)
    }

    /// Returns what is out of range.
    pub fn problems(&self) -> Vec<Problem> {
        if self.cap > 0.0 && self.cap <= LONGEST_LIFE {
            return Vec::new();
        }
        let message = format!("must be more than 0 and at most {LONGEST_LIFE} cycles, not {:?}", self.cap);
        vec![Problem::new("cap", message).hint("a cap above every life, such as 10000, leaves the labels uncapped")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_flat_above_the_cap() {
        let target = TargetOptions::default();
        assert_eq!([0.0, 124.0, 125.0, 300.0].map(|rul| target.label(rul)), [0.0, 124.0, 125.0, 125.0]);
    }

    #[test]
    fn the_cap_must_be_a_positive_number() {
        assert_eq!(TargetOptions::default().problems(), []);
        for cap in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e308] {
            assert_eq!(TargetOptions { cap }.problems()[0].path, "cap", "{cap}");
        }
    }
}
