//! The options of a training, and the final fit.

use rayon::prelude::*;

use super::{OutOfFold, TrainError, TrainOptions, UnitExamples, Workspace, derive_seed, fit};
use crate::data::{TrainingUnits, Trajectory, ValidDataset};
use crate::features::{self, FeatureOptions, FittedFeatures, InputKind, TargetOptions};
use crate::models::{ModelOptions, Predictor, Stack};
use pdm_core::events::Reporter;

/// Everything that determines features and a model, except the units and the seed.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// How model inputs are made.
    pub features: &'a FeatureOptions,
    /// What is predicted.
    pub target: &'a TargetOptions,
    /// The model family and its options.
    pub model: &'a ModelOptions,
    /// Which rows are used for training and scoring.
    pub training: &'a TrainOptions,
}

/// Fits the final features to all training units, for [`final_fit`].
///
/// # Errors
/// The features cannot be fitted to the units.
pub fn final_features(
    dataset: &ValidDataset,
    recipe: &Recipe<'_>,
    seed: u64,
) -> Result<FittedFeatures, TrainError> {
    recipe.learn_features(&dataset.training(), derive_seed(seed, "final"))
}

/// Fits the final model to all training units. The members of a stack are weighted by `out_of_fold`.
///
/// # Errors
/// The model cannot be fitted, there are no out-of-fold predictions of the members, or the work was interrupted.
pub fn final_fit(
    dataset: &ValidDataset,
    features: &FittedFeatures,
    recipe: &Recipe<'_>,
    seed: u64,
    out_of_fold: &OutOfFold,
    workspace: &Workspace,
    reporter: &Reporter,
) -> Result<Box<dyn Predictor>, TrainError> {
    let seed = derive_seed(seed, "final");
    let workspace = workspace.part("final");
    let training = dataset.training();
    let params = [
        ("seed", seed.to_string()),
        ("training_units", training.units().len().to_string()),
    ];
    let reporter = reporter.begin_part("final", &params);
    let mut models = recipe.learn_models(&training, features, seed, &workspace, &reporter)?;
    reporter.end_part();
    match recipe.model.stack() {
        Some(_) => {
            let blend = out_of_fold
                .blend
                .as_ref()
                .filter(|blend| blend.weights.len() == models.len());
            let weights = blend.ok_or(UNWEIGHED)?.weights.clone();
            Ok(Box::new(Stack::new(
                models,
                weights,
                features.table_names().len(),
            )))
        }
        None => Ok(models.swap_remove(0)),
    }
}

const UNWEIGHED: TrainError = TrainError::TooLittleData {
    what: "out-of-fold predictions to weight the members of a stack",
    have: 0,
    need: 1,
};

impl Recipe<'_> {
    /// Fits features and models to the training units only: the one model, or each member of a stack.
    pub(super) fn learn(
        &self,
        training: &TrainingUnits<'_>,
        seed: u64,
        workspace: &Workspace,
        reporter: &Reporter,
    ) -> Result<(FittedFeatures, Vec<Box<dyn Predictor>>), TrainError> {
        let features = self.learn_features(training, seed)?;
        let models = self.learn_models(training, &features, seed, workspace, reporter)?;
        Ok((features, models))
    }

    fn learn_features(
        &self,
        training: &TrainingUnits<'_>,
        seed: u64,
    ) -> Result<FittedFeatures, TrainError> {
        Ok(features::fit(
            training,
            self.features,
            self.target,
            derive_seed(seed, "features"),
        )?)
    }

    /// Like [`Self::learn`], with features that are already fitted.
    pub(super) fn learn_models(
        &self,
        training: &TrainingUnits<'_>,
        features: &FittedFeatures,
        seed: u64,
        workspace: &Workspace,
        reporter: &Reporter,
    ) -> Result<Vec<Box<dyn Predictor>>, TrainError> {
        if let Some(problem) = self.model.problems().into_iter().next() {
            return Err(TrainError::Options(problem));
        }
        let seed = derive_seed(seed, "model");
        let fit = |model: &ModelOptions, seed, workspace: &Workspace, reporter: &Reporter| {
            reporter.check()?;
            let units = training.units().par_iter();
            let mut units: Vec<_> = units
                .map(|unit| self.examples(features, model.input(), unit))
                .collect();
            let running = training.running().par_iter();
            let with_known_labels: Vec<_> = running
                .filter_map(|unit| self.examples_of_running(features, model.input(), unit))
                .collect();
            units.extend(with_known_labels);
            fit(
                model,
                &units,
                self.target,
                self.training,
                seed,
                workspace,
                reporter,
            )
        };
        let Some(stack) = self.model.stack() else {
            return Ok(vec![fit(self.model, seed, workspace, reporter)?]);
        };
        let member = |(model, name): (&ModelOptions, String)| {
            fit(
                model,
                derive_seed(seed, &name),
                &workspace.part(&name),
                &reporter.scoped(&name),
            )
        };
        stack.member.iter().zip(stack.names()).map(member).collect()
    }

    /// Returns the rows of a history without failure whose label is known: the unit worked for at least `cap` cycles after
    /// them, so their label is the cap. `None` without such a row.
    fn examples_of_running(
        &self,
        features: &FittedFeatures,
        input: InputKind,
        unit: &Trajectory,
    ) -> Option<UnitExamples> {
        let cap = self.target.cap();
        let known = unit.rows_known_at(cap);
        if known == 0 {
            return None;
        }
        let history = unit.cut(known);
        Some(UnitExamples {
            input: features.input(input, &history),
            labels: vec![cap; known],
        })
    }

    pub(super) fn examples(
        &self,
        features: &FittedFeatures,
        input: InputKind,
        unit: &Trajectory,
    ) -> UnitExamples {
        let labels = (0..unit.len())
            .map(|row| self.target.label(unit.rul_at(row)))
            .collect();
        UnitExamples {
            input: features.input(input, unit),
            labels,
        }
    }
}
