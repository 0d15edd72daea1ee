use jiff::Timestamp;
use serde::Serialize;

use super::super::drift::Drift;
use super::ConditionFinding;
use pdm_core::gates::GateReport;
use pdm_core::scoring::{Part, Score};
use pdm_store::registry::{Alias, ModelName};

/// What came of a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NightResult {
    /// No new model was due, or it would be one that was judged already.
    Nothing,
    /// A new model was made and is champion now.
    Promoted,
    /// A new model was made, and a gate said no.
    Refused,
    /// A new model was made, and a gate could not tell.
    Undecided,
    /// The model passed its gates and the champion stays all the same: it is the champion, was rolled back by hand, or
    /// `registry.promote` is off.
    Kept,
}

impl NightResult {
    /// Returns the name, as it stands in JSON and in the line for the log.
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

/// Everything worth telling of a night: for the log, for programs, and for whoever is notified.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retrained {
    /// When it was, as the registry's log has it.
    pub time: Timestamp,
    /// Name of the pipeline.
    pub pipeline: String,
    /// The pipeline file, or `(embedded)`.
    pub file: String,
    /// Name of the model in the registry.
    pub model: ModelName,
    /// The alias that the gates guard.
    pub alias: Alias,
    /// What came of it.
    pub result: NightResult,
    /// Why, in one sentence without a period.
    pub why: String,
    /// The reasons that were looked at; none where the same model was judged already.
    pub conditions: Vec<ConditionFinding>,
    /// What the look for drift found, where one was asked for.
    pub drift: Option<Drift>,
    /// Digest of the options and data a model would be, or was, made of.
    pub recipe: String,
    /// The version the alias pointed to before.
    pub champion_before: Option<u32>,
    /// The version the alias points to now.
    pub champion: Option<u32>,
    /// The version that was made or judged, where one was.
    pub version: Option<u32>,
    /// On what it was judged.
    pub judged_on: Option<Part>,
    /// How many units that were.
    pub units: Option<usize>,
    /// Its scores.
    pub scores: Vec<Score>,
    /// What the gates made of it.
    pub gates: Option<GateReport>,
    /// Id of the recorded run, where anything ran.
    pub run: Option<String>,
    /// How long the night took, in milliseconds.
    pub elapsed_ms: u64,
}
