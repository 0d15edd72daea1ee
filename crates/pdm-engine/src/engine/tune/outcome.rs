//! The result of a search, as it is shown and written as JSON.

use std::path::PathBuf;

use serde::Serialize;

use pdm_core::content::Digest;
use pdm_core::scoring::Metric;
use pdm_models::tune::{AtEdge, Choose, SearchMethod, SearchPoint};

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuned {
    /// Name of the pipeline.
    pub pipeline: String,
    /// The pipeline file, or `(embedded)`.
    pub file: String,
    /// Digest of everything the trials depend on.
    pub study: Digest,
    /// Id of the recorded run.
    pub run: Option<String>,
    /// How the trials were found.
    pub method: SearchMethod,
    /// The metric they were compared by.
    pub metric: Metric,
    /// The trials, in the order they were tried; the first is the file as it is.
    pub trials: Vec<TrialRow>,
    /// Whether the search ended because there was nothing new to try.
    pub exhausted: bool,
    /// The trial with the best score.
    pub best: usize,
    /// The trial that was chosen.
    pub chosen: usize,
    /// The rule it was chosen by.
    pub rule: Choose,
    /// Trials within one standard error of the best, itself included.
    pub within: usize,
    /// Keys that decide which trial is simpler; where empty, the size of the model does.
    pub simpler_by: Vec<String>,
    /// The choice and the file, scored again on new folds.
    pub confirmed: Vec<Confirmation>,
    /// Values of the chosen and of the best trial that are at an end of their range: a wider range might have better values.
    pub at_edge: Vec<EdgeRow>,
    /// The tuned pipeline file.
    pub output: PathBuf,
}

/// A value at an end of its range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EdgeRow {
    /// Number of the trial.
    pub trial: usize,
    /// The value and its range.
    #[serde(flatten)]
    pub edge: AtEdge,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialRow {
    /// Its number.
    pub number: usize,
    /// How it ended.
    pub ended: Ended,
    /// Why it failed.
    pub why: Option<String>,
    /// Folds it was scored on.
    pub folds: usize,
    /// Its score on those.
    pub value: Option<f64>,
    /// How much worse it is than the best, where it is complete.
    pub difference: Option<f64>,
    /// Standard error of that difference, over units.
    pub standard_error: Option<f64>,
    /// Whether it is within one standard error of the best.
    pub within: bool,
    /// Size of its model's weights, where it was needed.
    pub model_bytes: Option<u64>,
    /// The values that were tried.
    pub values: SearchPoint,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All folds are scored.
    Complete,
    /// It fell behind and was stopped.
    Pruned,
    /// Its values cannot be used, or its fit failed.
    Failed,
}

/// The choice and the file, scored on folds, cuts and seeds that had no part in the choice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Confirmation {
    /// Score of the choice.
    pub chosen: f64,
    /// Score of the file as it is, unless that was chosen or cannot be scored.
    pub file: Option<f64>,
    /// How much worse the choice is than the file; negative is better.
    pub difference: Option<f64>,
    /// Standard error of that difference, over units.
    pub standard_error: Option<f64>,
}

impl Tuned {
    /// Returns a trial by its number.
    pub fn trial(&self, number: usize) -> Option<&TrialRow> {
        self.trials.get(number)
    }

    /// Returns how many trials ended in one way.
    pub fn count(&self, ended: Ended) -> usize {
        self.trials
            .iter()
            .filter(|trial| trial.ended == ended)
            .count()
    }
}
