//! Cross-validates by unit, then fits on all training units.
//!
//! Each fold's predictions are stored when the fold is done, so a killed run continues where it stopped. The metrics that the fits
//! log become the learning curves.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::curves::{BestStep, CurveLog};
use super::error::FEWEST_HELD;
use super::files::{read_json, write_json};
use super::kept::fold_file;
use super::{StageError, Summary, key, protocol};
use crate::cache::StageKey;
use crate::config::{PipelineSpec, Stage};
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::ResolvedValue;
use pdm_core::events::{InputData, Reporter, UsedFor};
use pdm_core::scoring::is_reachable;
use pdm_models::data::{Folds, Lives, ValidDataset};
use pdm_models::features::{FittedFeatures, InputKind, TargetOptions};
use pdm_models::train::{
    OutOfFold, OutOfFoldPrediction, Recipe, TrainError, Workspace, derive_seed, final_fit, fit_fold,
};

/// Version of what this stage computes; raise it when the same inputs should give another result. Its history is that of
/// `features`.
pub const VERSION: u32 = 3;

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
        "train": spec.train.key_parameters(),
    });
    let parameters = protocol::with_csv(parameters, spec);
    key(
        Stage::Train,
        parameters,
        [("train", Some(train)), ("features", Some(features))],
    )
}

/// Cross-validates and fits, and writes predictions, folds, weights and learning curves into `folder`.
///
/// Folds found in `resume` are not fitted again; a fit may store checkpoints there.
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
    let units = dataset.train().len();
    refuse_unreachable_coverage(spec, units)?;
    refuse_small_holdout(spec, dataset)?;
    let lives = dataset.lives();
    let found = spec.found(&lives);
    let spec = &spec.settled(&lives);
    report_lives(&found, dataset, spec, reporter);
    refuse_unlearnable(spec, &lives)?;
    let recipe = spec.recipe();
    let folds = Folds::assign(
        dataset,
        &spec.split,
        derive_seed(spec.project.seed, "folds"),
    )?;
    let record = reporter;
    let (curves, reporter) = CurveLog::listen(resume, reporter)?;
    let out_of_fold = cross_validate(
        dataset,
        &folds,
        &recipe,
        spec.project.seed,
        resume,
        &reporter,
    )?;
    report_folds(dataset, &folds, &out_of_fold, recipe.target, record);
    let workspace = Workspace::at(resume);
    let model = final_fit(
        dataset,
        features,
        &recipe,
        spec.project.seed,
        &out_of_fold,
        &workspace,
        &reporter,
    )?;
    let title = format!(
        "Learning curves: {} on {}",
        spec.model.kind(),
        dataset.name()
    );
    curves.write(folder, &title)?;
    write_json(&folder.join(FOLDS), &folds)?;
    write_json(&folder.join(OUT_OF_FOLD), &out_of_fold)?;
    let weights = folder.join(WEIGHTS);
    fs::write(&weights, model.weights())
        .map_err(|source| StageError::io("write", &weights, source))?;
    let members = members(spec, &out_of_fold);
    for member in &members {
        member.report(&reporter);
    }
    let best = curves.best_steps();
    for best in &best {
        best.report(&reporter);
    }
    let summary = summarise(spec, units, &out_of_fold, &members, &best);
    if found.is_empty() {
        return Ok(summary);
    }
    Ok(summary.figure("found", json!(found)))
}

/// Refuses a coverage that cannot be reached with so few units, before any work.
pub(super) fn refuse_unreachable_coverage(
    spec: &PipelineSpec,
    units: usize,
) -> Result<(), StageError> {
    let coverage = spec.calibrate.coverage;
    if !is_reachable(units, coverage) {
        return Err(StageError::Coverage { coverage, units });
    }
    Ok(())
}

/// Notes the options that were chosen from the data, and warns of units that are used only in part.
fn report_lives(
    found: &[ResolvedValue],
    dataset: &ValidDataset,
    spec: &PipelineSpec,
    reporter: &Reporter,
) {
    if let Some(text) = ResolvedValue::describe(found) {
        reporter.note(format!("found in the data: {text}"));
    }
    let all = dataset.train().len();
    if let Some(most) = spec.model.longest_read() {
        let long = dataset
            .train()
            .iter()
            .filter(|unit| unit.len() > most)
            .count();
        if long > 0 {
            reporter.warn(format!(
                "{long} of {all} training units have more than {most} rows, but a network learns only from the last {most}: \
                 set a larger model.max_steps or model.stride"
            ));
        }
    }
    report_running(dataset, spec.target.cap(), reporter);
    let reads_rows = spec.model.input() != InputKind::Sequence;
    let first_row = spec.train.first_row();
    let units = dataset.train();
    let short = units.iter().filter(|unit| unit.len() < first_row).count();
    if short > 0 && reads_rows {
        reporter.warn(format!(
            "{short} of {all} training units are shorter than train.first_row = {first_row}: only their last row is used, where \
             the remaining life is 0; write first_row = \"auto\", or a smaller number"
        ));
    }
}

