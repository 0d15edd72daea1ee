use rayon::prelude::*;

use super::{OutOfFold, TrainError, TrainOptions, UnitExamples, Workspace, derive_seed, fit};
use crate::data::{TrainingUnits, Trajectory, ValidDataset};
use crate::features::{self, FeatureOptions, FittedFeatures, InputKind, TargetOptions};
use crate::models::{ModelOptions, Predictor, Stack};
use pdm_core::events::Reporter;

/// Everything that decides how features and a model are learnt, besides the units and the seed.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// How model inputs are made.
    pub features: &'a FeatureOptions,
    /// What is predicted.
    pub target: &'a TargetOptions,
    /// The model family and its options.
    pub model: &'a ModelOptions,
    /// Which rows are learnt from and judged.
    pub training: &'a TrainOptions,
}

/// Fits features to all training units: what ships, and what [`final_fit`] learns from.
///
/// # Errors
/// The units hold nothing that can be learnt.
pub fn final_features(
    dataset: &ValidDataset,
    recipe: &Recipe<'_>,
    seed: u64,
) -> Result<FittedFeatures, TrainError> {
    recipe.learn_features(&dataset.training(), derive_seed(seed, "final"))
}

/// Fits the model to all training units, by their features: what ships. The members of a stack are weighed as
/// `out_of_fold` says.
///
/// # Errors
/// The model cannot be fitted, the members were never judged, or the work was interrupted.
pub fn final_fit(
    dataset: &ValidDataset,
    features: &FittedFeatures,
    recipe: &Recipe<'_>,
    seed: u64,
    out_of_fold: &OutOfFold,
    workspace: &Workspace,
    reporter: &Reporter,
) -> Result<Box<dyn Predictor>, TrainError> {
    let (seed, workspace, training) = (
        derive_seed(seed, "final"),
        workspace.part("final"),
        dataset.training(),
    );
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
    what: "out-of-fold predictions to weigh the members of a stack",
    have: 0,
    need: 1,
};

impl Recipe<'_> {
    /// Fits features and models to the training units and nothing else: the one model, or each member of a stack.
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

    /// As [`Self::learn`], with features that were fitted before.
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
            let units: Vec<_> = units
                .map(|unit| self.examples(features, model.input(), unit))
                .collect();
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
