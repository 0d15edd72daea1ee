use serde::{Deserialize, Serialize};

use crate::domain::{Cycle, Prediction, Predictions, UnitId};

/// A prediction for a unit by a model that never saw the unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutOfFoldPrediction {
    /// The unit.
    pub unit: UnitId,
    /// The last cycle the model has seen.
    pub cycle: Cycle,
    /// The fold the unit was held out in.
    pub fold: usize,
    /// Predicted remaining useful life, in cycles, as the model gave it.
    pub rul: f64,
    /// True remaining useful life, in cycles; never capped.
    pub truth: f64,
}

/// The predictions of all folds: every training unit, judged by the one model that never saw it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OutOfFold {
    /// In order of unit, then cycle.
    pub predictions: Vec<OutOfFoldPrediction>,
}

impl OutOfFold {
    /// Gathers the predictions of the folds, in whatever order they were done.
    pub fn gather(folds: impl IntoIterator<Item = Vec<OutOfFoldPrediction>>) -> Self {
        let mut predictions: Vec<_> = folds.into_iter().flatten().collect();
        predictions.sort_by(|a, b| (&a.unit, a.cycle).cmp(&(&b.unit, b.cycle)));
        Self { predictions }
    }

    /// Returns the predictions without their folds, for scoring and calibration.
    pub fn predictions(&self) -> Predictions {
        let plain = |p: &OutOfFoldPrediction| Prediction {
            unit: p.unit.clone(),
            cycle: p.cycle,
            rul: p.rul,
            interval: None,
            truth: Some(p.truth),
        };
        self.predictions.iter().map(plain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(unit: u32, cycle: u32, fold: usize) -> OutOfFoldPrediction {
        OutOfFoldPrediction { unit: unit.into(), cycle: Cycle(cycle), fold, rul: 1.5, truth: 2.0 }
    }

    #[test]
    fn folds_may_come_in_any_order() {
        let folds = [vec![prediction(10, 3, 1), prediction(10, 9, 1)], vec![prediction(2, 5, 0)]];
        let mut reversed = folds.clone();
        reversed.reverse();
        let gathered = OutOfFold::gather(folds);
        assert_eq!(gathered, OutOfFold::gather(reversed));
        let units: Vec<_> = gathered.predictions().iter().map(|p| (p.unit.to_string(), p.cycle.0)).collect();
        assert_eq!(units, [("2".to_owned(), 5), ("10".to_owned(), 3), ("10".to_owned(), 9)]);
    }
}
