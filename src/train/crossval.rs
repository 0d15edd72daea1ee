use rayon::prelude::*;

use super::cuts::cut_rows;
use super::{OutOfFoldPrediction, Recipe, TrainError, derive_seed};
use crate::data::{Folds, Trajectory, ValidDataset};
use crate::domain::UnitId;
use crate::events::Reporter;

/// Fits features and model without the units of `fold`, and predicts those at random cut points.
///
/// # Errors
/// The features or the model cannot be fitted, the work was interrupted, or the features saw a held-out unit.
pub fn fit_fold(
    dataset: &ValidDataset,
    folds: &Folds,
    fold: usize,
    recipe: &Recipe<'_>,
    seed: u64,
    reporter: &Reporter,
) -> Result<Vec<OutOfFoldPrediction>, TrainError> {
    let held_out = folds.held_out(dataset, fold);
    let fold_seed = derive_seed(seed, &format!("fold-{fold}"));
    let (features, model) =
        recipe.learn(&folds.training(dataset, fold), fold_seed, &reporter.scoped(&format!("fold-{}", fold + 1)))?;
    refuse_leak(features.fitted_on(), &held_out)?;
    let predict = |unit: &&Trajectory| {
        // Model and features are causal: the value at a row is the prediction of the history cut there.
        let predictions = model.predict(&recipe.input(&features, unit));
        let at = |row: usize| OutOfFoldPrediction {
            unit: unit.unit.clone(),
            cycle: unit.cycles[row],
            fold,
            rul: predictions[row],
            truth: unit.rul_at(row),
        };
        cut_rows(unit, recipe.training, seed).into_iter().map(at).collect::<Vec<_>>()
    };
    let predictions: Vec<_> = held_out.par_iter().map(predict).collect();
    Ok(predictions.concat())
}

fn refuse_leak(fitted_on: &[UnitId], held_out: &[&Trajectory]) -> Result<(), TrainError> {
    let leaked = held_out.iter().map(|unit| &unit.unit).filter(|unit| fitted_on.contains(unit));
    let leaked: Vec<_> = leaked.cloned().collect();
    if leaked.is_empty() { Ok(()) } else { Err(TrainError::Leak { units: leaked }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_on_both_sides_is_named() {
        let units = [3, 7, 9].map(|unit| Trajectory { unit: unit.into(), cycles: Vec::new(), channels: Vec::new() });
        let held_out = units.each_ref();
        assert!(refuse_leak(&[1.into(), 8.into()], &held_out).is_ok());
        let error = refuse_leak(&[1.into(), 7.into(), 9.into()], &held_out).unwrap_err();
        assert_eq!(error.to_string(), "held-out units were learnt from: 7, 9");
    }
}
