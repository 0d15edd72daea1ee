//! Fits features on all training units and ranks the sensors.

use std::path::Path;

use serde_json::json;

use super::files::write_json;
use super::{StageError, Summary, key, protocol};
use crate::cache::StageKey;
use crate::config::{PipelineSpec, Stage};
use pdm_core::content::Digest;
use pdm_models::data::ValidDataset;
use pdm_models::features::{self, Clipped, FittedFeatures, WhyLeftOut};
use pdm_models::train::final_features;

/// Version of what this stage computes; raise it when the same inputs should give another result.
///
/// The second has defaults that follow from the lives, every sensor that varies, and labels relative to the largest one. The third
/// reads rows of CSV that a stray quote or a surplus field changed, and names units `1` for `1.0`.
pub const VERSION: u32 = 3;

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
    let parameters = protocol::with_csv(protocol::with_holdout(parameters, spec), spec);
    key(Stage::Features, parameters, [("train", Some(train))])
}

/// Fits the features on all training units.
///
/// # Errors
/// Nothing can be learnt from the units.
pub fn fit(spec: &PipelineSpec, dataset: &ValidDataset) -> Result<FittedFeatures, StageError> {
    let settled = spec.settled(&dataset.lives());
    Ok(final_features(
        dataset,
        &settled.recipe(),
        spec.project.seed,
    )?)
}

/// Fits the features, ranks the sensors, and writes both.
///
/// # Errors
/// Nothing can be learnt from the units.
pub fn run(
    spec: &PipelineSpec,
    dataset: &ValidDataset,
    folder: &Path,
) -> Result<Summary, StageError> {
    let fitted = fit(spec, dataset)?;
    let ranking = features::rank(&dataset.training(), &fitted);
    write_json(&folder.join(FITTED), &fitted)?;
    write_json(&folder.join(RANKING), &ranking)?;
    let sensors = fitted.sensors().len();
    let regimes = fitted.regime_count();
    let width = fitted.table_names().len();
    let plural = if regimes == 1 { "regime" } else { "regimes" };
    let text = format!("{sensors} sensors, {regimes} {plural}, {width} features a row");
    let summary = Summary::new(text + &left_out(&fitted) + &clipped(&fitted, dataset))
        .figure("sensors", sensors)
        .figure("regimes", regimes)
        .figure("features", width)
        .figure("left_out", json!(fitted.left_out()))
        .figure("clipped", json!(fitted.clipped()));
    Ok(summary)
}

/// Returns which sensors are left out, and why.
fn left_out(fitted: &FittedFeatures) -> String {
    let mut text = String::new();
    for why in [
        WhyLeftOut::Constant,
        WhyLeftOut::NotInGeneralUse,
        WhyLeftOut::NotNamed,
    ] {
        let with_reason = fitted
            .left_out()
            .iter()
            .filter(|left_out| left_out.why == why);
        let sensors: Vec<&str> = with_reason
            .map(|left_out| left_out.sensor.as_str())
            .collect();
        if !sensors.is_empty() {
            text.push_str(&format!(
                "; left out: {} ({})",
                named(&sensors),
                why.words()
            ));
        }
    }
    text
}

/// Returns the first few names; the figures have all of them.
fn named(sensors: &[&str]) -> String {
    const SHOWN: usize = 8;
    let more = sensors.len().saturating_sub(SHOWN);
    let names = sensors[..sensors.len() - more].join(", ");
    match more {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Returns the sensors of which more than a thousandth of the training rows were clipped: values beyond the limit are not
/// distinguished.
fn clipped(fitted: &FittedFeatures, dataset: &ValidDataset) -> String {
    let rows: usize = dataset.train().iter().map(|unit| unit.len()).sum();
    let often = fitted
        .clipped()
        .iter()
        .filter(|clipped| 1000 * clipped.rows > rows);
    let words = |clipped: &Clipped| {
        let percent = 100.0 * clipped.rows as f64 / rows as f64;
        format!("{} in {percent:.1} % of the rows", clipped.sensor)
    };
    let sensors: Vec<String> = often.map(words).collect();
    if sensors.is_empty() {
        return String::new();
    }
    let clip = fitted.options().clip_sd;
    format!(
        "; clipped at {clip} standard deviations (features.clip_sd): {}",
        sensors.join(", ")
    )
}
