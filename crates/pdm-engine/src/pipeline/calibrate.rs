//! Learns interval widths from the out-of-fold predictions and assembles the bundle.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::train::{FOLDS, OUT_OF_FOLD, WEIGHTS, refuse_unreachable_coverage};
use super::{StageError, Summary, features, key, protocol, read_json};
use crate::cache::StageKey;
use crate::config::{PipelineSpec, Stage};
use pdm_core::content::Digest;
use pdm_core::scoring::{Conformal, Cuts};
use pdm_models::bundle::{self, BundleParts, Provenance, ReferenceProfile};
use pdm_models::data::{Contents, Folds, ValidDataset};
use pdm_models::features::FittedFeatures;
use pdm_models::train::{OutOfFold, derive_seed};

/// Version of what this stage computes; raise it when the same inputs should give another result.
///
/// The second bundle says what the training files held, how old units grew and where their sensors began; the third has residuals by
/// running sums, the fourth how long sensors repeat a value.
pub const VERSION: u32 = 4;

/// Name of the bundle's folder among the outputs.
pub const BUNDLE: &str = "bundle";

/// Returns the key for this training part, these features and this model.
pub fn stage_key(spec: &PipelineSpec, data: Digest, features: Digest, train: Digest) -> StageKey {
    let parameters = json!({
        "project": { "seed": spec.project.seed },
        "dataset": { "name": spec.dataset.name() },
        "calibrate": spec.calibrate,
        "evaluate": { "truth": spec.evaluate.truth },
        "target": spec.target,
        "model": spec.model,
        "train": protocol::cuts(spec),
    });
    let parameters = protocol::with_csv(protocol::with_holdout(parameters, spec), spec);
    key(
        Stage::Calibrate,
        parameters,
        [
            ("data", Some(data)),
            ("features", Some(features)),
            ("train", Some(train)),
        ],
    )
}

/// Calibrates and writes the bundle into `folder`; `features` and `train` are the folders of those stages.
///
/// # Errors
/// Too few units for the coverage, or a file that cannot be written.
pub fn run(
    spec: &PipelineSpec,
    dataset: &ValidDataset,
    training_data: Digest,
    [features, train]: [&Path; 2],
    folder: &Path,
) -> Result<Summary, StageError> {
    // Training has checked this, unless its result was in the cache.
    refuse_unreachable_coverage(spec, dataset.train().len())?;
    let spec = &spec.settled(&dataset.lives());
    let fitted: FittedFeatures = read_json(&features.join(features::FITTED))?;
    let weights = train.join(WEIGHTS);
    let weights = fs::read(&weights).map_err(|source| StageError::io("read", &weights, source))?;
    let parts = BundleParts {
        features: &fitted,
        model: &spec.model,
        weights: &weights,
        target: &spec.target,
        calibration: &calibration(spec, dataset, training_data, train)?,
        profile: &ReferenceProfile::describe(
            &dataset.training(),
            &fitted,
            shortest_history(spec, dataset, training_data),
        ),
        contents: &Contents::of(dataset),
        provenance: provenance(spec, dataset, training_data, train)?,
    };
    let bundle = folder.join(BUNDLE);
    fs::create_dir_all(&bundle).map_err(|source| StageError::io("create", &bundle, source))?;
    let digest = bundle::assemble(&parts, &bundle)?;
    let percent = spec.calibrate.coverage * 100.0;
    let units = dataset.train().len();
    let text = format!(
        "{percent:.0} % intervals from {units} units, bundle {}",
        digest.short()
    );
    Ok(Summary::new(text).figure("bundle", digest.to_string()))
}

/// Learns how wide intervals must be, from predictions by models that did not learn from the unit.
fn calibration(
    spec: &PipelineSpec,
    dataset: &ValidDataset,
    training_data: Digest,
    train: &Path,
) -> Result<Conformal, StageError> {
    let out_of_fold: OutOfFold = read_json(&train.join(OUT_OF_FOLD))?;
    let protocol = protocol::out_of_fold(spec, training_data, dataset.train().len());
    let seed = derive_seed(spec.project.seed, "calibrate");
    Ok(Conformal::fit(
        &out_of_fold.predictions(),
        &spec.calibrate,
        &protocol,
        seed,
    )?)
}

/// Returns the fewest rows of history at which the model was judged, and its intervals were calibrated.
fn shortest_history(spec: &PipelineSpec, dataset: &ValidDataset, training_data: Digest) -> usize {
    match protocol::out_of_fold(spec, training_data, dataset.train().len()).cuts {
        Cuts::RandomCuts {
            shortest_history, ..
        } => shortest_history,
        Cuts::LastCycle => 1,
    }
}

fn provenance(
    spec: &PipelineSpec,
    dataset: &ValidDataset,
    training_data: Digest,
    train: &Path,
) -> Result<Provenance, StageError> {
    let folds: Folds = read_json(&train.join(FOLDS))?;
    Ok(Provenance {
        dataset: dataset.name().to_owned(),
        training_data,
        training_units: dataset.train().len(),
        split: folds.digest(),
        seed: spec.project.seed,
    })
}
