//! Weighs the members of a stack.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::OutOfFoldPrediction;
use super::nnls::nnls;
use crate::features::TargetOptions;

/// The weights of the members of a stack, and the error of each member.
///
/// The weights are the non-negative least-squares fit of the members' out-of-fold predictions to the capped labels,
/// divided by their sum (Breiman, Machine Learning 24, 1996). All cuts count the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blend {
    /// The weights of the final model: one for each member, with sum 1, learnt from all units.
    pub weights: Vec<f64>,
    /// For each fold, the weights for its units, learnt from the predictions for all other units. The members that made those
    /// predictions also learnt from the units of the fold.
    pub fold_weights: Vec<Vec<f64>>,
    /// Root mean squared out-of-fold error of each member, in cycles; predictions and truth are clipped to the target range.
    pub member_rmse: Vec<f64>,
}

impl Blend {
    /// Returns the blend with equal weights, before any member was scored.
    pub fn even(members: usize) -> Self {
        let weights = vec![1.0 / members as f64; members];
        Self {
            weights,
            fold_weights: Vec::new(),
            member_rmse: Vec::new(),
        }
    }

    /// Weighs the members and replaces the predictions by the weighted sums; `None` without members.
    pub(super) fn learn(
        predictions: &mut [OutOfFoldPrediction],
        target: &TargetOptions,
    ) -> Option<Self> {
        let members = predictions.first().map_or(0, |p| p.members.len());
        let folds = predictions.iter().map(|p| p.fold + 1).max()?;
        if members == 0 {
            return None;
        }
        let without = |fold: usize| {
            weigh(
                predictions.iter().filter(|p| p.fold != fold),
                members,
                target,
            )
        };
        let blend = Self {
            weights: weigh(predictions.iter(), members, target),
            fold_weights: (0..folds).map(without).collect(),
            member_rmse: (0..members)
                .map(|member| rmse(predictions, member, target))
                .collect(),
        };
        for prediction in predictions {
            let weighed = prediction
                .members
                .iter()
                .zip(&blend.fold_weights[prediction.fold]);
            prediction.rul = weighed.map(|(value, weight)| value * weight).sum();
        }
        Some(blend)
    }
}

/// Returns weights with sum 1; equal weights if no member is informative.
fn weigh<'a>(
    predictions: impl Iterator<Item = &'a OutOfFoldPrediction>,
    members: usize,
    target: &TargetOptions,
) -> Vec<f64> {
    let mut gram = DMatrix::zeros(members, members);
    let mut moment = DVector::zeros(members);
    for prediction in predictions {
        let values = DVector::from_column_slice(&prediction.members);
        moment += target.label(prediction.truth) * &values;
        gram += &values * values.transpose();
    }
    let weights = nnls(&gram, &moment);
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        return weights.into_iter().map(|weight| weight / sum).collect();
    }
    vec![1.0 / members as f64; members]
}

fn rmse(predictions: &[OutOfFoldPrediction], member: usize, target: &TargetOptions) -> f64 {
    let error = |p: &OutOfFoldPrediction| {
        p.members[member].clamp(0.0, target.cap()) - target.label(p.truth)
    };
    let squares: f64 = predictions.iter().map(|p| error(p).powi(2)).sum();
    (squares / predictions.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_core::domain::{Cycle, UnitId};

    const TARGET: TargetOptions = TargetOptions {
        cap: pdm_core::domain::FromData::Set(125.0),
    };

    fn prediction(unit: u32, fold: usize, members: &[f64], truth: f64) -> OutOfFoldPrediction {
        let members = members.to_vec();
        let (unit, cycle) = (UnitId::from(unit), Cycle(9));
        OutOfFoldPrediction {
            unit,
            cycle,
            fold,
            rul: f64::NAN,
            truth,
            members,
            interval: None,
        }
    }

    /// Two members whose errors differ by fold.
    fn predictions() -> Vec<OutOfFoldPrediction> {
        let of_unit = |unit: u32| {
            let (fold, truth) = (unit as usize % 3, 10.0 * f64::from(unit));
            let wave = f64::from(unit).sin();
            prediction(
                unit,
                fold,
                &[truth + 9.0 * wave, truth - 3.0 * wave + fold as f64],
                truth,
            )
        };
        (1..=15).map(of_unit).collect()
    }

    #[test]
    fn a_fold_has_no_influence_on_the_weights_its_units_are_predicted_with() {
        let (mut plain, mut changed) = (predictions(), predictions());
        changed
            .iter_mut()
            .filter(|p| p.fold == 1)
            .for_each(|p| p.truth = 7.0);
        let [plain, changed] =
            [&mut plain, &mut changed].map(|p| Blend::learn(p, &TARGET).unwrap());
        assert_eq!(plain.fold_weights[1], changed.fold_weights[1]);
        assert_ne!(plain.fold_weights[0], changed.fold_weights[0]);
        assert_ne!(plain.weights, changed.weights);
        assert_eq!(plain.fold_weights.len(), 3);
    }

    #[test]
    fn weights_sum_to_one_and_predictions_are_weighed_by_those_of_their_fold() {
        let mut blended = predictions();
        let blend = Blend::learn(&mut blended, &TARGET).unwrap();
        for weights in blend.fold_weights.iter().chain([&blend.weights]) {
            assert!(
                (weights.iter().sum::<f64>() - 1.0).abs() < 1e-12
                    && weights.iter().all(|w| *w >= 0.0)
            );
        }
        let (first, weights) = (&blended[0], &blend.fold_weights[1]);
        assert_eq!(
            first.rul,
            first.members[0] * weights[0] + first.members[1] * weights[1]
        );
        assert!(blend.weights[1] > blend.weights[0], "{blend:?}");
    }

    #[test]
    fn labels_are_capped_and_members_are_scored_after_clipping() {
        let mut predictions = [
            prediction(1, 0, &[130.0, 100.0], 200.0),
            prediction(2, 1, &[-4.0, 3.0], 0.0),
        ];
        let blend = Blend::learn(&mut predictions, &TARGET).unwrap();
        assert_eq!(blend.member_rmse, [0.0, (634.0_f64 / 2.0).sqrt()]);
    }

    #[test]
    fn uninformative_members_have_equal_weights() {
        let mut predictions = [
            prediction(1, 0, &[0.0, 0.0], 20.0),
            prediction(2, 1, &[0.0, 0.0], 30.0),
        ];
        assert_eq!(
            Blend::learn(&mut predictions, &TARGET).unwrap().weights,
            [0.5, 0.5]
        );
        assert_eq!(
            Blend::learn(&mut [prediction(1, 0, &[], 20.0)], &TARGET),
            None
        );
    }
}