/// Notes how the histories that do not end in failure are used.
fn report_running(dataset: &ValidDataset, cap: f64, reporter: &Reporter) {
    let histories = dataset.running();
    if histories.is_empty() {
        return;
    }
    let known: Vec<usize> = histories
        .iter()
        .map(|history| history.rows_known_at(cap))
        .filter(|rows| *rows > 0)
        .collect();
    let used = known.len();
    let all = histories.len();
    if used == 0 {
        reporter.note(format!(
            "{all} histories without failure are not learnt from: none of them continued for target.cap = {cap} cycles after a row"
        ));
        return;
    }
    let rows: usize = known.iter().sum();
    reporter.note(format!(
        "{used} of {all} histories without failure are learnt from: in {rows} rows they continued for target.cap = {cap} cycles or \
         more, so their label is the cap"
    ));
}

/// Refuses to learn only from last rows, where every label is 0.
fn refuse_unlearnable(spec: &PipelineSpec, lives: &Lives) -> Result<(), TrainError> {
    let first_row = spec.train.first_row();
    let longest = lives.longest;
    let reads_rows = spec.model.input() != InputKind::Sequence;
    if reads_rows && first_row > longest {
        return Err(TrainError::FirstRowBeyondLives { first_row, longest });
    }
    Ok(())
}

/// One member of a stack: its weight, and its own score.
#[derive(Serialize)]
struct StackMember {
    member: String,
    weight: f64,
    out_of_fold_rmse: f64,
}

impl StackMember {
    fn report(&self, reporter: &Reporter) {
        let stack = reporter.scoped("stack").scoped(&self.member);
        stack.metric("weight", 0, self.weight);
        stack.metric("out_of_fold_rmse", 0, self.out_of_fold_rmse);
    }

    fn text(&self) -> String {
        format!(
            "{:.2} {}",
            self.weight,
            self.member.rsplit('-').next().unwrap_or_default()
        )
    }
}

fn members(spec: &PipelineSpec, out_of_fold: &OutOfFold) -> Vec<StackMember> {
    let (Some(stack), Some(blend)) = (spec.model.stack(), &out_of_fold.blend) else {
        return Vec::new();
    };
    let mut members = Vec::new();
    for (i, member) in stack.names().into_iter().enumerate() {
        let (Some(weight), Some(rmse)) = (blend.weights.get(i), blend.member_rmse.get(i)) else {
            break;
        };
        members.push(StackMember {
            member,
            weight: *weight,
            out_of_fold_rmse: *rmse,
        });
    }
    members
}

fn summarise(
    spec: &PipelineSpec,
    units: usize,
    out_of_fold: &OutOfFold,
    members: &[StackMember],
    best: &[BestStep],
) -> Summary {
    let kind = spec.model.kind();
    let seeds = spec.train.seeds;
    let folds = spec.split.folds;
    let cuts = out_of_fold.predictions.len();
    let blend: Vec<_> = members.iter().map(StackMember::text).collect();
    let blend = if blend.is_empty() {
        String::new()
    } else {
        format!(" of {}", blend.join(" + "))
    };
    let repeated = if seeds == 1 {
        String::new()
    } else {
        format!(" with {seeds} seeds")
    };
    let stopped = if let [best] = best {
        format!("; {}", best.text())
    } else {
        String::new()
    };
    let text = format!(
        "{kind}{blend}{repeated} on {units} units, {folds} folds, {cuts} out-of-fold predictions{stopped}"
    );
    let mut summary = Summary::new(text)
        .figure("model", kind)
        .figure("seeds", seeds)
        .figure("folds", folds)
        .figure("out_of_fold_predictions", cuts);
    if !members.is_empty() {
        summary = summary.figure("members", json!(members));
    }
    if !best.is_empty() {
        summary = summary.figure("early_stopping", json!(best));
    }
    summary
}

/// Returns the name of a fold in the record of a run, which counts from 1.
fn part_of(fold: usize) -> String {
    format!("fold-{}", fold + 1)
}

