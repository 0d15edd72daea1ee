//! Out-of-fold predictions.

use serde::{Deserialize, Serialize};

use super::Blend;
use crate::features::TargetOptions;
use pdm_core::domain::{Cycle, Interval, Prediction, Predictions, UnitId};

/// A prediction for a unit by a model that never saw the unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutOfFoldPrediction {
    /// The unit.
    pub unit: UnitId,
    /// The last cycle that the model was given.
    pub cycle: Cycle,
    /// The fold the unit was held out in.
    pub fold: usize,
    /// Predicted remaining useful life, in cycles, as returned by the model.
    pub rul: f64,
    /// True remaining useful life, in cycles; never capped.
    pub truth: f64,
    /// Predictions of the members of a stack, in cycles; empty if the model is not a stack. [`OutOfFold::gather`] weights
    /// them; until then `rul` is their mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<f64>,
    /// The interval returned by the model, in cycles, if it has intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// The predictions of all folds: every training unit is predicted by the one model that never saw it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OutOfFold {
    /// In order of unit, then cycle.
    pub predictions: Vec<OutOfFoldPrediction>,
    /// The weights of the members, if the model is a stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blend: Option<Blend>,
}

impl OutOfFold {
    /// Gathers the predictions of all folds in any order, and weights the members of a stack.
    pub fn gather(
        folds: impl IntoIterator<Item = Vec<OutOfFoldPrediction>>,
        target: &TargetOptions,
    ) -> Self {
        let mut predictions: Vec<_> = folds.into_iter().flatten().collect();
        predictions.sort_by(|a, b| (&a.unit, a.cycle).cmp(&(&b.unit, b.cycle)));
        let blend = Blend::learn(&mut predictions, target);
        Self { predictions, blend }
    }

    /// Returns the predictions without their folds, for scoring and calibration; the intervals are those of the model.
    pub fn predictions(&self) -> Predictions {
        let plain = |p: &OutOfFoldPrediction| Prediction {
            unit: p.unit.clone(),
            cycle: p.cycle,
            rul: p.rul,
            interval: p.interval,
            truth: Some(p.truth),
            flags: Vec::new(),
        };
        self.predictions.iter().map(plain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(unit: u32, cycle: u32, fold: usize) -> OutOfFoldPrediction {
        let (unit, cycle, members) = (unit.into(), Cycle(cycle), Vec::new());
        OutOfFoldPrediction {
            unit,
            cycle,
            fold,
            rul: 1.5,
            truth: 2.0,
            members,
            interval: None,
        }
    }

    #[test]
    fn folds_may_come_in_any_order() {
        let folds = [
            vec![prediction(10, 3, 1), prediction(10, 9, 1)],
            vec![prediction(2, 5, 0)],
        ];
        let mut reversed = folds.clone();
        reversed.reverse();
        let target = TargetOptions::default();
        let gathered = OutOfFold::gather(folds, &target);
        assert_eq!(gathered, OutOfFold::gather(reversed, &target));
        let units: Vec<_> = gathered
            .predictions()
            .iter()
            .map(|p| (p.unit.to_string(), p.cycle.0))
            .collect();
        let json = serde_json::to_string(&gathered).unwrap();
        assert!(
            !["members", "blend", "interval"]
                .iter()
                .any(|key| json.contains(key)),
            "{json}"
        );
        assert_eq!(
            units,
            [
                ("2".to_owned(), 5),
                ("10".to_owned(), 3),
                ("10".to_owned(), 9)
            ]
        );
    }
}
