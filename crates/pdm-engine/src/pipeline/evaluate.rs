//! Scores the bundle on the test part, or on the holdout where there is no test part, and always out of fold.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::files::write_json;
use super::train::OUT_OF_FOLD;
use super::{StageError, Summary, key, protocol, read_json};
use crate::cache::StageKey;
use crate::config::{PipelineSpec, Stage};
use pdm_core::content::Digest;
use pdm_core::domain::{FlagCounts, Interval, Prediction, UnitId};
use pdm_core::scoring::{Conformal, Metric, Part, Protocol, Scorecard, score};
use pdm_models::bundle::ModelBundle;
use pdm_models::data::ValidDataset;
use pdm_models::train::{OutOfFold, derive_seed, holdout_cuts};
use pdm_report::report::PredictionSheet;

/// Version of what this stage computes; raise it when the same inputs should give another result.
///
/// The second scorecard warns of copies that are only suspected; its table of predictions has the capped truth. The third has bands by
/// the cap, and residuals by running sums; the fourth flags stuck sensors, and reads tables as `features` does; the fifth words its
/// warnings in other sentences.
pub const VERSION: u32 = 5;

/// Name of the scorecard the gates judge, among the outputs.
pub const SCORECARD: &str = "scorecard.json";
/// Name of the predictions that scorecard was computed from, among the outputs.
pub const PREDICTIONS: &str = "predictions.json";
/// The same predictions as a table.
pub const PREDICTIONS_TABLE: &str = "predictions.csv";
/// Name of the out-of-fold scorecard among the outputs.
pub const OUT_OF_FOLD_SCORECARD: &str = "scorecard_out_of_fold.json";
/// Name of the predictions that this one was computed from, among the outputs; results of earlier releases lack them.
pub const OUT_OF_FOLD_PREDICTIONS: &str = "predictions_out_of_fold.json";

/// Digests of the files a scorecard depends on.
#[derive(Debug, Clone, Copy)]
pub struct DataDigests {
    /// The training part.
    pub train: Digest,
    /// Test histories and true remaining useful life, where both are installed.
    pub test: Option<(Digest, Digest)>,
}

/// Returns the key for this bundle and these data.
pub fn stage_key(
    spec: &PipelineSpec,
    data: DataDigests,
    train: Digest,
    calibrate: Digest,
) -> StageKey {
    let parameters = json!({
        "project": { "seed": spec.project.seed },
        "evaluate": spec.evaluate,
        "calibrate": spec.calibrate,
        "target": spec.target,
        "train": protocol::cuts(spec),
    });
    key(
        Stage::Evaluate,
        protocol::with_csv(protocol::with_holdout(parameters, spec), spec),
        [
            ("data", Some(data.train)),
            ("train", Some(train)),
            ("calibrate", Some(calibrate)),
            ("test", data.test.map(|test| test.0)),
            ("rul", data.test.map(|test| test.1)),
        ],
    )
}

/// Scores and writes scorecards and predictions into `folder`; `train` is the folder of that stage.
///
/// # Errors
/// Predictions that cannot be scored, or files that cannot be written.
pub fn run(
    spec: &PipelineSpec,
    dataset: &ValidDataset,
    data: DataDigests,
    bundle: &ModelBundle,
    [train, folder]: [&Path; 2],
) -> Result<Summary, StageError> {
    if bundle.manifest().schema != *dataset.schema() {
        return Err(StageError::Schema);
    }
    let settled = spec.settled(&dataset.lives());
    let (fold_card, out_of_fold) = score_out_of_fold(&settled, dataset, data.train, train)?;
    write_json(&folder.join(OUT_OF_FOLD_PREDICTIONS), &out_of_fold)?;
    let (card, predictions) = match judging(spec, dataset, data) {
        Some(protocol) => score_on_unseen(
            spec,
            dataset,
            protocol,
            bundle,
            fold_card.baseline.prediction,
        )?,
        None => (fold_card.clone(), out_of_fold),
    };
    write_json(&folder.join(OUT_OF_FOLD_SCORECARD), &fold_card)?;
    write_json(&folder.join(SCORECARD), &card)?;
    write_json(&folder.join(PREDICTIONS), &predictions)?;
    let table = folder.join(PREDICTIONS_TABLE);
    let sheet = PredictionSheet {
        truth_cap: Some(card.protocol.clip.upper),
        ..PredictionSheet::of(&predictions)
    };
    fs::write(&table, sheet.csv()?).map_err(|source| StageError::io("write", &table, source))?;
    Ok(summarise(&card, &predictions))
}

/// Returns the protocol the gates judge under, where there are units that no training sees.
fn judging(spec: &PipelineSpec, dataset: &ValidDataset, data: DataDigests) -> Option<Protocol> {
    let lives = dataset.lives();
    if let (Some(part), Some((test, rul))) = (dataset.test(), data.test) {
        let settled = spec.settled(&lives);
        return Some(protocol::test(&settled, test, rul, part.units.len()));
    }
    let holdout = dataset.holdout()?;
    Some(protocol::holdout(spec, &lives, holdout))
}

