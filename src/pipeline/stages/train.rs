//! Cross-validates by unit, then fits on all training units.
//!
//! Each fold's predictions are stored as the fold is done, so a killed run goes on where it stopped.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::files::{read_json, write_json};
use super::{StageError, Summary, key};
use crate::content::{Digest, digest_of};
use crate::data::{Folds, ValidDataset};
use crate::events::Reporter;
use crate::features::FittedFeatures;
use crate::pipeline::{PipelineSpec, Stage, StageKey};
use crate::scoring::is_reachable;
use crate::train::{OutOfFold, OutOfFoldPrediction, Recipe, derive_seed, final_fit, fit_fold};

/// Name of the out-of-fold predictions among the outputs.
pub const OUT_OF_FOLD: &str = "out_of_fold.json";
/// Name of the assignment of units to folds among the outputs.
pub const FOLDS: &str = "folds.json";
/// Name of the weights among the outputs.
pub const WEIGHTS: &str = "weights.safetensors";

/// Returns the key for this training part and these features.
pub fn stage_key(spec: &PipelineSpec, train: Digest, features: Digest) -> StageKey {
    let parameters = json!({
        "project": { "seed": spec.project.seed },
        "split": spec.split,
        "features": spec.features,
        "target": spec.target,
        "model": spec.model,
        "train": spec.train,
    });
    key(Stage::Train, parameters, [("train", Some(train)), ("features", Some(features))])
}

/// Cross-validates and fits, and writes predictions, folds and weights into `folder`.
///
/// Folds found in `resume` are not fitted again.
///
/// # Errors
/// The units are too few, the fit diverges, or a signal asked to stop.
pub fn run(
    spec: &PipelineSpec,
    dataset: &ValidDataset,
    features: &FittedFeatures,
    [folder, resume]: [&Path; 2],
    reporter: &Reporter,
) -> Result<Summary, StageError> {
    let (units, coverage) = (dataset.train().len(), spec.calibrate.coverage);
    if !is_reachable(units, coverage) {
        return Err(StageError::Coverage { coverage, units });
    }
    let recipe = spec.recipe();
    let folds = Folds::deal(dataset, &spec.split, derive_seed(spec.project.seed, "folds"))?;
    let out_of_fold = cross_validate(dataset, &folds, &recipe, spec.project.seed, resume, reporter)?;
    let model = final_fit(dataset, features, &recipe, spec.project.seed, reporter)?;
    write_json(&folder.join(FOLDS), &folds)?;
    write_json(&folder.join(OUT_OF_FOLD), &out_of_fold)?;
    let weights = folder.join(WEIGHTS);
    fs::write(&weights, model.weights()).map_err(|source| StageError::io("write", &weights, source))?;
    let (kind, count, cuts) = (spec.model.kind(), folds.count(), out_of_fold.predictions.len());
    let units = dataset.train().len();
    Ok(Summary::new(format!("{kind} on {units} units, {count} folds, {cuts} out-of-fold predictions"))
        .figure("model", kind)
        .figure("folds", count)
        .figure("out_of_fold_predictions", cuts))
}

/// A finished fold, for a run that goes on after a kill; what was changed since is computed again.
#[derive(Serialize, Deserialize)]
struct KeptFold {
    sha256: Digest,
    predictions: Vec<OutOfFoldPrediction>,
}

impl KeptFold {
    fn of(predictions: &[OutOfFoldPrediction]) -> Self {
        Self { sha256: Self::digest(predictions), predictions: predictions.to_vec() }
    }

    fn verified(self) -> Option<Vec<OutOfFoldPrediction>> {
        (self.sha256 == Self::digest(&self.predictions)).then_some(self.predictions)
    }

    fn digest(predictions: &[OutOfFoldPrediction]) -> Digest {
        digest_of(predictions).expect("predictions have a JSON form")
    }
}

fn cross_validate(
    dataset: &ValidDataset,
    folds: &Folds,
    recipe: &Recipe<'_>,
    seed: u64,
    resume: &Path,
    reporter: &Reporter,
) -> Result<OutOfFold, StageError> {
    let count = folds.count();
    let mut done = Vec::with_capacity(count);
    for fold in 0..count {
        reporter.progress("cross-validate", fold as u64, count as u64, format!("fold {} of {count}", fold + 1));
        let path = resume.join(format!("fold-{fold}.json"));
        let kept = read_json::<KeptFold>(&path).ok().and_then(KeptFold::verified);
        done.push(match kept {
            Some(predictions) => predictions,
            None => {
                let predictions = fit_fold(dataset, folds, fold, recipe, seed, reporter)?;
                write_json(&path, &KeptFold::of(&predictions))?;
                predictions
            }
        });
    }
    reporter.progress("cross-validate", count as u64, count as u64, "");
    Ok(OutOfFold::gather(done))
}
