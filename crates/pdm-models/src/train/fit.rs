//! Fits a model of any family.

use super::boosting::{HeldBack, fit_forest};
use super::examples::{divide, table_rows};
use super::neural::fit_neural;
use super::{Loss, TrainError, TrainOptions, UnitExamples, Workspace, derive_seed, fit_ridge};
use crate::features::TargetOptions;
use crate::models::{Class, Ensemble, Gbdt, GbdtOptions, ModelOptions, Predictor};
use pdm_core::domain::Problem;
use pdm_core::events::Reporter;

/// Fits a model of the chosen family to training units as often as `training` requires, and returns the mean of the fits.
///
/// The first fit uses `seed` itself. Models on the feature table learn from the rows that `training` selects, networks from
/// whole histories. A fit that was already finished in its part of the workspace is not repeated.
///
/// # Errors
/// An option is out of range, there is nothing to learn from, the work was interrupted, the loss is not finite, or the
/// workspace cannot be written.
pub fn fit(
    options: &ModelOptions,
    units: &[UnitExamples],
    target: &TargetOptions,
    training: &TrainOptions,
    seed: u64,
    workspace: &Workspace,
    reporter: &Reporter,
) -> Result<Box<dyn Predictor>, TrainError> {
    refuse_problems(options, target, training)?;
    if training.seeds == 1 {
        return fit_once(options, units, target, training, seed, workspace, reporter);
    }
    let repetition = |number: usize| {
        let part = format!("seed-{number}");
        let seed = if number == 1 {
            seed
        } else {
            derive_seed(seed, &part)
        };
        let reporter = reporter.begin_part(&part, &[("seed", seed.to_string())]);
        let fitted = fit_once(
            options,
            units,
            target,
            training,
            seed,
            &workspace.part(&part),
            &reporter,
        )?;
        reporter.end_part();
        Ok(fitted)
    };
    let members = (1..=training.seeds)
        .map(repetition)
        .collect::<Result<_, TrainError>>()?;
    Ok(Box::new(Ensemble::new(members)))
}

fn fit_once(
    options: &ModelOptions,
    units: &[UnitExamples],
    target: &TargetOptions,
    training: &TrainOptions,
    seed: u64,
    workspace: &Workspace,
    reporter: &Reporter,
) -> Result<Box<dyn Predictor>, TrainError> {
    reporter.check()?;
    // Weights with another layout, written by another version of the program, are fitted again.
    if let Some(weights) = workspace.finished()
        && let Ok(finished) = options.load(&weights)
    {
        return Ok(finished);
    }
    let model: Box<dyn Predictor> = match options.class() {
        Class::Linear(options) => {
            let (rows, labels) = table_rows(&units.iter().collect::<Vec<_>>(), training);
            Box::new(fit_ridge(&rows, &labels, options)?)
        }
        Class::Gbdt(options) => Box::new(fit_trees(units, options, training, seed, reporter)?),
        Class::Neural(options) => Box::new(fit_neural(
            units, target, options, training, seed, workspace, reporter,
        )?),
        Class::Stack(_) => {
            let problem = Problem::new("kind", "is a stack, of which only the members are fitted");
            return Err(TrainError::Options(problem));
        }
    };
    workspace.finish(|| model.weights())?;
    Ok(model)
}

/// Fits trees; with early stopping only on some of the units.
fn fit_trees(
    units: &[UnitExamples],
    options: &GbdtOptions,
    training: &TrainOptions,
    seed: u64,
    reporter: &Reporter,
) -> Result<Gbdt, TrainError> {
    let (learnt, held_back) = divide(
        units.iter().collect(),
        training,
        derive_seed(seed, "validation"),
    );
    let (rows, labels) = table_rows(&learnt, training);
    let held_back = HeldBack::new(table_rows(&held_back, training), training);
    fit_forest(&rows, &labels, held_back, options, seed, reporter)
}

fn refuse_problems(
    model: &ModelOptions,
    target: &TargetOptions,
    training: &TrainOptions,
) -> Result<(), TrainError> {
    let no_network = training.loss == Loss::Quantile && !model.is_network();
    let no_network = no_network
        .then(|| Problem::new("loss", "must not be quantile, which only networks support"));
    let mut problems = model
        .problems()
        .into_iter()
        .chain(target.problems())
        .chain(training.problems())
        .chain(no_network);
    problems
        .next()
        .map_or(Ok(()), |problem| Err(TrainError::Options(problem)))
}