/// Reports the data and the score of each fold, to the record only: single numbers are not learning curves.
fn report_folds(
    dataset: &ValidDataset,
    folds: &Folds,
    out_of_fold: &OutOfFold,
    target: &TargetOptions,
    record: &Reporter,
) {
    let data = |fold: &str, used_for: UsedFor| {
        let digest = digest_of(&(dataset.name(), folds.digest(), fold, used_for))
            .expect("words have a JSON form");
        InputData {
            name: format!("{} {fold} {}", dataset.name(), used_for.word()),
            digest: digest.to_string(),
            used_for,
            source: dataset.name().to_owned(),
        }
    };
    for fold in 0..folds.count() {
        let reporter = record.scoped(&part_of(fold));
        for used_for in [UsedFor::Training, UsedFor::Validation] {
            reporter.input(data(&part_of(fold), used_for));
        }
        let of_fold = out_of_fold
            .predictions
            .iter()
            .filter(|prediction| prediction.fold == fold);
        let squares: Vec<f64> = of_fold
            .map(|p| (p.rul.clamp(0.0, target.cap()) - target.label(p.truth)).powi(2))
            .collect();
        if !squares.is_empty() {
            let rmse = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
            reporter.metric("out_of_fold_rmse", 0, rmse);
        }
    }
}

/// A finished fold, for a run that continues a killed one; a fold that was changed since is computed again.
#[derive(Serialize, Deserialize)]
struct KeptFold {
    sha256: Digest,
    predictions: Vec<OutOfFoldPrediction>,
}

impl KeptFold {
    fn of(predictions: &[OutOfFoldPrediction]) -> Self {
        Self {
            sha256: Self::digest(predictions),
            predictions: predictions.to_vec(),
        }
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
    let workspace = Workspace::at(resume);
    let mut done = Vec::with_capacity(count);
    for fold in 0..count {
        reporter.progress(
            "cross-validate",
            fold as u64,
            count as u64,
            format!("fold {} of {count}", fold + 1),
        );
        let path = fold_file(resume, fold);
        let kept = read_json::<KeptFold>(&path)
            .ok()
            .and_then(KeptFold::verified);
        done.push(match kept {
            Some(predictions) => {
                let kept = [
                    ("fold", (fold + 1).to_string()),
                    ("kept_from_before", true.to_string()),
                ];
                reporter.begin_part(&part_of(fold), &kept).end_part();
                predictions
            }
            None => {
                let predictions =
                    fit_fold(dataset, folds, fold, recipe, seed, &workspace, reporter)?;
                write_json(&path, &KeptFold::of(&predictions))?;
                predictions
            }
        });
    }
    reporter.progress("cross-validate", count as u64, count as u64, "");
    Ok(OutOfFold::gather(done, recipe.target))
}

/// Refuses a holdout that is too small for a score, before the fit; with a test part, the holdout is not used.
fn refuse_small_holdout(spec: &PipelineSpec, dataset: &ValidDataset) -> Result<(), StageError> {
    let (Some(options), Some(holdout), None) =
        (&spec.split.holdout, dataset.holdout(), dataset.test())
    else {
        return Ok(());
    };
    let held: Vec<_> = holdout
        .units()
        .iter()
        .map(|unit| unit.unit.clone())
        .collect();
    if held.len() >= FEWEST_HELD {
        return Ok(());
    }
    let all: Vec<_> = dataset
        .train()
        .iter()
        .map(|unit| unit.unit.clone())
        .chain(held.iter().cloned())
        .collect();
    let instead = options
        .enough(&all, FEWEST_HELD)
        .map(|enough| format!("share = {}, seed = {}", enough.share, enough.seed));
    Err(StageError::Holdout {
        held,
        units: all.len(),
        instead,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The native layers were called `flex`; what was trained with them need not be trained again.
    #[test]
    fn the_native_backend_has_the_key_it_always_had() {
        let key = |version: u32, train: &str| {
            let text = format!(
                "version = {version}\nproject.name = \"x\"\ndataset.kind = \"simulated\"\n{train}"
            );
            let (spec, _) = PipelineSpec::load(&text, "pdm.toml", &[], &|_| None).unwrap();
            stage_key(&spec, Digest::of("data"), Digest::of("features"))
        };
        let usual = key(3, "");
        assert_eq!(usual.parameters["train"]["backend"], "flex");
        let native = [
            key(2, ""),
            key(2, "train.backend = \"flex\""),
            key(3, "train.backend = \"native\""),
        ];
        assert!(native.iter().all(|key| key.digest() == usual.digest()));
        let burn = key(3, "train.backend = \"flex\"");
        assert_ne!(burn.digest(), usual.digest());
    }
}
