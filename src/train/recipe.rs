use rayon::prelude::*;

use super::{TrainError, TrainOptions, UnitExamples, derive_seed, fit};
use crate::data::{TrainingUnits, Trajectory, ValidDataset};
use crate::events::Reporter;
use crate::features::{self, FeatureOptions, FittedFeatures, Matrix, TargetOptions};
use crate::models::{InputKind, ModelOptions, Predictor};

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
pub fn final_features(dataset: &ValidDataset, recipe: &Recipe<'_>, seed: u64) -> Result<FittedFeatures, TrainError> {
    recipe.learn_features(&dataset.training(), derive_seed(seed, "final"))
}

/// Fits the model to all training units, by their features: what ships.
///
/// # Errors
/// The model cannot be fitted, or the work was interrupted.
pub fn final_fit(
    dataset: &ValidDataset,
    features: &FittedFeatures,
    recipe: &Recipe<'_>,
    seed: u64,
    reporter: &Reporter,
) -> Result<Box<dyn Predictor>, TrainError> {
    recipe.learn_model(&dataset.training(), features, derive_seed(seed, "final"), &reporter.scoped("final"))
}

impl Recipe<'_> {
    /// Fits features and model to the training units and nothing else.
    pub(super) fn learn(
        &self,
        training: &TrainingUnits<'_>,
        seed: u64,
        reporter: &Reporter,
    ) -> Result<(FittedFeatures, Box<dyn Predictor>), TrainError> {
        let features = self.learn_features(training, seed)?;
        let model = self.learn_model(training, &features, seed, reporter)?;
        Ok((features, model))
    }

    fn learn_features(&self, training: &TrainingUnits<'_>, seed: u64) -> Result<FittedFeatures, TrainError> {
        Ok(features::fit(training, self.features, self.target, derive_seed(seed, "features"))?)
    }

    fn learn_model(
        &self,
        training: &TrainingUnits<'_>,
        features: &FittedFeatures,
        seed: u64,
        reporter: &Reporter,
    ) -> Result<Box<dyn Predictor>, TrainError> {
        reporter.check()?;
        let units: Vec<_> = training.units().par_iter().map(|unit| self.examples(features, unit)).collect();
        fit(self.model, &units, self.target, self.training, derive_seed(seed, "model"), reporter)
    }

    /// Returns the model's input for a history.
    pub(super) fn input(&self, features: &FittedFeatures, unit: &Trajectory) -> Matrix {
        match self.model.input() {
            InputKind::Table => features.table(unit),
            InputKind::Sequence => features.sequence(unit),
        }
    }

    fn examples(&self, features: &FittedFeatures, unit: &Trajectory) -> UnitExamples {
        let labels = (0..unit.len()).map(|row| self.target.label(unit.rul_at(row))).collect();
        UnitExamples { input: self.input(features, unit), labels }
    }
}
