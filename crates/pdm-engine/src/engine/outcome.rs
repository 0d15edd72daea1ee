//! What a plan says, and what a run results in.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::EngineError;
use crate::config::{Stage, StepName};
use crate::pipeline::{Summary, read_json};
use pdm_core::content::Digest;
use pdm_core::domain::Predictions;
use pdm_core::gates::GateReport;
use pdm_core::scoring::{Part, Scorecard};
use pdm_models::data::QualityReport;
use pdm_models::features::SensorRank;
use pdm_store::registry::ModelVersion;
use pdm_tracking::tracking::Looks;

/// What a run did with a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageAction {
    /// It ran.
    Ran,
    /// Its result was in the cache.
    Cached,
    /// There was nothing to do.
    Skipped,
    /// A gate did not pass.
    Stopped,
}

/// One stage of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageRow {
    /// The stage.
    pub stage: StepName,
    /// What was done.
    pub action: StageAction,
    /// Why, as a fragment.
    pub why: String,
    /// What it resulted in.
    pub summary: Summary,
    /// Wall time of the work, in milliseconds; zero where none was done.
    pub elapsed_ms: u64,
}

/// Why a stage whose result is in the cache is not run again.
pub(super) const UNCHANGED: &str = "inputs and options are unchanged";

impl StageRow {
    /// Returns the row of a stage that the run does not reach.
    pub(super) fn stopped(stage: StepName, why: String) -> Self {
        Self {
            stage,
            action: StageAction::Stopped,
            why,
            summary: Summary::default(),
            elapsed_ms: 0,
        }
    }
}

/// One stage of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedStage {
    /// The stage.
    pub stage: StepName,
    /// Whether it would run.
    pub runs: bool,
    /// Why, as a fragment.
    pub why: String,
    /// The digest it is cached under, where its inputs are known.
    pub key: Option<Digest>,
    /// How long it took when it ran last, with these options or others, in milliseconds; none where that is unknown.
    pub last_elapsed_ms: Option<u64>,
    /// Most main memory the process held meanwhile, in bytes; none where that is unknown.
    pub last_peak_bytes: Option<u64>,
    /// Upper estimate of the peak memory, in bytes; none where almost none is needed, and where it is not known yet, as for
    /// training before features are fitted.
    pub memory_bytes: Option<u64>,
    /// Whether the stage would be refused because the estimate exceeds its budget.
    pub over_budget: bool,
}

impl PlannedStage {
    /// Returns a stage that would run and about which nothing else is known yet.
    pub(super) fn unknown(stage: Stage, why: String) -> Self {
        Self {
            stage: stage.into(),
            runs: true,
            why,
            key: None,
            last_elapsed_ms: None,
            last_peak_bytes: None,
            memory_bytes: None,
            over_budget: false,
        }
    }
}

/// Scores, and which of the two the gates judge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The part the gates judge: the test part, or out of fold where none is installed.
    pub on: Part,
    /// The judged scorecard.
    pub scorecard: Scorecard,
    /// The out-of-fold scorecard.
    pub out_of_fold: Scorecard,
    /// How many models were scored on the part that the gates judge; none out of fold, and where it cannot be counted.
    pub looks: Option<Looks>,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Version of this document's format.
    pub format: u32,
    /// Name of the pipeline.
    pub pipeline: String,
    /// The pipeline file, or `(embedded)`.
    pub file: String,
    /// Id of the recorded run; none where nothing had to be done.
    pub run: Option<String>,
    /// The stages, in order.
    pub stages: Vec<StageRow>,
    /// The quality of the data.
    pub quality: Option<QualityReport>,
    /// Sensors, best first.
    pub ranking: Option<Vec<SensorRank>>,
    /// How good the model is.
    pub scores: Option<Judged>,
    /// What the gates decided.
    pub gates: Option<GateReport>,
    /// Path of the learning curves, as SVG; none for a model that learns in one step.
    pub learning_curves: Option<PathBuf>,
    /// Path of the bundle.
    pub bundle: Option<PathBuf>,
    /// Path of the judged predictions, as JSON.
    pub predictions: Option<PathBuf>,
    /// Path of the out-of-fold predictions, as JSON; none of a result that an earlier release cached.
    pub out_of_fold_predictions: Option<PathBuf>,
    /// The registered version.
    pub version: Option<ModelVersion>,
    /// The alias that now points to the version.
    pub alias: Option<String>,
}

impl Outcome {
    /// The format this release writes; keys may be added without a new one.
    pub(super) const FORMAT: u32 = 1;

    /// Reads the judged predictions.
    ///
    /// # Errors
    /// The pipeline was not brought up to its scores, or their file cannot be read.
    pub fn predictions(&self) -> Result<Predictions, EngineError> {
        let path = self.predictions.as_deref().unwrap_or(Path::new(""));
        read_json(path).map_err(EngineError::in_stage(Stage::Evaluate))
    }

    /// Returns whether any stage ran.
    pub fn did_something(&self) -> bool {
        self.stages.iter().any(|row| row.action == StageAction::Ran)
    }
}