/// Scores every training unit by a model that did not learn from it.
fn score_out_of_fold(
    spec: &PipelineSpec,
    dataset: &ValidDataset,
    training_data: Digest,
    train: &Path,
) -> Result<(Scorecard, Vec<Prediction>), StageError> {
    let protocol = protocol::out_of_fold(spec, training_data, dataset.train().len());
    let mut predictions = read_json::<OutOfFold>(&train.join(OUT_OF_FOLD))?.predictions();
    let Interval { lower, upper } = protocol.clip;
    for prediction in &mut predictions {
        prediction.rul = prediction.rul.clamp(lower, upper);
    }
    let baseline = mean_truth(spec, &predictions);
    // The calibration of the bundle was learnt from these predictions, so their coverage under it would be too good.
    let seed = derive_seed(spec.project.seed, "calibrate");
    let predictions = Conformal::cross_calibrated(&predictions, &spec.calibrate, &protocol, seed)?;
    let seed = derive_seed(spec.project.seed, "bootstrap");
    let card = score(
        &predictions,
        protocol,
        baseline,
        &spec.evaluate.bootstrap,
        seed,
    )?;
    let card = card.by_group(&predictions, |unit| dataset.groups().of(unit))?;
    Ok((with_suspicions(card, dataset), predictions))
}

/// Scores a bundle on the test part or the holdout, under the pipeline's protocol: the challenger, or a champion that was judged
/// under another protocol.
///
/// # Errors
/// The bundle needs other columns, learnt from a unit of the holdout, or its predictions cannot be scored.
pub fn score_on_unseen(
    spec: &PipelineSpec,
    dataset: &ValidDataset,
    protocol: Protocol,
    bundle: &ModelBundle,
    baseline: f64,
) -> Result<(Scorecard, Vec<Prediction>), StageError> {
    if bundle.manifest().schema != *dataset.schema() {
        return Err(StageError::Schema);
    }
    refuse_leak(&protocol, dataset, bundle.features().fitted_on())?;
    let (units, truths): (Vec<_>, Vec<_>) = match (dataset.test(), dataset.holdout()) {
        (Some(part), _) if protocol.part == Part::Test => (part.units.clone(), part.rul.clone()),
        (_, Some(holdout)) if protocol.part == Part::Holdout => {
            let options = protocol::holdout_options(spec, holdout);
            holdout_cuts(holdout, dataset.groups(), &options)
                .into_iter()
                .unzip()
        }
        _ => return Err(StageError::Schema),
    };
    let predictions = bundle.predict(&units).into_iter().zip(truths);
    let predictions: Vec<_> = predictions
        .map(|(prediction, rul)| Prediction {
            truth: Some(rul),
            ..prediction
        })
        .collect();
    let seed = derive_seed(spec.project.seed, "bootstrap");
    let card = score(
        &predictions,
        protocol,
        baseline,
        &spec.evaluate.bootstrap,
        seed,
    )?;
    let card = card.by_group(&predictions, |unit| dataset.groups().of(unit))?;
    Ok((with_suspicions(card, dataset), predictions))
}

/// Adds the suspicions of validation to the warnings of a scorecard.
fn with_suspicions(mut card: Scorecard, dataset: &ValidDataset) -> Scorecard {
    card.warnings.extend(dataset.suspicions().iter().cloned());
    card
}

/// Refuses a bundle that learnt from units of the holdout, which are in the training files: after the share or the seed was
/// changed, or where a champion is older than the holdout. A test part has its own files.
fn refuse_leak(
    protocol: &Protocol,
    dataset: &ValidDataset,
    learnt_from: &[UnitId],
) -> Result<(), StageError> {
    let Some(holdout) = dataset.holdout() else {
        return Ok(());
    };
    if protocol.part != Part::Holdout {
        return Ok(());
    }
    let learnt_from: BTreeSet<_> = learnt_from.iter().collect();
    let names = holdout.units().iter().map(|unit| &unit.unit);
    let units: Vec<_> = names
        .filter(|unit| learnt_from.contains(unit))
        .cloned()
        .collect();
    if !units.is_empty() {
        return Err(StageError::Leak { units });
    }
    Ok(())
}

/// Returns the best constant prediction for the training part, under the truth that scores are computed from.
fn mean_truth(spec: &PipelineSpec, predictions: &[Prediction]) -> f64 {
    let cap = spec
        .evaluate
        .truth
        .cap(spec.target.cap())
        .unwrap_or(f64::INFINITY);
    let truths = predictions
        .iter()
        .filter_map(|p| p.truth)
        .map(|truth| truth.min(cap));
    truths.sum::<f64>() / predictions.len() as f64
}

fn summarise(card: &Scorecard, predictions: &[Prediction]) -> Summary {
    let mut text = String::new();
    if let Some(rmse) = card.score(Metric::Rmse) {
        text.push_str(&format!(
            "RMSE {:.2} [{:.2}, {:.2}] on ",
            rmse.value, rmse.lower, rmse.upper
        ));
    }
    text.push_str(&format!(
        "{} units of the {}",
        card.units, card.protocol.part
    ));
    let flagged = FlagCounts::of(predictions);
    if !flagged.is_empty() {
        text.push_str(&format!(", {flagged}"));
    }
    let mut summary = Summary::new(text);
    for score in &card.scores {
        summary = summary.figure(score.metric.name(), score.value);
    }
    summary
        .figure("units", card.units)
        .figure("flagged_units", flagged.units())
}
