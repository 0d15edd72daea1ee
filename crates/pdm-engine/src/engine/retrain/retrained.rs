//! The result of `retrain`, for the log, for programs and for notices.

use jiff::Timestamp;
use serde::Serialize;

use super::super::drift::Drift;
use super::ConditionFinding;
use pdm_core::gates::GateReport;
use pdm_core::scoring::{Part, Score};
use pdm_store::registry::{Alias, ModelName};

/// What `retrain` resulted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetrainResult {
    /// No new model was due, or it would be one that was judged already.
    Nothing,
    /// A new model was made and is the champion now.
    Promoted,
    /// A new model was made, and a gate failed.
    Refused,
    /// A new model was made, and a gate was undecided.
    Undecided,
    /// The model passed its gates but the champion stays: the model is the champion, was rolled back by hand, or
    /// `registry.promote` is off.
    Kept,
}

impl RetrainResult {
    /// Returns the name, as in JSON and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Promoted => "promoted",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
            Self::Kept => "kept",
        }
    }
}

/// The result of `retrain`, for the log, for programs and for notices.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retrained {
    /// The time, as in the registry's log.
    pub time: Timestamp,
    /// Name of the pipeline.
    pub pipeline: String,
    /// The pipeline file, or `(embedded)`.
    pub file: String,
    /// Name of the model in the registry.
    pub model: ModelName,
    /// The alias that the gates guard.
    pub alias: Alias,
    /// What it resulted in.
    pub result: RetrainResult,
    /// Why, in one sentence without a period.
    pub why: String,
    /// The conditions that were checked; none where the same model was judged already.
    pub conditions: Vec<ConditionFinding>,
    /// The drift, where it was checked.
    pub drift: Option<Drift>,
    /// Digest of the options and data that a model is, or would be, made from.
    pub recipe: String,
    /// The version the alias pointed to before.
    pub champion_before: Option<u32>,
    /// The version the alias points to now.
    pub champion: Option<u32>,
    /// The version that was made or judged, where one was.
    pub version: Option<u32>,
    /// The part it was judged on.
    pub judged_on: Option<Part>,
    /// Number of units it was judged on.
    pub units: Option<usize>,
    /// Its scores.
    pub scores: Vec<Score>,
    /// What the gates decided.
    pub gates: Option<GateReport>,
    /// Id of the recorded run, where anything ran.
    pub run: Option<String>,
    /// How long `retrain` took, in milliseconds.
    pub elapsed_ms: u64,
}
