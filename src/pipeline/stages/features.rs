//! Fits features on all training units and ranks the sensors.

use std::path::Path;

use serde_json::json;

use super::files::write_json;
use super::{StageError, Summary, key, protocol};
use crate::content::Digest;
use crate::data::ValidDataset;
use crate::features::{self, FittedFeatures};
use crate::pipeline::{PipelineSpec, Stage, StageKey};
use crate::train::final_features;

/// Name of the fitted features among the outputs.
pub const FITTED: &str = "features.json";
/// Name of the ranking of the sensors among the outputs.
pub const RANKING: &str = "ranking.json";

/// Returns the key for this training part.
pub fn stage_key(spec: &PipelineSpec, train: Digest) -> StageKey {
    let parameters = json!({
        "project": { "seed": spec.project.seed },
        "dataset": spec.dataset.schema(),
        "features": spec.features,
        "target": spec.target,
    });
    let parameters = protocol::with_holdout(parameters, spec);
    key(Stage::Features, parameters, [("train", Some(train))])
}

/// Fits the features on all training units.
///
/// # Errors
/// Nothing can be learnt from the units.
pub fn fit(spec: &PipelineSpec, dataset: &ValidDataset) -> Result<FittedFeatures, StageError> {
    Ok(final_features(dataset, &spec.recipe(), spec.project.seed)?)
}

/// Fits the features, ranks the sensors, and writes both.
///
/// # Errors
/// Nothing can be learnt from the units.
pub fn run(spec: &PipelineSpec, dataset: &ValidDataset, folder: &Path) -> Result<Summary, StageError> {
    let fitted = fit(spec, dataset)?;
    let ranking = features::rank(&dataset.training(), &fitted);
    write_json(&folder.join(FITTED), &fitted)?;
    write_json(&folder.join(RANKING), &ranking)?;
    let (sensors, regimes) = (fitted.sensors().len(), fitted.regime_count());
    let width = fitted.table_names().len();
    let plural = if regimes == 1 { "regime" } else { "regimes" };
    Ok(Summary::new(format!("{sensors} sensors, {regimes} {plural}, {width} features a row"))
        .figure("sensors", sensors)
        .figure("regimes", regimes)
        .figure("features", width))
}
