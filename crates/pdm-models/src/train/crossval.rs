//! Cross-validation of one fold.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::cuts::cut_rows;
use super::{OutOfFoldPrediction, Recipe, TrainError, Workspace, derive_seed};
use crate::data::{Folds, Trajectory, ValidDataset};
use crate::models::Predictor;
use pdm_core::domain::{Interval, UnitId};
use pdm_core::events::Reporter;

/// Fits features and model without the units of `fold`, and predicts those at random cut points.
///
/// The members of a stack are weighted once all folds are done, by [`super::OutOfFold::gather`].
///
/// # Errors
/// The features or the model cannot be fitted, the work was interrupted, or the features were fitted on a held-out unit.
pub fn fit_fold(
    dataset: &ValidDataset,
    folds: &Folds,
    fold: usize,
    recipe: &Recipe<'_>,
    seed: u64,
    workspace: &Workspace,
    reporter: &Reporter,
) -> Result<Vec<OutOfFoldPrediction>, TrainError> {
    let held_out = folds.held_out(dataset, fold);
    let fold_seed = derive_seed(seed, &format!("fold-{fold}"));
    let part = format!("fold-{}", fold + 1);
    let training = folds.training(dataset, fold);
    let params = [
        ("fold", (fold + 1).to_string()),
        ("seed", fold_seed.to_string()),
        ("training_units", training.units().len().to_string()),
        ("held_out_units", held_out.len().to_string()),
    ];
    let reporter = reporter.begin_part(&part, &params);
    let (features, models) =
        recipe.learn(&training, fold_seed, &workspace.part(&part), &reporter)?;
    refuse_leak(features.fitted_on(), &held_out)?;
    let predict = |unit: &&Trajectory| {
        // Model and features are causal: the value at a row is the prediction of the history cut there.
        let of_model = |model: &dyn Predictor| {
            let input = features.input(model.input(), unit);
            (model.predict(&input), model.intervals(&input))
        };
        let (predictions, intervals): (Vec<_>, Vec<_>) =
            models.iter().map(|model| of_model(model.as_ref())).unzip();
        // A stack has no intervals of its own.
        let intervals = match intervals.as_slice() {
            [only] => only.as_ref(),
            _ => None,
        };
        let at = |row| OutOfFoldPrediction {
            interval: intervals.map(|intervals| intervals[row]),
            ..judged(
                unit,
                row,
                fold,
                predictions.iter().map(|of_model| of_model[row]).collect(),
            )
        };
        // A subset is scored at the same cycles alone and in a pool.
        let name = dataset.groups().name_within(&unit.unit);
        cut_rows(unit, name, recipe.training, seed)
            .into_iter()
            .map(at)
            .collect::<Vec<_>>()
    };
    let predictions: Vec<_> = held_out.par_iter().map(predict).collect();
    let predictions = refuse_not_finite(predictions.concat())?;
    reporter.end_part();
    Ok(predictions)
}

fn judged(unit: &Trajectory, row: usize, fold: usize, values: Vec<f64>) -> OutOfFoldPrediction {
    OutOfFoldPrediction {
        unit: unit.unit.clone(),
        cycle: unit.cycles[row],
        fold,
        rul: values.iter().sum::<f64>() / values.len() as f64,
        truth: unit.rul_at(row),
        members: if values.len() > 1 { values } else { Vec::new() },
        interval: None,
    }
}

/// A prediction that is not finite could not be read back from JSON.
fn refuse_not_finite(
    predictions: Vec<OutOfFoldPrediction>,
) -> Result<Vec<OutOfFoldPrediction>, TrainError> {
    let ends = |interval: &Interval| [interval.lower, interval.upper];
    let values = |p: &OutOfFoldPrediction| {
        p.interval
            .iter()
            .flat_map(ends)
            .chain(p.members.iter().copied())
            .chain([p.rul])
            .find(|value| !value.is_finite())
    };
    match predictions.iter().find_map(|p| Some((p, values(p)?))) {
        Some((p, value)) => Err(TrainError::NotFinite {
            unit: p.unit.clone(),
            cycle: p.cycle,
            value,
        }),
        None => Ok(predictions),
    }
}

fn refuse_leak(fitted_on: &[UnitId], held_out: &[&Trajectory]) -> Result<(), TrainError> {
    let fitted_on: BTreeSet<_> = fitted_on.iter().collect();
    let leaked = held_out
        .iter()
        .map(|unit| &unit.unit)
        .filter(|unit| fitted_on.contains(unit));
    let leaked: Vec<_> = leaked.cloned().collect();
    if leaked.is_empty() {
        Ok(())
    } else {
        Err(TrainError::Leak { units: leaked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_on_both_sides_is_named() {
        let units = [3, 7, 9].map(|unit| Trajectory {
            rest: 0,
            unit: unit.into(),
            cycles: Vec::new(),
            channels: Vec::new(),
        });
        let held_out = units.each_ref();
        assert!(refuse_leak(&[1.into(), 8.into()], &held_out).is_ok());
        let error = refuse_leak(&[1.into(), 7.into(), 9.into()], &held_out).unwrap_err();
        assert_eq!(
            error.to_string(),
            "held-out units were used for training: 7, 9"
        );
    }
}
