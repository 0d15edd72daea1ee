//! Judges the trials of a search by cross-validation.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{StageError, features, protocol, train};
use crate::config::PipelineSpec;
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::Prediction;
use pdm_core::events::Reporter;
use pdm_core::scoring::{Metric, UnitLoss, unit_losses};
use pdm_models::data::{Folds, ValidDataset};
use pdm_models::train::{
    Blend, OutOfFold, Workspace, derive_seed, final_features, final_fit, fit_fold,
};

/// The version of what a trial computes; raised when the same trial should give another result.
const SEMANTIC_VERSION: u32 = 2;

/// The folds and seeds that every trial of a search is judged on.
#[derive(Debug)]
pub struct CrossValidation<'d> {
    dataset: &'d ValidDataset,
    training_data: Digest,
    metric: Metric,
    seed: u64,
    folds: Folds,
}

/// Returns everything that a search's trials depend on.
///
/// # Panics
/// Never: a loaded pipeline has a JSON form.
pub fn study_key(spec: &PipelineSpec, training_data: Digest, units: usize) -> Value {
    let features = features::stage_key(spec, training_data);
    let train = train::stage_key(spec, training_data, features.digest());
    let tune = spec.tune.as_ref();
    json!({
        "semantic_version": SEMANTIC_VERSION,
        "features": features,
        "train": train,
        "validate": spec.validate,
        "protocol": protocol::out_of_fold(spec, training_data, units).digest(),
        "tune": tune.map(|tune| json!({
            "method": tune.method,
            "seed": tune.seed,
            "metric": tune.metric,
            "startup_trials": tune.startup_trials,
            "prune": tune.prune,
            "space": digest_of(&json!(tune.space.iter().collect::<Vec<_>>())).expect("ranges have a JSON form"),
        })),
    })
}

impl<'d> CrossValidation<'d> {
    /// Divides the training units into folds by `seed`; the project's own seed gives the folds of the stage `train`.
    ///
    /// # Errors
    /// More folds than units.
    pub fn assign(
        spec: &PipelineSpec,
        dataset: &'d ValidDataset,
        training_data: Digest,
        metric: Metric,
        seed: u64,
    ) -> Result<Self, StageError> {
        let folds = Folds::assign(dataset, &spec.split, derive_seed(seed, "folds"))?;
        Ok(Self {
            dataset,
            training_data,
            metric,
            seed,
            folds,
        })
    }

    /// Returns the number of folds.
    pub fn count(&self) -> usize {
        self.folds.count()
    }

    /// Fits without the units of one fold and returns what those add to the metric. The members of a stack have equal weights
    /// here: their weights need the predictions of all folds, which a trial may not reach.
    ///
    /// # Errors
    /// The fit fails, a signal asked to stop, or the predictions have no finite score.
    pub fn judge(
        &self,
        spec: &PipelineSpec,
        fold: usize,
        reporter: &Reporter,
    ) -> Result<Vec<UnitLoss>, StageError> {
        let spec = &spec.settled(&self.dataset.lives());
        let predictions = fit_fold(
            self.dataset,
            &self.folds,
            fold,
            &spec.recipe(),
            self.seed,
            &Workspace::none(),
            reporter,
        )?;
        let predictions: Vec<Prediction> = OutOfFold {
            predictions,
            blend: None,
        }
        .predictions();
        let units: BTreeSet<_> = predictions
            .iter()
            .map(|prediction| &prediction.unit)
            .collect();
        let protocol = protocol::out_of_fold(spec, self.training_data, units.len());
        Ok(unit_losses(self.metric, &predictions, &protocol)?)
    }

    /// Fits a model on all training units and returns the size of its weights in bytes.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn model_bytes(&self, spec: &PipelineSpec, reporter: &Reporter) -> Result<u64, StageError> {
        let settled = spec.settled(&self.dataset.lives());
        let recipe = settled.recipe();
        let blend = spec
            .model
            .stack()
            .map(|stack| Blend::even(stack.member.len()));
        let out_of_fold = OutOfFold {
            predictions: Vec::new(),
            blend,
        };
        let features = final_features(self.dataset, &recipe, self.seed)?;
        let model = final_fit(
            self.dataset,
            &features,
            &recipe,
            self.seed,
            &out_of_fold,
            &Workspace::none(),
            reporter,
        )?;
        Ok(model.weights().len() as u64)
    }
}
