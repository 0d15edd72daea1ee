use super::examples::table_rows;
use super::gru::fit_gru;
use super::{TrainError, TrainOptions, UnitExamples, fit_gbdt, fit_ridge};
use crate::events::Reporter;
use crate::features::TargetOptions;
use crate::models::{ModelOptions, Predictor};

/// Fits a model of the chosen family to training units.
///
/// Models on the feature table learn from the rows `training` names, recurrent ones from whole histories.
///
/// # Errors
/// An option is out of range, there is nothing to learn from, the work was interrupted, or the loss is not finite.
pub fn fit(
    options: &ModelOptions,
    units: &[UnitExamples],
    target: &TargetOptions,
    training: &TrainOptions,
    seed: u64,
    reporter: &Reporter,
) -> Result<Box<dyn Predictor>, TrainError> {
    reporter.check()?;
    refuse_problems(options, target, training)?;
    Ok(match options {
        ModelOptions::Linear(options) => {
            let (rows, labels) = table_rows(units, training);
            Box::new(fit_ridge(&rows, &labels, options)?)
        }
        ModelOptions::Gbdt(options) => {
            let (rows, labels) = table_rows(units, training);
            Box::new(fit_gbdt(&rows, &labels, options, seed, reporter)?)
        }
        ModelOptions::Gru(options) => Box::new(fit_gru(units, target, options, seed, reporter)?),
    })
}

fn refuse_problems(model: &ModelOptions, target: &TargetOptions, training: &TrainOptions) -> Result<(), TrainError> {
    let mut problems = model.problems().into_iter().chain(target.problems()).chain(training.problems());
    problems.next().map_or(Ok(()), |problem| Err(TrainError::Options(problem)))
}
