//! What makes the result of a job mean less than it seems, and ends the job only under `--strict`.

use std::fmt;

use serde::Serialize;

use super::EngineError;
use super::bring_up::judged;
use super::outcome::Judged;
use super::pipeline_run::PipelineRun;
use super::results::Results;
use crate::cache::CacheEntry;
use crate::config::Stage;
use crate::pipeline::evaluate::PREDICTIONS;
use crate::pipeline::{StageError, read_json};
use pdm_core::domain::Predictions;
use pdm_core::gates::GateReport;
use pdm_core::scoring::{Caution, Part, cautions};

/// Something that makes the result of a job mean less than it seems; a note or a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "what", rename_all = "snake_case")]
pub enum Concern {
    /// A gate that compares had nothing to compare with.
    NoChampion,
    /// There is no test part and no holdout, so the gates judge scores out of fold.
    NoTestPart,
    /// A holdout was asked for and holds no unit back.
    EmptyHoldout,
    /// An option changes nothing.
    IgnoredSetting(String),
    /// A score means less than its name says: most truths are above the cap, units have fewer cuts, a metric has no value.
    Score(String),
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChampion => {
                f.write_str("there is no champion yet, so a gate that compares compared nothing")
            }
            Self::NoTestPart => f.write_str(
                "there is no test part and no holdout, so the scores judged are out of fold",
            ),
            Self::EmptyHoldout => f.write_str(
                "`split.holdout` holds no unit back, so the scores judged are out of fold",
            ),
            Self::IgnoredSetting(what) | Self::Score(what) => f.write_str(what),
        }
    }
}

/// Refuses to go on under `--strict` where there are concerns.
///
/// # Errors
/// [`EngineError::Strict`], or a result cannot be read.
pub(super) fn refuse(run: &PipelineRun<'_>, results: &Results) -> Result<(), EngineError> {
    if !run.context.strict {
        return Ok(());
    }
    let concerns = concerns(run, results)?;
    if concerns.is_empty() {
        return Ok(());
    }
    Err(EngineError::Strict(concerns))
}

/// Returns the concerns, as far as the run has come.
fn concerns(run: &PipelineRun<'_>, results: &Results) -> Result<Vec<Concern>, EngineError> {
    let spec = &run.job.spec;
    let mut concerns = Vec::new();
    if results.stage(Stage::Train).is_some() {
        concerns.extend(spec.idle_options().into_iter().map(Concern::IgnoredSetting));
    }
    if let Some(evaluate) = results.stage(Stage::Evaluate) {
        let has_holdout = spec.split.holdout.is_some();
        let found = concerns_of_scores(evaluate, has_holdout);
        concerns.extend(found.map_err(EngineError::in_stage(Stage::Evaluate))?);
    }
    if let Some(report) = results.gate_report()?
        && compared_nothing(&report)
    {
        concerns.push(Concern::NoChampion);
    }
    Ok(concerns)
}

fn concerns_of_scores(
    evaluate: &CacheEntry,
    has_holdout: bool,
) -> Result<Vec<Concern>, StageError> {
    let Judged { scorecard, .. } = judged(evaluate)?;
    let predictions: Predictions = read_json(&evaluate.path(PREDICTIONS))?;
    let mut concerns = Vec::new();
    if scorecard.protocol.part == Part::OutOfFold {
        concerns.push(if has_holdout {
            Concern::EmptyHoldout
        } else {
            Concern::NoTestPart
        });
    }
    let found = cautions(&predictions, &scorecard.protocol, &scorecard.scores).unwrap_or_default();
    concerns.extend(found.into_iter().map(|Caution(what)| Concern::Score(what)));
    Ok(concerns)
}

fn compared_nothing(report: &GateReport) -> bool {
    report.champion.is_none() && report.rows.iter().any(|row| row.gate.compares())
}
